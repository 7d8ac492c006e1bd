//! The log as plain files (docs/spec/audit-log.md, "On disk"). Needs a local file system: `flock`, `pwrite`, `fdatasync`.

mod anchor;
mod blobs;
mod checked;
mod create;
mod derived;
mod faults;
mod format;
mod handle;
mod key;
mod lines;
mod lock;
mod open;
mod paths;
mod read;
mod replay;
mod signatures;
mod state;
mod storage;
mod tail;
#[cfg(test)]
mod tests;
mod verify;

pub use create::NewLog;
pub use faults::{Fault, Memory};
pub use handle::DiskLog;
pub use lines::SEGMENT;
pub use open::{Clock, DiskLogStore};
pub use paths::AuditPaths;
pub use read::{LogReader, StoredEntry};
pub use storage::{Disk, Storage};
pub use verify::{Depth, Verified, verify, verify_each};
