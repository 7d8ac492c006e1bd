//! How requests ended and how long they took: of all, or of one group of them.

use super::Spread;
use crate::domain::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It landed, and people approved it.
    Approved,
    /// It landed in an emergency: a rule was overridden.
    Overridden,
    /// It landed without anybody's approval: below another one, or because nothing was asked any more.
    Unasked,
    /// Somebody rejected it, and it did not land.
    Denied,
    /// It waited for too long.
    Expired,
    /// Its requester asked for another subject.
    Superseded,
    /// Its requester took it back.
    Cancelled,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Approved,
        Self::Overridden,
        Self::Unasked,
        Self::Denied,
        Self::Expired,
        Self::Superseded,
        Self::Cancelled,
    ];

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Overridden => "overridden",
            Self::Unasked => "unasked",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A request that has ended, or the part that one rule had in it. No moment is before one that stands above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closed {
    /// When it began to wait.
    pub from: Timestamp,
    /// When the first person answered.
    pub first: Option<Timestamp>,
    /// When it was decided.
    pub verdict: Option<Timestamp>,
    /// When it was pushed, if it landed.
    pub pushed: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it was opened in the time that is looked at.
    pub is_new: bool,
}

/// How requests ended and how long they took. Lengths of time are seconds, without those in which everything was frozen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many were opened.
    pub opened: u64,
    /// How many ended, by how.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// From the opening to the first answer of a person.
    pub first_response: Spread,
    /// From the opening until approved, of those that people approved and that landed.
    pub time_to_approve: Spread,
    /// From the opening until approved or rejected.
    pub time_to_decision: Spread,
    /// From the approval to the push.
    pub approval_to_push: Spread,
    /// How long everything was frozen meanwhile, of those that landed and that it concerned.
    pub frozen: Spread,
    /// The ages of those that wait.
    pub waiting: Spread,
    /// From the opening to the verdict, by how they ended: of those that were not decided, to their end.
    #[serde(skip)]
    pub durations: BTreeMap<Outcome, Spread>,
}

impl Tally {
    /// Takes a request that ended at `end`; `frozen` counts the frozen seconds between two moments.
    pub(super) fn close(&mut self, closed: &Closed, end: Timestamp, frozen: &dyn Fn(Timestamp, Timestamp) -> u64) {
        let Closed { from, first, verdict, pushed, outcome, is_new } = *closed;
        let span =
            |from: Timestamp, until: Timestamp| until.since(from).as_seconds().saturating_sub(frozen(from, until));
        self.opened += u64::from(is_new);
        *self.outcomes.entry(outcome).or_default() += 1;
        if let Some(first) = first {
            self.first_response.add(span(from, first));
        }
        let duration = span(from, verdict.unwrap_or(end));
        self.durations.entry(outcome).or_default().add(duration);
        if outcome == Outcome::Approved {
            self.time_to_approve.add(duration);
            if let (Some(verdict), Some(pushed)) = (verdict, pushed) {
                self.approval_to_push.add(span(verdict, pushed));
            }
        }
        if matches!(outcome, Outcome::Approved | Outcome::Denied) {
            self.time_to_decision.add(duration);
        }
        let frozen = pushed.map_or(0, |pushed| frozen(from, pushed));
        if frozen > 0 {
            self.frozen.add(frozen);
        }
    }

    /// Takes a request that waits for `seconds` already; `is_new` as in [`Closed`].
    pub(super) fn wait(&mut self, seconds: u64, is_new: bool) {
        self.opened += u64::from(is_new);
        self.waiting.add(seconds);
    }

    /// Adds what another tally counted.
    pub fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        for (outcome, times) in &other.outcomes {
            *self.outcomes.entry(*outcome).or_default() += times;
        }
        for (outcome, durations) in &other.durations {
            self.durations.entry(*outcome).or_default().merge(durations);
        }
        for (own, other) in [
            (&mut self.first_response, &other.first_response),
            (&mut self.time_to_approve, &other.time_to_approve),
            (&mut self.time_to_decision, &other.time_to_decision),
            (&mut self.approval_to_push, &other.approval_to_push),
            (&mut self.frozen, &other.frozen),
            (&mut self.waiting, &other.waiting),
        ] {
            own.merge(other);
        }
    }

    /// Returns how many ended so.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Returns how many ended.
    pub fn closed(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Returns the share of rejected ones among those that people decided.
    pub fn denial_rate(&self) -> Option<f64> {
        let denied = self.ended(Outcome::Denied);
        rate(denied, denied + self.ended(Outcome::Approved))
    }

    /// Returns the share of expired ones among those that ended.
    pub fn expiry_rate(&self) -> Option<f64> {
        rate(self.ended(Outcome::Expired), self.closed())
    }
}

/// A share; `None` of nothing.
pub(super) fn rate(part: u64, whole: u64) -> Option<f64> {
    // Both are counts of entries, far below what a float holds exactly.
    (whole > 0).then(|| part as f64 / whole as f64)
}
