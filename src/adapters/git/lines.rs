//! How many lines a commit changes of its own accord.
//!
//! Each path is held against each of the trees from which the commit differs, and the largest difference counts: what a merge changes
//! itself cannot be told from what it took over, and counting too much only asks for more.

use super::GitError;
use super::repository::GitRepository;
use super::tree::Entry;
use crate::domain::change::{ChangesetId, LONGEST_CONTENT, RepoPath, most_changed_lines};
use git2::ObjectType;

/// The mode of a submodule.
const SUBMODULE: u32 = 0o160_000;

/// Counts the lines by which `paths` differ between the tree `result` and `others` (none: the tree without leaves), not beyond
/// `most` + 1; `None` if a content is too long, or to count would take too long.
pub(super) fn changed(
    repo: &GitRepository,
    result: ChangesetId,
    others: &[ChangesetId],
    paths: &[RepoPath],
    most: usize,
) -> Result<Option<usize>, GitError> {
    let none = [None];
    let mut total = 0;
    for path in paths {
        let new = leaf(repo, result, path)?;
        let olds = others.iter().map(|tree| leaf(repo, *tree, path)).collect::<Result<Vec<_>, _>>()?;
        let olds = if others.is_empty() { &none[..] } else { &olds };
        // A mode has no lines.
        let differs = |old: &&Option<Entry>| old.map(|entry| entry.id) != new.map(|entry| entry.id);
        let differ: Vec<_> = olds.iter().filter(differs).collect();
        if differ.is_empty() {
            continue;
        }
        let olds: Option<Vec<Vec<u8>>> =
            differ.into_iter().map(|old| content(repo, old.as_ref())).collect::<Result<_, _>>()?;
        let contents = olds.zip(content(repo, new.as_ref())?);
        match contents.and_then(|(olds, new)| most_changed_lines(&olds, &new, most)) {
            Some(lines) => total += lines,
            None => return Ok(None),
        }
        if total > most {
            return Ok(Some(most + 1));
        }
    }
    Ok(Some(total))
}

/// Returns the bytes of a leaf, none for one that is absent; a submodule is one line. `None`: they are too many.
fn content(repo: &GitRepository, entry: Option<&Entry>) -> Result<Option<Vec<u8>>, GitError> {
    repo.budget.file()?;
    match entry {
        None => Ok(Some(Vec::new())),
        Some(entry) if entry.mode == SUBMODULE => Ok(Some(entry.id.hex().into_bytes())),
        Some(entry) if repo.length_of(&entry.id)? > LONGEST_CONTENT => Ok(None),
        Some(entry) => repo.with_object(&entry.id, ObjectType::Blob, |bytes| Some(bytes.to_vec())),
    }
}

fn leaf(repo: &GitRepository, root: ChangesetId, path: &RepoPath) -> Result<Option<Entry>, GitError> {
    let mut folder = root;
    let mut names = path.as_bytes().split(|byte| *byte == b'/').peekable();
    while let Some(name) = names.next() {
        match repo.tree(&folder)?.find(name) {
            Some(entry) if entry.is_folder() => folder = entry.id,
            found => return Ok(found.filter(|_| names.peek().is_none())),
        }
    }
    Ok(None)
}
