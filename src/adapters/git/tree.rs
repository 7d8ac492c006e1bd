//! Folders as Git stores them, checked entry by entry.
//!
//! A hostile tree could name a path twice, hide a path behind a slash in a name, or have a mode that two programs read differently. Such a tree
//! means different things to different readers, so no answer about it can be trusted: it is an error.

use crate::domain::change::{ChangesetId, IdKind};
use std::collections::HashMap;
use std::rc::Rc;

/// Bytes of parsed folders that are kept before the cache is emptied.
const MOST_CACHED_BYTES: usize = 128 * 1024 * 1024;
const TYPE_MASK: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
/// What an entry can be: folder, file, symbolic link, submodule. Git takes every other type for a submodule, libgit2 for a file.
const TYPES: [u32; 4] = [FOLDER, 0o100_000, 0o120_000, 0o160_000];

/// What stands at a name: mode and id. Two are the same thing only if both agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The mode as written, at most 16 bits.
    pub(super) mode: u32,
    /// A blob, a tree, or a submodule's commit.
    pub(super) id: ChangesetId,
}

impl Entry {
    /// Tells whether this is a folder; all else is a leaf: file, symbolic link, submodule.
    pub(super) fn is_folder(&self) -> bool {
        self.mode & TYPE_MASK == FOLDER
    }
}

/// A folder's entries.
#[derive(Debug)]
pub(super) struct Tree {
    names: Vec<u8>,
    /// Start and end of each name in `names`, and what stands there; by name, bytewise (Git's own order treats folders differently).
    entries: Vec<(usize, usize, Entry)>,
}

impl Tree {
    /// Reads the bytes of a tree object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(kind: IdKind, mut bytes: &[u8]) -> Result<Self, &'static str> {
        let mut names = Vec::with_capacity(bytes.len() / 2);
        // An entry has at least a mode, a name and an id; a typical name has a dozen bytes.
        let mut entries: Vec<(usize, usize, Entry)> = Vec::with_capacity(bytes.len() / (kind.length() + 16) + 1);
        while !bytes.is_empty() {
            let space = bytes.iter().take(8).position(|byte| *byte == b' ').ok_or("an entry has no mode")?;
            let mode = mode(&bytes[..space])?;
            bytes = &bytes[space + 1..];
            let end = bytes.iter().position(|byte| *byte == 0).ok_or("an entry's name has no end")?;
            let name = &bytes[..end];
            if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
                return Err("an entry has an impossible name");
            }
            let (raw, rest) = bytes[end + 1..].split_at_checked(kind.length()).ok_or("an entry's id is cut off")?;
            let id = ChangesetId::from_bytes(kind, raw).map_err(|_| "an entry has no id")?;
            let entry = Entry { mode, id };
            if let Some((start, stop, last)) = entries.last()
                && git_order(&names[*start..*stop], last) >= git_order(name, &entry)
            {
                return Err("its entries are not in order");
            }
            let start = names.len();
            names.extend_from_slice(name);
            entries.push((start, names.len(), entry));
            bytes = rest;
        }
        entries.sort_by(|one, two| names[one.0..one.1].cmp(&names[two.0..two.1]));
        // A file and a folder of one name stand apart in Git's order: only now are they neighbours.
        if entries.windows(2).any(|pair| names[pair[0].0..pair[0].1] == names[pair[1].0..pair[1].1]) {
            return Err("a name occurs twice");
        }
        Ok(Self { names, entries })
    }

    /// Returns how many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the entry at `place` in bytewise order of names.
    pub(super) fn get(&self, place: usize) -> Option<(&[u8], Entry)> {
        self.entries.get(place).map(|(start, end, entry)| (&self.names[*start..*end], *entry))
    }

    /// Returns what stands at `name`.
    pub(super) fn find(&self, name: &[u8]) -> Option<Entry> {
        let place = self.entries.binary_search_by(|(start, end, _)| self.names[*start..*end].cmp(name)).ok()?;
        Some(self.entries[place].2)
    }

    fn cost(&self) -> usize {
        self.names.capacity() + self.entries.capacity() * size_of::<(usize, usize, Entry)>() + 128
    }
}

