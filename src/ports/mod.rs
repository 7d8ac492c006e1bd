//! What the steps of a decision need from outside, in the words of the domain.

pub mod approval_store;
pub mod clock;
pub mod history;
pub mod incoming;
pub mod log;
pub mod notifier;
pub mod parking;
pub mod policy_source;
pub mod signer;
