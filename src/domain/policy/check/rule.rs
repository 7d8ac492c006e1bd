//! Judges one rule: does it ask for something, can its keys stand together, do its names exist.

use super::quorum::Quorums;
use super::reach::{self, Reach};
use crate::domain::approval::quorum::Requirement;
use crate::domain::name::{CheckName, EnvironmentName, WindowName};
use crate::domain::policy::draft::{At, CheckDraft, EnvironmentDraft, RequirementDraft, RuleDraft};
use crate::domain::policy::fault::{Note, Place, Remark, Sink};
use crate::domain::policy::model::{Escalation, Override, Rule};
use crate::domain::policy::{FaultKind, Thing};
use std::collections::{BTreeMap, BTreeSet};

/// The keys that say how approvals count.
const ABOUT_APPROVALS: [&str; 7] =
    ["ttl", "self_approval", "distinct_people", "bind", "up_to_date", "promoted_from", "reason"];

/// The keys that ask for something, `deny` aside.
const ASKING: [&str; 5] = ["require", "any_of", "checks", "authors", "pushers"];

/// What rules refer to.
pub(super) struct Context<'d> {
    pub(super) environments: BTreeMap<&'d EnvironmentName, &'d EnvironmentDraft>,
    pub(super) windows: BTreeSet<&'d WindowName>,
    pub(super) checks: BTreeMap<&'d CheckName, &'d CheckDraft>,
    pub(super) quorums: Quorums<'d>,
    /// Names that seem missing may stand in a file that could not be read.
    pub(super) has_gaps: bool,
}

/// Checks one rule and puts it together.
pub(super) fn check(written: &RuleDraft, context: &Context<'_>, sink: &mut Sink) -> Rule {
    asks_something(written, sink);
    escalates_something(written, sink);
    denies_consistently(written, sink);
    reaches_something(written, context, sink);
    has_one_window(written, sink);
    if !context.has_gaps {
        exist(Thing::Environment, &written.environments, context.environments.keys().copied(), sink);
        exist(Thing::Window, &written.windows, context.windows.iter().copied(), sink);
        exist(Thing::Check, &written.checks, context.checks.keys().copied(), sink);
    }
    context.quorums.check(written, context.has_gaps, sink);
    let role_of = |name: &At<CheckName>| {
        Some((name.value.clone(), context.checks.get(&name.value)?.role.as_ref()?.value.clone()))
    };
    let all = |list: &[RequirementDraft]| list.iter().map(requirement).collect();
    Rule {
        require: all(&written.require),
        any_of: written.any_of.iter().map(|alternative| all(&alternative.value)).collect(),
        overriding: written.overriding.as_ref().map(|one| Override {
            requirement: requirement(&one.requirement),
            ttl: one.ttl,
            review_within: one.review_within,
        }),
        escalation: written.escalation.as_ref().map(|one| Escalation {
            after: one.after,
            notify: one.notify.iter().map(|role| role.value.clone()).collect(),
        }),
        checks: written.checks.iter().filter_map(role_of).collect(),
        ..written.rule.clone()
    }
}

fn requirement(written: &RequirementDraft) -> Requirement {
    Requirement { role: written.role.value.clone(), approvals: written.approvals.value }
}

fn asks_something(written: &RuleDraft, sink: &mut Sink) {
    // `deny = "yes"` and `requires = …` are faults of their own; what they were meant to ask is not known.
    let unclear = written.has_unknown_keys || (written.given.contains_key("deny") && !written.sound);
    let asks = written.rule.deny || ASKING.iter().any(|key| written.given.contains_key(key));
    if !asks && !unclear {
        let place = written.name.as_ref().map_or(&written.place, |name| &name.place);
        sink.push(place, FaultKind::AsksNothing);
        return;
    }
    let asks_approvals = ["require", "any_of"].iter().any(|key| written.given.contains_key(key));
    if asks_approvals || written.rule.deny || unclear {
        return;
    }
    for key in ABOUT_APPROVALS {
        if let Some(place) = written.given.get(key) {
            sink.push(place, FaultKind::NoEffect(key));
        }
    }
}

/// Requests are opened for what somebody's token could still let in.
fn escalates_something(written: &RuleDraft, sink: &mut Sink) {
    let asks_tokens = ["require", "any_of", "checks", "override"].iter().any(|key| written.given.contains_key(key));
    if let Some(place) = written.given.get("escalate").filter(|_| !asks_tokens && !written.has_unknown_keys) {
        sink.push(place, FaultKind::NoEffect("escalate"));
    }
}

/// What is never let in needs no approvals, and no look at who made it.
fn denies_consistently(written: &RuleDraft, sink: &mut Sink) {
    let Some(deny) = written.given.get("deny").filter(|_| written.rule.deny) else { return };
    for key in ASKING.into_iter().chain(ABOUT_APPROVALS) {
        if let Some(place) = written.given.get(key) {
            exclusive(("deny", deny), (key, place), sink);
        }
    }
}

fn reaches_something(written: &RuleDraft, context: &Context<'_>, sink: &mut Sink) {
    let keys = reach::of_keys(written, &context.environments);
    let mut found = false;
    for (index, (key, place, reach)) in keys.iter().enumerate() {
        let other = keys[..index].iter().find(|(_, _, before)| before.and(*reach).is_empty());
        if let Some((first, first_place, _)) = other {
            exclusive((first, first_place), (key, place), sink);
            found = true;
        }
    }
    let left = keys.iter().fold(Reach::ALL, |left, (_, _, reach)| left.and(*reach));
    if left.is_empty() && !found {
        sink.push(&written.place, FaultKind::MatchesNoUpdate);
    }
    // Only environments can leave gates alone; without `actions` a rule is about everything else.
    if let Some(place) =
        written.given.get("environments").filter(|_| left.is_gates() && !written.given.contains_key("actions"))
    {
        sink.push(place, FaultKind::MatchesNoGate);
    }
}

/// Notes that two keys exclude each other, at the later one.
fn exclusive(a: (&'static str, &Place), b: (&'static str, &Place), sink: &mut Sink) {
    let (first, second) = if a.1.span.start <= b.1.span.start { (a, b) } else { (b, a) };
    let note = Note { place: first.1.clone(), remark: Remark::OtherKey(first.0) };
    sink.push_with(second.1, FaultKind::Exclusive { first: first.0, second: second.0 }, vec![note]);
}

fn has_one_window(written: &RuleDraft, sink: &mut Sink) {
    if let (Some(during), Some(outside)) = (written.given.get("during"), written.given.get("outside")) {
        exclusive(("during", during), ("outside", outside), sink);
    }
}

/// Notes the names that are not among the known ones.
fn exist<'d, T: Ord + AsRef<str> + 'd>(
    what: Thing,
    names: &[At<T>],
    known: impl IntoIterator<Item = &'d T>,
    sink: &mut Sink,
) {
    let all: BTreeSet<&T> = known.into_iter().collect();
    for At { place, value } in names.iter().filter(|name| !all.contains(&name.value)) {
        let similar = sink.similar(value.as_ref(), all.iter().map(|name| name.as_ref()));
        sink.push(place, FaultKind::Unknown { what, name: value.as_ref().to_owned(), similar });
    }
}
