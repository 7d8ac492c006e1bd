//! Folders as Git stores them, checked entry by entry.
//!
//! A hostile tree could name a path twice, hide a path behind a slash in a name, or have a mode that two programs read differently. Such a tree
//! means different things to different readers, so no answer about it can be trusted: it is an error.

use crate::domain::change::{ChangesetId, IdKind};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of folders that are kept, and as many again of those before them. A walk along a history needs the last few; memory that is
/// touched for the first time costs more than reading one of them again.
const MOST_CACHED_BYTES: usize = 8 * 1024 * 1024;
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

/// A folder's entries: the object as it was read, and where each entry stands in it.
#[derive(Debug)]
pub(super) struct Tree {
    kind: IdKind,
    bytes: Vec<u8>,
    /// By name, bytewise (Git's own order treats folders differently).
    places: Vec<Place>,
}

/// One entry: its mode, and where its name begins and ends. A zero byte and the id follow the name.
#[derive(Debug, Clone, Copy)]
struct Place {
    mode: u32,
    start: u32,
    end: u32,
}

impl Place {
    fn is_folder(self) -> bool {
        self.mode & TYPE_MASK == FOLDER
    }

    fn name(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

impl Tree {
    /// Reads the bytes of a tree object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(kind: IdKind, bytes: &[u8]) -> Result<Self, &'static str> {
        let place = |at: usize| u32::try_from(at).map_err(|_| "it is longer than any folder");
        // An entry has at least a mode, a name and an id; a typical name has a dozen bytes.
        let mut places: Vec<Place> = Vec::with_capacity(bytes.len() / (kind.length() + 16) + 1);
        let mut is_bytewise = true;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let space = rest.iter().take(8).position(|byte| *byte == b' ').ok_or("an entry has no mode")?;
            let start = at + space + 1;
            let length = bytes[start..].iter().position(|byte| *byte == 0).ok_or("an entry's name has no end")?;
            let entry = Place { mode: mode(&rest[..space])?, start: place(start)?, end: place(start + length)? };
            let name = entry.name(bytes);
            if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
                return Err("an entry has an impossible name");
            }
            at = start + length + 1 + kind.length();
            let raw = bytes.get(start + length + 1..at).ok_or("an entry's id is cut off")?;
            if raw.iter().all(|byte| *byte == 0) {
                return Err("an entry has no id");
            }
            if let Some(last) = places.last() {
                let before = last.name(bytes);
                let is_less = before < name;
                // The two orders differ only where one name begins with the other.
                let is_sure = is_less && !name.starts_with(before);
                if !is_sure && git_order(before, *last) >= git_order(name, entry) {
                    return Err("its entries are not in order");
                }
                is_bytewise &= is_less;
            }
            places.push(entry);
        }
        if !is_bytewise {
            places.sort_by(|one, two| one.name(bytes).cmp(two.name(bytes)));
            // A file and a folder of one name stand apart in Git's order: only now are they neighbours.
            if places.windows(2).any(|pair| pair[0].name(bytes) == pair[1].name(bytes)) {
                return Err("a name occurs twice");
            }
        }
        Ok(Self { kind, bytes: bytes.to_vec(), places })
    }

    /// Returns how many entries there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the entry at `place` in bytewise order of names.
    pub(super) fn get(&self, place: usize) -> Option<(&[u8], Entry)> {
        let found = *self.places.get(place)?;
        Some((found.name(&self.bytes), self.entry(found)?))
    }

    /// Tells whether the entry at `place` is that of `other` at `elsewhere`: name, mode and id.
    pub(super) fn has_same(&self, place: usize, other: &Self, elsewhere: usize) -> bool {
        match (self.places.get(place), other.places.get(elsewhere)) {
            (Some(one), Some(two)) => one.mode == two.mode && self.name_and_id(*one) == other.name_and_id(*two),
            _ => false,
        }
    }

    /// Returns what stands at `name`.
    pub(super) fn find(&self, name: &[u8]) -> Option<Entry> {
        let place = self.places.binary_search_by(|place| place.name(&self.bytes).cmp(name)).ok()?;
        self.entry(self.places[place])
    }

    fn entry(&self, place: Place) -> Option<Entry> {
        let raw = &self.name_and_id(place)[(place.end - place.start) as usize + 1..];
        ChangesetId::from_bytes(self.kind, raw).ok().map(|id| Entry { mode: place.mode, id })
    }

    fn name_and_id(&self, place: Place) -> &[u8] {
        &self.bytes[place.start as usize..place.end as usize + 1 + self.kind.length()]
    }

    fn cost(&self) -> usize {
        self.bytes.capacity() + self.places.capacity() * size_of::<Place>() + 128
    }
}

/// The bytes by which Git sorts: a folder as if a slash followed its name.
fn git_order(name: &[u8], entry: Place) -> impl Ord + use<'_> {
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

/// Folders that were read lately: those of now, and those of before, which go when there are too many of now.
#[derive(Debug, Default)]
pub(super) struct TreeCache {
    now: HashMap<ChangesetId, Arc<Tree>>,
    before: HashMap<ChangesetId, Arc<Tree>>,
    /// Of those of now.
    bytes: usize,
}

impl TreeCache {
    /// Returns the folder, if it is here.
    pub(super) fn get(&mut self, id: &ChangesetId) -> Option<Arc<Tree>> {
        if let Some(tree) = self.now.get(id) {
            return Some(Arc::clone(tree));
        }
        let tree = self.before.remove(id)?;
        self.put(*id, Arc::clone(&tree));
        Some(tree)
    }

    /// Keeps the folder.
    pub(super) fn put(&mut self, id: ChangesetId, tree: Arc<Tree>) {
        let cost = tree.cost();
        if self.bytes.saturating_add(cost) > MOST_CACHED_BYTES {
            self.before = std::mem::take(&mut self.now);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(cost);
        self.now.insert(id, tree);
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
