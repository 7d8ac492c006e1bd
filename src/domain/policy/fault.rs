//! What is wrong or doubtful in a policy, and where: everything in every file, found in one reading (docs/spec/policy.md).
//!
//! Places are byte ranges of the files as they were given, so that a report can underline them. How faults look on a
//! terminal, and what to do about them, is said elsewhere.

use super::{FaultKind, Warning};
use std::fmt;
use std::ops::Range;

/// One file of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// The name by which reports and log entries call it: a bare file name.
    pub name: String,
    /// What it holds; need not be UTF-8, which is then a fault.
    pub text: Vec<u8>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Index into [`Faults::files`].
    pub file: usize,
    /// Bytes of that file; may be empty, never ends beyond the file.
    pub span: Range<usize>,
}

impl Place {
    /// Orders places by file, then by position.
    fn rank(&self) -> (usize, usize, usize) {
        (self.file, self.span.start, self.span.end)
    }
}

/// One thing that is wrong, or, with a [`Warning`], one that is doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault<K = FaultKind> {
    /// Where; `None` if no single place is to blame.
    pub place: Option<Place>,
    /// What.
    pub what: K,
    /// Other places that belong to it.
    pub notes: Vec<Note>,
}

/// Another place that explains a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What stands there.
    pub remark: Remark,
}

/// What a [`Note`] says of its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The first of two definitions.
    FirstDefined,
    /// The first of two equal entries.
    FirstGiven,
    /// The first principal who claims a key, an address or a login.
    GivenTo(String),
    /// The other of two keys that exclude each other.
    OtherKey(&'static str),
    /// The definition of the role or environment that the fault is about.
    DefinedHere(String),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstDefined => f.write_str("first defined here"),
            Self::FirstGiven => f.write_str("first given here"),
            Self::GivenTo(principal) => write!(f, "first given here, to `{principal}`"),
            Self::OtherKey(key) => write!(f, "`{key}` is given here"),
            Self::DefinedHere(name) => write!(f, "`{name}` is defined here"),
        }
    }
}

/// Everything that is wrong with a policy: at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults<K = FaultKind> {
    files: Vec<PolicyFile>,
    list: Vec<Fault<K>>,
}

/// Everything that is doubtful in a policy that loads; may be nothing.
pub type Warnings = Faults<Warning>;

impl<K: fmt::Display> Faults<K> {
    /// Takes the files in the order to which places refer, and sorts the faults by file and position; those without a
    /// place come first.
    pub(super) fn new(files: Vec<PolicyFile>, mut list: Vec<Fault<K>>) -> Self {
        for fault in &mut list {
            let notes = fault.notes.iter_mut().map(|note| &mut note.place);
            for place in fault.place.iter_mut().chain(notes) {
                let end = files.get(place.file).map_or(0, |file| file.text.len());
                place.span.end = place.span.end.min(end);
                place.span.start = place.span.start.min(place.span.end);
            }
        }
        list.sort_by_cached_key(|fault| (fault.place.as_ref().map(Place::rank), fault.what.to_string()));
        Self { files, list }
    }

    /// Returns the files, sorted by name.
    pub fn files(&self) -> &[PolicyFile] {
        &self.files
    }

    /// Returns the faults by file and position, those without a place first.
    pub fn list(&self) -> &[Fault<K>] {
        &self.list
    }

    /// Returns the name of the file of `place`.
    pub fn file_name(&self, place: &Place) -> &str {
        self.files.get(place.file).map_or("", |file| &file.name)
    }

    /// Returns the bytes at `place`.
    pub fn underlined(&self, place: &Place) -> &[u8] {
        self.files.get(place.file).and_then(|file| file.text.get(place.span.clone())).unwrap_or_default()
    }

    /// Returns line and column of the start of `place`, both from 1; columns count characters.
    pub fn line_and_column(&self, place: &Place) -> (usize, usize) {
        let before = self.files.get(place.file).and_then(|file| file.text.get(..place.span.start)).unwrap_or_default();
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        (line, 1 + String::from_utf8_lossy(&before[line_start..]).chars().count())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list.len() {
            1 => f.write_str("the policy has 1 fault"),
            count => write!(f, "the policy has {count} faults"),
        }
    }
}

