//! What enforcement needs from the log: one exclusive handle that knows where it stands and appends durably.

use crate::domain::audit::{
    CheckpointError, Debt, Entry, EntryError, Hash, KeptRequest, LastDenial, LineFault, RefsError, SignedCheckpoint,
    StandingError, TargetState, Unsettled,
};
use crate::domain::change::{ContentId, Target};
use crate::domain::time::Timestamp;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

/// Where an append-only log is kept.
pub trait LogStore {
    /// Takes the lock, finds and checks the end of the log, and compares it with the anchor.
    ///
    /// What a crash left behind is repaired on the way: a torn last line is cut off, a spoilt one moved
    /// aside and recorded, derived files are brought up to date. The lock is taken before anything that a
    /// decision depends on may be read, and held until the handle is dropped. Costs the same however long
    /// the log is, except after a restart of the machine or damage to derived files.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Busy`] or [`LogError::Deadline`] once `deadline` has passed.
    fn open(&self, deadline: Instant) -> Result<Box<dyn Log>, LogError>;

    /// Goes on although the anchor remembers more than the log has, or the clock was set back: appends a
    /// recovery entry with `reason` and makes the head the new anchor.
    ///
    /// # Errors
    /// As [`LogStore::open`], without [`LogError::RolledBack`] and [`LogError::Anchor`].
    fn accept_restore(&self, deadline: Instant, reason: &str) -> Result<Appended, LogError>;
}

/// An entry that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its index, from 0.
    pub index: u64,
    /// The head with it. Only a head from here may leave the process.
    pub head: SignedCheckpoint,
}

/// The log, locked. Dropping it releases the lock.
pub trait Log {
    /// Returns how many entries there are.
    fn size(&self) -> u64;

    /// Returns the time of the newest entry. No entry may be older; after a restored clock that of the recovery.
    fn newest_time(&self) -> Option<Timestamp>;

    /// Returns the newest signed checkpoint; it is durable.
    fn head(&self) -> &SignedCheckpoint;

    /// Looks up what the log knows of `target`, at the same cost however many entries and targets there are.
    ///
    /// # Errors
    /// [`LogError`] if the derived files cannot be read; then nothing may be concluded about the target.
    fn target(&self, target: &Target) -> Result<TargetState, LogError>;

    /// Looks up when changes of the content `content` last landed on `target` with approvals, at the same cost however long the
    /// log is.
    ///
    /// # Errors
    /// As [`Log::target`].
    fn landed(&self, target: &Target, content: &ContentId) -> Result<Option<Timestamp>, LogError>;

    /// Returns the allowed decisions without an outcome, oldest first. Each is to be settled from the refs' values.
    fn unsettled(&self) -> &[Unsettled];

    /// Returns the overrides that nobody has reviewed, oldest first; also those whose push is still open.
    fn debts(&self) -> &[Debt];

    /// Returns the requests whose commits are kept, oldest first.
    fn kept(&self) -> &[KeptRequest];

    /// Returns the denial that is the newest entry, for [`LastDenial::fold`].
    fn last_denial(&self) -> Option<LastDenial>;

    /// Keeps bytes under their SHA-256, durably: an entry that names them may follow. At most 256 MiB.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::BlobTooLong`].
    fn keep_blob(&mut self, bytes: &[u8]) -> Result<Hash, LogError>;

    /// Appends an entry; when this returns, it is durable. A long entry's whole goes to a blob.
    ///
    /// # Errors
    /// After [`LogError::Entry`] and [`LogError::Standing`] nothing was written and the handle still works. After
    /// any other error nobody can know whether the entry will be found later: the handle refuses everything else
    /// with [`LogError::Poisoned`], and the push must be denied.
    fn append(&mut self, entry: &Entry) -> Result<Appended, LogError>;

    /// Makes the head the anchor, durably. Belongs off the pusher's wait.
    ///
    /// # Errors
    /// [`LogError::Io`]; the log itself is not affected.
    fn renew_anchor(&mut self) -> Result<(), LogError>;
}

