//! How much one push may make us read.
//!
//! A few small objects can describe a tree with more paths than any disk holds (a folder that holds itself ten times over, ten
//! levels deep), and a forged date can send a walk through the whole history. Both are cut off here: past a limit or the
//! deadline there is an error, and an error denies.

use super::GitError;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Tree entries looked at: a hundred times what the largest honest pushes need.
pub(super) const MOST_ENTRIES: u64 = 50_000_000;
/// Bytes of all paths that are handed out together.
pub(super) const MOST_PATH_BYTES: u64 = 256 * 1024 * 1024;
/// How many steps pass between two looks at the clock.
const STEPS_PER_LOOK: u64 = 1024;

/// Counts down over the life of one opened repository, and of those that are opened beside it.
#[derive(Debug)]
pub(super) struct Budget {
    left: Arc<Left>,
    steps: Cell<u64>,
    deadline: Cell<Option<Instant>>,
}

/// What may still be read.
#[derive(Debug)]
struct Left {
    entries: AtomicU64,
    path_bytes: AtomicU64,
}

impl Default for Budget {
    fn default() -> Self {
        let left = Left { entries: AtomicU64::new(MOST_ENTRIES), path_bytes: AtomicU64::new(MOST_PATH_BYTES) };
        Self { left: Arc::new(left), steps: Cell::new(0), deadline: Cell::new(None) }
    }
}

impl Budget {
    /// Returns the same budget for another thread: what one uses up the other does not have.
    pub(super) fn shared(&self) -> Self {
        Self { left: Arc::clone(&self.left), steps: Cell::new(0), deadline: self.deadline.clone() }
    }

    /// From now on [`Budget::step`] fails once `deadline` has passed.
    pub(super) fn set_deadline(&self, deadline: Option<Instant>) {
        self.deadline.set(deadline);
    }

    /// Leaves room for so many tree entries.
    #[cfg(test)]
    pub(super) fn shrink(&self, entries: u64) {
        self.left.entries.store(entries, Ordering::Relaxed);
    }

    /// Counts one commit or folder that is visited.
    pub(super) fn step(&self) -> Result<(), GitError> {
        let steps = self.steps.get();
        self.steps.set(steps.wrapping_add(1));
        if steps.is_multiple_of(STEPS_PER_LOOK) { self.look() } else { Ok(()) }
    }

    /// Counts one file whose content is read: each may take long.
    pub(super) fn file(&self) -> Result<(), GitError> {
        self.look()
    }

    fn look(&self) -> Result<(), GitError> {
        match self.deadline.get() {
            Some(deadline) if Instant::now() >= deadline => Err(GitError::DeadlinePassed),
            _ => Ok(()),
        }
    }

    /// Counts `count` tree entries.
    pub(super) fn entries(&self, count: u64) -> Result<(), GitError> {
        let too_large = GitError::TooLarge { what: "tree entries", limit: MOST_ENTRIES };
        take(&self.left.entries, count).ok_or(too_large)
    }

    /// Counts a path of `length` bytes that is handed out.
    pub(super) fn path(&self, length: usize) -> Result<(), GitError> {
        let too_large = GitError::TooLarge { what: "bytes of paths", limit: MOST_PATH_BYTES };
        // 32: what keeping the path costs besides its bytes.
        let cost = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(32);
        take(&self.left.path_bytes, cost).ok_or(too_large)
    }
}

/// Takes `count` away, if there are so many.
fn take(left: &AtomicU64, count: u64) -> Option<()> {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count)).ok().map(|_| ())
}
