//! Why the conversation with the hook gave no answer. Every reason means deny.

use crate::domain::change::ChangesetId;
use crate::ports::history::HistoryError;
use std::io;

/// Why something could not be learned from the hook's script.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MercurialError {
    /// What comes in does not begin as a request of a version that is known here.
    #[error("not a request of the version `jit-hg-request/v3`")]
    NotARequest,
    /// The conversation broke off.
    #[error("the conversation with the hook broke off")]
    BrokenOff(#[source] io::Error),
    /// A record, or its place among the others, is not what docs/spec/hg-request.md allows.
    #[error("the hook's answer is malformed: {problem}")]
    BadAnswer {
        /// What is wrong.
        problem: &'static str,
    },
    /// A changeset or manifest is not what Mercurial's format allows, or does not have the id that it is given for.
    #[error("the changeset {} is malformed: {problem}", .changeset.hex())]
    BadChangeset {
        /// The changeset, or the one whose manifest it is.
        changeset: ChangesetId,
        /// What is wrong.
        problem: &'static str,
    },
    /// Reading on would cost more than any honest push does.
    #[error("there are more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many are read at most.
        limit: u64,
    },
    /// The deadline passed.
    #[error("the deadline passed")]
    DeadlinePassed,
    /// The repository stores its history in a way that cannot be judged.
    #[error("the repository needs `{requirement}`, which cannot be judged")]
    Unsupported {
        /// The entry in `.hg/requires`, escaped.
        requirement: String,
    },
}

impl MercurialError {
    /// Names a fault in the hook's answer.
    pub(super) fn bad(problem: &'static str) -> Self {
        Self::BadAnswer { problem }
    }
}

impl From<MercurialError> for HistoryError {
    fn from(error: MercurialError) -> Self {
        match error {
            MercurialError::BadChangeset { changeset, problem } => Self::Malformed { object: changeset.hex(), problem },
            MercurialError::TooLarge { what, limit } => Self::TooLarge { what, limit },
            MercurialError::DeadlinePassed => Self::DeadlinePassed,
            error => Self::Unreadable(Box::new(error)),
        }
    }
}
