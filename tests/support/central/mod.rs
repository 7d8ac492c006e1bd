//! A central repository of either system, for cases that exist in both.
//!
//! A case is written once, in Git's words: targets are `refs/heads/…` and `refs/tags/…`, rules name `branches`. In Mercurial
//! the same case is tried with what stands for that there ([`Form`]), and the harness translates rules and expected
//! words. A case says who commits, who signs and who pushes:
//!
//! ```ignore
//! let repo = Central::new(form, RULES);
//! let commit = repo.commit(ALICE, &["src/lib.rs"]);
//! repo.refused(ALICE, to(MAIN, commit), &["alice may not update refs/heads/main", "needs 1 approval"]);
//! repo.approve(BOB, commit, MAIN);
//! repo.accepted(ALICE, to(MAIN, commit));
//! ```

mod content;
mod form;
mod git;
mod mercurial;
mod pushes;
mod system;

pub use form::Form;
pub use pushes::{Push, deletion, to};

use crate::support::{ALICE, Guarded, MAIN, Person, Said, TestRepo, people};
use jit::domain::change::{ChangesetId, IdKind, Target};
use mercurial::Mercurial;
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use system::System;

/// A server with `jit` installed, and one clone of it in which everybody commits.
pub struct Central {
    pub form: Form,
    /// The commit on `main` from before the installation.
    pub start: ChangesetId,
    system: Box<dyn System>,
    /// Counts what was written: contents differ from commit to commit.
    moment: Cell<u64>,
}

impl Central {
    /// A server whose `main` had one commit by alice, of `README` and `db/0.sql`, before `jit` was installed with
    /// alice, bob and carol as principals, `default = "allow"`, and `rules`.
    pub fn new(form: Form, rules: &str) -> Self {
        Self::with_branches(form, rules, &[])
    }

    /// As [`Central::new`], with more branches from before the installation: at the first commit, or, where a commit is
    /// on one branch, at a commit of their own on top of it.
    pub fn with_branches(form: Form, rules: &str, branches: &[&str]) -> Self {
        let repo = Self::uninstalled(form, branches);
        repo.install(&in_force("allow", &people(), rules));
        repo
    }

    fn uninstalled(form: Form, branches: &[&str]) -> Self {
        let system: Box<dyn System> = match form {
            Form::Git => Box::new(TestRepo::uninstalled(IdKind::GitSha1)),
            Form::Named | Form::Bookmarks => Box::new(Mercurial::new()),
        };
        for path in ["README", "db/0.sql"] {
            write(&system.work().join(path), "the first line\n");
        }
        let start = system.record(ALICE, "begin");
        let repo = Self { form, start, system, moment: Cell::new(0) };
        let mut push = to(MAIN, start);
        for branch in branches {
            let tip = if form == Form::Named { repo.on(branch).commit(ALICE, &[]) } else { start };
            push = push.and(branch, tip);
            repo.go(start);
        }
        let said = repo.push(ALICE, &push);
        assert!(said.succeeded(), "{}", said.err);
        repo
    }

    /// As [`Central::new`], with this whole policy.
    pub fn of_policy(form: Form, policy: &str) -> Self {
        let repo = Self::uninstalled(form, &[]);
        repo.install(policy);
        repo
    }

    fn install(&self, policy: &str) {
        let (policies, state) = (self.write_policy(policy), text(&self.state_folder()));
        let origin = "central.example.com/server";
        let said = self.jit(&["install", "--policies", &policies, "--state-dir", &state, "--origin", origin]);
        assert!(said.succeeded(), "{}", said.err);
    }

    /// Writes the policy of one file that commands take, and returns its folder.
    pub fn write_policy(&self, policy: &str) -> String {
        let folder = self.system.path("policies");
        write(&folder.join("policy.toml"), &self.form.rules(policy));
        text(&folder)
    }

