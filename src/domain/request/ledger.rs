//! What the log tells of requests: who asked for what, since when, and how it ended (docs/spec/request.md, "States").
//!
//! One pass over the entries, oldest first. What is remembered is what waits, and of what has ended only what the caller wants.

use super::{Clocks, RequestId};
use crate::domain::audit::{self, Decision, Event, Obstacle, Outcome, Removal, RequestStep, Step, Verdict};
use crate::domain::change::{Action, ChangesetId, Pusher, Target};
use crate::domain::name::EnvironmentName;
use crate::domain::time::{Span, Timestamp};
use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry};

/// A request as the log tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its id.
    pub id: RequestId,
    /// What should move.
    pub target: Target,
    /// The tip that should land; of a deletion the one that goes.
    pub subject: ChangesetId,
    /// How it should move.
    pub action: Action,
    /// The target's value that the requester saw; empty if it did not exist.
    pub base: Vec<ChangesetId>,
    /// Why; may be empty.
    pub reason: String,
    /// Who asks, and how that was known.
    pub requester: Pusher,
    /// Since when it waits.
    pub opened: Timestamp,
    /// Index of the entry since which it waits.
    pub opened_by: u64,
    /// Whether the server keeps its commits.
    pub kept: bool,
    /// What kept it from landing by itself, if that was tried last.
    pub obstacle: Option<Obstacle>,
    /// How it ended, if it has.
    pub ended: Option<Ended>,
}

/// How a request ended, as the log tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The target got the subject; the gate opened.
    Landed {
        /// When.
        at: Timestamp,
    },
    /// Its requester took it back.
    Cancelled {
        /// When.
        at: Timestamp,
    },
    /// Its requester asks for another subject.
    Superseded {
        /// When.
        at: Timestamp,
        /// By which request.
        by: RequestId,
    },
}

/// Which requests somebody wants to know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Those that have not ended.
    Waiting,
    /// All.
    All,
    /// This one, ended or not.
    Only(RequestId),
}

/// The fold over a log's entries.
#[derive(Debug)]
pub struct Ledger {
    keep: Span,
    wanted: Wanted,
    asked: HashMap<RequestId, Asked>,
    /// What each login asks for on each target, and each gate: what a newer request supersedes.
    own: BTreeMap<(String, Target, Option<EnvironmentName>), Vec<RequestId>>,
    /// What allowed decisions without an outcome would bring: by their index, each target with the requests that land with it.
    allowed: BTreeMap<u64, Vec<(Target, Vec<Landing>)>>,
    /// The newest denial and what it asked for.
    last_denial: Option<(u64, Vec<Ask>)>,
    unseen: Option<u64>,
    /// What the entry at hand ended.
    gone: Vec<Asked>,
}

/// A request that lands, and whether that is a deletion.
#[derive(Debug)]
struct Landing {
    id: RequestId,
    deletes: bool,
}

/// What an entry asks for.
#[derive(Debug, Clone)]
struct Ask {
    id: RequestId,
    target: Target,
    subject: ChangesetId,
    action: Action,
    base: Vec<ChangesetId>,
    reason: Option<String>,
    requester: Pusher,
}

impl Ledger {
    /// Begins before the first entry. A request that is asked for again after it waited for `keep` is open anew.
    pub fn new(keep: Span, wanted: Wanted) -> Self {
        let (asked, own, allowed) = Default::default();
        Self { keep, wanted, asked, own, allowed, last_denial: None, unseen: None, gone: Vec::new() }
    }

    /// Takes the next entry, whole, and returns the wanted requests that it ends: with how they ended, or without, if one is opened anew that
    /// waited for too long.
    pub fn take(&mut self, index: u64, entry: &audit::Entry) -> Vec<Asked> {
        match &entry.event {
            Event::Decision(decision) if decision.verdict == Verdict::Allow => self.allow(index, decision),
            Event::Decision(decision) => self.deny(index, entry.time, decision),
            Event::Outcome(outcome) => self.settle(entry.time, outcome),
            Event::Gate(gate) if gate.decision.verdict == Verdict::Allow => {
                self.end(&gate.id, None, Ended::Landed { at: entry.time });
            }
            Event::Request(step) => self.step(index, entry.time, step),
            _ => {}
        }
        std::mem::take(&mut self.gone)
    }

    /// Returns the index of an entry that the ones taken go back to and that was not among them: whoever began in the middle of
    /// the log begins there instead.
    pub fn begins_before(&self) -> Option<u64> {
        self.unseen
    }

    /// Returns the requests that were wanted, oldest first.
    pub fn into_requests(self) -> Vec<Asked> {
        let mut requests: Vec<Asked> = self.asked.into_values().collect();
        requests.sort_by(|one, other| (one.opened_by, &one.id).cmp(&(other.opened_by, &other.id)));
        requests
    }

    fn deny(&mut self, index: u64, time: Timestamp, decision: &Decision) {
        let asks = match decision.again {
            None => asks_of(decision),
            Some(again) => match self.last_denial.take() {
                Some((first, asks)) if first == again.of => asks,
                _ => {
                    self.unseen = self.unseen.or(Some(again.of));
                    return;
                }
            },
        };
        for ask in &asks {
            self.ask(index, time, ask, &asks);
        }
        self.last_denial = Some((decision.again.map_or(index, |again| again.of), asks));
    }

    fn allow(&mut self, index: u64, decision: &Decision) {
        let brings = decision.updates.iter().map(|update| {
            let deletes = update.actions.contains(&Action::Delete);
            let subjects = if deletes { &update.old } else { &update.new };
            let id = |subject| RequestId::of(&decision.repository, &update.target, subject);
            let landings = subjects.iter().map(|subject| Landing { id: id(subject), deletes });
            (update.target.clone(), landings.collect())
        });
        self.allowed.insert(index, brings.collect());
    }

