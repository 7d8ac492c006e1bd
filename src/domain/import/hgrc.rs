//! Reads the sections of an hgrc, as far as they can be read without Mercurial: `%include` and `%unset` are told, not followed.

use super::written::Written;
use super::{ImportError, lines};
use std::collections::BTreeSet;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Hgrc {
    /// The sections that have a heading, with settings or without.
    pub(super) sections: BTreeSet<String>,
    /// The settings, each name of a section once, in the order of their lines.
    pub(super) settings: Vec<Setting>,
}

/// A setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Its section.
    pub(super) section: String,
    /// Its name; of several with the same name in a section the last counts.
    pub(super) name: String,
    /// Its value, lines that go on joined by a line feed.
    pub(super) value: String,
    /// The line on which it begins.
    pub(super) line: usize,
}

/// Reads a file; what it cannot read is left.
pub(super) fn read(file: &[u8], written: &mut Written) -> Result<Hgrc, ImportError> {
    let Hgrc { mut sections, mut settings } = Hgrc::default();
    let mut section = String::new();
    let mut goes_on = false;
    for (line, bytes) in lines(file) {
        let Ok(text) = str::from_utf8(bytes) else {
            written.leave(line, "not UTF-8", bytes)?;
            goes_on = false;
            continue;
        };
        let trimmed = text.trim();
        if trimmed.is_empty() || text.starts_with([';', '#']) {
            continue;
        }
        if text.starts_with(char::is_whitespace) {
            match settings.last_mut().filter(|_| goes_on) {
                Some(last) => last.value += &format!("\n{trimmed}"),
                None => written.leave(line, "it goes on from nothing", bytes)?,
            }
            continue;
        }
        goes_on = false;
        if let Some(name) = heading(trimmed) {
            section = name.to_owned();
            sections.insert(section.clone());
        } else if trimmed.starts_with('%') {
            written.leave(line, "other files are not read", bytes)?;
        } else if let Some((name, value)) = trimmed.split_once('=') {
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            settings.retain(|known| known.section != section || known.name != name);
            settings.push(Setting { section: section.clone(), name, value, line });
            goes_on = true;
        } else {
            written.leave(line, "not a line of an hgrc", bytes)?;
        }
    }
    Ok(Hgrc { sections, settings })
}

/// Returns the section that a line begins, whatever stands behind its heading: it ends with the last `]` before another `[`.
fn heading(line: &str) -> Option<&str> {
    let (rest, _) = line.strip_prefix('[').map(|rest| rest.split_once('[').unwrap_or((rest, "")))?;
    rest.rsplit_once(']').map(|(name, _)| name)
}
