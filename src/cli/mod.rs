//! What commands need from the terminal and the process: context, exit codes, reports.

pub mod advice;
pub mod answer;
pub mod chosen_policy;
pub mod client;
pub mod client_errors;
pub mod client_json;
pub mod client_key;
pub mod client_signing;
pub mod client_target;
pub mod client_token;
pub mod contents;
mod context;
pub mod effect;
mod exit;
mod faults;
pub mod figures;
pub mod gate;
pub mod inbox;
pub mod local_clone;
mod moment;
mod progress;
mod report;
pub mod report_page;
pub mod repository;
pub mod requests;
mod server;
pub mod signing;
pub mod summary;
pub mod supposing;
mod terminal;
mod told;
mod warnings;

pub use context::{Context, Format, Written};
pub use exit::Exit;
pub use faults::{faults_json, faults_plain, faults_report};
pub use moment::Moment;
pub use progress::Progress;
pub use report::{Failure, IntoFailure};
pub use server::ServerParts;
pub use terminal::{Style, Terminal, safe};
pub use told::{Told, debt_words};

#[cfg(test)]
mod summary_tests;
