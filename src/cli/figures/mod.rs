//! Figures of the logs of repositories on this machine, and how they are written (docs/metrics.md).

mod answers;
mod csv;
mod gather;
mod json;
mod openmetrics;
mod table;
#[cfg(test)]
mod tests;

pub use csv::{cell, cells, csv, entries};
pub use gather::{Gathered, Question, gather};
pub use json::json;
pub use openmetrics::openmetrics;
pub use table::{lasting, table};
