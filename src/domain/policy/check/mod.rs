//! Looks the names of a draft up and judges what no single value shows: doubles, cycles, thresholds, rules that
//! contradict themselves. Every fault is noted; what follows only from another fault is not.

mod names;
mod quorum;
mod reach;
mod roles;
mod rule;

use super::FaultKind;
use super::draft::Draft;
use super::fault::Sink;
use super::model::{DefaultAnswer, Policy, Principal};
use crate::domain::name::{CheckName, PrincipalId, RoleName};
use std::collections::BTreeMap;

/// Checks `draft`. What it returns holds only if no fault was noted, here or before.
pub(super) fn check(draft: &Draft, digest: [u8; 32], sink: &mut Sink) -> Policy {
    names::check(draft, sink);
    let default = default_answer(draft, sink);
    let roles = roles::resolve(draft, sink);
    let quorums = quorum::Quorums::new(draft, &roles);
    let environments = draft.environments.iter().map(|one| (&one.name.value, one)).collect();
    let windows = draft.windows.iter().map(|one| &one.name.value).collect();
    let checks = checks(draft, &quorums, sink);
    let named = draft.checks.iter().map(|one| (&one.name.value, one)).collect();
    let context = rule::Context { environments, windows, checks: named, quorums, has_gaps: draft.has_gaps };
    let rules = draft.rules.iter().map(|rule| rule::check(rule, &context, sink)).collect();
    Policy {
        default,
        principals: principals(draft),
        roles: roles.into_iter().map(|(name, resolved)| (name, resolved.role)).collect(),
        environments: draft.environments.iter().map(|one| (one.name.value.clone(), one.value.clone())).collect(),
        windows: draft.windows.iter().filter_map(|one| Some((one.name.value.clone(), one.value.clone()?))).collect(),
        checks,
        rules,
        digest,
    }
}

fn default_answer(draft: &Draft, sink: &mut Sink) -> DefaultAnswer {
    match &draft.defaults[..] {
        [] => {
            if !draft.has_gaps {
                sink.push_whole(FaultKind::NoDefault);
            }
            DefaultAnswer::Deny
        }
        [first, others @ ..] => {
            for other in others {
                sink.push_with(&other.place, FaultKind::DefaultTwice, vec![names::first_given(&first.place)]);
            }
            first.value
        }
    }
}

fn checks(draft: &Draft, quorums: &quorum::Quorums<'_>, sink: &mut Sink) -> BTreeMap<CheckName, RoleName> {
    let mut found = BTreeMap::new();
    for check in &draft.checks {
        let Some(role) = &check.role else { continue };
        quorums.check_signer(role, draft.has_gaps, sink);
        found.insert(check.name.value.clone(), role.value.clone());
    }
    found
}

fn principals(draft: &Draft) -> BTreeMap<PrincipalId, Principal> {
    let one = |written: &super::draft::PrincipalDraft| {
        let principal = Principal {
            keys: written.keys.iter().map(|key| key.value).collect(),
            emails: written.emails.iter().map(|email| email.value.clone()).collect(),
            logins: written.logins.iter().map(|login| login.value.clone()).collect(),
            valid_until: written.valid_until.as_ref().map(|end| end.value),
        };
        (written.name.value.clone(), principal)
    };
    draft.principals.iter().map(one).collect()
}
