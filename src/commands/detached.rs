//! Processes that a hook starts and does not wait for: whoever pushes must not, either.

use crate::cli::ServerParts;
use std::env;
use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

/// Starts this program with `arguments`, and goes on.
///
/// What cannot be started is left to the next push: so this never fails.
pub fn start(parts: &ServerParts, arguments: impl IntoIterator<Item = OsString>) {
    let mut command = Command::new(&parts.settings.binary);
    // Whoever pushes waits until every process has let go of these.
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // They are about this push: its quarantine, its options.
    let of_push =
        |name: &OsStr| ["GIT_", "HG_"].iter().any(|word| name.as_encoded_bytes().starts_with(word.as_bytes()));
    for name in env::vars_os().map(|(name, _)| name).filter(|name| of_push(name)) {
        command.env_remove(name);
    }
    let _left_to_the_next_push = command.spawn();
}

/// Leaves the group that ends with the connection. A process that leads one already has nothing to leave.
pub fn leave() {
    let _alone = rustix::process::setsid();
}
