//! Real pushes against a real central repository: what is refused, what is let in, and that a refusal changes nothing.
//!
//! A case that exists in Git and in Mercurial is one test that runs in both (`central`). What only Git has stands beside it
//! with `TestRepo`, and what only Mercurial has in `tests/hg`.

mod approver;
mod branches;
mod branches_git;
mod carried;
#[path = "../support/central/mod.rs"]
mod central;
mod client;
mod client_answers;
mod content;
mod content_client;
mod doctor;
mod extremes;
mod failures;
mod gates;
mod gates_in_clones;
mod guard;
// Each test program uses a part of this.
#[allow(dead_code)]
#[path = "../support/hg.rs"]
mod hg;
mod installation;
mod keys;
mod landings;
mod merges;
mod metrics;
mod objects;
mod pipelines;
mod policy_changes;
mod policy_effect;
mod policy_tools;
mod races;
mod requests;
mod requests_seen;
mod rules_checks;
mod rules_delegations;
mod rules_labels;
mod rules_overrides;
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
