//! The server, the clone, and what people commit in it.

use super::git::{Said, command, run};
use super::guarded::Guarded;
use super::people::{ALICE, Person, people};
use jit::domain::change::{ChangesetId, IdKind, Target};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

pub const MAIN: &str = "refs/heads/main";

/// A central repository with `jit` installed, and one clone of it in which everybody commits.
pub struct TestRepo {
    folder: TempDir,
    kind: IdKind,
    /// Counts what was committed: contents and dates differ from commit to commit.
    moment: AtomicU64,
}

impl TestRepo {
    /// A server whose `main` had one commit by alice before `jit` was installed with `rules`.
    pub fn new(rules: &str) -> Self {
        let repo = Self::uninstalled(IdKind::GitSha1);
        repo.begin_main();
        repo.install(rules);
        repo
    }

    /// A server without any commit.
    pub fn empty(rules: &str) -> Self {
        let repo = Self::uninstalled(IdKind::GitSha1);
        repo.install(rules);
        repo
    }

    /// An empty bare repository and its clone; `jit` knows nothing of them.
    pub fn uninstalled(kind: IdKind) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let repo = Self { folder, kind, moment: AtomicU64::new(0) };
        fs::create_dir(repo.path("home")).expect("a folder");
        let format = if kind == IdKind::GitSha256 { "--object-format=sha256" } else { "--object-format=sha1" };
        for (bare, name) in [(true, "server.git"), (false, "work")] {
            let path = repo.path(name);
            let path = path.to_str().expect("a plain path");
            let mut arguments = vec!["init", "--quiet", "--initial-branch=main", format, path];
            arguments.extend(bare.then_some("--bare"));
            let said = run(command("git", &repo.path("home"), ALICE, 1).tap_args(&arguments), b"");
            assert!(said.succeeded(), "{}", said.err);
        }
        repo.server_git(&["config", "receive.autogc", "false"]);
        let server = repo.server();
        repo.git(&["remote", "add", "origin", server.to_str().expect("a plain path")]);
        repo
    }

    /// Puts a first commit by alice on the server's `main`.
    pub fn begin_main(&self) -> ChangesetId {
        let first = self.commit(ALICE, &["README"]);
        self.git(&["push", "--quiet", "origin", MAIN]);
        first
    }

    /// Installs with alice, bob and carol as principals, `default = "allow"`, and `rules`.
    pub fn install(&self, rules: &str) {
        self.write_policy(&[
            ("people.toml", &format!("version = 1\ndefault = \"allow\"\n{}", people())),
            ("rules.toml", &format!("version = 1\n{rules}")),
        ]);
        let said = self.run_install();
        assert!(said.succeeded(), "{}", said.err);
    }

    /// Writes the files of the policy that installation copies.
    pub fn write_policy(&self, files: &[(&str, &str)]) {
        let folder = self.path("policies");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the old policy goes");
        }
        fs::create_dir(&folder).expect("a folder");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("written");
        }
    }

    /// Runs `jit install` on the server with the policy of [`TestRepo::write_policy`].
    pub fn run_install(&self) -> Said {
        let text = |path: PathBuf| path.to_str().expect("a plain path").to_owned();
        let (server, policies, state) = (text(self.server()), text(self.path("policies")), text(self.path("state")));
        let origin = "git.example.com/server";
        self.jit(&["install", &server, "--policies", &policies, "--state-dir", &state, "--origin", origin])
    }

    /// Runs the built program.
    pub fn jit(&self, arguments: &[&str]) -> Said {
        let program = super::push::PROGRAM;
        run(command(program, &self.path("home"), ALICE, 1).tap_args(arguments), b"")
    }

    /// A path in the temporary folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn server(&self) -> PathBuf {
        self.path("server.git")
    }

    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// Runs Git in the clone and returns what it prints; it must succeed.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_as(ALICE, arguments)
    }

    /// As [`TestRepo::git`]; whatever is committed is by `who`.
    pub fn git_as(&self, who: Person, arguments: &[&str]) -> String {
        self.git_in(&self.work(), who, arguments, b"").text()
    }

    /// As [`TestRepo::git`], with `input` on standard input.
    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        self.git_in(&self.work(), ALICE, arguments, input).text()
    }

    /// Runs Git on the server, behind the back of every hook.
    pub fn server_git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.server(), ALICE, arguments, b"").text()
    }

    fn git_in(&self, folder: &Path, who: Person, arguments: &[&str], input: &[u8]) -> Said {
        let mut git = command("git", &self.path("home"), who, self.next_moment());
        git.current_dir(folder).args(arguments);
        let said = run(git, input);
        assert!(said.succeeded(), "git {arguments:?}: {}", said.err);
        said
    }

    fn next_moment(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Adds a line to each of `paths` and commits, together with whatever else was changed in the clone.
    pub fn commit(&self, who: Person, paths: &[&str]) -> ChangesetId {
        for path in paths {
            let file = self.work().join(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            let before = fs::read_to_string(&file).unwrap_or_default();
            fs::write(&file, format!("{before}line {}\n", self.next_moment())).expect("written");
        }
        self.git(&["add", "--all"]);
        let message = format!("change {}", paths.join(" "));
        self.git_as(who, &["commit", "--quiet", "--allow-empty", "-m", &message]);
        self.rev("HEAD")
    }

    /// The object that `name` stands for in the clone.
    pub fn rev(&self, name: &str) -> ChangesetId {
        self.id(&self.git(&["rev-parse", "--verify", "--end-of-options", name]))
    }

    /// The value of a ref of the server.
    pub fn server_tip(&self, refname: &str) -> Option<ChangesetId> {
        let found = self.server_git(&["for-each-ref", "--format=%(refname) %(objectname)", refname]);
        let value = found.lines().find_map(|line| line.strip_prefix(refname)?.strip_prefix(' '))?;
        Some(self.id(value))
    }

    /// Reads a full id.
    pub fn id(&self, hex: &str) -> ChangesetId {
        ChangesetId::from_hex(self.kind, hex).unwrap_or_else(|error| panic!("`{hex}`: {error}"))
    }
}

impl Guarded for TestRepo {
    fn jit_folder(&self) -> PathBuf {
        self.server().join("jit")
    }

    fn state_folder(&self) -> PathBuf {
        self.path("state")
    }

    fn target(&self, refname: &str) -> Target {
        Target::parse(refname).expect("a refname")
    }

    fn values(&self, refname: &str) -> Vec<ChangesetId> {
        self.server_tip(refname).into_iter().collect()
    }
}

/// Adds arguments in the middle of an expression.
trait TapArgs {
    fn tap_args(self, arguments: &[&str]) -> Self;
}

impl TapArgs for std::process::Command {
    fn tap_args(mut self, arguments: &[&str]) -> Self {
        self.args(arguments);
        self
    }
}
