//! Checkpoints: a log's name, size and root, signed (C2SP tlog-checkpoint v1.0.0).

use super::merkle::Hash;
use super::note::{NoteError, Origin, VerifierKey, note_text, sign_note};
use ed25519_dalek::SigningKey;

/// What a log's head states. Extension lines are neither written nor read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Why a text is not a checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not the three lines origin, size, root in their one spelling.
    #[error("not a checkpoint")]
    Malformed,
    /// It is about another log.
    #[error("the checkpoint is about the log `{0}`")]
    OtherLog(Origin),
    /// The note around it proves nothing.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// Returns the text that is signed: three lines, each with its newline.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.base64())
    }

    /// Reads the text in its one spelling.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`] for every other text.
    pub fn parse(body: &str) -> Result<Self, CheckpointError> {
        let mut lines = body.lines();
        let mut next = || lines.next().ok_or(CheckpointError::Malformed);
        let origin = Origin::new(next()?).map_err(|_| CheckpointError::Malformed)?;
        let size = next()?.parse().map_err(|_| CheckpointError::Malformed)?;
        let root = Hash::from_base64(next()?.as_bytes()).ok_or(CheckpointError::Malformed)?;
        let checkpoint = Self { origin, size, root };
        if checkpoint.body() == body { Ok(checkpoint) } else { Err(CheckpointError::Malformed) }
    }
}

/// A checkpoint with the note that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is stated.
    pub checkpoint: Checkpoint,
    /// The raw Ed25519 signature over [`Checkpoint::body`].
    pub signature: [u8; 64],
    /// The whole signed note, as it is stored and published.
    pub note: String,
}

impl SignedCheckpoint {
    /// Signs the head of the log that `key` names; `signer` is the private half of `key`.
    pub fn sign(size: u64, root: Hash, key: &VerifierKey, signer: &SigningKey) -> Self {
        let checkpoint = Checkpoint { origin: key.origin().clone(), size, root };
        let signature = sign_note(&checkpoint.body(), signer);
        Self { note: key.note(&checkpoint.body(), &signature), checkpoint, signature }
    }

    /// Takes size, root and signature as a frame holds them; `None` if the signature is not by `key`.
    pub fn verified(size: u64, root: Hash, signature: [u8; 64], key: &VerifierKey) -> Option<Self> {
        Self::verified_beside(None, size, root, signature, key)
    }

    /// As [`SignedCheckpoint::verified`]. `known` is a note that was opened with `key`: what it holds is not verified again.
    pub fn verified_beside(
        known: Option<&str>,
        size: u64,
        root: Hash,
        signature: [u8; 64],
        key: &VerifierKey,
    ) -> Option<Self> {
        let checkpoint = Checkpoint { origin: key.origin().clone(), size, root };
        let body = checkpoint.body();
        let note = key.note(&body, &signature);
        let is_signed = known == Some(&note) || key.verifies(body.as_bytes(), &signature);
        is_signed.then_some(Self { checkpoint, signature, note })
    }

    /// Tells whether `note` holds a later checkpoint of this log. Who signed it is asked only where it claims that, for it nearly never does.
    pub fn is_before(&self, note: &str, key: impl FnOnce() -> Option<VerifierKey>) -> bool {
        let claimed = note_text(note).ok().and_then(|text| Checkpoint::parse(text).ok());
        claimed.is_some_and(|claimed| claimed.size > self.checkpoint.size)
            && key().is_some_and(|key| Self::open(note, &key).is_ok())
    }

    /// Opens a note and reads the checkpoint in it.
    ///
    /// # Errors
    /// [`CheckpointError`]: no valid note by `key`, no checkpoint, or one of another log.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
        let checkpoint = Checkpoint::parse(key.open_note(note)?)?;
        if checkpoint.origin == *key.origin() {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::OtherLog(checkpoint.origin))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_has_one_spelling() {
        let root = Hash::of(b"").base64();
        let good = format!("log\n12\n{root}\n");
        assert_eq!(Checkpoint::parse(&good).map(|read| read.body()), Ok(good.clone()));
        for bad in [
            String::new(),
            "log\n12\n".to_owned(),
            format!("log\n012\n{root}\n"),
            format!("log\n+12\n{root}\n"),
            format!("log\n-1\n{root}\n"),
            format!("log\n18446744073709551616\n{root}\n"),
            format!("log\n12\n{root}"),
            format!("log\r\n12\r\n{root}\r\n"),
            format!("log\n12\n{root}\nextension\n"),
            format!("l og\n12\n{root}\n"),
            format!("log\n12\n{}\n", root.trim_end_matches('=')),
        ] {
            assert_eq!(Checkpoint::parse(&bad), Err(CheckpointError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn only_a_signed_checkpoint_of_the_same_log_is_later() {
        let [signer, other] = [b'l', b'm'].map(|byte| SigningKey::from_bytes(&[byte; 32]));
        let [key, stranger] = [&signer, &other].map(|signer| VerifierKey::of(Origin::new("one").expect("one"), signer));
        let sign = |size, key, signer| SignedCheckpoint::sign(size, Hash::of(b""), key, signer);
        let head = sign(5, &key, &signer);
        let [later, forged] = [sign(6, &key, &signer).note, sign(6, &stranger, &other).note];
        let cases = [
            (later.clone(), true, true),
            (forged, false, true),
            (later.replace("one\n6", "one\n7"), false, true),
            (head.note.clone(), false, false),
            (sign(4, &key, &signer).note, false, false),
            ("rubbish".to_owned(), false, false),
        ];
        for (note, is_later, is_asked) in cases {
            let mut asked = false;
            let found = head.is_before(&note, || {
                asked = true;
                Some(key.clone())
            });
            assert_eq!((found, asked), (is_later, is_asked), "{note}");
        }
        assert!(!head.is_before(&later, || None));
    }

    #[test]
    fn a_known_note_speaks_for_itself_alone() {
        let signer = SigningKey::from_bytes(&[b'l'; 32]);
        let key = VerifierKey::of(Origin::new("one").expect("a good origin"), &signer);
        let SignedCheckpoint { checkpoint: Checkpoint { root, .. }, signature, note } =
            SignedCheckpoint::sign(5, Hash::of(b""), &key, &signer);
        let taken = |known: Option<&str>, size, signature| {
            SignedCheckpoint::verified_beside(known, size, root, signature, &key).map(|taken| taken.note)
        };
        for known in [None, Some(&*note), Some("rubbish")] {
            assert_eq!(taken(known, 5, signature).as_ref(), Some(&note));
            assert_eq!(taken(known, 6, signature), None);
            assert_eq!(taken(known, 5, [7; 64]), None);
        }
    }

    #[test]
    fn a_checkpoint_of_another_log_by_the_same_key_is_refused() {
        let signer = SigningKey::from_bytes(&[b'l'; 32]);
        let key = VerifierKey::of(Origin::new("one").expect("a good origin"), &signer);
        let signed = SignedCheckpoint::sign(0, Hash::of(b""), &key, &signer);
        assert_eq!(SignedCheckpoint::open(&signed.note, &key), Ok(signed.checkpoint));
        let body =
            Checkpoint { origin: Origin::new("two").expect("a good origin"), size: 0, root: Hash::of(b"") }.body();
        let note = key.note(&body, &sign_note(&body, &signer));
        assert!(matches!(SignedCheckpoint::open(&note, &key), Err(CheckpointError::OtherLog(_))));
    }
}
