//! Kept requests that land by themselves (docs/spec/semantics.md, 18).

use super::Server;
use super::kept::{KeptError, MOST, is_superseded};
use super::own::parse;
use super::preview::PreviewError;
use crate::domain::audit::{Entry, Event, KeptRequest, Obstacle, Step};
use crate::domain::change::{Action, Target};
use crate::domain::name::RuleName;
use crate::domain::policy::{Mode, Policy, UpdateDecision, Verdict};
use crate::domain::request::RequestId;
use crate::ports::incoming::Carried;
use crate::ports::log::LogError;
use crate::ports::parking::{Landing, ParkingError};
use std::collections::BTreeSet;
use std::time::Instant;

/// What a push brought that may let requests land.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrived {
    /// The targets that its tokens name; `None` for a token that names none, such as an attestation.
    pub targets: BTreeSet<Option<Target>>,
    /// The requests that it sent.
    pub requests: BTreeSet<RequestId>,
}

impl Arrived {
    /// Takes what a push carried; what is no token is passed over.
    pub fn of(carried: &Carried) -> Self {
        let targets = carried.tokens.iter().filter_map(|token| Some(parse(token).ok()?.token.target)).collect();
        Self { targets, requests: carried.requests.iter().map(|request| request.id.clone()).collect() }
    }

    /// Tells whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.requests.is_empty()
    }

    /// Tells whether it may let `request` land. A token without a target may let any.
    fn concerns(&self, request: &KeptRequest) -> bool {
        let names = |target: &Option<Target>| target.as_ref().is_none_or(|target| *target == request.target);
        self.targets.iter().any(names) || self.requests.contains(&request.id)
    }
}

/// An attempt to let a request land by itself.
#[derive(Debug)]
pub struct Attempt {
    /// The request.
    pub request: KeptRequest,
    /// What came of it.
    pub result: Result<(), NotLanded>,
}

