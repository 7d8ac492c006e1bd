//! Reads `[windows.NAME]`.

use super::reader::{Key, Reader, Section, Value};
use super::value;
use crate::domain::name::WindowName;
use crate::domain::policy::draft::WindowDraft;
use crate::domain::policy::window::{DAYS, Window, WindowSpan, Zone};
use crate::domain::policy::{FaultKind, limits};
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

pub(super) const WINDOW: Section = Section { name: "a window", keys: &["days", "from", "to", "timezone"] };

/// Reads one window; `None` if it has no name to go by. What it holds counts only if nothing in it had a fault.
pub(super) fn window(reader: &mut Reader<'_>, name: &Key<'_>, body: &Value<'_>) -> Option<WindowDraft> {
    let before = reader.faults();
    let place = reader.place(name.span());
    let name = value::name(reader, place.clone(), name.get_ref(), WindowName::new);
    let table = reader.table("windows", body)?;
    for (key, _) in table {
        reader.known(&WINDOW, key);
    }
    for key in ["from", "to", "timezone"].into_iter().filter(|key| !table.contains_key(*key)) {
        reader.sink.push(&place, FaultKind::MissingKey { section: WINDOW.name, key });
    }
    let zone = table.get("timezone").and_then(|value| timezone(reader, value));
    let span = match table.get("days") {
        Some(days) => weekly(reader, table, days),
        None => once(reader, table),
    };
    let value = zone.zip(span).map(|(zone, span)| Window { zone, span }).filter(|_| reader.faults() == before);
    Some(WindowDraft { name: name?, value })
}

fn timezone(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Zone> {
    let text = reader.text("timezone", value)?;
    let zone = Zone::named(text);
    if zone.is_none() {
        let names: Vec<String> = Zone::names().collect();
        let similar = reader.sink.similar(text, names.iter().map(String::as_str));
        reader.fault(value.span(), FaultKind::NotATimezone { name: text.to_owned(), similar });
    }
    zone
}

fn weekly(reader: &mut Reader<'_>, table: &DeTable<'_>, days: &Value<'_>) -> Option<WindowSpan> {
    let mut begins = BTreeSet::new();
    for text in reader.distinct_texts("days", days) {
        match (0..).zip(DAYS).find(|(_, day)| *day == text.value) {
            Some((number, _)) => drop(begins.insert(number)),
            None => reader.sink.push(&text.place, FaultKind::NotADay(text.value.to_owned())),
        }
    }
    let from = table.get("from").and_then(|value| minutes(reader, "from", value, limits::DAY_MINUTES - 1));
    let end = table.get("to");
    let to = end.and_then(|value| minutes(reader, "to", value, limits::DAY_MINUTES));
    let (from, to) = from.zip(to)?;
    if from == to {
        reader.fault(end?.span(), FaultKind::WindowEmpty);
    }
    Some(WindowSpan::Weekly { days: begins, from, to })
}

/// Reads `HH:MM`, at most `last` minutes after midnight.
fn minutes(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>, last: u32) -> Option<u32> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.as_bytes(),
        _ => b"",
    };
    let number = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
    };
    let read = match *text {
        [a, b, b':', c, d] => number(a, b).zip(number(c, d)),
        _ => None,
    };
    let found = read.filter(|(_, minute)| *minute < 60).map(|(hour, minute)| hour * 60 + minute);
    let found = found.filter(|minutes| *minutes <= last);
    if found.is_none() {
        reader.fault(value.span(), FaultKind::NotATimeOfDay(key));
    }
    found
}

fn once(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Option<WindowSpan> {
    let from = table.get("from").and_then(|value| local(reader, "from", value));
    let end = table.get("to");
    let to = end.and_then(|value| local(reader, "to", value));
    let (from, to) = from.zip(to)?;
    if to <= from {
        reader.fault(end?.span(), FaultKind::WindowEmpty);
    }
    Some(WindowSpan::Once { from, to })
}

/// Reads a date and time without an offset, in whole seconds.
fn local(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>) -> Option<NaiveDateTime> {
    let read = || {
        let DeValue::Datetime(written) = value.get_ref() else { return None };
        let (date, time) = (written.date?, written.time?);
        if written.offset.is_some() || time.nanosecond.is_some_and(|part| part != 0) {
            return None;
        }
        let day = NaiveDate::from_ymd_opt(i32::from(date.year), date.month.into(), date.day.into())?;
        day.and_hms_opt(time.hour.into(), time.minute.into(), time.second.unwrap_or(0).into())
    };
    let found = read();
    if found.is_none() {
        reader.fault(value.span(), FaultKind::NotALocalTime(key));
    }
    found
}
