//! Somebody's own clone, with a home folder and a key in it: where people type `jit`.

use super::git::{Said, command, run};
use super::people::Person;
use super::push::PROGRAM;
use super::repo::TestRepo;
use jit::domain::change::ChangesetId;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The clone of one person.
pub struct Desk<'r> {
    repo: &'r TestRepo,
    who: Person,
    folder: PathBuf,
}

impl TestRepo {
    /// Clones the server for `who`, whose key stands where ssh keeps it.
    pub fn desk(&self, who: Person) -> Desk<'_> {
        let desk = Desk { repo: self, who, folder: self.path(&format!("desk-{}", who.name)) };
        let ssh = desk.folder.join("home/.ssh");
        fs::create_dir_all(&ssh).expect("a folder");
        let pair = Ed25519Keypair::from_seed(&who.key().to_bytes());
        let key = PrivateKey::new(KeypairData::Ed25519(pair), who.email()).expect("a key");
        key.write_openssh_file(desk.key(), LineEnding::LF).expect("written");
        fs::write(ssh.join("id_ed25519.pub"), format!("{}\n", who.key_line())).expect("written");
        fs::create_dir(desk.work()).expect("a folder");
        desk.git(&["init", "--quiet", "--initial-branch=main"]);
        desk.git(&["remote", "add", "origin", self.server().to_str().expect("a plain path")]);
        desk.git(&["fetch", "--quiet", "origin"]);
        if !desk.git(&["branch", "--remotes"]).is_empty() {
            desk.git(&["checkout", "--quiet", "-B", "main", "--track", "origin/main"]);
        }
        desk
    }
}

impl Desk<'_> {
    /// The working copy.
    pub fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// The private key, where ssh keeps it.
    pub fn key(&self) -> PathBuf {
        self.folder.join("home/.ssh/id_ed25519")
    }

    /// Prepares `program` in the working copy.
    pub fn command(&self, program: &str) -> Command {
        let mut command = command(program, &self.folder.join("home"), self.who, 1);
        command.env("REMOTE_USER", self.who.name).current_dir(self.work());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Said {
        let mut command = self.command(program);
        command.args(arguments);
        run(command, b"")
    }

    /// Runs Git, which must succeed, and returns what it prints.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let said = self.run("git", arguments);
        assert!(said.succeeded(), "git {arguments:?}: {}", said.err);
        said.text()
    }

    /// Runs `git push origin` with `arguments`.
    pub fn push(&self, arguments: &[&str]) -> Said {
        self.run("git", &[&["push", "origin"], arguments].concat())
    }

    /// Runs Python.
    pub fn python(&self, arguments: &[&str]) -> Said {
        self.run("python3", arguments)
    }

    /// Runs `jit`.
    pub fn jit(&self, arguments: &[&str]) -> Said {
        self.run(PROGRAM, arguments)
    }

    /// Runs `jit`, which must succeed.
    #[track_caller]
    pub fn must(&self, arguments: &[&str]) -> Said {
        let said = self.jit(arguments);
        assert!(said.succeeded(), "jit {arguments:?}: {}\n{}", said.text(), said.err);
        said
    }

    /// Runs `jit` with `--format json`, which must end with `code`, and returns the one document on standard output.
    #[track_caller]
    pub fn json(&self, arguments: &[&str], code: i32) -> serde_json::Value {
        let said = self.jit(&[arguments, &["--format", "json"]].concat());
        assert_eq!(said.code, Some(code), "jit {arguments:?}: {}\n{}", said.text(), said.err);
        serde_json::from_slice(&said.out).unwrap_or_else(|error| panic!("jit {arguments:?}: {error}: {}", said.text()))
    }

    /// Commits a new line in `path`.
    pub fn commit(&self, path: &str) -> ChangesetId {
        let file = self.work().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, format!("{before}a line\n")).expect("written");
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", &format!("change {path}")]);
        self.repo.id(&self.git(&["rev-parse", "HEAD"]))
    }
}
