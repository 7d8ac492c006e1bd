//! Reads `[[rule]]`.

use super::reader::{Reader, Section, Value};
use super::{escalation, label, requirement, size, target, value};
use crate::domain::name::{CheckName, EnvironmentName, RuleName, WindowName};
use crate::domain::policy::draft::{At, RuleDraft};
use crate::domain::policy::{Bind, FaultKind, Mode, Rule, TargetPatterns, When, limits};
use std::collections::BTreeMap;

pub(super) const RULE: Section = Section {
    name: "a rule",
    keys: &[
        "name",
        "branches",
        "tags",
        "bookmarks",
        "refs",
        "environments",
        "paths",
        "labels",
        "larger_than",
        "during",
        "outside",
        "actions",
        "require",
        "any_of",
        "checks",
        "deny",
        "ttl",
        "self_approval",
        "distinct_people",
        "bind",
        "up_to_date",
        "promoted_from",
        "reason",
        "authors",
        "pushers",
        "override",
        "escalate",
        "land",
        "mode",
        "message",
    ],
};

/// Returns every key that a rule may have.
pub fn rule_keys() -> &'static [&'static str] {
    RULE.keys
}

/// Reads one rule; `None` if it is not a table.
pub(super) fn read(reader: &mut Reader<'_>, body: &Value<'_>, file: &str) -> Option<RuleDraft> {
    let before = reader.faults();
    let table = reader.table("rule", body)?;
    let place = reader.place(body.span());
    let line = reader.line(place.span.start);
    let mut draft = RuleDraft {
        place: place.clone(),
        name: None,
        given: BTreeMap::new(),
        has_unknown_keys: false,
        rule: blank((file.to_owned(), line)),
        environments: Vec::new(),
        windows: Vec::new(),
        entries: Vec::new(),
        checks: Vec::new(),
        require: Vec::new(),
        any_of: Vec::new(),
        overriding: None,
        escalation: None,
        sound: false,
    };
    for (key, value) in table {
        match reader.known(&RULE, key) {
            Some(known) => {
                draft.given.insert(known, reader.place(key.span()));
                one(reader, known, value, &mut draft);
            }
            None => draft.has_unknown_keys = true,
        }
    }
    if !table.contains_key("name") {
        reader.sink.push(&place, FaultKind::MissingKey { section: RULE.name, key: "name" });
    }
    draft.entries = std::mem::take(&mut reader.entries);
    draft.sound = reader.faults() == before;
    Some(draft)
}

/// Reads the value of one key into the draft.
fn one(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>, draft: &mut RuleDraft) {
    let rule = &mut draft.rule;
    match key {
        "name" => {
            let Some(text) = reader.text(key, value) else { return };
            draft.name = value::name(reader, reader.place(value.span()), text, RuleName::new);
            if let Some(name) = &draft.name {
                rule.name = name.value.clone();
            }
        }
        "branches" => rule.targets.branches = target::patterns(reader, key, value),
        "tags" => rule.targets.tags = target::patterns(reader, key, value),
        "bookmarks" => rule.targets.bookmarks = target::patterns(reader, key, value),
        "refs" => rule.targets.refs = target::patterns(reader, key, value),
        "environments" => {
            for text in reader.distinct_texts(key, value) {
                draft.environments.extend(value::name(reader, text.place, text.value, EnvironmentName::new));
            }
            rule.targets.environments = Some(draft.environments.iter().map(|name| name.value.clone()).collect());
        }
        "paths" => rule.paths = target::patterns(reader, key, value),
        "labels" => rule.labels = label::read(reader, value),
        "larger_than" => rule.larger_than = size::read(reader, value),
        "during" => rule.when = window(reader, key, value, &mut draft.windows).map(When::During),
        "outside" => rule.when = window(reader, key, value, &mut draft.windows).map(When::Outside),
        "actions" => rule.actions = target::actions(reader, value),
        "require" => draft.require = requirement::list(reader, "require", value),
        "any_of" => draft.any_of = requirement::alternatives(reader, value),
        "checks" => {
            for text in reader.distinct_texts(key, value) {
                draft.checks.extend(value::name(reader, text.place, text.value, CheckName::new));
            }
        }
        "deny" => set(&mut rule.deny, reader.truth(key, value)),
        "ttl" => set(&mut rule.ttl, value::span(reader, key, value)),
        "self_approval" => set(&mut rule.self_approval, reader.truth(key, value)),
        "distinct_people" => set(&mut rule.distinct_people, reader.truth(key, value)),
        "bind" => {
            let words = [("commit", Bind::Commit), ("content", Bind::Content)];
            set(&mut rule.bind, reader.word(key, value, "`commit` or `content`", &words));
        }
        "up_to_date" => set(&mut rule.up_to_date, reader.truth(key, value)),
        "promoted_from" => rule.promoted_from = target::patterns(reader, key, value),
        "reason" => rule.reason = value::reason(reader, value),
        "authors" => set(&mut rule.authors_known, reader.word(key, value, "`known`", &[("known", true)])),
        "pushers" => set(&mut rule.pushers_known, reader.word(key, value, "`known`", &[("known", true)])),
        "override" => draft.overriding = requirement::overriding(reader, value),
        "escalate" => draft.escalation = escalation::read(reader, value),
        "land" => set(&mut rule.lands_itself, reader.word(key, value, "`auto`", &[("auto", true)])),
        "mode" => {
            let words = [("enforce", Mode::Enforce), ("observe", Mode::Observe)];
            set(&mut rule.mode, reader.word(key, value, "`enforce` or `observe`", &words));
        }
        "message" => rule.message = value::message(reader, value),
        _ => {}
    }
}

fn window(
    reader: &mut Reader<'_>,
    key: &str,
    value: &Value<'_>,
    named: &mut Vec<At<WindowName>>,
) -> Option<WindowName> {
    let text = reader.text(key, value)?;
    let name = value::name(reader, reader.place(value.span()), text, WindowName::new)?;
    named.push(name.clone());
    Some(name.value)
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// A rule that gives no key.
pub(in crate::domain::policy) fn blank(place: (String, usize)) -> Rule {
    Rule {
        name: RuleName::new("unnamed").expect("the alphabet of names holds these letters"),
        place,
        targets: TargetPatterns::default(),
        paths: None,
        labels: BTreeMap::new(),
        larger_than: None,
        when: None,
        actions: None,
        require: Vec::new(),
        any_of: Vec::new(),
        checks: BTreeMap::new(),
        deny: false,
        ttl: limits::DEFAULT_TTL,
        self_approval: false,
        distinct_people: true,
        bind: Bind::Commit,
        up_to_date: false,
        promoted_from: None,
        reason: None,
        authors_known: false,
        pushers_known: false,
        overriding: None,
        escalation: None,
        lands_itself: false,
        mode: Mode::Enforce,
        message: None,
    }
}
