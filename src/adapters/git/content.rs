//! The contents of an update: what its commits change, whatever their ids (docs/spec/token.md, "Content").

use super::GitError;
use super::graph::Commits as _;
use super::paths;
use super::repository::GitRepository;
use super::tree::Entry;
use crate::domain::change::{
    self, Changeset, ChangesetId, ContentId, LONGEST_CONTENT, Landing, Leaf, Line, RepoPath, Room,
};
use git2::ObjectType;
use std::collections::{BTreeMap, HashMap};

/// What one commit does at a path: what stood there, and what stands there now.
type Change = (RepoPath, Option<Entry>, Option<Entry>);

/// Returns the contents of `changesets` (children before parents), as far as there is room.
pub(super) fn contents(
    repo: &GitRepository,
    changesets: &[Changeset],
) -> Result<BTreeMap<ContentId, Landing>, GitError> {
    let mut leaves = Leaves { repo, known: HashMap::new() };
    change::contents(changesets, Room::ALL, |changeset, line| leaves.add(changeset, line))
}

/// Files with the hash of their bytes. What one commit leaves the next one finds: each is read once.
struct Leaves<'r> {
    repo: &'r GitRepository,
    known: HashMap<ChangesetId, Leaf>,
}

impl Leaves<'_> {
    fn add(&mut self, changeset: &Changeset, line: &mut Line) -> Result<bool, GitError> {
        let changes = changes(self.repo, changeset)?;
        if !line.has_room(changes.len()) {
            return Ok(false);
        }
        for (path, old, new) in changes {
            let (Some(old), Some(new)) = (self.side(old)?, self.side(new)?) else { return Ok(false) };
            if !line.add(path.as_bytes(), old.as_ref(), new.as_ref()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns what stands there, if anything; the outer `None`: it is too long, or not here.
    fn side(&mut self, entry: Option<Entry>) -> Result<Option<Option<Leaf>>, GitError> {
        entry.map_or(Ok(Some(None)), |entry| Ok(self.leaf(entry)?.map(Some)))
    }

    fn leaf(&mut self, entry: Entry) -> Result<Option<Leaf>, GitError> {
        if entry.mode == Leaf::SUBMODULE {
            return Ok(Some(Leaf::new(entry.mode, entry.id.hex().as_bytes())));
        }
        if let Some(known) = self.known.get(&entry.id) {
            return Ok(Some(known.with_mode(entry.mode)));
        }
        self.repo.budget.file()?;
        // In a partial clone not every file is here.
        let is_here = self.repo.kind_of(&entry.id)? == Some(ObjectType::Blob);
        if !is_here || self.repo.length_of(&entry.id)? > LONGEST_CONTENT {
            return Ok(None);
        }
        let leaf = self.repo.with_object(&entry.id, ObjectType::Blob, |bytes| Leaf::new(entry.mode, bytes))?;
        self.known.insert(entry.id, leaf.clone());
        Ok(Some(leaf))
    }
}

/// Returns what a commit with one parent changes, by path.
fn changes(repo: &GitRepository, changeset: &Changeset) -> Result<Vec<Change>, GitError> {
    let mut roots = Vec::with_capacity(2);
    for commit in changeset.parents.iter().chain([&changeset.id]) {
        roots.push(Some(repo.node(commit)?.tree));
    }
    let mut found = Vec::new();
    paths::walk(
        repo,
        &roots,
        |row| row[0] == row[1],
        |path, row| {
            if row[0] != row[1] {
                repo.budget.path(path.len())?;
                found.push((RepoPath::new(path), row[0], row[1]));
            }
            Ok(())
        },
    )?;
    found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}
