//! The text in which a token and its signature travel: `jit1.` message `.` signature (docs/spec/token.md, "Text").
//!
//! A text has one spelling, and a [`SignedToken`] that was read here has a signature that verified. Whether its
//! key belongs to anybody, and whether the token counts, is for the policy to say.

use super::key::verify_at;
use super::message;
use super::{BadSignature, KeyError, Kind, MessageError, PublicKey, SignedToken, Token, TokenId, signed_bytes};
use crate::domain::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

/// The longest text of a token in bytes.
pub const MAX_TEXT: usize = 8_192;

const PREFIX: &str = "jit1.";
const ED25519: u8 = 1;
const SK_ED25519: u8 = 2;

/// Why a text is not a token with a valid signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is longer than [`MAX_TEXT`]; nothing of it was read.
    #[error("the token has {length} bytes, {MAX_TEXT} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Not `jit1.` and two parts with a dot between them.
    #[error("a token is `jit1.`, a message, `.` and a signature")]
    Shape,
    /// A part is not base64url in its one accepted spelling: no padding, no white space, unused bits zero.
    #[error("the {part} is not base64url without padding")]
    Base64 {
        /// `message` or `signature`.
        part: &'static str,
    },
    /// No kind of key has this number.
    #[error("unknown kind of key: {kind}")]
    KeyKind {
        /// The first byte of the signature part.
        kind: u8,
    },
    /// The signature is a security key's.
    #[error("signatures of security keys (sk-ssh-ed25519) are not supported yet")]
    SecurityKey,
    /// The signature part does not have the length that its kind of key asks for.
    #[error("the signature part has {length} bytes, not 97")]
    SignatureLength {
        /// Its length in bytes, with the kind of the key.
        length: usize,
    },
    /// The key is one with which nobody may sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The message is none.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The key did not sign this message.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

impl SignedToken {
    /// Reads the text of a token and verifies its signature.
    ///
    /// The text stands alone: white space before or after it is refused ([`without_line_end`] helps with files).
    ///
    /// # Errors
    /// [`TokenError`] says what is wrong; it never quotes the text.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let Opened { message, key, signature } = open(text)?;
        let token = Token::parse_message(&message)?;
        let (key, point) = PublicKey::decode(key)?;
        verify_at(&point, &signed_bytes(&message), &signature)?;
        Ok(Self { token, id: TokenId::of_message(&message), key, text: text.to_owned() })
    }

    /// Joins a token with the signature that `key` made over [`signed_bytes`] of its message.
    ///
    /// # Errors
    /// [`TokenError::Message`] for a token that has no message, [`TokenError::TooLong`], and
    /// [`TokenError::Signature`] if the signature is not this key's over this message.
    pub fn from_parts(token: Token, key: PublicKey, signature: [u8; 64]) -> Result<Self, TokenError> {
        let message = token.message()?.into_bytes();
        key.verify(&signed_bytes(&message), &signature)?;
        let text = close(&message, key.as_bytes(), &signature);
        if text.len() > MAX_TEXT {
            return Err(TokenError::TooLong { length: text.len() });
        }
        Ok(Self { token, id: TokenId::of_message(&message), key, text })
    }
}

impl Token {
    /// Reads in the text of a token that was verified before, as those in the log were, what it is and since when it counts.
    ///
    /// # Errors
    /// [`TokenError`] where that cannot be read; the rest is not looked at.
    pub fn stamp_of_verified(text: &str) -> Result<(Kind, Timestamp), TokenError> {
        let message = text.strip_prefix(PREFIX).and_then(|rest| rest.split('.').next()).ok_or(TokenError::Shape)?;
        Ok(message::stamp(&decode("message", message)?)?)
    }
}

impl TokenId {
    /// Returns the id of the token with this message.
    pub(super) fn of_message(message: &[u8]) -> Self {
        Self(Sha256::digest(message).into())
    }
}

/// Takes the line end off that editors and `>` leave behind a token in a file: one `\n` or `\r\n`.
pub fn without_line_end(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    if line.len() == text.len() { text } else { line.strip_suffix('\r').unwrap_or(line) }
}

/// The parts of a text.
pub(super) struct Opened {
    /// The message.
    pub(super) message: Vec<u8>,
    /// The bytes that stand for the key.
    pub(super) key: [u8; 32],
    /// What claims to be its signature.
    pub(super) signature: [u8; 64],
}