/// Why a request that should land by itself did not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotLanded {
    /// Its target went another way.
    #[error("its target is no longer below it")]
    Moved,
    /// Its push was refused.
    #[error("its push was refused: {}", said.trim_end())]
    Refused {
        /// What the pusher would have read.
        said: String,
    },
    /// It could not be judged.
    #[error("it could not be judged")]
    NotJudged(#[from] PreviewError),
    /// It could not be pushed.
    #[error("it could not be pushed")]
    NotPushed(#[from] ParkingError),
}

impl NotLanded {
    fn obstacle(&self) -> Obstacle {
        match self {
            Self::Moved => Obstacle::Moved,
            Self::Refused { .. } => Obstacle::Refused,
            Self::NotJudged(_) | Self::NotPushed(_) => Obstacle::Failed,
        }
    }
}

/// How a request stands, were it pushed now.
enum Standing {
    /// Its target holds it.
    Landed,
    /// It would not go forward.
    Moved,
    /// It would be judged so; whether every rule wants it to land by itself.
    Judged { verdict: Verdict, lands_itself: bool },
}

impl Server<'_> {
    /// Lets those requests land that `arrived` concerns, that say so, and that would be let in. The oldest come first. What came with
    /// the same push is tried as well: there one may need what the other lets land.
    ///
    /// Each lands by a push of its own, which is judged anew: what is found out here only decides whether one is tried. The log is not
    /// locked meanwhile. Who comes second, or after a crash, finds the target where it should be.
    ///
    /// # Errors
    /// [`KeptError::Log`].
    pub fn land(
        &self,
        arrived: &Arrived,
        landing: &mut dyn Landing,
        deadline: Instant,
    ) -> Result<Vec<Attempt>, KeptError> {
        let Ok(policy) = self.policy.load() else { return Ok(Vec::new()) };
        let log = self.log.open(deadline)?;
        let (kept, now) = (log.kept().to_vec(), self.entry_time(log.as_ref()));
        drop(log);
        let known = |one: &&KeptRequest| one.requester.login.is_some() || self.unknown_pusher_allowed;
        let lands = kept.iter().filter(|one| one.action.gate().is_none());
        let waiting = lands.filter(|one| !is_superseded(one, &kept) && !self.is_overdue(one, now));
        let pushes: BTreeSet<u64> = kept.iter().filter(|one| arrived.concerns(one)).map(|one| one.push).collect();
        let mut attempts = Vec::new();
        for request in waiting.filter(known).filter(|one| pushes.contains(&one.push)).take(MOST) {
            if let Some(result) = self.try_to_land(&policy, request, landing, deadline) {
                if let Err(why) = &result {
                    self.note(request, why.obstacle(), deadline)?;
                }
                attempts.push(Attempt { request: request.clone(), result });
            }
        }
        Ok(attempts)
    }

    /// Returns what came of the attempt; `None`: nothing is to be tried.
    fn try_to_land(
        &self,
        policy: &Policy,
        request: &KeptRequest,
        landing: &mut dyn Landing,
        deadline: Instant,
    ) -> Option<Result<(), NotLanded>> {
        match self.standing(policy, request, landing, deadline) {
            Ok(Standing::Judged { verdict: Verdict::Allow, lands_itself: true }) => {}
            Ok(Standing::Moved) => return Some(Err(NotLanded::Moved)),
            Ok(Standing::Landed | Standing::Judged { .. }) => return None,
            Err(error) => return Some(Err(error)),
        }
        match landing.push(request, deadline) {
            Ok(Ok(())) => Some(Ok(())),
            // Somebody else may have been faster, with this request or with another.
            Ok(Err(said)) => match self.standing(policy, request, landing, deadline) {
                Ok(Standing::Landed) => Some(Ok(())),
                Ok(Standing::Moved) => Some(Err(NotLanded::Moved)),
                _ => Some(Err(NotLanded::Refused { said })),
            },
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Tells whether it would be let in now.
    pub(super) fn is_approved(
        &self,
        policy: &Policy,
        request: &KeptRequest,
        landing: &mut dyn Landing,
        deadline: Instant,
    ) -> bool {
        let standing = self.standing(policy, request, landing, deadline);
        matches!(standing, Ok(Standing::Judged { verdict: Verdict::Allow, .. }))
    }

    fn standing(
        &self,
        policy: &Policy,
        request: &KeptRequest,
        landing: &mut dyn Landing,
        deadline: Instant,
    ) -> Result<Standing, NotLanded> {
        let Some(history) = landing.supposed(request)? else { return Ok(Standing::Landed) };
        let login = request.requester.login.as_deref();
        let assessment = self.preview(policy, history, login, deadline)?;
        let Some(update) = assessment.decision.updates.first() else { return Ok(Standing::Landed) };
        let lands_itself = lands_itself(policy, update);
        let verdict = assessment.decision.verdict();
        Ok(match update.action {
            Action::Update | Action::Create => Standing::Judged { verdict, lands_itself },
            // Only where somebody waits for it to land by itself is that worth saying.
            Action::Rewrite | Action::NewHead if lands_itself => Standing::Moved,
            _ => Standing::Judged { verdict, lands_itself: false },
        })
    }

    /// Records once why a request does not land.
    fn note(&self, request: &KeptRequest, why: Obstacle, deadline: Instant) -> Result<(), LogError> {
        let mut log = self.log.open(deadline)?;
        if log.kept().iter().any(|one| one.id == request.id && one.obstacle != Some(why)) {
            let time = self.entry_time(log.as_ref());
            log.append(&Entry { time, event: Event::Request(request.step(Step::NotLanded { why })) })?;
        }
        Ok(())
    }
}

/// Tells whether every enforcing rule that matches wants it so.
fn lands_itself(policy: &Policy, update: &UpdateDecision) -> bool {
    let says_so = |name: &RuleName| policy.rules.iter().any(|rule| rule.name == *name && rule.lands_itself);
    let mut enforced = update.rules.iter().filter(|rule| rule.mode == Mode::Enforce).peekable();
    enforced.peek().is_some() && enforced.all(|rule| says_so(&rule.rule))
}
