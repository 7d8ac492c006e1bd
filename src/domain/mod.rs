//! Values and decisions: no I/O, no clock, no environment, no process, no git2.

pub mod approval;
pub mod audit;
pub mod change;
pub mod import;
pub mod metrics;
pub mod name;
pub mod notify;
pub mod policy;
pub mod request;
pub mod text;
pub mod time;
