//! Signed notes and verifier keys (C2SP signed-note v1.0.0), with Ed25519 keys only.
//!
//! A note is text that ends with a newline, an empty line, and signature lines
//! `— name base64(key id, signature)`. Lines of unknown keys are passed over; a bad signature of the
//! known key spoils the note.

use crate::domain::approval::PublicKey;
use crate::domain::text::decode_base64;
use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// The type byte of Ed25519 keys in notes.
const ED25519: u8 = 1;
/// What stands before the name in a signature line: an em dash and a space.
const MARK: &str = "\u{2014} ";
/// No note is longer: a checkpoint and a few hundred cosignatures fit.
const MAX_NOTE: usize = 65_536;

/// Why a text cannot name a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an origin is 1 to 255 printable ASCII characters without spaces and `+`")]
pub struct OriginError;

/// The name of a log, unique among all logs that its clients know: `git.example.com/payments`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// Checks a name.
    ///
    /// # Errors
    /// [`OriginError`] for what a note cannot hold as a key's name.
    pub fn new(text: &str) -> Result<Self, OriginError> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+');
        if fits { Ok(Self(text.to_owned())) } else { Err(OriginError) }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a line is not the verifier key of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a verifier key of the form `origin+8 hex digits+base64`, with a strong ed25519 key")]
pub struct VerifierKeyError;

/// A log's name and public key; written as `origin+key id+base64(1, key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    origin: Origin,
    key: VerifyingKey,
    id: [u8; 4],
}

impl VerifierKey {
    /// Puts a name to the public half of `signer`.
    pub fn of(origin: Origin, signer: &SigningKey) -> Self {
        Self::new(origin, signer.verifying_key())
    }

    fn new(origin: Origin, key: VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(origin.as_str())
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        let id = [hash[0], hash[1], hash[2], hash[3]];
        Self { origin, key, id }
    }

    /// Reads the line form; the key id must be that of name and key, the key canonical and strong.
    ///
    /// # Errors
    /// [`VerifierKeyError`] for every other text.
    pub fn parse(line: &str) -> Result<Self, VerifierKeyError> {
        let (name, rest) = line.split_once('+').ok_or(VerifierKeyError)?;
        let (_, key) = rest.split_once('+').ok_or(VerifierKeyError)?;
        let origin = Origin::new(name).map_err(|_| VerifierKeyError)?;
        let bytes = decode_base64(key.as_bytes()).ok_or(VerifierKeyError)?;
        let [ED25519, raw @ ..] = bytes.as_slice() else { return Err(VerifierKeyError) };
        let raw: [u8; 32] = raw.try_into().map_err(|_| VerifierKeyError)?;
        let strong = PublicKey::new(raw).map_err(|_| VerifierKeyError)?;
        let key = VerifyingKey::from_bytes(strong.as_bytes()).map_err(|_| VerifierKeyError)?;
        let parsed = Self::new(origin, key);
        if parsed.to_string() == line { Ok(parsed) } else { Err(VerifierKeyError) }
    }

    /// Returns the log's name.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Tells whether `signature` over `message` was made with this key, by the strict rules of Ed25519.
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    /// Writes a note from `text` (which ends with a newline) and a signature over it.
    pub fn note(&self, text: &str, signature: &[u8; 64]) -> String {
        let mut bytes = self.id.to_vec();
        bytes.extend(signature);
        format!("{text}\n{MARK}{} {}\n", self.origin, BASE64.encode(&bytes))
    }

    /// Checks a note against this key and returns its text, the last newline included.
    ///
    /// # Errors
    /// [`NoteError`] says whether the form, the key or the signature is wrong.
    pub fn open_note<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, lines) = split_note(note)?;
        let mut known = false;
        for line in lines.lines() {
            let (name, bytes) = signature_line(line)?;
            if name != self.origin.as_str() || bytes[..4] != self.id {
                continue;
            }
            let signature: &[u8; 64] = bytes[4..].try_into().map_err(|_| NoteError::BadSignature)?;
            if !self.verifies(text.as_bytes(), signature) {
                return Err(NoteError::BadSignature);
            }
            known = true;
        }
        if known { Ok(text) } else { Err(NoteError::UnknownKey) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.origin, HEXLOWER.encode(&self.id), BASE64.encode(&bytes))
    }
}

/// Signs `text`, which ends with a newline, and returns the raw 64 bytes.
pub fn sign_note(text: &str, signer: &SigningKey) -> [u8; 64] {
    signer.sign(text.as_bytes()).to_bytes()
}

/// Why a note proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// No empty line, no signature line, control characters, or too long.
    #[error("not a signed note")]
    Malformed,
    /// None of its signatures is by the key that was asked for.
    #[error("the note has no signature by this log's key")]
    UnknownKey,
    /// A signature under the key's name and id that is not one over this text.
    #[error("the note's signature is wrong")]
    BadSignature,
}

