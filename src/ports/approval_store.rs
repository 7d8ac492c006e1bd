//! The tokens that a server keeps. That store decides; refs and branches only bring tokens to it.

use crate::domain::approval::{SignedToken, TokenError, TokenId};
use crate::domain::change::ChangesetId;
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::time::Timestamp;
use std::io;
use std::path::PathBuf;

/// Keeps tokens, and finds those of a changeset or of a token at a cost that does not depend on how many others
/// it keeps. It only grows.
///
/// The store does not ask whose keys sign: the caller adds tokens of keys that the policy knows.
pub trait ApprovalStore {
    /// Finds the approvals and rejections of a changeset.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be listed at all.
    fn of_subject(&self, subject: &ChangesetId) -> Result<Found, StoreError>;

    /// Finds the revocations of a token, whoever signed them.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be listed at all.
    fn revocations_of(&self, token: &TokenId) -> Result<Found, StoreError>;

    /// Finds the delegations of `role` to `to`, whoever signed them.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be listed at all.
    fn delegations(&self, role: &RoleName, to: &PrincipalId) -> Result<Found, StoreError>;

    /// Keeps a token; when this returns, it survives a power cut. Adding it again changes nothing.
    ///
    /// `now` tells on which UTC day it counts toward its signer's quota.
    ///
    /// # Errors
    /// [`StoreError`]; unless it is a quota, whether the token was kept is unknown.
    fn add(&self, signed: &SignedToken, now: Timestamp) -> Result<Added, StoreError>;
}

/// A token as a clone knows it.
#[derive(Debug, Clone)]
pub struct KnownToken {
    /// The token.
    pub signed: SignedToken,
    /// Whether it stands only here and waits to be sent.
    pub waiting: bool,
}

/// What became of a token that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was not there before.
    New,
    /// It was there already: the same message by the same key.
    Known,
}

/// The tokens of one subject.
#[derive(Debug, Default)]
pub struct Found {
    /// All that verified, in the order of their names.
    pub tokens: Vec<SignedToken>,
    /// What stood among them and does not count.
    pub skipped: Vec<Skipped>,
}

/// Something in the store that is not a token of its subject.
#[derive(Debug)]
pub struct Skipped {
    /// Where it stands.
    pub path: PathBuf,
    /// Why it does not count.
    pub why: SkipReason,
}

/// Why something in the store does not count.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// It cannot be read.
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    /// It is a folder, a link or a device.
    #[error("not a plain file")]
    NotAFile,
    /// It is longer than any token; it was not read.
    #[error("has {length} bytes, more than any token")]
    TooLong {
        /// Its length in bytes.
        length: u64,
    },
    /// It is no token, or its signature is wrong.
    #[error(transparent)]
    Refused(#[from] TokenError),
    /// It is a token of another subject or another name.
    #[error("a token that belongs elsewhere")]
    Misplaced,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The signer's quota for one UTC day is used up.
    #[error("the key {key} has added {limit} tokens today, which is all that one key may")]
    DailyQuota {
        /// The fingerprint of the key.
        key: String,
        /// The quota.
        limit: u64,
    },
    /// The signer's quota for one subject is used up.
    #[error("the key {key} has {limit} tokens for this subject, which is all that one key may")]
    SubjectQuota {
        /// The fingerprint of the key.
        key: String,
        /// The quota.
        limit: u64,
    },
    /// Another process kept the signer's lock for too long.
    #[error("another process has been adding tokens of the key {key} for {seconds} seconds")]
    Busy {
        /// The fingerprint of the key.
        key: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The names for this token are taken by other tokens or other files.
    #[error("the places of token {id} are taken")]
    Taken {
        /// The token.
        id: TokenId,
    },
    /// A file or folder failed.
    #[error("cannot {action} {path:?}")]
    Io {
        /// What was tried: `read`, `create`, `write`, `sync`, `lock`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}
