//! What a pipeline's own checkout tells: where it came from, and which commit is meant. It may be shallow, so `git` and `hg` are asked.

use super::desk::Wish;
use crate::cli::local_clone::System;
use std::process::{Command, Stdio};

/// Returns the address that the clone of the current folder came from.
pub fn origin() -> Option<String> {
    match System::here().ok()? {
        System::Git => said("git", &["remote", "get-url", "origin"]),
        System::Mercurial => said("hg", &["paths", "default"]),
    }
}

/// Puts the full id in the place of a name that the clone of the current folder knows: what `HEAD` is the server sees otherwise.
pub fn resolved(wish: Wish) -> Wish {
    let Wish::Ask { environment, name, rev, reason } = wish else { return wish };
    let found = System::here().ok().and_then(|system| match system {
        System::Git => {
            said("git", &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{rev}^{{commit}}")])
        }
        System::Mercurial => said("hg", &["log", "--template", "{node}", "--limit", "1", "--rev", &rev]),
    });
    Wish::Ask { environment, name, rev: found.unwrap_or(rev), reason }
}

/// Returns the one line that a program says; `None` where it fails.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("HGPLAIN", "1").stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).ok()?.trim_end().to_owned();
    (!line.is_empty() && !line.contains('\n')).then_some(line)
}
