//! Opens gates: a pipeline asks, waits for approvals, and goes on (docs/spec/gate.md).
//!
//! A gate opens under the log's lock, and its entry stands in the log before it is answered. The tokens that counted are spent by that entry,
//! so that no two gates share one.

use super::kept::is_superseded;
use super::request::{admit, step_of};
use super::{Answer, GateHistory, Kept, NotKept, Refusal, Server, Stage, compare_with_log};
use super::{record, request};
use crate::domain::approval::SignedToken;
use crate::domain::audit::{self, Entry, Event, KeptRequest, Removal, Step};
use crate::domain::change::{Gate, Push, Pusher};
use crate::domain::policy::{Policy, UpdateDecision, Verdict};
use crate::domain::request::{Clocks, Finding, RequestId, written_for};
use crate::domain::time::Timestamp;
use crate::ports::history::History;
use crate::ports::incoming::OwnRefusal;
use crate::ports::log::{Log, LogError};
use crate::ports::parking::{Board, Shown};
use std::sync::Arc;
use std::time::Instant;

/// What a pipeline asks.
#[derive(Debug, Clone)]
pub struct GateAsk {
    /// The gate.
    pub gate: Gate,
    /// Why; may be empty.
    pub reason: String,
    /// Who asks, as the transport proved it. Their own approval does not count.
    pub asker: Pusher,
    /// Whether it was asked for before, and must still be: what has ended is not opened anew.
    pub again: bool,
}

/// How a gate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateState {
    /// It opened, once and for this answer.
    Opened,
    /// It waits for somebody's token, until then.
    Waits {
        /// When it has waited for too long.
        until: Timestamp,
    },
    /// No token could change the answer, or somebody rejected it.
    Refused,
    /// It was asked for, and no longer is.
    Over(Over),
    /// The policy knows no such gate.
    Unknown,
    /// It could not be decided.
    Undecided,
}

/// Why a gate is no longer asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// The asker asks for another changeset.
    Superseded {
        /// By this request.
        by: RequestId,
    },
    /// It waited for too long.
    Expired,
    /// It was taken back, or opened for somebody else who asked for the same.
    Gone,
}

/// What a pipeline is told.
#[derive(Debug)]
pub struct GateAnswer {
    /// The request by which it is asked for.
    pub id: RequestId,
    /// How the gate stands.
    pub state: GateState,
    /// What was judged and recorded.
    pub answer: Answer,
}

impl Server<'_> {
    /// Opens the gate if its rules are met, asks for it if somebody's tokens can still open it, and else refuses it.
    ///
    /// 1. Under the log's lock: policy, history and tokens are read and judged, as for a push.
    /// 2. Open: the entry that opens it, which spends the tokens; then the end of its request. Refused: the entry that says so.
    /// 3. Asked for the first time: the request is recorded. Approvers are shown it when the log is free again, as that can take long; that
    ///    they cannot be shown it changes nothing, and whoever asks for the same again shows it once more.
    pub fn gate(
        &self,
        ask: &GateAsk,
        history: &mut dyn History,
        board: &mut dyn Board,
        started: Instant,
        deadline: Instant,
    ) -> GateAnswer {
        let turn = Turn { server: self, ask, id: id_of(self.repository, &ask.gate), started };
        let mut answer = Answer::begun(Stage::Gate, ask.asker.clone());
        answer.recorded = Ok(None);
        let state = self.log.open(deadline);
        let state = state.and_then(|mut log| turn.decide(&mut answer, log.as_mut(), history));
        let state = match state {
            Ok(state) => state,
            Err(error) => {
                answer.recorded = Err(error);
                GateState::Undecided
            }
        };
        // What stays behind, or is shown after somebody else's answer ended it, is a stray, which a clean-up takes away.
        match state {
            GateState::Opened => drop(board.take_down(&turn.id)),
            GateState::Waits { .. } => turn.show(&mut answer, board),
            _ => {}
        }
        GateAnswer { id: turn.id, state, answer }
    }

    /// Tells whether [`Server::gate`] could have something new to say to who waits. The log's lock is held only while the log is read.
    pub fn gate_may_move(&self, ask: &GateAsk, history: &mut dyn History, deadline: Instant) -> bool {
        let id = id_of(self.repository, &ask.gate);
        let is_over = self.log.open(deadline).map(|log| {
            let now = self.entry_time(log.as_ref());
            let waits = log.kept().iter().find(|one| one.id == id).is_some_and(|one| !self.is_overdue(one, now));
            !waits || over(log.kept(), &id).is_some()
        });
        let (Ok(false), Ok(policy)) = (is_over, self.policy.load()) else { return true };
        let mut history = GateHistory::new(history, ask.gate.clone(), Vec::new());
        let judged = self.preview(&policy, &mut history, ask.asker.login.as_deref(), deadline);
        let Ok(found) = judged else { return true };
        !found.decision.updates.first().is_some_and(|update| waits(update, &policy, &found.tokens))
    }
}

/// One question, while the log is locked.
struct Turn<'a> {
    server: &'a Server<'a>,
    ask: &'a GateAsk,
    id: RequestId,
    started: Instant,
}

