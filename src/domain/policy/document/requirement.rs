//! Reads `require`, `any_of` and `override`.

use super::reader::{Reader, Section, Value};
use super::value;
use crate::domain::name::RoleName;
use crate::domain::policy::draft::{At, OverrideDraft, RequirementDraft};
use crate::domain::policy::{FaultKind, limits};

pub(super) const REQUIREMENT: Section =
    Section { name: "an entry of `require` or `any_of`", keys: &["role", "approvals"] };

pub(super) const OVERRIDE: Section =
    Section { name: "`override`", keys: &["role", "approvals", "ttl", "review_within"] };

/// Reads one list of requirements; entries with faults are left out.
pub(super) fn list(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>) -> Vec<RequirementDraft> {
    let entries = reader.list(key, value, "a list of `{ role = …, approvals = … }`");
    check_count(reader, key, value, entries.len());
    entries.iter().take(limits::ENTRIES).filter_map(|entry| requirement(reader, key, entry)).collect()
}

/// Reads `any_of`: a list of lists.
pub(super) fn alternatives(reader: &mut Reader<'_>, value: &Value<'_>) -> Vec<At<Vec<RequirementDraft>>> {
    let entries = reader.list("any_of", value, "a list of lists");
    check_count(reader, "any_of", value, entries.len());
    let one = |entry: &Value<'_>| {
        let value = list(reader, "any_of", entry);
        At { place: reader.place(entry.span()), value }
    };
    entries.iter().take(limits::ENTRIES).map(one).collect()
}

fn check_count(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>, count: usize) {
    if count == 0 && matches!(value.get_ref(), toml::de::DeValue::Array(_)) {
        reader.fault(value.span(), FaultKind::EmptyList(key));
    }
    if count > limits::ENTRIES {
        let what = if key == "require" { "entries in `require`" } else { "entries in `any_of`" };
        reader.fault(value.span(), FaultKind::TooMany { what, limit: limits::ENTRIES });
    }
}

fn requirement(reader: &mut Reader<'_>, key: &'static str, entry: &Value<'_>) -> Option<RequirementDraft> {
    of_table(reader, key, &REQUIREMENT, entry, |_, _, _| {})
}

/// Reads `override`; `None` if who may do it is not to be known.
pub(super) fn overriding(reader: &mut Reader<'_>, entry: &Value<'_>) -> Option<OverrideDraft> {
    let (mut ttl, mut review_within) = (limits::OVERRIDE_TTL, limits::REVIEW_WITHIN);
    let requirement = of_table(reader, "override", &OVERRIDE, entry, |reader, key, value| {
        let span = if key == "ttl" { &mut ttl } else { &mut review_within };
        *span = value::span(reader, key, value).unwrap_or(*span);
    })?;
    Some(OverrideDraft { requirement, ttl, review_within })
}

/// Reads a role and a number from a table of `section`, and leaves its other keys to `other`.
fn of_table(
    reader: &mut Reader<'_>,
    key: &'static str,
    section: &Section,
    entry: &Value<'_>,
    mut other: impl FnMut(&mut Reader<'_>, &'static str, &Value<'_>),
) -> Option<RequirementDraft> {
    let table = reader.table(key, entry)?;
    let (mut role, mut approvals) = (None, None);
    for (key, value) in table {
        match reader.known(section, key) {
            Some("role") => {
                if let Some(text) = reader.text("role", value) {
                    role = value::name(reader, reader.place(value.span()), text, RoleName::new);
                }
            }
            Some("approvals") => approvals = count(reader, value),
            Some(key) => other(reader, key, value),
            None => {}
        }
    }
    for key in REQUIREMENT.keys {
        if !table.contains_key(*key) {
            reader.fault(entry.span(), FaultKind::MissingKey { section: section.name, key });
        }
    }
    Some(RequirementDraft { role: role?, approvals: approvals? })
}

fn count(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<At<usize>> {
    let place = reader.place(value.span());
    let number = reader.number("approvals", value)?;
    let what = match usize::try_from(number) {
        Ok(0) | Err(_) => FaultKind::NoApprovals,
        Ok(count) if count > limits::APPROVALS => {
            FaultKind::TooMany { what: "approvals in one entry", limit: limits::APPROVALS }
        }
        Ok(value) => return Some(At { place, value }),
    };
    reader.sink.push(&place, what);
    None
}
