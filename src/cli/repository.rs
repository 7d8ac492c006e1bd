//! Finds the repository that a command is about.

use super::{Failure, IntoFailure, ServerParts};
use crate::adapters::git::GitRepository;
use crate::adapters::mercurial::Hg;
use std::path::{Path, PathBuf};

/// A repository on this machine.
pub struct Found {
    /// The folder that holds the `jit` folder and that all working copies share: the bare repository, `.git`, or the `.hg` with the
    /// store.
    pub common_dir: PathBuf,
    /// The repository itself.
    pub repository: Repository,
}

/// A repository of either system.
pub enum Repository {
    /// Git.
    Git(Box<GitRepository>),
    /// Mercurial.
    Mercurial(Hg),
}

/// Opens the repository at `path`, or the one of the current folder; where one stands within the other, the inner one.
///
/// # Errors
/// A [`Failure`] if there is none, or one that cannot be judged.
pub fn find(path: Option<&Path>) -> Result<Found, Failure> {
    let path = path.unwrap_or(Path::new("."));
    let none = |failure: Failure| failure.context(format!("there is no repository to work on at {}", path.display()));
    if is_mercurial(path)
        && let Some(hg) = Hg::find(path).or_fail().map_err(none)?
    {
        return Ok(Found { common_dir: hg.dot_hg().to_owned(), repository: Repository::Mercurial(hg) });
    }
    let git = GitRepository::containing(path).or_fail().map_err(none)?;
    let common_dir = git.common_dir().canonicalize().or_fail()?;
    Ok(Found { common_dir, repository: Repository::Git(Box::new(git)) })
}

/// Tells whether the innermost repository around `path` is one of Mercurial.
fn is_mercurial(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let is_git = |folder: &Path| folder.join(".git").exists() || folder.join("objects").is_dir();
    let innermost = path.ancestors().find(|folder| is_git(folder) || folder.join(".hg").is_dir());
    innermost.is_some_and(|folder| !is_git(folder))
}

/// Opens the server side of the repository at `path`, or of the current folder.
///
/// # Errors
/// A [`Failure`] if jit is not installed there.
pub fn server(path: Option<&Path>) -> Result<ServerParts, Failure> {
    server_of(&find(path)?)
}

/// Opens the server side of a repository that was found.
///
/// # Errors
/// A [`Failure`] if jit is not installed there.
pub fn server_of(found: &Found) -> Result<ServerParts, Failure> {
    ServerParts::open(&found.common_dir).map_err(|failure| {
        failure
            .context(format!("jit is not installed in {}", found.common_dir.display()))
            .hint("`jit install` makes a central repository ask before anything lands")
    })
}
