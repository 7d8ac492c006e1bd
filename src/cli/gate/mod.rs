//! Gates for pipelines: asking where the server is, waiting, and what is said meanwhile (docs/spec/gate.md).

pub mod clone;
mod desk;
mod progress;
mod remote;
mod report;
mod wire;

pub use desk::{Desk, Wish};
pub use progress::Progress;
pub use remote::Address;
pub use report::{Report, Word};
pub use wire::{Answer, Question, VERSION, WireError};
