//! The system's clock.

use crate::domain::time::Timestamp;
use crate::ports::clock::Clock;

/// The system's clock. Nothing moves it: no option, no environment variable.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = chrono::Utc::now().timestamp();
        // A clock before 1970 or after 9999 is wrong; 1970 makes every token "not yet valid" and the log refuse it.
        Timestamp::from_unix(now).unwrap_or(Timestamp::EPOCH)
    }
}
