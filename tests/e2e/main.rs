//! Real pushes against a real central repository: what is refused, what is let in, and that a refusal changes nothing.

mod approver;
mod branches;
mod client;
mod client_answers;
mod doctor;
mod failures;
mod guard;
mod installation;
mod merges;
mod objects;
mod policy_changes;
mod races;
mod rules_labels;
mod rules_people;
mod rules_quorum;
mod rules_size;
mod rules_targets;
mod rules_windows;
mod series;
#[path = "../support/mod.rs"]
mod support;
mod tags;
mod tokens;
mod transport;