/// Takes a text apart. Nothing is verified yet.
pub(super) fn open(text: &str) -> Result<Opened, TokenError> {
    if text.len() > MAX_TEXT {
        return Err(TokenError::TooLong { length: text.len() });
    }
    let (message, signature) =
        text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')).ok_or(TokenError::Shape)?;
    if signature.contains('.') {
        return Err(TokenError::Shape);
    }
    let message = decode("message", message)?;
    let signature = decode("signature", signature)?;
    match signature.first() {
        Some(&ED25519) => {}
        Some(&SK_ED25519) => return Err(TokenError::SecurityKey),
        Some(&kind) => return Err(TokenError::KeyKind { kind }),
        None => return Err(TokenError::SignatureLength { length: 0 }),
    }
    let wrong_length = || TokenError::SignatureLength { length: signature.len() };
    let (key, rest) = signature[1..].split_first_chunk::<32>().ok_or_else(wrong_length)?;
    let raw: [u8; 64] = rest.try_into().map_err(|_| wrong_length())?;
    // The decoder is strict, so this holds; that a text has one spelling should not hang on a crate's defaults.
    if close(&message, key, &raw) != text {
        return Err(TokenError::Shape);
    }
    Ok(Opened { key: *key, signature: raw, message })
}

fn decode(part: &'static str, written: &str) -> Result<Vec<u8>, TokenError> {
    BASE64URL_NOPAD.decode(written.as_bytes()).map_err(|_| TokenError::Base64 { part })
}

