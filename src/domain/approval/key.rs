//! Ed25519 public keys that may stand in a policy, and the one way in which their signatures are checked.
//!
//! Verification is `verify_strict` and nothing else: the looser check and batch verification accept signatures
//! of small-order keys, and the batch does not even give the same answer twice.

use crate::domain::text::decode_base64;
use data_encoding::{BASE64, BASE64_NOPAD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// The word with which OpenSSH names this kind of key.
const ALGORITHM: &str = "ssh-ed25519";

/// Why bytes are not a key that may sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not the canonical form of a point on the curve.
    #[error("not a canonical ed25519 public key")]
    NotAPoint,
    /// A point of small order: anyone can make signatures for it.
    #[error("a weak ed25519 key: everyone can sign with it")]
    Weak,
}

/// Why a line is not an OpenSSH public key that may sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyLineError {
    /// Not `ssh-ed25519`, a space, base64, and perhaps a space and a comment, all on one line.
    #[error("not an OpenSSH public key line")]
    Malformed,
    /// A key of another algorithm.
    #[error("only ssh-ed25519 keys can sign")]
    Algorithm,
    /// The bytes of the key are refused.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A signature is not this key's over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A strong, canonical Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Checks the 32 bytes of a key.
    ///
    /// # Errors
    /// [`KeyError`] for weak and non-canonical keys, with which `verify_strict` alone would not protect.
    pub fn new(bytes: [u8; 32]) -> Result<Self, KeyError> {
        Self::decode(bytes).map(|(key, _)| key)
    }

    /// Checks the 32 bytes of a key, and keeps the point that they stand for: finding it costs a tenth of a verification.
    ///
    /// A point has a second encoding in two cases only. If y < 19, y + p fits into 255 bits as well: `from_bytes`
    /// takes that, so it is compared here. If x = 0, the sign may be either: then y is 1 or -1, which are weak.
    /// Compressing the point again would show both, at the price of a field inversion for each token.
    pub(super) fn decode(bytes: [u8; 32]) -> Result<(Self, VerifyingKey), KeyError> {
        let point = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotAPoint)?;
        if !is_reduced(&bytes) {
            return Err(KeyError::NotAPoint);
        }
        if point.is_weak() { Err(KeyError::Weak) } else { Ok((Self(bytes), point)) }
    }

    /// Reads an OpenSSH public key line: `ssh-ed25519 AAAA… comment`, the comment being optional.
    ///
    /// Gives the key and the comment, which may be empty and holds no control characters.
    ///
    /// # Errors
    /// [`KeyLineError`] for another algorithm, another layout and keys that [`PublicKey::new`] refuses.
    pub fn parse_openssh(line: &str) -> Result<(Self, &str), KeyLineError> {
        let (algorithm, rest) = line.split_once(' ').ok_or(KeyLineError::Malformed)?;
        if algorithm != ALGORITHM {
            let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-@._".contains(&byte);
            let known = !algorithm.is_empty() && algorithm.bytes().all(word);
            return Err(if known { KeyLineError::Algorithm } else { KeyLineError::Malformed });
        }
        let (blob, comment) = rest.split_once(' ').unwrap_or((rest, ""));
        if comment.chars().any(char::is_control) {
            return Err(KeyLineError::Malformed);
        }
        let wire = decode_base64(blob.as_bytes()).ok_or(KeyLineError::Malformed)?;
        let bytes = wire.last_chunk::<32>().ok_or(KeyLineError::Malformed)?;
        if wire_form(bytes) != wire {
            return Err(KeyLineError::Malformed);
        }
        Ok((Self::new(*bytes)?, comment))
    }

    /// Returns the key as OpenSSH writes it on one line, without a comment: `ssh-ed25519 AAAA…`.
    pub fn openssh(&self) -> String {
        format!("{ALGORITHM} {}", BASE64.encode(&self.ssh_wire()))
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the public key as SSH writes it on the wire: `ssh-ed25519`, then the 32 bytes, each with its length.
    pub fn ssh_wire(&self) -> Vec<u8> {
        wire_form(&self.0)
    }

    /// Checks the 64 bytes of a signature over `message`, with `verify_strict`.
    ///
    /// # Errors
    /// [`BadSignature`] for any other message or key, and for signatures that are not in their one accepted form.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        let point = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        verify_at(&point, message, signature)
    }
}

/// As [`PublicKey::verify`], for a key whose point is known.
pub(super) fn verify_at(point: &VerifyingKey, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
    point.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| BadSignature)
}

/// Tells whether the y of an encoded point is below p = 2^255 - 19; the top bit is the sign of x.
fn is_reduced(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff) || *low < 0xed
}

fn wire_form(key: &[u8; 32]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(51);
    for part in [ALGORITHM.as_bytes(), key] {
        wire.extend((part.len() as u32).to_be_bytes());
        wire.extend(part);
    }
    wire
}

impl fmt::Display for PublicKey {
    /// Writes the fingerprint as `ssh-keygen -l` does: `SHA256:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(self.ssh_wire())))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use ed25519_dalek::{Signer as _, SigningKey};

