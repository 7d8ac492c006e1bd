//! Whether a push may land: the pure decision as case tables and properties, and the order of its steps with fake ports.

mod actions;
mod answer;
mod checks;
mod content;
mod coverage;
mod creation;
mod default;
mod delegations;
mod labels;
mod merges;
mod oracle;
mod overrides;
mod people;
mod properties;
mod quorum;
mod rejection;
mod requests;
mod rules;
mod server;
mod sizes;
mod support;
mod time;
mod windows;
mod worth;