/// Writes the text that [`open`] takes apart.
fn close(message: &[u8], key: &[u8; 32], signature: &[u8; 64]) -> String {
    let signed = [&[ED25519][..], key, signature].concat();
    format!("{PREFIX}{}.{}", BASE64URL_NOPAD.encode(message), BASE64URL_NOPAD.encode(&signed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval::RoleChoice;
    use crate::domain::change::{Action, ChangesetId, ContentId, IdKind, Target};
    use crate::domain::name::RoleName;
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    fn sign(token: &Token, seed: u8) -> Result<SignedToken, TokenError> {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let key = PublicKey::new(secret.verifying_key().to_bytes()).expect("an honest key");
        let signature = secret.sign(&signed_bytes(token.message()?.as_bytes())).to_bytes();
        SignedToken::from_parts(token.clone(), key, signature)
    }

    fn ids(kind: IdKind) -> impl Strategy<Value = ChangesetId> {
        proptest::collection::vec(1_u8.., kind.length())
            .prop_map(move |raw| ChangesetId::from_bytes(kind, &raw).expect("a full id"))
    }

    fn targets(kind: IdKind) -> impl Strategy<Value = Target> {
        let name = proptest::collection::vec(any::<u8>().prop_filter("no line ends", |b| !b"\0\n".contains(b)), 1..40);
        name.prop_map(move |name| {
            if kind == IdKind::HgSha1 {
                Target::Branch(name.into())
            } else {
                Target::git_ref(&[&b"refs/heads/"[..], &name].concat()).expect("a refname")
            }
        })
    }

    fn statements() -> impl Strategy<Value = Token> {
        let kinds = prop_oneof![Just(IdKind::GitSha1), Just(IdKind::GitSha256), Just(IdKind::HgSha1)];
        let of_kind = kinds.prop_flat_map(|kind| {
            let most = if kind == IdKind::HgSha1 { 4 } else { 2 };
            (ids(kind), targets(kind), proptest::collection::btree_set(ids(kind), 1..most))
        });
        let roles = proptest::option::of("[a-z0-9][a-z0-9._-]{0,20}");
        let times = (0_i64..2_000_000_000, 1_i64..2_000_000_000);
        let numbers = (any::<[u8; 16]>(), proptest::option::of(any::<[u8; 32]>()));
        (of_kind, roles, times, numbers, any::<bool>(), "\\PC{1,30}", any::<String>()).prop_map(
            |((subject, target, base), role, (from, span), (nonce, content), approves, repository, reason)| Token {
                kind: if approves { Kind::Approve } else { Kind::Reject },
                repository,
                subject: Some(subject),
                target: Some(target),
                action: Some(Action::Update),
                base: base.into_iter().collect(),
                content: content.map(ContentId),
                role: role.map_or(RoleChoice::Any, |name| RoleChoice::Only(RoleName::new(&name).expect("a name"))),
                not_before: Timestamp::from_unix(from).expect("a time"),
                not_after: Timestamp::from_unix(from + span),
                nonce,
                reason,
            },
        )
    }

    fn tokens() -> impl Strategy<Value = Token> {
        let revocations = (statements(), any::<[u8; 32]>()).prop_map(|(token, id)| Token {
            kind: Kind::Revoke(TokenId(id)),
            subject: None,
            target: None,
            action: None,
            base: vec![],
            content: None,
            role: RoleChoice::Any,
            not_after: None,
            ..token
        });
        prop_oneof![3 => statements(), 1 => revocations]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_token_is_read_as_it_was_written(token in tokens()) {
            let signed = sign(&token, b'a')?;
            prop_assert_eq!(&SignedToken::parse(&signed.text)?, &signed);
            prop_assert_eq!(signed.token, token);
        }

        #[test]
        fn a_token_with_one_byte_changed_is_refused(
            token in statements(), at in any::<prop::sample::Index>(), flip in 1_u8..128,
        ) {
            let mut bytes = sign(&token, b'a')?.text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let text = String::from_utf8(bytes).expect("still ASCII");
            prop_assert!(SignedToken::parse(&text).is_err());
        }

        #[test]
        fn arbitrary_text_is_refused_without_a_panic(text in any::<String>(), tail in "jit1\\.[A-Za-z0-9_.-]{0,300}") {
            prop_assert!(SignedToken::parse(&text).is_err());
            prop_assert!(SignedToken::parse(&tail).is_err());
            prop_assert!(Token::parse_message(text.as_bytes()).is_err());
        }

        #[test]
        fn a_message_with_one_byte_changed_says_something_else(
            token in tokens(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut bytes = token.message()?.into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert_ne!(Token::parse_message(&bytes), Ok(token));
        }
    }

    fn revocation() -> Token {
        Token {
            kind: Kind::Revoke(TokenId([7; 32])),
            repository: "payments@5f0c".to_owned(),
            subject: None,
            target: None,
            action: None,
            base: vec![],
            content: None,
            role: RoleChoice::Any,
            not_before: Timestamp::from_unix(1).expect("a time"),
            not_after: None,
            nonce: [3; 16],
            reason: "-".to_owned(),
        }
    }

    #[test]
    fn every_single_byte_of_a_token_matters() {
        let good = sign(&revocation(), b'a').expect("a token").text;
        assert!(SignedToken::parse(&good).is_ok());
        for at in 0..good.len() {
            for other in [b'A', b'B', b'_', b'.', b'=', b' '] {
                let mut bytes = good.clone().into_bytes();
                if bytes[at] != other {
                    bytes[at] = other;
                    let text = String::from_utf8(bytes).expect("still ASCII");
                    assert!(SignedToken::parse(&text).is_err(), "{other} at {at}");
                }
            }
            assert!(SignedToken::parse(&good[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_token_may_be_as_long_as_the_longest_that_is_read_and_no_longer() {
        let of = |length: usize| Token { repository: "x".repeat(length), reason: "\u{e9}".repeat(700), ..revocation() };
        let shortest = sign(&of(1), b'a').expect("a token").text.len();
        let longest = (MAX_TEXT - shortest) / 4 * 3;
        let signed: Vec<_> = (longest..longest + 8).map(|length| sign(&of(length), b'a')).collect();
        let lengths = signed.iter().filter_map(|signed| Some(signed.as_ref().ok()?.text.len()));
        assert_eq!(lengths.max(), Some(MAX_TEXT));
        assert!(signed.iter().flatten().all(|signed| SignedToken::parse(&signed.text).as_ref() == Ok(signed)));
        let first_refused = signed.iter().find_map(|signed| signed.as_ref().err());
        assert_eq!(first_refused, Some(&TokenError::TooLong { length: MAX_TEXT + 2 }));
    }

    #[test]
    fn only_one_line_end_is_taken_off() {
        let cases =
            [("t\n", "t"), ("t\r\n", "t"), ("t", "t"), ("t\n\n", "t\n"), ("t\r", "t\r"), (" t ", " t "), ("", "")];
        for (text, line) in cases {
            assert_eq!(without_line_end(text), line, "{text:?}");
        }
    }
}