impl std::error::Error for Faults {}

impl fmt::Display for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list.len() {
            1 => f.write_str("1 warning"),
            count => write!(f, "{count} warnings"),
        }
    }
}

/// Collects faults while files are read and checked.
#[derive(Debug, Default)]
pub(super) struct Sink {
    pub(super) list: Vec<Fault>,
    guesses: usize,
}

/// How often [`Sink::similar`] looks for a name that was meant. Comparing each of many unknown names with each of
/// many known ones could take minutes; nobody reads the thousandth guess.
const GUESSES: usize = 100;

impl Sink {
    /// Notes a fault at `place`.
    pub(super) fn push(&mut self, place: &Place, what: FaultKind) {
        self.push_with(place, what, Vec::new());
    }

    /// Notes a fault at `place` that other places explain.
    pub(super) fn push_with(&mut self, place: &Place, what: FaultKind, notes: Vec<Note>) {
        self.list.push(Fault { place: Some(place.clone()), what, notes });
    }

    /// Notes a fault of the policy as a whole.
    pub(super) fn push_whole(&mut self, what: FaultKind) {
        self.list.push(Fault { place: None, what, notes: Vec::new() });
    }

    /// Returns the known name that `written` was probably meant to be: the nearest within a third of its length.
    pub(super) fn similar<'k>(&mut self, written: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
        if self.guesses == GUESSES || written.len() > 100 {
            return None;
        }
        self.guesses += 1;
        let far = (written.chars().count() / 3).max(1);
        let near = known.filter(|name| name.len().abs_diff(written.len()) <= far).take(1_000);
        let ranked = near.map(|name| (distance(written, name), name));
        ranked.filter(|(steps, _)| *steps <= far).min().map(|(_, name)| name.to_owned())
    }
}

/// Counts the characters to insert, remove, replace or swap with a neighbour between `a` and `b` (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_guessed_and_a_far_one_is_not() {
        let known = ["paths", "pushers", "actions", "any_of", "tags", "ttl"];
        let cases = [
            ("path", Some("paths")),
            ("pahts", Some("paths")),
            ("anyof", Some("any_of")),
            ("tag", Some("tags")),
            ("tlt", Some("ttl")),
            ("approvers", None),
            ("x", None),
            ("", None),
        ];
        for (written, expected) in cases {
            let guess = Sink::default().similar(written, known.into_iter());
            assert_eq!(guess.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn the_distance_counts_inserted_removed_replaced_and_swapped_characters() {
        let cases = [
            ("", "", 0),
            ("", "abc", 3),
            ("paths", "paths", 0),
            ("paths", "path", 1),
            ("paths", "pathos", 1),
            ("paths", "pat\u{e9}s", 1),
            ("paths", "pahts", 1),
            ("paths", "apths", 1),
            ("ab", "ba", 1),
            ("abcd", "badc", 2),
            ("abc", "ca", 3),
            ("abab", "baba", 2),
            ("aab", "baa", 2),
            ("sitting", "kitten", 3),
            ("xaby", "xbaz", 2),
        ];
        for (a, b, steps) in cases {
            assert_eq!((distance(a, b), distance(b, a)), (steps, steps), "{a} {b}");
        }
    }

    #[test]
    fn what_is_written_at_too_great_length_is_not_guessed() {
        for (length, guessed) in [(99, true), (100, true), (101, false), (102, false)] {
            let (written, known) = ("a".repeat(length), "a".repeat(length - 1));
            assert_eq!(Sink::default().similar(&written, [&*known].into_iter()).is_some(), guessed, "{length}");
        }
    }

    #[test]
    fn a_hundred_guesses_are_made_and_no_more() {
        let mut sink = Sink::default();
        let guesses = (0..150).filter(|_| sink.similar("path", ["paths"].into_iter()).is_some()).count();
        assert_eq!(guesses, GUESSES);
    }
}
