//! Resolves the members of roles, nested ones included.
//!
//! A role may be resolved once all roles that it names are. So roles are taken in that order (Kahn's walk over the
//! graph "names"), without recursion: a chain of ten thousand roles is no deeper than one. What is left over at the
//! end stands on a cycle or leads into one.

use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::policy::draft::{At, Draft, RoleDraft};
use crate::domain::policy::fault::{Place, Sink};
use crate::domain::policy::model::Role;
use crate::domain::policy::{FaultKind, Thing, limits};
use std::collections::{BTreeMap, BTreeSet};

/// A role with its members.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) role: Role,
    /// Where its name stands.
    pub(super) place: Place,
    /// Nothing about it, or about a role that it names, had a fault.
    pub(super) sound: bool,
}

/// Resolves every role of `draft`.
pub(super) fn resolve(draft: &Draft, sink: &mut Sink) -> BTreeMap<RoleName, Resolved> {
    let people: BTreeSet<&PrincipalId> = draft.principals.iter().map(|one| &one.name.value).collect();
    let mut written: BTreeMap<&RoleName, &RoleDraft> = BTreeMap::new();
    let mut unsound: BTreeSet<&RoleName> = BTreeSet::new();
    for role in &draft.roles {
        // Of two definitions the first is looked at; neither can be relied on.
        if written.contains_key(&role.name.value) {
            unsound.insert(&role.name.value);
        } else {
            written.insert(&role.name.value, role);
        }
    }
    for role in written.values() {
        let strangers = unknown_names(role, &people, &written, draft.has_gaps, sink);
        if strangers || !role.sound {
            unsound.insert(&role.name.value);
        }
    }
    let order = order(&written);
    for cycle in cycles(&written, &order) {
        sink.push(&cycle.0, FaultKind::CyclicRole(cycle.1));
    }
    members(&written, &order, &unsound, sink)
}

/// Notes the members of `role` that nothing defines; true if there are any.
fn unknown_names(
    role: &RoleDraft,
    people: &BTreeSet<&PrincipalId>,
    written: &BTreeMap<&RoleName, &RoleDraft>,
    has_gaps: bool,
    sink: &mut Sink,
) -> bool {
    let strangers: Vec<_> = role.people.iter().filter(|name| !people.contains(&name.value)).collect();
    let missing: Vec<_> = role.roles.iter().filter(|name| !written.contains_key(&name.value)).collect();
    if !has_gaps {
        for At { place, value } in &strangers {
            let similar = sink.similar(value.as_str(), people.iter().map(|name| name.as_str()));
            sink.push(place, FaultKind::Unknown { what: Thing::Principal, name: value.to_string(), similar });
        }
        for At { place, value } in &missing {
            let similar = sink.similar(value.as_str(), written.keys().map(|name| name.as_str()));
            sink.push(place, FaultKind::Unknown { what: Thing::Role, name: value.to_string(), similar });
        }
    }
    !strangers.is_empty() || !missing.is_empty()
}

/// Lists the roles so that each comes after those that it names; leaves out those on a cycle or before one.
fn order<'d>(written: &BTreeMap<&'d RoleName, &'d RoleDraft>) -> Vec<&'d RoleName> {
    let mut open: BTreeMap<&RoleName, usize> = BTreeMap::new();
    let mut named_by: BTreeMap<&RoleName, Vec<&'d RoleName>> = BTreeMap::new();
    for (&name, role) in written {
        let nested = role.roles.iter().filter(|nested| written.contains_key(&nested.value));
        open.insert(name, nested.clone().count());
        nested.for_each(|nested| named_by.entry(&nested.value).or_default().push(name));
    }
    let mut order: Vec<&RoleName> = written.keys().copied().filter(|name| open[name] == 0).collect();
    let mut next = 0;
    while let Some(done) = order.get(next).copied() {
        next += 1;
        for &name in named_by.get(done).into_iter().flatten() {
            let left = open.get_mut(name).expect("every written role was counted");
            *left -= 1;
            if *left == 0 {
                order.push(name);
            }
        }
    }
    order
}

/// Finds a cycle in each knot of roles: the place of the entry that closes it, and the names along it, the first
/// again at the end. Each role is walked once.
fn cycles(written: &BTreeMap<&RoleName, &RoleDraft>, order: &[&RoleName]) -> Vec<(Place, Vec<String>)> {
    let mut done: BTreeSet<&RoleName> = order.iter().copied().collect();
    let mut found = Vec::new();
    for &start in written.keys() {
        let mut path: Vec<&RoleName> = Vec::new();
        let mut steps: BTreeMap<&RoleName, usize> = BTreeMap::new();
        let mut at = start;
        while !done.contains(at) && !steps.contains_key(at) {
            steps.insert(at, path.len());
            path.push(at);
            // A role that is left over names at least one other that is left over; on a path that was walked before,
            // none may be new, and the walk ends there.
            let next = written[at]
                .roles
                .iter()
                .find(|nested| written.contains_key(&nested.value) && !done.contains(&nested.value));
            let Some(nested) = next else { break };
            if let Some(&first) = steps.get(&nested.value) {
                let around = path[first..].iter().copied().chain([&nested.value]);
                found.push((nested.place.clone(), around.map(ToString::to_string).collect()));
            }
            at = &nested.value;
        }
        done.extend(path);
    }
    found
}

/// Gives each role its members. Roles that `order` leaves out get none and are not sound.
fn members(
    written: &BTreeMap<&RoleName, &RoleDraft>,
    order: &[&RoleName],
    unsound: &BTreeSet<&RoleName>,
    sink: &mut Sink,
) -> BTreeMap<RoleName, Resolved> {
    let mut all: BTreeMap<RoleName, Resolved> = BTreeMap::new();
    let mut count = 0;
    for &name in order {
        let role = written[name];
        let mut members: BTreeSet<PrincipalId> = role.people.iter().map(|one| one.value.clone()).collect();
        let mut sound = !unsound.contains(name);
        for nested in &role.roles {
            let Some(inner) = all.get(&nested.value) else { continue };
            members.extend(inner.role.members.iter().cloned());
            sound &= inner.sound;
        }
        count += members.len();
        if count > limits::MEMBERSHIPS {
            let what = "members of all roles together";
            sink.push(&role.name.place, FaultKind::TooMany { what, limit: limits::MEMBERSHIPS });
            break;
        }
        let role_of_it = Role { members, delegable: role.delegable };
        all.insert(name.clone(), Resolved { role: role_of_it, place: role.name.place.clone(), sound });
    }
    for (&name, role) in written {
        let nobody = Role { members: BTreeSet::new(), delegable: false };
        let empty = || Resolved { role: nobody, place: role.name.place.clone(), sound: false };
        all.entry(name.clone()).or_insert_with(empty);
    }
    all
}
