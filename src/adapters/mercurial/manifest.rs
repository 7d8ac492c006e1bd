//! Manifests: at which paths two of them differ, from the lines in which they do.
//!
//! A manifest is one line for each path, `PATH NUL NODE FLAG newline`, sorted by path. It can have megabytes, while a changeset touches a few lines; so
//! the hook's script passes on pieces of whole lines, each with a line around it that stays. The lines come from the pusher's client: a path that
//! stands twice, or out of order, would be found by one reader and missed by another, so each piece is checked with its neighbours.

use super::MercurialError;
use super::wire::Fields;
use std::cmp::Ordering;

/// 40 hex digits.
const DIGITS: usize = 40;

/// What stands at a path: 40 hex digits of the file's revision, and a flag (`x`, `l`, or 0 for none).
pub(super) type Entry = [u8; DIGITS + 1];

/// A path at which two manifests differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The path.
    pub(super) path: Vec<u8>,
    /// What stood there.
    pub(super) old: Option<Entry>,
    /// What stands there now.
    pub(super) new: Option<Entry>,
}

/// Why the lines of a manifest cannot be relied on.
#[derive(Debug)]
pub(super) enum BadLines {
    /// The script did not write fields.
    Record(MercurialError),
    /// What is wrong with the changeset's manifest.
    Manifest(&'static str),
}

/// Reads pieces of lines, each before and after, and returns the paths at which they differ, sorted.
///
/// # Errors
/// [`BadLines`].
pub(super) fn changes(pieces: &[u8]) -> Result<Vec<Change>, BadLines> {
    let mut fields = Fields::of(pieces);
    let mut changes = Vec::new();
    let [mut last_old, mut last_new] = [None; 2];
    while !fields.is_empty() {
        let [old, new] = [fields.field(), fields.field()].map(|field| field.map_err(BadLines::Record));
        let (old, new) = (old?, new?);
        last_old = check(last_old, old).map_err(BadLines::Manifest)?;
        last_new = check(last_new, new).map_err(BadLines::Manifest)?;
        compare(old, new, &mut changes);
    }
    Ok(changes)
}

/// Reads the line of `path`, or nothing where there is none.
///
/// # Errors
/// What is wrong with it.
pub(super) fn entry(path: &[u8], whole: &[u8]) -> Result<Option<Entry>, &'static str> {
    if whole.is_empty() {
        return Ok(None);
    }
    let (found, entry) = line(whole).ok_or("its manifest has a malformed line")?;
    if found == path { Ok(Some(entry)) } else { Err("its manifest has another path there") }
}

/// Splits a line with its newline into path and entry.
fn line(whole: &[u8]) -> Option<(&[u8], Entry)> {
    let line = whole.strip_suffix(b"\n")?;
    let end = line.iter().position(|byte| *byte == 0)?;
    let (path, rest) = (&line[..end], &line[end + 1..]);
    let (digits, flag) = rest.split_at_checked(DIGITS)?;
    let hex = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let flag = match flag {
        b"" => 0,
        [flag @ (b'x' | b'l')] => *flag,
        _ => return None,
    };
    if path.is_empty() || !hex {
        return None;
    }
    let mut entry = [flag; DIGITS + 1];
    entry[..DIGITS].copy_from_slice(digits);
    Some((path, entry))
}

/// Tells whether a path is written as patterns expect it. Clients write `./src/a` to `src/a`.
fn is_plain(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Checks lines that stand somewhere after the path `last`, and returns the last path.
fn check<'t>(mut last: Option<&'t [u8]>, text: &'t [u8]) -> Result<Option<&'t [u8]>, &'static str> {
    for whole in lines(text) {
        let (path, _) = line(whole).filter(|(path, _)| is_plain(path)).ok_or("its manifest has a malformed line")?;
        if last.is_some_and(|last| last >= path) {
            return Err("its manifest is not in order");
        }
        last = Some(path);
    }
    Ok(last)
}