/// Returns the text of a note that nobody checked, the last newline included.
///
/// # Errors
/// [`NoteError::Malformed`].
pub fn note_text(note: &str) -> Result<&str, NoteError> {
    split_note(note).map(|(text, _)| text)
}

/// Splits at the last empty line.
fn split_note(note: &str) -> Result<(&str, &str), NoteError> {
    let plain = note.len() <= MAX_NOTE && note.ends_with('\n') && note.chars().all(|c| c == '\n' || !c.is_control());
    let split = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
    let (text, lines) = (&note[..=split], &note[split + 2..]);
    if plain && !lines.is_empty() { Ok((text, lines)) } else { Err(NoteError::Malformed) }
}

/// Reads one signature line; the bytes are a key id and at least one byte of signature.
fn signature_line(line: &str) -> Result<(&str, Vec<u8>), NoteError> {
    let (name, base64) = line.strip_prefix(MARK).and_then(|rest| rest.split_once(' ')).ok_or(NoteError::Malformed)?;
    let bytes = decode_base64(base64.as_bytes()).ok_or(NoteError::Malformed)?;
    if name.is_empty() || bytes.len() < 5 { Err(NoteError::Malformed) } else { Ok((name, bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> (SigningKey, VerifierKey) {
        let signer = SigningKey::from_bytes(&[b'l'; 32]);
        let origin = Origin::new("git.example.com/payments").expect("a good origin");
        let verifier = VerifierKey::of(origin, &signer);
        (signer, verifier)
    }

    #[test]
    fn a_key_line_is_read_as_it_is_written_and_in_no_other_form() {
        let (_, verifier) = key();
        let line = verifier.to_string();
        assert_eq!(VerifierKey::parse(&line), Ok(verifier));
        let weak = format!("x+00000000+{}", BASE64.encode(&[&[1_u8, 1][..], &[0; 31]].concat()));
        for bad in [
            String::new(),
            line.replace("payments", "other"),
            line.to_uppercase(),
            format!("{line}\n"),
            format!("{line}="),
            line.replacen('+', " ", 1),
            weak,
        ] {
            assert_eq!(VerifierKey::parse(&bad), Err(VerifierKeyError), "{bad}");
        }
    }

    #[test]
    fn a_note_opens_with_its_key_and_other_signatures_are_passed_over() {
        let (signer, verifier) = key();
        let text = "git.example.com/payments\n1\nabc\n";
        let note = verifier.note(text, &sign_note(text, &signer));
        assert_eq!(verifier.open_note(&note), Ok(text));
        let other = SigningKey::from_bytes(&[b'm'; 32]);
        let witness = VerifierKey::of(Origin::new("witness").expect("a good origin"), &other);
        let line = witness.note(text, &sign_note(text, &other));
        let line = line.lines().last().expect("a signature line");
        assert_eq!(verifier.open_note(&format!("{note}{line}\n")), Ok(text));
        assert_eq!(witness.open_note(&note), Err(NoteError::UnknownKey));
        // The four bytes of a key's id and one of another kind of signature; a key's id alone.
        assert_eq!(verifier.open_note(&format!("{note}\u{2014} x AAAAAAA=\n")), Ok(text));
        assert_eq!(verifier.open_note(&format!("{note}\u{2014} x AAAAAA==\n")), Err(NoteError::Malformed));
    }

    #[test]
    fn a_note_that_was_changed_does_not_open() {
        let (signer, verifier) = key();
        let text = "git.example.com/payments\n1\nabc\n";
        let note = verifier.note(text, &sign_note(text, &signer));
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(verifier.open_note(&changed).is_err(), "byte {at}: {changed}");
            }
        }
        for bad in ["", "\n", "text\n", "text\n\n", "text\n\n\u{2014} a\n", "text\n\n\u{2014} a AAAA\n"] {
            assert_eq!(verifier.open_note(bad), Err(NoteError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_note_that_is_too_long_or_not_plain_is_not_read() {
        let (signer, verifier) = key();
        let note = |text: &str| verifier.note(text, &sign_note(text, &signer));
        let rest = note("\n").len() - 1;
        let longest = format!("{}\n", "x".repeat(MAX_NOTE - rest - 1));
        assert_eq!(verifier.open_note(&note(&longest)), Ok(longest.as_str()));
        let (longer, plain) = (note(&format!("x{longest}")), note("a\n"));
        for bad in [&longer, plain.trim_end(), &note("a\r\n"), &note("a\u{1b}[31m\n"), &note("a\0\n")] {
            assert_eq!(verifier.open_note(bad), Err(NoteError::Malformed), "{bad:.99?}");
        }
    }

    #[test]
    fn a_log_cannot_be_named_by_what_a_note_cannot_hold() {
        for bad in ["", "a b", "a+b", "a\n", "caf\u{e9}", &"x".repeat(256)] {
            assert_eq!(Origin::new(bad), Err(OriginError), "{bad}");
        }
    }
}
