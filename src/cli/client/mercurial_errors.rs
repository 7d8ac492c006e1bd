//! What a Mercurial clone's user reads when hg or the server are not as they should be: causes in plain words, and the advice.

use crate::adapters::mercurial::{BundleError, HgError};
use crate::cli::client_errors::lines;
use crate::cli::{Exit, Failure, safe};

/// Something that hg did not do, with its words.
pub fn failure(error: &HgError) -> Failure {
    let mut failure = Failure::from_error(Exit::Undecided, error);
    match error {
        HgError::NotStarted(_) => failure.hint("jit uses your own `hg`: is it installed, and in PATH?"),
        HgError::Failed { said, .. } => {
            failure.chain.extend(lines(said));
            failure
        }
        _ => failure,
    }
}

/// A server that was not reached.
pub fn unreached(error: &HgError, remote: &str) -> Failure {
    let failure = failure(error);
    match error {
        HgError::Failed { .. } => failure.context(format!("the remote `{}` was not reached", safe(remote.as_bytes()))),
        _ => failure,
    }
}

/// A changeset that could not be written.
pub fn bundle_failure(error: &BundleError) -> Failure {
    Failure::from_error(Exit::Undecided, error).context("what should be sent cannot be written as a changeset")
}
