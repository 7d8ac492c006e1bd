//! Lists of glob patterns over bytes (docs/spec/semantics.md, 2).
//!
//! `*` and `?` stop at a slash, `**` does not. In a list any entry does; an entry that begins with `!` takes away; a
//! list of only such entries starts from everything.

use super::limits;
use globset::{Candidate, Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing stands there, or only `!`.
    #[error("a pattern cannot be empty")]
    Empty,
    /// More than [`limits::PATTERN_BYTES`] bytes. Braces nest, and each level costs stack when the pattern is compiled.
    #[error("a pattern has at most {} bytes", limits::PATTERN_BYTES)]
    TooLong,
    /// `**` beside other characters: it would not mean what it seems to.
    #[error("`**` must stand alone between slashes")]
    DoubleStar,
    /// The syntax of globs is broken.
    #[error("{0}")]
    Syntax(String),
}

/// A checked list of patterns.
#[derive(Debug, Clone)]
pub struct Patterns {
    written: Vec<String>,
    take: Option<GlobSet>,
    leave: GlobSet,
}

impl Patterns {
    /// Checks one entry as it stands in a policy, with or without `!` in front.
    ///
    /// # Errors
    /// [`PatternError`] says what is wrong.
    pub fn check(entry: &str) -> Result<(), PatternError> {
        glob(entry.strip_prefix('!').unwrap_or(entry)).map(drop)
    }

    /// Reads a list for names and paths; an empty list matches nothing.
    ///
    /// # Errors
    /// The first entry that [`Patterns::check`] refuses.
    pub fn new(entries: &[String]) -> Result<Self, PatternError> {
        Self::read(entries, glob)
    }

    /// Reads a list for the values of labels: upper and lower case are the same in ASCII, and a slash is a character like others.
    ///
    /// # Errors
    /// As [`Patterns::new`].
    pub fn of_labels(entries: &[String]) -> Result<Self, PatternError> {
        Self::read(entries, |pattern| build(builder(pattern)?.literal_separator(false).case_insensitive(true)))
    }

    fn read(entries: &[String], glob: impl Fn(&str) -> Result<Glob, PatternError>) -> Result<Self, PatternError> {
        let mut take = GlobSetBuilder::new();
        let mut leave = GlobSetBuilder::new();
        let mut takes = entries.is_empty();
        for entry in entries {
            match entry.strip_prefix('!') {
                Some(rest) => leave.add(glob(rest)?),
                None => {
                    takes = true;
                    take.add(glob(entry)?)
                }
            };
        }
        let built = |set: GlobSetBuilder| set.build().map_err(|e| PatternError::Syntax(e.kind().to_string()));
        Ok(Self { written: entries.to_vec(), take: takes.then(|| built(take)).transpose()?, leave: built(leave)? })
    }

    /// Tells whether the list matches `name`.
    pub fn matches(&self, name: &[u8]) -> bool {
        let candidate = Candidate::new(OsStr::from_bytes(name));
        self.take.as_ref().is_none_or(|set| set.is_match_candidate(&candidate))
            && !self.leave.is_match_candidate(&candidate)
    }

    /// Tells whether the list takes everything but what it names.
    pub fn starts_from_all(&self) -> bool {
        self.take.is_none()
    }

    /// Returns the entries as they were written.
    pub fn written(&self) -> &[String] {
        &self.written
    }
}

/// Tells of each of `patterns`, which are well-formed, whether it matches one of `names`.
pub(super) fn which_match(patterns: &[&str], names: &[&[u8]]) -> Vec<bool> {
    let mut set = GlobSetBuilder::new();
    for glob in patterns.iter().filter_map(|pattern| glob(pattern).ok()) {
        set.add(glob);
    }
    let mut matches = vec![false; patterns.len()];
    let Ok(set) = set.build() else { return matches };
    let mut found = Vec::new();
    for name in names {
        set.matches_candidate_into(&Candidate::new(OsStr::from_bytes(name)), &mut found);
        found.iter().for_each(|at| matches[*at] = true);
    }
    matches
}

