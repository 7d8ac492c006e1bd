//! Logs of any length, and what appending to them and verifying them takes.

use crate::git::{Pair, SMALL};
use crate::table::{Samples, figure, ratio, timed};
use crate::{approvals, pushes};
use ed25519_dalek::{Signer as _, SigningKey};
use jit::adapters::disk::log::{AuditPaths, Clock, Depth, Disk, DiskLogStore, NewLog, Storage, verify};
use jit::domain::audit::{
    Applied, Counted, Decision, Entry, Event, Hash, Origin, Outcome, OutcomeKind, RuleRecord, System, UpdateRecord,
    Verdict,
};
use jit::domain::change::{Action, ChangesetId, IdKind, Pusher, Target};
use jit::domain::name::{PrincipalId, RoleName, RuleName};
use jit::domain::policy::Mode;
use jit::ports::log::LogStore as _;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Everything but the syncs: a log of a million entries is made in minutes, not in hours.
struct Unsynced;

impl Storage for Unsynced {
    fn create(&self, path: &Path) -> io::Result<File> {
        Disk.create(path)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        Disk.write_at(file, bytes, offset)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        Disk.truncate(file, length)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

fn clock() -> Clock {
    Arc::new(approvals::now)
}

/// Returns where the log of a judged repository stands.
pub fn paths_of(jit: &Path, state_dir: &Path) -> AuditPaths {
    AuditPaths { audit_dir: jit.join("audit"), key_file: jit.join("key"), state_dir: state_dir.to_owned() }
}

/// Adds entries until there are `size`: pushes to a hundred branches, let in and landed.
pub fn fill(paths: &AuditPaths, size: u64) {
    let mut log =
        DiskLogStore::with_storage(paths.clone(), clock(), Arc::new(Unsynced)).open(deadline()).expect("a log");
    while log.size() < size {
        let index = log.size();
        log.append(&Entry { time: approvals::now(), event: Event::Decision(Box::new(decision(index))) })
            .expect("appended");
        let (target, value) = moved(index, 1);
        let applied = vec![Applied { target, value }];
        let outcome = Outcome { of: index, applied, how: OutcomeKind::Applied, settled: false, blob: None };
        log.append(&Entry { time: approvals::now(), event: Event::Outcome(outcome) }).expect("appended");
    }
    log.renew_anchor().expect("an anchor");
}

/// Adds entries until there are `size`: pushes that are refused, approved by bob and let in, each a request.
fn fill_requests(paths: &AuditPaths, size: u64) {
    let mut log =
        DiskLogStore::with_storage(paths.clone(), clock(), Arc::new(Unsynced)).open(deadline()).expect("a log");
    let (target, [subject, base]) = (moved(0, 1).0, [1, 0].map(|step| moved(0, step).1[0]));
    let signed = approvals::approval("bench", target, base, subject);
    while log.size() < size {
        let index = log.size();
        let mut refused = decision(index);
        refused.verdict = Verdict::Deny;
        refused.updates[0].requested = refused.updates[0].new.clone();
        let mut rule = RuleRecord {
            name: RuleName::new("review").expect("a name"),
            mode: Mode::Enforce,
            met: false,
            unmet: vec!["needs 1 approval from `reviewers`".into()],
            required: vec!["1 approval from `reviewers`".into()],
            matched: 1,
            counted: Vec::new(),
            not_counted: Vec::new(),
            overridden: Vec::new(),
        };
        refused.updates[0].rules.push(rule.clone());
        let mut allowed = decision(index);
        (rule.met, rule.unmet) = (true, Vec::new());
        rule.counted.push(Counted {
            token: signed.id,
            principal: PrincipalId::new("bob").expect("a name"),
            role: RoleName::new("reviewers").expect("a name"),
            stands_in_for: None,
            delegation: None,
        });
        allowed.updates[0].rules.push(rule);
        allowed.tokens.insert(signed.id, signed.text.clone());
        let (target, value) = moved(index, 1);
        let applied = vec![Applied { target, value }];
        let outcome = Outcome { of: index + 1, applied, how: OutcomeKind::Applied, settled: false, blob: None };
        for event in [Event::Decision(Box::new(refused)), Event::Decision(Box::new(allowed)), Event::Outcome(outcome)] {
            log.append(&Entry { time: approvals::now(), event }).expect("appended");
        }
    }
}

fn moved(index: u64, step: u64) -> (Target, Vec<ChangesetId>) {
    let mut bytes = [0x11; 20];
    bytes[..8].copy_from_slice(&(index + step).to_be_bytes());
    let name = format!("refs/heads/landed/{}", index % 100);
    let value = ChangesetId::from_bytes(IdKind::GitSha1, &bytes).expect("an id");
    (Target::git_ref(name.as_bytes()).expect("a ref"), vec![value])
}

fn decision(index: u64) -> Decision {
    let ((target, new), (_, old)) = (moved(index, 1), moved(index, 0));
    let (after, found, contents, requested, rules, refused) = Default::default();
    let actions = vec![Action::Update];
    Decision {
        repository: "bench".into(),
        pusher: Pusher { login: Some("alice".into()), source: "bench".into() },
        verdict: Verdict::Allow,
        updates: vec![UpdateRecord { target, actions, old, new, after, found, contents, requested, rules, refused }],
        tokens: BTreeMap::new(),
        policy: None,
        policy_error: None,
        reasons: Vec::new(),
        duration_ms: 3,
        transaction: None,
        again: None,
        blob: None,
    }
}

/// A log of its own.
pub struct Long {
    _folder: TempDir,
    paths: AuditPaths,
    size: u64,
}

impl Long {
    /// Makes one with at least `size` entries.
    pub fn new(size: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let jit = folder.path().join("jit");
        std::fs::create_dir(&jit).expect("a folder");
        let paths = paths_of(&jit, &folder.path().join("state"));
        let origin = Origin::new("localhost/long").expect("an origin");
        let (repository, version) = ("bench".into(), "0".into());
        let new = NewLog { repository, origin, system: System::Git, refs: BTreeMap::new(), version };
        DiskLogStore::new(paths.clone(), clock()).create(&new, deadline()).expect("a log");
        fill(&paths, size);
        Self { _folder: folder, paths, size }
    }

    /// Opens the log, appends one entry durably, and closes it, as a hook does; in milliseconds.
    fn append(&self) -> f64 {
        let mut next = decision(u64::MAX / 2);
        next.verdict = Verdict::Deny;
        timed(|| {
            let mut log = DiskLogStore::new(self.paths.clone(), clock()).open(deadline()).expect("a log");
            log.append(&Entry { time: approvals::now(), event: Event::Decision(Box::new(next)) }).expect("appended");
        })
    }

    /// Makes what is derived look as if the machine had been started anew since.
    fn restart(&self) {
        let path = self.paths.audit_dir.join("state");
        let text = std::fs::read_to_string(&path).expect("a state");
        let json = text.lines().next().expect("JSON");
        let mut state: serde_json::Value = serde_json::from_str(json).expect("JSON");
        state["boot"] = "an earlier one".into();
        let json = state.to_string();
        std::fs::write(path, format!("{json}\n{}\n", Hash::of(json.as_bytes()))).expect("written");
    }

    fn append_after_restart(&self) -> f64 {
        self.restart();
        self.append()
    }

    fn verified(&self, depth: Depth) -> f64 {
        timed(|| {
            let verified = verify(&self.paths, depth, &[]).expect("an audit");
            assert!(verified.fault.is_none() && verified.entries >= self.size, "{:?}", verified.fault);
        })
    }
}

/// The figures of a log of requests, and the memory that they take: also of a log of a tenth.
pub fn counting(size: u64, rounds: usize) {
    let pair = Pair::new(SMALL, Path::new("/bin/true"));
    let paths = paths_of(&pair.jit(), &pair.path("state"));
    let arguments = ["metrics", "--format", "json"].map(OsString::from).into_iter().chain([pair.path("judged").into()]);
    let arguments: Vec<OsString> = arguments.collect();
    for size in [size / 10, size] {
        fill_requests(&paths, size);
        let most = pushes::peak_of(&arguments, &pair.path("peak"));
        figure(&format!("`metrics` of {size} entries: peak memory"), "", "MiB", &[most]);
    }
    let run = || Command::new(env!("CARGO_BIN_EXE_jit")).args(&arguments).output().expect("jit runs");
    let figures: serde_json::Value = serde_json::from_slice(&run().stdout).expect("JSON");
    // The log begins with some entries that are no requests.
    let closed = figures["requests"]["closed"].as_u64().expect("a number");
    assert!(figures["logs"][0]["sound"] == true && closed * 3 + 9 >= size, "{closed} requests");
    let times: Vec<f64> = (0..rounds).map(|_| timed(run) / 1000.0).collect();
    figure(&format!("`metrics` of {size} entries, the log verified"), "", "s", &times);
}

/// One append to the longer log against one to the shorter; and the first after a restart.
pub fn appending(longer: &Long, shorter: &Long, rounds: usize) {
    let what = format!("to a log of {} entries, against one of {}", longer.size, shorter.size);
    let samples = Samples::take(rounds, || longer.append(), || shorter.append());
    ratio(&format!("append {what}"), "1.3", &samples);
    let samples = Samples::take(rounds, || longer.append_after_restart(), || shorter.append_after_restart());
    ratio(&format!("append, the first after a restart, {what}"), "1.3", &samples);
}

/// Both ways of verifying a log.
pub fn verifying(long: &Long, rounds: usize) {
    let per_second: Vec<f64> = (0..rounds).map(|_| long.size as f64 / long.verified(Depth::Head) * 1000.0).collect();
    let what = format!("`audit verify --head` of {} entries", long.size);
    figure(&what, "150,000 entries/s", "entries/s", &per_second);
    let (key, body) =
        (SigningKey::from_bytes(&[b'j'; 32]), b"localhost/long\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    let (signature, point) = (key.sign(body), key.verifying_key());
    let plain = || timed(|| (0..long.size).for_each(|_| point.verify_strict(body, &signature).expect("a signature")));
    let samples = Samples::take(rounds, || long.verified(Depth::Full), plain);
    ratio(&format!("`audit verify` of {} entries, against as many `verify_strict`", long.size), "1.3", &samples);
}
