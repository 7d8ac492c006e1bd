//! Reads one file of a policy into the draft (docs/spec/policy.md): TOML in, typed values with their places out.
//!
//! The parsed tree is walked by hand. A deserialiser stops at the first error; here a wrong value costs that value
//! only, so that everything which is wrong in every file is said at once. It refuses keys that it does not know.

mod check;
mod escalation;
mod label;
mod people;
mod reader;
mod requirement;
mod rule;
mod schema;
mod size;
mod target;
mod value;
mod window;

pub(super) use rule::blank;
pub use rule::rule_keys;
pub use schema::schema;
pub(super) use target::may_begin_with;

use super::FaultKind;
use super::draft::{At, Draft};
use super::fault::{PolicyFile, Sink};
use super::limits;
use super::model::DefaultAnswer;
use reader::{Key, Reader, Section, Value};
use toml::de::{DeTable, DeValue};

/// What a file may hold.
const FILE: Section = Section {
    name: "a policy",
    keys: &["version", "default", "principals", "roles", "environments", "windows", "checks", "rule"],
};

/// Reads `file`, which is the one with this index, into `draft`.
pub(super) fn read(index: usize, file: &PolicyFile, draft: &mut Draft, sink: &mut Sink) {
    let mut reader = Reader { file: index, line_ends: Vec::new(), sink, entries: Vec::new() };
    if file.text.len() > limits::FILE_BYTES {
        reader.fault(0..0, FaultKind::FileTooLarge);
        draft.has_gaps = true;
        return;
    }
    let text = match std::str::from_utf8(&file.text) {
        Ok(text) => text,
        Err(error) => {
            let start = error.valid_up_to();
            let end = error.error_len().map_or(file.text.len(), |length| start + length);
            reader.fault(start..end, FaultKind::NotUtf8);
            draft.has_gaps = true;
            return;
        }
    };
    match DeTable::parse(text) {
        Ok(table) => {
            reader.line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
            read_top(&mut reader, table.get_ref(), &file.name, draft);
        }
        Err(error) => {
            let detail = error.message().replace(['\n', '\r'], " ");
            reader.fault(error.span().unwrap_or(0..0), FaultKind::Syntax { detail });
            draft.has_gaps = true;
        }
    }
}

/// Reads the keys of a file.
fn read_top(reader: &mut Reader<'_>, table: &DeTable<'_>, file: &str, draft: &mut Draft) {
    // A file in another version may mean anything by its other keys: to judge them would be noise.
    match table.get("version") {
        None => reader.fault(0..0, FaultKind::NoVersion),
        Some(value) if reader.number("version", value) == Some(1) => {}
        Some(value) => {
            if matches!(value.get_ref(), DeValue::Integer(_)) {
                reader.fault(value.span(), FaultKind::OtherVersion);
            }
            draft.has_gaps = true;
            return;
        }
    }
    for (key, value) in table {
        match reader.known(&FILE, key) {
            Some("default") => {
                let words = [("allow", DefaultAnswer::Allow), ("deny", DefaultAnswer::Deny)];
                let answer = reader.word("default", value, "`allow` or `deny`", &words);
                let place = reader.place(value.span());
                // A wrong word is a fault of its own; the key is there all the same.
                draft.defaults.push(At { place, value: answer.unwrap_or(DefaultAnswer::Deny) });
            }
            Some("principals") => {
                let (found, gaps) = each(reader, "principals", value, people::principal);
                draft.principals.extend(found);
                draft.has_gaps |= gaps;
            }
            Some("roles") => {
                let (found, gaps) = each(reader, "roles", value, people::role);
                draft.roles.extend(found);
                draft.has_gaps |= gaps;
            }
            Some("environments") => {
                let (found, gaps) = each(reader, "environments", value, target::environment);
                draft.environments.extend(found);
                draft.has_gaps |= gaps;
            }
            Some("windows") => {
                let (found, gaps) = each(reader, "windows", value, window::window);
                draft.windows.extend(found);
                draft.has_gaps |= gaps;
            }
            Some("checks") => {
                let (found, gaps) = each(reader, "checks", value, check::check);
                draft.checks.extend(found);
                draft.has_gaps |= gaps;
            }
            Some("rule") => {
                for body in reader.list("rule", value, "a list of tables (`[[rule]]`)") {
                    if draft.rules.len() == limits::RULES {
                        reader.fault(body.span(), FaultKind::TooMany { what: "rules", limit: limits::RULES });
                        return;
                    }
                    draft.rules.extend(rule::read(reader, body, file));
                }
            }
            Some(_) => {}
            // A misspelt `principals` defines people all the same.
            None => draft.has_gaps = true,
        }
    }
}

/// Reads each entry of a table of named things; true if some of them could not be read.
fn each<T>(
    reader: &mut Reader<'_>,
    key: &'static str,
    value: &Value<'_>,
    read: impl Fn(&mut Reader<'_>, &Key<'_>, &Value<'_>) -> Option<T>,
) -> (Vec<T>, bool) {
    let Some(table) = reader.table(key, value) else { return (Vec::new(), true) };
    let found: Vec<T> = table.iter().filter_map(|(name, body)| read(reader, name, body)).collect();
    let gaps = found.len() < table.len();
    (found, gaps)
}
