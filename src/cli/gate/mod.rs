//! Gates for pipelines: asking where the server is, waiting, and what is said meanwhile (docs/spec/gate.md).

mod desk;
mod progress;
mod report;

pub use desk::{Desk, Wish};
pub use progress::Progress;
pub use report::{GateFormat, Report, Word};
