//! What the entries so far add up to: the value that each target should have, and which pushes are still open.

use super::decision::{Again, Decision, Verdict};
use super::entry::{Entry, Event};
use super::events::{Outcome, Override, RecoveryKind};
use super::merkle::Hash;
use super::request::{self, KeptRequest};
use crate::domain::approval::TokenId;
use crate::domain::change::{Action, ChangesetId, ContentId, Target};
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the log knows of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetState {
    /// The value last recorded; empty if the target was gone, `None` if the log knows nothing of it.
    pub recorded: Option<Vec<ChangesetId>>,
    /// When it was last rewritten or deleted, or found changed behind the log's back.
    pub rewritten_at: Option<Timestamp>,
    /// The overrides with which it moved.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub used: BTreeSet<TokenId>,
    /// Of an environment: for which changeset each of its gates opened last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<Action, ChangesetId>,
    /// Of an environment: the tokens with which its gates opened, and when. Those that are too old to count anywhere are forgotten.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spent: BTreeMap<TokenId, Timestamp>,
}

/// No token counts for so long after it was used: 30 days at most, with some minutes for clocks that differ.
const FORGOTTEN: Span = Span::days(31);

/// What an entry does to one target's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetChange {
    /// The target.
    pub target: Target,
    /// Its value from now on.
    pub value: Vec<ChangesetId>,
    /// The moment of a rewrite, if it is one.
    pub rewritten: Option<Timestamp>,
    /// What landed on it with approvals, and when.
    pub landed: BTreeMap<ContentId, Timestamp>,
    /// The overrides with which it came to that; of a gate all tokens that counted.
    pub used: BTreeSet<TokenId>,
    /// The gate that opened, and when, if this is one.
    pub gate: Option<(Action, Timestamp)>,
}

impl TargetState {
    /// Applies a change; applying it twice does nothing more.
    pub fn apply(&mut self, change: &TargetChange) {
        self.recorded = Some(change.value.clone());
        self.rewritten_at = self.rewritten_at.max(change.rewritten);
        match &change.gate {
            None => self.used.extend(&change.used),
            Some((action, at)) => {
                self.gates.extend(change.value.first().map(|subject| (action.clone(), *subject)));
                self.spent.retain(|_, used| at.since(*used) < FORGOTTEN);
                self.spent.extend(change.used.iter().map(|token| (*token, *at)));
            }
        }
    }
}

/// An allowed decision of which nobody has said what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    /// The decision's index.
    pub index: u64,
    /// Its time.
    pub time: Timestamp,
    /// Of a Mercurial transaction its id.
    pub transaction: Option<String>,
    /// What it allowed.
    pub updates: Vec<UnsettledUpdate>,
}

/// One update of an [`Unsettled`] decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsettledUpdate {
    /// What was to move.
    pub target: Target,
    /// How.
    pub actions: Vec<Action>,
    /// The value before.
    pub old: Vec<ChangesetId>,
    /// The whole value after the push.
    pub after: Vec<ChangesetId>,
    /// The contents that were approved.
    #[serde(default)]
    pub contents: Vec<ContentId>,
}

/// An override that somebody else is still to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// Index of the override's entry.
    pub index: u64,
    /// Its time.
    pub time: Timestamp,
    /// What it says.
    pub overriding: Override,
}

/// The denial that is the log's newest entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDenial {
    /// Index of the first of its kind.
    pub first: u64,
    /// How many there are in a row, the first included.
    pub count: u64,
    /// [`Decision::sameness`] of the first.
    pub same: Hash,
}

impl LastDenial {
    /// Returns what to write for a denial that comes after this one: the short form if it is the same once more.
    pub fn fold(&self, decision: Decision) -> Decision {
        if decision.verdict == Verdict::Deny && decision.sameness() == self.same {
            return decision.repeated(Again { of: self.first, count: self.count + 1 });
        }
        decision
    }
}

/// Why an entry cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StandingError {
    /// The log must begin with its genesis, and only begin with it.
    #[error("a log has one genesis, as its first entry")]
    Genesis,
    /// Time went back.
    #[error("the entry's time {time} is before {newest}, that of the entry before it")]
    TimeGoesBack {
        /// The entry's.
        time: Timestamp,
        /// The one before's.
        newest: Timestamp,
    },
    /// An outcome of what is no open, allowed decision; an override of that, or of no gate that has just opened.
    #[error("entry {of} is not an allowed decision without an outcome, nor the gate before")]
    NotUnsettled {
        /// What the outcome or override names.
        of: u64,
    },
    /// A review of what is no override, or of one that was reviewed or came to nothing.
    #[error("entry {debt} is not an override that waits for a review")]
    NoDebt {
        /// What the review names.
        debt: u64,
    },
    /// A repetition of what is not the denial just before.
    #[error("the entry repeats a denial that does not stand before it")]
    NotRepeated,
}

