//! A central Mercurial repository with `jit` installed, and a clone to push from.

use crate::hg::{Ran, TestHg, Transport, write_program};
use crate::support::{PROGRAM, Person, people, sign};
use jit::adapters::disk::TokenStore;
use jit::adapters::disk::folder::Folder;
use jit::adapters::disk::log::{AuditPaths, Depth, LogReader, StoredEntry, verify};
use jit::adapters::mercurial::Bundle;
use jit::domain::approval::{Kind, RoleChoice, SignedToken, Token};
use jit::domain::audit::{Decision, Entry, Event, Verdict};
use jit::domain::change::{Action, ChangesetId, IdKind, Target};
use jit::domain::time::Span;
use jit::ports::approval_store::ApprovalStore as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The log's name.
const ORIGIN: &str = "hg.example.com/payments";

/// A guarded server, and a clone named `work`.
pub struct Guard {
    pub hg: TestHg,
    pub work: PathBuf,
}

impl Guard {
    /// Guards a new server with the people of the tests and these rules.
    pub fn new(rules: &str) -> Self {
        Self::of(TestHg::new(), rules)
    }

    /// Guards a server.
    pub fn of(hg: TestHg, rules: &str) -> Self {
        let work = hg.clone("work");
        let guard = Self { hg, work };
        guard.install(rules);
        guard
    }

    /// Writes the tests' people and `rules` as a policy, and returns its folder.
    pub fn write_policy(&self, rules: &str) -> String {
        let folder = self.hg.path("policies");
        fs::create_dir_all(&folder).expect("a folder");
        let policy = format!("version = 1\ndefault = \"allow\"\n{}{rules}", people());
        fs::write(folder.join("policy.toml"), policy).expect("written");
        folder.to_string_lossy().into_owned()
    }

    fn install(&self, rules: &str) {
        let (policies, state) = (self.write_policy(rules), self.hg.path("state"));
        let state = state.to_string_lossy();
        let arguments = ["--policies", &policies, "--state-dir", &state, "--origin", ORIGIN, "--name", "payments"];
        let ran = self.jit("install", &arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.said);
    }

    /// Adds lines to the server's configuration, before those of jit.
    pub fn configure(&self, lines: &str) {
        let hgrc = self.hg.server().join(".hg/hgrc");
        let old = fs::read_to_string(&hgrc).expect("settings");
        fs::write(&hgrc, format!("{lines}\n{old}")).expect("written");
    }

    /// Has the hooks start `script` in place of the program; it is told that one's path in `PROGRAM`. Returns the settings from before.
    pub fn put_before_program(&self, script: &str) -> String {
        let (hgrc, wrapper) = (self.hg.server().join(".hg/hgrc"), self.hg.path("wrapper"));
        let old = fs::read_to_string(&hgrc).expect("settings");
        let named = format!("binary = {PROGRAM}");
        assert!(old.contains(&named), "{old}");
        write_program(&wrapper, &format!("#!/bin/sh\nPROGRAM={PROGRAM}\n{script}\n"));
        fs::write(&hgrc, old.replace(&named, &format!("binary = {}", wrapper.display()))).expect("written");
        old
    }

    /// Replaces the server's whole configuration.
    pub fn set_configuration(&self, text: &str) {
        fs::write(self.hg.server().join(".hg/hgrc"), text).expect("written");
    }

    /// Runs `jit` on the server.
    pub fn jit(&self, command: &str, args: &[&str]) -> Ran {
        let words = command.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let server = self.hg.server();
        let mut run = self.hg.command(Path::new(PROGRAM), self.hg.root.path());
        run.args(words).args(args).arg(&server).output().expect("jit starts").into()
    }

    /// The name and id of the repository.
    pub fn repository(&self) -> String {
        Folder::of(&self.hg.server().join(".hg")).settings().expect("settings").repository
    }

    pub fn audit_paths(&self) -> AuditPaths {
        let folder = Folder::of(&self.hg.server().join(".hg"));
        AuditPaths { audit_dir: folder.audit(), key_file: folder.key(), state_dir: self.hg.path("state") }
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let paths = self.audit_paths();
        let mut entries = Vec::new();
        let mut keep = |stored: StoredEntry| {
            entries.push(stored.whole(&paths)?);
            Ok(())
        };
        LogReader::open(&paths).expect("a log").segment(0, &mut keep).expect("entries");
        entries
    }

    /// Every decision, oldest first.
    pub fn decisions(&self) -> Vec<Decision> {
        let decision = |entry: Entry| match entry.event {
            Event::Decision(decision) => Some(*decision),
            _ => None,
        };
        self.entries().into_iter().filter_map(decision).collect()
    }

    /// Writes a file in the clone and records it; returns the changeset.
    pub fn change(&self, file: &str, message: &str) -> ChangesetId {
        id(&self.hg.change(&self.work, file, message))
    }

    /// Records all changes of the clone's working directory.
    pub fn commit(&self, message: &str) -> ChangesetId {
        id(&self.hg.commit(&self.work, message))
    }

