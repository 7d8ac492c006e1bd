//! What one place was told, so that it is told what has changed, and nothing twice.

use super::notice::{Notice, RuleNotice};
use crate::domain::approval::TokenId;
use crate::domain::audit::Override;
use crate::domain::name::RuleName;
use crate::domain::request::{RequestId, State};
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// For how long that is remembered: longer than any request waits and any approval counts.
const REMEMBERED: Span = Span::days(90);

/// So many requests at most; of the oldest no more is told then.
const MOST: usize = 2000;

/// What was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What is told once, by name, and when that was.
    once: BTreeMap<String, Timestamp>,
    /// The requests whose opening was told, and that have not ended.
    pub(super) requests: BTreeMap<String, Watched>,
    /// Overrides without a review, by their entry.
    pub(super) debts: BTreeMap<u64, Debt>,
}

/// A request as it was last told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    pub since: Timestamp,
    pub state: String,
    /// The approvals that were told.
    pub approvals: BTreeSet<TokenId>,
    /// The moment at which it ends, of which it was told that it is near.
    pub ending: Option<Timestamp>,
    /// How many reminders were due.
    pub reminders: u64,
    /// The rules that wanted others to know of it.
    pub escalated: BTreeSet<RuleName>,
    /// The names of the rules that asked for it, for when its commits are gone.
    pub rules: Vec<RuleName>,
}

/// An override that wants its review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Debt {
    /// The decision that it let in.
    pub of: u64,
    /// When the review should have been.
    pub due: Timestamp,
    /// What was told of it.
    pub notice: Notice,
}

impl Watched {
    /// A request that nothing but its opening was told of.
    pub fn opened(since: Timestamp, rules: &[RuleNotice]) -> Self {
        Self {
            since,
            state: State::Open.word().to_owned(),
            approvals: BTreeSet::new(),
            ending: None,
            reminders: 0,
            escalated: BTreeSet::new(),
            rules: names(rules),
        }
    }
}

/// Returns the names of rules.
pub(super) fn names(rules: &[RuleNotice]) -> Vec<RuleName> {
    rules.iter().map(|rule| rule.name.clone()).collect()
}

impl Told {
    /// Takes a name; tells whether it is new.
    pub fn is_new(&mut self, name: &str, at: Timestamp) -> bool {
        self.once.retain(|_, since| at.since(*since) <= REMEMBERED);
        self.once.insert(name.to_owned(), at).is_none()
    }

    /// Tells whether there are requests whose changes are to be told.
    pub fn watches(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Takes the opening of a request; tells whether it is new. One that ended can be opened again.
    pub(super) fn opens(&mut self, id: &RequestId, rules: &[RuleNotice], at: Timestamp) -> bool {
        self.requests.retain(|_, watched| at.since(watched.since) <= REMEMBERED);
        let is_new = !self.requests.contains_key(&id.to_string());
        if is_new && self.requests.len() >= MOST {
            let oldest = self.requests.iter().min_by_key(|(_, watched)| watched.since).map(|(id, _)| id.clone());
            oldest.and_then(|oldest| self.requests.remove(&oldest));
        }
        if is_new {
            self.requests.insert(id.to_string(), Watched::opened(at, rules));
        }
        is_new
    }

    /// Takes an override, whose notice is `notice`.
    pub(super) fn owes(&mut self, entry: u64, used: &Override, notice: &Notice) {
        self.debts.insert(entry, Debt { of: used.of, due: used.due, notice: notice.clone() });
    }

    /// Takes a review of the override of `entry`.
    pub(super) fn paid(&mut self, entry: u64) {
        self.debts.remove(&entry);
    }

    /// Takes note that what the decision `of` let in did not move anything.
    pub(super) fn comes_to_nothing(&mut self, of: u64) {
        self.debts.retain(|_, debt| debt.of != of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{ChangesetId, IdKind, Target};

    fn day(day: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Span::days(day))
    }

    #[test]
    fn a_name_is_new_once_and_again_when_nobody_has_said_it_for_ninety_days() {
        let mut told = Told::default();
        let cases =
            [("a", 0, true), ("a", 0, false), ("b", 0, true), ("a", 90, false), ("b", 91, true), ("a", 180, false)];
        for (name, at, expected) in cases {
            assert_eq!(told.is_new(name, day(at)), expected, "{name} on day {at}");
        }
    }

    #[test]
    fn requests_are_watched_once_one_was_told_of() {
        let target = Target::parse("refs/heads/main").expect("a target");
        let id = ChangesetId::from_bytes(IdKind::GitSha1, &[2; 20]).expect("an id");
        let mut told = Told::default();
        assert!(!told.watches());
        assert!(told.opens(&RequestId::of("payments@00", &target, &id), &[], day(0)));
        assert!(told.watches());
    }
}
