//! Reads `larger_than`.

use super::reader::{Reader, Section, Value};
use crate::domain::policy::{FaultKind, LargerThan, limits};

pub(super) const LARGER_THAN: Section = Section { name: "`larger_than`", keys: &["files", "lines", "commits"] };

/// Reads the limits; `None` if any of them has a fault.
pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<LargerThan> {
    let before = reader.faults();
    let table = reader.table("larger_than", value)?;
    if table.is_empty() {
        reader.fault(value.span(), FaultKind::NoLimits);
    }
    let mut size = LargerThan::default();
    for (key, value) in table {
        let Some(known) = reader.known(&LARGER_THAN, key) else { continue };
        let limit = limit(reader, known, value);
        match known {
            "files" => size.files = limit,
            "lines" => size.lines = limit,
            _ => size.commits = limit,
        }
    }
    (reader.faults() == before).then_some(size)
}

fn limit(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>) -> Option<usize> {
    let number = reader.number(key, value)?;
    let limit = usize::try_from(number).ok().filter(|limit| *limit <= limits::SIZE);
    if limit.is_none() {
        reader.fault(value.span(), FaultKind::NotALimit(key));
    }
    limit
}