/// Adds the paths at which two pieces of whole, checked lines differ.
fn compare(old: &[u8], new: &[u8], changes: &mut Vec<Change>) {
    let split = |text| lines(text).filter_map(line);
    let (mut olds, mut news) = (split(old).peekable(), split(new).peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (Some((one, _)), Some((two, _))) => one.cmp(two),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let removed = if order.is_le() { olds.next() } else { None };
        let placed = if order.is_ge() { news.next() } else { None };
        let (entry_of, path_of) = (|side: Option<(&[u8], Entry)>| side.map(|(_, entry)| entry), removed.or(placed));
        let (was, is) = (entry_of(removed), entry_of(placed));
        if let Some((path, _)) = path_of
            && was != is
        {
            changes.push(Change { path: path.to_vec(), old: was, new: is });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Paths<'a> = &'a [(&'a str, u8)];

    fn text(paths: Paths<'_>) -> String {
        paths.iter().map(|(path, digit)| format!("{path}\0{}\n", char::from(*digit).to_string().repeat(40))).collect()
    }

    fn record(pieces: &[(&str, &str)]) -> Vec<u8> {
        let field = |text: &str| [&u32::try_from(text.len()).expect("short").to_be_bytes(), text.as_bytes()].concat();
        pieces.iter().flat_map(|(old, new)| [field(old), field(new)].concat()).collect()
    }

    #[test]
    fn a_manifest_that_two_readers_could_read_differently_is_refused() {
        let node = "1".repeat(40);
        let odd_lines = [
            format!("b\0{node}\na\0{node}\n"),
            format!("a\0{node}\na\0{node}\n"),
            format!("a\0{node}"),
            format!("a\0{node}y\n"),
            format!("a\0{node}t\n"),
            format!("a\0{node}xl\n"),
            format!("a\0{}\n", &node[1..]),
            format!("a\0{}\n", node.replace('1', "A")),
            "a\n".to_owned(),
        ];
        let odd_paths = ["", "\n", "./a", "/a", "a/", "a//b", "a/../b", "a/./b"];
        for bad in odd_lines.into_iter().chain(odd_paths.map(|path| format!("{path}\0{node}\n"))) {
            for pieces in [[("", bad.as_str())], [(bad.as_str(), "")]] {
                assert!(matches!(changes(&record(&pieces)), Err(BadLines::Manifest(_))), "{pieces:?}");
            }
        }
        let good = format!("a\0{node}x\nb\0{node}l\n");
        assert_eq!(changes(&record(&[("", &good)])).expect("well formed").len(), 2);
        assert_eq!(changes(b"").expect("well formed"), []);
    }

    #[test]
    fn pieces_follow_each_other_in_both_manifests() {
        let [a, b, c] = [("a", b'1'), ("b", b'1'), ("c", b'1')].map(|line| text(&[line]));
        let cases = [
            (vec![(&*b, ""), (&*a, "")], "old"),
            (vec![("", &*c), (&*b, &*b)], "new"),
            (vec![("", &*a), ("", &*a)], "twice"),
        ];
        for (pieces, what) in cases {
            assert!(matches!(changes(&record(&pieces)), Err(BadLines::Manifest(_))), "{what}");
        }
        assert_eq!(changes(&record(&[(&a, ""), (&b, &b), ("", &c)])).expect("in order").len(), 2);
    }

    #[test]
    fn a_record_that_is_cut_off_is_refused() {
        let whole = record(&[("", &text(&[("a", b'1')]))]);
        for length in 1..whole.len() {
            assert!(matches!(changes(&whole[..length]), Err(BadLines::Record(_))), "{length}");
        }
    }

    #[test]
    fn the_line_of_a_path_is_that_of_no_other() {
        let whole = text(&[("a", b'1')]);
        assert_eq!(entry(b"a", whole.as_bytes()).expect("well formed").map(|entry| entry[0]), Some(b'1'));
        assert_eq!(entry(b"a", b""), Ok(None));
        for (path, line) in [("b", &*whole), ("a", &whole[..whole.len() - 1]), ("a", "\n")] {
            assert!(entry(path.as_bytes(), line.as_bytes()).is_err(), "{path} {line:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_tell_each_path_at_which_two_manifests_differ(
            old in proptest::collection::btree_map("[a-c]{1,3}", b'1'..b'4', 0..12),
            new in proptest::collection::btree_map("[a-c]{1,3}", b'1'..b'4', 0..12),
            cut in "[a-c]{1,3}",
        ) {
            let write = |all: &BTreeMap<String, u8>, low: bool| {
                let part = all.iter().filter(|(path, _)| (**path < cut) == low);
                text(&part.map(|(path, digit)| (path.as_str(), *digit)).collect::<Vec<_>>())
            };
            let [low, high] = [true, false].map(|low| (write(&old, low), write(&new, low)));
            let found = changes(&record(&[(&low.0, &low.1), (&high.0, &high.1)])).expect("well formed");
            let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let differ: Vec<&String> = paths.into_iter().filter(|path| old.get(*path) != new.get(*path)).collect();
            let named: Vec<String> = found.iter().map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect();
            prop_assert_eq!(named.iter().collect::<Vec<_>>(), differ);
            for change in found {
                let path = String::from_utf8_lossy(&change.path).into_owned();
                prop_assert_eq!(change.old.map(|entry| entry[0]), old.get(&path).copied());
                prop_assert_eq!(change.new.map(|entry| entry[0]), new.get(&path).copied());
            }
        }
    }
}
