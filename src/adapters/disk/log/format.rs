//! FORMAT: three lines that say which log this is: `jit-audit 1`, its origin, its verifier key.

use super::paths::AuditPaths;
use super::storage::{Durable, Storage, read_whole, replace};
use crate::domain::audit::VerifierKey;
use crate::ports::log::LogError;

const FIRST_LINE: &str = "jit-audit 1";

fn text(key: &VerifierKey) -> String {
    format!("{FIRST_LINE}\n{}\n{key}\n", key.origin())
}

/// Reads FORMAT.
///
/// # Errors
/// [`LogError::Missing`] if there is none, [`LogError::Format`] for every other text than [`write`] writes.
pub(super) fn read(paths: &AuditPaths) -> Result<VerifierKey, LogError> {
    let path = paths.format();
    let bytes = read_whole(&path, 4096)?.ok_or_else(|| LogError::Missing(paths.audit_dir.clone()))?;
    let found = std::str::from_utf8(&bytes).ok();
    let key = found.and_then(|found| found.lines().nth(2)).and_then(|line| VerifierKey::parse(line).ok());
    key.filter(|key| found == Some(&text(key))).ok_or(LogError::Format(path))
}

/// Writes FORMAT, whole or not at all: create, pwrite, fdatasync, rename, fsync of the folder.
pub(super) fn write(storage: &dyn Storage, paths: &AuditPaths, key: &VerifierKey) -> Result<(), LogError> {
    replace(storage, &paths.format(), text(key).as_bytes(), Durable::Yes)
}
