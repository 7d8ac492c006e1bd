//! Which kinds of updates the keys of a rule leave: two keys that leave nothing in common exclude each other.
//!
//! Only what is certain is said: patterns of one key are never compared with those of another, but for the place in
//! which full refnames begin.

use crate::domain::change::Action;
use crate::domain::name::EnvironmentName;
use crate::domain::policy::document::may_begin_with;
use crate::domain::policy::draft::{EnvironmentDraft, RuleDraft};
use crate::domain::policy::fault::Place;
use crate::domain::policy::{Environment, Patterns};
use std::collections::BTreeMap;

/// The environments by name.
type Environments<'d> = BTreeMap<&'d EnvironmentName, &'d EnvironmentDraft>;

/// A set of kinds of updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach(u8);

impl Reach {
    const GIT_BRANCH: Self = Self(1);
    const GIT_TAG: Self = Self(2);
    const GIT_OTHER: Self = Self(4);
    const HG_BRANCH: Self = Self(8);
    const HG_TAG: Self = Self(16);
    const HG_BOOKMARK: Self = Self(32);
    const GATE: Self = Self(64);
    pub(super) const ALL: Self = Self(127);
    /// What a rule is about that names no actions.
    const NO_GATES: Self = Self(63);
    const NONE: Self = Self(0);

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns what both leave.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Tells whether nothing is left.
    pub(super) fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Tells whether gates are all that is left.
    pub(super) fn is_gates(self) -> bool {
        self.and(Self::NO_GATES).is_empty() && !self.is_empty()
    }
}

const BRANCHES: Reach = Reach::GIT_BRANCH.or(Reach::HG_BRANCH);
const TAGS: Reach = Reach::GIT_TAG.or(Reach::HG_TAG);

/// Returns what each key of `rule` leaves, in the order in which they are written. A key whose value has a fault is
/// left out.
pub(super) fn of_keys(rule: &RuleDraft, environments: &Environments<'_>) -> Vec<(&'static str, Place, Reach)> {
    let targets = &rule.rule.targets;
    let of_kind = |given: &Option<Patterns>, reach: Reach| given.as_ref().map(|_| reach);
    let keys = [
        ("branches", of_kind(&targets.branches, BRANCHES)),
        ("tags", of_kind(&targets.tags, TAGS)),
        ("bookmarks", of_kind(&targets.bookmarks, Reach::HG_BOOKMARK)),
        ("refs", targets.refs.as_ref().map(of_refs)),
        ("environments", of_environments(rule, environments)),
        ("actions", rule.rule.actions.as_ref().map(|actions| union(actions.iter().map(of_action)))),
    ];
    let placed = |(key, reach): (&'static str, Option<Reach>)| Some((key, rule.given.get(key)?.clone(), reach?));
    let mut found: Vec<_> = keys.into_iter().filter_map(placed).collect();
    found.sort_by_key(|(_, place, _)| place.span.start);
    found
}

fn union(parts: impl Iterator<Item = Reach>) -> Reach {
    parts.fold(Reach::NONE, Reach::or)
}

fn of_refs(patterns: &Patterns) -> Reach {
    let taken: Vec<&String> = patterns.written().iter().filter(|entry| !entry.starts_with('!')).collect();
    let reaches = |start: &str| taken.is_empty() || taken.iter().any(|entry| may_begin_with(entry, start));
    let known = [("refs/heads/", Reach::GIT_BRANCH), ("refs/tags/", Reach::GIT_TAG)];
    let of_known = union(known.into_iter().filter(|(start, _)| reaches(start)).map(|(_, reach)| reach));
    // A pattern that is fixed to branches or to tags leaves no other ref.
    let fixed = |entry: &&&String| known.iter().any(|(start, _)| entry.starts_with(start));
    if !taken.is_empty() && taken.iter().filter(fixed).count() == taken.len() {
        return of_known;
    }
    of_known.or(Reach::GIT_OTHER)
}

fn of_environments(rule: &RuleDraft, environments: &Environments<'_>) -> Option<Reach> {
    rule.rule.targets.environments.as_ref()?;
    let mut reach = Reach::NONE;
    for name in &rule.environments {
        let known = environments.get(&name.value).filter(|one| one.sound)?;
        reach = reach.or(of_environment(&known.value));
    }
    Some(reach)
}

fn of_environment(environment: &Environment) -> Reach {
    // Any environment can have gates.
    let kinds =
        [(&environment.branches, BRANCHES), (&environment.tags, TAGS), (&environment.bookmarks, Reach::HG_BOOKMARK)];
    union(kinds.into_iter().filter(|(patterns, _)| patterns.is_some()).map(|(_, reach)| reach)).or(Reach::GATE)
}

fn of_action(action: &Action) -> Reach {
    match action {
        Action::Close | Action::NewHead | Action::Publish => Reach::HG_BRANCH,
        // Any move of a tag is a rewrite.
        Action::Update => BRANCHES.or(Reach::GIT_OTHER).or(Reach::HG_BOOKMARK),
        Action::Create | Action::Rewrite | Action::Delete => {
            BRANCHES.or(TAGS).or(Reach::GIT_OTHER).or(Reach::HG_BOOKMARK)
        }
        Action::Gate(_) => Reach::GATE,
    }
}
