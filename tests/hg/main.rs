//! Central Mercurial repositories that `jit` guards: real pushes over every transport.

// Each test program uses a part of this.
#[allow(dead_code)]
#[path = "../support/hg.rs"]
mod hg;
#[path = "../support/mod.rs"]
mod support;

mod branches;
mod clones;
mod content;
mod desk;
mod forged;
mod gates;
mod guard;
mod hostile;
mod installation;
mod landings;
mod names;
mod policy_effect;
mod requests;
mod requests_seen;
mod tokens;
mod transactions;
