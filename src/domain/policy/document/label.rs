//! Reads `labels`.

use super::reader::{Reader, Value};
use super::target;
use crate::domain::policy::draft::At;
use crate::domain::policy::fault::{Note, Remark};
use crate::domain::policy::{FaultKind, Patterns};
use std::collections::BTreeMap;

/// What the key of a trailer looks like, as an expression.
pub(super) const KEY: &str = "^[A-Za-z0-9-]+$";

/// Reads a table of patterns by the key of a trailer; keys come out in lower case, those with faults are left out.
pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>) -> BTreeMap<String, Patterns> {
    let Some(table) = reader.table("labels", value) else { return BTreeMap::new() };
    if table.is_empty() {
        reader.fault(value.span(), FaultKind::NoLabels);
    }
    let mut seen: BTreeMap<String, At<Option<Patterns>>> = BTreeMap::new();
    for (key, entries) in table {
        let (place, written): (_, &str) = (reader.place(key.span()), key.get_ref());
        if written.is_empty() || !written.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            reader.sink.push(&place, FaultKind::NotALabel(written.to_owned()));
            continue;
        }
        let lower = written.to_ascii_lowercase();
        if let Some(first) = seen.get(&lower) {
            let note = Note { place: first.place.clone(), remark: Remark::FirstGiven };
            reader.sink.push_with(&place, FaultKind::LabelTwice(written.to_owned()), vec![note]);
            continue;
        }
        let value = target::patterns(reader, "labels", entries);
        seen.insert(lower, At { place, value });
    }
    seen.into_iter().filter_map(|(key, list)| Some((key, list.value?))).collect()
}