    /// Puts this policy in force.
    pub fn apply(&self, policy: &str) -> Said {
        let folder = self.write_policy(policy);
        self.jit(&["policy", "apply", "--yes", &folder])
    }

    /// Runs the built program; its last argument is the server.
    pub fn jit(&self, arguments: &[&str]) -> Said {
        let server = text(&self.system.server());
        self.system.jit(&[arguments, &[&server]].concat())
    }

    /// Changes the server's configuration.
    pub fn configure(&self, from: &str, to: &str) {
        replace(&self.jit_path("config.toml"), from, to);
    }

    /// Adds a line to each of `paths` and commits, together with whatever else was changed in the clone.
    pub fn commit(&self, who: Person, paths: &[&str]) -> ChangesetId {
        self.commit_as(who, paths, &format!("change {}", paths.join(" ")))
    }

    /// As [`Central::commit`], with this message.
    pub fn commit_as(&self, who: Person, paths: &[&str], message: &str) -> ChangesetId {
        for path in paths {
            let before = fs::read_to_string(self.file(path)).unwrap_or_default();
            self.moment.set(self.moment.get() + 1);
            write(&self.file(path), &format!("{before}line {}\n", self.moment.get()));
        }
        self.system.record(who, message)
    }

    /// A file of the working copy.
    pub fn file(&self, path: &str) -> PathBuf {
        self.system.work().join(path)
    }

    /// Makes the working copy what `changeset` has: the parent of the next commit.
    pub fn go(&self, changeset: ChangesetId) {
        self.system.go(Some(changeset));
    }

    /// Makes the working copy empty: the next commit has no parent.
    pub fn go_to_nothing(&self) {
        self.system.go(None);
    }

    /// The next commits are for this branch. That changes nothing where a commit is on no branch of its own.
    pub fn on(&self, refname: &str) -> &Self {
        self.system.on(&self.target(refname));
        self
    }

    /// Merges `other` into the working copy, without a commit; where both edited a file the working copy's stays.
    pub fn merge(&self, other: ChangesetId) {
        self.system.merge(other);
    }

    /// Gives a tag of the clone to `changeset`; a push to the tag sends it.
    pub fn tag(&self, refname: &str, changeset: ChangesetId) {
        self.system.tag(&self.target(refname), Some(changeset));
    }

    /// Takes a tag away in the clone; a push of its deletion sends that.
    pub fn untag(&self, refname: &str) {
        self.system.tag(&self.target(refname), None);
    }

    /// Changes a target of the server behind the back of every hook.
    pub fn set_behind(&self, refname: &str, changeset: Option<ChangesetId>) {
        self.system.set_behind(&self.target(refname), changeset);
    }

    /// The server's hooks do not find the program any more.
    pub fn lose_program(&self) {
        self.system.lose_program();
    }

    /// The server's hook that records outcomes does not run any more.
    pub fn lose_outcomes(&self) {
        self.system.lose_outcomes();
    }

    /// From now on, or no longer, something else on the server stops every push that `jit` has allowed.
    pub fn stop_all(&self, stopped: bool) {
        self.system.stop_all(stopped);
    }
}

impl Guarded for Central {
    fn jit_folder(&self) -> PathBuf {
        self.system.jit_folder()
    }

    fn state_folder(&self) -> PathBuf {
        self.system.path("state")
    }

    fn target(&self, refname: &str) -> Target {
        Target::parse(&self.form.words(refname)).expect("a target")
    }

    fn values(&self, refname: &str) -> Vec<ChangesetId> {
        self.system.values(&self.target(refname))
    }
}

/// A whole policy: what happens where no rule is, who is in it, and the rules.
pub fn in_force(default: &str, people: &str, rules: &str) -> String {
    format!("version = 1\ndefault = \"{default}\"\n{people}{rules}")
}

/// Replaces what stands in a file, and leaves the file's mode.
fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a text");
    assert!(text.contains(from), "no `{from}` in {text}");
    fs::write(path, text.replace(from, to)).expect("written");
}

fn text(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}
