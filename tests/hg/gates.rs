//! Gates in a central Mercurial repository: asked, seen in clones, signed, opened once, and refused.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL, GATES, PROGRAM, one, states};
use jit::domain::audit::{Event, Verdict};
use serde_json::Value;
use std::path::Path;

/// alice's pipeline asks, and is answered with `code`.
#[track_caller]
fn deploy(guard: &Guard, rev: &str, code: i32) -> Value {
    let mut jit = guard.hg.command(Path::new(PROGRAM), &guard.hg.server());
    jit.env("REMOTE_USER", "alice").args(["gate", "deploy", "--environment", "production", "--wait", "0s"]);
    let output = jit.args(["--rev", rev, "--format", "json"]).output().expect("jit starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{}{said}", String::from_utf8_lossy(&output.stdout));
    guard.log_is_sound();
    serde_json::from_slice(&output.stdout).unwrap_or(Value::String(said))
}

/// alice pushes a change of `file`.
#[track_caller]
fn landed(alice: &Desk<'_>, file: &str) -> String {
    let id = alice.change(file, "change").hex();
    let pushed = alice.push(&[]);
    assert_eq!(pushed.code, Some(0), "{}", pushed.said);
    id
}

#[test]
fn a_gate_is_asked_for_seen_in_a_clone_signed_and_opens_once() {
    let guard = Guard::new(GATES);
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    let carol = guard.desk(CAROL, Transport::Ssh);
    let first = landed(&alice, "src/a");
    let asked = deploy(&guard, &first, 4);
    let id = asked["request"].as_str().expect("an id").to_owned();
    assert!(asked["hints"].to_string().contains(&format!("jit sign {id}")), "{asked}");
    assert_eq!(deploy(&guard, "tip", 4)["request"], id.as_str(), "the same once more");
    assert_eq!(states(&bob.json(&["pending"], 0)), one(&id, "open"));
    assert_eq!(bob.json(&["show", &id], 0)["target"], "env:production");
    bob.must(&["sign", &id, "--yes"]);
    assert_eq!(deploy(&guard, &first, 0)["state"], "opened");
    assert_eq!(states(&bob.json(&["pending", "--all"], 0)), vec![], "it is asked for no longer");
    assert_eq!(deploy(&guard, &first, 4)["state"], "waits", "the approval is spent");

    landed(&alice, "db/1.sql");
    let second = landed(&alice, "src/b");
    carol.must(&["sign", &second, "--environment", "production", "--action", "deploy", "--yes"]);
    let missing = deploy(&guard, &second, 4)["reason"].to_string();
    assert!(
        missing.contains("`deploy` is met: carol") && missing.contains("`migrations` needs 1 approval"),
        "{missing}"
    );
    bob.must(&[
        "reject",
        &second,
        "--environment",
        "production",
        "--action",
        "deploy",
        "--reason",
        "not today",
        "--yes",
    ]);
    assert!(deploy(&guard, &second, 1)["reason"].to_string().contains("was rejected by bob"));
    let unknown = deploy(&guard, "nothing", 2).to_string();
    assert!(unknown.contains("is not a commit on the server"), "{unknown}");
    let gates = guard.entries().into_iter().filter_map(|entry| match entry.event {
        Event::Gate(gate) => Some(gate.decision.verdict),
        _ => None,
    });
    assert_eq!(gates.collect::<Vec<_>>(), [Verdict::Allow, Verdict::Deny]);
}
