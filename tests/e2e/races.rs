//! Pushes at the same time, pushes that Git stops after they were allowed, and hooks that are started by hand.

use crate::support::{ALICE, BOB, MAIN, TestRepo, run};
use jit::domain::audit::Event;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[test]
fn pushes_at_the_same_time_are_judged_one_after_the_other() {
    let repo = TestRepo::new(REVIEW);
    repo.commit(ALICE, &["a"]);
    let push = |refspec: String| {
        let mut git = repo.as_pusher("git", ALICE);
        git.current_dir(repo.work()).args(["push", "origin", &refspec]);
        git
    };
    let refspecs = (0..6).map(|number| format!("HEAD:refs/heads/topic-{number}")).chain(["HEAD:main".to_owned()]);
    let pushes: Vec<_> = refspecs
        .map(|refspec| {
            thread::spawn({
                let git = push(refspec);
                move || run(git, b"")
            })
        })
        .collect();
    let ended: Vec<bool> = pushes.into_iter().map(|push| push.join().expect("it ends").succeeded()).collect();
    assert_eq!(ended, [true, true, true, true, true, true, false]);
    repo.log_is_sound();
    let decisions = repo.entries().into_iter().filter(|entry| matches!(entry.event, Event::Decision(_))).count();
    assert_eq!(decisions, 7);
}

#[test]
fn of_two_pushes_to_one_branch_at_the_same_time_the_log_names_the_one_that_landed() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD").hex();
    let tips: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|path| {
            repo.git(&["reset", "--quiet", "--hard", &start]);
            let tip = repo.commit(ALICE, &[path]);
            repo.approve(BOB, tip, MAIN);
            tip
        })
        .collect();
    let pushes: Vec<_> = tips
        .iter()
        .map(|tip| {
            let mut git = repo.as_pusher("git", ALICE);
            git.current_dir(repo.work()).args(["push", "origin", &format!("{}:main", tip.hex())]);
            thread::spawn(move || run(git, b""))
        })
        .collect();
    let ended: Vec<bool> = pushes.into_iter().map(|push| push.join().expect("it ends").succeeded()).collect();
    assert_eq!(ended.iter().filter(|landed| **landed).count(), 1, "{ended:?}");
    let landed = tips[ended.iter().position(|landed| *landed).expect("one")];
    assert_eq!(repo.server_tip(MAIN), Some(landed));
    repo.log_is_sound();
    let outcomes: Vec<_> = repo
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::Outcome(outcome) => Some(outcome.applied),
            _ => None,
        })
        .flatten()
        .filter(|applied| applied.target.to_string() == MAIN)
        .map(|applied| applied.value)
        .collect();
    assert_eq!(outcomes, [[landed]]);
    // And the next push finds `main` where the log says that it is.
    repo.git(&["reset", "--quiet", "--hard", &landed.hex()]);
    let next = repo.commit(ALICE, &["d"]);
    repo.approve(BOB, next, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    assert_eq!(repo.last_decision().updates[0].found, None);
}

#[test]
fn what_git_stops_after_it_was_allowed_is_not_recorded_as_landed() {
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
