//! Reads `escalate`.

use super::reader::{Reader, Section, Value};
use super::value;
use crate::domain::name::RoleName;
use crate::domain::policy::FaultKind;
use crate::domain::policy::draft::EscalationDraft;

pub(super) const ESCALATE: Section = Section { name: "`escalate`", keys: &["after", "notify"] };

/// Reads it; `None` if it is not to be known when somebody is told.
pub(super) fn read(reader: &mut Reader<'_>, body: &Value<'_>) -> Option<EscalationDraft> {
    let table = reader.table("escalate", body)?;
    let (mut after, mut notify) = (None, Vec::new());
    for (key, value) in table {
        match reader.known(&ESCALATE, key) {
            Some("after") => after = value::span(reader, "after", value),
            Some(_) => {
                for entry in reader.distinct_texts("notify", value) {
                    match entry.value.strip_prefix("role:") {
                        Some(role) => notify.extend(value::name(reader, entry.place, role, RoleName::new)),
                        None => reader.sink.push(&entry.place, FaultKind::NotARole(entry.value.to_owned())),
                    }
                }
            }
            None => {}
        }
    }
    for key in ESCALATE.keys {
        if !table.contains_key(*key) {
            reader.fault(body.span(), FaultKind::MissingKey { section: ESCALATE.name, key });
        }
    }
    Some(EscalationDraft { after: after?, notify })
}
