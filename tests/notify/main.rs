//! Notices: that they arrive, at least once, say what happened and nothing else, and stand in no push's way.

mod desk;
mod failures;
mod mail;
mod payloads;
mod pushes;
mod server;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod templates;
