//! The pass over the entries of one log.

use super::figures::{Figures, LogHealth, Said};
use super::freezes::Freezes;
use super::part::Accepted;
use super::{Key, Refused};
use crate::domain::audit::{self, Decision, Entry, Event, Override, Review, RuleRecord, UpdateRecord, Verdict};
use crate::domain::change::Target;
use crate::domain::name::{PrincipalId, RuleName};
use crate::domain::policy::{Mode, Policy};
use crate::domain::request::{Asked, Ended, Ledger, RequestId, Wanted};
use crate::domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a rule that says never lacks, in the words of the log.
const NEVER: &str = "never";

/// Somebody's answer to a request that did not land, as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// When it was signed.
    pub at: Timestamp,
    /// By whom.
    pub by: PrincipalId,
    /// Whether it is a rejection; else an approval.
    pub rejects: bool,
}

/// Finds the answers to a request that did not land, given the rules that refused it.
pub type Respond<'a> = dyn FnMut(&Asked, &BTreeSet<&RuleName>) -> Vec<Response> + 'a;

/// The pass over the entries of one log, oldest first.
pub struct Fold<'a> {
    ledger: Ledger,
    pub(super) keep: Span,
    since: Timestamp,
    pub(super) key: Option<Key>,
    pub(super) respond: Box<Respond<'a>>,
    pub(super) policy: Option<Arc<Policy>>,
    pub(super) freezes: Freezes,
    /// What refusals told of the requests that wait.
    pub(super) told: HashMap<RequestId, Told>,
    /// Allowed pushes of which nobody has said yet what became of them.
    pub(super) accepted: BTreeMap<u64, Accepted>,
    /// Overrides that nobody has reviewed, by their entries, and whether they came to something.
    debts: BTreeMap<u64, (Timestamp, Override, bool)>,
    /// Whether the newest denial, which may be repeated, was one of a push that is counted, and whether it asked somebody.
    last_denial: (bool, bool),
    entries: u64,
    newest: Option<Timestamp>,
    pub(super) figures: Figures,
}

/// What refusals told of a request.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The rules that refused it, and since when.
    pub(super) rules: BTreeMap<RuleName, Timestamp>,
    tokens: SeenTokens,
}

/// Tokens by the beginning of their ids: those that were counted already, and for what.
#[derive(Debug, Default)]
struct SeenTokens {
    all: BTreeSet<u64>,
    stale: BTreeSet<u64>,
    refused: BTreeSet<(u64, Refused)>,
}

impl<'a> Fold<'a> {
    /// Begins before the first entry. Requests wait for `keep`; what ended or happened before `since` is not counted.
    pub fn new(keep: Span, since: Timestamp, key: Option<Key>, respond: Box<Respond<'a>>) -> Self {
        Self {
            ledger: Ledger::new(keep, Wanted::Waiting),
            keep,
            since,
            key,
            respond,
            policy: None,
            freezes: Freezes::default(),
            told: HashMap::new(),
            accepted: BTreeMap::new(),
            debts: BTreeMap::new(),
            last_denial: (false, false),
            entries: 0,
            newest: None,
            figures: Figures::default(),
        }
    }

    /// Takes note that a policy comes into force; `None` if it does not load. Belongs before the entry that says so is taken.
    pub fn put_in_force(&mut self, since: Timestamp, policy: Option<Policy>) {
        self.policy = policy.map(Arc::new);
        self.freezes.put_in_force(since, self.policy.as_ref());
    }

    /// Takes the next entry, whole.
    pub fn take(&mut self, index: u64, entry: &Entry) {
        self.entries += 1;
        self.newest = self.newest.max(Some(entry.time));
        if let Event::Gate(gate) = &entry.event {
            self.gate(index, entry.time, &gate.decision);
        }
        for asked in self.ledger.take(index, entry) {
            match (&asked.ended, &entry.event) {
                (Some(Ended::Landed { .. }), Event::Outcome(outcome)) => self.landed(&asked, outcome.of, entry.time),
                // That it opened is all that becomes of a gate.
                (Some(Ended::Landed { .. }), Event::Gate(_)) => self.landed(&asked, index, entry.time),
                _ => self.parted(&asked, entry.time),
            }
        }
        match &entry.event {
            Event::Decision(decision) => self.decision(index, entry.time, decision),
            Event::Outcome(outcome) => self.outcome(outcome, entry.time),
            Event::Gate(_) => drop(self.accepted.remove(&index)),
            Event::Override(used) => {
                self.debts.insert(index, (entry.time, used.clone(), false));
            }
            Event::Review(review) => self.review(review, entry.time),
            _ => {}
        }
    }

