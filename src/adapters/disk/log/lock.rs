//! The lock: `flock` on a file that is never replaced or removed, so that all processes lock the same inode.

use super::storage::failed;
use crate::ports::log::LogError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

const FIRST_WAIT: Duration = Duration::from_micros(200);
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// Takes the lock; dropping the file releases it, and so does the end of the process, however it ends.
///
/// # Errors
/// [`LogError::Busy`] once `deadline` has passed.
pub(super) fn take(path: &Path, deadline: Instant) -> Result<File, LogError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed("opening", path))?;
    // There is no `flock` with a time limit: try, wait, try again.
    let mut wait = FIRST_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed("locking", path)(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(LogError::Busy);
        }
        std::thread::sleep(wait.min(left));
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
