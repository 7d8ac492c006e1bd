//! Manifests: every path of a changeset with what stands there, and how one manifest becomes another.
//!
//! A manifest is one line for each path, `PATH NUL NODE FLAG newline`, sorted by path. It can have megabytes, while a changeset touches a few lines;
//! so only the first is read whole, and the next ones are made from it by patches. Patches come from the pusher's client and
//! may cut lines anywhere, or repeat what is there. Hence each hunk is widened to whole lines on both sides before
//! it is compared, and the lines that it brings are checked like those of a whole manifest, together with their neighbours: a
//! path that stands twice, or out of order, would be found by one reader and missed by another.

use std::cmp::Ordering;

/// The longest manifest, in bytes.
pub const LONGEST_MANIFEST: usize = 256 * 1024 * 1024;
/// 40 hex digits.
const DIGITS: usize = 40;

/// What stands at a path: 40 hex digits of the file's revision, and a flag (`x`, `l`, or 0 for none).
pub(super) type Entry = [u8; DIGITS + 1];

/// A manifest whose lines were checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Manifest {
    text: Vec<u8>,
}

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

impl Manifest {
    /// Reads a whole manifest.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: Vec<u8>) -> Result<Self, &'static str> {
        if text.len() > LONGEST_MANIFEST {
            return Err("its manifest is too long");
        }
        check_lines(None, &text, None)?;
        Ok(Self { text })
    }

    /// Returns its length in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Returns what stands at `path`.
    pub(super) fn find(&self, path: &[u8]) -> Option<Entry> {
        let (mut low, mut high) = (0, self.text.len());
        while low < high {
            let start = line_start(&self.text, low + (high - low) / 2);
            let end = line_end(&self.text, start);
            let (found, entry) = line(&self.text[start..end]).expect("every line was checked");
            match found.cmp(path) {
                Ordering::Equal => return Some(entry),
                Ordering::Less => low = end,
                Ordering::Greater => high = start,
            }
        }
        None
    }

    /// Returns every path with what stands there, as if nothing had stood there before.
    pub(super) fn all(&self) -> Vec<Change> {
        let lines = self.text.split_inclusive(|byte| *byte == b'\n');
        lines.map(|whole| line(whole).expect("every line was checked")).map(added).collect()
    }

    /// Applies a patch in Mercurial's form: hunks of start, end, length (four bytes each) and new bytes.
    ///
    /// Returns the new manifest and the paths at which it differs, sorted.
    ///
    /// # Errors
    /// What is wrong with the patch or with what it makes.
    pub(super) fn patched(&self, patch: &[u8]) -> Result<(Self, Vec<Change>), &'static str> {
        let base = &self.text;
        let mut text = Vec::with_capacity(base.len() + patch.len());
        let mut changes = Vec::new();
        let mut done = 0;
        let mut hunks = hunks(base.len(), patch).peekable();
        while let Some(first) = hunks.next() {
            let first = first?;
            // Whole lines of the base that this hunk, and the next ones that reach into the same lines, change.
            let old_start = line_start(base, first.start);
            text.extend_from_slice(&base[done..old_start]);
            let new_start = text.len();
            text.extend_from_slice(&base[old_start..first.start]);
            text.extend_from_slice(first.bytes);
            let mut reached = first.end;
            let old_end = loop {
                let torn = text.len() > new_start && text.last() != Some(&b'\n');
                let end = if torn { line_end(base, reached) } else { line_start_or(base, reached) };
                match hunks.peek() {
                    Some(Ok(next)) if next.start < end => {
                        text.extend_from_slice(&base[reached..next.start]);
                        text.extend_from_slice(next.bytes);
                        reached = next.end;
                        hunks.next();
                    }
                    _ => break end,
                }
            };
            text.extend_from_slice(&base[reached..old_end]);
            if text.len() > LONGEST_MANIFEST {
                return Err("its manifest is too long");
            }
            let before = (new_start > 0).then(|| &text[line_start(&text, new_start - 1)..new_start]);
            // The line that follows, unless the next hunk reaches into it: that one is then compared with what precedes it.
            let follows = line_end(base, old_end);
            let untouched = !matches!(hunks.peek(), Some(Ok(next)) if next.start < follows);
            let after = (untouched && old_end < follows).then(|| &base[old_end..follows]);
            check_lines(before, &text[new_start..], after)?;
            compare(&base[old_start..old_end], &text[new_start..], &mut changes);
            done = old_end;
        }
        text.extend_from_slice(&base[done..]);
        join(&mut changes);
        Ok((Self { text }, changes))
    }
}

