//! One folder per outside thing.

pub mod clock;
pub mod disk;
pub mod git;
pub mod mercurial;
pub mod notify;
pub mod ssh;
