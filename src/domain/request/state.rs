//! How a request stands, and until when (docs/spec/request.md, "States" and "Clocks"). Computed whenever somebody asks, kept nowhere.

use super::{Asked, Ended};
use crate::domain::approval::{SignedToken, Token};
use crate::domain::policy::{Counted, Mode, Policy, RuleOutcome, Unmet, UpdateDecision, Verdict};
use crate::domain::time::{Span, Timestamp};
use std::fmt;

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Something is missing.
    Open,
    /// Its push would be let in now.
    Approved,
    /// A rejection stands in its way.
    Denied,
    /// It waited for too long, and is not approved.
    Expired,
    /// Its requester asks for another subject.
    Superseded,
    /// The target has the subject, or had it.
    Landed,
    /// Its requester took it back.
    Cancelled,
}

/// What repository, policy and tokens say of a request at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The target holds the subject; of a deletion, is gone.
    Landed,
    /// Its push would be let in.
    Approved {
        /// When the first of the tokens that it rests on ends; `None` if it rests on none that does.
        until: Option<Timestamp>,
    },
    /// A rejection stands in the way.
    Rejected,
    /// Something else is missing.
    Missing,
    /// It cannot be judged: its commits are not there.
    Unknown,
}

/// The moments that matter to a request. They are three, and none moves another: how long it waits, how long each token holds (which
/// the tokens say), and until when it must be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Since when it waits.
    pub opened: Timestamp,
    /// Until when it waits, if it is not approved.
    pub waits_until: Timestamp,
    /// Until when it must be used, now that it is approved: the first of the tokens that it rests on ends then.
    pub used_by: Option<Timestamp>,
}

impl State {
    /// All states, in the order in which lists name them.
    pub const ALL: [Self; 7] =
        [Self::Open, Self::Approved, Self::Denied, Self::Expired, Self::Superseded, Self::Landed, Self::Cancelled];

    /// Computes the state. What the log says of the end comes first; then the finding; then the clock, for what is not approved.
    pub fn of(ended: Option<&Ended>, finding: Finding, waits_until: Timestamp, now: Timestamp) -> Self {
        match (ended, finding) {
            (Some(Ended::Landed { .. }), _) | (_, Finding::Landed) => Self::Landed,
            (Some(Ended::Cancelled { .. }), _) => Self::Cancelled,
            (Some(Ended::Superseded { .. }), _) => Self::Superseded,
            (None, Finding::Rejected) => Self::Denied,
            (None, Finding::Approved { .. }) => Self::Approved,
            (None, Finding::Missing | Finding::Unknown) if now >= waits_until => Self::Expired,
            (None, Finding::Missing | Finding::Unknown) => Self::Open,
        }
    }

    /// Tells whether somebody's token, or its push, could still change something.
    pub fn waits(self) -> bool {
        matches!(self, Self::Open | Self::Approved | Self::Denied)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Landed => "landed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Finding {
    /// Says what `decision` by `policy` comes to, on `tokens`.
    pub fn of(decision: &UpdateDecision, policy: &Policy, tokens: &[SignedToken]) -> Self {
        if decision.verdict() == Verdict::Allow {
            let enforcing = decision.rules.iter().filter(|rule| rule.mode == Mode::Enforce);
            let ends = enforcing.flat_map(|outcome| ends(outcome, policy, tokens));
            return Self::Approved { until: ends.map(|(_, end)| end).min() };
        }
        let is_rejection = |unmet: &Unmet| matches!(unmet, Unmet::Rejected { .. });
        let unmet = decision.rules.iter().filter(|rule| rule.mode == Mode::Enforce && !rule.is_met());
        if unmet.flat_map(|rule| &rule.unmet).any(is_rejection) { Self::Rejected } else { Self::Missing }
    }
}

/// Returns until when each token holds on which the rule's answer rests.
pub fn ends(outcome: &RuleOutcome, policy: &Policy, tokens: &[SignedToken]) -> Vec<(Counted, Timestamp)> {
    let Some(rule) = policy.rules.iter().find(|rule| rule.name == outcome.rule) else { return Vec::new() };
    let text = |counted: &Counted| {
        let is_it =
            |signed: &&SignedToken| signed.id == counted.token && policy.holder(&signed.key) == Some(&counted.who);
        tokens.iter().find(is_it).map(|signed| &signed.token)
    };
    let relied = outcome.relied_on();
    let fills = |counted: &Counted| outcome.counted.contains(counted);
    let ordinary = relied.into_iter().filter_map(|counted| {
        let ttl = fills(&counted).then_some(rule.ttl);
        let end = end_of(text(&counted)?, ttl)?;
        Some((counted, end))
    });
    let emergency = outcome.overridden_by().iter().filter_map(|counted| {
        let ttl = rule.overriding.as_ref().map(|overriding| overriding.ttl);
        Some((counted.clone(), end_of(text(counted)?, ttl)?))
    });
    ordinary.chain(emergency).collect()
}

/// When a token ends: what it says itself, or earlier by the rule's time to live.
fn end_of(token: &Token, ttl: Option<Span>) -> Option<Timestamp> {
    let own = token.not_after;
    let by_rule = ttl.map(|ttl| token.not_before.plus(ttl));
    own.into_iter().chain(by_rule).min()
}

impl Clocks {
    /// Returns when a request that was opened at `opened` has waited for too long.
    pub fn waits_until(opened: Timestamp, keep: Span) -> Timestamp {
        opened.plus(keep)
    }

