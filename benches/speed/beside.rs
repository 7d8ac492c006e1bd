//! Other programs that judge pushes to Git, beside ours: the same push of unsigned commits, and what it takes with each.

use crate::git::{Pair, SMALL, Shape, git};
use crate::pushes::compare;
use crate::table::skipped;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A hook that has Git verify the signature of each commit. The commits bear none, so what it says is passed over: what counts is
/// that it starts Git once for each.
const VERIFY_COMMIT: &str = "#!/bin/sh\nzero=0000000000000000000000000000000000000000\n\
     while read old new ref; do\n  test $old = $zero && continue\n\
     for commit in $(git rev-list $old..$new); do git verify-commit $commit 2>/dev/null; done\ndone\nexit 0\n";

/// A hook that has `sq-git` judge each update by the policy in the repository; `post-receive` does nothing.
const SQ_GIT: &str = "#!/bin/sh\nwhile read old new ref; do sq-git update-hook --trust-root $old $ref $old $new >/dev/null 2>&1; done\nexit 0\n";

/// What gitolite is told: alice may push to `plain`, but nothing below `secret/`. Its hook has Git list the files that a push changes.
const GITOLITE: &str = "repo plain\n    RW+ = alice\n    - VREF/NAME/secret/ = alice\n";

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
        gitolite(commits);
    }
}

fn rounds(commits: usize) -> usize {
    if commits == 1 { 15 } else { 7 }
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("a script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a script that runs");
}

/// The push to gitolite as ssh would ask it for it; ours goes the shorter way, without its front door.
fn gitolite(commits: usize) {
    let what = format!("git, push of {commits} commits, against `gitolite` with a rule on paths (`VREF/NAME`)");
    let Ok(found) = Command::new("gitolite").args(["query-rc", "GL_BINDIR"]).output() else {
        return skipped(&what, "`gitolite` is not installed");
    };
    let shell = PathBuf::from(String::from_utf8_lossy(&found.stdout).trim()).join("gitolite-shell");
    let rounds = rounds(commits);
    let mut pair = Pair::new(Shape { ahead: commits * rounds, ..SMALL }, Path::new("/bin/true"));
    let (home, ssh, work) = (pair.path("gitolite"), pair.path("ssh"), pair.path("work"));
    fs::create_dir(&home).expect("a folder");
    let setup = |arguments: &[&str]| {
        let done = Command::new("gitolite").arg("setup").args(arguments).env("HOME", &home).output().expect("gitolite");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    setup(&["-a", "admin"]);
    fs::write(home.join(".gitolite/conf/gitolite.conf"), GITOLITE).expect("its settings");
    setup(&[]);
    let asks = format!(
        "#!/bin/sh\nHOME='{}' SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22' SSH_ORIGINAL_COMMAND=\"$2\" exec '{}' alice\n",
        home.display(),
        shell.display()
    );
    script(&ssh, &asks);
    let ssh = ssh.display().to_string();
    for (key, value) in
        [("core.sshCommand", &*ssh), ("ssh.variant", "simple"), ("url.server:plain.insteadOf", "../plain")]
    {
        git(&work, &["config", key, value], b"");
    }
    let base = pair.id(SMALL.commits - 1).hex();
    git(&work, &["push", "--quiet", "../plain", &format!("{base}:refs/heads/main")], b"");
    compare(&mut pair, commits, rounds, &what, "");
}

fn row(name: &str, text: &str, commits: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let hook = folder.path().join("hook");
    script(&hook, text);
    let rounds = rounds(commits);
    let mut pair = Pair::new(Shape { ahead: commits * rounds, ..SMALL }, &hook);
    fs::remove_file(pair.path("plain/hooks/post-receive")).expect("a hook");
    compare(&mut pair, commits, rounds, &format!("git, push of {commits} commits, against {name}"), "");
}
