//! The paths that a commit changes of its own accord (docs/spec/semantics.md, 5).
//!
//! A tree stands for a flat list of leaves: path to (mode, id). The definitions are about that list:
//! - no parent, one, three or more: a path is the commit's own if its leaf differs from any parent's (no parent: from nothing);
//! - two parents: if both agree, their leaf is expected; else, if just one of them differs from the leaf of every merge base, that
//!   one's; a path is the commit's own if the leaf is not the expected one, or if nothing is expected.
//!
//! Flattening each tree would be right, and slow: almost all of a commit's tree is its parent's. libgit2's own diff does much the
//! same. So all trees in question are walked side by side, folder by folder, and a folder is left out when no path below it
//! can be the commit's own. For a row of folders (result R, parents P and Q, bases B):
//! - R, P and Q are one: every leaf below is expected and there;
//! - every base is P, and R is Q: where P and Q differ, only Q differs from every base, so Q is expected; the same with P and Q exchanged.
//!   With two bases that differ from each other this does not hold: Q may equal the other one at some path, and then nothing is expected there.
//!
//! A folder on one side and a file on the other are one leaf here and leaves further down there; a name that is a folder holds no leaf.

use super::GitError;
use super::graph::{self, Commits};
use super::repository::GitRepository;
use super::tree::{Entry, Tree};
use crate::domain::change::{ChangesetId, RepoPath};
use std::sync::Arc;

/// How deep folders may lie in each other.
const DEEPEST: usize = 4096;

/// Returns the paths at which the commit `id` differs of its own accord, sorted.
pub(super) fn own_paths(repo: &GitRepository, id: &ChangesetId) -> Result<Vec<RepoPath>, GitError> {
    let node = repo.node(id)?;
    let mut parents = Vec::with_capacity(node.parents.len().max(1));
    for parent in &node.parents {
        parents.push(Some(repo.node(parent)?.tree));
    }
    match (&node.parents[..], &parents[..]) {
        ([one, two], [left, right]) if left != right => {
            let bases = graph::merge_bases(repo, one, two)?;
            let mut base_trees = Vec::with_capacity(bases.len().max(1));
            for base in &bases {
                base_trees.push(Some(repo.node(base)?.tree));
            }
            if base_trees.is_empty() {
                base_trees.push(None);
            }
            merge_paths(repo, node.tree, [*left, *right], base_trees)
        }
        ([], _) => differing(repo, Some(node.tree), vec![None]),
        _ => differing(repo, Some(node.tree), parents),
    }
}

/// Returns the paths at which the tree `result` differs from any of `others`, sorted; `None` is the tree without leaves.
pub(super) fn differing(
    repo: &GitRepository,
    result: Option<ChangesetId>,
    mut others: Vec<Option<ChangesetId>>,
) -> Result<Vec<RepoPath>, GitError> {
    others.sort();
    others.dedup();
    let mut roots = vec![result];
    roots.append(&mut others);
    let mut found = Vec::new();
    walk(repo, &roots, all_same, |path, row| {
        if all_same(row) {
            return Ok(());
        }
        take(repo, &mut found, path)
    })?;
    found.sort_unstable();
    Ok(found)
}

fn merge_paths(
    repo: &GitRepository,
    result: ChangesetId,
    parents: [Option<ChangesetId>; 2],
    mut bases: Vec<Option<ChangesetId>>,
) -> Result<Vec<RepoPath>, GitError> {
    bases.sort();
    bases.dedup();
    let mut roots = vec![Some(result), parents[0], parents[1]];
    roots.append(&mut bases);
    let nothing_below = |row: &[Option<ChangesetId>]| {
        let [result, left, right, bases @ ..] = row else { return false };
        (result == left && left == right)
            || (result == right && bases.iter().all(|base| base == left))
            || (result == left && bases.iter().all(|base| base == right))
    };
    let mut found = Vec::new();
    walk(repo, &roots, nothing_below, |path, row| match row {
        [result, left, right, bases @ ..] if expected(left, right, bases) != Some(result) => {
            take(repo, &mut found, path)
        }
        _ => Ok(()),
    })?;
    found.sort_unstable();
    Ok(found)
}

/// What a three-way merge gives where parents and bases have these leaves; `None`: nothing can be expected.
fn expected<'e>(
    left: &'e Option<Entry>,
    right: &'e Option<Entry>,
    bases: &[Option<Entry>],
) -> Option<&'e Option<Entry>> {
    if left == right {
        return Some(left);
    }
    let moved = |side: &Option<Entry>| bases.iter().all(|base| base != side);
    match (moved(left), moved(right)) {
        (true, false) => Some(left),
        (false, true) => Some(right),
        _ => None,
    }
}

