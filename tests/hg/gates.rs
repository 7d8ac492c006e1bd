//! Gates in a central Mercurial repository: asked, seen in clones, signed, opened once, and refused.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::{Ran, Transport, write_program};
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

/// `approver` signs that `rev` may be deployed, and it is.
#[track_caller]
fn opened(guard: &Guard, approver: &Desk<'_>, rev: &str) {
    approver.must(&["sign", rev, "--environment", "production", "--action", "deploy", "--yes"]);
    assert_eq!(deploy(guard, rev, 0)["state"], "opened");
}

#[track_caller]
fn stripped(guard: &Guard, rev: &str) {
    guard.hg.ok(&guard.hg.server(), &["--config", "extensions.strip=", "strip", "--quiet", "--no-backup", rev]);
}

#[test]
fn what_was_stripped_since_it_was_deployed_is_compared_with_nothing() {
    let guard = Guard::new(GATES);
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    let carol = guard.desk(CAROL, Transport::Ssh);
    let first = landed(&alice, "src/a");
    opened(&guard, &bob, &first);
    stripped(&guard, &first);
    let second = landed(&carol, "src/b");
    let asked = deploy(&guard, &second, 4)["reason"].to_string();
    for rule in ["`deploy` needs 1 approval", "`migrations` needs 1 approval"] {
        assert!(asked.contains(rule), "as it would be the first time, it touches every path: {asked}");
    }
    opened(&guard, &bob, &second);

    let third = landed(&carol, "src/c");
    let id = deploy(&guard, &third, 4)["request"].as_str().expect("an id").to_owned();
    stripped(&guard, &third);
    let mut jit = guard.hg.command(Path::new(PROGRAM), &guard.hg.server());
    let ran: Ran = jit
        .env("REMOTE_USER", "alice")
        .args(["gate", "--request", &id, "--wait", "0s"])
        .output()
        .expect("jit starts")
        .into();
    assert_eq!(ran.code, Some(1), "{}", ran.said);
    assert!(ran.said.contains(&format!("{third} is no longer on the server")), "{}", ran.said);
    assert!(deploy(&guard, &third, 2).to_string().contains("is not a commit on the server"));
    guard.log_is_sound();
}

#[test]
fn a_checkout_asks_the_server_that_it_came_from() {
    let guard = Guard::new(GATES);
    let alice = guard.desk(ALICE, Transport::Ssh);
    let commit = landed(&alice, "src/a");
    let (ssh, asked) = (guard.hg.path("runner-ssh"), guard.hg.path("asked"));
    let script = format!(
        "#!/bin/sh\necho \"$*\" >> {}\nexec env REMOTE_USER=ci {PROGRAM} gate-server {}\n",
        asked.display(),
        guard.hg.server().display()
    );
    write_program(&ssh, &script);
    let mut jit = alice.command(Path::new(PROGRAM));
    jit.env("GIT_SSH_COMMAND", &ssh).args(["gate", "deploy", "--environment", "production", "--wait", "0s"]);
    let ran: Ran = jit.args(["--rev", ".", "--format", "json"]).output().expect("jit starts").into();
    assert_eq!(ran.code, Some(4), "{}", ran.said);
    let answer: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(answer["subject"], format!("hg-sha1:{commit}"), "{answer}");
    let asked = std::fs::read_to_string(asked).expect("what ssh was given");
    assert!(asked.contains("jit gate-server '/"), "{asked}");
}
