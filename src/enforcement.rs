//! The only place that orders the steps of a decision: read, decide, record durably, answer.
//!
//! Whatever cannot be read, decided or recorded is denied. The log's lock is taken before anything is read that the
//! decision depends on, and held until the decision is durable.

pub mod assess;
mod gate;
mod gate_history;
mod kept;
mod landing;
mod own;
pub mod preview;
mod record;
mod request;
mod review;
mod settle;
mod transaction;

use crate::domain::audit::{Debt, Entry, Event};
use crate::domain::change::{ChangesetId, ContentId, Push, Pusher, RefUpdate, Target};
use crate::domain::policy::{Decision, Policy, Verdict};
use crate::domain::request::Limits;
use crate::domain::time::{Span, Timestamp};
use crate::ports::approval_store::ApprovalStore;
use crate::ports::clock::Clock;
use crate::ports::history::{ClaimRefusal, History, HistoryError};
use crate::ports::incoming::{Incoming, OwnRefusal};
use crate::ports::log::{Appended, Log, LogError, LogStore};
use crate::ports::policy_source::{PolicySource, PolicyUnavailable};
use assess::AssessError;
use own::Intake;
use std::time::Instant;

pub use gate::{GateAnswer, GateAsk, GateState, Over};
pub use gate_history::GateHistory;
pub use kept::KeptError;
pub use landing::{Arrived, Attempt, NotLanded};
pub use record::{Found, Landed, Outcome};
pub use request::{KeepError, Kept, NotKept, Opened};
pub use review::{ReviewRefusal, Reviewed};
pub use transaction::{Stage, Unjudged};

/// How far the server's clock may stand behind the log's newest entry before nothing can be decided.
const CLOCK_TOLERANCE: Span = Span::seconds(60 * 60);

/// A repository's server side: everything that a decision needs, and nothing of how it is done.
pub struct Server<'a> {
    /// Name and id of the repository, as tokens write it.
    pub repository: &'a str,
    /// Whether rules may count approvals although nobody knows who pushes.
    pub unknown_pusher_allowed: bool,
    /// How much may wait for approval.
    pub limits: &'a Limits,
    /// The policy in force.
    pub policy: &'a dyn PolicySource,
    /// The tokens that were received.
    pub approvals: &'a dyn ApprovalStore,
    /// The log.
    pub log: &'a dyn LogStore,
    /// What time it is.
    pub clock: &'a dyn Clock,
}

/// Why a push is refused as a whole, whatever the rules say.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It claims what does not hold.
    #[error(transparent)]
    Claim(ClaimRefusal),
    /// It changes what is jit's own.
    #[error(transparent)]
    Own(OwnRefusal),
    /// There is no policy to judge by.
    #[error(transparent)]
    Policy(PolicyUnavailable),
    /// The clock stands before the log's newest entry.
    #[error("the server's clock says {now}, but the log's newest entry is of {newest}")]
    ClockBehind {
        /// What the clock says.
        now: Timestamp,
        /// The newest entry's time.
        newest: Timestamp,
    },
    /// Something that the decision depends on could not be found out.
    #[error("the push could not be judged")]
    NotAssessed(#[source] AssessError),
}

/// What became of a push.
#[derive(Debug)]
pub struct Answer {
    /// What was to be judged.
    pub stage: Stage,
    /// Who pushed.
    pub pusher: Pusher,
    /// The push, as far as it was read.
    pub push: Option<Push>,
    /// How the rules judged it.
    pub decision: Decision,
    /// Why it is refused as a whole.
    pub refusals: Vec<Refusal>,
    /// What became of the tokens that it carried.
    pub intake: Intake,
    /// The overrides whose review is overdue.
    pub overdue: Vec<Debt>,
    /// The requests that a recorded denial opened.
    pub requests: Vec<Opened>,
    /// The decision's place in the log; `None` where [`Stage`] asks for no entry. After an error the push is denied.
    pub recorded: Result<Option<Appended>, LogError>,
}

impl Answer {
    /// Nothing was read yet, and so nothing is allowed.
    fn begun(stage: Stage, pusher: Pusher) -> Self {
        Self {
            stage,
            pusher,
            push: None,
            decision: Decision::default(),
            refusals: Vec::new(),
            intake: Intake::default(),
            overdue: Vec::new(),
            requests: Vec::new(),
            recorded: Err(LogError::Deadline),
        }
    }

