//! A central Git repository that `jit` guards, a clone to push from, and people with fixed keys.
//!
//! Everything happens in a temporary folder with real Git and the built program; nothing of the developer's own
//! configuration is read. A test says who commits, who signs and who pushes:
//!
//! ```ignore
//! let repo = TestRepo::new(RULES);
//! let commit = repo.commit(ALICE, &["src/lib.rs"]);
//! repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`review`", "needs 1 approval"]);
//! repo.approve(BOB, commit, MAIN);
//! repo.accepted(ALICE, &["HEAD:refs/heads/main"]);
//! ```

// Each test program uses a part of this.
#![allow(dead_code, unused_imports)]

mod approvals;
mod desk;
mod git;
mod guarded;
mod log;
mod people;
mod push;
mod repo;
mod requests;
mod tokens;

pub use approvals::{APPROVALS, option, token_file};
pub use desk::Desk;
pub use git::{Said, command, run};
pub use guarded::Guarded;
pub use people::{ALICE, BOB, CAROL, MALLORY, NOBODY, Person, people};
pub use push::{PROGRAM, RawUpdate};
pub use repo::{MAIN, TestRepo};
pub use requests::{GATES, one, states, time};
pub use tokens::{hours_from, now, revocation, sign};
