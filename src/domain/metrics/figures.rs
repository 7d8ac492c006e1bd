//! All figures of one or several logs.

use super::tally::rate;
use super::{Refused, Spread, Tally};
use crate::domain::name::{PrincipalId, RoleName, RuleName, SinkName};
use crate::domain::notify::Deliveries;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// What the entries of one or several logs add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// All requests.
    pub requests: Tally,
    /// The same by what was asked for.
    pub groups: BTreeMap<String, Tally>,
    /// The part of each rule in them.
    pub rules: BTreeMap<RuleName, Tally>,
    /// How long each role took, of each rule: from when it was needed to its last token that counted.
    pub roles: BTreeMap<(RuleName, RoleName), Spread>,
    /// Requests by the UTC day on which they ended or were opened, counted from 1970-01-01.
    pub days: BTreeMap<i64, Day>,
    /// How many requests each pattern of paths had to do with that a rule is about.
    pub paths: BTreeMap<String, u64>,
    /// Pushes.
    pub pushes: Pushes,
    /// Pushes as each rule judged them.
    pub rule_pushes: BTreeMap<RuleName, RulePushes>,
    /// The tokens that counted for pushes that were let in, and the rejections that kept requests from landing, by the rule and the role whose
    /// place was filled (of a rejection that is not known).
    pub decisions: BTreeMap<(RuleName, Option<RoleName>, Said), u64>,
    /// Overrides and their reviews.
    pub overrides: Overrides,
    /// Tokens.
    pub tokens: Tokens,
    /// What each person decided.
    pub approvers: BTreeMap<PrincipalId, Load>,
    /// How long hooks took to answer, in milliseconds.
    pub hook_ms: Spread,
    /// What became of notices, by the place that they go to. Not from the log, and of all times.
    pub notices: BTreeMap<SinkName, Notices>,
    /// The logs themselves.
    pub logs: Vec<LogHealth>,
}

/// What happened on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    /// How many requests were opened.
    pub opened: u64,
    /// How many ended.
    pub closed: u64,
    /// How long those took that were approved, in seconds.
    pub time_to_approve: Spread,
}

/// Pushes that some rule had a say in, or that were refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushes {
    /// Let in.
    pub accepted: u64,
    /// Refused.
    pub refused: u64,
    /// Of those that were refused: nobody was asked, for nobody's token could have let them in.
    pub unasked: u64,
    /// Of those that were let in: a rule was overridden.
    pub overridden: u64,
    /// Of these: the rule was a freeze.
    pub freeze_exempt: u64,
}

/// What a token said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// Yes, or of a check that it passed.
    Approve,
    /// Nevertheless.
    Override,
    /// No.
    Reject,
}

impl Said {
    /// Returns the word for it, as in tokens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Override => "override",
            Self::Reject => "reject",
        }
    }
}

/// Pushes as one rule judged them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RulePushes {
    /// Pushes in which it was met.
    pub met: u64,
    /// Pushes in which it was not.
    pub unmet: u64,
    /// Pushes in which it was overridden.
    pub overridden: u64,
    /// As `met`, while it only observed.
    pub observed_met: u64,
    /// As `unmet`, while it only observed.
    pub observed_unmet: u64,
}

/// Overrides that let something in, and their reviews.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// How many, by rule.
    pub used: BTreeMap<RuleName, u64>,
    /// How many wait for their review.
    pub unreviewed: u64,
    /// Of these, how many should have been reviewed by now.
    pub overdue: u64,
    /// How long the reviews took, in seconds.
    pub time_to_review: Spread,
}

/// Tokens that decisions looked at, each once for a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How many.
    pub seen: u64,
    /// Of these, how many were outdated by a new push.
    pub stale: u64,
    /// How many did not count, by why. One can do so for several reasons.
    pub refused: BTreeMap<Refused, u64>,
}

/// What one person decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Approvals, overrides and rejections.
    pub decisions: u64,
    /// Of these, how many were signed less than ten seconds after the request was opened.
    pub hasty: u64,
}

/// The notices of one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    /// What became of those that were tried.
    pub deliveries: Deliveries,
    /// How old those are that wait, in seconds.
    pub waiting: Spread,
}

/// One log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHealth {
    /// The repository's name and id, as config.toml has them.
    pub repository: String,
    /// How many entries it has.
    pub entries: u64,
    /// The time of the newest.
    pub newest: Option<Timestamp>,
    /// When it was checked last; `None`: it was not.
    pub verified: Option<Timestamp>,
    /// Whether it was sound then.
    pub is_sound: Option<bool>,
}

