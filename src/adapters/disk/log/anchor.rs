//! The anchor: the newest head, remembered outside the repository, so that a log that was put back is noticed.

use super::paths::AuditPaths;
use super::storage::{Durable, Storage, make_folder, read_whole, replace_through};
use crate::domain::audit::{Checkpoint, CheckpointError, NoteError, SignedCheckpoint, VerifierKey};
use crate::ports::log::LogError;

/// What the anchor remembers.
#[derive(Debug)]
pub(super) struct Anchor {
    pub checkpoint: Checkpoint,
    /// The note that holds the checkpoint; its signature is good.
    pub note: String,
}

/// Reads the anchor of the log that `key` names; `None` if nobody ever wrote one.
///
/// # Errors
/// [`LogError::Anchor`] if it is not a checkpoint by `key`.
pub(super) fn read(paths: &AuditPaths, key: &VerifierKey) -> Result<Option<Anchor>, LogError> {
    let path = paths.anchor(key.origin());
    let Some(bytes) = read_whole(&path, 1 << 16)? else { return Ok(None) };
    let note = String::from_utf8(bytes).map_err(|_| CheckpointError::Note(NoteError::Malformed));
    let opened = note.and_then(|note| Ok(Anchor { checkpoint: SignedCheckpoint::open(&note, key)?, note }));
    opened.map(Some).map_err(|fault| LogError::Anchor { path, fault })
}

/// Writes the anchor: create, pwrite, fdatasync, rename. The caller holds the log's lock.
///
/// The folder is not synced: after a power cut the anchor before this one may be back, which still remembers a head that
/// the log has had, and it is a sync less on every push.
pub(super) fn write(storage: &dyn Storage, paths: &AuditPaths, head: &SignedCheckpoint) -> Result<(), LogError> {
    make_folder(storage, &paths.anchors())?;
    let path = paths.anchor(&head.checkpoint.origin);
    // Other logs' anchors share this folder but not this log's lock, so the temporary name must be this log's own.
    replace_through(storage, &path.with_extension("new"), &path, head.note.as_bytes(), Durable::Either)
}
