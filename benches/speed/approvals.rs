//! The policy by which pushes are judged, and bob, who approves.

use ed25519_dalek::{Signer as _, SigningKey};
use jit::adapters::disk::TokenStore;
use jit::domain::approval::{Kind, PublicKey, RoleChoice, SignedToken, Token, signed_bytes};
use jit::domain::change::{Action, ChangesetId, Target};
use jit::domain::time::{Span, Timestamp};
use jit::ports::approval_store::ApprovalStore as _;
use std::fs;
use std::path::Path;

/// What the rules say after their names: one approval for what is not a creation.
pub const ASKS: &str =
    "actions = [\"update\", \"rewrite\", \"delete\"]\nrequire = [{ role = \"reviewers\", approvals = 1 }]\n";

/// Bob's key.
pub fn bob() -> SigningKey {
    SigningKey::from_bytes(&[b'b'; 32])
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::new(key.verifying_key().to_bytes()).expect("a key")
}

/// A policy with alice who pushes, bob who approves, and these rules.
pub fn policy(rules: &str) -> String {
    format!(
        "version = 1\ndefault = \"allow\"\n\
         [principals.alice]\nlogins = [\"alice\"]\nemails = [\"alice@example.com\"]\n\
         [principals.bob]\nkeys = [\"{}\"]\n\
         [roles.reviewers]\nmembers = [\"bob\"]\n{rules}",
        public(&bob()).openssh()
    )
}

/// The moment.
pub fn now() -> Timestamp {
    Timestamp::from_unix(chrono::Utc::now().timestamp()).expect("a time")
}

/// Bob's approval of an update.
pub fn approval(repository: &str, target: Target, base: ChangesetId, subject: ChangesetId) -> SignedToken {
    let now = now();
    let token = Token {
        kind: Kind::Approve,
        repository: repository.to_owned(),
        subject: Some(subject),
        target: Some(target),
        action: Some(Action::Update),
        base: vec![base],
        content: None,
        role: RoleChoice::Any,
        not_before: now,
        not_after: Some(now.plus(Span::days(1))),
        nonce: [7; 16],
        reason: String::new(),
    };
    let message = token.message().expect("a message");
    let signature = bob().sign(&signed_bytes(message.as_bytes())).to_bytes();
    SignedToken::from_parts(token, public(&bob()), signature).expect("a token")
}

/// Puts bob's approval of an update into the store below `jit`, the folder of a judged repository.
pub fn approve(jit: &Path, target: Target, base: ChangesetId, subject: ChangesetId) {
    let settings = fs::read_to_string(jit.join("config.toml")).expect("settings");
    let line = settings.lines().find_map(|line| line.strip_prefix("repository = ")).expect("a name");
    let signed = approval(line.trim_matches('"'), target, base, subject);
    TokenStore::in_folder(jit).add(&signed, now()).expect("kept");
}
