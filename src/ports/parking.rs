//! Where the commits of requests wait until they may land, so that approvers can fetch them (docs/spec/request.md).

use super::history::History;
use crate::domain::audit::KeptRequest;
use crate::domain::change::ChangesetId;
use crate::domain::request::{Request, RequestId};
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::time::Instant;

/// Where the commits of requests are put to wait.
pub trait Parking {
    /// Tells whether approvers can fetch the request.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn has(&mut self, id: &RequestId) -> Result<bool, ParkingError>;

    /// Takes `subjects`, with everything below them that is nowhere else, out of a push that is being refused; returns their size in
    /// bytes, together.
    ///
    /// Nobody can fetch them yet: what is left behind by a crash after this goes with the next clean-up of the repository itself.
    ///
    /// # Errors
    /// [`ParkingError`]; [`ParkingError::TooLarge`] if it is more than `limit` bytes.
    fn rescue(&mut self, subjects: &[ChangesetId], limit: u64, deadline: Instant) -> Result<u64, ParkingError>;

    /// Lets approvers fetch these requests, whose subjects were rescued together; does nothing about one that they can fetch already. They
    /// are written in the name `by`.
    ///
    /// # Errors
    /// [`ParkingError`]: some may be shown then.
    fn show(&mut self, requests: &[Shown<'_>], by: &str) -> Result<(), ParkingError>;
}

/// A request that approvers should be able to fetch.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'r> {
    /// Its id.
    pub id: &'r RequestId,
    /// The changeset that it is about.
    pub subject: &'r ChangesetId,
    /// What it asks.
    pub request: &'r Request,
}

/// Where approvers see which gates wait. Their commits stand in the repository in any case.
pub trait Board {
    /// Lets approvers fetch the request for a gate, written in the name `by`; does nothing if they can already.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn put_up(&mut self, gate: Shown<'_>, by: &str) -> Result<(), ParkingError>;

    /// Takes a request away from approvers; does nothing if they cannot fetch it.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn take_down(&mut self, id: &RequestId) -> Result<(), ParkingError>;
}

/// Where the commits of requests wait, and what is needed to let one land.
pub trait Landing {
    /// Lists the requests that approvers can fetch, with the changeset that shows each.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn shown(&mut self) -> Result<BTreeMap<RequestId, ChangesetId>, ParkingError>;

    /// Takes a request away from approvers, if `shown` is what shows it to them.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn hide(&mut self, id: &RequestId, shown: &ChangesetId) -> Result<(), ParkingError>;

    /// Gives back the room of what no request needs any longer, where the system does not do that by itself.
    ///
    /// # Errors
    /// [`ParkingError`].
    fn sweep(&mut self) -> Result<(), ParkingError>;

    /// Supposes the push that would let it land; `None` where its target holds the subject already.
    ///
    /// # Errors
    /// [`ParkingError`], such as for commits that are gone.
    fn supposed(&mut self, request: &KeptRequest) -> Result<Option<&mut dyn History>, ParkingError>;

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
