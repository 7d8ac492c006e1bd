//! What a repository as it stands has: the branch that a clone would check out, and the paths of a commit.

use super::graph::Commits as _;
use super::repository::RefValue;
use super::{GitError, GitRepository, paths};
use crate::domain::change::{ChangesetId, RepoPath, Target};

impl GitRepository {
    /// Returns the branch that `HEAD` names, which need not exist; `None`: it names a commit.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn head(&self) -> Result<Option<Target>, GitError> {
        Ok(match self.ref_value("HEAD")? {
            Some(RefValue::Symbolic(name)) => Target::git_ref(&name).ok(),
            _ => None,
        })
    }

    /// Returns the paths that `value`, a commit or a tag of one, tracks, sorted; none if it names no commit.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn tracked(&self, value: &ChangesetId) -> Result<Vec<RepoPath>, GitError> {
        let Some(commit) = self.commit_behind(value)? else { return Ok(Vec::new()) };
        paths::differing(self, Some(self.node(&commit)?.tree), vec![None])
    }
}