impl Turn<'_> {
    fn decide(&self, answer: &mut Answer, log: &mut dyn Log, history: &mut dyn History) -> Result<GateState, LogError> {
        let Self { server, ask, id, .. } = self;
        let now = server.moment(log, answer);
        let policy = match server.policy.load() {
            Ok(policy) => policy,
            Err(error) => {
                answer.refusals.push(Refusal::Policy(error));
                return Ok(GateState::Undecided);
            }
        };
        if !policy.knows_gate(&ask.gate) {
            return Ok(GateState::Unknown);
        }
        let ended = over(log.kept(), id).filter(|_| ask.again);
        if let Some(over) = ended {
            return Ok(GateState::Over(over));
        }
        self.judge(answer, &policy, history, log, now)?;
        if !answer.refusals.is_empty() {
            return Ok(GateState::Undecided);
        }
        let kept = log.kept().iter().find(|one| one.id == *id).cloned();
        if answer.is_allowed() {
            self.open(answer, &policy, kept, log, now)?;
            return Ok(GateState::Opened);
        }
        let is_overdue = kept.as_ref().is_some_and(|kept| server.is_overdue(kept, now));
        if ask.again && is_overdue {
            return Ok(GateState::Over(Over::Expired));
        }
        let decided = answer.decision.updates.first();
        if decided.is_some_and(|update| waits(update, &policy, &answer.intake.tokens)) {
            let waiting = kept.filter(|kept| !is_overdue && !is_superseded(kept, log.kept()));
            if let Some(until) = self.wait(answer, waiting, log, now)? {
                return Ok(GateState::Waits { until });
            }
        }
        answer.recorded = Ok(Some(log.append(&self.entry(answer, &policy, now))?));
        Ok(GateState::Refused)
    }

    /// Only a log that fails is an error.
    fn judge(
        &self,
        answer: &mut Answer,
        policy: &Policy,
        history: &mut dyn History,
        log: &dyn Log,
        now: Timestamp,
    ) -> Result<(), LogError> {
        if !answer.refusals.is_empty() {
            return Ok(());
        }
        let Self { server, ask, .. } = self;
        let mut update = ask.gate.update(Vec::new());
        compare_with_log(log, &mut update, &[], now)?;
        let mut history = GateHistory::new(history, ask.gate.clone(), update.old.clone());
        let push = Push {
            repository: server.repository.to_owned(),
            pusher: answer.pusher.clone(),
            unknown_pusher_allowed: server.unknown_pusher_allowed,
            updates: vec![update],
        };
        server.assess(answer, policy, push, &mut history, log, now);
        Ok(())
    }

    /// Writes down that it opens. The first entry is the answer; what follows it can be made good later.
    fn open(
        &self,
        answer: &mut Answer,
        policy: &Policy,
        kept: Option<KeptRequest>,
        log: &mut dyn Log,
        now: Timestamp,
    ) -> Result<(), LogError> {
        let mut appended = log.append(&self.entry(answer, policy, now))?;
        for used in record::overrides(answer, policy, appended.index, now) {
            appended.head = log.append(&Entry { time: now, event: Event::Override(used) })?.head;
        }
        if let Some(kept) = kept {
            let step = kept.step(Step::Removed { why: Removal::Landed });
            appended.head = log.append(&Entry { time: now, event: Event::Request(step) })?.head;
        }
        answer.recorded = Ok(Some(appended));
        Ok(())
    }

    /// What the log says of the answer.
    fn entry(&self, answer: &Answer, policy: &Policy, now: Timestamp) -> Entry {
        let duration = self.started.elapsed();
        let decision = record::decision(self.server.repository, answer, Some(policy), &[], duration);
        Entry { time: now, event: Event::Gate(Box::new(audit::Gate { id: self.id.clone(), decision })) }
    }

    /// Returns until when it waits; `None` where there is no room for it to wait.
    fn wait(
        &self,
        answer: &mut Answer,
        waiting: Option<KeptRequest>,
        log: &mut dyn Log,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, LogError> {
        let Self { server, ask, .. } = self;
        answer.requests = request::opened(server.repository, answer);
        let Some(opened) = answer.requests.first_mut() else { return Ok(None) };
        opened.request.reason.clone_from(&ask.reason);
        let step = step_of(&opened.id, &opened.subject, &opened.request, &answer.pusher, Step::Sent { bytes: 0 });
        if waiting.is_none()
            && let Err(full) = admit(&mut log.kept().to_vec(), &step, server.limits)
        {
            answer.refusals.push(Refusal::Own(OwnRefusal::NoRoom(full)));
            return Ok(None);
        }
        opened.kept = Ok(if waiting.is_some() { Kept::Before } else { Kept::Now });
        let since = match &waiting {
            Some(waiting) => waiting.since,
            None => {
                answer.recorded = Ok(Some(log.append(&Entry { time: now, event: Event::Request(step) })?));
                now
            }
        };
        Ok(Some(Clocks::waits_until(since, server.limits.keep)))
    }

    /// Shows approvers what waits.
    fn show(&self, answer: &mut Answer, board: &mut dyn Board) {
        let by = written_for(answer.pusher.login.as_deref());
        for opened in &mut answer.requests {
            let shown = Shown { id: &opened.id, subject: &opened.subject, request: &opened.request };
            if let Err(why) = board.put_up(shown, &by) {
                opened.kept = Err(NotKept::Failed(Arc::new(why.into())));
            }
        }
    }
}

fn id_of(repository: &str, gate: &Gate) -> RequestId {
    RequestId::of_action(repository, &gate.target(), &gate.action(), &gate.subject)
}

/// Tells whether somebody's token could still open what is refused. A rejection ends the wait: whoever rejects says no.
fn waits(update: &UpdateDecision, policy: &Policy, tokens: &[SignedToken]) -> bool {
    update.verdict() == Verdict::Deny
        && update.awaits_tokens()
        && Finding::of(update, policy, tokens) != Finding::Rejected
}

/// Why the request `id` is not asked for any more, by what is kept.
fn over(kept: &[KeptRequest], id: &RequestId) -> Option<Over> {
    let Some(own) = kept.iter().find(|one| one.id == *id) else { return Some(Over::Gone) };
    let by = kept.iter().find(|other| own.is_superseded_by(other))?;
    Some(Over::Superseded { by: by.id.clone() })
}