    /// The changeset that a revision of the clone names.
    pub fn id_of(&self, revision: &str) -> ChangesetId {
        id(&self.hg.node(&self.work, revision))
    }

    /// Pushes from the clone.
    pub fn push(&self, who: Person, transport: Transport, args: &[&str]) -> Ran {
        let url = self.hg.url_of(who.name, transport);
        let mut all = vec!["push", url.as_str()];
        all.extend(args);
        self.hg.hg(&self.work, &all)
    }

    /// Pushes what the server must refuse, with a reason that holds `words`; nothing but the log may have changed.
    #[track_caller]
    pub fn refused(&self, who: Person, transport: Transport, args: &[&str], words: &[&str]) -> String {
        let before = self.hg.server_state();
        let ran = self.push(who, transport, args);
        assert_eq!(ran.code, Some(255), "{transport:?} let in:\n{}", ran.said);
        for word in words {
            assert!(ran.said.contains(word), "{transport:?}: no `{word}` in:\n{}", ran.said);
        }
        assert_eq!(self.hg.server_state(), before, "a refused push has changed something");
        self.log_is_sound();
        let newest = self.decisions().pop().expect("a decision");
        assert_eq!(newest.verdict, Verdict::Deny, "{}", ran.said);
        ran.said
    }

    /// Pushes what the server must let in, and has recorded with its outcome. Mercurial says 1 where there was no changeset to push.
    #[track_caller]
    pub fn accepted(&self, who: Person, transport: Transport, args: &[&str]) -> String {
        let before = self.hg.server_state();
        let ran = self.push(who, transport, args);
        assert!(matches!(ran.code, Some(0 | 1)), "{transport:?} refused:\n{}", ran.said);
        assert_ne!(self.hg.server_state(), before, "nothing changed:\n{}", ran.said);
        self.log_is_sound();
        ran.said
    }

    /// The newest entry is the outcome of the newest decision, which allowed.
    #[track_caller]
    pub fn log_is_sound(&self) {
        let verified = verify(&self.audit_paths(), Depth::Full, &[]).expect("a log");
        assert!(verified.fault.is_none(), "{:?}", verified.fault);
    }

    /// The message by which `subject` is approved for a day.
    pub fn approval(&self, subject: ChangesetId, target: &str, action: &str, base: &[ChangesetId]) -> Token {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).expect("random numbers");
        let now = crate::support::now();
        Token {
            kind: Kind::Approve,
            repository: self.repository(),
            subject: Some(subject),
            target: Target::parse(target).ok(),
            action: Action::parse(action).ok(),
            base: base.to_vec(),
            content: None,
            role: RoleChoice::Any,
            not_before: now,
            not_after: Some(now.plus(Span::days(1))),
            nonce,
            reason: String::new(),
        }
    }

    /// Lets `who` approve; the token stands in the server's store then.
    pub fn approve(
        &self,
        who: Person,
        subject: ChangesetId,
        target: &str,
        action: &str,
        base: &[ChangesetId],
    ) -> SignedToken {
        self.keep(who, self.approval(subject, target, action, base))
    }

    /// Signs a token and puts it into the server's store.
    pub fn keep(&self, who: Person, token: Token) -> SignedToken {
        let signed = sign(who, token);
        let store = TokenStore::in_folder(&self.hg.server().join(".hg/jit"));
        store.add(&signed, crate::support::now()).expect("kept");
        signed
    }

    /// Writes a bundle with these tokens; returns its path, and the changesets.
    pub fn bundle(&self, name: &str, tokens: &[SignedToken]) -> (String, Vec<ChangesetId>) {
        let texts: Vec<&str> = tokens.iter().map(|signed| signed.text.as_str()).collect();
        let bundle = Bundle::of_tokens(&texts, "Bob <bob@example.com>", crate::support::now()).expect("a bundle");
        let path = self.hg.path(name);
        fs::write(&path, &bundle.bytes).expect("written");
        (path.to_string_lossy().into_owned(), bundle.ids)
    }

    /// Pushes from a bundle, as signing does.
    pub fn send(&self, who: Person, bundle: &str) -> Ran {
        let url = self.hg.url_of(who.name, Transport::Ssh);
        self.hg.hg(self.hg.root.path(), &["push", "--force", "-R", bundle, &url])
    }

    /// The open heads of a branch on the server, or what another revision names.
    pub fn server_ids(&self, revisions: &str) -> Vec<ChangesetId> {
        let log = self.hg.ok(&self.hg.server(), &["log", "--rev", revisions, "--template", "{node}\n"]);
        let mut ids: Vec<ChangesetId> = log.lines().map(id).collect();
        ids.sort_unstable();
        ids
    }
}

/// Reads a node.
pub fn id(hex: &str) -> ChangesetId {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex digits");
    ChangesetId::from_bytes(IdKind::HgSha1, &bytes).expect("a node")
}
