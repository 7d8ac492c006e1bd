//! The commits of an update, as evaluation sees them.

use super::GitError;
use super::commit;
use super::graph::Commits;
use super::lines;
use super::paths;
use super::repository::GitRepository;
use crate::domain::change::{Changeset, ChangesetId, TipChange, trailers};
use crate::ports::history::{Need, OwnPaths};
use std::thread;

/// From so many commits on several threads read them: each opens the repository for itself.
pub(super) const WORTH_THREADS: usize = 2_000;

/// More threads than this would wait for each other.
const MOST_THREADS: usize = 4;

/// Reads the commits `ids`, in that order, with the own paths and trailers that `need` asks for.
pub(super) fn changesets(
    repo: &GitRepository,
    ids: &[ChangesetId],
    need: &Need<'_>,
) -> Result<Vec<Changeset>, GitError> {
    let wanted = Wanted { own_paths: need.own_paths, lines: need.lines, trailers: need.trailers };
    let threads = match ids.len() {
        ..WORTH_THREADS => 1,
        _ => thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS),
    };
    // Neighbours share most of their folders, so they stay together.
    let (mine, others) = ids.split_at(ids.len().div_ceil(threads));
    thread::scope(|scope| {
        let read_elsewhere = |part| {
            let door = repo.door();
            scope.spawn(move || read(&door.open()?, part, wanted))
        };
        let others: Vec<_> = others.chunks(mine.len().max(1)).map(read_elsewhere).collect();
        let mut all = read(repo, mine, wanted)?;
        for other in others {
            all.extend(other.join().expect("reading commits does not panic")?);
        }
        Ok(all)
    })
}

/// What of [`Need`] is asked of each commit.
#[derive(Clone, Copy)]
struct Wanted {
    own_paths: OwnPaths,
    lines: Option<usize>,
    trailers: bool,
}

fn read(repo: &GitRepository, ids: &[ChangesetId], need: Wanted) -> Result<Vec<Changeset>, GitError> {
    let mut read = Vec::with_capacity(ids.len());
    for id in ids {
        let node = repo.node(id)?;
        let (signature, trailers) = repo.with_commit(id, |object| {
            let trailers = if need.trailers { trailers(commit::message(object)) } else { None };
            (commit::signature(object), trailers)
        })?;
        let looked_at = match need.own_paths {
            OwnPaths::Unneeded => false,
            OwnPaths::Merges => node.parents.len() > 1,
            OwnPaths::All => true,
        };
        let own_paths = if looked_at { Some(paths::own_paths(repo, id)?) } else { None };
        let lines = match (need.lines, &own_paths) {
            (Some(most), Some(paths)) => lines::changed(repo, node.tree, &trees(repo, &node.parents)?, paths, most)?,
            _ => None,
        };
        read.push(Changeset {
            id: *id,
            parents: node.parents.clone(),
            authors: signature.authors,
            committer: Some(signature.committer),
            summary: signature.summary,
            own_paths,
            lines,
            trailers,
        });
    }
    Ok(read)
}

fn trees(repo: &GitRepository, commits: &[ChangesetId]) -> Result<Vec<ChangesetId>, GitError> {
    commits.iter().map(|commit| repo.node(commit).map(|node| node.tree)).collect()
}

/// Compares each tip with each old head, and counts lines if somebody asks for them; with no old head that is a commit, it cannot be said
/// where they differ.
pub(super) fn tip_changes(
    repo: &GitRepository,
    tips: &[ChangesetId],
    old_heads: &[ChangesetId],
    need: &Need<'_>,
) -> Result<Vec<TipChange>, GitError> {
    let mut changes = Vec::new();
    for tip in tips {
        let tree = repo.node(tip)?.tree;
        for before in trees(repo, old_heads)? {
            let paths = paths::differing(repo, Some(tree), vec![Some(before)])?;
            let lines = match need.lines {
                Some(most) => lines::changed(repo, tree, &[before], &paths, most)?,
                None => None,
            };
            changes.push(TipChange { tip: *tip, paths: Some(paths), lines });
        }
        if old_heads.is_empty() {
            changes.push(TipChange { tip: *tip, paths: None, lines: None });
        }
    }
    Ok(changes)
}
