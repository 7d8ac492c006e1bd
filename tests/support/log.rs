//! Reads the server's log, as an auditor would.

use super::repo::TestRepo;
use jit::adapters::disk::log::{AuditPaths, Depth, LogReader, verify};
use jit::domain::audit::{Decision, Entry, Event};

impl TestRepo {
    pub fn audit_paths(&self) -> AuditPaths {
        AuditPaths { audit_dir: self.jit_path("audit"), key_file: self.jit_path("key"), state_dir: self.path("state") }
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let paths = self.audit_paths();
        let mut entries = Vec::new();
        let mut keep = |stored: jit::adapters::disk::log::StoredEntry| {
            entries.push(stored.whole(&paths)?);
            Ok(())
        };
        LogReader::open(&paths).expect("a log").segment(0, &mut keep).expect("entries");
        entries
    }

    /// The newest decision.
    pub fn last_decision(&self) -> Decision {
        let newest = self.entries().into_iter().rev().find_map(|entry| match entry.event {
            Event::Decision(decision) => Some(*decision),
            _ => None,
        });
        newest.expect("a decision")
    }

    /// Verifies the whole log, every signature included.
    #[track_caller]
    pub fn log_is_sound(&self) {
        let verified = verify(&self.audit_paths(), Depth::Full, &[]).expect("a log");
        assert!(verified.fault.is_none(), "{:?}", verified.fault);
    }
}
