//! Notices: that they arrive, at least once, say what happened and nothing else, and stand in no push's way.

mod both;
// Each test program uses a part of this.
#[allow(dead_code, unused_imports)]
#[path = "../support/central/mod.rs"]
mod central;
mod desk;
mod events;
mod failures;
mod gates;
#[allow(dead_code)]
#[path = "../support/hg.rs"]
mod hg;
mod mail;
mod past;
mod payloads;
mod pushes;
mod server;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod templates;
