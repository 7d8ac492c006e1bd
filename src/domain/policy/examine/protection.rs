//! Targets that enforcing rules name and that can be moved without any of them being asked.
//!
//! Asked is one target for each pattern, of one with alternatives for each of these: the one that it names, or one that it matches. What rules with `paths` leave open is
//! meant, and not told.

use super::example::examples_of;
use super::warn;
use crate::domain::audit::System;
use crate::domain::change::{Action, Target};
use crate::domain::policy::draft::{Draft, EntryDraft, RuleDraft};
use crate::domain::policy::fault::{Fault, Note, Place, Remark};
use crate::domain::policy::protection::actions_on;
use crate::domain::policy::{Contents, DefaultAnswer, Mode, Policy, Rule, Warning};
use std::collections::BTreeSet;

type Enforcing<'d> = (&'d RuleDraft, &'d Rule);

pub(super) fn check(draft: &Draft, policy: &Policy, contents: Option<&Contents>, found: &mut Vec<Fault<Warning>>) {
    // Where the default denies, whatever no rule is about is refused.
    if policy.default == DefaultAnswer::Deny {
        return;
    }
    let system = contents.map_or_else(|| likely_system(draft), |contents| contents.system);
    let rules: Vec<Enforcing<'_>> =
        draft.rules.iter().zip(&policy.rules).filter(|(_, rule)| rule.mode == Mode::Enforce).collect();
    let mut seen = BTreeSet::new();
    for (written, rule) in &rules {
        for entry in entries(draft, written) {
            for target in examples(entry, system) {
                if target.is_own() || !policy.names_target(rule, &target) || !seen.insert(target.clone()) {
                    continue;
                }
                let about: Vec<Enforcing<'_>> =
                    rules.iter().filter(|(_, rule)| policy.names_target(rule, &target)).copied().collect();
                judge(draft, &entry.pattern.place, &target, system, &about, found);
            }
        }
    }
}

fn judge(
    draft: &Draft,
    place: &Place,
    target: &Target,
    system: System,
    about: &[Enforcing<'_>],
    found: &mut Vec<Fault<Warning>>,
) {
    let (mut left, mut weak): (Vec<Action>, Vec<Action>) = (Vec::new(), Vec::new());
    for action in actions_on(target, system) {
        let asked: Vec<&Rule> = about.iter().map(|(_, rule)| *rule).filter(|rule| rule.names_action(&action)).collect();
        if asked.is_empty() {
            left.push(action);
        } else if asked.iter().all(|rule| !rule.ways_around().is_empty()) {
            weak.push(action);
        }
    }
    if !left.is_empty() {
        let default = draft.defaults.first().map(|default| default.place.clone());
        let notes = default.map(|place| Note { place, remark: Remark::OtherKey("default") }).into_iter().collect();
        let what = Warning::LeftToDefault { target: target.clone(), actions: left };
        found.push(Fault { place: Some(place.clone()), what, notes });
    }
    let first = about.iter().find(|(_, rule)| weak.iter().any(|action| rule.names_action(action)));
    if let Some((written, key)) = first.and_then(|(written, rule)| Some((written, *rule.ways_around().first()?))) {
        let what = Warning::Avoidable { key, target: target.clone(), actions: weak };
        warn(found, written.given.get(key).unwrap_or(place), what);
    }
}

/// Without a repository to look at: bookmarks are Mercurial's.
fn likely_system(draft: &Draft) -> System {
    let rules = draft.rules.iter().flat_map(|one| &one.entries);
    let mut all = rules.chain(draft.environments.iter().flat_map(|one| &one.entries));
    if all.any(|entry| entry.key == "bookmarks") { System::Hg } else { System::Git }
}

/// Returns the patterns for targets of a rule, those of its environments included.
fn entries<'d>(draft: &'d Draft, rule: &'d RuleDraft) -> impl Iterator<Item = &'d EntryDraft> {
    let named = |name| rule.environments.iter().any(|one| one.value == name);
    let environments = draft.environments.iter().filter(move |one| named(one.name.value.clone()));
    rule.entries.iter().chain(environments.flat_map(|one| &one.entries))
}

/// Returns targets that the pattern of `entry` is about.
fn examples(entry: &EntryDraft, system: System) -> Vec<Target> {
    let target = |name: String| match (entry.key, system) {
        ("branches", System::Git) => Target::git_ref(format!("refs/heads/{name}").as_bytes()).ok(),
        ("branches", System::Hg) => Some(Target::Branch(name.as_bytes().into())),
        ("tags", System::Git) => Target::git_ref(format!("refs/tags/{name}").as_bytes()).ok(),
        ("tags", System::Hg) => Some(Target::Tag(name.as_bytes().into())),
        ("bookmarks", System::Hg) => Some(Target::Bookmark(name.as_bytes().into())),
        ("refs", System::Git) => Target::git_ref(name.as_bytes()).ok(),
        _ => None,
    };
    examples_of(&entry.pattern.value).into_iter().filter_map(target).collect()
}
