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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Origin;
    use ed25519_dalek::SigningKey;

    /// Gives each leaf, after a genesis, to an order, a second apart; what the last one comes to.
    fn last_of(leaves: &[&str]) -> Result<(), OrderFault> {
        let origin = Origin::new("git.example.com/payments").expect("an origin");
        let key = VerifierKey::of(origin, &SigningKey::from_bytes(&[b'l'; 32]));
        let genesis = format!(r#""kind":"genesis","origin":"{}","key":"{key}""#, key.origin().as_str());
        let mut order = Order::default();
        let mut answer = Ok(());
        for (index, leaf) in (0_u64..).zip([genesis.as_str()].into_iter().chain(leaves.iter().copied())) {
            assert_eq!(answer, Ok(()), "before {leaf}");
            let time = if leaf.contains(r#""time""#) {
                String::new()
            } else {
                format!(r#""time":"2026-11-21T20:00:{index:02}Z","#)
            };
            let leaf = format!("{{{time}{leaf}}}");
            let header = Header::parse(leaf.as_bytes()).expect(&leaf);
            answer = order.accept(index, &header, &key);
        }
        answer
    }

    const ALLOW: &str = r#""kind":"decision","verdict":"allow""#;
    const DENY: &str = r#""kind":"decision","verdict":"deny""#;
    const OPEN: &str = r#""kind":"gate","verdict":"allow""#;
    const SHUT: &str = r#""kind":"gate","verdict":"deny""#;
    const OUTCOME: &str = r#""kind":"outcome","of":1"#;
    const OVERRIDE: &str = r#""kind":"override","of":1"#;
    const REVIEW: &str = r#""kind":"review","debt":2"#;
    const REQUEST: &str = r#""kind":"request","of":1"#;

    #[test]
    fn an_entry_is_about_one_before_it_that_waits_for_it() {
        let again = r#""kind":"decision","verdict":"deny","again":{"of":1,"count":2}"#;
        let third = r#""kind":"decision","verdict":"deny","again":{"of":1,"count":3}"#;
        let allowed_again = r#""kind":"decision","verdict":"allow","again":{"of":1,"count":2}"#;
        let cases: [(&[&str], Result<(), OrderFault>); 26] = [
            (&[ALLOW, OUTCOME], Ok(())),
            (&[OUTCOME], Err(OrderFault::Outcome)),
            (&[DENY, OUTCOME], Err(OrderFault::Outcome)),
            (&[OPEN, OUTCOME], Err(OrderFault::Outcome)),
            (&[ALLOW, OUTCOME, OUTCOME], Err(OrderFault::Outcome)),
            (&[ALLOW, r#""kind":"outcome""#], Err(OrderFault::Outcome)),
            (&[ALLOW, OVERRIDE], Ok(())),
            (&[ALLOW, REQUEST, OVERRIDE], Ok(())),
            (&[DENY, OVERRIDE], Err(OrderFault::Override)),
            (&[ALLOW, OUTCOME, OVERRIDE], Err(OrderFault::Override)),
            (&[ALLOW, r#""kind":"override""#], Err(OrderFault::Override)),
            (&[OPEN, OVERRIDE], Ok(())),
            (&[OPEN, OVERRIDE, OVERRIDE], Ok(())),
            (&[SHUT, OVERRIDE], Err(OrderFault::Override)),
            (&[OPEN, REQUEST, OVERRIDE], Err(OrderFault::Override)),
            (&[OPEN, OPEN, OVERRIDE], Err(OrderFault::Override)),
            (&[ALLOW, OVERRIDE, REVIEW], Ok(())),
            (&[ALLOW, OVERRIDE, REVIEW, REVIEW], Err(OrderFault::Review)),
            (&[ALLOW, OUTCOME, REVIEW], Err(OrderFault::Review)),
            (&[ALLOW, OVERRIDE, r#""kind":"review""#], Err(OrderFault::Review)),
            (&[DENY, again, third], Ok(())),
            (&[DENY, third], Err(OrderFault::Again)),
            (&[DENY, REQUEST, again], Err(OrderFault::Again)),
            (&[DENY, allowed_again], Err(OrderFault::Again)),
            (&[ALLOW, again], Err(OrderFault::Again)),
            (&[r#""kind":"gate""#], Err(OrderFault::Verdict)),
        ];
        for (leaves, expected) in cases {
            assert_eq!(last_of(leaves), expected, "{leaves:?}");
        }
    }

    #[test]
    fn time_goes_back_only_where_an_administrator_said_so() {
        let early = Timestamp::parse("2026-11-21T19:59:59Z").expect("a time");
        let newest = Timestamp::parse("2026-11-21T20:00:00Z").expect("a time");
        let cases = [
            (r#""kind":"recovery","what":"accept-restore""#, true),
            (r#""kind":"recovery","what":"torn-tail""#, false),
            (r#""kind":"recovery""#, false),
            (r#""kind":"decision","verdict":"deny","what":"accept-restore""#, false),
            (r#""kind":"request""#, false),
        ];
        for (leaf, goes_back) in cases {
            let fault = OrderFault::Time { time: early, newest };
            let expected = if goes_back { Ok(()) } else { Err(fault) };
            assert_eq!(last_of(&[&format!(r#""time":"2026-11-21T19:59:59Z",{leaf}"#)]), expected, "{leaf}");
            assert_eq!(last_of(&[&format!(r#""time":"2026-11-21T20:00:00Z",{leaf}"#)]), Ok(()), "{leaf}");
        }
    }
}
