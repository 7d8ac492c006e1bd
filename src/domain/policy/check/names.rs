//! Finds names that are defined twice, and keys, addresses and logins that have two owners.

use crate::domain::policy::draft::{At, Draft};
use crate::domain::policy::fault::{Note, Place, Remark, Sink};
use crate::domain::policy::{FaultKind, Thing};
use std::collections::BTreeMap;
use std::fmt::Display;

/// Notes every double.
pub(super) fn check(draft: &Draft, sink: &mut Sink) {
    defined_once(Thing::Principal, draft.principals.iter().map(|one| &one.name), sink);
    defined_once(Thing::Role, draft.roles.iter().map(|one| &one.name), sink);
    defined_once(Thing::Environment, draft.environments.iter().map(|one| &one.name), sink);
    defined_once(Thing::Window, draft.windows.iter().map(|one| &one.name), sink);
    defined_once(Thing::Check, draft.checks.iter().map(|one| &one.name), sink);
    defined_once(Thing::Rule, draft.rules.iter().filter_map(|one| one.name.as_ref()), sink);
    owned_once("the key", owned(draft, |one| &one.keys), sink);
    owned_once("the e-mail address", owned(draft, |one| &one.emails), sink);
    owned_once("the login", owned(draft, |one| &one.logins), sink);
}

/// Returns the note that points at the first of two equal things.
pub(super) fn first_given(place: &Place) -> Note {
    Note { place: place.clone(), remark: Remark::FirstGiven }
}

fn defined_once<'d, T: Ord + Display + 'd>(what: Thing, names: impl Iterator<Item = &'d At<T>>, sink: &mut Sink) {
    let mut seen: BTreeMap<&T, &Place> = BTreeMap::new();
    for name in names {
        match seen.get(&name.value) {
            Some(first) => {
                let note = Note { place: (*first).clone(), remark: Remark::FirstDefined };
                sink.push_with(&name.place, FaultKind::NameTwice { what, name: name.value.to_string() }, vec![note]);
            }
            None => {
                seen.insert(&name.value, &name.place);
            }
        }
    }
}

/// Lists everything that `part` takes from each principal, with its owner.
fn owned<'d, T: 'd>(
    draft: &'d Draft,
    part: impl Fn(&'d crate::domain::policy::draft::PrincipalDraft) -> &'d Vec<At<T>>,
) -> impl Iterator<Item = (&'d At<T>, String)> {
    draft.principals.iter().flat_map(move |one| part(one).iter().map(|item| (item, one.name.value.to_string())))
}

fn owned_once<'d, T: Ord + Display + 'd>(
    what: &'static str,
    items: impl Iterator<Item = (&'d At<T>, String)>,
    sink: &mut Sink,
) {
    let mut seen: BTreeMap<&T, (&Place, String)> = BTreeMap::new();
    for (item, owner) in items {
        match seen.get(&item.value) {
            Some((place, first)) => {
                let note = Note { place: (*place).clone(), remark: Remark::GivenTo(first.clone()) };
                sink.push_with(
                    &item.place,
                    FaultKind::SharedIdentity { what, shown: item.value.to_string() },
                    vec![note],
                );
            }
            None => {
                seen.insert(&item.value, (&item.place, owner));
            }
        }
    }
}
