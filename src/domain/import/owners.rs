//! What a CODEOWNERS file says, line by line.

use super::glob::{self, Dialect};
use super::people::is_identity;
use super::written::Written;
use super::{ImportError, lines};
use crate::domain::policy::limits;
use std::collections::BTreeSet;

/// An owner as it is written; logins and addresses have no case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    User(String),
    Team(String),
    Email(String),
}

impl Owner {
    fn read(word: &str) -> Option<Self> {
        let lower = word.to_lowercase();
        match lower.strip_prefix('@') {
            _ if !is_identity(&lower) => None,
            Some("" | "@") => None,
            Some(name) if name.starts_with('@') || name.contains('/') => Some(Self::Team(name.to_owned())),
            Some(name) => Some(Self::User(name.to_owned())),
            None if lower.split('@').filter(|part| !part.is_empty()).count() == 2 => Some(Self::Email(lower)),
            None => None,
        }
    }
}

/// A line that names paths.
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) globs: Vec<String>,
    pub(super) owners: BTreeSet<Owner>,
}

/// One list in which the last line that matches wins.
#[derive(Default)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) approvals: usize,
    pub(super) is_optional: bool,
    pub(super) owners: BTreeSet<Owner>,
    pub(super) entries: Vec<Entry>,
    /// What GitLab's `!` takes out for good.
    pub(super) excluded: Vec<String>,
}

/// Returns whose rules the file follows.
pub(super) fn dialect(file: &[u8]) -> Dialect {
    let is_gitlabs = |(_, line): (usize, &[u8])| {
        is_heading(line.trim_ascii())
            || (!line.trim_ascii().starts_with(b"#") && line.windows(3).any(|part| part == b" @@"))
    };
    if lines(file).any(is_gitlabs) { Dialect::GitLab } else { Dialect::GitHub }
}

fn is_heading(line: &[u8]) -> bool {
    line.strip_prefix(b"^").unwrap_or(line).starts_with(b"[") && line.contains(&b']')
}

/// Returns the sections, the one without a name first.
pub(super) fn read(file: &[u8], dialect: Dialect, written: &mut Written) -> Result<Vec<Section>, ImportError> {
    let mut sections = vec![Section { approvals: 1, ..Section::default() }];
    let (mut current, mut count) = (0, 0);
    for (line, bytes) in lines(file) {
        let Ok(text) = str::from_utf8(bytes) else {
            written.leave(line, "not UTF-8", bytes)?;
            continue;
        };
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if text.contains(|c: char| c.is_control() && c != '\t') {
            written.leave(line, "it has a control character", bytes)?;
        } else if dialect == Dialect::GitLab && is_heading(text.as_bytes()) {
            current = heading(line, text, &mut sections, written)?;
        } else {
            entry(line, text, dialect, &mut sections[current], written)?;
            count += 1;
        }
        if count > limits::RULES {
            return Err(ImportError::TooLarge);
        }
    }
    Ok(sections)
}

/// Reads `^[Name][2] @owner` and returns the section, which may have begun before.
fn heading(line: usize, text: &str, sections: &mut Vec<Section>, written: &mut Written) -> Result<usize, ImportError> {
    let rest = text.strip_prefix('^').unwrap_or(text);
    let (name, rest) = rest.trim_start_matches('[').split_once(']').unwrap_or((rest, ""));
    let number = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (number, rest) = number.map_or((None, rest), |(number, rest)| (number.trim().parse().ok(), rest));
    let known = sections.iter().position(|one| one.name.eq_ignore_ascii_case(name) && !one.name.is_empty());
    let at = known.unwrap_or_else(|| {
        sections.push(Section { name: name.to_owned(), approvals: 1, ..Section::default() });
        sections.len() - 1
    });
    let (owners, strange) = owners(rest.split_whitespace());
    let section = &mut sections[at];
    section.approvals = section.approvals.max(number.unwrap_or(1)).min(limits::APPROVALS);
    section.is_optional |= text.starts_with('^');
    if !owners.is_empty() {
        section.owners = owners;
    }
    if strange {
        written.leave(line, "some of its owners are none", text.as_bytes())?
    }
    Ok(at)
}

/// Reads the owners up to an inline comment; true if some word is none.
fn owners<'w>(words: impl Iterator<Item = &'w str>) -> (BTreeSet<Owner>, bool) {
    let read: Vec<Option<Owner>> = words.take_while(|word| !word.starts_with('#')).map(Owner::read).collect();
    let strange = read.iter().any(Option::is_none);
    (read.into_iter().flatten().collect(), strange)
}