/// What all entries add up to, apart from the targets' states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The time of the newest entry.
    pub newest: Option<Timestamp>,
    /// Allowed decisions without an outcome, oldest first.
    pub unsettled: Vec<Unsettled>,
    /// Overrides without a review, oldest first.
    #[serde(default)]
    pub debts: Vec<Debt>,
    /// Requests whose commits the server keeps, oldest first.
    #[serde(default)]
    pub kept: Vec<KeptRequest>,
    /// The newest entry, if it is a denial.
    pub last_denial: Option<LastDenial>,
    /// The newest entry, leaving overrides aside, if it is a gate that opened.
    #[serde(default)]
    pub last_gate: Option<u64>,
}

impl Standing {
    /// Takes the next entry (whole, not its short form) and returns what it does to targets.
    ///
    /// # Errors
    /// [`StandingError`] if it cannot stand there; then nothing has changed.
    pub fn apply(&mut self, index: u64, entry: &Entry) -> Result<Vec<TargetChange>, StandingError> {
        if (index == 0) != matches!(entry.event, Event::Genesis(_)) {
            return Err(StandingError::Genesis);
        }
        let accepted =
            matches!(&entry.event, Event::Recovery(recovery) if recovery.what == RecoveryKind::AcceptRestore);
        if let Some(newest) = self.newest.filter(|newest| entry.time < *newest && !accepted) {
            return Err(StandingError::TimeGoesBack { time: entry.time, newest });
        }
        let (mut denial, mut gate) = (None, None);
        let changes = match &entry.event {
            Event::Decision(decision) => {
                denial = self.denial(index, decision)?;
                self.decide(index, entry.time, decision)
            }
            Event::Outcome(outcome) => self.settle(entry.time, outcome)?,
            Event::Override(overriding) => {
                gate = self.last_gate;
                if gate != Some(overriding.of) && !self.unsettled.iter().any(|open| open.index == overriding.of) {
                    return Err(StandingError::NotUnsettled { of: overriding.of });
                }
                self.debts.push(Debt { index, time: entry.time, overriding: overriding.clone() });
                Vec::new()
            }
            Event::Gate(judged) => {
                gate = (judged.decision.verdict == Verdict::Allow).then_some(index);
                judged.changes(entry.time)
            }
            Event::Review(review) => {
                let at = self.debts.iter().position(|debt| debt.index == review.debt);
                self.debts.remove(at.ok_or(StandingError::NoDebt { debt: review.debt })?);
                Vec::new()
            }
            Event::Request(step) => {
                request::take(&mut self.kept, index, entry.time, step);
                Vec::new()
            }
            Event::Genesis(_) | Event::Policy(_) | Event::Recovery(_) | Event::Uninstall(_) => Vec::new(),
        };
        self.newest = Some(entry.time);
        (self.last_denial, self.last_gate) = (denial, gate);
        Ok(changes)
    }

    fn denial(&self, index: u64, decision: &Decision) -> Result<Option<LastDenial>, StandingError> {
        let Some(again) = decision.again else {
            let first = LastDenial { first: index, count: 1, same: decision.sameness() };
            return Ok((decision.verdict == Verdict::Deny).then_some(first));
        };
        let last = self.last_denial.filter(|last| last.first == again.of && last.count + 1 == again.count);
        let last = last.filter(|_| decision.verdict == Verdict::Deny).ok_or(StandingError::NotRepeated)?;
        Ok(Some(LastDenial { count: again.count, ..last }))
    }

    /// A decision tells what was found behind the log's back; an allowed one is open from now on.
    fn decide(&mut self, index: u64, time: Timestamp, decision: &Decision) -> Vec<TargetChange> {
        if decision.verdict == Verdict::Allow {
            let updates = decision.updates.iter().map(|update| UnsettledUpdate {
                target: update.target.clone(),
                actions: update.actions.clone(),
                old: update.old.clone(),
                after: update.value_after().to_vec(),
                contents: update.contents.clone(),
            });
            let (transaction, updates) = (decision.transaction.clone(), updates.collect());
            self.unsettled.push(Unsettled { index, time, transaction, updates });
        }
        let found = |update: &super::UpdateRecord| {
            let value = update.found.clone()?;
            let (landed, used) = Default::default();
            let target = update.target.clone();
            Some(TargetChange { target, value, rewritten: Some(time), landed, used, gate: None })
        };
        decision.updates.iter().filter_map(found).collect()
    }

