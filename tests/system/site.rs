//! The machine of docs/operations.md, below a temporary folder: the same paths, and the present account in place of `git`.

use crate::page;
use crate::person::{PROGRAM, Person, Said, run};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use tempfile::TempDir;

/// The path of the repository, as the page has it.
pub const REPOSITORY: &str = "/srv/git/payments.git";

/// Where the page keeps things.
const PAGE_PATHS: [&str; 4] = ["/srv/git", "/usr/local/lib/jit", "/etc/ssh/keys", "/var/lib/jit"];

const RULE: &str = r#"
[roles.maintainers]
members = ["alice", "bob"]

[environments.production]
branches = ["main"]

[[rule]]
name = "main-review"
branches = ["main"]
require = [{ role = "maintainers", approvals = 1 }]

[[rule]]
name = "deploy"
environments = ["production"]
actions = ["gate:deploy"]
require = [{ role = "maintainers", approvals = 1 }]
"#;

/// One decision of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// `None`: the transport did not say who pushes.
    pub login: Option<String>,
    pub verdict: String,
}

/// A machine that serves one guarded repository.
pub struct Site {
    folder: TempDir,
    pub user: String,
    pub alice: Person,
    pub bob: Person,
    /// Has a key and a login, and no place in the policy.
    pub mallory: Person,
}

impl Site {
    /// Makes the repository and installs `jit` with the commands of the page.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(|name| Person::new(name, folder.path()));
        let site = Self { user: id("-un"), folder, alice, bob, mallory };
        for path in PAGE_PATHS {
            fs::create_dir_all(site.path(path)).expect("a new folder");
        }
        let mut policy = "version = 1\ndefault = \"allow\"\n".to_owned();
        for person in [&site.alice, &site.bob] {
            let (name, key) = (person.name, person.public_key());
            policy += &format!(
                "[principals.{name}]\nkeys = [\"{key}\"]\nemails = [\"{name}@example.com\"]\nlogins = [\"{name}\"]\n"
            );
        }
        fs::create_dir(site.folder.path().join("policies")).expect("a new folder");
        fs::write(site.folder.path().join("policies/policy.toml"), policy + RULE).expect("written");
        site.must_sh(&format!("git init --quiet --bare --initial-branch=main {REPOSITORY}"));
        site.must_sh(&page::block("jit install"));
        site
    }

    /// A path that the page names, where it stands here.
    pub fn path(&self, on_page: &str) -> PathBuf {
        self.folder.path().join(on_page.trim_start_matches('/'))
    }

    /// The folder in which everything is.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Puts this machine's paths and account into a text of the page.
    pub fn here(&self, text: &str) -> String {
        let mut text = text
            .replace("sudo -u git ", "")
            .replace("-o git -g git", &format!("-o {} -g {}", id("-u"), id("-g")))
            .replace("Match User git\n", &format!("Match User {}\n", self.user));
        for path in PAGE_PATHS {
            text = text.replace(path, &self.path(path).display().to_string());
        }
        text
    }

    /// Writes a file of the page, with this machine's paths in it.
    pub fn write(&self, on_page: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(on_page);
        fs::write(&path, self.here(text)).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }

    /// Runs a script of the page as the administrator; each of its commands must succeed.
    pub fn must_sh(&self, script: &str) -> Said {
        let program_folder = Path::new(PROGRAM).parent().expect("a file stands in a folder");
        let paths = env::var_os("PATH").unwrap_or_default();
        let paths = [program_folder.to_owned()].into_iter().chain(env::split_paths(&paths));
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", &self.here(script)])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", env::join_paths(paths).expect("these were paths"))
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let said = run(shell, "");
        assert!(said.succeeded, "{script}\n{}{}", said.out, said.err);
        said
    }

    /// Every ref of the repository with its value.
    pub fn refs(&self) -> String {
        self.must_sh(&format!("git --git-dir={REPOSITORY} for-each-ref")).out
    }

    /// What the branch `main` holds; empty if there is none.
    pub fn main(&self) -> String {
        let format = "--format='%(objectname)'";
        self.must_sh(&format!("git --git-dir={REPOSITORY} for-each-ref {format} refs/heads/main")).out.trim().to_owned()
    }

    /// The settings, the policy and the hooks of the repository: paths, modes and contents.
    pub fn guard(&self) -> Vec<(PathBuf, u32, Vec<u8>)> {
        let repository = self.path(REPOSITORY);
        let mut paths = vec![repository.join("config"), repository.join("jit/config.toml")];
        for folder in ["hooks", "jit/policies"] {
            let entries = fs::read_dir(repository.join(folder)).expect("a folder");
            paths.extend(entries.map(|entry| entry.expect("a name").path()));
        }
        paths.sort();
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode();
        paths.into_iter().map(|path| (path.clone(), mode(&path), fs::read(&path).expect("a file"))).collect()
    }

    /// The log's decisions, oldest first.
    pub fn decisions(&self) -> Vec<Decided> {
        let text = self.must_sh(&format!("jit --format json audit show {REPOSITORY}")).out;
        let entries: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list");
        let decisions = entries.iter().filter(|entry| entry["kind"] == "decision");
        decisions
            .map(|entry| Decided {
                login: entry["pusher"]["login"].as_str().map(str::to_owned),
                verdict: entry["verdict"].as_str().expect("a verdict").to_owned(),
            })
            .collect()
    }

    /// Verifies the whole log, every signature included.
    #[track_caller]
    pub fn log_is_sound(&self) {
        self.must_sh(&format!("jit audit verify {REPOSITORY}"));
    }

    /// Runs `push`, which must fail and change nothing; returns what it said and the decisions that the log has gained.
    #[track_caller]
    pub fn must_fail(&self, push: impl FnOnce() -> Said) -> (Said, Vec<Decided>) {
        let before = (self.refs(), self.guard());
        let known = self.decisions().len();
        let said = push();
        assert!(!said.succeeded, "let in:\n{}{}", said.out, said.err);
        assert!((self.refs(), self.guard()) == before, "something has changed:\n{}", said.err);
        self.log_is_sound();
        (said, self.decisions().split_off(known))
    }
}

/// What `id` prints about the present account.
fn id(option: &str) -> String {
    let mut id = Command::new("id");
    id.arg(option);
    run(id, "").out.trim().to_owned()
}
