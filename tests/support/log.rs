//! Reads the server's log, as an auditor would.

use super::repo::TestRepo;
use data_encoding::BASE64;
use ed25519_dalek::SigningKey;
use jit::adapters::disk::log::{AuditPaths, Depth, LogReader, SEGMENT, StoredEntry, verify};
use jit::domain::audit::{Decision, Entry, Event, Frame, SignedCheckpoint, Tree, VerifierKey, leaf_hash};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

impl TestRepo {
    pub fn audit_paths(&self) -> AuditPaths {
        AuditPaths { audit_dir: self.jit_path("audit"), key_file: self.jit_path("key"), state_dir: self.path("state") }
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let paths = self.audit_paths();
        let mut entries = Vec::new();
        let mut keep = |stored: StoredEntry| {
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

    /// Repeats the newest entry so often, in new lines of the journal that follow on as the server's own do.
    /// It must be one that may follow itself, such as a denial.
    pub fn repeat_newest_entry(&self, times: u64) {
        let paths = self.audit_paths();
        let read = |name: &str| fs::read_to_string(self.jit_path(name)).expect("a text");
        let format = read("audit/FORMAT");
        let key = VerifierKey::parse(format.lines().last().expect("a key")).expect("a key");
        let secret = read("key");
        let seed = BASE64.decode(secret.trim().rsplit(' ').next().expect("a seed").as_bytes()).expect("base64");
        let signer = SigningKey::from_bytes(&seed.try_into().expect("32 bytes"));
        let mut leaves = Vec::new();
        let mut keep = |stored: StoredEntry| {
            leaves.push(stored.leaf);
            Ok(())
        };
        LogReader::open(&paths).expect("a log").segment(0, &mut keep).expect("entries");
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf), |_| {}));
        let leaf = leaves.last().expect("an entry");
        let mut lines: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for index in (leaves.len() as u64..).take(usize::try_from(times).expect("a number")) {
            tree.push(leaf_hash(leaf), |_| {});
            let head = SignedCheckpoint::sign(index + 1, tree.root(), &key, &signer);
            let frame = Frame { leaf, size: index + 1, root: head.checkpoint.root, signature: head.signature };
            lines.entry(index / SEGMENT).or_default().extend(frame.write());
        }
        for (segment, lines) in lines {
            let path = paths.audit_dir.join(format!("journal/{segment:08}.jsonl"));
            let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("a segment");
            file.write_all(&lines).expect("written");
        }
    }

    /// Verifies the whole log, every signature included.
    #[track_caller]
    pub fn log_is_sound(&self) {
        let verified = verify(&self.audit_paths(), Depth::Full, &[]).expect("a log");
        assert!(verified.fault.is_none(), "{:?}", verified.fault);
    }
}
