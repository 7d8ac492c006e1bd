//! What a client's user reads when git, the server or its log are not as they should be: causes in plain words, and the advice.

use super::{Exit, Failure, safe};
use crate::adapters::disk::MemoryError;
use crate::adapters::git::{CheckoutError, GitError, OpenError, Remote, RemoteError};
use crate::ports::history::HistoryError;

/// Lines of a program's words that are shown.
const SHOWN_LINES: usize = 20;

/// No repository, or none that can be used.
pub fn checkout_failure(error: &CheckoutError) -> Failure {
    let failure = Failure::from_error(Exit::Undecided, error);
    match error {
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

/// What another program wrote, line by line, escaped.
pub fn lines(said: &[u8]) -> Vec<String> {
    let all: Vec<&[u8]> =
        said.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    all.iter().take(SHOWN_LINES).map(|line| safe(line)).collect()
}

/// An object or ref of the clone that could not be read or written.
pub fn git_failure(error: &GitError) -> Failure {
    let failure = Failure::from_error(Exit::Undecided, error);
    match error {
        GitError::Missing { .. } => failure.hint("`git fetch` may bring it"),
        _ => failure,
    }
}

/// A push that claims what cannot be, or whose history cannot be read.
pub fn history_failure(error: &HistoryError) -> Failure {
    let mut failure = Failure::from_error(Exit::Undecided, error);
    if let HistoryError::Refused(claims) = error {
        failure.exit = Exit::Denied;
        failure.chain.extend(claims.iter().map(|claim| safe(claim.to_string().as_bytes())));
    }
    failure
}

/// A log that is not what it was. Nothing that its server says is to be relied on, so every command ends here.
pub fn memory_failure(error: &MemoryError) -> Failure {
    let suspicious = |failure: Failure| {
        failure
            .hint("do not sign or push until an administrator has explained it: entries of the log may have been removed or replaced")
    };
    let failure = Failure::from_error(Exit::Denied, error);
    match error {
        MemoryError::KeyChanged { path, .. } => {
            let path = safe(path.as_os_str().as_encoded_bytes());
            suspicious(failure).hint(format!("if the key was replaced on purpose, remove {path} to start anew"))
        }
        MemoryError::Shrunk { path, .. } | MemoryError::Forked { path, .. } | MemoryError::Gone { path, .. } => {
            let path = safe(path.as_os_str().as_encoded_bytes());
            suspicious(failure).hint(format!(
                "if the server was restored from a back-up, as its log then says, remove {path} to start anew"
            ))
        }
        MemoryError::Checkpoint { .. } => suspicious(failure),
        MemoryError::Damaged { .. } | MemoryError::NoHome | MemoryError::Io { .. } => {
            Failure::from_error(Exit::Undecided, error)
        }
    }
}