    /// Returns what all entries add up to at the moment `now`, of the log of `repository`.
    pub fn finish(mut self, repository: &str, now: Timestamp) -> Figures {
        let now = self.newest.map_or(now, |newest| newest.max(now));
        let ledger = std::mem::replace(&mut self.ledger, Ledger::new(self.keep, Wanted::Waiting));
        for asked in ledger.into_requests() {
            self.waits(&asked, now);
        }
        for (_, used, applied) in self.debts.values() {
            self.figures.overrides.unreviewed += u64::from(*applied);
            self.figures.overrides.overdue += u64::from(*applied && used.due <= now);
        }
        if self.key == Some(Key::Rule) {
            let rules = self.figures.rules.iter().map(|(rule, tally)| (rule.to_string(), tally.clone()));
            self.figures.groups.extend(rules);
        }
        let (entries, newest) = (self.entries, self.newest);
        let repository = repository.to_owned();
        self.figures.logs = vec![LogHealth { repository, entries, newest, verified: None, is_sound: None }];
        self.figures
    }

    /// Tells whether what happened at `at` is counted.
    pub(super) fn counts(&self, at: Timestamp) -> bool {
        at >= self.since
    }

    fn decision(&mut self, index: u64, time: Timestamp, decision: &Decision) {
        let allowed = decision.verdict == Verdict::Allow;
        if self.counts(time) {
            self.figures.hook_ms.add(decision.duration_ms);
        }
        if !allowed {
            if decision.again.is_none() {
                let own = !decision.updates.is_empty() && decision.updates.iter().all(|update| update.target.is_own());
                self.last_denial = (!own, decision.updates.iter().any(|update| !update.requested.is_empty()));
                self.asked(time, decision);
            }
            let (is_push, asks) = self.last_denial;
            if is_push && self.counts(time) {
                self.figures.pushes.refused += 1;
                self.figures.pushes.unasked += u64::from(!asks);
            }
        } else {
            let accepted = Accepted::of(time, decision);
            self.let_in(time, decision, &accepted);
            self.accepted.insert(index, accepted);
        }
        self.tokens(time, decision);
        if self.counts(time) {
            rules(decision).for_each(|rule| self.rule_push(rule, allowed));
        }
    }

    /// A gate is no push: it counts for whoever decided that it opens, and for the time that this took.
    fn gate(&mut self, index: u64, time: Timestamp, decision: &Decision) {
        if decision.verdict == Verdict::Deny {
            return;
        }
        let accepted = Accepted::of(time, decision);
        if self.counts(time) {
            self.decided(&accepted);
            rules(decision).for_each(|rule| self.verdicts(rule));
        }
        self.accepted.insert(index, accepted);
    }

    /// Remembers which rules refuse the requests of a denial.
    fn asked(&mut self, time: Timestamp, decision: &Decision) {
        for update in &decision.updates {
            let unmet = || update.rules.iter().filter(|rule| rule.mode == Mode::Enforce && !rule.met);
            for subject in &update.requested {
                let id = RequestId::of(&decision.repository, &update.target, subject);
                let told = self.told.entry(id).or_default();
                for rule in unmet() {
                    told.rules.entry(rule.name.clone()).or_insert(time);
                }
            }
        }
    }

    fn let_in(&mut self, time: Timestamp, decision: &Decision, accepted: &Accepted) {
        let mut enforcing = rules(decision).filter(|rule| rule.mode == Mode::Enforce).peekable();
        if !self.counts(time) || enforcing.peek().is_none() {
            return;
        }
        let overridden: Vec<&RuleRecord> = enforcing.filter(|rule| !rule.overridden.is_empty()).collect();
        let pushes = &mut self.figures.pushes;
        pushes.accepted += 1;
        pushes.overridden += u64::from(!overridden.is_empty());
        let exempt = overridden.iter().any(|rule| rule.unmet.iter().any(|unmet| unmet == NEVER));
        pushes.freeze_exempt += u64::from(exempt);
        self.decided(accepted);
    }