fn glob(pattern: &str) -> Result<Glob, PatternError> {
    build(&builder(pattern)?)
}

fn build(builder: &GlobBuilder<'_>) -> Result<Glob, PatternError> {
    builder.build().map_err(|e| PatternError::Syntax(e.kind().to_string()))
}

fn builder(pattern: &str) -> Result<GlobBuilder<'_>, PatternError> {
    if pattern.is_empty() {
        return Err(PatternError::Empty);
    }
    if pattern.len() > limits::PATTERN_BYTES {
        return Err(PatternError::TooLong);
    }
    if pattern.split('/').any(|part| part.contains("**") && part != "**") {
        return Err(PatternError::DoubleStar);
    }
    let mut builder = GlobBuilder::new(pattern);
    builder.literal_separator(true).backslash_escape(true);
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Patterns {
        let owned: Vec<String> = entries.iter().map(|e| (*e).to_owned()).collect();
        Patterns::new(&owned).expect("patterns")
    }

    #[test]
    fn stars_stop_at_slashes_and_double_stars_do_not() {
        let cases: [(&[&str], &str, bool); 16] = [
            (&["main"], "main", true),
            (&["main"], "mainline", false),
            (&["release/*"], "release/1", true),
            (&["release/*"], "release/1/hotfix", false),
            (&["release/**"], "release/1/hotfix", true),
            (&["release/**"], "release", false),
            (&["**/*.sql"], "a/b/c.sql", true),
            (&["**/*.sql"], "c.sql", true),
            (&["*.sql"], "a/c.sql", false),
            (&["db/**", "!**/README.md"], "db/x/README.md", false),
            (&["db/**", "!**/README.md"], "db/x/1.sql", true),
            (&["!docs/**"], "src/a", true),
            (&["!docs/**"], "docs/a", false),
            (&["!docs/**", "docs/x"], "docs/x", false),
            (&[], "main", false),
            (&["v?"], "v/", false),
        ];
        for (entries, name, expected) in cases {
            assert_eq!(list(entries).matches(name.as_bytes()), expected, "{entries:?} on {name}");
        }
    }

    #[test]
    fn values_of_labels_have_no_case_and_no_parts() {
        let cases: [(&[&str], &str, bool); 8] = [
            (&["critical"], "Critical", true),
            (&["CRITICAL"], "critical", true),
            (&["critical"], "critical bug", false),
            (&["*"], "n/a", true),
            (&["*"], "", true),
            (&["chg-[0-9]*"], "CHG-4711", true),
            (&["!critical"], "CRITICAL", false),
            (&["\u{e9}"], "\u{c9}", false),
        ];
        for (entries, value, expected) in cases {
            let owned: Vec<String> = entries.iter().map(|e| (*e).to_owned()).collect();
            let found = Patterns::of_labels(&owned).expect("patterns").matches(value.as_bytes());
            assert_eq!(found, expected, "{entries:?} on {value}");
        }
        assert!(Patterns::of_labels(&["*".to_owned()]).is_ok_and(|list| list.matches(b"\xff/\n")));
    }

    #[test]
    fn patterns_match_bytes() {
        assert!(list(&["src/*"]).matches(b"src/caf\xe9"));
        assert!(list(&["src/*"]).matches(b"src/tab\tand\nnewline\"quote"));
        assert!(list(&["src/?"]).matches(b"src/\xff"));
        assert!(list(&["**"]).matches(b"\xff/\xfe"));
    }

    #[test]
    fn broken_patterns_are_refused() {
        let deep = format!("{}a{}", "{".repeat(100_000), "}".repeat(100_000));
        for bad in ["", "!", "a[", "a{b", "a**b", "src/**.rs", &deep] {
            assert!(Patterns::check(bad).is_err(), "{bad}");
        }
    }
}
