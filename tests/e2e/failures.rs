//! When something is broken: nothing lands, and the answer says what is wrong.

use crate::central::{Central, Form, Push, to};
use crate::support::{ALICE, BOB, Guarded, MAIN, TestRepo};
use jit::adapters::disk::log::{Depth, verify};
use jit::domain::audit::Event;
use rstest::rstest;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// A push to a branch that no rule guards.
fn free(repo: &Central, refname: &str) -> Push {
    repo.go(repo.start);
    to(refname, repo.on(refname).commit(ALICE, &["a"]))
}

/// Pushes to a branch that no rule guards; it must fail all the same.
fn stays_out(repo: &Central, words: &[&str]) {
    repo.stopped(ALICE, free(repo, "refs/heads/topic"), words);
}

#[rstest]
fn a_policy_that_is_missing_or_broken_denies_every_push_and_the_log_says_why(
    #[values(Form::Git, Form::Named)] form: Form,
) {
    let repo = Central::new(form, REVIEW);
    let policy = repo.jit_path("policies/policy.toml");
    let sound = fs::read_to_string(&policy).expect("a policy");
    fs::write(&policy, sound.replace("require =", "requires =")).expect("written");
    stays_out(&repo, &["denied: ", "requires"]);
    let decision = repo.last_decision();
    assert!(decision.policy_error.is_some_and(|error| error.contains("requires")));
    repo.log_is_sound();

    fs::write(&policy, [0xff, 0xfe]).expect("written");
    stays_out(&repo, &["denied: "]);
    fs::remove_dir_all(repo.jit_path("policies")).expect("removed");
    stays_out(&repo, &["denied: "]);
    assert!(repo.last_decision().policy_error.is_some());
    // Approvals do not stand in for it.
    repo.go(repo.start);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    repo.refused(ALICE, to(MAIN, commit), &["denied: "]);
}

#[rstest]
fn a_log_that_somebody_else_holds_denies_at_the_deadline(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    repo.configure("deadline = \"30s\"", "deadline = \"1s\"");
    let lock = fs::File::open(repo.jit_path("audit/lock")).expect("a lock");
    lock.lock().expect("free until now");
    stays_out(&repo, &["denied: "]);
    lock.unlock().expect("held");
    repo.configure("deadline = \"1s\"", "deadline = \"30s\"");
    repo.accepted(ALICE, free(&repo, "refs/heads/topic"));
}

#[test]
fn a_pusher_who_does_not_read_the_answer_cannot_put_off_the_landing() {
    let repo = TestRepo::new(REVIEW);
    let config = repo.jit_path("config.toml");
    let text = fs::read_to_string(&config).expect("a configuration");
    fs::write(&config, text.replace("deadline = \"30s\"", "deadline = \"1s\"")).expect("written");
    let tip = repo.server_tip(MAIN).expect("a first commit").hex();
    let (unread, full) = std::io::pipe().expect("a pipe");
    let mut stuffing = full.try_clone().expect("another end");
    // Ends when nobody can read any more.
    let stuffed = thread::spawn(move || while stuffing.write_all(b".").is_ok() {});
    thread::sleep(Duration::from_millis(300));

    let mut hook = repo.hook("pre-receive");
    hook.stdin(Stdio::piped()).stderr(full);
    let mut running = hook.spawn().expect("a hook");
    drop(hook);
    let line = format!("{} {tip} refs/heads/topic\n", "0".repeat(40));
    running.stdin.take().expect("a pipe").write_all(line.as_bytes()).expect("the hook reads");
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) && running.try_wait().expect("a process").is_none() {
        thread::sleep(Duration::from_millis(20));
    }

    let ended = running.try_wait().expect("a process");
    drop(unread);
    stuffed.join().expect("it ends");
    running.wait().expect("a process");
    assert_eq!(ended.and_then(|status| status.code()), Some(3), "it waits for somebody to read");
}

/// What a thief of the server's disk could do to the journal.
type Damage = fn(Form, &str) -> String;

const DAMAGES: [(&str, Damage); 4] = [
    ("one name is another", |form, text| {
        text.replacen(&form.words("refs/heads/one"), &form.words("refs/heads/two"), 1)
    }),
    ("the newest entries are gone", |_, text| text.lines().take(2).map(|line| format!("{line}\n")).collect()),
    ("everything is gone", |_, _| String::new()),
    ("two entries are repeated", |_, text| format!("{text}{0}\n{0}\n", text.lines().last().expect("a line"))),
];

const JOURNAL: &str = "audit/journal/00000000.jsonl";

/// A server on which two pushes have landed, and the text of its journal.
fn with_a_journal(form: Form) -> (Central, String) {
    let repo = Central::new(form, REVIEW);
    for target in ["refs/heads/one", "refs/heads/three"] {
        repo.accepted(ALICE, free(&repo, target));
    }
    let journal = fs::read_to_string(repo.jit_path(JOURNAL)).expect("a journal");
    (repo, journal)
}

