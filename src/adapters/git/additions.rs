//! Whether a push to `refs/jit/approvals` only adds, and which files it adds.
//!
//! The ref never shrinks and everybody fetches it, so whatever got in stays in everybody's way. Not only the newest tree is looked
//! at: each new commit must add to the one before, in one line, and hold nothing else. Then every new byte is that of a token, of
//! a folder that leads to one, or of a commit, and tokens have quotas.

use super::GitError;
use super::approvals::{FILE, LONGEST_TOKEN, MOST_TOKENS, OwnRefRefusal, TokenFile};
use super::graph::Commits as _;
use super::paths;
use super::repository::GitRepository;
use super::tree::Entry;
use crate::domain::change::{ChangesetId, RepoPath};
use git2::ObjectType;
use std::cell::Cell;

/// New commits in one push.
const MOST_COMMITS: usize = 1_000;
/// Bytes of a commit, its message included.
const LONGEST_COMMIT: usize = 16 * 1024;

impl GitRepository {
    /// Returns the files that a move of `refs/jit/approvals` from `old` to `new` adds, sorted by path, if it does nothing else.
    ///
    /// # Errors
    /// [`OwnRefRefusal`] names the first thing that is more than adding plain files.
    pub fn added_approvals(
        &self,
        old: Option<&ChangesetId>,
        new: &ChangesetId,
    ) -> Result<Vec<TokenFile>, OwnRefRefusal> {
        self.commit_tree_of(new)?;
        let mut before = old.map(|old| self.commit_tree_of(old)).transpose()?;
        let mut added = Vec::new();
        for commit in self.line(old, new)? {
            let after = self.node(&commit)?.tree;
            let had = added.len();
            self.add(before, after, &mut added)?;
            if added.len() == had {
                return Err(OwnRefRefusal::AddsNothing { commit });
            }
            before = Some(after);
        }
        added.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        added.into_iter().map(|(path, entry)| self.token_file(path, &entry)).collect()
    }

    /// Returns the commits from `old`, which is left out, to `new`; each is the only parent of the next.
    fn line(&self, old: Option<&ChangesetId>, new: &ChangesetId) -> Result<Vec<ChangesetId>, OwnRefRefusal> {
        let mut line = Vec::new();
        let mut at = Some(*new);
        while let Some(commit) = at.filter(|at| Some(at) != old) {
            if line.len() >= MOST_COMMITS {
                return Err(OwnRefRefusal::TooManyCommits { limit: MOST_COMMITS });
            }
            if self.length_of(&commit)? > LONGEST_COMMIT {
                return Err(OwnRefRefusal::LongCommit { commit, limit: LONGEST_COMMIT });
            }
            at = match self.node(&commit)?.parents[..] {
                [] => None,
                [parent] => Some(parent),
                _ => return Err(OwnRefRefusal::Merge { commit }),
            };
            line.push(commit);
        }
        match old {
            Some(old) if at != Some(*old) => Err(OwnRefRefusal::NotForward { old: *old, new: *new }),
            _ => {
                line.reverse();
                Ok(line)
            }
        }
    }

    /// Appends to `added` what the tree `after` has and `before` has not.
    fn add(
        &self,
        before: Option<ChangesetId>,
        after: ChangesetId,
        added: &mut Vec<(RepoPath, Entry)>,
    ) -> Result<(), OwnRefRefusal> {
        let hollow = Cell::new(false);
        let mut refusal = None;
        paths::walk(
            self,
            &[before, Some(after)],
            |row| {
                // A folder that cannot be read is met again when it is opened, and is an error there.
                let new = row[1].filter(|_| row[0] != row[1]);
                hollow.set(hollow.get() || new.is_some_and(|id| self.tree(&id).is_ok_and(|tree| tree.len() == 0)));
                row[0] == row[1]
            },
            |path, row| {
                let path = || RepoPath::new(path);
                let refused = match (row[0], row[1]) {
                    _ if refusal.is_some() => return Ok(()),
                    (one, two) if one == two => return Ok(()),
                    (Some(_), None) => OwnRefRefusal::Removed { path: path() },
                    (Some(_), Some(_)) => OwnRefRefusal::Changed { path: path() },
                    (None, Some(entry)) if entry.mode != FILE => OwnRefRefusal::NotAFile { path: path() },
                    (None, _) if added.len() >= MOST_TOKENS => OwnRefRefusal::TooMany { limit: MOST_TOKENS },
                    (None, Some(entry)) => {
                        added.push((path(), entry));
                        return Ok(());
                    }
                    (None, None) => return Ok(()),
                };
                refusal = Some(refused);
                Ok(())
            },
        )?;
        match refusal {
            Some(refusal) => Err(refusal),
            None if hollow.get() => Err(OwnRefRefusal::EmptyFolder),
            None => Ok(()),
        }
    }

    fn token_file(&self, path: RepoPath, entry: &Entry) -> Result<TokenFile, OwnRefRefusal> {
        if self.kind_of(&entry.id)? != Some(ObjectType::Blob) {
            return Err(OwnRefRefusal::NotAFile { path });
        }
        match self.blob(&entry.id, LONGEST_TOKEN) {
            Ok(text) => Ok(TokenFile { path, text }),
            Err(GitError::TooLarge { .. }) => Err(OwnRefRefusal::TooLong { path, limit: LONGEST_TOKEN }),
            Err(error) => Err(error.into()),
        }
    }
}
