//! Pushes at the same time, pushes that Git stops after they were allowed, and hooks that are started by hand.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, Guarded, MAIN, Said, TestRepo, run};
use jit::domain::audit::{Entry, Event, Outcome, Verdict};
use rstest::rstest;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[rstest]
fn pushes_at_the_same_time_are_judged_one_after_the_other(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let targets = ["refs/heads/one", "refs/heads/two", "refs/heads/three", "refs/heads/four", MAIN];
    let pushes = targets.map(|target| {
        repo.go(repo.start);
        to(target, repo.on(target).commit(ALICE, &["a"]))
    });
    let ended: Vec<bool> = repo.push_at_once(&pushes).iter().map(Said::succeeded).collect();
    assert_eq!(ended, [true, true, true, true, false]);
    repo.log_is_sound();
    let decisions = repo.entries().into_iter().filter(|entry| matches!(entry.event, Event::Decision(_))).count();
    assert_eq!(decisions, targets.len());
}

#[rstest]
fn of_pushes_to_one_branch_at_the_same_time_the_log_names_the_one_that_landed(
    #[values(Form::Git, Form::Named)] form: Form,
) {
    let repo = Central::new(form, REVIEW);
    let tips = ["a", "b", "c"].map(|path| {
        repo.go(repo.start);
        let tip = repo.commit(ALICE, &[path]);
        repo.approve(BOB, tip, MAIN);
        tip
    });
    let ended: Vec<bool> = repo.push_at_once(&tips.map(|tip| to(MAIN, tip))).iter().map(Said::succeeded).collect();
    assert_eq!(ended.iter().filter(|landed| **landed).count(), 1, "{ended:?}");
    let landed = tips[ended.iter().position(|landed| *landed).expect("one")];
    assert_eq!(repo.values(MAIN), [landed]);
    repo.log_is_sound();
    let applied = outcomes(&repo).into_iter().flat_map(|outcome| outcome.applied);
    let moves = applied.filter(|applied| applied.target == repo.target(MAIN)).map(|applied| applied.value);
    assert_eq!(moves.collect::<Vec<_>>(), [[landed]]);
    // And the next push finds `main` where the log says that it is.
    repo.go(landed);
    let next = repo.commit(ALICE, &["d"]);
    repo.approve(BOB, next, MAIN);
    repo.accepted(ALICE, to(MAIN, next));
    assert_eq!(repo.last_found(MAIN), None);
}

/// Every outcome that the log holds, oldest first.
fn outcomes(repo: &dyn Guarded) -> Vec<Outcome> {
    let outcome = |entry: Entry| match entry.event {
        Event::Outcome(outcome) => Some(outcome),
        _ => None,
    };
    repo.entries().into_iter().filter_map(outcome).collect()
}

#[rstest]
fn what_is_stopped_after_it_was_allowed_is_not_recorded_as_landed(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    repo.stop_all(true);
    let said = repo.push(ALICE, &to(MAIN, commit));
    assert!(!said.succeeded(), "{}", said.err);
    assert_eq!(repo.values(MAIN), [repo.start]);
    assert_eq!(repo.last_decision().verdict, Verdict::Allow);
    repo.stop_all(false);
    repo.accepted(ALICE, to(MAIN, commit));
    // In Git the first one may count as on its way for a while; what landed is the second.
    let decisions = repo.entries().into_iter().zip(0..).filter(|(entry, _)| matches!(entry.event, Event::Decision(_)));
    let [stopped, landed] = decisions.map(|(_, index)| index).collect::<Vec<u64>>()[..] else {
        panic!("two decisions")
    };
    let applied = |outcome: &Outcome| !outcome.applied.is_empty();
    let (with, without): (Vec<Outcome>, Vec<Outcome>) = outcomes(&repo).into_iter().partition(applied);
    assert_eq!(with.iter().map(|outcome| outcome.of).collect::<Vec<_>>(), [landed]);
    assert!(without.iter().all(|outcome| outcome.of == stopped), "{without:?}");
}

/// Only Git moves the refs of one push one by one.
#[test]
fn a_ref_that_git_stops_is_not_recorded_as_landed_with_the_others() {
    let repo = TestRepo::new(REVIEW);
    let hook = repo.server().join("hooks/update");
    fs::write(&hook, "#!/bin/sh\ntest \"$1\" != refs/heads/stopped\n").expect("written");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a mode");
    repo.commit(ALICE, &["a"]);
    let said = repo.push(ALICE, &["HEAD:refs/heads/goes", "HEAD:refs/heads/stopped"]);
    assert!(!said.succeeded(), "{}", said.err);
    assert!(repo.server_tip("refs/heads/goes").is_some() && repo.server_tip("refs/heads/stopped").is_none());
    repo.log_is_sound();
    let Some(Event::Outcome(outcome)) = repo.entries().pop().map(|entry| entry.event) else { panic!("no outcome") };
    let applied: Vec<String> = outcome.applied.iter().map(|applied| applied.target.to_string()).collect();
    assert_eq!(applied, ["refs/heads/goes"]);
    fs::remove_file(&hook).expect("removed");
    repo.accepted(ALICE, &["HEAD:refs/heads/stopped"]);
    assert_eq!(repo.last_decision().updates[0].found, None);
}

#[test]
fn a_hook_that_is_given_rubbish_denies() {
    let repo = TestRepo::new(REVIEW);
    let (zero, start) = ("0".repeat(40), repo.rev("HEAD").hex());
    let inputs = [
        String::new(),
        "\n".to_owned(),
        format!("{zero} {start} refs/heads/topic"),
        format!("{start} refs/heads/topic\n"),
        format!("{zero} {} refs/heads/topic\n", start.to_uppercase()),
        format!("{zero} {} refs/heads/topic\n", &start[..12]),
        format!("{zero} {start} refs/heads/topic\n\n"),
        format!("{zero} {start} refs/heads/../../config\n"),
        format!("{zero} {start} refs/heads/a\0b\n"),
        format!("{zero} {start} {}\n", "refs/heads/".to_owned() + &"x".repeat(5_000)),
    ];
    for input in inputs {
        let said = run(repo.hook("pre-receive"), input.as_bytes());
        assert!(matches!(said.code, Some(1 | 3)), "{input:?} gave {:?}: {}", said.code, said.err);
        assert!(said.err.contains("jit: "), "{}", said.err);
    }
    repo.log_is_sound();
}

#[test]
fn push_options_that_are_not_as_announced_deny() {
    let repo = TestRepo::new(REVIEW);
    let line = format!("{} {} refs/heads/topic\n", "0".repeat(40), repo.rev("HEAD").hex());
    for count in ["1", "-1", "x", "100000000000"] {
        let mut hook = repo.hook("pre-receive");
        hook.env("GIT_PUSH_OPTION_COUNT", count);
        let said = run(hook, line.as_bytes());
        assert_eq!(said.code, Some(3), "{count}: {}", said.err);
    }
}
