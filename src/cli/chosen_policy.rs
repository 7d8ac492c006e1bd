//! Which policy a command is about: the one in a folder, the one in force here, or the one that the server of a clone publishes.

use super::client::Client;
use super::repository::{self, Found};
use super::{Context, Failure, IntoFailure, faults_report};
use crate::adapters::disk::PolicyFolder;
use crate::adapters::disk::folder::Folder;
use crate::domain::policy::{Policy, PolicyFile, load};
use std::path::Path;

/// Tells whether pushes to the repository are judged by a policy that stands in it.
pub fn is_central(found: &Found) -> bool {
    Folder::of(&found.common_dir).config().exists()
}

/// Loads the policy in `dir`; without one that of the repository at `repository` (default: of the current folder), or of its server.
///
/// # Errors
/// A [`Failure`] if there is none, or it does not load; its faults are on the terminal then.
pub fn chosen_policy(dir: Option<&Path>, repository: Option<&Path>, cx: &Context) -> Result<Policy, Failure> {
    if let Some(dir) = dir {
        return loaded(&PolicyFolder::read(dir).or_fail()?, cx);
    }
    let found = repository::find(repository)?;
    if is_central(&found) {
        return loaded(&PolicyFolder::read(&Folder::of(&found.common_dir).policies()).or_fail()?, cx);
    }
    if repository.is_some() {
        return Err(
            Failure::usage("jit is not installed there, so no policy is in force").hint("name the policy's folder")
        );
    }
    Ok(Client::open(None, cx)?.policy)
}

fn loaded(files: &[PolicyFile], cx: &Context) -> Result<Policy, Failure> {
    load(files).map_err(|faults| {
        cx.terminal.raw(&faults_report(&faults));
        Failure::undecided("the policy does not load")
    })
}
