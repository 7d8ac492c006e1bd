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

mod command_server;
mod git;
mod mercurial;

use crate::support::{ALICE, Guarded, MAIN, Person, Said, TestRepo, people, run};
use jit::domain::approval::SignedToken;
use jit::domain::audit::Verdict;
use jit::domain::change::{ChangesetId, IdKind, Target};
use mercurial::Mercurial;
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// In what a case is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Branches and tags of Git.
    Git,
    /// Named branches and tags of Mercurial; its `main` is called `default`.
    Named,
    /// Bookmarks of Mercurial in the place of branches, on the named branch `default` that no rule guards.
    Bookmarks,
}

impl Form {
    /// What stands in this form for the targets that `text` calls `refs/heads/…` and `refs/tags/…`.
    pub fn words(self, text: &str) -> String {
        match self {
            Self::Git => text.to_owned(),
            Self::Named => text
                .replace(MAIN, "branch:default")
                .replace("refs/heads/", "branch:")
                .replace("refs/tags/", "tag:"),
            Self::Bookmarks => text.replace("refs/heads/", "bookmark:").replace("refs/tags/", "tag:"),
        }
    }

    /// The same rules in this form.
    fn rules(self, rules: &str) -> String {
        match self {
            Self::Git => rules.to_owned(),
            Self::Named => rules.replace("\"main\"", "\"default\""),
            Self::Bookmarks => rules.replace("branches =", "bookmarks ="),
        }
    }
}

/// What one push asks for: targets, and the changeset that each is to have; without one it is deleted.
#[derive(Debug, Clone)]
pub struct Push(Vec<(String, Option<ChangesetId>)>);

/// Asks that `target` has `changeset`.
pub fn to(target: &str, changeset: ChangesetId) -> Push {
    Push(vec![(target.to_owned(), Some(changeset))])
}

/// Asks that `target` goes.
pub fn deletion(target: &str) -> Push {
    Push(vec![(target.to_owned(), None)])
}

impl Push {
    /// And, in the same push, that `target` has `changeset`.
    pub fn and(mut self, target: &str, changeset: ChangesetId) -> Self {
        self.0.push((target.to_owned(), Some(changeset)));
        self
    }
}

/// A target, and the changeset that it is to have; without one it is deleted.
type Wish = (Target, Option<ChangesetId>);

/// What a system does in its own way.
trait System {
    /// A path beside the server and the clone.
    fn path(&self, name: &str) -> PathBuf;

    fn server(&self) -> PathBuf;

    fn jit_folder(&self) -> PathBuf;

    /// The clone's working copy.
    fn work(&self) -> PathBuf;

    /// Runs the built program.
    fn jit(&self, arguments: &[&str]) -> Said;

    /// Commits all that differs in the working copy, even if nothing does.
    fn record(&self, who: Person, message: &str) -> ChangesetId;

    /// Makes the working copy what `changeset` has, or nothing; that is the parent of the next commit.
    fn go(&self, changeset: Option<ChangesetId>);

    /// The next commits are for this branch, where commits know that.
    fn on(&self, branch: &Target);

    /// Merges `other` into the working copy, without a commit; where both edited a file the working copy's stays.
    fn merge(&self, other: ChangesetId);

    /// Gives a tag of the clone to `changeset`, or takes it away.
    fn tag(&self, tag: &Target, changeset: Option<ChangesetId>);

    /// Pushes, by force where the client asks for that.
    fn push(&self, who: Person, wishes: &[Wish]) -> Said;

    /// The same as a process of its own.
    fn push_process(&self, who: Person, wishes: &[Wish]) -> Command;

    /// Brings tokens to the server, and with them the changesets of `wishes`.
    fn send(&self, who: Person, tokens: &[SignedToken], wishes: &[Wish]) -> Said;

    /// The server's values of a target.
    fn values(&self, target: &Target) -> Vec<ChangesetId>;

