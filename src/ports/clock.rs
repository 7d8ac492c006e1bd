//! What time it is.

use crate::domain::time::Timestamp;

/// The server's clock.
pub trait Clock {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}
