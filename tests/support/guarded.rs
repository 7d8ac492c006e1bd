//! What every guarded repository has, Git's or Mercurial's: approvals that its store keeps, and a log that anyone can read.

use super::MAIN;
use super::people::Person;
use super::tokens::{now, sign};
use jit::adapters::disk::TokenStore;
use jit::adapters::disk::log::{AuditPaths, Depth, LogReader, StoredEntry, verify};
use jit::domain::approval::{Kind, RoleChoice, Status, Token, TokenId};
use jit::domain::audit::{Decision, Entry, Event};
use jit::domain::change::{Action, ChangesetId, Target};
use jit::domain::name::{CheckName, PrincipalId, RoleName, RuleName};
use jit::domain::time::Span;
use jit::ports::approval_store::ApprovalStore as _;
use std::path::PathBuf;

/// A central repository with `jit` installed.
pub trait Guarded {
    /// The repository's `jit` folder.
    fn jit_folder(&self) -> PathBuf;

    /// The state folder that it was installed with.
    fn state_folder(&self) -> PathBuf;

    /// What the tests call `refname`.
    fn target(&self, refname: &str) -> Target;

    /// The server's values of a target; none if it is not there.
    fn values(&self, refname: &str) -> Vec<ChangesetId>;

    /// A path in the `jit` folder.
    fn jit_path(&self, name: &str) -> PathBuf {
        self.jit_folder().join(name)
    }

    /// Name and id of the repository, as the server's configuration has it.
    fn repository(&self) -> String {
        let text = std::fs::read_to_string(self.jit_path("config.toml")).expect("a configuration");
        let config: toml::Table = text.parse().expect("TOML");
        config["repository"].as_str().expect("a name").to_owned()
    }

    /// The message that approves `subject` for `refname` from the values which that has now, for a day.
    ///
    /// The action is `create` if there is no value, else `update`.
    fn approval(&self, subject: ChangesetId, refname: &str) -> Token {
        let base = self.values(refname);
        Token {
            kind: Kind::Approve,
            repository: self.repository(),
            subject: Some(subject),
            target: Some(self.target(refname)),
            action: Some(if base.is_empty() { Action::Create } else { Action::Update }),
            base,
            content: None,
            role: RoleChoice::Any,
            not_before: now(),
            not_after: Some(now().plus(Span::days(1))),
            nonce: nonce(),
            reason: String::new(),
        }
    }

    /// The message that says how a check of `subject` ended, for a day.
    fn attestation(&self, subject: ChangesetId, check: &str, status: Status) -> Token {
        let check = CheckName::new(check).expect("a name");
        let about = self.approval(subject, MAIN);
        Token { kind: Kind::Attest { check, status }, target: None, action: None, base: Vec::new(), ..about }
    }

    /// The message that overrides `rule` for moving `refname` to `subject`, for a day.
    fn overriding(&self, subject: ChangesetId, refname: &str, rule: &str) -> Token {
        let rule = RuleName::new(rule).expect("a name");
        Token { kind: Kind::Override(rule), reason: "on fire".to_owned(), ..self.approval(subject, refname) }
    }

    /// The message that says that an override of `rule` was looked at.
    fn review(&self, subject: ChangesetId, refname: &str, rule: &str) -> Token {
        let rule = RuleName::new(rule).expect("a name");
        let about = self.approval(subject, refname);
        Token { kind: Kind::Review(rule), action: None, base: Vec::new(), not_after: None, ..about }
    }

    /// The message by which somebody stands in for its signer in `role`, for a day.
    fn delegation(&self, role: &str, to: &str) -> Token {
        let kind =
            Kind::Delegate { role: RoleName::new(role).expect("a name"), to: PrincipalId::new(to).expect("a name") };
        Token {
            kind,
            repository: self.repository(),
            subject: None,
            target: None,
            action: None,
            base: Vec::new(),
            content: None,
            role: RoleChoice::Any,
            not_before: now(),
            not_after: Some(now().plus(Span::days(1))),
            nonce: nonce(),
            reason: String::new(),
        }
    }

    /// Lets `who` approve `subject` for `refname`; the token stands in the server's store then.
    fn approve(&self, who: Person, subject: ChangesetId, refname: &str) -> TokenId {
        self.keep(who, self.approval(subject, refname))
    }

    /// As [`Guarded::approve`], for the action that has this name.
    fn approve_action(&self, who: Person, subject: ChangesetId, refname: &str, action: &str) -> TokenId {
        let action = Action::parse(action).ok();
        self.keep(who, Token { action, ..self.approval(subject, refname) })
    }

    /// Puts a token into the server's store, as if a push had brought it.
    fn keep(&self, who: Person, token: Token) -> TokenId {
        let signed = sign(who, token);
        let store = TokenStore::in_folder(&self.jit_folder());
        store.add(&signed, now()).expect("kept");
        signed.id
    }

    /// How many tokens of `subject` the server keeps.
    fn kept(&self, subject: &ChangesetId) -> usize {
        TokenStore::in_folder(&self.jit_folder()).of_subject(subject).expect("read").tokens.len()
    }

    fn audit_paths(&self) -> AuditPaths {
        AuditPaths { audit_dir: self.jit_path("audit"), key_file: self.jit_path("key"), state_dir: self.state_folder() }
    }

    /// Every entry, oldest first.
    fn entries(&self) -> Vec<Entry> {
        let paths = self.audit_paths();
        let mut entries = Vec::new();
        let mut keep = |stored: StoredEntry| {
            entries.push(stored.whole(&paths)?);
            Ok(())
        };
        LogReader::open(&paths).expect("a log").segment(0, &mut keep).expect("entries");
        entries
    }

    /// The newest decision.
    fn last_decision(&self) -> Decision {
        let newest = self.entries().into_iter().rev().find_map(|entry| match entry.event {
            Event::Decision(decision) => Some(*decision),
            _ => None,
        });
        newest.expect("a decision")
    }

    /// What the newest decision found at a target, if that was not what the log last recorded.
    fn last_found(&self, refname: &str) -> Option<Vec<ChangesetId>> {
        let target = self.target(refname);
        let update = self.last_decision().updates.into_iter().find(|update| update.target == target);
        update.expect("an update of that target").found
    }

    /// Verifies the whole log, every signature included.
    #[track_caller]
    fn log_is_sound(&self) {
        let verified = verify(&self.audit_paths(), Depth::Full, &[]).expect("a log");
        assert!(verified.fault.is_none(), "{:?}", verified.fault);
    }
}

/// Random, so that two people who sign the same in the same second make two tokens.
fn nonce() -> [u8; 16] {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).expect("random numbers");
    nonce
}
