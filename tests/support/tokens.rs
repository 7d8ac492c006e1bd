//! Approval tokens, made without the command line so that every field can be wrong.

use super::people::Person;
use super::repo::TestRepo;
use ed25519_dalek::Signer as _;
use jit::adapters::disk::TokenStore;
use jit::domain::approval::{Kind, PublicKey, RoleChoice, SignedToken, Token, TokenId, signed_bytes};
use jit::domain::change::{Action, ChangesetId, Target};
use jit::domain::time::{Span, Timestamp};
use jit::ports::approval_store::ApprovalStore as _;
use jit::ports::clock::Clock as _;

pub fn now() -> Timestamp {
    jit::adapters::clock::SystemClock.now()
}

/// The moment `hours` from now; negative: before now.
pub fn hours_from(now: Timestamp, hours: i64) -> Timestamp {
    Timestamp::from_unix(now.unix() + hours * 3_600).expect("a time")
}

/// Signs `token` with the key of `who`.
pub fn sign(who: Person, token: Token) -> SignedToken {
    let key = PublicKey::new(who.key().verifying_key().to_bytes()).expect("a strong key");
    let message = token.message().expect("a message");
    let signature = who.key().sign(&signed_bytes(message.as_bytes())).to_bytes();
    SignedToken::from_parts(token, key, signature).expect("a token")
}

/// The message that takes back the token `id`, which was signed in `of`.
pub fn revocation(id: TokenId, of: &Token) -> Token {
    Token {
        kind: Kind::Revoke(id),
        subject: None,
        target: None,
        action: None,
        base: Vec::new(),
        not_after: None,
        ..of.clone()
    }
}

impl TestRepo {
    /// Name and id of the repository, as the server's configuration has it.
    pub fn repository(&self) -> String {
        let text = std::fs::read_to_string(self.jit_path("config.toml")).expect("a configuration");
        let config: toml::Table = text.parse().expect("TOML");
        config["repository"].as_str().expect("a name").to_owned()
    }

    /// The message that approves `subject` for `refname` from the value which that has now, for a day.
    ///
    /// The action is `create` if there is no value, else `update`.
    pub fn approval(&self, subject: ChangesetId, refname: &str) -> Token {
        let base = self.server_tip(refname);
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).expect("random numbers");
        Token {
            kind: Kind::Approve,
            repository: self.repository(),
            subject: Some(subject),
            target: Target::parse(refname).ok(),
            action: Some(if base.is_some() { Action::Update } else { Action::Create }),
            base: base.into_iter().collect(),
            content: None,
            role: RoleChoice::Any,
            not_before: now(),
            not_after: Some(now().plus(Span::days(1))),
            nonce,
            reason: String::new(),
        }
    }

    /// Lets `who` approve `subject` for `refname`; the token stands in the server's store then.
    pub fn approve(&self, who: Person, subject: ChangesetId, refname: &str) -> TokenId {
        self.keep(who, self.approval(subject, refname))
    }

    /// As [`TestRepo::approve`], for the action that has this name.
    pub fn approve_action(&self, who: Person, subject: ChangesetId, refname: &str, action: &str) -> TokenId {
        let action = Action::parse(action).ok();
        self.keep(who, Token { action, ..self.approval(subject, refname) })
    }

    /// Puts a token into the server's store, as if a push had brought it.
    pub fn keep(&self, who: Person, token: Token) -> TokenId {
        let signed = sign(who, token);
        let store = TokenStore::in_folder(&self.jit_path(""));
        store.add(&signed, now()).expect("kept");
        signed.id
    }

    /// How many tokens of `subject` the server keeps.
    pub fn kept(&self, subject: &ChangesetId) -> usize {
        TokenStore::in_folder(&self.jit_path("")).of_subject(subject).expect("read").tokens.len()
    }
}