    /// Counts the people whose tokens let it in.
    fn decided(&mut self, accepted: &Accepted) {
        let parts = accepted.updates.iter().flat_map(|(_, parts)| parts);
        let signers: BTreeSet<_> = parts.flat_map(|part| &part.signers).collect();
        for (_, who, _) in signers {
            self.figures.approvers.entry(who.clone()).or_default().decisions += 1;
        }
    }

    /// Counts the tokens by which a rule let something in.
    fn verdicts(&mut self, rule: &RuleRecord) {
        let verdicts = [(&rule.counted, Said::Approve), (&rule.overridden, Said::Override)];
        for (counted, said) in verdicts.into_iter().filter(|_| rule.mode == Mode::Enforce) {
            for one in counted {
                *self.figures.decisions.entry((rule.name.clone(), Some(one.role.clone()), said)).or_default() += 1;
            }
        }
    }

    fn rule_push(&mut self, rule: &RuleRecord, allowed: bool) {
        if allowed {
            self.verdicts(rule);
        }
        let counts = self.figures.rule_pushes.entry(rule.name.clone()).or_default();
        let count = match (rule.mode, rule.met) {
            (Mode::Enforce, true) if !rule.overridden.is_empty() => &mut counts.overridden,
            (Mode::Enforce, true) => &mut counts.met,
            (Mode::Enforce, false) => &mut counts.unmet,
            (Mode::Observe, true) => &mut counts.observed_met,
            (Mode::Observe, false) => &mut counts.observed_unmet,
        };
        *count += 1;
    }

    /// Counts the tokens that a decision looked at, each once for a request that waits, else once for the decision.
    fn tokens(&mut self, time: Timestamp, decision: &Decision) {
        let counts = self.counts(time);
        for update in &decision.updates {
            let has_none = |rule: &RuleRecord| {
                rule.counted.is_empty() && rule.overridden.is_empty() && rule.not_counted.is_empty()
            };
            if update.rules.iter().all(has_none) {
                continue;
            }
            let tips = if update.new.is_empty() { &update.old } else { &update.new };
            let mut ids = tips.iter().map(|tip| RequestId::of(&decision.repository, &update.target, tip));
            let known = ids.find(|id| self.told.contains_key(id));
            let mut fresh = SeenTokens::default();
            let waiting = known.and_then(|id| self.told.get_mut(&id)).map(|told| &mut told.tokens);
            waiting.unwrap_or(&mut fresh).take(update, counts, &mut self.figures.tokens);
        }
    }

    fn outcome(&mut self, outcome: &audit::Outcome, time: Timestamp) {
        self.accepted.remove(&outcome.of);
        let moved = |target: &Target| outcome.applied.iter().any(|applied| applied.target == *target);
        let counts = self.counts(time);
        let used = &mut self.figures.overrides.used;
        self.debts.retain(|_, (_, debt, applied)| {
            if debt.of == outcome.of && moved(&debt.target) {
                *applied = true;
                if counts {
                    *used.entry(debt.rule.clone()).or_default() += 1;
                }
            }
            *applied || debt.of != outcome.of
        });
    }

    fn review(&mut self, review: &Review, time: Timestamp) {
        if let Some((since, ..)) = self.debts.remove(&review.debt)
            && self.counts(time)
        {
            self.figures.overrides.time_to_review.add(time.since(since).as_seconds());
        }
    }
}

impl SeenTokens {
    fn take(&mut self, update: &UpdateRecord, counts: bool, figures: &mut super::Tokens) {
        for rule in &update.rules {
            let refused = rule.not_counted.iter().map(|one| (one.token, Some(Refused::of(&one.why))));
            let counted = rule.counted.iter().chain(&rule.overridden).map(|one| (one.token, None));
            for (token, why) in counted.chain(refused) {
                let [a, b, c, d, e, f, g, h, ..] = token.0;
                let token = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                let is_new = self.all.insert(token);
                figures.seen += u64::from(is_new && counts);
                let Some(why) = why else { continue };
                let outdated = why == Refused::Stale && self.stale.insert(token);
                figures.stale += u64::from(outdated && counts);
                if self.refused.insert((token, why)) && counts {
                    *figures.refused.entry(why).or_default() += 1;
                }
            }
        }
    }
}

/// The rules of all updates of a push.
fn rules(decision: &Decision) -> impl Iterator<Item = &RuleRecord> {
    decision.updates.iter().flat_map(|update| &update.rules)
}
