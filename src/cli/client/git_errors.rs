//! What a Git clone's user reads when git or the server are not as they should be: causes in plain words, and the advice.

use crate::adapters::git::{CheckoutError, GitError, OpenError, Remote, RemoteError};
use crate::cli::client_errors::lines;
use crate::cli::{Exit, Failure, safe};

/// No repository, or none that can be used.
pub fn checkout_failure(error: &CheckoutError) -> Failure {
    let mut failure = Failure::from_error(Exit::Undecided, error);
    match error {
        CheckoutError::Failed { said, .. } => {
            failure.chain.extend(lines(said));
            failure
        }
        CheckoutError::NotStarted(_) => failure.hint("jit uses your own `git`: is it installed, and in PATH?"),
        CheckoutError::Open { why: OpenError::Shallow, .. } => {
            failure.hint("`git fetch --unshallow` brings the rest of the history")
        }
        _ => failure,
    }
}

/// A remote that was not reached, or could not be chosen.
pub fn remote_failure(error: &RemoteError, remote: Option<&Remote>) -> Failure {
    match error {
        RemoteError::Checkout(error) => checkout_failure(error),
        RemoteError::None => Failure::from_error(Exit::Usage, error)
            .hint("`git remote add origin URL` adds one; or give a URL with `--remote`"),
        RemoteError::Several(_) => Failure::from_error(Exit::Usage, error)
            .hint("name one with `--remote NAME`, or for good with `git config jit.remote NAME`"),
        RemoteError::Failed { said, .. } => {
            let mut failure = Failure::from_error(Exit::Undecided, error);
            if let Some(remote) = remote {
                failure = failure.context(format!("the remote `{}` was not reached", safe(remote.name().as_bytes())));
            }
            failure.chain.extend(lines(said));
            failure
        }
        RemoteError::Listing => Failure::from_error(Exit::Undecided, error),
    }
}

/// An object or ref of the clone that could not be read or written.
pub fn failure(error: &GitError) -> Failure {
    let failure = Failure::from_error(Exit::Undecided, error);
    match error {
        GitError::Missing { .. } => failure.hint("`git fetch` may bring it"),
        _ => failure,
    }
}
