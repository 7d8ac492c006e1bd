//! Requests on a central Mercurial repository: sent, taken back, and kept from refused pushes in the sibling, which holds nothing else.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL, MALLORY};
use jit::domain::audit::{Event, RequestStep, Step};
use std::fs;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"*\"]\n\
                      require = [{ role = \"leads\", approvals = 1 }]\n";

fn parking(more: &str) -> Guard {
    parking_by(REVIEW, more)
}

/// A server that keeps what refused pushes bring, with `more` in its `[requests]`.
pub fn parking_by(rules: &str, more: &str) -> Guard {
    let guard = Guard::new(rules);
    settings(&guard, more);
    guard
}

/// Has the server keep what refused pushes bring, with `more` in its `[requests]`.
pub fn settings(guard: &Guard, more: &str) {
    let path = guard.hg.server().join(".hg/jit/config.toml");
    let text = fs::read_to_string(&path).expect("settings");
    let (before, _) = text.split_once("[requests]\n").expect("a table");
    fs::write(path, format!("{before}[requests]\npark = true\n{more}\n")).expect("written");
}

pub fn steps(guard: &Guard) -> Vec<RequestStep> {
    let of = |event: Event| match event {
        Event::Request(step) => Some(step),
        _ => None,
    };
    guard.entries().into_iter().filter_map(|entry| of(entry.event)).collect()
}

/// Who did what, in order.
pub fn told(guard: &Guard) -> Vec<String> {
    let word = |step: &RequestStep| match step.step {
        Step::Sent { .. } => "sent",
        Step::Parked { .. } => "parked",
        Step::Cancelled => "cancelled",
        Step::Removed { .. } => "removed",
        Step::NotLanded { .. } => "not landed",
    };
    steps(guard)
        .iter()
        .map(|step| format!("{} {}", step.requester.login.as_deref().unwrap_or("-"), word(step)))
        .collect()
}

/// The address of the sibling, as `desk` reaches it.
fn beside(desk: &Desk<'_>) -> String {
    format!("{}-requests", desk.hg(&["config", "paths.default"]).trim())
}

/// Every name in the sibling.
pub fn names(guard: &Guard) -> String {
    guard.hg.ok(&guard.hg.path("server-requests"), &["bookmarks", "--template", "{bookmark} {node}\n"])
}

/// Moves a bookmark of the sibling from one changeset to another, as `hg` itself would; tells whether that was done.
fn set(desk: &Desk<'_>, name: &str, old: &str, new: &str) -> bool {
    let ran =
        desk.command(&crate::hg::hg()).args(["debugpushkey", &beside(desk), "bookmarks", name, old, new]).output();
    let ran: crate::hg::Ran = ran.expect("hg starts").into();
    ran.stdout.trim() == "True"
}

#[test]
fn a_refused_push_is_kept_in_the_sibling_and_signed_by_who_never_saw_it() {
    for transport in [Transport::Ssh, Transport::Http] {
        let guard = parking("");
        // The sibling has not seen what landed since it was made.
        let landed = guard.change("src/b", "landed");
        let (alice, bob) = (guard.desk(ALICE, transport), guard.desk(BOB, transport));
        guard.approve(BOB, landed, "branch:default", "update", &guard.server_ids("default"));
        guard.accepted(CAROL, Transport::Ssh, &[]);
        alice.hg(&["pull", "--quiet", "--update"]);
        let commit = alice.change("src/a", "change").hex();
        let before = guard.hg.server_state();
        let ran = alice.push(&[]);
        assert_eq!(ran.code, Some(255), "{}", ran.said);
        assert_eq!(guard.hg.server_state(), before, "nothing of it is in the central repository");
        assert_eq!(told(&guard), ["alice parked"], "{}", ran.said);
        let step = steps(&guard).pop().expect("a step");
        assert!(matches!(step.step, Step::Parked { bytes, .. } if bytes > 0), "{step:?}");
        assert!(names(&guard).starts_with(&format!("{} ", step.id)), "{}", names(&guard));
        // Once is enough.
        assert_eq!(alice.push(&[]).code, Some(255));
        assert_eq!(told(&guard).len(), 1);

        bob.must(&["sign", &step.id.to_string(), "--yes"]);
        let pushed = alice.push(&[]);
        assert_eq!(pushed.code, Some(0), "{}", pushed.said);
        assert_eq!(guard.server_ids("default").iter().map(|id| id.hex()).collect::<Vec<_>>(), [commit]);
        guard.log_is_sound();
    }
}

