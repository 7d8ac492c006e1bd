//! What Mercurial does in its own way: pushes over ssh, with the login that the forced command sets.

use super::replace;
use super::system::{System, Wish};
use crate::hg::{Ran, TestHg, Transport, hg};
use crate::support::{ALICE, PROGRAM, Person, Said, now, run};
use jit::adapters::mercurial::Bundle;
use jit::domain::approval::SignedToken;
use jit::domain::change::{ChangesetId, IdKind, Target};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The named branch on which the changesets stand that set tags.
const TAGGING: &str = "tagging";

/// A hook that runs after those of `jit`.
const STOPPING: &str = "\n[hooks]\npretxnclose.stopping = false\n";

/// The server and the clone.
pub struct Mercurial {
    test: TestHg,
}

impl Mercurial {
    /// Makes a server without any changeset, and its clone.
    pub fn new() -> Self {
        let system = Self { test: TestHg::empty() };
        for name in ["server", "work"] {
            system.ok(&["init", &system.text_of(name)]);
        }
        system
    }

    fn text_of(&self, name: &str) -> String {
        self.test.path(name).to_str().expect("a plain path").to_owned()
    }

    /// Runs a command in the server or the clone.
    fn hg(&self, repository: &str, arguments: &[&str]) -> Ran {
        let folder = self.text_of(repository);
        self.test.quickly(&[&["-R", &folder], arguments].concat())
    }

    /// Runs a command, which must succeed, and returns its standard output.
    fn ok(&self, arguments: &[&str]) -> String {
        let answer = self.test.quickly(arguments);
        assert_eq!(answer.code, Some(0), "hg {arguments:?}: {}", answer.said);
        answer.stdout
    }

    /// The same in the clone.
    fn in_work(&self, arguments: &[&str]) -> String {
        let answer = self.hg("work", arguments);
        assert_eq!(answer.code, Some(0), "hg {arguments:?}: {}", answer.said);
        answer.stdout
    }

    fn here(&self) -> ChangesetId {
        id(&self.in_work(&["log", "--rev", ".", "--template", "{node}"]))
    }

    /// The changesets on the server that a command names, one in each line.
    fn on_server(&self, arguments: &[&str]) -> Vec<ChangesetId> {
        let mut found: Vec<ChangesetId> = self.hg("server", arguments).stdout.lines().map(id).collect();
        found.sort_unstable();
        found
    }

    /// The server's address for `who`; before the installation, which asks nobody, the short way.
    fn url(&self, who: Person) -> String {
        let transport = if self.jit_folder().exists() { Transport::Ssh } else { Transport::Local };
        self.test.url_of(who.name, transport)
    }

    /// The arguments of a push. Local bookmarks are made anew for each, so that nothing else is sent along.
    fn arguments(&self, who: Person, wishes: &[Wish], more: &[ChangesetId]) -> Vec<String> {
        let listed = self.in_work(&["bookmarks", "--template", "{bookmark}\n"]);
        for bookmark in listed.lines() {
            self.in_work(&["bookmark", "--delete", bookmark]);
        }
        let mut arguments: Vec<String> = ["push", "--force", "--new-branch"].map(str::to_owned).into();
        for (target, changeset) in wishes {
            let name = name(target);
            match (target, changeset) {
                (Target::Bookmark(_), Some(id)) => {
                    self.in_work(&["bookmark", "--force", "--rev", &id.hex(), &name]);
                    arguments.extend(["--rev".to_owned(), id.hex(), "--bookmark".to_owned(), name]);
                }
                (Target::Bookmark(_), None) => arguments.extend(["--bookmark".to_owned(), name]),
                (Target::Tag(_), changeset) => {
                    let tagging =
                        self.in_work(&["log", "--rev", &format!("max(branch('{TAGGING}'))"), "--template", "{node}"]);
                    arguments.extend(["--rev".to_owned(), tagging]);
                    arguments.extend(changeset.iter().flat_map(|id| ["--rev".to_owned(), id.hex()]));
                }
                (_, Some(id)) => arguments.extend(["--rev".to_owned(), id.hex()]),
                (_, None) => panic!("no push makes {target} go"),
            }
        }
        arguments.extend(more.iter().flat_map(|id| ["--rev".to_owned(), id.hex()]));
        arguments.push(self.url(who));
        arguments
    }

    fn run_push(&self, arguments: &[String]) -> Said {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        said(self.hg("work", &arguments))
    }
}

impl System for Mercurial {
    fn path(&self, name: &str) -> PathBuf {
        self.test.path(name)
    }

    fn server(&self) -> PathBuf {
        self.test.server()
    }

    fn jit_folder(&self) -> PathBuf {
        self.test.server().join(".hg/jit")
    }

    fn work(&self) -> PathBuf {
        self.test.path("work")
    }

    fn jit(&self, arguments: &[&str]) -> Said {
        let mut jit = self.test.command(PROGRAM.as_ref(), self.test.root.path());
        jit.args(arguments);
        run(jit, b"")
    }

    fn record(&self, who: Person, message: &str) -> ChangesetId {
        let user = format!("{} <{}>", who.name, who.email());
        self.in_work(&["addremove", "--quiet", "--similarity", "100"]);
        let empty = "ui.allowemptycommit=yes";
        self.in_work(&["commit", "--quiet", "--config", empty, "--user", &user, "--message", message]);
        self.here()
    }

    fn go(&self, changeset: Option<ChangesetId>) {
        let to = changeset.map_or_else(|| "null".to_owned(), |id| id.hex());
        self.in_work(&["update", "--quiet", "--clean", "--rev", &to]);
    }

