//! Gives up on what takes too long and knows no deadline of its own.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Does `work` on a thread of its own and waits for it for so long; `None` where it takes longer.
///
/// What was given up goes on until it ends, or the process does, and nobody hears how.
pub fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, end) = mpsc::channel();
    // Whoever waited may have gone.
    thread::spawn(move || drop(done.send(work())));
    end.recv_timeout(limit).ok()
}