fn entry(
    line: usize,
    text: &str,
    dialect: Dialect,
    section: &mut Section,
    written: &mut Written,
) -> Result<(), ImportError> {
    let end = pattern_end(text);
    let (pattern, rest) = text.split_at(end);
    let (mut owners, strange) = owners(rest.split_whitespace());
    let (pattern, is_exclusion) = pattern.strip_prefix('!').map_or((pattern, false), |rest| (rest, true));
    if is_exclusion && dialect == Dialect::GitHub {
        return written.leave(line, "`!` does not count there", text.as_bytes());
    }
    let globs = match glob::of_codeowners(pattern, dialect) {
        Ok(globs) => globs,
        Err(why) => return written.leave(line, why, text.as_bytes()),
    };
    if is_exclusion {
        section.excluded.extend(globs);
        return Ok(());
    }
    if strange {
        let why = if owners.is_empty() { "none of its owners is one" } else { "some of its owners are none" };
        written.leave(line, why, text.as_bytes())?;
        // A line that names nobody who exists frees nothing.
        if owners.is_empty() {
            return Ok(());
        }
    }
    if owners.is_empty() {
        owners = section.owners.clone();
    }
    section.entries.push(Entry { line, text: text.to_owned(), globs, owners });
    Ok(())
}

/// Returns where the pattern ends: at the first blank without a backslash in front.
fn pattern_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !escaped {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_login_a_team_or_an_address() {
        let long = format!("@{}", "a".repeat(limits::IDENTITY_BYTES));
        let cases = [
            ("@Alice", Some(Owner::User("alice".to_owned()))),
            ("@Org/Team", Some(Owner::Team("org/team".to_owned()))),
            ("@@dev", Some(Owner::Team("@dev".to_owned()))),
            ("Bob@Example.com", Some(Owner::Email("bob@example.com".to_owned()))),
            ("@", None),
            ("@@", None),
            ("alice", None),
            ("bob@", None),
            ("@ali<ce>", None),
            (&long, None),
        ];
        for (word, expected) in cases {
            assert_eq!(Owner::read(word), expected, "{word}");
        }
    }

    #[test]
    fn sections_and_roles_outside_comments_make_a_file_of_gitlab() {
        let cases = [
            ("/a @alice", Dialect::GitHub),
            ("# ask @@dev\n/a @alice", Dialect::GitHub),
            ("/a @@dev", Dialect::GitLab),
            (" [Database]\n/a @alice", Dialect::GitLab),
            ("^[Database]", Dialect::GitLab),
        ];
        for (file, expected) in cases {
            assert_eq!(dialect(file.as_bytes()), expected, "{file}");
        }
    }

    /// Each section's name, how many approvals it asks for, and how many lines it has.
    fn sections(file: &str) -> Result<Vec<(String, usize, usize)>, ImportError> {
        let sections = read(file.as_bytes(), dialect(file.as_bytes()), &mut Written::default())?;
        Ok(sections.into_iter().map(|one| (one.name, one.approvals, one.entries.len())).collect())
    }

    #[test]
    fn a_section_asks_for_one_approval_or_as_many_as_it_says() {
        let file = "/a @alice\n[A]\n/b @alice\n/c @bob\n[B][0] @bob\n/d\n[C][2]\n[c]\n/e @bob\n[D][9999] @bob\n";
        let expected = [("", 1, 1), ("A", 1, 2), ("B", 1, 1), ("C", 2, 1), ("D", limits::APPROVALS, 0)];
        let expected = expected.map(|(name, approvals, lines)| (name.to_owned(), approvals, lines));
        assert_eq!(sections(file), Ok(expected.to_vec()));
    }

    #[test]
    fn blanks_may_be_tabs_and_nothing_else_that_steers_a_terminal() {
        for (file, lines) in [("/a\t@alice", 1), ("/a \x1b[2J @alice", 0), ("/a\x0b@alice\t@bob", 0)] {
            assert_eq!(sections(file), Ok(vec![(String::new(), 1, lines)]), "{file:?}");
        }
    }

    #[test]
    fn a_file_has_as_many_lines_as_a_policy_has_rules_and_no_more() {
        let lines = |count| sections(&"/a @alice\n".repeat(count));
        assert_eq!(lines(limits::RULES), Ok(vec![(String::new(), 1, limits::RULES)]));
        assert_eq!(lines(limits::RULES + 1), Err(ImportError::TooLarge));
    }
}
