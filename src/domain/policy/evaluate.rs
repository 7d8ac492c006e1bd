//! The decision itself: one pure function of policy, push, approvals and time.
//!
//! For each ref update, every rule that is in force and names its target and one of its actions is asked. A rule first says which
//! changesets it is about (its units); without any it does not match. Then everything that it asks is checked, and all that
//! is missing is collected: nothing stops at the first reason. An update is let in only if each enforcing rule that
//! matches is met, or if none matches and the policy's default says so; a rule in "observe" neither denies nor lets in.
//! A rule that is only taken to match, for want of a fact, may deny, but the default is asked all the same.

use super::coverage::Graph;
use super::decision::{Counted, Decision, NotCounted, Overriding, RuleOutcome, Unmet, UpdateDecision, Why};
use super::quorums::{Quorums, Usable};
use super::standing::Standing;
use super::units::{Touched, Units};
use super::{Mode, Policy, Rule, checks};
use crate::domain::approval::quorum::Filled;
use crate::domain::approval::{Kind, SignedToken};
use crate::domain::change::{ChangesetId, Push, RefUpdate};
use crate::domain::name::PrincipalId;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Decides `push` by `policy` with `tokens`, whose signatures were checked, at the moment `now`.
///
/// The tokens may be any: those that do not count for an update are listed with the reason, and those whose subject is not
/// part of it are passed over. Facts of the push that nobody gathered (`own_paths`, `paths` that are `None`) are taken
/// as matching; they can deny, but never let in what the truth would not.
pub fn evaluate(policy: &Policy, push: &Push, tokens: &[SignedToken], now: Timestamp) -> Decision {
    let decide = |update: &RefUpdate| decide_update(policy, push, update, tokens, now);
    Decision { updates: push.updates.iter().map(decide).collect() }
}

fn decide_update(
    policy: &Policy,
    push: &Push,
    update: &RefUpdate,
    tokens: &[SignedToken],
    now: Timestamp,
) -> UpdateDecision {
    let (graph, touched) = (Graph::new(update), Touched::by(update));
    let standing = Standing::new(policy, push, &graph, tokens, now);
    let mut enforced = false;
    let mut rules = Vec::new();
    for rule in policy.rules_for(update).filter(|rule| policy.in_force(rule, now)) {
        let units = Units::of(rule, &touched);
        if units.matches {
            enforced |= rule.mode == Mode::Enforce && units.certain;
            let (graph, standing, units) = (&graph, &standing, &units);
            let kind = &Kind::Approve;
            rules.push(Judge { policy, push, graph, standing, tokens, kind, rule, units }.judge());
        }
    }
    UpdateDecision {
        target: update.target.clone(),
        action: update.action().clone(),
        actions: update.actions.clone(),
        old: update.old.clone(),
        new: update.new.clone(),
        after: update.after.clone(),
        default: (!enforced).then_some(policy.default),
        rules,
    }
}

/// One rule at work on one update.
struct Judge<'a> {
    policy: &'a Policy,
    push: &'a Push,
    graph: &'a Graph<'a>,
    standing: &'a Standing<'a>,
    tokens: &'a [SignedToken],
    /// Which tokens fill the rule's places.
    kind: &'a Kind,
    rule: &'a Rule,
    units: &'a Units<'a>,
}

impl<'a> Judge<'a> {
    fn judge(&self) -> RuleOutcome {
        let mut outcome = self.blank();
        if self.rule.deny {
            outcome.unmet.push(Unmet::Never);
        }
        self.check_people(&mut outcome);
        let needs_commit = self.rule.authors_known || self.rule.asks_approvals() || !self.rule.checks.is_empty();
        if needs_commit && self.graph.update().tips.is_empty() {
            outcome.unmet.push(Unmet::NotACommit);
        }
        self.check_checks(&mut outcome);
        if self.rule.asks_approvals() {
            self.check_rejections(&mut outcome);
            self.check_approvals(&mut outcome);
        }
        if !outcome.is_met() {
            self.check_override(&mut outcome);
        }
        outcome
    }

    /// The rule's outcome before anything was looked at.
    fn blank(&self) -> RuleOutcome {
        RuleOutcome {
            rule: self.rule.name.clone(),
            mode: self.rule.mode,
            message: self.rule.message.clone(),
            require: self.rule.require.clone(),
            any_of: self.rule.any_of.clone(),
            reason: self.rule.reason.clone(),
            matched: self.units.ids(),
            unmet: Vec::new(),
            checks: Vec::new(),
            counted: Vec::new(),
            not_counted: Vec::new(),
            could_sign: BTreeSet::new(),
            overriding: None,
        }
    }

