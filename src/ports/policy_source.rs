//! Where the policy that judges comes from.

use crate::domain::policy::{Faults, Policy};
use std::error::Error;

/// Gives the policy as it is in force before the push.
pub trait PolicySource {
    /// Reads and checks the whole policy.
    ///
    /// # Errors
    /// [`PolicyUnavailable`]; every push is then denied.
    fn load(&self) -> Result<Policy, PolicyUnavailable>;
}

/// Why there is no policy to judge by.
#[derive(Debug, thiserror::Error)]
pub enum PolicyUnavailable {
    /// The files are missing or cannot be read.
    #[error("the policy cannot be read")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
    /// The files are not a valid policy.
    #[error("the policy does not load")]
    Faulty(Faults),
}
