//! Approval tokens, made without the command line so that every field can be wrong.

use super::people::Person;
use ed25519_dalek::Signer as _;
use jit::domain::approval::{Kind, PublicKey, SignedToken, Token, TokenId, signed_bytes};
use jit::domain::time::Timestamp;
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
