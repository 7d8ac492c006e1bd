//! Plain files: settings, policies, tokens, the log, and what a client remembers of logs.

pub mod folder;
pub mod log;
mod memory;
mod outbox;
pub mod ownership;
mod policy;
pub mod published;
mod request_settings;
mod token_quota;
mod token_store;
mod waiting;

pub use memory::{CheckpointMemory, MemoryError, Seen};
pub use outbox::{Job, JobFile, Lock as OutboxLock, Outbox, OutboxError, State as OutboxState};
pub use policy::{PolicyFolder, PolicyFolderError, STARTER_POLICY};
pub use request_settings::RequestSettings;
pub use token_store::TokenStore;
pub use waiting::WaitingTokens;

#[cfg(test)]
mod token_store_tests;