    fn on(&self, branch: &Target) {
        if let Target::Branch(_) = branch {
            self.in_work(&["branch", "--quiet", "--force", &name(branch)]);
        }
    }

    fn merge(&self, other: ChangesetId) {
        self.in_work(&["merge", "--quiet", "--tool", "internal:local", "--rev", &other.hex()]);
    }

    fn tag(&self, tag: &Target, changeset: Option<ChangesetId>) {
        let here = self.here();
        let tagging = Target::Branch(TAGGING.as_bytes().into());
        match self.values(&tagging).first() {
            Some(newest) => self.go(Some(*newest)),
            None => {
                self.in_work(&["update", "--quiet", "--clean", "--rev", "0"]);
                self.on(&tagging);
            }
        }
        let (name, user) = (name(tag), format!("alice <{}>", ALICE.email()));
        match changeset {
            Some(id) => self.in_work(&["tag", "--force", "--user", &user, "--rev", &id.hex(), &name]),
            None => self.in_work(&["tag", "--remove", "--user", &user, &name]),
        };
        self.go(Some(here));
    }

    fn push(&self, who: Person, wishes: &[Wish]) -> Said {
        self.run_push(&self.arguments(who, wishes, &[]))
    }

    fn push_process(&self, who: Person, wishes: &[Wish]) -> Command {
        // A clone of its own: pushes from one clone wait for each other.
        let clone = tempfile::tempdir_in(self.test.root.path()).expect("a folder").keep().join("clone");
        let mut process = self.test.command(&hg(), self.test.root.path());
        let clone = clone.to_str().expect("a plain path");
        self.ok(&["clone", "--quiet", "--noupdate", &self.text_of("work"), clone]);
        process.args(["-R", clone]).args(self.arguments(who, wishes, &[]));
        process
    }

    fn send(&self, who: Person, tokens: &[SignedToken], wishes: &[Wish]) -> Said {
        let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
        let bundle = Bundle::of_tokens(&texts, &who.email(), now()).expect("tokens");
        let path = self.test.path("tokens.hg");
        fs::write(&path, &bundle.bytes).expect("written");
        let path = path.to_str().expect("a plain path");
        if wishes.is_empty() {
            let url = self.url(who);
            return said(self.test.quickly(&["-R", path, "push", "--force", &url]));
        }
        self.in_work(&["unbundle", "--quiet", path]);
        self.run_push(&self.arguments(who, wishes, &bundle.ids))
    }

    fn lose_program(&self) {
        replace(&self.test.server().join(".hg/hgrc"), &format!("binary = {PROGRAM}"), "binary = /nonexistent/jit");
    }

    fn lose_outcomes(&self) {
        replace(&self.test.server().join(".hg/hgrc"), "\ntxnclose.jit =", "\nlost.jit =");
    }

    fn stop_all(&self, stopped: bool) {
        let hgrc = self.test.server().join(".hg/hgrc");
        let text = fs::read_to_string(&hgrc).expect("a configuration");
        let text = if stopped { text + STOPPING } else { text.replace(STOPPING, "") };
        fs::write(&hgrc, text).expect("written");
    }

    fn set_behind(&self, target: &Target, changeset: Option<ChangesetId>) {
        let name = name(target);
        let hooks = ["pretxnopen", "pretxnclose", "txnclose", "txnabort"].map(|hook| format!("hooks.{hook}.jit="));
        let mut arguments: Vec<&str> = hooks.iter().flat_map(|hook| ["--config", hook]).collect();
        let hex = changeset.map(|id| id.hex());
        match &hex {
            Some(hex) => arguments.extend(["bookmark", "--force", "--rev", hex, &name]),
            None => arguments.extend(["bookmark", "--delete", &name]),
        }
        let answer = self.hg("server", &arguments);
        assert_eq!(answer.code, Some(0), "{}", answer.said);
    }

    fn values(&self, target: &Target) -> Vec<ChangesetId> {
        let name = name(target);
        match target {
            Target::Branch(_) => self.on_server(&["heads", "--template", "{node}\n", &name]),
            Target::Bookmark(_) => {
                self.on_server(&["log", "--rev", &format!("bookmark(r're:^{name}$')"), "--template", "{node}\n"])
            }
            Target::Tag(_) => {
                self.on_server(&["log", "--rev", &format!("tag(r're:^{name}$')"), "--template", "{node}\n"])
            }
            _ => panic!("{target} is nothing of Mercurial"),
        }
    }

    fn state(&self) -> String {
        let shown = "{node} {phase} {obsolete} {bookmarks} {tags}\n";
        let log = self.hg("server", &["log", "--hidden", "--template", shown]).stdout;
        let store = self.test.server().join(".hg/store");
        assert!(!store.join("journal").exists(), "a transaction was left open");
        let markers = fs::read(store.join("obsstore")).unwrap_or_default();
        format!("{log}{markers:?}")
    }
}

fn name(target: &Target) -> String {
    String::from_utf8(target.kind_and_name().1.to_vec()).expect("a plain name")
}

fn id(hex: &str) -> ChangesetId {
    ChangesetId::from_hex(IdKind::HgSha1, hex).unwrap_or_else(|error| panic!("`{hex}`: {error}"))
}

/// A push that finds nothing but bookmarks to send says 1. What the server says has a mark before it.
fn said(answer: Ran) -> Said {
    let lines: Vec<&str> = answer.said.lines().map(|line| line.strip_prefix("remote: ").unwrap_or(line)).collect();
    let code = if answer.code == Some(1) { Some(0) } else { answer.code };
    Said { code, out: Vec::new(), err: lines.join("\n") }
}
