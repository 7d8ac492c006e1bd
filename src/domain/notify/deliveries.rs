//! What became of a place's notices, counted since the place is there (docs/metrics.md, "Notices").

use serde::{Deserialize, Serialize};

/// How often each thing happened. No number gets smaller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Notices that were taken.
    pub sent: u64,
    /// Attempts that came to nothing.
    pub failed: u64,
    /// Attempts that were not a notice's first.
    pub retried: u64,
    /// Notices that were given up.
    pub given_up: u64,
}

impl Deliveries {
    /// Counts an attempt: the notice was tried `before` so often, and is taken now or not.
    pub fn attempt(&mut self, before: u32, is_taken: bool) {
        self.retried += u64::from(before > 0);
        *(if is_taken { &mut self.sent } else { &mut self.failed }) += 1;
    }

    /// Adds what another place counted.
    pub fn merge(&mut self, other: Self) {
        self.sent += other.sent;
        self.failed += other.failed;
        self.retried += other.retried;
        self.given_up += other.given_up;
    }
}