    /// Everything of the server that a push could change, but what is in its `jit` folder.
    fn state(&self) -> String;
}

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
        let (policies, server) = (self.write_policy(policy), text(&self.system.server()));
        let state = text(&self.state_folder());
        let origin = "central.example.com/server";
        let arguments = ["install", &server, "--policies", &policies, "--state-dir", &state, "--origin", origin];
        let said = self.system.jit(&arguments);
        assert!(said.succeeded(), "{}", said.err);
    }

    /// Writes the policy of one file that commands take, and returns its folder.
    fn write_policy(&self, policy: &str) -> String {
        let folder = self.system.path("policies");
        write(&folder.join("policy.toml"), &self.form.rules(policy));
        text(&folder)
    }

    /// Puts this policy in force.
    pub fn apply(&self, policy: &str) -> Said {
        let (folder, server) = (self.write_policy(policy), text(&self.system.server()));
        self.system.jit(&["policy", "apply", &folder, &server, "--yes"])
    }

    /// Changes the server's configuration.
    pub fn configure(&self, from: &str, to: &str) {
        let path = self.jit_path("config.toml");
        let text = fs::read_to_string(&path).expect("a configuration");
        assert!(text.contains(from), "no `{from}` in {text}");
        fs::write(&path, text.replace(from, to)).expect("written");
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

    fn wishes(&self, push: &Push) -> Vec<Wish> {
        push.0.iter().map(|(refname, changeset)| (self.target(refname), *changeset)).collect()
    }

    /// Pushes from the clone.
    pub fn push(&self, who: Person, push: &Push) -> Said {
        self.system.push(who, &self.wishes(push))
    }

    /// Pushes all of these at the same time.
    pub fn push_at_once(&self, pushes: &[Push]) -> Vec<Said> {
        let start = |push: &Push| {
            let process = self.system.push_process(ALICE, &self.wishes(push));
            thread::spawn(move || run(process, b""))
        };
        let started: Vec<_> = pushes.iter().map(start).collect();
        started.into_iter().map(|push| push.join().expect("it ends")).collect()
    }

    /// Pushes what the server must refuse for a reason that the answer names in `words`.
    #[track_caller]
    pub fn refused(&self, who: Person, push: Push, words: &[&str]) -> String {
        self.must_refuse(|| self.push(who, &push), words)
    }

    /// Runs `push`, which the server must refuse; nothing of the server may have changed but its log.
    #[track_caller]
    fn must_refuse(&self, push: impl FnOnce() -> Said, words: &[&str]) -> String {
        let before = self.system.state();
        let said = push();
        assert!(!said.succeeded(), "let in:\n{}", said.err);
        for word in words {
            let word = self.form.words(word);
            assert!(said.err.contains(&word), "no `{word}` in:\n{}", said.err);
        }
        assert_eq!(self.system.state(), before, "a refused push has changed something");
        self.log_is_sound();
        assert_eq!(self.last_decision().verdict, Verdict::Deny, "{}", said.err);
        said.err
    }

    /// Pushes what the server must let in.
    #[track_caller]
    pub fn accepted(&self, who: Person, push: Push) -> String {
        let said = self.push(who, &push);
        assert!(said.succeeded(), "refused:\n{}", said.err);
        for (refname, changeset) in &push.0 {
            let values = self.values(refname);
            assert_eq!(values.is_empty(), changeset.is_none(), "{refname}:\n{}", said.err);
            assert!(changeset.is_none_or(|id| values.contains(&id)), "{refname} is at {values:?}:\n{}", said.err);
        }
        self.log_is_sound();
        assert_eq!(self.last_decision().verdict, Verdict::Allow, "{}", said.err);
        said.err
    }

    /// Brings tokens in the way that `jit sign` does; the server must let them in.
    #[track_caller]
    pub fn send(&self, who: Person, tokens: &[SignedToken]) {
        let said = self.system.send(who, tokens, &[]);
        assert!(said.succeeded(), "refused:\n{}", said.err);
    }

    /// As [`Central::send`], of tokens that the server must refuse.
    #[track_caller]
    pub fn refused_tokens(&self, who: Person, tokens: &[SignedToken], words: &[&str]) {
        self.must_refuse(|| self.system.send(who, tokens, &[]), words);
    }

    /// Pushes together with tokens.
    pub fn push_with(&self, who: Person, push: &Push, tokens: &[SignedToken]) -> Said {
        self.system.send(who, tokens, &self.wishes(push))
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

fn text(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}