impl Figures {
    /// Adds the figures of other logs.
    pub fn merge(&mut self, other: Self) {
        self.requests.merge(&other.requests);
        for (group, tally) in &other.groups {
            self.groups.entry(group.clone()).or_default().merge(tally);
        }
        for (rule, tally) in &other.rules {
            self.rules.entry(rule.clone()).or_default().merge(tally);
        }
        for (key, waits) in &other.roles {
            self.roles.entry(key.clone()).or_default().merge(waits);
        }
        for (day, other) in &other.days {
            let own = self.days.entry(*day).or_default();
            own.opened += other.opened;
            own.closed += other.closed;
            own.time_to_approve.merge(&other.time_to_approve);
        }
        add_counts(&mut self.paths, other.paths);
        self.pushes.merge(other.pushes);
        for (rule, other) in other.rule_pushes {
            self.rule_pushes.entry(rule).or_default().merge(other);
        }
        add_counts(&mut self.decisions, other.decisions);
        add_counts(&mut self.overrides.used, other.overrides.used);
        self.overrides.unreviewed += other.overrides.unreviewed;
        self.overrides.overdue += other.overrides.overdue;
        self.overrides.time_to_review.merge(&other.overrides.time_to_review);
        self.tokens.seen += other.tokens.seen;
        self.tokens.stale += other.tokens.stale;
        add_counts(&mut self.tokens.refused, other.tokens.refused);
        for (who, other) in other.approvers {
            let own = self.approvers.entry(who).or_default();
            own.decisions += other.decisions;
            own.hasty += other.hasty;
        }
        self.hook_ms.merge(&other.hook_ms);
        for (place, other) in other.notices {
            let own = self.notices.entry(place).or_default();
            own.deliveries.merge(other.deliveries);
            own.waiting.merge(&other.waiting);
        }
        self.logs.extend(other.logs);
    }

    /// Returns how long each role took, whatever the rule.
    pub fn role_waits(&self) -> BTreeMap<&RoleName, Spread> {
        let mut waits: BTreeMap<&RoleName, Spread> = BTreeMap::new();
        for ((_, role), of_rule) in &self.roles {
            waits.entry(role).or_default().merge(of_rule);
        }
        waits
    }
}

fn add_counts<K: Ord>(own: &mut BTreeMap<K, u64>, other: BTreeMap<K, u64>) {
    for (key, count) in other {
        *own.entry(key).or_default() += count;
    }
}

impl Pushes {
    fn merge(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unasked += other.unasked;
        self.overridden += other.overridden;
        self.freeze_exempt += other.freeze_exempt;
    }

    /// Returns the share of pushes that were refused with nobody asked.
    pub fn policy_refusal_rate(&self) -> Option<f64> {
        rate(self.unasked, self.accepted + self.refused)
    }

    /// Returns the share of overridden ones among the pushes that were let in.
    pub fn override_rate(&self) -> Option<f64> {
        rate(self.overridden, self.accepted)
    }

    /// Returns the share of those that a freeze did not hold among the pushes that were let in.
    pub fn freeze_exempt_rate(&self) -> Option<f64> {
        rate(self.freeze_exempt, self.accepted)
    }
}

impl RulePushes {
    fn merge(&mut self, other: Self) {
        self.met += other.met;
        self.unmet += other.unmet;
        self.overridden += other.overridden;
        self.observed_met += other.observed_met;
        self.observed_unmet += other.observed_unmet;
    }
}

impl Tokens {
    /// Returns the share of outdated ones.
    pub fn stale_rate(&self) -> Option<f64> {
        rate(self.stale, self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every count is a multiple of `n`, each of another.
    fn counted(n: u64) -> Figures {
        let rule = RuleName::new("r").expect("a name");
        let day = Day { opened: n, closed: 2 * n, ..Day::default() };
        let load = Load { decisions: 3 * n, hasty: 4 * n };
        let pushes =
            Pushes { accepted: 5 * n, refused: 6 * n, unasked: 7 * n, overridden: 8 * n, freeze_exempt: 9 * n };
        let of_rule =
            RulePushes { met: 10 * n, unmet: 11 * n, overridden: 12 * n, observed_met: 13 * n, observed_unmet: 14 * n };
        let mut figures = Figures {
            days: BTreeMap::from([(20_000, day)]),
            paths: BTreeMap::from([("db/**".to_owned(), 15 * n)]),
            pushes,
            rule_pushes: BTreeMap::from([(rule.clone(), of_rule)]),
            decisions: BTreeMap::from([((rule.clone(), None, Said::Reject), 16 * n)]),
            approvers: BTreeMap::from([(PrincipalId::new("alice").expect("a name"), load)]),
            ..Figures::default()
        };
        figures.overrides.used = BTreeMap::from([(rule, 17 * n)]);
        (figures.overrides.unreviewed, figures.overrides.overdue) = (18 * n, 19 * n);
        (figures.tokens.seen, figures.tokens.stale) = (20 * n, 21 * n);
        figures
    }

    #[test]
    fn what_is_counted_in_several_logs_is_added_up() {
        let mut both = counted(2);
        both.merge(counted(3));
        assert_eq!(both, counted(5));
        both.merge(Figures::default());
        assert_eq!(both, counted(5));
        let mut none = Figures::default();
        none.merge(counted(5));
        assert_eq!(none, counted(5));
    }

    #[test]
    fn shares_are_of_what_they_are_about_and_there_is_none_of_nothing() {
        let pushes = Pushes { accepted: 8, refused: 2, unasked: 1, overridden: 4, freeze_exempt: 2 };
        assert_eq!(pushes.policy_refusal_rate(), Some(0.1));
        assert_eq!(pushes.override_rate(), Some(0.5));
        assert_eq!(pushes.freeze_exempt_rate(), Some(0.25));
        assert_eq!(Pushes::default().freeze_exempt_rate(), None);
    }
}
