//! What an audit can find, with the place of the first fault.

use crate::domain::audit::{CheckpointError, Hash, LineFault, OrderFault};
use crate::ports::log::Place;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A line is not what it should be.
    #[error("{place}: {fault}")]
    Line {
        /// Where.
        place: Place,
        /// How.
        fault: LineFault,
    },
    /// The last line has no end; the next push cuts it off.
    #[error("{place}: the last {bytes} bytes are the beginning of a line, left by an append that was cut short")]
    Torn {
        /// Where.
        place: Place,
        /// How many bytes.
        bytes: u64,
    },
    /// A segment is missing, or does not end where it should.
    #[error("segment {segment:08} is not complete")]
    Segment {
        /// Its number.
        segment: u64,
    },
    /// An entry cannot stand where it stands.
    #[error("{place}: {what}")]
    Order {
        /// Where.
        place: Place,
        /// Why not.
        what: OrderFault,
    },
    /// A blob that an entry names is missing or not what its name says.
    #[error("{place}: the blob {digest} is missing or damaged")]
    Blob {
        /// Where it is named.
        place: Place,
        /// Its name.
        digest: Hash,
    },
    /// A leaf says that it is the short form of a blob, and is not.
    #[error("{place}: the entry is not the short form of the blob {digest}")]
    Short {
        /// Where.
        place: Place,
        /// The blob.
        digest: Hash,
    },
    /// There is no entry.
    #[error("the log is empty")]
    Empty,
    /// The log has fewer entries than somebody remembers, or others.
    #[error("{by} remembers {remembered} entries with another root than the log's, which has {size}")]
    RolledBack {
        /// Who remembers.
        by: Memory,
        /// The size remembered.
        remembered: u64,
        /// The log's size.
        size: u64,
    },
    /// What somebody remembers is no checkpoint of this log.
    #[error("{by} is not a checkpoint of this log: {fault}")]
    Memory {
        /// Whose.
        by: Memory,
        /// Why.
        fault: CheckpointError,
    },
}

impl Fault {
    /// Returns the index of the entry that is at fault, if it is one.
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Line { place, .. }
            | Self::Torn { place, .. }
            | Self::Order { place, .. }
            | Self::Blob { place, .. }
            | Self::Short { place, .. } => Some(place.index),
            Self::Segment { .. } | Self::Empty | Self::RolledBack { .. } | Self::Memory { .. } => None,
        }
    }
}

/// Who remembers a head of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Memory {
    /// The server's state folder.
    #[error("the anchor")]
    Anchor,
    /// A checkpoint that was given, by its number from 1.
    #[error("checkpoint {0}")]
    Given(usize),
}
