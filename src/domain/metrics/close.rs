//! How requests end: what each adds to the figures.

use super::fold::{Fold, Response};
use super::part::Part;
use super::tally::{Closed, Outcome};
use super::{Key, Said};
use crate::domain::change::Target;
use crate::domain::name::RuleName;
use crate::domain::request::{Asked, Clocks, Ended};
use crate::domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Whoever signs so soon has hardly looked.
const HASTY: Span = Span::seconds(10);
const DAY: i64 = 86_400;

impl Fold<'_> {
    /// A request landed with the push of the entry `of`.
    pub(super) fn landed(&mut self, asked: &Asked, of: u64, end: Timestamp) {
        let accepted = self.accepted.get_mut(&of);
        let found = accepted.and_then(|accepted| {
            let update = accepted.updates.iter_mut().find(|(target, _)| *target == asked.target)?;
            Some((accepted.at, std::mem::take(&mut update.1)))
        });
        let (pushed, parts) = found.unwrap_or((end, Vec::new()));
        let told = self.told.remove(&asked.id).unwrap_or_default();
        let pushed = pushed.max(asked.opened);
        let mut all = self.closed(asked.opened, asked, &parts.iter().collect::<Vec<_>>(), pushed);
        if parts.is_empty() {
            // It landed below another one: whose approvals those were is not known here.
            all.outcome = Outcome::Unasked;
        }
        if self.counts(pushed) {
            self.hasty(asked, &parts);
            for part in &parts {
                let from =
                    told.rules.get(&part.rule).map_or(asked.opened, |since| (*since).clamp(asked.opened, pushed));
                self.close_rule(asked, &part.rule, &self.closed(from, asked, &[part], pushed), pushed);
                self.close_roles(asked, part, from, &all);
            }
            for (rule, since) in told.rules.iter().filter(|(rule, _)| parts.iter().all(|part| part.rule != **rule)) {
                let from = (*since).clamp(asked.opened, pushed);
                let closed = Closed { from, first: None, verdict: None, outcome: Outcome::Unasked, ..all };
                self.close_rule(asked, rule, &closed, pushed);
            }
            let rules = told.rules.keys().chain(parts.iter().map(|part| &part.rule)).collect();
            let mut groups = self.groups(&asked.target, &rules);
            if self.key == Some(Key::Role) && parts.iter().any(|part| !part.roles.is_empty()) {
                // Each role has its own time.
                groups.clear();
            }
            self.close(asked, &rules, groups, &all, pushed);
        }
    }

    /// How a request ended that landed at `pushed`, by what these rules had to say.
    fn closed(&self, from: Timestamp, asked: &Asked, parts: &[&Part], pushed: Timestamp) -> Closed {
        let outcome = match parts {
            parts if parts.iter().any(|part| part.overridden) => Outcome::Overridden,
            parts if parts.iter().any(|part| part.approved) => Outcome::Approved,
            _ => Outcome::Unasked,
        };
        // Signers' clocks are not the server's, and people sign before anybody asks.
        let within = |at: Timestamp| at.clamp(from, pushed);
        let first = parts.iter().filter_map(|part| part.first).min().map(within);
        let met = parts.iter().filter_map(|part| part.met).max().map_or(pushed, within);
        let is_new = self.counts(asked.opened);
        Closed { from, first, verdict: Some(met), pushed: Some(pushed), outcome, is_new }
    }

    fn hasty(&mut self, asked: &Asked, parts: &[Part]) {
        let signers: BTreeSet<_> = parts.iter().flat_map(|part| &part.signers).collect();
        for (_, who, at) in signers {
            if *at >= asked.opened && at.since(asked.opened) < HASTY {
                self.figures.approvers.entry(who.clone()).or_default().hasty += 1;
            }
        }
    }

    /// A request ended without landing, at `end` or when it had waited for too long.
    pub(super) fn parted(&mut self, asked: &Asked, end: Timestamp) {
        let told = self.told.remove(&asked.id).unwrap_or_default();
        let (outcome, end) = match &asked.ended {
            // It landed below another one: nobody said no to it.
            Some(Ended::Landed { .. }) => {
                return self.close_answered(asked, &told.rules, Outcome::Unasked, end.max(asked.opened), &[]);
            }
            Some(Ended::Cancelled { .. }) => (Outcome::Cancelled, end),
            Some(Ended::Superseded { .. }) => (Outcome::Superseded, end),
            None => (Outcome::Expired, Clocks::waits_until(asked.opened, self.keep)),
        };
        self.close_unlanded(asked, &told.rules, outcome, end.max(asked.opened));
    }

    /// A request that the log does not end: it waits, was rejected, or has waited for too long.
    pub(super) fn waits(&mut self, asked: &Asked, now: Timestamp) {
        let told = self.told.remove(&asked.id).unwrap_or_default();
        let end = Clocks::waits_until(asked.opened, self.keep);
        if now >= end {
            return self.close_unlanded(asked, &told.rules, Outcome::Expired, end);
        }
        let rules: BTreeSet<&RuleName> = told.rules.keys().collect();
        let responses = self.responses(asked, &rules, now);
        if responses.iter().any(|response| response.rejects) {
            return self.close_answered(asked, &told.rules, Outcome::Denied, now, &responses);
        }
        let (age, is_new) = (now.since(asked.opened).as_seconds(), self.counts(asked.opened));
        for rule in &rules {
            self.figures.rules.entry((*rule).clone()).or_default().wait(age, is_new);
        }
        for group in self.groups(&asked.target, &rules) {
            self.figures.groups.entry(group).or_default().wait(age, is_new);
        }
        self.opened(asked);
        self.figures.requests.wait(age, is_new);
    }

    /// Returns the answers to a request, those from before it was opened as of then.
    fn responses(&mut self, asked: &Asked, rules: &BTreeSet<&RuleName>, end: Timestamp) -> Vec<Response> {
        let mut responses = (self.respond)(asked, rules);
        responses.retain(|response| response.at <= end);
        responses.iter_mut().for_each(|response| response.at = response.at.max(asked.opened));
        responses
    }

    fn close_unlanded(
        &mut self,
        asked: &Asked,
        rules: &BTreeMap<RuleName, Timestamp>,
        outcome: Outcome,
        end: Timestamp,
    ) {
        let responses = self.responses(asked, &rules.keys().collect(), end);
        self.close_answered(asked, rules, outcome, end, &responses);
    }

    fn close_answered(
        &mut self,
        asked: &Asked,
        rules: &BTreeMap<RuleName, Timestamp>,
        outcome: Outcome,
        end: Timestamp,
        responses: &[Response],
    ) {
        let first = responses.iter().map(|response| response.at).min();
        let rejected = responses.iter().filter(|response| response.rejects).map(|response| response.at).min();
        let outcome = if rejected.is_some() { Outcome::Denied } else { outcome };
        let end = rejected.unwrap_or(end);
        if !self.counts(end) {
            return;
        }
        for response in responses {
            self.figures.approvers.entry(response.by.clone()).or_default().decisions += 1;
            for rule in rules.keys().filter(|_| response.rejects) {
                *self.figures.decisions.entry((rule.clone(), None, Said::Reject)).or_default() += 1;
            }
        }
        let is_new = self.counts(asked.opened);
        let all = Closed { from: asked.opened, first, verdict: rejected, pushed: None, outcome, is_new };
        for (rule, since) in rules {
            let from = (*since).clamp(asked.opened, end);
            let first = first.map(|first| first.max(from));
            self.close_rule(asked, rule, &Closed { from, first, ..all }, end);
        }
        let rules = rules.keys().collect();
        let groups = self.groups(&asked.target, &rules);
        self.close(asked, &rules, groups, &all, end);
    }

    fn close(
        &mut self,
        asked: &Asked,
        rules: &BTreeSet<&RuleName>,
        groups: BTreeSet<String>,
        closed: &Closed,
        end: Timestamp,
    ) {
        let Self { figures, freezes, .. } = self;
        let frozen = |from, until| freezes.seconds(&asked.target, &asked.action, from, until);
        figures.requests.close(closed, end, &frozen);
        for group in groups {
            figures.groups.entry(group).or_default().close(closed, end, &frozen);
        }
        let day = figures.days.entry(end.unix().div_euclid(DAY)).or_default();
        day.closed += 1;
        if let (Outcome::Approved, Some(verdict)) = (closed.outcome, closed.verdict) {
            let wait = verdict.since(closed.from).as_seconds().saturating_sub(frozen(closed.from, verdict));
            day.time_to_approve.add(wait);
        }
        self.opened(asked);
        self.busy_paths(rules);
    }

    fn opened(&mut self, asked: &Asked) {
        if self.counts(asked.opened) {
            self.figures.days.entry(asked.opened.unix().div_euclid(DAY)).or_default().opened += 1;
        }
    }

    fn busy_paths(&mut self, rules: &BTreeSet<&RuleName>) {
        let policy = self.policy.iter().flat_map(|policy| &policy.rules).filter(|rule| rules.contains(&rule.name));
        let patterns: BTreeSet<&String> =
            policy.filter_map(|rule| rule.paths.as_ref()).flat_map(|paths| paths.written()).collect();
        for pattern in patterns {
            *self.figures.paths.entry(pattern.clone()).or_default() += 1;
        }
    }

    fn close_rule(&mut self, asked: &Asked, rule: &RuleName, closed: &Closed, end: Timestamp) {
        let Self { figures, freezes, .. } = self;
        let frozen = |from, until| freezes.seconds(&asked.target, &asked.action, from, until);
        figures.rules.entry(rule.clone()).or_default().close(closed, end, &frozen);
    }

    /// Takes how long each role of a rule took, of a request that ended as `all` says.
    fn close_roles(&mut self, asked: &Asked, part: &Part, from: Timestamp, all: &Closed) {
        let Self { figures, freezes, .. } = self;
        let frozen = |from, until| freezes.seconds(&asked.target, &asked.action, from, until);
        for (role, at) in &part.roles {
            let until = (*at).clamp(from, all.pushed.unwrap_or(from));
            let wait = until.since(from).as_seconds().saturating_sub(frozen(from, until));
            figures.roles.entry((part.rule.clone(), role.clone())).or_default().add(wait);
            if self.key == Some(Key::Role) {
                let closed = Closed { from, first: Some(until), verdict: Some(until), ..*all };
                figures.groups.entry(role.to_string()).or_default().close(&closed, until, &frozen);
            }
        }
    }

    /// The groups of a request, but for those by rule, which have figures of their own.
    fn groups(&self, target: &Target, rules: &BTreeSet<&RuleName>) -> BTreeSet<String> {
        let key = self.key.filter(|key| *key != Key::Rule || rules.is_empty());
        key.map(|key| key.groups(target, rules, self.policy.as_deref())).unwrap_or_default()
    }
}
