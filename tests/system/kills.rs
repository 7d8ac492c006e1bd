//! A hook that is killed, wherever it is: what was there before stays, the log goes on, the next push is judged and lands.

use crate::support::{ALICE, Guarded as _, PROGRAM, Said, TestRepo, run};
use crate::traced::Traced;
use jit::domain::audit::Event;
use std::fs;
use std::time::{Duration, SystemTime};

const RULES: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                     require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// Runs Git's hook once for each of its system calls, killed as it enters that one; `after` looks at what is left.
fn killed_at_each_call(repo: &TestRepo, hook: &str, line: &str, after: impl Fn(&str, &Said)) {
    let strace = || {
        let mut strace = repo.as_pusher("strace", ALICE);
        strace.env("GIT_DIR", ".").current_dir(repo.server());
        strace
    };
    let traced = Traced {
        strace: &strace,
        command: &[PROGRAM, "hook", hook],
        input: line.as_bytes(),
        folders: &[repo.server(), repo.path("state")],
        trace: repo.path("trace"),
    };
    traced.killed_at_each_call(after);
}

/// What Git tells the hooks of a push that makes `refname` hold what `main` holds.
fn line(repo: &TestRepo, refname: &str) -> String {
    format!("{} {} {refname}\n", "0".repeat(40), repo.rev("HEAD").hex())
}

/// Has such a push decided, which must let it in, and moves the ref; returns its line.
fn allowed(repo: &TestRepo, refname: &str, what: &str) -> String {
    let line = line(repo, refname);
    let said = run(repo.hook("pre-receive"), line.as_bytes());
    assert!(said.succeeded(), "{what}\nthe next push: {}", said.err);
    repo.server_git(&["update-ref", refname, "refs/heads/main"]);
    line
}

/// Pushes a branch through both hooks, as Git does.
fn push(repo: &TestRepo, refname: &str, what: &str) {
    let line = allowed(repo, refname, what);
    // A killed process may have left the lock of a ref behind, which is taken away once nobody can hold it any more.
    let lock = repo.server().join("refs/jit/checkpoint.lock");
    if let Ok(left) = fs::File::open(&lock) {
        left.set_modified(SystemTime::now() - Duration::from_secs(3_600)).expect("a time");
    }
    let said = run(repo.hook("post-receive"), line.as_bytes());
    assert!(said.succeeded() && said.err.is_empty(), "{what}\nthe next push's outcome: {}", said.err);
    repo.log_is_sound();
}

#[test]
fn a_decision_that_is_killed_at_any_system_call_leaves_a_log_that_goes_on() {
    let repo = TestRepo::new(RULES);
    // The killed hook has an outcome to settle first.
    allowed(&repo, "refs/heads/settles", "");
    let before = repo.entries();
    killed_at_each_call(&repo, "pre-receive", &line(&repo, "refs/heads/topic"), |what, said| {
        let left = repo.entries();
        assert_eq!(left[..before.len()], before, "{what}");
        assert!((0..=2).contains(&(left.len() - before.len())), "{what}");
        if said.err.contains("jit: recorded: ") {
            assert!(matches!(left.last().map(|entry| &entry.event), Some(Event::Decision(_))), "{what}");
        }
        push(&repo, "refs/heads/next", what);
        assert_eq!(repo.last_decision().updates[0].found, None, "{what}");
    });
}

#[test]
fn an_outcome_that_is_killed_at_any_system_call_is_recorded_by_the_next_push() {
    let repo = TestRepo::new(RULES);
    let lands = "refs/heads/lands";
    let line = allowed(&repo, lands, "");
    killed_at_each_call(&repo, "post-receive", &line, |what, _| {
        push(&repo, "refs/heads/next", what);
        let outcomes = repo.entries().into_iter().filter(|entry| match &entry.event {
            Event::Outcome(outcome) => outcome.applied.iter().any(|applied| applied.target.to_string() == lands),
            _ => false,
        });
        assert_eq!(outcomes.count(), 1, "{what}");
    });
}