#[rstest]
fn a_log_that_is_damaged_denies_and_is_left_as_it_is(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, sound) = with_a_journal(form);
    let path = repo.jit_path(JOURNAL);
    for (what, damage) in DAMAGES {
        let damaged = damage(form, &sound);
        assert_ne!(damaged, sound, "{what}");
        fs::write(&path, &damaged).expect("written");
        // The way to the end that the derived files remember is short; without them every line is read.
        for derived in ["index", "hashes", "checkpoint"] {
            let _gone_before = fs::remove_file(repo.jit_path("audit").join(derived));
        }
        stays_out(&repo, &["denied: "]);
        assert_eq!(fs::read_to_string(&path).expect("a journal"), damaged, "{what}");
    }
}

/// One bad line after the anchored ones is what a power cut leaves.
#[rstest]
fn a_spoilt_end_of_the_log_is_moved_aside_and_recorded(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, sound) = with_a_journal(form);
    let spoilt = format!("{sound}{}\n", sound.lines().last().expect("a line"));
    fs::write(repo.jit_path(JOURNAL), spoilt).expect("written");
    repo.accepted(ALICE, free(&repo, "refs/heads/two"));
    let recovered = |entry: &jit::domain::audit::Entry| matches!(entry.event, Event::Recovery(_));
    assert_eq!(repo.entries().iter().filter(|entry| recovered(entry)).count(), 1);
}

#[rstest]
fn an_audit_finds_what_a_push_has_no_time_to_look_for(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, sound) = with_a_journal(form);
    for (what, damage) in DAMAGES {
        fs::write(repo.jit_path(JOURNAL), damage(form, &sound)).expect("written");
        let verified = verify(&repo.audit_paths(), Depth::Full, &[]).expect("a log");
        assert!(verified.fault.is_some(), "{what}");
        let said = repo.jit(&["audit", "verify"]);
        assert_eq!(said.code, Some(1), "{what}: {}", said.err);
    }
    fs::write(repo.jit_path(JOURNAL), &sound).expect("written");
    let said = repo.jit(&["audit", "verify"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[rstest]
fn without_a_log_a_key_or_a_configuration_nothing_lands(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    for gone in [JOURNAL, "audit/FORMAT", "audit", "key", "config.toml"] {
        let (path, aside) = (repo.jit_path(gone), repo.jit_path("aside"));
        fs::rename(&path, &aside).expect("moved");
        stays_out(&repo, &["jit: "]);
        assert!(!path.exists(), "{gone} was made anew");
        fs::rename(&aside, &path).expect("moved back");
    }
    repo.accepted(ALICE, free(&repo, "refs/heads/topic"));
}

#[rstest]
fn a_log_that_cannot_be_written_denies(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    // Everything that is derived is in the way: the journal's place is taken by a folder.
    let journal = repo.jit_path("audit/journal");
    fs::remove_dir_all(&journal).expect("removed");
    fs::create_dir_all(journal.join("00000000.jsonl")).expect("made");
    stays_out(&repo, &["denied: "]);
}

#[rstest]
fn a_program_that_is_gone_lets_nothing_in(
    #[values((Form::Git, "pre-receive hook declined"), (Form::Named, "/nonexistent/jit"))] case: (Form, &str),
) {
    let repo = Central::new(case.0, REVIEW);
    repo.lose_program();
    stays_out(&repo, &[case.1]);
}

#[rstest]
fn an_outcome_that_could_not_be_recorded_is_settled_by_the_next_push(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    repo.lose_outcomes();
    let [commit, next] = ["a", "b"].map(|path| {
        let commit = repo.commit(ALICE, &[path]);
        repo.approve(BOB, commit, MAIN);
        repo.accepted(ALICE, to(MAIN, commit));
        commit
    });
    let settled = repo.entries().into_iter().filter_map(|entry| match entry.event {
        Event::Outcome(outcome) => Some((outcome.settled, outcome.applied[0].value.clone())),
        _ => None,
    });
    assert_eq!(settled.collect::<Vec<_>>(), [(true, vec![commit])], "{next} waits for another push");
}

#[test]
fn a_history_that_git_would_cut_short_is_not_judged() {
    for file in ["shallow", "info/grafts"] {
        let repo = TestRepo::new(REVIEW);
        let path = repo.server().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, format!("{}\n", repo.rev("HEAD").hex())).expect("written");
        repo.commit(ALICE, &["a"]);
        let before = repo.all_refs();
        let said = repo.push(ALICE, &["HEAD:refs/heads/topic"]);
        assert!(!said.succeeded() && said.err.contains("jit: "), "{}", said.err);
        assert_eq!(repo.all_refs(), before);
    }
}