    /// What the rule asks in an emergency, of overrides in the place of approvals. Neither a rejection nor anything else that it asks
    /// matters then; but somebody must have signed, so that where nothing can be signed for nothing is passed.
    fn check_override(&self, outcome: &mut RuleOutcome) {
        let (Some(emergency), Some(written)) = (self.rule.in_emergency(), &self.rule.overriding) else { return };
        let kind = Kind::Override(self.rule.name.clone());
        let judge = Judge { rule: &emergency, kind: &kind, ..*self };
        let mut found = judge.blank();
        judge.check_approvals(&mut found);
        outcome.not_counted.append(&mut found.not_counted);
        outcome.overriding = Some(Overriding {
            passes: found.unmet.is_empty() && !found.counted.is_empty(),
            requirement: written.requirement.clone(),
            review_within: written.review_within,
            counted: found.counted,
            could_sign: found.could_sign,
        });
    }

    /// `pushers` and `authors`.
    fn check_people(&self, outcome: &mut RuleOutcome) {
        if self.rule.pushers_known {
            let ended = self.pusher().map(|who| self.standing.ended(who));
            match (&self.push.pusher.login, ended) {
                (Some(login), Some(Some(at))) => outcome.unmet.push(Unmet::PusherEnded { login: login.clone(), at }),
                (_, Some(_)) => {}
                (login, None) => outcome.unmet.push(Unmet::PusherNotKnown(login.clone())),
            }
        }
        if self.rule.authors_known {
            let strangers = self.strange_authors();
            if !strangers.is_empty() {
                outcome.unmet.push(Unmet::AuthorsNotKnown(strangers));
            }
        }
    }

    fn check_checks(&self, outcome: &mut RuleOutcome) {
        let tips = &self.graph.update().tips;
        let (checked, not_counted) = checks::judge(self.policy, self.rule, self.standing, tips, self.tokens);
        outcome.unmet.extend(checked.iter().filter(|one| !one.holds()).cloned().map(Unmet::Check));
        outcome.checks = checked;
        outcome.not_counted.extend(not_counted);
    }

    /// Returns the authors who are no principals; a changeset that names no author has an unknown one, with an empty address.
    fn strange_authors(&self) -> Vec<(ChangesetId, Vec<u8>)> {
        let mut strangers = Vec::new();
        for changeset in &self.units.changesets {
            let unknown = changeset.authors.iter().filter(|mail| self.policy.owner_of_email(mail).is_none());
            strangers.extend(unknown.map(|mail| (changeset.id, mail.clone())));
            if changeset.authors.is_empty() {
                strangers.push((changeset.id, Vec::new()));
            }
        }
        strangers
    }

