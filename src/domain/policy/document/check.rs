//! Reads `[checks.NAME]`.

use super::reader::{Key, Reader, Section, Value};
use super::value;
use crate::domain::name::{CheckName, RoleName};
use crate::domain::policy::FaultKind;
use crate::domain::policy::draft::CheckDraft;

pub(super) const CHECK: Section = Section { name: "a check", keys: &["role"] };

/// Reads one check; `None` if it has no name to go by.
pub(super) fn check(reader: &mut Reader<'_>, name: &Key<'_>, body: &Value<'_>) -> Option<CheckDraft> {
    let place = reader.place(name.span());
    let name = value::name(reader, place.clone(), name.get_ref(), CheckName::new);
    let table = reader.table("checks", body)?;
    let mut role = None;
    for (key, value) in table {
        if reader.known(&CHECK, key) != Some("role") {
            continue;
        }
        if let Some(text) = reader.text("role", value) {
            role = value::name(reader, reader.place(value.span()), text, RoleName::new);
        }
    }
    if !table.contains_key("role") {
        reader.sink.push(&place, FaultKind::MissingKey { section: CHECK.name, key: "role" });
    }
    Some(CheckDraft { name: name?, role })
}
