//! Reads lists of patterns, `[environments.NAME]` and `actions`.

use super::reader::{Key, Reader, Section, Value};
use super::value;
use crate::domain::change::Action;
use crate::domain::name::EnvironmentName;
use crate::domain::policy::draft::{At, EntryDraft, EnvironmentDraft};
use crate::domain::policy::{Environment, FaultKind, Patterns};
use std::collections::BTreeSet;

pub(super) const ENVIRONMENT: Section = Section { name: "an environment", keys: &["branches", "tags", "bookmarks"] };

/// Reads one environment; `None` if it has no name to go by.
pub(super) fn environment(reader: &mut Reader<'_>, name: &Key<'_>, body: &Value<'_>) -> Option<EnvironmentDraft> {
    let before = reader.faults();
    let place = reader.place(name.span());
    let name = value::name(reader, place, name.get_ref(), EnvironmentName::new);
    let table = reader.table("environments", body)?;
    let mut value = Environment::default();
    for (key, entry) in table {
        match reader.known(&ENVIRONMENT, key) {
            Some("branches") => value.branches = patterns(reader, "branches", entry),
            Some("tags") => value.tags = patterns(reader, "tags", entry),
            Some("bookmarks") => value.bookmarks = patterns(reader, "bookmarks", entry),
            _ => {}
        }
    }
    let name = name?;
    let entries = std::mem::take(&mut reader.entries);
    Some(EnvironmentDraft { name, value, entries, sound: reader.faults() == before })
}

/// Reads a list of patterns for the targets, paths or labels that `key` is about.
pub(super) fn patterns(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>) -> Option<Patterns> {
    let before = reader.faults();
    let entries = reader.distinct_texts(key, value);
    let written: Vec<String> = entries.iter().map(|entry| entry.value.to_owned()).collect();
    let read = if key == "labels" { Patterns::of_labels } else { Patterns::new };
    let list = read(&written);
    for entry in &entries {
        // The list as a whole was read already; entry by entry is needed only to say which one is wrong.
        let alone = if list.is_err() { read(&[entry.value.to_owned()]).err() } else { None };
        if let Some(error) = alone {
            reader.sink.push(&entry.place, error.into());
        } else if let Some(what) = unmatchable(key, entry.value.strip_prefix('!').unwrap_or(entry.value)) {
            reader.sink.push(&entry.place, FaultKind::Unmatchable { what, pattern: entry.value.to_owned() });
        }
    }
    match &list {
        Err(error) if reader.faults() == before => reader.fault(value.span(), error.clone().into()),
        // Without any value there is still something that matches: a commit without the label.
        Ok(list)
            if reader.faults() == before
                && takes_all_away(&written)
                && !(key == "labels" && list.starts_from_all()) =>
        {
            reader.fault(value.span(), FaultKind::MatchesNothing(key));
        }
        _ => {}
    }
    if key != "labels" {
        let placed =
            |entry: At<&str>| EntryDraft { key, pattern: At { place: entry.place, value: entry.value.to_owned() } };
        reader.entries.extend(entries.into_iter().map(placed));
    }
    list.ok().filter(|_| reader.faults() == before)
}

/// Says what cannot match `pattern` if nothing of the kind that `key` is about ever could.
///
/// Such a pattern looks like protection and is none: branches and tags go by their short names, refnames are full,
/// and a path begins at the repository's root and names a file.
fn unmatchable(key: &str, pattern: &str) -> Option<&'static str> {
    let odd_part = |part: &str| matches!(part, "" | "." | "..");
    let (what, never) = match key {
        "branches" | "promoted_from" => ("branch", pattern.starts_with("refs/")),
        "tags" => ("tag", pattern.starts_with("refs/")),
        "refs" => ("refname", !may_begin_with(pattern, "refs/") || pattern.ends_with('/') || !crosses_slash(pattern)),
        "paths" => ("path", pattern.split('/').any(odd_part)),
        "labels" => ("label", pattern.trim_ascii() != pattern || pattern.contains('\n')),
        _ => return None,
    };
    never.then_some(what)
}

/// Tells whether `pattern` may match a name with a slash in it.
fn crosses_slash(pattern: &str) -> bool {
    pattern.contains(['/', '{']) || pattern.contains("**")
}

/// Tells whether the text before the first wildcard of `pattern` leaves room for a name that begins with `start`.
pub(in crate::domain::policy) fn may_begin_with(pattern: &str, start: &str) -> bool {
    match pattern.split_once(['*', '?', '[', '{', '\\']) {
        None => pattern.starts_with(start),
        Some((literal, _)) => literal.starts_with(start) || start.starts_with(literal),
    }
}

/// Tells whether the list names everything that it takes once more with `!`, or takes away everything.
fn takes_all_away(entries: &[String]) -> bool {
    let away: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.strip_prefix('!')).collect();
    let mut taken = entries.iter().filter(|entry| !entry.starts_with('!')).peekable();
    away.contains("**") || (taken.peek().is_some() && taken.all(|entry| away.contains(entry.as_str())))
}

/// Reads `actions`.
pub(super) fn actions(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<BTreeSet<Action>> {
    let before = reader.faults();
    let mut actions = BTreeSet::new();
    for text in reader.distinct_texts("actions", value) {
        match Action::parse(text.value) {
            Ok(action) => {
                actions.insert(action);
            }
            Err(source) => {
                reader.sink.push(&text.place, FaultKind::BadAction { text: text.value.to_owned(), source });
            }
        }
    }
    (reader.faults() == before).then_some(actions)
}
