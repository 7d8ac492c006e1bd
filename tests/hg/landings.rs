//! Requests that land by themselves on a central Mercurial repository, and kept requests that need not be kept any longer.
//!
//! A process that the hooks start does it, and nobody waits for that: so the tests wait for what it does.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::{Ran, Transport};
use crate::requests::{names, parking_by, settings, steps, told};
use crate::support::{ALICE, BOB, CAROL, MALLORY, PROGRAM, Person, one, states, time};
use jit::domain::audit::{Decision, Event, Obstacle, Removal, Step, Verdict};
use jit::domain::change::{ChangesetId, Target};
use jit::domain::time::Span;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const TWO: &str = "[[rule]]\nname = \"review\"\nbranches = [\"*\"]\nland = \"auto\"\n\
                   require = [{ role = \"maintainers\", approvals = 2 }]\n";

/// Waits until `done`, for longer than any busy machine needs.
#[track_caller]
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < limit, "never came: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Does what the hooks leave to a process of its own, and waits for it; returns what it says.
#[track_caller]
fn go_on(guard: &Guard, left: &str) -> String {
    let mut run = guard.hg.command(Path::new(PROGRAM), guard.hg.root.path());
    let ran: Ran =
        run.args(["hook", "hg-afterwards"]).arg(guard.hg.server()).arg(left).output().expect("jit starts").into();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    ran.said
}

/// Pushes what the server must refuse and keep; returns the request's id.
#[track_caller]
fn refused(guard: &Guard, desk: &Desk<'_>, args: &[&str]) -> String {
    let ran = desk.push(args);
    assert_eq!(ran.code, Some(255), "{}", ran.said);
    let step = steps(guard).pop().expect("a step");
    assert!(ran.said.contains(&step.id.to_string()), "{}", ran.said);
    step.id.to_string()
}

fn is_at(guard: &Guard, name: &str, id: ChangesetId) -> bool {
    guard.server_ids(name) == [id]
}

/// The decisions on a branch or bookmark, oldest first.
fn decisions_on(guard: &Guard, target: &str) -> Vec<Decision> {
    let target = Target::parse(target).expect("a target");
    let about = |decision: &Decision| decision.updates.iter().any(|update| update.target == target);
    guard.decisions().into_iter().filter(about).collect()
}

fn server(guard: &Guard) -> String {
    guard.hg.server().to_string_lossy().into_owned()
}

#[test]
fn a_request_goes_from_refused_to_landed_without_another_push_of_its_author() {
    let guard = parking_by(TWO, "");
    let transport = Transport::Ssh;
    let (alice, bob, carol) =
        (guard.desk(ALICE, transport), guard.desk(BOB, Transport::Http), guard.desk(CAROL, transport));
    let server = server(&guard);
    let on_server = |id: &str| bob.json(&["show", id, "--repo", &server], 0);
    let start = guard.hg.server_state();

    let rejected = alice.change("src/a", "change");
    let first = refused(&guard, &alice, &[]);
    assert_eq!((told(&guard), guard.hg.server_state() == start), (vec!["alice parked".to_owned()], true));
    let seen = on_server(&first);
    assert_eq!((&seen["state"], &seen["kept"]), (&"open".into(), &true.into()));
    assert_eq!(time(&seen["waits_until"]), time(&seen["opened"]).plus(Span::days(7)));

    carol.must(&["reject", &first, "--reason", "needs a test", "--yes"]);
    for seen in [on_server(&first), bob.json(&["show", &first], 0)] {
        assert_eq!((&seen["state"], &seen["rules"][0]["tokens"][0]["who"]), (&"denied".into(), &"carol".into()));
    }
    alice.hg(&["update", "--quiet", "--rev", ".^"]);
    let commit = alice.change("src/a", "change, with a test");
    let second = refused(&guard, &alice, &["--rev", "."]);
    assert_eq!(told(&guard), ["alice parked", "alice parked"]);
    let seen = on_server(&first);
    assert_eq!((&seen["state"], &seen["ended"]["by"]), (&"superseded".into(), &second.as_str().into()));

    bob.must(&["sign", &second, "--yes"]);
    wait_until("the first request goes", || told(&guard).len() == 3);
    assert_eq!((told(&guard)[2].as_str(), guard.server_ids("default") == [commit]), ("alice removed", false));
    wait_until("its name goes", || {
        names(&guard) == format!("{second} {}\n", names(&guard).trim().rsplit(' ').next().unwrap_or_default())
    });
    let seen = on_server(&second);
    assert_eq!(
        (&seen["state"], &seen["could_sign"], &seen["use_before"]),
        (&"open".into(), &serde_json::json!(["carol"]), &serde_json::Value::Null)
    );
    assert_eq!(states(&carol.json(&["pending"], 0)), one(&second, "open"));

    carol.must(&["sign", &second, "--yes"]);
    wait_until("it lands", || is_at(&guard, "default", commit));
    wait_until("it is told so", || {
        told(&guard).last().is_some_and(|last| last == "alice removed") && told(&guard).len() == 4
    });
    let last = decisions_on(&guard, "branch:default").pop().expect("a decision");
    assert_eq!((last.verdict, last.pusher.login.as_deref(), last.tokens.len()), (Verdict::Allow, Some("alice"), 2));
    assert_eq!(on_server(&second)["state"], "landed");
    assert_eq!(states(&carol.json(&["pending", "--all"], 0)), vec![]);
    wait_until("its name goes too", || names(&guard).is_empty());
    // What was rejected stands nowhere any more.
    let sibling = guard.hg.path("server-requests");
    let holds = |id: &ChangesetId| guard.hg.hg(&sibling, &["log", "--hidden", "--rev", &id.hex()]).code == Some(0);
    wait_until("its changesets go", || !holds(&rejected));
    assert!(holds(&commit));
    let in_central = guard.hg.ok(&guard.hg.server(), &["log", "--hidden", "--template", "{branch} {phase}\n"]);
    assert!(!in_central.contains("jit-requests") && !in_central.contains("draft"), "{in_central}");
    guard.log_is_sound();
    // Who asked finds it there.
    assert_eq!(alice.push(&["--rev", &commit.hex()]).code, Some(1));
}

