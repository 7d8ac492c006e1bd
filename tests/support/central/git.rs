//! What Git does in its own way.

use super::content::Changed;
use super::replace;
use super::system::{System, Wish};
use crate::support::{ALICE, APPROVALS, PROGRAM, Person, Said, TestRepo, run, token_file};
use jit::domain::approval::SignedToken;
use jit::domain::change::{ChangesetId, Target};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

impl System for TestRepo {
    fn path(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    fn server(&self) -> PathBuf {
        self.server()
    }

    fn jit_folder(&self) -> PathBuf {
        self.server().join("jit")
    }

    fn work(&self) -> PathBuf {
        self.work()
    }

    fn jit(&self, arguments: &[&str]) -> Said {
        self.jit(arguments)
    }

    fn record(&self, who: Person, message: &str) -> ChangesetId {
        self.git(&["add", "--all"]);
        self.git_as(who, &["commit", "--quiet", "--allow-empty", "-m", message]);
        self.rev("HEAD")
    }

    fn changed(&self, changeset: ChangesetId) -> Vec<Changed> {
        let side = |mode: &str, id: &str| {
            let mut git = self.as_pusher("git", ALICE);
            git.current_dir(self.work()).args(["cat-file", "blob", id]);
            (mode != "000000").then(|| (mode.to_owned(), run(git, b"").out))
        };
        let listed = self.git(&["diff-tree", "-r", "--no-renames", "--no-commit-id", &changeset.hex()]);
        let one = |line: &str| {
            let (sides, path) = line.split_once('\t').expect("a path");
            let words: Vec<&str> = sides.trim_start_matches(':').split(' ').collect();
            Changed { path: path.to_owned(), old: side(words[0], words[2]), new: side(words[1], words[3]) }
        };
        listed.lines().map(one).collect()
    }

    fn go(&self, changeset: Option<ChangesetId>) {
        match changeset {
            Some(id) => drop(self.git(&["checkout", "--quiet", "--force", "--detach", &id.hex()])),
            None => {
                self.git(&["checkout", "--quiet", "--orphan", "nothing"]);
                self.git(&["rm", "--quiet", "-r", "-f", "."]);
            }
        }
    }

    fn on(&self, _branch: &Target) {}

    fn merge(&self, other: ChangesetId) {
        self.git(&[
            "merge",
            "--quiet",
            "--no-commit",
            "--no-ff",
            "--allow-unrelated-histories",
            "-X",
            "ours",
            &other.hex(),
        ]);
    }

    fn tag(&self, tag: &Target, changeset: Option<ChangesetId>) {
        if let Some(changeset) = changeset {
            self.git(&["update-ref", &tag.to_string(), &changeset.hex()]);
        }
    }

    fn push(&self, who: Person, wishes: &[Wish]) -> Said {
        run(self.push_process(who, wishes), b"")
    }

    fn push_process(&self, who: Person, wishes: &[Wish]) -> Command {
        let mut git = self.as_pusher("git", who);
        git.current_dir(self.work()).args(["push", "--force", "origin"]);
        git.args(wishes.iter().map(|(target, id)| format!("{}:{target}", id.map(|id| id.hex()).unwrap_or_default())));
        git
    }

    fn send(&self, who: Person, tokens: &[SignedToken], wishes: &[Wish]) -> Said {
        match self.server_tip(APPROVALS) {
            Some(_) => self.git(&["fetch", "--quiet", "origin", &format!("+{APPROVALS}:{APPROVALS}")]),
            None => self.git(&["update-ref", "-d", APPROVALS]),
        };
        self.commit_approvals(&tokens.iter().map(token_file).collect::<Vec<_>>());
        let mut git = self.push_process(who, wishes);
        git.arg(APPROVALS);
        run(git, b"")
    }

    fn lose_program(&self) {
        replace(&self.server().join("hooks/pre-receive"), PROGRAM, "/nonexistent/jit");
    }

    fn lose_outcomes(&self) {
        fs::remove_file(self.server().join("hooks/post-receive")).expect("removed");
    }

    fn stop_all(&self, stopped: bool) {
        let hook = self.server().join("hooks/update");
        if stopped {
            fs::write(&hook, "#!/bin/sh\nexit 1\n").expect("written");
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a mode");
        } else {
            fs::remove_file(&hook).expect("removed");
        }
    }

    fn set_behind(&self, target: &Target, changeset: Option<ChangesetId>) {
        let refname = target.to_string();
        match changeset {
            Some(id) => self.server_git(&["update-ref", &refname, &id.hex()]),
            None => self.server_git(&["update-ref", "-d", &refname]),
        };
    }

    fn values(&self, target: &Target) -> Vec<ChangesetId> {
        self.server_tip(&target.to_string()).into_iter().collect()
    }

    fn state(&self) -> String {
        self.all_refs()
    }
}