    fn pusher(&self) -> Option<&'a PrincipalId> {
        self.push.pusher.login.as_deref().and_then(|login| self.policy.owner_of_login(login))
    }

    fn check_rejections(&self, outcome: &mut RuleOutcome) {
        for rejection in self.standing.rejections(self.rule) {
            let update = self.graph.update();
            let part = self.graph.position(&rejection.subject).is_some() || update.tips.contains(&rejection.subject);
            if part {
                outcome.unmet.push(Unmet::Rejected {
                    by: rejection.by,
                    token: rejection.token.id,
                    subject: rejection.subject,
                    reason: rejection.token.token.reason.clone(),
                    until: rejection.until,
                });
            }
        }
    }

    fn check_approvals(&self, outcome: &mut RuleOutcome) {
        let unknown = self.push.pusher.login.is_none() && !self.push.unknown_pusher_allowed;
        if unknown && !self.rule.self_approval {
            outcome.unmet.push(Unmet::UnknownPusher);
        }
        let usable = self.usable(outcome);
        let selves = |unit: &ChangesetId| self.selves(unit);
        let mut quorums = Quorums::new(self.policy, self.rule, self.graph, self.standing, &usable, &selves);
        let unmet = quorums.unmet_units(self.units);
        self.note_selves(outcome, &usable, quorums.excluded());
        outcome.counted = self.counted(&usable, &quorums);
        outcome.could_sign = quorums.could_sign();
        note_unmet(outcome, unmet);
    }

    /// Sorts the tokens: those that can fill a place, and the others with the reason.
    fn usable(&self, outcome: &mut RuleOutcome) -> Vec<Usable<'a>> {
        let mut usable = Vec::new();
        let matched = outcome.matched.clone();
        for signed in self.tokens.iter().filter(|signed| signed.token.kind == *self.kind) {
            let Some(subject) = &signed.token.subject else { continue };
            let in_update = self.graph.position(subject).is_some() || self.graph.update().tips.contains(subject);
            if !in_update {
                continue;
            }
            let mut refuse = |who, why| outcome.not_counted.push(NotCounted { token: signed.id, who, why });
            let worth = match self.standing.worth(signed, self.rule) {
                Ok(worth) => worth,
                Err(not) => {
                    refuse(not.who, not.why);
                    continue;
                }
            };
            // Where the base must be the old value exactly, it takes nothing away: what becomes public stood there before.
            let bases = if self.graph.update().is_plain_update() { &signed.token.base[..] } else { &[] };
            let covers = self.graph.covered(subject, bases).unwrap_or_default();
            let token = Usable { signed, worth, covers };
            let covered = |id: &ChangesetId| token.covers(id, self.graph.position(id));
            if self.standing.is_withdrawn(signed, &token.worth.who, &covered) {
                refuse(Some(token.worth.who), Why::Rejected);
            } else if !matched.iter().any(covered) {
                refuse(Some(token.worth.who), Why::CoversNothing);
            } else {
                usable.push(token);
            }
        }
        usable
    }

    /// Returns who does not count for `unit`, with the reason. A tip that is not new to the rule has no authors here.
    fn selves(&self, unit: &ChangesetId) -> BTreeMap<PrincipalId, Why> {
        let mut selves = BTreeMap::new();
        if self.rule.self_approval {
            return selves;
        }
        let promoted = self.graph.update().promoted.get(&self.rule.name).is_some_and(|ids| ids.contains(unit));
        let new_to_rule = self.graph.update().scopes.get(&self.rule.name).is_none_or(|ids| ids.contains(unit));
        let own = self.graph.position(unit).filter(|_| new_to_rule && !promoted);
        if let Some(changeset) = own.map(|at| &self.graph.update().changesets[at]) {
            for mail in changeset.authors.iter().chain(&changeset.committer) {
                if let Some(who) = self.policy.owner_of_email(mail) {
                    selves.insert(who.clone(), Why::Author(*unit));
                }
            }
        }
        for pusher in self.push.pusher.login.iter().flat_map(|login| self.policy.likely_owners_of_login(login)) {
            selves.insert(pusher.clone(), Why::Pusher);
        }
        selves
    }

    fn note_selves(&self, outcome: &mut RuleOutcome, usable: &[Usable<'_>], selves: &BTreeMap<PrincipalId, Why>) {
        for token in usable {
            if let Some(why) = selves.get(&token.worth.who) {
                outcome.not_counted.push(NotCounted {
                    token: token.signed.id,
                    who: Some(token.worth.who.clone()),
                    why: why.clone(),
                });
            }
        }
    }

    fn counted(&self, usable: &[Usable<'_>], quorums: &Quorums<'_, '_>) -> Vec<Counted> {
        let mut counted = BTreeSet::new();
        for (covering, filled, delegations) in quorums.shapes() {
            for entry in filled {
                for person in &entry.people {
                    // Any of the person's tokens that reach this shape could be named; the first keeps it stable.
                    let role = &entry.requirement.role;
                    let own = |token: &Usable<'_>| token.worth.roles.contains(role);
                    let signed = || {
                        let covering = usable.iter().zip(covering).filter(|(_, covers)| **covers);
                        covering.map(|(token, _)| token).filter(|token| token.worth.who == *person)
                    };
                    let for_other = delegations.iter().find(|one| one.to == *person && one.role == *role);
                    let by_delegation = || {
                        let delegation = for_other?;
                        let token = signed().find(|token| token.worth.delegated.contains(delegation))?;
                        Some((token, Some((delegation.from.clone(), delegation.token))))
                    };
                    let found = signed().find(|token| own(token)).map(|token| (token, None)).or_else(by_delegation);
                    if let Some((token, stands_in)) = found {
                        let (token, who, role) = (token.signed.id, person.clone(), role.clone());
                        counted.insert(Counted { token, who, role, stands_in });
                    }
                }
            }
        }
        counted.into_iter().collect()
    }
}

/// Notes what is missing, changesets that lack the same together.
fn note_unmet(outcome: &mut RuleOutcome, unmet: Vec<(ChangesetId, Vec<Filled>)>) {
    let mut groups: Vec<(Vec<Filled>, Vec<ChangesetId>)> = Vec::new();
    for (unit, filled) in unmet {
        match groups.iter_mut().find(|(known, _)| *known == filled) {
            Some((_, units)) => units.push(unit),
            None => groups.push((filled, vec![unit])),
        }
    }
    let reasons = groups.into_iter().map(|(filled, changesets)| Unmet::Approvals { changesets, filled });
    outcome.unmet.extend(reasons);
}