/// Why requests are kept no longer, oldest first.
fn removals(guard: &Guard) -> Vec<Removal> {
    let why = |step: Step| if let Step::Removed { why } = step { Some(why) } else { None };
    steps(guard).iter().filter_map(|one| why(one.step)).collect()
}

/// Why requests did not land by themselves, oldest first.
fn obstacles(guard: &Guard) -> Vec<Obstacle> {
    let why = |step: Step| if let Step::NotLanded { why } = step { Some(why) } else { None };
    steps(guard).iter().filter_map(|one| why(one.step)).collect()
}

/// Lets `who` approve an update of the branch `default`, without a push.
fn approve(guard: &Guard, who: Person, subject: ChangesetId, base: &[ChangesetId]) {
    guard.approve(who, subject, "branch:default", "update", base);
}

#[test]
fn a_bookmark_lands_with_the_changesets_that_it_is_set_on() {
    let guard = parking_by(&TWO.replace("branches", "bookmarks").replace("approvals = 2", "approvals = 1"), "");
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    alice.hg(&["bookmark", "stable"]);
    for action in ["create", "update"] {
        let commit = alice.change("src/a", action);
        let id = refused(&guard, &alice, &["--bookmark", "stable"]);
        assert_eq!(steps(&guard).pop().expect("a step").action.to_string(), action);
        bob.must(&["sign", &id, "--yes"]);
        let held = || guard.hg.ok(&guard.hg.server(), &["log", "--rev", "stable", "--template", "{node}"]);
        wait_until("the bookmark moves", || {
            guard.hg.ok(&guard.hg.server(), &["bookmarks"]).contains("stable") && held() == commit.hex()
        });
        assert_eq!(guard.server_ids("default"), [commit]);
        wait_until("it is told so", || removals(&guard).last() == Some(&Removal::Landed) && names(&guard).is_empty());
    }
    assert_eq!(removals(&guard).len(), 2);
    guard.log_is_sound();
}

#[test]
fn what_must_not_land_by_itself_in_mercurial_does_not() {
    let guard = parking_by(TWO, "");
    let base = guard.server_ids("default");
    let alice = guard.desk(ALICE, Transport::Ssh);
    let commit = alice.change("src/a", "change");
    let id = refused(&guard, &alice, &[]);
    // The requester's own approval does not count for them.
    approve(&guard, ALICE, commit, &base);
    approve(&guard, BOB, commit, &base);
    assert_eq!(go_on(&guard, "token=branch:default"), "");
    assert_eq!(guard.server_ids("default"), base);
    // A token for another target tries nothing.
    approve(&guard, CAROL, commit, &base);
    go_on(&guard, "token=branch:other moved=branch:other");
    assert_eq!(guard.server_ids("default"), base);
    // It was taken back.
    alice.must(&["request", "--cancel", &id]);
    assert_eq!(told(&guard), ["alice parked", "alice cancelled"]);
    go_on(&guard, "token=-");
    assert_eq!((guard.server_ids("default"), obstacles(&guard)), (base, vec![]));
    let sibling = guard.hg.path("server-requests");
    let holds = || guard.hg.hg(&sibling, &["log", "--hidden", "--rev", &commit.hex()]).code == Some(0);
    wait_until("its changesets go", || !holds());
    guard.log_is_sound();
}

