//! What a push brings beside changesets: approval tokens and requests (docs/spec/published.md).

use super::approval_store::StoreError;
use super::history::{History, HistoryError};
use crate::domain::approval::TokenError;
use crate::domain::change::{ChangesetId, RefUpdate, Target};
use crate::domain::request::{Request, RequestError, RequestId};

/// A push that can be judged: its history, and what it carries.
pub trait Incoming: History {
    /// Reads the tokens and requests that the push carries on jit's own targets and in push options.
    ///
    /// `updates` are those of [`History::ref_updates`]. Tokens are returned also where something else is refused.
    ///
    /// # Errors
    /// [`HistoryError`] if they cannot be read; what a pusher did wrong stands in [`Carried::refusals`].
    fn carried(&mut self, updates: &[RefUpdate]) -> Result<Carried, HistoryError>;
}

/// Tokens and requests of a push, with what is wrong about them.
#[derive(Debug, Default)]
pub struct Carried {
    /// The tokens, unchecked.
    pub tokens: Vec<CarriedToken>,
    /// The requests that are well-formed.
    pub requests: Vec<CarriedRequest>,
    /// The requests that the pusher takes back.
    pub cancelled: Vec<RequestId>,
    /// How much the push brought, in bytes; 0 where that is not known.
    pub bytes: u64,
    /// Why the push must be refused whatever the policy says.
    pub refusals: Vec<OwnRefusal>,
}

/// A token as it arrived.
#[derive(Debug, Clone)]
pub struct CarriedToken {
    /// Its text, as sent.
    pub text: Vec<u8>,
    /// Where the pusher put it.
    pub place: TokenPlace,
}

/// Where a push carries a token. What stands on jit's own targets is there for everybody: a token there that may not be kept
/// refuses the push, one that was only offered does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// In a push option or push variable.
    Offered,
    /// In a file below jit's own target; its path there.
    File(Vec<u8>),
    /// In a changeset on jit's own branch.
    Changeset(ChangesetId),
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct CarriedRequest {
    /// Its id, which fits its content.
    pub id: RequestId,
    /// The changeset that it is about.
    pub subject: ChangesetId,
    /// What it asks.
    pub request: Request,
}

/// Why a change of jit's own targets is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnRefusal {
    /// Pushers may add approvals and requests there, and nothing else.
    #[error("{target} belongs to jit: only approvals and requests may be added")]
    NotYours {
        /// The target.
        target: Target,
    },
    /// The approvals were rewritten, or something in them changed, vanished or is no token file.
    #[error("{target}: {problem}")]
    NotAnAddition {
        /// The target.
        target: Target,
        /// What is wrong.
        problem: String,
    },
    /// A file or changeset among the approvals is no token that may be kept.
    #[error("{place} may not be added")]
    Token {
        /// Its path, percent-encoded, or the changeset's id.
        place: String,
        /// Why not.
        source: Declined,
    },
    /// A request is not what its place says.
    #[error("{target} is not a request")]
    NotARequest {
        /// The target.
        target: Target,
        /// Why not.
        source: RequestError,
    },
    /// A request is taken back by somebody else than who made it, or the log knows none with this id.
    #[error("{id} can only be taken back by who made it")]
    NotTheirs {
        /// The request.
        id: RequestId,
    },
    /// Requests of the pusher take all the room that they may.
    #[error(transparent)]
    NoRoom(NoRoom),
    /// A request is not a commit on its subject, or its id does not fit its content.
    #[error("{target}: {problem}")]
    RequestShape {
        /// The target.
        target: Target,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Why no more requests of a pusher are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// There are as many as there may be.
    #[error("{limit} requests of this pusher wait already, more are not kept")]
    Count {
        /// How many may wait.
        limit: u64,
    },
    /// They would bring more together than they may.
    #[error("the requests of this pusher may bring {limit} bytes together")]
    Bytes {
        /// How many bytes.
        limit: u64,
    },
}

/// Why a token is not kept.
#[derive(Debug, thiserror::Error)]
pub enum Declined {
    /// It is no token with a valid signature.
    #[error("not a token")]
    NotAToken(#[source] TokenError),
    /// The policy does not list its key.
    #[error("token {id}: signed with a key that the policy does not know ({key})")]
    UnknownKey {
        /// The token.
        id: String,
        /// The key's fingerprint.
        key: String,
    },
    /// It is for another repository.
    #[error("token {id}: signed for repository {repository}")]
    OtherRepository {
        /// The token.
        id: String,
        /// The repository that it names.
        repository: String,
    },
    /// The store does not take it.
    #[error("token {id} could not be kept")]
    NotKept {
        /// The token.
        id: String,
        /// Why.
        source: StoreError,
    },
    /// It stands under another token's name.
    #[error("it belongs at {expected}")]
    Misplaced {
        /// Where it belongs.
        expected: String,
    },
    /// The push carries more tokens than one push may.
    #[error("one push may add no more tokens")]
    TooMany,
}
