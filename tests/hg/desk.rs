//! Somebody's own clone, with a home folder and a key in it: where people type `jit`.

use crate::guard::{Guard, id};
use crate::hg::{Ran, TestHg, Transport, hg};
use crate::support::{PROGRAM, Person};
use jit::domain::change::ChangesetId;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The clone of one person.
pub struct Desk<'g> {
    hg: &'g TestHg,
    who: Person,
    home: PathBuf,
    pub clone: PathBuf,
}

impl Guard {
    /// Clones the server for `who`, who reaches it by `transport` and whose key stands where ssh keeps it.
    pub fn desk(&self, who: Person, transport: Transport) -> Desk<'_> {
        open_to_clients(self);
        let clone = self.hg.clone(&format!("desk-{}", who.name));
        let desk = Desk { hg: &self.hg, who, home: self.hg.path(&format!("home-{}", who.name)), clone };
        let ssh = desk.home.join(".ssh");
        fs::create_dir_all(&ssh).expect("a folder");
        let pair = Ed25519Keypair::from_seed(&who.key().to_bytes());
        let key = PrivateKey::new(KeypairData::Ed25519(pair), who.email()).expect("a key");
        key.write_openssh_file(ssh.join("id_ed25519").as_path(), LineEnding::LF).expect("written");
        fs::write(ssh.join("id_ed25519.pub"), format!("{}\n", who.key_line())).expect("written");
        desk.go_by(transport);
        desk
    }
}

impl Desk<'_> {
    /// From here on the clone reaches the server by `transport`.
    pub fn go_by(&self, transport: Transport) {
        let (url, who) = (self.hg.url_of(self.who.name, transport), self.who);
        let rc = format!("[paths]\ndefault = {url}\n[ui]\nusername = {} <{}>\n", who.name, who.email());
        fs::write(self.clone.join(".hg/hgrc"), rc).expect("written");
    }

    /// Prepares a program in the clone.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = self.hg.command(program, &self.clone);
        command.env("HOME", &self.home);
        command
    }

    /// Runs `hg`, which must succeed.
    #[track_caller]
    pub fn hg(&self, args: &[&str]) -> String {
        let ran: Ran = self.command(&hg()).args(args).output().expect("hg starts").into();
        assert_eq!(ran.code, Some(0), "hg {args:?}: {}", ran.said);
        ran.stdout
    }

    /// Pushes to where the clone came from.
    pub fn push(&self, args: &[&str]) -> Ran {
        self.command(&hg()).arg("push").args(args).output().expect("hg starts").into()
    }

    /// Runs `jit`.
    pub fn jit(&self, args: &[&str]) -> Ran {
        self.command(Path::new(PROGRAM)).args(args).output().expect("jit starts").into()
    }

    /// Runs `jit`, which must end with `code`, and returns what it said.
    #[track_caller]
    pub fn ends(&self, args: &[&str], code: i32) -> String {
        let ran = self.jit(args);
        assert_eq!(ran.code, Some(code), "jit {args:?}: {}", ran.said);
        ran.said
    }

    /// Runs `jit`, which must succeed.
    #[track_caller]
    pub fn must(&self, args: &[&str]) -> String {
        self.ends(args, 0)
    }

    /// Runs `jit` with `--format json`, which must end with `code`, and returns the one document on standard output.
    #[track_caller]
    pub fn json(&self, args: &[&str], code: i32) -> serde_json::Value {
        let ran = self.jit(&[args, &["--format", "json"]].concat());
        assert_eq!(ran.code, Some(code), "jit {args:?}: {}", ran.said);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("jit {args:?}: {error}: {}", ran.said))
    }

    /// Writes a file and records it; returns the changeset.
    pub fn change(&self, file: &str, message: &str) -> ChangesetId {
        self.hg.write(&self.clone, file, &format!("{message}\n"));
        self.hg(&["commit", "--addremove", "--quiet", "--message", message]);
        id(&self.hg(&["log", "--rev", ".", "--template", "{node}"]))
    }

    /// All that a person sees of the clone: history with phases and names, working directory, configuration.
    pub fn seen(&self) -> String {
        let log = self.hg(&["log", "--hidden", "--template", "{rev} {node} {phase} {branch} {tags} {bookmarks}\n"]);
        let rest = [&["status"][..], &["id"], &["summary"], &["branches"], &["phase", "--rev", "all()"]];
        let rest: String = rest.iter().map(|args| self.hg(args)).collect();
        log + &rest + &fs::read_to_string(self.clone.join(".hg/hgrc")).expect("a configuration")
    }
}

/// Publishes the policy and makes the sibling, by hand.
pub fn open_to_clients(guard: &Guard) {
    use jit::adapters::disk::folder::Folder;
    use jit::adapters::disk::published::Published;
    use jit::adapters::mercurial::{Bundle, Closed, PolicyDescription};
    let (server, folder) = (guard.hg.server(), Folder::of(&guard.hg.server().join(".hg")));
    if guard.hg.path("server-requests").exists() {
        return;
    }
    let format = fs::read_to_string(folder.audit().join("FORMAT")).expect("read");
    let key = format.lines().last().and_then(|line| jit::domain::audit::VerifierKey::parse(line).ok()).expect("a key");
    let published = Published { repository: folder.settings().expect("settings").repository, key };
    let policy = fs::read(folder.policies().join("policy.toml")).expect("read");
    let files = [("repository.toml", published.to_toml().into_bytes()), ("policies/policy.toml", policy)];
    let files = PolicyDescription(files.map(|(name, text)| (name.to_owned(), text)).into());
    let description = files.write().expect("UTF-8");
    let time = crate::support::now();
    let closed = Closed { branch: "jit-approvals", parent: None, user: "jit", time, description: &description };
    let bundle = Bundle::new(&[closed], true).expect("a bundle").to_file().expect("written");
    let mut args = vec!["unbundle".to_owned(), bundle.path().to_string_lossy().into_owned()];
    for hook in ["pretxnopen", "pretxnchangegroup", "pretxnclose", "txnclose", "txnabort"] {
        args.extend(["--config".to_owned(), format!("hooks.{hook}.jit=")]);
    }
    guard.hg.ok(&server, &args.iter().map(String::as_str).collect::<Vec<_>>());
    guard.hg.ok(guard.hg.root.path(), &["clone", "-q", "--noupdate", "server", "server-requests"]);
    fs::write(guard.hg.path("server-requests/.hg/hgrc"), "[phases]\npublish = False\n").expect("written");
}
