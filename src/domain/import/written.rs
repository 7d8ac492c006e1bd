//! The policy that is being written, as TOML.

use super::ImportError;
use super::people::People;
use crate::domain::policy::limits;
use crate::domain::text::{hostile, safe};
use std::collections::BTreeSet;

/// How long a list may be to stand on one line.
const WIDTH: usize = 100;
/// How much of a line that is not carried over is shown, in characters.
const SHOWN: usize = 200;

/// A rule with its keys as TOML.
#[derive(Debug)]
pub(super) struct RuleText {
    /// Where it comes from.
    pub(super) comment: String,
    /// Its name, unique among rules.
    pub(super) name: String,
    /// The other keys with their values, which are TOML.
    pub(super) keys: Vec<(&'static str, String)>,
}

/// Everything that is written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// What the reader should know first, a line each.
    pub(super) head: Vec<String>,
    /// Who is in it.
    pub(super) people: People,
    rules: String,
    rule_count: usize,
    left: String,
}

impl Written {
    /// Adds a rule.
    pub(super) fn rule(&mut self, rule: &RuleText) -> Result<(), ImportError> {
        let keys: String = rule.keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let comment = comment(&rule.comment);
        self.rules += &format!("\n{comment}[[rule]]\nname = {}\n{keys}", quoted(&rule.name));
        self.rule_count += 1;
        self.check_size()
    }

    /// Notes a line that a policy cannot say, or not wholly, and why.
    pub(super) fn leave(&mut self, line: usize, why: &str, text: &[u8]) -> Result<(), ImportError> {
        let shown: String = safe(text).chars().take(SHOWN).collect();
        self.left += &comment(&format!("line {line}, {why}: {shown}"));
        self.check_size()
    }

    fn check_size(&self) -> Result<(), ImportError> {
        let fits = self.rules.len() + self.left.len() <= limits::FILE_BYTES && self.rule_count <= limits::RULES;
        if fits { Ok(()) } else { Err(ImportError::TooLarge) }
    }

    /// Returns the file.
    pub(super) fn finish(self) -> Result<String, ImportError> {
        let mut text: String = self.head.iter().map(|line| comment(line)).collect();
        text += "version = 1\ndefault = \"allow\"\n";
        text += &self.people.toml();
        text += &self.rules;
        if !self.left.is_empty() {
            text += "\n# Not carried over, or not wholly:\n";
            text += &self.left;
        }
        if text.len() <= limits::FILE_BYTES { Ok(text) } else { Err(ImportError::TooLarge) }
    }
}

/// Writes a line that is a comment.
pub(super) fn comment(text: &str) -> String {
    format!("# {}\n", safe(text.as_bytes()))
}

/// Writes a basic string; what could steer a terminal is escaped as well.
pub(super) fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            _ if hostile(c) => written += &format!("\\U{:08X}", u32::from(c)),
            _ => written.push(c),
        }
    }
    written + "\""
}

/// Writes a name as a part of a table's header.
pub(super) fn key(name: &str) -> String {
    if name.contains('.') { quoted(name) } else { name.to_owned() }
}

/// Writes a list of strings.
pub(super) fn list<T: AsRef<str>>(entries: &[T]) -> String {
    let written: Vec<String> = entries.iter().map(|entry| quoted(entry.as_ref())).collect();
    let line = format!("[{}]", written.join(", "));
    if line.chars().count() <= WIDTH { line } else { format!("[\n    {},\n]", written.join(",\n    ")) }
}

/// Makes `require` of one role.
pub(super) fn require(role: &str, approvals: usize) -> (&'static str, String) {
    ("require", format!("[{{ role = {}, approvals = {approvals} }}]", quoted(role)))
}

/// Names of one kind: each is given once.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Makes a name that resembles `wish` and that nothing has yet.
    pub(super) fn take(&mut self, wish: &str) -> String {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let mut base = String::new();
        for c in wish.to_ascii_lowercase().chars().take(80) {
            let fits = plain(c) || (".-_".contains(c) && !base.is_empty());
            match (fits, base.ends_with('-')) {
                (true, _) => base.push(c),
                (false, false) if !base.is_empty() => base.push('-'),
                (false, _) => {}
            }
        }
        let base = match base.trim_end_matches(['-', '.', '_']) {
            "" => "unnamed",
            base => base,
        };
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let free = std::iter::once(base.to_owned()).chain(numbered).find(|name| !self.0.contains(name));
        let name = free.expect("there are more numbers than names");
        self.0.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_alphabet_and_differ() {
        let mut names = Names::default();
        let cases = [
            ("Alice", "alice"),
            ("@alice", "alice-2"),
            ("@Org/Team One", "org-team-one"),
            ("..", "unnamed"),
            ("\u{e9}\u{202e}", "unnamed-2"),
            ("a.b_c-", "a.b_c"),
        ];
        for (wish, expected) in cases {
            assert_eq!(names.take(wish), expected, "{wish}");
            assert!(crate::domain::name::RuleName::new(expected).is_ok());
        }
        assert!(crate::domain::name::RoleName::new(&names.take(&"x".repeat(500))).is_ok());
    }

    fn rule() -> RuleText {
        RuleText { comment: "x".to_owned(), name: "main".to_owned(), keys: Vec::new() }
    }

    #[test]
    fn a_policy_has_as_many_rules_as_one_that_loads_and_no_more() {
        let mut written = Written::default();
        for _ in 0..limits::RULES {
            assert_eq!(written.rule(&rule()), Ok(()));
        }
        assert_eq!(written.rule(&rule()), Err(ImportError::TooLarge));
    }

    #[test]
    fn rules_and_what_is_left_share_the_size_of_a_file() {
        let mut written = Written::default();
        assert_eq!(written.rule(&rule()), Ok(()));
        let fit = (0..limits::RULES).take_while(|_| written.leave(1, "too long", &[b'a'; 200]).is_ok()).count();
        let line = comment(&format!("line 1, too long: {}", "a".repeat(SHOWN))).len();
        assert_eq!(fit, (limits::FILE_BYTES - written.rules.len()) / line);
    }

    #[test]
    fn no_text_leaves_its_string_or_comment() {
        let hostile = "a\"\\\n[[rule]]\u{202e}\r\u{7f}\0 # \u{2028}";
        let text = format!("{}x = {}\n", comment(hostile), list(&[hostile]));
        assert_eq!(text.lines().count(), 2, "{text}");
        let read: toml::Table = text.parse().expect("TOML");
        assert_eq!(read["x"][0].as_str(), Some(hostile));
    }
}