fn all_same<T: PartialEq>(row: &[T]) -> bool {
    row.windows(2).all(|pair| pair[0] == pair[1])
}

fn take(repo: &GitRepository, found: &mut Vec<RepoPath>, path: &[u8]) -> Result<(), GitError> {
    repo.budget.path(path.len())?;
    found.push(RepoPath::new(path));
    Ok(())
}

/// One folder in all trees at once.
struct Level {
    /// Length of the path of this folder, its slash included.
    prefix: usize,
    /// The folder in each tree, if it is there, and the place of the next entry.
    folders: Vec<Option<(Arc<Tree>, usize)>>,
}

impl Level {
    fn open(repo: &GitRepository, ids: &[Option<ChangesetId>], prefix: usize) -> Result<Self, GitError> {
        let mut folders = Vec::with_capacity(ids.len());
        for id in ids {
            folders.push(match id {
                Some(id) => {
                    let tree = repo.tree(id)?;
                    repo.budget.entries(u64::try_from(tree.len()).unwrap_or(u64::MAX))?;
                    Some((tree, 0))
                }
                None => None,
            });
        }
        Ok(Self { prefix, folders })
    }

    /// Passes over the entries that all trees have at the same place and alike: most of them, and never anybody's change.
    fn pass_over_equals(&mut self) {
        let Some((Some((first, start)), others)) = self.folders.split_first() else { return };
        let alike = |steps: usize| {
            let same = |(tree, place): &(Arc<Tree>, usize)| first.has_same(start + steps, tree, place + steps);
            others.iter().all(|folder| folder.as_ref().is_some_and(same))
        };
        let mut steps = 0;
        while start + steps < first.len() && alike(steps) {
            steps += 1;
        }
        self.folders.iter_mut().flatten().for_each(|(_, place)| *place += steps);
    }

    /// Puts the next name at the end of `path` and what stands there in each tree into `row`; entries alike in all are left out.
    fn next(&mut self, path: &mut Vec<u8>, row: &mut [Option<Entry>]) -> bool {
        self.pass_over_equals();
        path.truncate(self.prefix);
        let heads = self.folders.iter().flatten().filter_map(|(tree, place)| tree.get(*place));
        let Some(name) = heads.map(|(name, _)| name).min() else { return false };
        path.extend_from_slice(name);
        for (folder, cell) in self.folders.iter_mut().zip(row) {
            *cell = None;
            if let Some((tree, place)) = folder
                && let Some((head, entry)) = tree.get(*place)
                && head == &path[self.prefix..]
            {
                *cell = Some(entry);
                *place += 1;
            }
        }
        true
    }
}

/// Walks the trees `roots` side by side and hands `leaf` the paths at which one of them has a leaf, with the leaves of all; those
/// at which all have the same may be left out.
///
/// Folders are entered unless `skip` says of their ids, one for each tree, that nothing below matters. Paths come in no
/// particular order, each once.
pub(super) fn walk(
    repo: &GitRepository,
    roots: &[Option<ChangesetId>],
    skip: impl Fn(&[Option<ChangesetId>]) -> bool,
    mut leaf: impl FnMut(&[u8], &[Option<Entry>]) -> Result<(), GitError>,
) -> Result<(), GitError> {
    if skip(roots) {
        return Ok(());
    }
    let mut path = Vec::new();
    let mut row = vec![None; roots.len()];
    let mut folders = vec![None; roots.len()];
    // A stack of our own: the depth is the pusher's choice.
    let mut levels = vec![Level::open(repo, roots, 0)?];
    while let Some(level) = levels.last_mut() {
        if !level.next(&mut path, &mut row) {
            levels.pop();
            continue;
        }
        let mut leaves = false;
        for (cell, folder) in row.iter_mut().zip(&mut folders) {
            *folder = cell.filter(Entry::is_folder).map(|entry| entry.id);
            if folder.is_some() {
                *cell = None;
            }
            leaves |= cell.is_some();
        }
        if leaves {
            leaf(&path, &row)?;
        }
        if folders.iter().any(Option::is_some) && !skip(&folders) {
            if levels.len() >= DEEPEST {
                return Err(GitError::TooLarge { what: "folders in each other", limit: DEEPEST as u64 });
            }
            path.push(b'/');
            levels.push(Level::open(repo, &folders, path.len())?);
        }
    }
    Ok(())
}