    fn alice() -> (SigningKey, PublicKey) {
        let secret = SigningKey::from_bytes(&[b'a'; 32]);
        let public = PublicKey::new(secret.verifying_key().to_bytes()).expect("an honest key");
        (secret, public)
    }

    #[test]
    fn weak_and_non_canonical_keys_are_refused() {
        let cases = [
            // The eight points of small order, in their canonical forms.
            ("0100000000000000000000000000000000000000000000000000000000000000", KeyError::Weak),
            ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::Weak),
            ("0000000000000000000000000000000000000000000000000000000000000000", KeyError::Weak),
            ("0000000000000000000000000000000000000000000000000000000000000080", KeyError::Weak),
            ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", KeyError::Weak),
            ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", KeyError::Weak),
            ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", KeyError::Weak),
            ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", KeyError::Weak),
            // y = p + 1 is the identity again, y = p is 0.
            ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::NotAPoint),
            ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KeyError::NotAPoint),
            // x = 0 with a sign.
            ("0100000000000000000000000000000000000000000000000000000000000080", KeyError::Weak),
            ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", KeyError::Weak),
            // y = 2 has no x.
            ("0200000000000000000000000000000000000000000000000000000000000000", KeyError::NotAPoint),
        ];
        for (hex, why) in cases {
            let bytes = HEXLOWER.decode(hex.as_bytes()).expect("hex");
            assert_eq!(PublicKey::new(bytes.try_into().expect("32 bytes")), Err(why), "{hex}");
        }
    }

    #[test]
    fn only_a_y_of_p_or_more_is_not_reduced() {
        // The lowest byte, those between, the highest without its sign.
        let cases = [
            (0xec, 0xff, 0x7f, true),
            (0xed, 0xff, 0x7f, false),
            (0xff, 0xff, 0x7f, false),
            (0xff, 0xfe, 0x7f, true),
            (0xff, 0xff, 0x7e, true),
        ];
        for (low, middle, high, reduced) in cases {
            for sign in [0, 0x80] {
                let mut bytes = [middle; 32];
                (bytes[0], bytes[31]) = (low, high | sign);
                assert_eq!(is_reduced(&bytes), reduced, "{bytes:x?}");
            }
        }
    }

    #[test]
    fn every_second_encoding_of_a_point_is_refused() {
        let mut second = 0;
        for (low, sign) in (0xed..=0xff).flat_map(|low| [(low, 0), (low, 0x80)]) {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, 0x7f | sign);
            if let Ok(point) = VerifyingKey::from_bytes(&bytes) {
                assert_ne!(point.to_edwards().compress().to_bytes(), bytes);
                assert_eq!(PublicKey::new(bytes), Err(KeyError::NotAPoint));
                second += 1;
            }
        }
        assert!(second > 4, "some are not of small order");
    }

    #[test]
    fn a_key_line_is_read_as_it_is_written() {
        let (_, key) = alice();
        let line = key.openssh();
        assert_eq!(PublicKey::parse_openssh(&line), Ok((key, "")));
        assert_eq!(
            PublicKey::parse_openssh(&format!("{line} alice@laptop of hers")),
            Ok((key, "alice@laptop of hers"))
        );
    }

    #[test]
    fn other_lines_are_not_keys() {
        let (_, key) = alice();
        let line = key.openssh();
        let blob = line.split_once(' ').expect("two words").1;
        let inner_rsa = BASE64.encode(&[&b"\0\0\0\x0bssh-rsa4444"[..], &b"\0\0\0\x20"[..], key.as_bytes()].concat());
        let weak = BASE64.encode(&wire_form(&[0; 32]));
        let cases = [
            (format!("ssh-rsa {blob}"), KeyLineError::Algorithm),
            (format!("sk-ssh-ed25519@openssh.com {blob}"), KeyLineError::Algorithm),
            (format!("ssh-ed25519 {inner_rsa}"), KeyLineError::Malformed),
            (format!("ssh-ed25519 {weak}"), KeyLineError::Key(KeyError::Weak)),
            (format!(" {line}"), KeyLineError::Malformed),
            (format!("ssh-ed25519  {blob}"), KeyLineError::Malformed),
            (format!("{line}\n"), KeyLineError::Malformed),
            (format!("{line} a\nb"), KeyLineError::Malformed),
            (format!("{line} \u{1b}[31m"), KeyLineError::Malformed),
            (line[..line.len() - 1].to_owned(), KeyLineError::Malformed),
            (format!("{line}="), KeyLineError::Malformed),
            (format!("no-pty {line}"), KeyLineError::Algorithm),
            (blob.to_owned(), KeyLineError::Malformed),
            (String::new(), KeyLineError::Malformed),
        ];
        for (text, why) in cases {
            assert_eq!(PublicKey::parse_openssh(&text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn a_signature_counts_for_its_key_and_message_only() {
        let (secret, key) = alice();
        let signature = secret.sign(b"message").to_bytes();
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        assert_eq!(key.verify(b"massage", &signature), Err(BadSignature));
        let bob = PublicKey::new(SigningKey::from_bytes(&[b'b'; 32]).verifying_key().to_bytes()).expect("bob's key");
        assert_eq!(bob.verify(b"message", &signature), Err(BadSignature));
    }
}
