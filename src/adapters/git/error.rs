//! Why something could not be read from a Git repository.

use crate::domain::change::ChangesetId;
use crate::ports::history::HistoryError;

/// Why the repository gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// An object is absent: a torn repository, a shallow push, or a submodule taken for a commit.
    #[error("the object {} is missing", object.hex())]
    Missing {
        /// Its id.
        object: ChangesetId,
    },
    /// An object is malformed or of the wrong type.
    #[error("the object {} is malformed: {problem}", object.hex())]
    Malformed {
        /// Its id.
        object: ChangesetId,
        /// What is wrong with it.
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
    /// It could not be opened for another thread.
    #[error("cannot open the repository once more")]
    Again(#[source] Box<OpenError>),
    /// The library refused or failed.
    #[error("cannot {doing}")]
    Library {
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// What the library says.
        #[source]
        source: git2::Error,
    },
}

impl GitError {
    /// Gives the library's error the name of what was tried.
    pub(super) fn library(doing: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Library { doing, source }
    }
}

impl From<GitError> for HistoryError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Missing { object } => Self::Missing { object: object.hex() },
            GitError::Malformed { object, problem } => Self::Malformed { object: object.hex(), problem },
            GitError::TooLarge { what, limit } => Self::TooLarge { what, limit },
            GitError::DeadlinePassed => Self::DeadlinePassed,
            error @ (GitError::Library { .. } | GitError::Again(_)) => Self::Unreadable(Box::new(error)),
        }
    }
}

/// Why a repository cannot be opened, or not be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It keeps its refs in the reftable format, which the library cannot read.
    #[error("its refs are in the reftable format")]
    Reftable,
    /// A part of its history is cut off, so that nothing can be said about what reaches what.
    #[error("it is shallow")]
    Shallow,
    /// Its history is rewritten on the fly by `info/grafts`.
    #[error("it has grafts (info/grafts)")]
    Grafts,
    /// It is one of several namespaces, whose refs do not have the names that the push says.
    #[error("GIT_NAMESPACE is set")]
    Namespace,
    /// The library cannot open it: nothing there, somebody else's, or an unknown extension.
    #[error("the repository cannot be opened")]
    Library(#[source] git2::Error),
}