/// Where a line of the journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the segment, from 0.
    pub segment: u64,
    /// Number of the line in it, from 1.
    pub line: u64,
    /// Where the line begins in the segment, in bytes from 0.
    pub offset: u64,
    /// Index of the entry that should stand there, from 0.
    pub index: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, line, offset, index } = self;
        write!(f, "entry {index} (segment {segment:08}, line {line}, byte {offset})")
    }
}

/// Why the log gives no answer. Whatever it is, nothing may land.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Somebody else holds the lock.
    #[error("the log is locked by another process")]
    Busy,
    /// Repair took longer than there was time.
    #[error("the log could not be made ready in time")]
    Deadline,
    /// There is no log.
    #[error("there is no log at {}", .0.display())]
    Missing(PathBuf),
    /// There is one already.
    #[error("there is already a log at {}", .0.display())]
    Exists(PathBuf),
    /// FORMAT is not one that this version writes.
    #[error("{} does not describe a log of format 1", .0.display())]
    Format(PathBuf),
    /// The key file is not one, or others can read it.
    #[error("the log's key cannot be used: {}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        fault: KeyFault,
    },
    /// The system refused something.
    #[error("{action} {} failed", path.display())]
    Io {
        /// What was tried, such as `reading`.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Less was written than was asked for, usually for want of space.
    #[error("only {written} of {wanted} bytes were written to {}", path.display())]
    ShortWrite {
        /// The file.
        path: PathBuf,
        /// How many bytes.
        written: usize,
        /// Of how many.
        wanted: usize,
    },
    /// A line of the journal is wrong, and it is not what a crash leaves behind.
    #[error("the log is damaged at {place}")]
    Damaged {
        /// Where.
        place: Place,
        /// How.
        #[source]
        fault: LineFault,
    },
    /// A segment is missing, or goes on after its end.
    #[error("segment {segment:08} of the log is not complete")]
    Segment {
        /// Its number.
        segment: u64,
    },
    /// The log has no entry, not even its first.
    #[error("the log is empty")]
    Empty,
    /// An entry that is there cannot follow the ones before it.
    #[error("entry {index} of the log cannot stand where it stands")]
    Replay {
        /// Its index.
        index: u64,
        /// Why.
        #[source]
        fault: StandingError,
    },
    /// An entry that is there cannot be read, such as one of a later version.
    #[error("entry {index} of the log cannot be read")]
    Unreadable {
        /// Its index.
        index: u64,
        /// Why.
        #[source]
        fault: EntryError,
    },
    /// A blob is missing or not what its name says.
    #[error("the blob {0} is missing or damaged")]
    Blob(Hash),
    /// A derived file is spoilt; it is made anew when the log is opened next.
    #[error("the derived file {} is damaged", .0.display())]
    Derived(PathBuf),
    /// The list of refs at the beginning is not one.
    #[error("the refs recorded at the beginning cannot be looked up")]
    Refs(#[source] RefsError<io::Error>),
    /// The anchor is no checkpoint of this log.
    #[error("the anchor {} is not a checkpoint of this log", path.display())]
    Anchor {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        fault: CheckpointError,
    },
    /// An anchor for a log of this name is there, and a new log would begin behind it.
    #[error("the anchor {} remembers another log of this name", .0.display())]
    AnchorExists(PathBuf),
    /// The log is behind what the anchor remembers, or has another history.
    #[error("the log was rolled back: it has {size} entries, the anchor remembers {anchored}")]
    RolledBack {
        /// How many entries the log has.
        size: u64,
        /// How many the anchor has seen. Not more than `size` means that the history up to there is another one.
        anchored: u64,
    },
    /// The entry cannot be written as a leaf.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The entry cannot come next.
    #[error(transparent)]
    Standing(#[from] StandingError),
    /// More than a blob may have.
    #[error("a blob of {0} bytes is too long")]
    BlobTooLong(usize),
    /// An earlier write through this handle failed, so nobody knows what is on disk.
    #[error("an earlier write to the log failed")]
    Poisoned,
}

/// Why a key file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The permission bits let others in.
    #[error("its mode is {mode:04o}, others than its owner can use it")]
    Open {
        /// The permission bits.
        mode: u32,
    },
    /// Not `jit-log-key-1` and 32 bytes in base64.
    #[error("it is not a log key")]
    Malformed,
    /// Its public half is not the key of FORMAT.
    #[error("it is the key of another log")]
    Other,
}
