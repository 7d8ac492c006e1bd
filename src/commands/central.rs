//! A central repository as its administrator's commands see it: what is different between Git and Mercurial.

mod git;
mod mercurial;
mod sibling;

use super::findings::Findings;
use crate::cli::repository::{Found, Repository};
use crate::cli::{Failure, ServerParts};
use crate::domain::audit::System;
use crate::domain::change::{ChangesetId, Target};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What stands in the way of a push, and what it stands on.
pub trait Central {
    /// Returns which system keeps the repository.
    fn system(&self) -> System;

    /// Returns where it stands, as people call it.
    fn place(&self) -> &Path;

    /// Returns the name of its folder.
    fn name(&self) -> String;

    /// Tells whether people seem to work in it, so that the client side is meant.
    ///
    /// # Errors
    /// A [`Failure`] if that cannot be found out.
    fn is_a_clone(&self) -> Result<bool, Failure>;

    /// Looks for what keeps it from being protected, before anything is changed.
    ///
    /// # Errors
    /// A [`Failure`] that says what.
    fn admit(&self) -> Result<(), Failure>;

    /// Returns what nobody else may write: paths that are always there, and paths that need not be.
    fn guarded(&self) -> (Vec<PathBuf>, Vec<PathBuf>);

    /// Returns every target that exists, with its value.
    ///
    /// # Errors
    /// A [`Failure`] if they cannot be listed.
    fn targets(&self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, Failure>;

    /// Shows the policy in force to clients: `files` by their paths.
    ///
    /// # Errors
    /// A [`Failure`] if that fails; it changes nothing that decides.
    fn publish(&self, files: BTreeMap<String, Vec<u8>>, parts: &ServerParts) -> Result<(), Failure>;

    /// Tells whether pushes are judged.
    fn is_judging(&self, parts: &ServerParts) -> bool;

    /// Has pushes judged from here on. Everything that judging needs is in place.
    ///
    /// # Errors
    /// A [`Failure`].
    fn hook_up(&self, parts: &ServerParts) -> Result<(), Failure>;

    /// Says in what way the pusher's login is known.
    fn pusher(&self, parts: &ServerParts) -> String;

    /// Says what an administrator should do now, beyond what holds for both systems.
    fn advice(&self) -> Option<String>;

    /// Looks at the hooks and whatever else is different for this system.
    fn examine(&self, parts: &ServerParts, findings: &mut Findings);
}

/// Looks at a repository with an administrator's eyes.
pub fn central(found: Found) -> Box<dyn Central> {
    match found.repository {
        Repository::Git(git) => Box::new(git::GitCentral { common_dir: found.common_dir, git: *git }),
        Repository::Mercurial(hg) => Box::new(mercurial::HgCentral(hg)),
    }
}