    /// An outcome closes its decision; what was applied is the targets' value now.
    fn settle(&mut self, time: Timestamp, outcome: &Outcome) -> Result<Vec<TargetChange>, StandingError> {
        let at = self.unsettled.iter().position(|open| open.index == outcome.of);
        let decision = self.unsettled.remove(at.ok_or(StandingError::NotUnsettled { of: outcome.of })?);
        // What the push did not move was not overridden.
        let moved = |target: &Target| outcome.applied.iter().any(|applied| applied.target == *target);
        self.debts.retain(|debt| debt.overriding.of != outcome.of || moved(&debt.overriding.target));
        let used = |target: &Target| {
            let of_target = self.debts.iter().map(|debt| &debt.overriding);
            of_target
                .filter(|one| one.of == outcome.of && one.target == *target)
                .flat_map(|one| one.overriders.iter().map(|counted| counted.token))
                .collect()
        };
        let time = time.max(decision.time);
        let changed = outcome.applied.iter().map(|applied| {
            let of_target = || decision.updates.iter().filter(|update| update.target == applied.target);
            let mut actions = of_target().flat_map(|update| &update.actions);
            let rewrites = actions.any(|action| matches!(action, Action::Rewrite | Action::Delete));
            let contents = of_target().flat_map(|update| &update.contents);
            TargetChange {
                target: applied.target.clone(),
                value: applied.value.clone(),
                rewritten: rewrites.then_some(time),
                landed: contents.map(|content| (*content, time)).collect(),
                used: used(&applied.target),
                gate: None,
            }
        });
        Ok(changed.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::decision::Counted;
    use crate::domain::audit::events::{Applied, OutcomeKind};
    use crate::domain::name::{PrincipalId, RoleName, RuleName};

    #[test]
    fn a_gate_forgets_the_tokens_with_which_it_opened_when_none_of_them_can_count_any_more() {
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let mut state = TargetState::default();
        let mut open = |number: u8, at: Timestamp| {
            let action = Action::parse("gate:deploy").expect("an action");
            let used = BTreeSet::from([TokenId([number; 32])]);
            let target = Target::parse("env:production").expect("a target");
            let landed = BTreeMap::new();
            let gate = Some((action, at));
            state.apply(&TargetChange { target, value: Vec::new(), rewritten: None, landed, used, gate });
            state.spent.keys().map(|token| token.0[0]).collect::<Vec<_>>()
        };
        let later = |seconds: u64| start.plus(Span::seconds(seconds));
        let month = FORGOTTEN.as_seconds();
        assert_eq!(open(1, start), [1]);
        assert_eq!(open(2, later(1)), [1, 2]);
        assert_eq!(open(2, later(1)), [1, 2], "twice is once");
        assert_eq!(open(3, later(month - 1)), [1, 2, 3]);
        assert_eq!(open(4, later(month)), [2, 3, 4]);
    }

    #[test]
    fn a_push_that_moved_only_a_part_keeps_the_debts_of_that_part_and_those_of_others() {
        let time = Timestamp::from_unix(1_700_000_000).expect("a time");
        let target = |name: &str| Target::parse(name).expect("a target");
        let (main, stable) = (target("refs/heads/main"), target("refs/heads/stable"));
        let debt = |index: u8, of: u64, target: &Target| Debt {
            index: index.into(),
            time,
            overriding: Override {
                of,
                target: target.clone(),
                rule: RuleName::new("review").expect("a name"),
                subjects: vec![],
                overriders: vec![Counted {
                    principal: PrincipalId::new("carol").expect("a name"),
                    token: TokenId([index; 32]),
                    role: RoleName::new("oncall").expect("a name"),
                    stands_in_for: None,
                    delegation: None,
                }],
                roles: vec![],
                barred: vec![],
                due: time,
                blob: None,
            },
        };
        let unsettled = |index: u64| Unsettled { index, time, transaction: None, updates: vec![] };
        let mut standing = Standing {
            unsettled: vec![unsettled(1), unsettled(2)],
            debts: vec![debt(11, 1, &main), debt(12, 1, &stable), debt(13, 2, &main), debt(14, 2, &stable)],
            ..Standing::default()
        };
        let applied = vec![Applied { target: main.clone(), value: vec![] }];
        let outcome = Outcome { of: 1, applied, how: OutcomeKind::Applied, settled: false, blob: None };
        let changes = standing.settle(time, &outcome).expect("it was open");
        assert_eq!(standing.debts.iter().map(|debt| debt.index).collect::<Vec<_>>(), [11, 13, 14]);
        assert_eq!(changes.len(), 1);
        assert_eq!((&changes[0].target, &changes[0].used), (&main, &BTreeSet::from([TokenId([11; 32])])));
        assert_eq!(standing.unsettled, [unsettled(2)]);
    }
}
