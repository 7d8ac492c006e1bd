//! How many tokens one key has added on one UTC day: the length of an append-only file,
//! `tokens/.quota/<hex of the key>-<YYYY-MM-DD>`, with a line of fixed size for each.
//!
//! The file's lock also keeps two additions of one key apart, so that no quota is overrun by a race. It is let go
//! when the file is closed, also by a crash. The lines are the tokens' ids, so they also tell what the key has added at all.

use super::ownership::make_folder;
use super::token_store::{failed, parent_of, sync};
use crate::domain::approval::{PublicKey, TokenId};
use crate::domain::time::Timestamp;
use crate::ports::approval_store::StoreError;
use data_encoding::HEXLOWER;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How many tokens one key may add on one UTC day.
pub(super) const DAILY: u64 = 10_000;
/// The length of a line in bytes: a token's id and a line feed.
pub(super) const LINE: u64 = 65;

const LOCK_WAIT: Duration = Duration::from_secs(5);

/// One key's count of one day, held alone.
#[derive(Debug)]
pub(super) struct DailyQuota {
    file: File,
    path: PathBuf,
    key: String,
    /// How the files of this key begin, of every day.
    prefix: String,
}

impl DailyQuota {
    /// Opens the count of `key` for the day of `now` below `root`, and waits up to five seconds to hold it alone.
    pub(super) fn hold(root: &Path, key: &PublicKey, now: Timestamp) -> Result<Self, StoreError> {
        let folder = root.join(".quota");
        if !folder.is_dir() {
            make_folder(&folder).map_err(failed("create", &folder))?;
            sync(parent_of(root))?;
        }
        let time = now.to_string();
        let day = time.split_once('T').map_or(time.as_str(), |(day, _)| day);
        let prefix = HEXLOWER.encode(key.as_bytes()) + "-";
        let path = folder.join(prefix.clone() + day);
        let file =
            OpenOptions::new().append(true).create(true).mode(0o644).open(&path).map_err(failed("create", &path))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file, path, key: key.to_string(), prefix }),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_WAIT => sleep(Duration::from_millis(5)),
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Busy { key: key.to_string(), seconds: LOCK_WAIT.as_secs() });
                }
                Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
            }
        }
    }

    /// Refuses when the day's quota is used up.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let length = self.file.metadata().map_err(failed("read", &self.path))?.len();
        // A line that a full disk cut short counts as one.
        if length.div_ceil(LINE) < DAILY {
            return Ok(());
        }
        Err(StoreError::DailyQuota { key: self.key.clone(), limit: DAILY })
    }

    /// Tells whether the key has ever added this token. Reads the key's files of all days.
    pub(super) fn has_counted(&self, id: &TokenId) -> Result<bool, StoreError> {
        let (folder, line) = (parent_of(&self.path), format!("{id}\n"));
        for entry in fs::read_dir(folder).map_err(failed("read", folder))? {
            let path = entry.map_err(failed("read", folder))?.path();
            let is_ours =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&self.prefix));
            // A line that a full disk cut short stands in front of the next one.
            if is_ours && String::from_utf8_lossy(&fs::read(&path).map_err(failed("read", &path))?).contains(&line) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts one more.
    pub(super) fn count(&mut self, id: &TokenId) -> Result<(), StoreError> {
        self.file.write_all(format!("{id}\n").as_bytes()).map_err(failed("write", &self.path))
    }
}
