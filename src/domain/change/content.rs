//! What names the changes of commits, whatever their ids (docs/spec/token.md, "Content").
//!
//! The changes of a line of commits, from its first one on, are hashed: of each commit every path that it changes, with mode and
//! bytes before and after. Whoever rebases over other files, or amends a message, makes other commits of the same content;
//! whatever else is done makes another content.
//!
//! Reading files is dear, and how much there is to read is the pusher's choice. Beyond [`Room`] nothing has a content, which
//! can only leave approvals out.

use super::{Changeset, ChangesetId, LONGEST_CONTENT, Landing};
use crate::domain::text::hex_array;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// SHA-256 over the changes of a line of commits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(pub [u8; 32]);

impl ContentId {
    const PREFIX: &'static str = "sha256:";

    /// Reads `sha256:` and 64 lowercase hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        hex_array(text.strip_prefix(Self::PREFIX)?).map(Self)
    }

    /// Returns the 64 hex digits.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.hex())
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What stands at a path: its mode as Git writes it, and the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    mode: u32,
    hash: [u8; 32],
    length: usize,
}

impl Leaf {
    /// The mode of a file.
    pub const FILE: u32 = 0o100_644;
    /// The mode of a file that can be run.
    pub const EXECUTABLE: u32 = 0o100_755;
    /// The mode of a symbolic link; its bytes are where it leads.
    pub const LINK: u32 = 0o120_000;
    /// The mode of a submodule; its bytes are the hex digits of its commit.
    pub const SUBMODULE: u32 = 0o160_000;

    /// Takes a mode and bytes, which are hashed.
    pub fn new(mode: u32, bytes: &[u8]) -> Self {
        Self { mode, hash: Sha256::digest(bytes).into(), length: bytes.len() }
    }

    /// The same bytes with another mode.
    #[must_use]
    pub fn with_mode(&self, mode: u32) -> Self {
        Self { mode, ..self.clone() }
    }
}

/// How much of one update is read for the sake of contents.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Commits.
    pub commits: usize,
    /// Paths that they change.
    pub paths: usize,
    /// Bytes before and after, at all these paths.
    pub bytes: usize,
}

impl Room {
    /// What the format allows (docs/spec/token.md, "Content").
    pub const ALL: Self = Self { commits: 1_000, paths: 10_000, bytes: 256 * 1024 * 1024 };
}

/// The changes of a line of commits, up to the one that is being read.
#[derive(Debug, Clone)]
pub struct Line {
    hash: Sha256,
    changed: bool,
    room: Room,
}

impl Line {
    fn new(room: Room) -> Self {
        Self { hash: Sha256::new(), changed: false, room }
    }

    /// Tells whether `paths` more can be added: to be asked before they are read.
    pub fn has_room(&self, paths: usize) -> bool {
        self.room.paths >= paths
    }

    /// Adds what the commit does at `path`; nothing stands there where a side is `None`. Paths come in bytewise order.
    ///
    /// Returns false if there is no room for it.
    #[must_use]
    pub fn add(&mut self, path: &[u8], old: Option<&Leaf>, new: Option<&Leaf>) -> bool {
        let sides = [old, new];
        let length = |side: &Option<&Leaf>| side.map_or(0, |leaf| leaf.length);
        let longest = sides.iter().map(length).max().unwrap_or(0);
        let bytes = self.room.bytes.checked_sub(sides.iter().map(length).sum());
        let (Some(bytes), Some(paths)) = (bytes, self.room.paths.checked_sub(1)) else { return false };
        if longest > LONGEST_CONTENT {
            return false;
        }
        self.room = Room { bytes, paths, ..self.room };
        let text = |side: &Option<&Leaf>| match side {
            Some(leaf) => format!("{:o} {}", leaf.mode, HEXLOWER.encode(&leaf.hash)),
            None => "- -".to_owned(),
        };
        self.hash.update(sides.iter().map(text).collect::<Vec<_>>().join(" "));
        for part in [b"\0", path, b"\0"] {
            self.hash.update(part);
        }
        self.changed = true;
        true
    }

    /// Begins the next commit.
    fn commit(&mut self) -> bool {
        self.hash.update(b"commit\n");
        let left = self.room.commits.checked_sub(1);
        self.room.commits = left.unwrap_or(0);
        left.is_some()
    }

    fn id(&self) -> Option<ContentId> {
        self.changed.then(|| ContentId(self.hash.clone().finalize().into()))
    }
}

