//! What would differ between two policies, by name, for people who are about to swap them.

use super::model::{Environment, Policy, Principal, ReasonRule, Role, Rule};
use super::{Bind, DefaultAnswer, Escalation, LargerThan, Mode, Override, Patterns, When, Window, document};
use crate::domain::approval::quorum::Requirement;
use crate::domain::name::RoleName;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// What a thing says, key by key; two things are the same if these are.
type Keys = BTreeMap<&'static str, Vec<String>>;

/// Lists what `new` adds, removes and changes, one line each: the default, then principals, roles, environments, windows,
/// checks and rules.
///
/// The list is empty if both mean the same: comments, the order of files and of rules, and which file something
/// stands in make no difference. Roles are compared by their members with nested roles resolved.
pub fn diff(old: &Policy, new: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    if old.default != new.default {
        let word = |answer| if answer == DefaultAnswer::Allow { "allow" } else { "deny" };
        lines.push(format!("default: was {}, becomes {}", word(old.default), word(new.default)));
    }
    lines.extend(named("principal", all(&old.principals, of_principal), all(&new.principals, of_principal)));
    lines.extend(named("role", all(&old.roles, of_role), all(&new.roles, of_role)));
    lines.extend(named("environment", all(&old.environments, of_environment), all(&new.environments, of_environment)));
    lines.extend(named("window", all(&old.windows, of_window), all(&new.windows, of_window)));
    lines.extend(named("check", all(&old.checks, of_check), all(&new.checks, of_check)));
    lines.extend(named("rule", rules(old), rules(new)));
    lines
}

/// Returns what `rule` says, key by key, without what a rule says that gives no key.
pub fn keys_of(rule: &Rule) -> BTreeMap<&'static str, Vec<String>> {
    let unsaid = of_rule(&document::blank(rule.place.clone()));
    of_rule(rule).into_iter().filter(|(key, values)| unsaid.get(key) != Some(values)).collect()
}

fn all<N: Display, T>(things: &BTreeMap<N, T>, keys: impl Fn(&T) -> Keys) -> BTreeMap<String, Keys> {
    things.iter().map(|(name, thing)| (name.to_string(), keys(thing))).collect()
}

fn rules(policy: &Policy) -> BTreeMap<String, Keys> {
    policy.rules.iter().map(|rule| (rule.name.to_string(), of_rule(rule))).collect()
}

fn named(what: &str, old: BTreeMap<String, Keys>, new: BTreeMap<String, Keys>) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let line = |name: &String| match (old.get(name), new.get(name)) {
        (Some(_), None) => Some(format!("{what} `{name}`: removed")),
        (None, Some(_)) => Some(format!("{what} `{name}`: added")),
        (Some(before), Some(after)) if before != after => Some(format!("{what} `{name}`: {}", changes(before, after))),
        _ => None,
    };
    names.into_iter().filter_map(line).collect()
}

/// Says of each key what it loses (`-`) and gains (`+`).
fn changes(before: &Keys, after: &Keys) -> String {
    let none = Vec::new();
    let mut parts = Vec::new();
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (was, is) = (before.get(key).unwrap_or(&none), after.get(key).unwrap_or(&none));
        let lost = was.iter().filter(|entry| !is.contains(entry)).map(|entry| format!(" -{entry}"));
        let gained = is.iter().filter(|entry| !was.contains(entry)).map(|entry| format!(" +{entry}"));
        let words: String = lost.chain(gained).collect();
        match (was == is, words.is_empty()) {
            (true, _) => {}
            (false, true) => parts.push(format!("{key} in another order")),
            (false, false) => parts.push(format!("{key}{words}")),
        }
    }
    parts.join("; ")
}

fn of_principal(who: &Principal) -> Keys {
    Keys::from([
        ("keys", sorted(&who.keys)),
        ("emails", sorted(&who.emails)),
        ("logins", sorted(&who.logins)),
        ("valid_until", sorted(who.valid_until.as_slice())),
    ])
}

fn of_role(role: &Role) -> Keys {
    Keys::from([
        ("members", role.members.iter().map(ToString::to_string).collect()),
        ("delegable", vec![role.delegable.to_string()]),
    ])
}

fn of_environment(environment: &Environment) -> Keys {
    Keys::from([
        ("branches", patterns(&environment.branches)),
        ("tags", patterns(&environment.tags)),
        ("bookmarks", patterns(&environment.bookmarks)),
    ])
}

