//! What a client's user reads when the server or its log are not as they should be: causes in plain words, and the advice.

use super::local_clone::System;
use super::{Exit, Failure, safe};
use crate::adapters::disk::MemoryError;
use crate::adapters::disk::published::Published;
use crate::ports::history::HistoryError;

/// Lines of a program's words that are shown.
const SHOWN_LINES: usize = 20;

/// What another program wrote, line by line, escaped.
pub fn lines(said: &[u8]) -> Vec<String> {
    let all: Vec<&[u8]> =
        said.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    all.iter().take(SHOWN_LINES).map(|line| safe(line)).collect()
}

/// A server without jit.
pub fn not_jit(system: System, remote: &str) -> Failure {
    Failure::undecided(format!("the remote `{}` has no jit: it publishes no policy", safe(remote.as_bytes())))
        .hint("an administrator of the server runs `jit install` in its repository")
        .hint(format!(
            "another remote can be named with `--remote NAME`, or for good with {}",
            system.setting("remote", "NAME")
        ))
}

/// A server that calls itself another than before; `forget` is what to type if that is right.
pub fn another_repository(remote: &str, known: &Published, shown: &Published, forget: &str) -> Failure {
    let words = |one: &Published| format!("{} with the log {}", safe(one.repository.as_bytes()), one.key);
    let what = format!(
        "the remote `{}` is another repository than before: it was {}, now it is {}",
        safe(remote.as_bytes()),
        words(known),
        words(shown)
    );
    Failure::new(Exit::Denied, what)
        .hint("ask its administrator; approvals that are signed now would be for that other repository")
        .hint(format!("if it is right, `{forget}` forgets what it was before"))
}

/// A server that did not take a token or a request, with its words.
pub fn refused(what: &str, words: &[&[u8]]) -> Failure {
    let mut failure = Failure::new(Exit::Denied, format!("the server did not take the {what}"));
    failure.chain.extend(words.iter().flat_map(|words| lines(words)));
    failure
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