    fn settle(&mut self, time: Timestamp, outcome: &Outcome) {
        for (target, landings) in self.allowed.remove(&outcome.of).unwrap_or_default() {
            if outcome.applied.iter().any(|applied| applied.target == target) {
                for landing in landings {
                    self.end(&landing.id, Some(landing.deletes), Ended::Landed { at: time });
                }
            }
        }
    }

    fn step(&mut self, index: u64, time: Timestamp, step: &RequestStep) {
        match step.step {
            Step::Sent { .. } | Step::Parked { .. } => {
                let ask = Ask::of(step);
                self.ask(index, time, &ask, std::slice::from_ref(&ask));
                self.change(&step.id, |asked| asked.kept = true);
            }
            Step::Cancelled => {
                self.change(&step.id, |asked| asked.kept = false);
                self.end(&step.id, None, Ended::Cancelled { at: time });
            }
            Step::Removed { why } => {
                self.change(&step.id, |asked| asked.kept = false);
                if why == Removal::Landed {
                    self.end(&step.id, None, Ended::Landed { at: time });
                }
            }
            Step::NotLanded { why } => self.change(&step.id, |asked| asked.obstacle = Some(why)),
        }
    }

    /// Takes note that somebody asks, once more or for the first time. What the same entry asks for beside it stays.
    fn ask(&mut self, index: u64, time: Timestamp, ask: &Ask, beside: &[Ask]) {
        self.supersede(time, ask, beside);
        if matches!(&self.wanted, Wanted::Only(only) if *only != ask.id) {
            return;
        }
        let known = self.asked.remove(&ask.id).filter(|known| known.ended.is_none());
        let waits = match known {
            Some(known) if time >= Clocks::waits_until(known.opened, self.keep) => {
                self.gone.push(known);
                None
            }
            waits => waits,
        };
        let asked = match waits {
            // Who asks first is the requester; the reason is the first that is given.
            Some(mut known) => {
                if known.reason.is_empty() {
                    known.reason = ask.reason.clone().unwrap_or_default();
                }
                known
            }
            None => Asked {
                id: ask.id.clone(),
                target: ask.target.clone(),
                subject: ask.subject,
                action: ask.action.clone(),
                base: ask.base.clone(),
                reason: ask.reason.clone().unwrap_or_default(),
                requester: ask.requester.clone(),
                opened: time,
                opened_by: index,
                kept: false,
                obstacle: None,
                ended: None,
            },
        };
        self.asked.insert(ask.id.clone(), asked);
    }

    /// Ends what the same requester asked for on the same target before. Where nobody knows who asks, nobody is the same.
    fn supersede(&mut self, at: Timestamp, ask: &Ask, beside: &[Ask]) {
        let Some(login) = ask.requester.login.clone() else { return };
        let own = self.own.entry((login, ask.target.clone(), ask.action.gate().cloned())).or_default();
        let (stay, go) = std::mem::take(own).into_iter().partition(|id| beside.iter().any(|ask| ask.id == *id));
        *own = stay;
        if !own.contains(&ask.id) {
            own.push(ask.id.clone());
        }
        let go: Vec<RequestId> = go;
        for id in go {
            self.end(&id, None, Ended::Superseded { at, by: ask.id.clone() });
        }
    }

    /// Ends a request; `deletes` tells whether it must be one for a deletion. What landed has landed, and what was cancelled is not
    /// superseded any more.
    fn end(&mut self, id: &RequestId, deletes: Option<bool>, how: Ended) {
        let Some(asked) = self.asked.get_mut(id) else { return };
        let is_meant = deletes.is_none_or(|deletes| deletes == (asked.action == Action::Delete));
        if !is_meant || asked.ended.as_ref().is_some_and(|ended| ended.rank() <= how.rank()) {
            return;
        }
        asked.ended = Some(how);
        if let Some(login) = &asked.requester.login {
            let key = (login.clone(), asked.target.clone(), asked.action.gate().cloned());
            if let Entry::Occupied(mut own) = self.own.entry(key) {
                own.get_mut().retain(|other| other != id);
                if own.get().is_empty() {
                    own.remove();
                }
            }
        }
        let gone = if self.wanted == Wanted::Waiting { self.asked.remove(id) } else { Some(asked.clone()) };
        self.gone.extend(gone);
    }

    fn change(&mut self, id: &RequestId, change: impl FnOnce(&mut Asked)) {
        self.asked.get_mut(id).map(change).unwrap_or_default();
    }
}

impl Ended {
    /// What is told of a request that ended in several ways: the lowest.
    fn rank(&self) -> u8 {
        match self {
            Self::Landed { .. } => 0,
            Self::Cancelled { .. } => 1,
            Self::Superseded { .. } => 2,
        }
    }
}

impl Ask {
    fn of(step: &RequestStep) -> Self {
        let RequestStep { id, target, subject, action, base, reason, requester, step: _ } = step.clone();
        Self { id, target, subject, action, base, reason, requester }
    }
}

/// What a denial asks for: its updates that wait for somebody's token.
fn asks_of(decision: &Decision) -> Vec<Ask> {
    let updates = decision.updates.iter().filter_map(|update| Some((update, update.actions.iter().min()?)));
    let asks = updates.flat_map(|(update, action)| {
        update.requested.iter().map(|subject| Ask {
            id: RequestId::of(&decision.repository, &update.target, subject),
            target: update.target.clone(),
            subject: *subject,
            action: action.clone(),
            base: update.old.clone(),
            reason: None,
            requester: decision.pusher.clone(),
        })
    });
    asks.collect()
}
