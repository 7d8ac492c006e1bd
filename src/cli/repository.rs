//! Finds the repository that a command is about.

use super::{Failure, IntoFailure, ServerParts};
use crate::adapters::git::GitRepository;
use std::path::{Path, PathBuf};

/// A repository on this machine.
pub struct Found {
    /// The folder that all its working copies share: the bare repository, or `.git`.
    pub common_dir: PathBuf,
    /// The repository itself.
    pub git: GitRepository,
}

/// Opens the repository at `path`, or the one of the current folder.
///
/// # Errors
/// A [`Failure`] if there is none, or one that cannot be judged.
pub fn find(path: Option<&Path>) -> Result<Found, Failure> {
    let path = path.unwrap_or(Path::new("."));
    if path.join(".hg").is_dir() && !path.join(".git").exists() {
        return Err(Failure::undecided(format!("{} is a Mercurial repository", path.display()))
            .hint("this version protects Git repositories only"));
    }
    let git = GitRepository::containing(path)
        .or_fail()
        .map_err(|failure| failure.context(format!("there is no repository to work on at {}", path.display())))?;
    let common_dir = git.common_dir().canonicalize().or_fail()?;
    Ok(Found { common_dir, git })
}

/// Opens the server side of the repository at `path`, or of the current folder.
///
/// # Errors
/// A [`Failure`] if jit is not installed there.
pub fn server(path: Option<&Path>) -> Result<ServerParts, Failure> {
    let found = find(path)?;
    ServerParts::open(&found.common_dir).map_err(|failure| {
        failure
            .context(format!("jit is not installed in {}", found.common_dir.display()))
            .hint("`jit install` makes a central repository ask before anything lands")
    })
}
