//! Other programs that judge pushes to Git, beside ours: the same push of signed commits, and what it takes with each.

use crate::git::{Pair, SMALL, Shape};
use crate::pushes::compare;
use crate::table::skipped;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// A hook that has Git verify the signature of each commit. The commits bear none, so what it says is passed over: what counts is
/// that it starts Git once for each.
const VERIFY_COMMIT: &str = "#!/bin/sh\nzero=0000000000000000000000000000000000000000\n\
     while read old new ref; do\n  test $old = $zero && continue\n\
     for commit in $(git rev-list $old..$new); do git verify-commit $commit 2>/dev/null; done\ndone\nexit 0\n";

/// A hook that has `sq-git` judge each update by the policy in the repository; `post-receive` does nothing.
const SQ_GIT: &str = "#!/bin/sh\nwhile read old new ref; do sq-git update-hook --trust-root $old $ref $old $new >/dev/null 2>&1; done\nexit 0\n";

/// All rows.
pub fn rows() {
    for commits in [1, 100] {
        row("a hook that runs `git verify-commit` on each commit", VERIFY_COMMIT, commits);
        match Command::new("sq-git").arg("--version").output() {
            Ok(_) => row("`sq-git update-hook`", SQ_GIT, commits),
            Err(_) => skipped(
                &format!("git, push of {commits} commits, against `sq-git update-hook`"),
                "`sq-git` is not installed",
            ),
        }
    }
}

fn row(name: &str, script: &str, commits: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let hook = folder.path().join("hook");
    fs::write(&hook, script).expect("a hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a hook that runs");
    let rounds = if commits == 1 { 15 } else { 7 };
    let mut pair = Pair::new(Shape { ahead: commits * rounds, ..SMALL }, &hook);
    fs::remove_file(pair.path("plain/hooks/post-receive")).expect("a hook");
    compare(&mut pair, commits, rounds, &format!("git, push of {commits} commits, against {name}"), "");
}