fn of_window(window: &Window) -> Keys {
    Keys::from([("time", vec![window.to_string()])])
}

fn of_check(role: &RoleName) -> Keys {
    Keys::from([("role", vec![role.to_string()])])
}

fn of_rule(rule: &Rule) -> Keys {
    let targets = &rule.targets;
    let truth = |value: bool| vec![value.to_string()];
    let observe = if rule.mode == Mode::Observe { "observe" } else { "enforce" };
    let bind = if rule.bind == Bind::Content { "content" } else { "commit" };
    let reason = match &rule.reason {
        None => Vec::new(),
        Some(ReasonRule::Required) => vec!["required".to_owned()],
        Some(ReasonRule::Matches(expression)) => vec![format!("`{expression}`")],
    };
    Keys::from([
        ("branches", patterns(&targets.branches)),
        ("tags", patterns(&targets.tags)),
        ("bookmarks", patterns(&targets.bookmarks)),
        ("refs", patterns(&targets.refs)),
        ("environments", targets.environments.as_deref().map(sorted).unwrap_or_default()),
        ("paths", patterns(&rule.paths)),
        ("labels", rule.labels.iter().map(|(key, list)| format!("{key} {}", patterns_of(list).join(", "))).collect()),
        ("larger_than", rule.larger_than.iter().flat_map(of_limits).collect()),
        ("when", rule.when.iter().map(of_when).collect()),
        ("actions", rule.actions.iter().flatten().map(ToString::to_string).collect()),
        ("require", requirements(&rule.require)),
        ("any_of", rule.any_of.iter().map(|one| format!("[{}]", requirements(one).join(", "))).collect()),
        ("checks", sorted(&rule.checks.keys().collect::<Vec<_>>())),
        ("deny", truth(rule.deny)),
        ("ttl", vec![rule.ttl.to_string()]),
        ("self_approval", truth(rule.self_approval)),
        ("distinct_people", truth(rule.distinct_people)),
        ("bind", vec![bind.to_owned()]),
        ("up_to_date", truth(rule.up_to_date)),
        ("promoted_from", patterns(&rule.promoted_from)),
        ("reason", reason),
        ("authors", if rule.authors_known { vec!["known".to_owned()] } else { Vec::new() }),
        ("pushers", if rule.pushers_known { vec!["known".to_owned()] } else { Vec::new() }),
        ("override", rule.overriding.iter().map(of_override).collect()),
        ("escalate", rule.escalation.iter().map(of_escalation).collect()),
        ("land", if rule.lands_itself { vec!["auto".to_owned()] } else { Vec::new() }),
        ("mode", vec![observe.to_owned()]),
        ("message", rule.message.iter().map(|text| format!("`{text}`")).collect()),
    ])
}

fn of_escalation(one: &Escalation) -> String {
    format!("to {} after {}", sorted(&one.notify.iter().collect::<Vec<_>>()).join(", "), one.after)
}

fn of_override(one: &Override) -> String {
    let Requirement { role, approvals } = &one.requirement;
    format!("{approvals} of {role} for {}, reviewed within {}", one.ttl, one.review_within)
}

fn of_when(when: &When) -> String {
    match when {
        When::During(name) => format!("during {name}"),
        When::Outside(name) => format!("outside {name}"),
    }
}

fn of_limits(size: &LargerThan) -> Vec<String> {
    let limits = [(size.files, "files"), (size.lines, "lines"), (size.commits, "commits")];
    limits.iter().filter_map(|(limit, what)| limit.map(|limit| format!("{limit} {what}"))).collect()
}

fn sorted<T: Display>(list: &[T]) -> Vec<String> {
    let mut texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}

fn patterns(list: &Option<Patterns>) -> Vec<String> {
    list.as_ref().map(patterns_of).unwrap_or_default()
}

fn patterns_of(list: &Patterns) -> Vec<String> {
    let mut texts: Vec<String> = list.written().iter().map(|entry| format!("`{entry}`")).collect();
    texts.sort();
    texts
}

fn requirements(list: &[Requirement]) -> Vec<String> {
    let mut texts: Vec<String> = list.iter().map(|entry| format!("{} of {}", entry.approvals, entry.role)).collect();
    texts.sort();
    texts
}