/// Sorts the changes and makes one of those at the same path.
///
/// Hunks need not follow the lines: one may take a path's line away and the next, beyond another line, bring it back. Either alone
/// would be a false report. Each path stands at most once in either manifest, so at most one of them knows what was, and
/// at most one what is.
fn join(changes: &mut Vec<Change>) {
    changes.sort_by(|one, two| one.path.cmp(&two.path));
    changes.dedup_by(|later, kept| {
        let same = later.path == kept.path;
        if same {
            kept.old = kept.old.or(later.old);
            kept.new = kept.new.or(later.new);
        }
        same
    });
    changes.retain(|change| change.old != change.new);
}

struct Hunk<'p> {
    start: usize,
    end: usize,
    bytes: &'p [u8],
}

/// Reads the hunks of a patch for a base of `length` bytes; stops at the first that is wrong.
fn hunks(length: usize, patch: &[u8]) -> impl Iterator<Item = Result<Hunk<'_>, &'static str>> {
    let (mut rest, mut last) = (patch, 0);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut read = || {
            let (head, tail) = rest.split_at_checked(12)?;
            let number = |at: usize| {
                let bytes: [u8; 4] = head[at..at + 4].try_into().ok()?;
                usize::try_from(u32::from_be_bytes(bytes)).ok()
            };
            let (start, end) = (number(0)?, number(4)?);
            let (bytes, tail) = tail.split_at_checked(number(8)?)?;
            (last <= start && start <= end && end <= length).then(|| {
                (rest, last) = (tail, end);
                Hunk { start, end, bytes }
            })
        };
        let hunk = read();
        if hunk.is_none() {
            rest = &[];
        }
        Some(hunk.ok_or("the patch for its manifest is malformed"))
    })
}

/// The start of the line that holds the byte at `at`; `at` itself at the end of the text.
fn line_start(text: &[u8], at: usize) -> usize {
    text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// The end of the line that holds the byte at `at`, after its newline.
fn line_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| at + newline + 1)
}

/// `at` if a line starts there or the text ends there, else the end of the line that it is in.
fn line_start_or(text: &[u8], at: usize) -> usize {
    if at == 0 || text[at - 1] == b'\n' { at } else { line_end(text, at) }
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

fn check_lines(before: Option<&[u8]>, lines: &[u8], after: Option<&[u8]>) -> Result<(), &'static str> {
    let mut last: Option<&[u8]> = None;
    for whole in before.into_iter().chain(lines.split_inclusive(|byte| *byte == b'\n')).chain(after) {
        let (path, _) = line(whole).filter(|(path, _)| is_plain(path)).ok_or("its manifest has a malformed line")?;
        if last.is_some_and(|last| last >= path) {
            return Err("its manifest is not in order");
        }
        last = Some(path);
    }
    Ok(())
}

fn added((path, entry): (&[u8], Entry)) -> Change {
    Change { path: path.to_vec(), old: None, new: Some(entry) }
}

