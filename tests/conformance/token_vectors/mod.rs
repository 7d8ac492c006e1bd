//! The set of token vectors: a few good tokens and every way we know to get one wrong.
//!
//! Alice's key is Ed25519 with the seed of 32 bytes `a`; so are bob's (`b`), carol's (`c`) and mallory's (`m`).
//! Where a message is wrong, its signature is right, so that nothing but the message can be the reason.

mod kinds;
mod lines;
mod messages;
mod signatures;
mod texts;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ed25519_dalek::{Signer, SigningKey};
use jit::domain::approval::signed_bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// One file of `vectors/tokens`.
#[derive(Debug, Serialize)]
pub struct Vector {
    /// The name of the file, without `.json`.
    pub name: &'static str,
    /// What the case shows.
    pub why: &'static str,
    /// The text; if `repeat` is there, its text follows so many times.
    pub token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// The id of a token that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The error, with its causes, of one that is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A long tail.
#[derive(Debug, Serialize)]
pub struct Repeat {
    pub text: &'static str,
    pub times: usize,
}

impl Vector {
    /// The whole text.
    pub fn text(&self) -> String {
        let tail = self.repeat.as_ref().map(|repeat| repeat.text.repeat(repeat.times));
        format!("{}{}", self.token, tail.unwrap_or_default())
    }
}

/// The message that most cases start from.
pub const APPROVAL: &str = "\
jit-token/v1
kind approve
repo payments@5f0c1e9a7d3b4c2f8e6a0b1d2c3e4f50
subject git-sha1:3f2a91c0d4e5b6978812ab34cd56ef7890123456
target refs/heads/main
action update
base git-sha1:77aa01e2b3c4d5e6f708192a3b4c5d6e7f809102
content -
role *
detail -
not-before 2026-11-21T20:00:00Z
not-after 2026-11-22T20:00:00Z
nonce 000102030405060708090a0b0c0d0e0f
reason Looks%20good
";

/// What the messages of the other kinds say instead, a field and its value a line.
const REVOCATION: &str = "\
kind revoke
subject sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
target -
action -
base -
not-after -
reason Wrong%20branch";

const ATTESTATION: &str = "\
kind attest
target -
action -
base -
detail unit-tests passed
reason -";

const OVERRIDE: &str = "\
kind override
detail freeze
not-after 2026-11-21T21:00:00Z
reason The%20site%20is%20down";

const REVIEW: &str = "\
kind review
action -
base -
detail freeze
not-after -
reason -";

const DELEGATION: &str = "\
kind delegate
subject -
target -
action -
base -
detail dba carol
not-after 2026-11-28T20:00:00Z
reason On%20leave";

/// The message that a case starts from: the name of the case begins with its kind.
fn start(name: &str) -> String {
    let differing = match name.split('-').next() {
        Some("revoke") => REVOCATION,
        Some("attest") => ATTESTATION,
        Some("delegate") => DELEGATION,
        Some("override") => OVERRIDE,
        Some("review") => REVIEW,
        _ => "",
    };
    let fields = differing.lines().filter_map(|line| line.split_once(' '));
    fields.fold(APPROVAL.to_owned(), |message, (field, value)| with(&message, field, value))
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn alice() -> SigningKey {
    key(b'a')
}

/// The text of three raw parts.
fn text(message: &[u8], kind: u8, public: &[u8], signature: &[u8]) -> String {
    let signed = [&[kind][..], public, signature].concat();
    format!("jit1.{}.{}", BASE64URL_NOPAD.encode(message), BASE64URL_NOPAD.encode(&signed))
}

/// Any bytes, honestly signed by alice.
fn signed(message: impl AsRef<[u8]>) -> String {
    let message = message.as_ref();
    let signature = alice().sign(&signed_bytes(message)).to_bytes();
    text(message, 1, alice().verifying_key().as_bytes(), &signature)
}

/// `message` with one line replaced.
fn with(message: &str, field: &str, value: &str) -> String {
    let lines = message.lines().map(|line| match line.split_once(' ') {
        Some((name, _)) if name == field => format!("{name} {value}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn good(name: &'static str, why: &'static str, message: &str) -> Vector {
    let id = HEXLOWER.encode(&Sha256::digest(message));
    Vector { name, why, token: signed(message), repeat: None, id: Some(id), error: None }
}

fn bad(name: &'static str, why: &'static str, token: String, error: impl Into<String>) -> Vector {
    Vector { name, why, token, repeat: None, id: None, error: Some(error.into()) }
}

/// All vectors.
pub fn all() -> Vec<Vector> {
    [messages::vectors(), lines::vectors(), texts::vectors(), signatures::vectors()].into_iter().flatten().collect()
}
