//! Rules whose places cannot be filled any more, or not for the work of somebody whom they need.
//!
//! A rule that loads can be met by all who have a key. Who pushes or writes does not count, so for each of them the places must be
//! filled by the others. Only those who fill a place in one way of filling all can be missed: without anybody else it stays filled.

use super::warn;
use crate::domain::approval::quorum::{Available, Filled, fill};
use crate::domain::name::PrincipalId;
use crate::domain::policy::draft::{Draft, RuleDraft};
use crate::domain::policy::fault::{Fault, Place};
use crate::domain::policy::{Policy, Principal, Rule, Warning};
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;

pub(super) fn check(draft: &Draft, policy: &Policy, now: Timestamp, found: &mut Vec<Fault<Warning>>) {
    for (written, rule) in draft.rules.iter().zip(&policy.rules).filter(|(_, rule)| rule.asks_approvals()) {
        let lasting = |who: &Principal| who.valid_until.is_none_or(|end| now < end);
        let filled = filled(rule, &signers(policy, rule, lasting));
        if is_short(&filled) {
            let ended = signers(policy, rule, |who| !lasting(who)).into_keys().collect();
            warn(found, place(written), Warning::NobodyLeft(ended));
        } else if !rule.self_approval {
            let needed = needed(policy, rule, &filled, &signers(policy, rule, lasting));
            if !needed.is_empty() {
                warn(found, place(written), Warning::OwnWork(needed));
            }
        }
    }
}

/// Returns who can push or write, as far as the policy knows, and is missed if they do.
fn needed(policy: &Policy, rule: &Rule, filled: &[Filled], all: &Available) -> Vec<PrincipalId> {
    let seated: BTreeSet<&PrincipalId> = filled.iter().flat_map(|entry| &entry.people).collect();
    let is_known = |who: &Principal| !who.logins.is_empty() || !who.emails.is_empty();
    let is_missed = |who: &&PrincipalId| {
        let mut others = all.clone();
        others.remove(*who);
        policy.principals.get(*who).is_some_and(is_known) && is_short(&self::filled(rule, &others))
    };
    seated.into_iter().filter(is_missed).cloned().collect()
}

/// Returns the people with a key of whom `picks` holds, each with the roles of theirs that `rule` names.
fn signers(policy: &Policy, rule: &Rule, picks: impl Fn(&Principal) -> bool) -> Available {
    let mut signers = Available::new();
    for role in rule.roles() {
        for member in policy.roles.get(role).into_iter().flat_map(|role| &role.members) {
            let who = policy.principals.get(member);
            if who.is_some_and(|who| !who.keys.is_empty() && picks(who)) {
                signers.entry(member.clone()).or_default().insert(role.clone());
            }
        }
    }
    signers
}

fn filled(rule: &Rule, people: &Available) -> Vec<Filled> {
    fill(&rule.require, &rule.any_of, people, rule.distinct_people)
}

fn is_short(filled: &[Filled]) -> bool {
    filled.iter().any(|entry| entry.missing() > 0)
}

fn place(rule: &RuleDraft) -> &Place {
    ["require", "any_of"].into_iter().find_map(|key| rule.given.get(key)).unwrap_or(&rule.place)
}
