//! Where the commits of requests wait until they may land, so that approvers can fetch them (docs/spec/request.md).

use super::history::History;
use crate::domain::audit::KeptRequest;
use crate::domain::change::ChangesetId;
use crate::domain::request::{Request, RequestId};
use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::time::Instant;

/// Where the commits of requests wait.
pub trait Parking {
    /// Tells whether approvers can fetch the request.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn has(&mut self, id: &RequestId) -> Result<bool, ParkingError>;

    /// Takes `subject`, with everything below it that is nowhere else, out of a push that is being refused; returns its size in bytes.
    ///
    /// Nobody can fetch it yet: what is left behind by a crash after this goes with the next clean-up of the repository itself.
    ///
    /// # Errors
    /// [`ParkingError`]; [`ParkingError::TooLarge`] if it is more than `limit` bytes.
    fn rescue(&mut self, subject: &ChangesetId, limit: u64, deadline: Instant) -> Result<u64, ParkingError>;

    /// Lets approvers fetch the request for `subject`, which was rescued; does nothing if they can already. It is written in the name `by`.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn show(&mut self, id: &RequestId, subject: &ChangesetId, request: &Request, by: &str) -> Result<(), ParkingError>;

    /// Lists the requests that approvers can fetch.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn shown(&mut self) -> Result<BTreeSet<RequestId>, ParkingError>;

    /// Takes a request away from approvers; does nothing if they cannot fetch it.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn hide(&mut self, id: &RequestId) -> Result<(), ParkingError>;
}

/// What is needed to let a kept request land.
pub trait Landing: Parking {
    /// Supposes the push that would let it land; `None` where its target holds the subject already.
    ///
    /// # Errors
    /// [`ParkingError`], such as for commits that are gone.
    fn supposed(&mut self, request: &KeptRequest) -> Result<Option<Box<dyn History + '_>>, ParkingError>;

    /// Pushes it, as its requester, from where it waits to its target; returns what was said where that is refused.
    ///
    /// # Errors
    /// [`ParkingError`]: nobody was asked, or the answer is not known.
    fn push(&mut self, request: &KeptRequest, deadline: Instant) -> Result<Result<(), String>, ParkingError>;
}

/// Why a request is not kept. Nothing of what was decided depends on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParkingError {
    /// It is more than there is room for.
    #[error("it is more than {limit} bytes")]
    TooLarge {
        /// How many there may be.
        limit: u64,
    },
    /// It took too long.
    #[error("there was no time left to keep it")]
    DeadlinePassed,
    /// Something else stands in its place.
    #[error("something else stands in its place")]
    Taken,
    /// A program that does a part of it could not be run.
    #[error("cannot run {program}")]
    NotRun {
        /// The program.
        program: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program that does a part of it failed, such as over a damaged object.
    #[error("{program} failed: {}", said.trim_end().replace('\n', "; "))]
    Failed {
        /// The program.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// The repository could not be read or written.
    #[error("cannot keep it")]
    Repository(#[source] Box<dyn Error + Send + Sync>),
}