/// Adds the paths at which two pieces of whole, checked lines differ.
fn compare(old: &[u8], new: &[u8], changes: &mut Vec<Change>) {
    let split = |text| <[u8]>::split_inclusive(text, |byte| *byte == b'\n').filter_map(line);
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

    fn text(paths: &[(&str, u8)]) -> Vec<u8> {
        let one = |(path, digit): &(&str, u8)| format!("{path}\0{}\n", char::from(*digit).to_string().repeat(40));
        paths.iter().map(one).collect::<String>().into_bytes()
    }

    fn manifest(paths: &[(&str, u8)]) -> Manifest {
        Manifest::parse(text(paths)).expect("well formed")
    }

    fn hunk(start: usize, end: usize, bytes: &[u8]) -> Vec<u8> {
        let mut patch = Vec::new();
        for number in [start, end, bytes.len()] {
            patch.extend_from_slice(&u32::try_from(number).expect("small").to_be_bytes());
        }
        patch.extend_from_slice(bytes);
        patch
    }

    fn changed(changes: &[Change]) -> Vec<String> {
        changes.iter().map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect()
    }

    #[test]
    fn a_manifest_that_two_readers_could_read_differently_is_refused() {
        let node = "1".repeat(40);
        for bad in [
            format!("b\0{node}\na\0{node}\n"),
            format!("a\0{node}\na\0{node}\n"),
            format!("a\0{node}"),
            format!("a\0{node}y\n"),
            format!("a\0{node}t\n"),
            format!("a\0{node}xl\n"),
            format!("a\0{}\n", &node[1..]),
            format!("a\0{}\n", node.replace('1', "A")),
            "a\n".to_owned(),
        ] {
            assert!(Manifest::parse(bad.clone().into_bytes()).is_err(), "{bad:?}");
        }
        for path in ["", "\n", "./a", "/a", "a/", "a//b", "a/../b", "a/./b"] {
            assert!(Manifest::parse(format!("{path}\0{node}\n").into_bytes()).is_err(), "{path}");
        }
        assert!(Manifest::parse(format!("a\0{node}x\nb\0{node}l\n").into_bytes()).is_ok());
        assert!(Manifest::parse(Vec::new()).is_ok());
    }

    #[test]
    fn every_path_is_found_and_no_other() {
        let manifest = manifest(&[("a", b'1'), ("a/b", b'2'), ("c", b'3'), ("dd", b'4')]);
        for (path, digit) in [("a", b'1'), ("a/b", b'2'), ("c", b'3'), ("dd", b'4')] {
            assert_eq!(manifest.find(path.as_bytes()).map(|entry| entry[0]), Some(digit), "{path}");
        }
        for path in ["", "A", "a/", "b", "d", "ddd", "e"] {
            assert_eq!(manifest.find(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn a_hunk_that_cuts_lines_is_compared_by_whole_lines() {
        let base = manifest(&[("a", b'1'), ("b", b'1'), ("c", b'1')]);
        let one = 43;
        let cases: [(Vec<u8>, &[&str]); 8] = [
            // One hunk takes b away, the next brings it back.
            ([hunk(one, 2 * one, b""), hunk(2 * one, 3 * one, &text(&[("b", b'1')]))].concat(), &["c"]),
            // One digit in the middle of a line.
            (hunk(one + 5, one + 6, b"2"), &["b"]),
            // The path itself.
            (hunk(one, one + 1, b"bb"), &["b", "bb"]),
            // From the middle of one line to the middle of the next: b's node is that of c.
            (hunk(one + 1, 2 * one + 1, b""), &["c"]),
            // The same bytes again change nothing.
            (hunk(0, 2 * one, &text(&[("a", b'1'), ("b", b'1')])), &[]),
            // An inserted beginning makes the next line another path.
            (hunk(one, one, b"a"), &["ab", "b"]),
            (hunk(3 * one, 3 * one, &text(&[("d", b'1')])), &["d"]),
            ([hunk(3, 4, b"2"), hunk(7, 8, b"2"), hunk(one + 3, one + 4, b"2")].concat(), &["a", "b"]),
        ];
        for (patch, expected) in cases {
            let (new, changes) = base.patched(&patch).expect("applies");
            let mut expected: Vec<&str> = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(changed(&changes), expected, "{patch:?}");
            assert_eq!(Manifest::parse(new.text.clone()), Ok(new));
        }
    }

    #[test]
    fn a_patch_that_makes_no_manifest_is_refused() {
        let base = manifest(&[("a", b'1'), ("b", b'1'), ("c", b'1')]);
        let one = 43;
        let cases = [
            hunk(0, 4 * one, b""),
            hunk(2, 1, b""),
            [hunk(one, one, b""), hunk(0, 1, b"")].concat(),
            hunk(0, 0, b"")[..11].to_vec(),
            hunk(0, 0, b"xy")[..13].to_vec(),
            hunk(one - 1, one, b""),
            hunk(one, one, &text(&[("a", b'2')])),
            hunk(one, one, &text(&[("b", b'2')])),
            hunk(one, one, &text(&[("d", b'2')])),
            hunk(3 * one - 1, 3 * one, b""),
            hunk(0, 0, b"\n"),
        ];
        for patch in cases {
            assert!(base.patched(&patch).is_err(), "{patch:?}");
        }
    }

    proptest! {
        #[test]
        fn a_patch_finds_what_a_comparison_of_both_manifests_finds(
            old in proptest::collection::btree_map("[a-c]{1,3}", b'1'..b'4', 0..12),
            new in proptest::collection::btree_map("[a-c]{1,3}", b'1'..b'4', 0..12),
            cut in 0usize..60,
        ) {
            let write = |all: &std::collections::BTreeMap<String, u8>| {
                text(&all.iter().map(|(path, digit)| (path.as_str(), *digit)).collect::<Vec<_>>())
            };
            let (one, two) = (write(&old), write(&new));
            // The narrowest hunk that leads from one to the other, split in two at an arbitrary place.
            let same = one.iter().zip(&two).take_while(|(a, b)| a == b).count();
            let tail = one[same..].iter().rev().zip(two[same..].iter().rev()).take_while(|(a, b)| a == b).count();
            let (from, to) = (&one[same..one.len() - tail], &two[same..two.len() - tail]);
            let cut = cut.min(from.len()).min(to.len());
            let patch = [
                hunk(same, same + cut, &to[..cut]),
                hunk(same + cut, one.len() - tail, &to[cut..]),
            ].concat();
            let base = Manifest::parse(one.clone()).expect("well formed");
            let (made, changes) = base.patched(&patch).expect("applies");
            prop_assert_eq!(&made.text, &two);
            let mut expected = Vec::new();
            compare(&one, &two, &mut expected);
            prop_assert_eq!(changes, expected);
        }
    }
}
