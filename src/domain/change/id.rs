//! Full changeset ids with the system and hash that they belong to: `git-sha1:3f2a…`.

use data_encoding::HEXLOWER;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The system and hash of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdKind {
    /// Git, 20 bytes.
    GitSha1,
    /// Git, 32 bytes.
    GitSha256,
    /// Mercurial, 20 bytes.
    HgSha1,
}

impl IdKind {
    /// Returns the word before the colon.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::GitSha1 => "git-sha1",
            Self::GitSha256 => "git-sha256",
            Self::HgSha1 => "hg-sha1",
        }
    }

    /// Returns the length of an id in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::GitSha1 | Self::HgSha1 => 20,
            Self::GitSha256 => 32,
        }
    }
}

/// Why a text or byte string is not a changeset id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The word before the colon is none of `git-sha1`, `git-sha256`, `hg-sha1`.
    #[error("an id begins with git-sha1:, git-sha256: or hg-sha1:")]
    UnknownKind,
    /// Not exactly as many lowercase hex digits as the hash has; shortened ids never count.
    #[error("an id has {expected} lowercase hex digits")]
    Digits {
        /// How many digits this kind of id has.
        expected: usize,
    },
    /// The all-zero id stands for "absent" and names no changeset.
    #[error("the all-zero id names no changeset")]
    Zero,
}

/// A full, non-zero id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangesetId {
    kind: IdKind,
    bytes: [u8; 32],
}

impl Hash for ChangesetId {
    /// Takes half of the shortest id: it is a hash itself, and nobody finds many ids that agree in so much.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.bytes[..16]);
    }
}

impl ChangesetId {
    /// Takes the raw bytes of an id.
    ///
    /// # Errors
    /// [`IdError::Digits`] for another length, [`IdError::Zero`] for zeros only.
    pub fn from_bytes(kind: IdKind, raw: &[u8]) -> Result<Self, IdError> {
        if raw.len() != kind.length() {
            return Err(IdError::Digits { expected: kind.length() * 2 });
        }
        if raw.iter().all(|byte| *byte == 0) {
            return Err(IdError::Zero);
        }
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Ok(Self { kind, bytes })
    }

    /// Takes lowercase hex digits without a prefix.
    ///
    /// # Errors
    /// As [`ChangesetId::from_bytes`].
    pub fn from_hex(kind: IdKind, hex: &str) -> Result<Self, IdError> {
        let (expected, mut bytes) = (kind.length() * 2, [0; 32]);
        let raw = &mut bytes[..kind.length()];
        if hex.len() != expected || HEXLOWER.decode_mut(hex.as_bytes(), raw).is_err() {
            return Err(IdError::Digits { expected });
        }
        Self::from_bytes(kind, raw)
    }

    /// Reads `git-sha1:…`, `git-sha256:…` or `hg-sha1:…`.
    ///
    /// # Errors
    /// [`IdError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (prefix, hex) = text.split_once(':').ok_or(IdError::UnknownKind)?;
        let kind = [IdKind::GitSha1, IdKind::GitSha256, IdKind::HgSha1]
            .into_iter()
            .find(|kind| kind.prefix() == prefix)
            .ok_or(IdError::UnknownKind)?;
        Self::from_hex(kind, hex)
    }

    /// Returns the system and hash.
    pub fn kind(&self) -> IdKind {
        self.kind
    }

    /// Returns the 20 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.kind.length()]
    }

    /// Returns all hex digits, without the prefix.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(self.as_bytes())
    }
}

impl fmt::Display for ChangesetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.prefix(), HEXLOWER.encode_display(self.as_bytes()))
    }
}

impl fmt::Debug for ChangesetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_lowercase_ids_parse() {
        let full = "3f2a91c0".repeat(5);
        let id = ChangesetId::parse(&format!("git-sha1:{full}")).expect("a full id");
        assert_eq!(id.hex(), full);
        assert_eq!(id.to_string(), format!("git-sha1:{full}"));
        for bad in [
            "git-sha1:3f2a91c".to_owned(),
            format!("git-sha256:{full}"),
            format!("git-sha1:{}", full.to_uppercase()),
            format!("svn:{full}"),
            full.clone(),
            format!("git-sha1:{}", "0".repeat(40)),
            format!("git-sha1:{full}\n"),
        ] {
            assert!(ChangesetId::parse(&bad).is_err(), "{bad}");
        }
        assert_ne!(ChangesetId::parse(&format!("hg-sha1:{full}")), Ok(id));
    }
}
