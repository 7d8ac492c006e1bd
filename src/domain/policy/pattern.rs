//! Lists of glob patterns over bytes (docs/spec/semantics.md, 2).
//!
//! `*` and `?` stop at a slash, `**` does not. In a list any entry does; an entry that begins with `!` takes away; a
//! list of only such entries starts from everything.

use super::limits;
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
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

    /// Reads a list; an empty list matches nothing.
    ///
    /// # Errors
    /// The first entry that [`Patterns::check`] refuses.
    pub fn new(entries: &[String]) -> Result<Self, PatternError> {
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
        let build = |set: GlobSetBuilder| set.build().map_err(|e| PatternError::Syntax(e.kind().to_string()));
        Ok(Self { written: entries.to_vec(), take: takes.then(|| build(take)).transpose()?, leave: build(leave)? })
    }

    /// Tells whether the list matches `name`.
    pub fn matches(&self, name: &[u8]) -> bool {
        let candidate = Candidate::new(OsStr::from_bytes(name));
        self.take.as_ref().is_none_or(|set| set.is_match_candidate(&candidate))
            && !self.leave.is_match_candidate(&candidate)
    }

    /// Returns the entries as they were written.
    pub fn written(&self) -> &[String] {
        &self.written
    }
}

fn glob(pattern: &str) -> Result<globset::Glob, PatternError> {
    if pattern.is_empty() {
        return Err(PatternError::Empty);
    }
    if pattern.len() > limits::PATTERN_BYTES {
        return Err(PatternError::TooLong);
    }
    if pattern.split('/').any(|part| part.contains("**") && part != "**") {
        return Err(PatternError::DoubleStar);
    }
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map_err(|e| PatternError::Syntax(e.kind().to_string()))
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