    /// Reads the clocks of a request that was opened at `opened`.
    pub fn of(opened: Timestamp, keep: Span, finding: Finding) -> Self {
        let used_by = match finding {
            Finding::Approved { until } => until,
            _ => None,
        };
        Self { opened, waits_until: Self::waits_until(opened, keep), used_by }
    }
}

impl Asked {
    /// Computes the state of the request, which waits for `keep`.
    pub fn state(&self, finding: Finding, keep: Span, now: Timestamp) -> State {
        State::of(self.ended.as_ref(), finding, Clocks::waits_until(self.opened, keep), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds).expect("a time")
    }

    #[test]
    fn the_end_comes_before_the_finding_and_the_finding_before_the_clock() {
        let landed = Ended::Landed { at: at(5) };
        let cancelled = Ended::Cancelled { at: at(5) };
        let superseded =
            Ended::Superseded { at: at(5), by: super::super::RequestId::parse("r-000000000000").expect("an id") };
        let approved = Finding::Approved { until: Some(at(50)) };
        let (early, late) = (at(99), at(100));
        let cases = [
            (None, Finding::Missing, early, State::Open),
            (None, Finding::Unknown, early, State::Open),
            (None, Finding::Missing, late, State::Expired),
            (None, Finding::Unknown, late, State::Expired),
            (None, approved, early, State::Approved),
            (None, approved, late, State::Approved),
            (None, Finding::Rejected, early, State::Denied),
            (None, Finding::Rejected, late, State::Denied),
            (None, Finding::Landed, late, State::Landed),
            (Some(&superseded), Finding::Missing, late, State::Superseded),
            (Some(&superseded), approved, early, State::Superseded),
            (Some(&superseded), Finding::Landed, early, State::Landed),
            (Some(&cancelled), approved, early, State::Cancelled),
            (Some(&cancelled), Finding::Rejected, late, State::Cancelled),
            (Some(&cancelled), Finding::Landed, early, State::Landed),
            (Some(&landed), Finding::Missing, late, State::Landed),
        ];
        for (ended, finding, now, expected) in cases {
            assert_eq!(State::of(ended, finding, at(100), now), expected, "{ended:?} {finding:?} {now}");
        }
    }

    #[test]
    fn a_state_is_its_word_and_fills_its_column() {
        for state in State::ALL {
            assert_eq!(format!("{state:<11}|"), format!("{:<11}|", state.word()));
        }
        assert_eq!(format!("{:>6}", State::Open), "  open");
    }

    #[test]
    fn the_three_clocks_do_not_move_each_other() {
        let keep = Span::days(1);
        let cases = [
            (Finding::Missing, None),
            (Finding::Rejected, None),
            (Finding::Approved { until: None }, None),
            (Finding::Approved { until: Some(at(7)) }, Some(at(7))),
        ];
        for (finding, used_by) in cases {
            let expected = Clocks { opened: at(5), waits_until: at(5 + 86_400), used_by };
            assert_eq!(Clocks::of(at(5), keep, finding), expected);
        }
    }
}
