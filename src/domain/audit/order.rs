//! Checks, from headers alone, that each entry may follow those before it. For audits, which read every entry.

use super::decision::{Again, Verdict};
use super::entry::Header;
use super::note::VerifierKey;
use crate::domain::time::Timestamp;
use std::collections::HashSet;

/// Why an entry cannot follow those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    /// The first is no genesis of this log, or a later one is a genesis.
    #[error("a log has one genesis, as its first entry, with the log's own origin and key")]
    Genesis,
    /// Time goes back, and no recovery accounts for it.
    #[error("the time {time} is before {newest}, that of the entry before")]
    Time {
        /// The entry's.
        time: Timestamp,
        /// The one before's.
        newest: Timestamp,
    },
    /// An outcome of nothing.
    #[error("it is the outcome of no open, allowed decision")]
    Outcome,
    /// An override of nothing.
    #[error("it is the override of no open, allowed decision, nor of the gate before")]
    Override,
    /// A review of nothing.
    #[error("it is the review of no override that waits for one")]
    Review,
    /// A repetition of nothing.
    #[error("it repeats a denial that does not stand before it")]
    Again,
    /// A decision without its answer.
    #[error("a judgement says neither allow nor deny")]
    Verdict,
}

/// What the entries so far allow the next one to be.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The time of the newest entry.
    pub newest: Option<Timestamp>,
    /// Allowed decisions without an outcome.
    open: HashSet<u64>,
    /// Overrides without a review.
    debts: HashSet<u64>,
    /// The newest entry, if it is a denial: the first of its kind, and how many there are.
    denial: Option<Again>,
    /// The newest entry, leaving overrides aside, if it is a gate that opened.
    gate: Option<u64>,
}

impl Order {
    /// Takes the next entry of the log that `key` names.
    ///
    /// # Errors
    /// [`OrderFault`] if it cannot stand there; the order is then not to be used any more.
    pub fn accept(&mut self, index: u64, header: &Header<'_>, key: &VerifierKey) -> Result<(), OrderFault> {
        if (index == 0) != (header.kind == "genesis") {
            return Err(OrderFault::Genesis);
        }
        if index == 0 && !begins(header, key) {
            return Err(OrderFault::Genesis);
        }
        if let Some(newest) = self.newest.filter(|newest| header.time < *newest && !header.resets_clock()) {
            return Err(OrderFault::Time { time: header.time, newest });
        }
        let before = self.denial.take();
        let gate = self.gate.take();
        match header.kind {
            "decision" => self.decision(index, header, before)?,
            "outcome" if !header.of.is_some_and(|of| self.open.remove(&of)) => return Err(OrderFault::Outcome),
            "override" if !header.of.is_some_and(|of| self.open.contains(&of) || gate == Some(of)) => {
                return Err(OrderFault::Override);
            }
            "override" => {
                self.debts.insert(index);
                self.gate = gate;
            }
            "gate" => {
                self.gate = (header.verdict.ok_or(OrderFault::Verdict)? == Verdict::Allow).then_some(index);
            }
            "review" if !header.debt.is_some_and(|debt| self.debts.remove(&debt)) => return Err(OrderFault::Review),
            _ => {}
        }
        self.newest = Some(header.time);
        Ok(())
    }

    fn decision(&mut self, index: u64, header: &Header<'_>, before: Option<Again>) -> Result<(), OrderFault> {
        match (header.verdict.ok_or(OrderFault::Verdict)?, header.again) {
            (Verdict::Allow, None) => {
                self.open.insert(index);
            }
            (Verdict::Deny, None) => self.denial = Some(Again { of: index, count: 1 }),
            (Verdict::Deny, Some(again)) if before.is_some_and(|last| again == last.next()) => {
                self.denial = Some(again);
            }
            (_, Some(_)) => return Err(OrderFault::Again),
        }
        Ok(())
    }
}

/// Tells whether a genesis is that of the log that `key` names.
fn begins(header: &Header<'_>, key: &VerifierKey) -> bool {
    let origin = header.origin.as_deref() == Some(key.origin().as_str());
    origin && header.key.as_deref() == Some(key.to_string().as_str())
}
