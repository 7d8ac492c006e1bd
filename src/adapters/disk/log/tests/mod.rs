//! The log on a real disk: what a crash, a spoilt byte, a restored copy and a failing system call lead to.

mod faults;
mod leaves;
mod repair;
mod restarts;
mod steady;

use super::*;
use crate::domain::approval::TokenId;
use crate::domain::audit::*;
use crate::domain::change::{Action, ChangesetId, ContentId, IdKind, Pusher, Target};
use crate::domain::time::Timestamp;
use crate::ports::log::{Log, LogError, LogStore};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// 2026-11-21T20:00:00Z.
const START: i64 = 1_795_291_200;

/// A log in a folder of its own.
struct TestLog {
    folder: TempDir,
    paths: AuditPaths,
    now: Arc<AtomicI64>,
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds).expect("a time of this century")
}

fn main_branch() -> Target {
    Target::parse("refs/heads/main").expect("a target")
}

fn id(byte: u8) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).expect("an id")
}

fn paths_in(folder: &Path) -> AuditPaths {
    AuditPaths {
        audit_dir: folder.join("jit/audit"),
        key_file: folder.join("jit/key"),
        state_dir: folder.join("state"),
    }
}

fn decision(verdict: Verdict, action: Action, old: u8, new: u8) -> Decision {
    let value = |byte| if byte == 0 { Vec::new() } else { vec![id(byte)] };
    Decision {
        repository: "payments@5f0c".into(),
        pusher: Pusher { login: Some("bob".into()), source: "env%20REMOTE_USER".into() },
        verdict,
        updates: vec![UpdateRecord {
            target: main_branch(),
            actions: vec![action],
            old: value(old),
            new: value(new),
            after: None,
            found: None,
            contents: Vec::new(),
            requested: Vec::new(),
            rules: Vec::new(),
            refused: Vec::new(),
        }],
        tokens: BTreeMap::new(),
        policy: Some(Hash::of(b"policy")),
        policy_error: None,
        reasons: Vec::new(),
        duration_ms: 3,
        transaction: None,
        again: None,
        blob: None,
    }
}

fn deny(seconds: i64, new: u8) -> Entry {
    decided(seconds, decision(Verdict::Deny, Action::Update, 1, new))
}

fn decided(seconds: i64, decision: Decision) -> Entry {
    Entry { time: at(seconds), event: Event::Decision(Box::new(decision)) }
}

fn applied(seconds: i64, of: u64, value: u8) -> Entry {
    let applied = vec![Applied { target: main_branch(), value: vec![id(value)] }];
    let outcome = Outcome { of, applied, how: OutcomeKind::Applied, settled: false, blob: None };
    Entry { time: at(seconds), event: Event::Outcome(outcome) }
}

impl TestLog {
    /// Makes a log with a genesis entry and main at id 1.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = paths_in(folder.path());
        let log = Self { folder, paths, now: Arc::new(AtomicI64::new(START)) };
        log.store().create(&log.new_log(), soon()).expect("a new log");
        log
    }

    fn new_log(&self) -> NewLog {
        NewLog {
            repository: "payments@5f0c".into(),
            origin: Origin::new("git.example.com/payments").expect("an origin"),
            system: System::Git,
            refs: BTreeMap::from([(main_branch(), vec![id(1)])]),
            version: "0.1.0".into(),
        }
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Timestamp::from_unix(now.load(Ordering::SeqCst)).expect("a time"))
    }

    fn store(&self) -> DiskLogStore {
        DiskLogStore::new(self.paths.clone(), self.clock())
    }

    fn open(&self) -> Box<dyn Log> {
        self.store().open(soon()).expect("an open log")
    }

    /// Appends each entry through a handle of its own, as hooks do.
    fn append(&self, entries: &[Entry]) {
        for entry in entries {
            self.open().append(entry).expect("an append");
        }
    }

    fn journal(&self) -> PathBuf {
        self.paths.segment(0)
    }

    fn lines(&self) -> Vec<Vec<u8>> {
        let bytes = fs::read(self.journal()).expect("the journal");
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    }

    fn fault(&self) -> Option<Fault> {
        verify(&self.paths, Depth::Full, &[]).expect("an audit").fault
    }

    /// Removes everything that can be made again.
    fn forget_derived(&self) {
        for path in [self.paths.hashes(), self.paths.index(), self.paths.checkpoint(), self.paths.state()] {
            assert!(path.exists(), "{}", path.display());
            fs::remove_file(path).expect("a derived file");
        }
        let _absent = fs::remove_dir_all(self.paths.targets());
    }
}
