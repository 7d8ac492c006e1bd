//! People whose time ends, and names that nothing refers to.

use super::{SOON, warn};
use crate::domain::name::{CheckName, EnvironmentName, RoleName, WindowName};
use crate::domain::policy::draft::{At, Draft};
use crate::domain::policy::fault::Fault;
use crate::domain::policy::{Policy, Rule, Thing, Warning, When};
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(draft: &Draft, policy: &Policy, now: Timestamp, found: &mut Vec<Fault<Warning>>) {
    for one in &draft.principals {
        let Some(end) = &one.valid_until else { continue };
        let (who, at) = (one.name.value.clone(), end.value);
        if at <= now {
            warn(found, &end.place, Warning::Ended { who, at });
        } else if at <= now.plus(SOON) {
            warn(found, &end.place, Warning::EndsSoon { who, at });
        }
    }
    let asked = roles_asked(draft, policy);
    for name in draft.roles.iter().map(|role| &role.name).filter(|name| !asked.contains(&name.value)) {
        unused(found, Thing::Role, name);
    }
    let named: BTreeSet<&EnvironmentName> =
        policy.rules.iter().flat_map(|rule| rule.targets.environments.iter().flatten()).collect();
    for name in draft.environments.iter().map(|one| &one.name).filter(|name| !named.contains(&name.value)) {
        unused(found, Thing::Environment, name);
    }
    let used: BTreeSet<&WindowName> = policy.rules.iter().filter_map(window_of).collect();
    for name in draft.windows.iter().map(|one| &one.name).filter(|name| !used.contains(&name.value)) {
        unused(found, Thing::Window, name);
    }
    let asked: BTreeSet<&CheckName> = policy.rules.iter().flat_map(|rule| rule.checks.keys()).collect();
    for name in draft.checks.iter().map(|one| &one.name).filter(|name| !asked.contains(&name.value)) {
        unused(found, Thing::Check, name);
    }
}

fn unused(found: &mut Vec<Fault<Warning>>, what: Thing, name: &At<impl ToString>) {
    warn(found, &name.place, Warning::Unused { what, name: name.value.to_string() });
}

fn window_of(rule: &Rule) -> Option<&WindowName> {
    match rule.when.as_ref()? {
        When::During(name) | When::Outside(name) => Some(name),
    }
}

/// Returns the roles that rules name, and those within them.
fn roles_asked<'p>(draft: &'p Draft, policy: &'p Policy) -> BTreeSet<&'p RoleName> {
    let nested: BTreeMap<&RoleName, Vec<&RoleName>> = draft
        .roles
        .iter()
        .map(|role| (&role.name.value, role.roles.iter().map(|nested| &nested.value).collect()))
        .collect();
    let mut asked = BTreeSet::new();
    let overriding = policy.rules.iter().filter_map(|rule| rule.overriding.as_ref()).map(|one| &one.requirement.role);
    let told = policy.rules.iter().filter_map(|rule| rule.escalation.as_ref()).flat_map(|one| &one.notify);
    let attesting = policy.rules.iter().flat_map(|rule| rule.checks.values());
    let mut open: Vec<&RoleName> =
        policy.rules.iter().flat_map(Rule::roles).chain(overriding).chain(told).chain(attesting).collect();
    while let Some(role) = open.pop() {
        if asked.insert(role) {
            open.extend(nested.get(role).into_iter().flatten());
        }
    }
    asked
}
