//! Reads `require` and `any_of`.

use super::reader::{Reader, Section, Value};
use super::value;
use crate::domain::name::RoleName;
use crate::domain::policy::draft::{At, RequirementDraft};
use crate::domain::policy::{FaultKind, limits};

pub(super) const REQUIREMENT: Section =
    Section { name: "an entry of `require` or `any_of`", keys: &["role", "approvals"], later: &[] };

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
    let table = reader.table(key, entry)?;
    let (mut role, mut approvals) = (None, None);
    for (key, value) in table {
        match reader.known(&REQUIREMENT, key) {
            Some("role") => {
                if let Some(text) = reader.text("role", value) {
                    role = value::name(reader, reader.place(value.span()), text, RoleName::new);
                }
            }
            Some("approvals") => approvals = count(reader, value),
            _ => {}
        }
    }
    for key in REQUIREMENT.keys {
        if !table.contains_key(*key) {
            reader.fault(entry.span(), FaultKind::MissingKey { section: REQUIREMENT.name, key });
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
