//! Small readers for typed values: each gives the value, or notes a fault at its place and gives nothing.

use crate::domain::policy::FaultKind;
use crate::domain::policy::draft::{At, EntryDraft};
use crate::domain::policy::fault::{Note, Place, Remark, Sink};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A key with its place.
pub(super) type Key<'d> = Spanned<DeString<'d>>;
/// A value with its place.
pub(super) type Value<'d> = Spanned<DeValue<'d>>;

/// The keys of one kind of table.
pub(super) struct Section {
    /// What the table is, with an article.
    pub(super) name: &'static str,
    /// The keys that are read.
    pub(super) keys: &'static [&'static str],
}

/// Reads values of one file.
pub(super) struct Reader<'s> {
    pub(super) file: usize,
    /// Where the lines of the file end, in bytes.
    pub(super) line_ends: Vec<usize>,
    pub(super) sink: &'s mut Sink,
    /// The patterns that were read and that no draft has taken yet.
    pub(super) entries: Vec<EntryDraft>,
}

impl Reader<'_> {
    /// Returns the place of `span` in this file.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.file, span }
    }

    /// Returns the line, from 1, on which the byte `at` stands.
    pub(super) fn line(&self, at: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < at)
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, span: Range<usize>, what: FaultKind) {
        let place = self.place(span);
        self.sink.push(&place, what);
    }

    /// Counts the faults so far: the same count before and after means that what was read in between is sound.
    pub(super) fn faults(&self) -> usize {
        self.sink.list.len()
    }

    /// Returns the key as one of `section`, or notes that it is unknown.
    pub(super) fn known(&mut self, section: &Section, key: &Key<'_>) -> Option<&'static str> {
        let written: &str = key.get_ref();
        if let Some(known) = section.keys.iter().find(|known| **known == written) {
            return Some(known);
        }
        let similar = self.sink.similar(written, section.keys.iter().copied());
        self.fault(key.span(), FaultKind::UnknownKey { section: section.name, key: written.to_owned(), similar });
        None
    }

    /// Notes that `value` has the wrong type.
    fn wrong_type(&mut self, key: &str, value: &Value<'_>, expected: &'static str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(value.span(), FaultKind::WrongType { key: key.to_owned(), expected, found });
    }

    /// Reads a table.
    pub(super) fn table<'v, 'd>(&mut self, key: &str, value: &'v Value<'d>) -> Option<&'v DeTable<'d>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.wrong_type(key, value, "a table");
                None
            }
        }
    }

    /// Reads a list whose entries the caller reads; `expected` says of what, with an article. A wrong type gives no
    /// entries.
    pub(super) fn list<'v, 'd>(&mut self, key: &str, value: &'v Value<'d>, expected: &'static str) -> &'v [Value<'d>] {
        match value.get_ref() {
            DeValue::Array(entries) => entries,
            _ => {
                self.wrong_type(key, value, expected);
                &[]
            }
        }
    }

    /// Reads a string.
    pub(super) fn text<'v>(&mut self, key: &str, value: &'v Value<'_>) -> Option<&'v str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => {
                self.wrong_type(key, value, "a string");
                None
            }
        }
    }

    /// Reads a list of strings; entries of another type are faults and left out.
    pub(super) fn texts<'v>(&mut self, key: &str, value: &'v Value<'_>) -> Vec<At<&'v str>> {
        let mut texts = Vec::new();
        for entry in self.list(key, value, "a list of strings") {
            match entry.get_ref() {
                DeValue::String(text) => texts.push(At { place: self.place(entry.span()), value: text.as_ref() }),
                _ => self.wrong_type(key, entry, "strings"),
            }
        }
        texts
    }

    /// Reads a list of different strings, at least one.
    pub(super) fn distinct_texts<'v>(&mut self, key: &'static str, value: &'v Value<'_>) -> Vec<At<&'v str>> {
        let mut texts = self.texts(key, value);
        if matches!(value.get_ref(), DeValue::Array(entries) if entries.is_empty()) {
            self.fault(value.span(), FaultKind::EmptyList(key));
        }
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        texts.retain(|text| match seen.get(text.value) {
            Some(first) => {
                let note = Note { place: first.clone(), remark: Remark::FirstGiven };
                self.sink.push_with(&text.place, FaultKind::EntryTwice(text.value.to_owned()), vec![note]);
                false
            }
            None => {
                seen.insert(text.value, text.place.clone());
                true
            }
        });
        texts
    }

    /// Reads `true` or `false`.
    pub(super) fn truth(&mut self, key: &str, value: &Value<'_>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            _ => {
                self.wrong_type(key, value, "true or false");
                None
            }
        }
    }

    /// Reads an integer; what does not fit becomes the nearest that does.
    pub(super) fn number(&mut self, key: &str, value: &Value<'_>) -> Option<i64> {
        match value.get_ref() {
            DeValue::Integer(number) => {
                let nearest = if number.as_str().starts_with('-') { i64::MIN } else { i64::MAX };
                Some(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(nearest))
            }
            _ => {
                self.wrong_type(key, value, "an integer");
                None
            }
        }
    }

    /// Reads one of `words`; `allowed` names them in prose.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        value: &Value<'_>,
        allowed: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(key, value)?;
        let meant = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if meant.is_none() {
            self.fault(value.span(), FaultKind::NotAWord { key, allowed, found: text.to_owned() });
        }
        meant
    }
}