#[test]
fn a_request_is_sent_and_taken_back_by_its_sender_alone() {
    for transport in [Transport::Ssh, Transport::Http] {
        let guard = Guard::new(REVIEW);
        let (alice, mallory) = (guard.desk(ALICE, transport), guard.desk(MALLORY, transport));
        let commit = alice.change("src/a", "change").hex();
        let asked = alice.json(&["request", &commit, "-m", "please"], 0);
        let id = asked["request"].as_str().expect("an id");
        assert_eq!(told(&guard), ["alice sent"]);
        assert!(matches!(steps(&guard)[0].step, Step::Sent { bytes } if bytes > 0));
        assert_eq!(steps(&guard)[0].reason.as_deref(), Some("please"));
        let node = names(&guard).trim().split(' ').nth(1).expect("a node").to_owned();
        let root = mallory.hg(&["log", "--rev", "0", "--template", "{node}"]);
        assert!(!set(&mallory, id, &node, ""), "somebody else takes it back");
        for desk in [&mallory, &alice] {
            assert!(!set(desk, id, &node, &root), "moved");
            assert!(!set(desk, "stable", "", &node), "another name");
            assert!(!set(desk, "r-000000000000", "", &node), "another request's name");
        }
        assert_eq!(names(&guard), format!("{id} {node}\n"));
        mallory.ends(&["request", "--cancel", id], 1);
        assert_eq!(told(&guard), ["alice sent"]);
        alice.must(&["request", "--cancel", id]);
        assert_eq!(told(&guard), ["alice sent", "alice cancelled"]);
        assert_eq!(names(&guard), "");
        guard.log_is_sound();
        assert_eq!(alice.json(&["request", &commit], 0)["new"], true);
        assert_eq!(told(&guard).last().map(String::as_str), Some("alice sent"));
    }
}

#[test]
fn the_sibling_takes_nothing_but_requests() {
    let guard = Guard::new(REVIEW);
    let mallory = guard.desk(MALLORY, Transport::Http);
    mallory.change("src/a", "change");
    let sibling = guard.hg.path("server-requests");
    let before = guard.hg.ok(&sibling, &["log", "--hidden", "--template", "{node} {phase}\n"]);
    let push = |arguments: &[&str]| {
        let (url, mut all) = (beside(&mallory), vec!["push", "--force"]);
        all.extend(arguments);
        all.push(&url);
        let ran: crate::hg::Ran = mallory.command(&crate::hg::hg()).args(all).output().expect("hg starts").into();
        assert_eq!(ran.code, Some(255), "{arguments:?}: {}", ran.said);
        assert!(ran.said.contains("jit:"), "{arguments:?}: {}", ran.said);
    };
    push(&[]);
    mallory.hg(&["branch", "--quiet", "jit-requests"]);
    mallory.change("src/a", "jit-request/v1");
    push(&["--new-branch"]);
    mallory.hg(&["bookmark", "r-000000000000"]);
    push(&["--new-branch", "--bookmark", "r-000000000000"]);
    assert_eq!(guard.hg.ok(&sibling, &["log", "--hidden", "--template", "{node} {phase}\n"]), before);
    assert!(steps(&guard).is_empty());
    guard.log_is_sound();
}

#[test]
fn what_there_is_no_room_for_is_not_kept() {
    for (more, kept) in [("max_count = 1", 1), ("max_size = \"100B\"", 0), ("max_count = 2", 2)] {
        let guard = parking(more);
        let alice = guard.desk(ALICE, Transport::Ssh);
        for branch in ["one", "two"] {
            alice.hg(&["update", "--quiet", "--rev", "0"]);
            alice.hg(&["branch", "--quiet", branch]);
            alice.change(&format!("src/{branch}"), branch);
            assert_eq!(alice.push(&["--new-branch", "--rev", "."]).code, Some(255));
        }
        assert_eq!((told(&guard).len(), names(&guard).lines().count()), (kept, kept), "{more}");
        guard.log_is_sound();
    }
}

#[test]
fn what_is_sent_to_the_sibling_is_counted_and_has_a_name_or_does_not_stay() {
    for (more, sent) in [("max_count = 1", 1), ("max_size = \"100B\"", 0), ("max_size = \"1MB\"", 2)] {
        let guard = Guard::new(REVIEW);
        settings(&guard, more);
        let alice = guard.desk(ALICE, Transport::Ssh);
        let sibling = guard.hg.path("server-requests");
        let size = || guard.hg.ok(&sibling, &["log", "--hidden", "--template", "."]).len();
        let before = size();
        for branch in ["one", "two"] {
            alice.hg(&["update", "--quiet", "--rev", "0"]);
            alice.hg(&["branch", "--quiet", branch]);
            alice.change(&format!("src/{branch}"), branch);
            alice.jit(&["request", "."]);
        }
        assert_eq!((told(&guard).len(), names(&guard).lines().count()), (sent, sent), "{more}");
        assert_eq!(size() - before, 2 * sent, "{more}: each brings a change and a request");
        guard.log_is_sound();
    }
}

#[test]
fn where_the_sibling_is_gone_or_locked_the_denial_stands_and_says_so() {
    let guard = parking("");
    let alice = guard.desk(ALICE, Transport::Http);
    alice.change("src/a", "change");
    let sibling = guard.hg.path("server-requests");
    let lock = sibling.join(".hg/store/lock");
    std::os::unix::fs::symlink("elsewhere:1", &lock).expect("a lock");
    let ran = alice.push(&[]);
    assert!(ran.code == Some(255) && ran.said.contains("`review` needs 1 approval"), "{}", ran.said);
    fs::remove_file(&lock).expect("unlocked");
    fs::rename(&sibling, guard.hg.path("away")).expect("moved");
    let ran = alice.push(&[]);
    assert!(ran.code == Some(255) && ran.said.contains("`review` needs 1 approval"), "{}", ran.said);
    assert!(ran.said.contains("what the push brought is not kept"), "{}", ran.said);
    assert!(steps(&guard).is_empty());
    fs::rename(guard.hg.path("away"), &sibling).expect("moved back");
    assert_eq!(alice.push(&[]).code, Some(255));
    assert_eq!(told(&guard), ["alice parked"]);
}