#[test]
fn where_the_branch_of_mercurial_went_another_way_the_request_says_so_once() {
    let guard = parking_by(TWO, "");
    let base = guard.server_ids("default");
    let alice = guard.desk(ALICE, Transport::Ssh);
    let commit = alice.change("src/a", "change");
    refused(&guard, &alice, &[]);
    let other = guard.change("src/b", "other");
    for who in [BOB, CAROL] {
        approve(&guard, who, other, &base);
    }
    guard.accepted(MALLORY, Transport::Ssh, &[]);
    approve(&guard, BOB, commit, &base);
    let said = go_on(&guard, "token=branch:default");
    assert!(said.contains("its target is no longer below it") && said.contains("alice can push it again"), "{said}");
    go_on(&guard, "token=branch:default");
    assert_eq!((guard.server_ids("default"), obstacles(&guard)), (vec![other], vec![Obstacle::Moved]));
    guard.log_is_sound();
}

#[test]
fn three_landings_at_once_in_mercurial_land_once() {
    let guard = parking_by(TWO, "");
    let base = guard.server_ids("default");
    let alice = guard.desk(ALICE, Transport::Ssh);
    let commit = alice.change("src/a", "change");
    refused(&guard, &alice, &[]);
    for who in [BOB, CAROL] {
        approve(&guard, who, commit, &base);
    }
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| go_on(&guard, "token=branch:default"));
        }
    });
    assert_eq!((guard.server_ids("default"), obstacles(&guard)), (vec![commit], vec![]));
    let moved =
        |event: &Event| matches!(event, Event::Outcome(one) if one.applied.iter().any(|one| one.value == [commit]));
    assert_eq!(guard.entries().iter().filter(|entry| moved(&entry.event)).count(), 1);
    wait_until("it is told so", || removals(&guard) == [Removal::Landed] && names(&guard).is_empty());
    guard.log_is_sound();
}

#[test]
fn what_waited_for_too_long_or_is_damaged_goes_and_disturbs_nobody() {
    let guard = parking_by(TWO, "");
    let base = guard.server_ids("default");
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    let damaged = alice.change("src/a", "change");
    refused(&guard, &alice, &[]);
    let sound = bob.change("src/b", "other");
    refused(&guard, &bob, &[]);
    let sibling = guard.hg.path("server-requests");
    guard.hg.ok(&sibling, &["debugstrip", "--quiet", "--rev", &damaged.hex()]);
    for (who, commit) in [(BOB, damaged), (CAROL, damaged), (ALICE, sound), (CAROL, sound)] {
        approve(&guard, who, commit, &base);
    }
    let said = go_on(&guard, "token=branch:default");
    assert!(said.contains("did not land by itself") && said.contains("landed by itself: "), "{said}");
    assert_eq!((guard.server_ids("default"), obstacles(&guard)), (vec![sound], vec![Obstacle::Failed]));
    wait_until("what landed goes", || removals(&guard) == [Removal::Landed]);
    settings(&guard, "keep = \"1s\"");
    thread::sleep(Duration::from_millis(2_100));
    go_on(&guard, "");
    assert_eq!(removals(&guard), [Removal::Landed, Removal::Expired]);
    assert_eq!(names(&guard), "");
    guard.log_is_sound();
}

#[test]
fn what_a_crash_left_in_the_sibling_counts_for_nothing_and_goes() {
    let guard = parking_by(TWO, "");
    let alice = guard.desk(ALICE, Transport::Ssh);
    let commit = alice.change("src/a", "change");
    let id = refused(&guard, &alice, &[]);
    // Killed between the name and its entry: nobody's.
    let sibling = guard.hg.path("server-requests");
    let without_hooks = ["--config", "hooks.pretxnclose.jit=", "--config", "hooks.pretxnopen.jit="];
    let stray = ["bookmark", "--rev", &commit.hex(), "r-0123456789ab"];
    guard.hg.ok(&sibling, &[&stray[..], &without_hooks].concat());
    assert_eq!(names(&guard).lines().count(), 2);
    go_on(&guard, "");
    assert!(names(&guard).starts_with(&id) && names(&guard).lines().count() == 1, "{}", names(&guard));
    guard.log_is_sound();
}
