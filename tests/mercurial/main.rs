//! The Mercurial adapter and the hooks' script against a real Mercurial.

// Each test program uses a part of this.
#[allow(dead_code)]
#[path = "../support/hg.rs"]
mod hg;
#[path = "../support/hg_judge.rs"]
mod hg_judge;

mod answers;
mod branches;
mod clone;
mod forgeries;
mod formats;
mod named;
mod pieces;
mod sizes;
mod tokens;
mod transactions;