/// Finds the contents of an update: for each of `changesets` (children before parents) that stands on nothing but a line of them,
/// that of this line, with where it ends and no landing. Merges, roots and what stands on them have none, nor have commits
/// that change nothing together.
///
/// `read` adds to the line what one changeset changes, and says whether it could add all of it.
///
/// # Errors
/// What `read` fails with.
pub fn contents<E>(
    changesets: &[Changeset],
    room: Room,
    mut read: impl FnMut(&Changeset, &mut Line) -> Result<bool, E>,
) -> Result<BTreeMap<ContentId, Landing>, E> {
    let mut found = BTreeMap::new();
    let mut room = room;
    let mut lines: HashMap<ChangesetId, Option<Line>> =
        changesets.iter().map(|changeset| (changeset.id, None)).collect();
    for changeset in changesets.iter().rev() {
        let [parent] = changeset.parents[..] else { continue };
        let mut line = match lines.get(&parent) {
            None => Line::new(room),
            Some(Some(below)) => Line { room, ..below.clone() },
            Some(None) => continue,
        };
        let complete = line.commit() && read(changeset, &mut line)?;
        room = line.room;
        if complete {
            found.extend(line.id().map(|id| (id, Landing { end: changeset.id, landed_at: None })));
            lines.insert(changeset.id, Some(line));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::IdKind;
    use std::convert::Infallible;

    fn id(letter: char) -> ChangesetId {
        ChangesetId::from_bytes(IdKind::GitSha1, &[letter as u8; 20]).expect("a letter is not zero")
    }

    /// A commit in letters, `c<b`, and what it changes: path, mode and bytes before and after.
    type Written = (&'static str, &'static [(&'static str, Option<(u32, &'static str)>, Option<(u32, &'static str)>)]);

    /// The contents of commits, children before parents, by the letter of the changeset.
    fn found(commits: &[Written], room: Room) -> BTreeMap<char, ContentId> {
        let letters = |text: &str| text.chars().map(id).collect::<Vec<_>>();
        let changeset = |(text, _): &Written| {
            let (own, parents) = text.split_once('<').expect("ID<PARENTS");
            Changeset {
                id: letters(own)[0],
                parents: letters(parents),
                authors: Vec::new(),
                committer: None,
                summary: Vec::new(),
                own_paths: None,
                lines: None,
                trailers: None,
            }
        };
        let changesets: Vec<Changeset> = commits.iter().map(changeset).collect();
        let leaf = |side: Option<(u32, &str)>| side.map(|(mode, bytes)| Leaf::new(mode, bytes.as_bytes()));
        let read = |changeset: &Changeset, line: &mut Line| -> Result<bool, Infallible> {
            let (_, changes) =
                commits.iter().find(|(text, _)| text.starts_with(changeset.id.as_bytes()[0] as char)).expect("one");
            Ok(changes
                .iter()
                .all(|(path, old, new)| line.add(path.as_bytes(), leaf(*old).as_ref(), leaf(*new).as_ref())))
        };
        let Ok(contents) = contents(&changesets, room, read);
        contents.into_iter().map(|(content, found)| (found.end.as_bytes()[0] as char, content)).collect()
    }

    fn content(commits: &[Written]) -> Option<ContentId> {
        let tip = commits[0].0.chars().next().expect("a letter");
        found(commits, Room::ALL).get(&tip).copied()
    }

    const F: u32 = Leaf::FILE;
    const X: u32 = Leaf::EXECUTABLE;
    const ONE: Written = ("b<a", &[("f", None, Some((F, "1")))]);
    const TWO: Written = ("c<b", &[("g", Some((F, "1")), Some((F, "2")))]);

    #[test]
    fn content_is_the_hash_that_the_specification_spells_out() {
        let sha = |text: &str| HEXLOWER.encode(&Sha256::digest(text));
        let (one, two) = (sha("1"), sha("2"));
        let text = format!("commit\n- - 100644 {one}\0f\0commit\n100644 {one} 100644 {two}\0g\0");
        assert_eq!(content(&[TWO, ONE]).map(|content| content.hex()), Some(sha(&text)));
    }

    #[test]
    fn other_ids_have_the_same_content_and_other_changes_another() {
        let same: [&[Written]; 2] = [&[("y<x", TWO.1), ("x<z", ONE.1)], &[("c<b", TWO.1), ("b<d", ONE.1)]];
        for commits in same {
            assert_eq!(content(commits), content(&[TWO, ONE]), "{commits:?}");
        }
        let others: [&[Written]; 12] = [
            &[ONE],
            &[("c<b", ONE.1), ("b<a", TWO.1)],
            &[("b<a", &[("f", None, Some((F, "1"))), ("g", Some((F, "1")), Some((F, "2")))])],
            &[("c<b", &[("g", Some((F, "1")), Some((X, "2")))]), ONE],
            &[("c<b", &[("g", Some((X, "1")), Some((F, "2")))]), ONE],
            &[("c<b", &[("g", Some((F, "0")), Some((F, "2")))]), ONE],
            &[("c<b", &[("g", None, Some((F, "2")))]), ONE],
            &[("c<b", &[("g", Some((F, "1")), None)]), ONE],
            &[("c<b", &[("h", Some((F, "1")), Some((F, "2")))]), ONE],
            &[("c<b", &[("g", Some((Leaf::LINK, "1")), Some((F, "2")))]), ONE],
            &[("d<c", &[]), TWO, ONE],
            &[("d<c", TWO.1), ("c<b", &[]), ONE],
        ];
        let all: Vec<_> = others.iter().map(|commits| content(commits)).chain([content(&[TWO, ONE])]).collect();
        for (at, one) in all.iter().enumerate() {
            assert!(one.is_some(), "{at}");
            assert!(all[..at].iter().all(|other| other != one), "{at}");
        }
    }

    #[test]
    fn another_mode_of_the_same_bytes_is_another_leaf() {
        assert_eq!(Leaf::new(F, b"1").with_mode(X), Leaf::new(X, b"1"));
        assert_ne!(Leaf::new(F, b"1").with_mode(X), Leaf::new(F, b"1"));
    }

    #[test]
    fn no_path_can_look_like_the_next_change_or_the_next_commit() {
        let two: &[Written] = &[("b<a", &[("f", None, Some((F, "1"))), ("g", None, Some((F, "1")))])];
        for path in ["f\ncommit\n", "f commit\n", "f 100644 - - -", "fg"] {
            let one: Written = ("b<a", Box::leak(Box::new([(path, None, Some((F, "1")))])));
            assert_ne!(content(&[one]), content(two), "{path}");
            assert_ne!(content(&[one]), content(&[("c<b", &[]), ONE]), "{path}");
        }
    }

    #[test]
    fn merges_roots_and_commits_that_change_nothing_have_no_content() {
        let merge: &[Written] = &[("e<d", TWO.1), ("d<cs", &[]), ("s<a", ONE.1), TWO, ONE];
        assert_eq!(found(merge, Room::ALL).into_keys().collect::<String>(), "cs");
        let root: &[Written] = &[TWO, ("b<", ONE.1)];
        assert_eq!(found(root, Room::ALL), BTreeMap::new());
        let empty: &[Written] = &[("d<c", TWO.1), ("c<b", &[]), ("b<a", &[])];
        assert_eq!(found(empty, Room::ALL).into_keys().collect::<String>(), "d");
    }

    #[test]
    fn beyond_the_room_nothing_has_a_content() {
        let Room { commits, paths, bytes } = Room::ALL;
        assert_eq!((commits, paths, bytes), (1_000, 10_000, 268_435_456), "docs/spec/token.md");
        let line: &[Written] = &[("d<c", ONE.1), TWO, ONE];
        let with = |room: Room| found(line, room).into_keys().collect::<String>();
        let all = Room { commits: 3, paths: 3, bytes: 4 };
        assert_eq!(with(all), "bcd");
        assert_eq!(with(Room { commits: 2, ..all }), "bc");
        assert_eq!(with(Room { paths: 2, ..all }), "bc");
        assert_eq!(with(Room { bytes: 3, ..all }), "bc");
        assert_eq!(with(Room { bytes: 2, ..all }), "b");
        // What stands beside a commit takes of the same room.
        let fork: &[Written] = &[("d<b", ONE.1), TWO, ONE];
        assert_eq!(found(fork, Room { paths: 2, ..all }).into_keys().collect::<String>(), "bc");
        let mut line = Line::new(Room { paths: 1, ..Room::ALL });
        assert!(line.has_room(1) && !line.has_room(2));
        assert!(line.add(b"f", None, None));
        assert!(line.has_room(0) && !line.has_room(1));
        let mut line = Line::new(Room::ALL);
        let file = |length: usize| Leaf { mode: F, hash: [0; 32], length };
        assert!(line.add(b"f", None, Some(&file(LONGEST_CONTENT))));
        assert!(!line.add(b"f", Some(&file(LONGEST_CONTENT + 1)), None));
    }
}