/// The bytes by which Git sorts: a folder as if a slash followed its name.
fn git_order<'n>(name: &'n [u8], entry: &Entry) -> impl Ord + use<'n> {
    let slash: &[u8] = if entry.is_folder() { b"/" } else { b"" };
    Chain(name, slash)
}

/// Two byte strings that compare as if they were one.
struct Chain<'n>(&'n [u8], &'static [u8]);

impl Ord for Chain<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.iter().chain(self.1).cmp(other.0.iter().chain(other.1))
    }
}

impl PartialOrd for Chain<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Chain<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Chain<'_> {}

fn mode(digits: &[u8]) -> Result<u32, &'static str> {
    let octal = !digits.is_empty() && digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
    let value = digits.iter().fold(0u32, |value, digit| (value << 3) | u32::from(digit.wrapping_sub(b'0') & 7));
    // At most seven digits were taken, so nothing was shifted out.
    if octal && value <= 0o177_777 && TYPES.contains(&(value & TYPE_MASK)) {
        Ok(value)
    } else {
        Err("an entry has an impossible mode")
    }
}

/// Folders that were read lately.
#[derive(Debug, Default)]
pub(super) struct TreeCache {
    trees: HashMap<ChangesetId, Rc<Tree>>,
    bytes: usize,
}

impl TreeCache {
    /// Returns the folder, if it is here.
    pub(super) fn get(&self, id: &ChangesetId) -> Option<Rc<Tree>> {
        self.trees.get(id).cloned()
    }

    /// Keeps the folder; forgets all others if there are too many.
    pub(super) fn put(&mut self, id: ChangesetId, tree: Rc<Tree>) {
        let cost = tree.cost();
        if self.bytes.saturating_add(cost) > MOST_CACHED_BYTES {
            self.trees.clear();
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(cost);
        self.trees.insert(id, tree);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str)]) -> Result<Tree, &'static str> {
        let mut bytes = Vec::new();
        for (mode, name) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend_from_slice(&[7; 20]);
        }
        Tree::parse(IdKind::GitSha1, &bytes)
    }

    #[test]
    fn a_tree_in_gits_order_is_read_by_name() {
        let read = tree(&[("100644", "a-b"), ("40000", "a"), ("100755", "a0"), ("160000", "z")]).expect("a tree");
        let names: Vec<&[u8]> = (0..read.len()).filter_map(|place| read.get(place)).map(|(name, _)| name).collect();
        assert_eq!(names, [&b"a"[..], b"a-b", b"a0", b"z"]);
        assert!(read.find(b"a").is_some_and(|entry| entry.is_folder()));
        assert!(read.find(b"z").is_some_and(|entry| !entry.is_folder()));
        assert_eq!(read.find(b"b"), None);
        assert!(tree(&[]).is_ok_and(|empty| empty.len() == 0));
        assert!(tree(&[("040000", "old-style-padding")]).is_ok());
    }

    #[test]
    fn a_tree_that_two_readers_could_read_differently_is_refused() {
        let cases: [&[(&str, &str)]; 14] = [
            &[("100644", "a"), ("100644", "a")],
            &[("100644", "a"), ("100644", "a-"), ("40000", "a")],
            &[("100644", "b"), ("100644", "a")],
            &[("40000", "a"), ("100644", "a-b")],
            &[("100644", "a/b")],
            &[("100644", "")],
            &[("40000", ".")],
            &[("40000", "..")],
            &[("1000644", "a")],
            &[("", "a")],
            &[("10064x", "a")],
            &[("777", "a")],
            &[("060000", "a")],
            &[("10000000000040000", "a")],
        ];
        for entries in cases {
            assert!(tree(entries).is_err(), "{entries:?}");
        }
        for bytes in
            [&b"100644 a"[..], b"100644 a\x00123", b"100644", b"100644 a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"]
        {
            assert!(Tree::parse(IdKind::GitSha1, bytes).is_err(), "{bytes:?}");
        }
    }
}
