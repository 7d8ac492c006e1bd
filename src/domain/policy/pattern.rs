//! Lists of glob patterns over bytes (docs/spec/semantics.md, 2).
//!
//! `*` and `?` stop at a slash, `**` does not. In a list any entry does; an entry that begins with `!` takes away; a
//! list of only such entries starts from everything.

use super::limits;
use crate::domain::change::RepoPath;
use globset::{Candidate, Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::borrow::Cow;
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
    take: Option<Globs>,
    leave: Globs,
    /// What every name begins with that one of the taking entries can match, for each of them.
    beginnings: Vec<Vec<u8>>,
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
        Self::read(entries, |globs, pattern| globs.add(pattern))
    }

    /// Reads a list for the values of labels: upper and lower case are the same in ASCII, and a slash is a character like others.
    ///
    /// # Errors
    /// As [`Patterns::new`].
    pub fn of_labels(entries: &[String]) -> Result<Self, PatternError> {
        Self::read(entries, |globs, pattern| {
            globs.compiled.push(build(builder(pattern)?.literal_separator(false).case_insensitive(true))?);
            Ok(())
        })
    }

    fn read(
        entries: &[String],
        add: impl Fn(&mut Reading, &str) -> Result<(), PatternError>,
    ) -> Result<Self, PatternError> {
        let (mut take, mut leave) = (Reading::default(), Reading::default());
        let mut takes = entries.is_empty();
        for entry in entries {
            match entry.strip_prefix('!') {
                Some(rest) => add(&mut leave, rest)?,
                None => {
                    takes = true;
                    add(&mut take, entry)?;
                }
            }
        }
        let beginnings = match takes {
            true => entries.iter().filter(|entry| !entry.starts_with('!')).map(|entry| beginning(entry)).collect(),
            false => vec![Vec::new()],
        };
        let take = takes.then(|| take.finish()).transpose()?;
        Ok(Self { written: entries.to_vec(), take, leave: leave.finish()?, beginnings })
    }

    /// Tells whether the list matches any of `paths`, which are sorted.
    ///
    /// A policy has many rules and a push many paths, but few of these lie where a rule looks: only they are held against its patterns.
    /// For lists that were read by [`Patterns::new`].
    pub(super) fn matches_any(&self, paths: &SortedPaths<'_>) -> bool {
        self.beginnings.iter().any(|start| paths.below(start).iter().any(|path| self.matches(path.as_bytes())))
    }

    /// Tells whether the list matches `name`.
    pub fn matches(&self, name: &[u8]) -> bool {
        self.take.as_ref().is_none_or(|globs| globs.match_name(name)) && !self.leave.match_name(name)
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

/// Patterns, any of which may match.
///
/// Those that are a name, or a folder and `**`, need no compiling, which is what takes longest when a policy with many rules is read.
#[derive(Debug, Clone)]
struct Globs {
    names: Vec<Vec<u8>>,
    /// With the slash at their end.
    folders: Vec<Vec<u8>>,
    compiled: GlobSet,
}

impl Globs {
    fn match_name(&self, name: &[u8]) -> bool {
        self.names.iter().any(|whole| whole == name)
            || self.folders.iter().any(|folder| name.starts_with(folder))
            || !self.compiled.is_empty() && self.compiled.is_match(OsStr::from_bytes(name))
    }
}

/// [`Globs`] as they are read.
#[derive(Default)]
struct Reading {
    names: Vec<Vec<u8>>,
    folders: Vec<Vec<u8>>,
    compiled: Vec<Glob>,
}

impl Reading {
    fn add(&mut self, pattern: &str) -> Result<(), PatternError> {
        let glob = glob(pattern)?;
        let start = beginning(pattern);
        match &pattern.as_bytes()[start.len()..] {
            b"" => self.names.push(start),
            b"**" if start.ends_with(b"/") => self.folders.push(start),
            _ => self.compiled.push(glob),
        }
        Ok(())
    }

    fn finish(self) -> Result<Globs, PatternError> {
        let mut set = GlobSetBuilder::new();
        for glob in self.compiled {
            set.add(glob);
        }
        let compiled = set.build().map_err(|e| PatternError::Syntax(e.kind().to_string()))?;
        Ok(Globs { names: self.names, folders: self.folders, compiled })
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

/// Paths, sorted.
pub(super) struct SortedPaths<'p>(Cow<'p, [RepoPath]>);

impl<'p> SortedPaths<'p> {
    /// Takes paths in any order.
    pub(super) fn of(paths: &'p [RepoPath]) -> Self {
        if paths.is_sorted() {
            return Self(Cow::Borrowed(paths));
        }
        let mut sorted = paths.to_vec();
        sorted.sort_unstable();
        Self(Cow::Owned(sorted))
    }

    /// Returns those that begin with `start`.
    fn below(&self, start: &[u8]) -> &[RepoPath] {
        let from = self.0.partition_point(|path| path.as_bytes() < start);
        let rest = &self.0[from..];
        &rest[..rest.partition_point(|path| path.as_bytes().starts_with(start))]
    }
}

/// Returns what stands in a pattern before the first character that means something else than itself.
fn beginning(pattern: &str) -> Vec<u8> {
    pattern.bytes().take_while(|byte| !b"*?[]{}!\\".contains(byte)).collect()
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn what_needs_no_compiling_matches_as_if_it_were_compiled(
            pattern in "[a/]{1,4}(\\*\\*)?",
            name in "[ab/\n]{0,5}",
        ) {
            prop_assume!(Patterns::check(&pattern).is_ok());
            let compiled = glob(&pattern).expect("checked").compile_matcher();
            let expected = compiled.is_match(OsStr::from_bytes(name.as_bytes()));
            prop_assert_eq!(list(&[&pattern]).matches(name.as_bytes()), expected, "{} on {:?}", pattern, name);
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
    fn of_many_paths_the_same_are_found_as_one_by_one() {
        let lists: [&[&str]; 12] = [
            &["db/**"],
            &["db/**/*.sql"],
            &["**/*.sql"],
            &["*"],
            &["db/?.sql", "src/[ab]*"],
            &["{db,src}/*.sql"],
            &["src/\\*"],
            &["db/1.sql"],
            &["db"],
            &["!db/**"],
            &["db/**", "!**/README.md"],
            &[],
        ];
        let all = [
            "db",
            "db/1.sql",
            "db/README.md",
            "db/old/2.sql",
            "db0/1.sql",
            "dc",
            "src/*",
            "src/a",
            "src/b.sql",
            "\u{ff}",
        ];
        for entries in lists {
            let patterns = list(entries);
            // Every part of the paths, in an order that is not theirs.
            for part in 0_u32..1 << all.len() {
                let picked = (0..all.len()).rev().filter(|place| part & (1 << place) != 0).map(|place| all[place]);
                let paths: Vec<RepoPath> = picked.map(|path| RepoPath::new(path.as_bytes())).collect();
                let one_by_one = paths.iter().any(|path| patterns.matches(path.as_bytes()));
                assert_eq!(patterns.matches_any(&SortedPaths::of(&paths)), one_by_one, "{entries:?} on {paths:?}");
            }
        }
    }

    #[test]
    fn broken_patterns_are_refused() {
        let deep = format!("{}a{}", "{".repeat(100_000), "}".repeat(100_000));
        for bad in ["", "!", "a[", "a{b", "a**b", "src/**.rs", &deep] {
            assert!(Patterns::check(bad).is_err(), "{bad}");
        }
    }
}
