//! A log whose entries are as old as a test wants them, so that nobody has to wait for what only time brings.

use crate::desk::{append, outbox};
use crate::support::{Guarded as _, MAIN, TestRepo, now};
use jit::adapters::disk::OutboxState;
use jit::adapters::disk::log::{DiskLogStore, NewLog};
use jit::domain::audit::{Decision, Event, Origin, RequestStep, RuleRecord, Step, System, UpdateRecord, Verdict};
use jit::domain::change::{Action, ChangesetId, Pusher, Target};
use jit::domain::name::RuleName;
use jit::domain::policy::Mode;
use jit::domain::request::RequestId;
use jit::domain::time::Span;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Begins the log of `repo` anew, so long ago, and writes these entries. The place `hook` has read nothing of it.
pub fn since(repo: &TestRepo, age: Span, entries: Vec<Event>) {
    let begun = now().minus(age);
    for folder in [repo.jit_path("audit"), repo.jit_path("notify"), repo.path("state")] {
        if folder.exists() {
            fs::remove_dir_all(folder).expect("removed");
        }
    }
    let store = DiskLogStore::new(repo.audit_paths(), Arc::new(move || begun));
    let deadline = Instant::now() + Duration::from_secs(60);
    let new = NewLog {
        repository: repo.repository(),
        origin: Origin::new("git.example.com/server").expect("a name"),
        system: System::Git,
        refs: BTreeMap::from([(main(), repo.values(MAIN))]),
        version: "1".to_owned(),
    };
    store.create(&new, deadline).expect("a log");
    append(repo, begun, entries);
    let state = outbox(repo, "hook", "state");
    fs::create_dir_all(state.parent().expect("a folder")).expect("made");
    fs::write(state, serde_json::to_vec(&OutboxState::default()).expect("JSON")).expect("written");
}

fn main() -> Target {
    Target::parse(MAIN).expect("a target")
}

fn alice() -> Pusher {
    Pusher { login: Some("alice".to_owned()), source: "REMOTE_USER".to_owned() }
}

/// A push of `tip` to `main` by alice, about which `review` was asked.
pub fn decision(repo: &TestRepo, verdict: Verdict, tip: ChangesetId) -> Event {
    let denied = verdict == Verdict::Deny;
    let rule = RuleRecord {
        name: RuleName::new("review").expect("a name"),
        mode: Mode::Enforce,
        met: !denied,
        unmet: if denied { vec!["needs 2 approvals".to_owned()] } else { Vec::new() },
        required: vec!["2 approvals".to_owned()],
        matched: 1,
        counted: Vec::new(),
        not_counted: Vec::new(),
        overridden: Vec::new(),
    };
    let update = UpdateRecord {
        target: main(),
        actions: vec![Action::Update],
        old: repo.values(MAIN),
        new: vec![tip],
        after: None,
        found: None,
        contents: Vec::new(),
        requested: if denied { vec![tip] } else { Vec::new() },
        rules: vec![rule],
        refused: Vec::new(),
    };
    Event::Decision(Box::new(Decision {
        repository: repo.repository(),
        pusher: alice(),
        verdict,
        updates: vec![update],
        tokens: BTreeMap::new(),
        policy: None,
        policy_error: None,
        reasons: Vec::new(),
        duration_ms: 3,
        transaction: None,
        again: None,
        blob: None,
    }))
}

/// A step of alice's request that `main` become `tip`.
pub fn step(repo: &TestRepo, tip: ChangesetId, step: Step) -> Event {
    Event::Request(RequestStep {
        id: RequestId::of(&repo.repository(), &main(), &tip),
        target: main(),
        subject: tip,
        action: Action::Update,
        base: repo.values(MAIN),
        reason: None,
        requester: alice(),
        step,
    })
}
