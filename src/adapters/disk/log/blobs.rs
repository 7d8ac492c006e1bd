//! Blobs: what entries name by digest.

use super::paths::AuditPaths;
use super::storage::{Durable, Storage, failed, read_whole, replace};
use crate::domain::audit::Hash;
use crate::ports::log::LogError;
use std::fs::File;

/// No blob is longer, in bytes.
const MAX_BLOB: usize = 256 << 20;

/// Keeps bytes under their digest, durably.
pub(super) fn keep(storage: &dyn Storage, paths: &AuditPaths, bytes: &[u8]) -> Result<Hash, LogError> {
    if bytes.len() > MAX_BLOB {
        return Err(LogError::BlobTooLong(bytes.len()));
    }
    let digest = Hash::of(bytes);
    let path = paths.blob(digest);
    if read_whole(&path, MAX_BLOB as u64 + 1)?.as_deref() != Some(bytes) {
        replace(storage, &path, bytes, Durable::Yes)?;
        return Ok(digest);
    }
    // It may come from a process that was killed before its sync.
    let file = File::open(&path).map_err(failed("opening", &path))?;
    storage.sync(&file).map_err(failed("syncing", &path))?;
    storage.sync_folder(&paths.blobs()).map_err(failed("syncing", &paths.blobs()))?;
    Ok(digest)
}

/// Reads a blob and checks that it is what its name says.
pub(super) fn read(paths: &AuditPaths, digest: Hash) -> Result<Vec<u8>, LogError> {
    let bytes = read_whole(&paths.blob(digest), MAX_BLOB as u64 + 1)?;
    bytes.filter(|bytes| Hash::of(bytes) == digest).ok_or(LogError::Blob(digest))
}