    /// Returns the answer: allow only what was decided so, and recorded.
    pub fn verdict(&self) -> Verdict {
        if self.recorded.is_ok() && self.is_allowed() { Verdict::Allow } else { Verdict::Deny }
    }

    /// Tells whether nothing is against it but that it may not be recorded yet.
    fn is_allowed(&self) -> bool {
        let is_met = self.decision.verdict() == Verdict::Allow || self.changes_nothing();
        self.refusals.is_empty() && is_met
    }

    /// Tells whether this is a Mercurial transaction that moves no target: a marker or a draft phase alone.
    fn changes_nothing(&self) -> bool {
        matches!(self.stage, Stage::Early | Stage::Transaction(_))
            && self.refusals.is_empty()
            && self.decision.updates.is_empty()
    }

    /// Tells whether the denial comes from something broken, not from a rule.
    pub fn is_undecided(&self) -> bool {
        let broken = |refusal: &Refusal| !matches!(refusal, Refusal::Claim(_) | Refusal::Own(_));
        self.recorded.is_err() || self.refusals.iter().any(broken)
    }
}

impl Server<'_> {
    /// Decides a push and records the decision; `started` is when the hook began, `deadline` when it must have ended.
    pub fn decide(&self, incoming: &mut dyn Incoming, pusher: Pusher, started: Instant, deadline: Instant) -> Answer {
        self.decide_stage(Stage::Push, incoming, pusher, started, deadline)
    }

    /// As [`Server::decide`], of what `stage` says.
    pub fn decide_stage(
        &self,
        stage: Stage,
        incoming: &mut dyn Incoming,
        pusher: Pusher,
        started: Instant,
        deadline: Instant,
    ) -> Answer {
        let mut answer = Answer::begun(stage, pusher);
        answer.recorded = self.decide_into(&mut answer, incoming, started, deadline);
        answer
    }

    fn decide_into(
        &self,
        answer: &mut Answer,
        incoming: &mut dyn Incoming,
        started: Instant,
        deadline: Instant,
    ) -> Result<Option<Appended>, LogError> {
        let mut log = self.log.open(deadline)?;
        let now = self.moment(log.as_ref(), answer);
        let (policy, found) = self.judge(answer, log.as_mut(), incoming, now)?;
        if answer.changes_nothing() || (answer.stage == Stage::Early && answer.is_allowed()) {
            return Ok(None);
        }
        let record = record::decision(self.repository, answer, policy.as_ref(), &found, started.elapsed());
        let record = match log.last_denial() {
            Some(last) => last.fold(record),
            None => record,
        };
        let mut appended = log.append(&Entry { time: now, event: Event::Decision(Box::new(record)) })?;
        // Before the answer: what moves with an override has its entry, and is a debt until somebody has looked at it.
        for used in policy.iter().flat_map(|policy| record::overrides(answer, policy, appended.index, now)) {
            appended.head = log.append(&Entry { time: now, event: Event::Override(used) })?.head;
        }
        let taken = if answer.is_allowed() { &answer.intake } else { &Intake::default() };
        for step in request::steps(taken, &answer.pusher, log.kept()) {
            appended.head = log.append(&Entry { time: now, event: Event::Request(step) })?.head;
        }
        answer.requests = request::opened(self.repository, answer);
        Ok(Some(appended))
    }

    /// Fills in the answer. Only a log that fails is an error: everything else is a refusal that can be recorded.
    fn judge(
        &self,
        answer: &mut Answer,
        log: &mut dyn Log,
        incoming: &mut dyn Incoming,
        now: Timestamp,
    ) -> Result<(Option<Policy>, Vec<Found>), LogError> {
        let policy = match self.policy.load() {
            Ok(policy) => Some(policy),
            Err(error) => {
                answer.refusals.push(Refusal::Policy(error));
                None
            }
        };
        let mut updates = match incoming.ref_updates() {
            Ok(updates) => updates,
            Err(HistoryError::Refused(claims)) => {
                answer.refusals.extend(claims.into_iter().map(Refusal::Claim));
                Vec::new()
            }
            Err(error) => {
                answer.refusals.push(Refusal::NotAssessed(AssessError::History(error)));
                Vec::new()
            }
        };
        if let Err(error) = settle::settle(log, incoming, &updates, now)? {
            answer.refusals.push(Refusal::NotAssessed(AssessError::History(error)));
        }
        if let Some(policy) = &policy {
            self.take_in(answer, policy, incoming, &updates, now);
            let refusals = request::refusals(&answer.intake, log.kept(), &answer.pusher, self.limits);
            answer.refusals.extend(refusals.into_iter().map(Refusal::Own));
            if answer.stage != Stage::Early {
                review::record(policy, &mut answer.intake, log, now)?;
            }
        }
        answer.overdue = log.debts().iter().filter(|debt| debt.overriding.due <= now).cloned().collect();
        let found = Self::compare_all(log, &mut updates, now)?;
        let (own, judged): (Vec<RefUpdate>, Vec<RefUpdate>) =
            updates.into_iter().partition(|update| update.target.is_own());
        let push = Push {
            repository: self.repository.to_owned(),
            pusher: answer.pusher.clone(),
            unknown_pusher_allowed: self.unknown_pusher_allowed,
            updates: judged,
        };
        match &policy {
            // A push that is refused already is not worth the walk through its history.
            Some(policy) if answer.refusals.is_empty() => self.assess(answer, policy, push, incoming, log, now),
            _ => answer.push = Some(push),
        }
        if answer.stage == Stage::Early {
            // What is still to come may bring an update under a rule that no default has to answer for.
            answer.decision.updates.iter_mut().for_each(|update| update.default = None);
        }
        answer.decision.updates.extend(own.iter().map(own::allowed));
        Ok((policy, found))
    }

    /// Fills in what `policy` says of `push`.
    fn assess(
        &self,
        answer: &mut Answer,
        policy: &Policy,
        push: Push,
        history: &mut dyn History,
        log: &dyn Log,
        now: Timestamp,
    ) {
        let landed = |target: &Target, content: &ContentId| log.landed(target, content);
        match assess::assess(policy, push, history, self.approvals, &landed, now) {
            Ok(assessment) => {
                answer.decision = assessment.decision;
                answer.push = Some(assessment.push);
                answer.intake.tokens = assessment.tokens;
            }
            Err(error) => answer.refusals.push(Refusal::NotAssessed(error)),
        }
    }

    /// The moment of a decision; a clock that is too far behind the log refuses it.
    fn moment(&self, log: &dyn Log, answer: &mut Answer) -> Timestamp {
        let clock = self.clock.now();
        let newest = log.newest_time().unwrap_or(clock);
        if newest.since(clock) > CLOCK_TOLERANCE {
            answer.refusals.push(Refusal::ClockBehind { now: clock, newest });
        }
        clock.max(newest)
    }

    /// The time of an entry that judges nothing: now, but no earlier than the log's newest.
    fn entry_time(&self, log: &dyn Log) -> Timestamp {
        let now = self.clock.now();
        log.newest_time().map_or(now, |newest| now.max(newest))
    }

    fn take_in(
        &self,
        answer: &mut Answer,
        policy: &Policy,
        incoming: &mut dyn Incoming,
        updates: &[RefUpdate],
        now: Timestamp,
    ) {
        match incoming.carried(updates) {
            Ok(carried) => {
                let (intake, refusals) = own::take_in(self.repository, policy, self.approvals, carried, now);
                answer.intake = intake;
                answer.refusals.extend(refusals.into_iter().map(Refusal::Own));
            }
            Err(error) => answer.refusals.push(Refusal::NotAssessed(AssessError::History(error))),
        }
    }

    /// Notes what changed behind the log's back, and when each target was last rewritten.
    fn compare_all(log: &dyn Log, updates: &mut [RefUpdate], now: Timestamp) -> Result<Vec<Found>, LogError> {
        let mut found = Vec::new();
        // Jit's own targets are moved by the server as well, and no token is spent by that.
        for update in updates.iter_mut().filter(|update| !update.target.is_own()) {
            let value = update.old.clone();
            if compare_with_log(log, update, &value, now)? {
                found.push(Found { target: update.target.clone(), value });
            }
        }
        Ok(found)
    }
}

/// Notes what the log knows of the target of `update`, and tells whether `value`, which it holds, came to it behind the log's back. An
/// environment holds nothing but what its gates opened for.
fn compare_with_log(
    log: &dyn Log,
    update: &mut RefUpdate,
    value: &[ChangesetId],
    now: Timestamp,
) -> Result<bool, LogError> {
    let state = log.target(&update.target)?;
    if update.action().gate().is_some() {
        update.old = state.gates.get(update.action()).copied().into_iter().collect();
        update.used = state.spent.into_keys().collect();
        return Ok(false);
    }
    let moved = state.recorded.unwrap_or_default() != value;
    update.rewritten_at = if moved { Some(now) } else { state.rewritten_at };
    update.used = state.used;
    Ok(moved)
}
