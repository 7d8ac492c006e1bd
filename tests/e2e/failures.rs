//! When something is broken: nothing lands, and the answer says what is wrong.

use crate::support::{ALICE, BOB, MAIN, Said, TestRepo};
use jit::adapters::disk::log::{Depth, verify};
use jit::domain::audit::Event;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// Pushes to a branch that no rule guards; it must fail all the same.
fn stays_out(repo: &TestRepo, words: &[&str]) -> Said {
    let before = repo.all_refs();
    repo.commit(ALICE, &["a"]);
    let said = repo.push(ALICE, &["HEAD:refs/heads/topic"]);
    assert!(!said.succeeded(), "let in: {}", said.err);
    for word in words {
        assert!(said.err.contains(word), "no `{word}` in:\n{}", said.err);
    }
    assert_eq!(repo.all_refs(), before);
    said
}

#[test]
fn a_policy_that_is_missing_or_broken_denies_every_push_and_the_log_says_why() {
    let repo = TestRepo::new(REVIEW);
    let rules = repo.jit_path("policies/rules.toml");
    fs::write(&rules, "version = 1\n[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequires = 1\n")
        .expect("written");
    stays_out(&repo, &["denied: ", "requires"]);
    let decision = repo.last_decision();
    assert!(decision.policy_error.is_some_and(|error| error.contains("requires")));
    repo.log_is_sound();

    fs::remove_file(&rules).expect("removed");
    fs::write(repo.jit_path("policies/people.toml"), [0xff, 0xfe]).expect("written");
    stays_out(&repo, &["denied: "]);
    fs::remove_dir_all(repo.jit_path("policies")).expect("removed");
    stays_out(&repo, &["denied: "]);
    assert!(repo.last_decision().policy_error.is_some());
}

#[test]
fn tokens_cannot_change_who_is_in_the_policy_while_it_is_broken() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    fs::remove_dir_all(repo.jit_path("policies")).expect("removed");
    repo.refused(ALICE, &["HEAD:main"], &["denied: "]);
}

#[test]
fn a_log_that_somebody_else_holds_denies_at_the_deadline() {
    let repo = TestRepo::new(REVIEW);
    let config = repo.jit_path("config.toml");
    let text = fs::read_to_string(&config).expect("a configuration");
    fs::write(&config, text.replace("deadline = \"30s\"", "deadline = \"1s\"")).expect("written");
    let lock = fs::File::open(repo.jit_path("audit/lock")).expect("a lock");
    lock.lock().expect("free until now");
    stays_out(&repo, &["denied: "]);
    lock.unlock().expect("held");
    repo.accepted(ALICE, &["HEAD:refs/heads/topic"]);
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
type Damage = fn(&str) -> String;

const DAMAGES: [(&str, Damage); 4] = [
    ("one name is another", |text| text.replacen("refs/heads/one", "refs/heads/two", 1)),
    ("the newest entries are gone", |text| text.lines().take(2).map(|line| format!("{line}\n")).collect()),
    ("everything is gone", |_| String::new()),
    ("two entries are repeated", |text| format!("{text}{0}\n{0}\n", text.lines().last().expect("a line"))),
];

#[test]
fn a_log_that_is_damaged_denies_and_is_left_as_it_is() {
    for (what, damage) in DAMAGES {
        let repo = TestRepo::new(REVIEW);
        repo.accepted(ALICE, &["HEAD:refs/heads/one"]);
        repo.accepted(ALICE, &["HEAD:refs/heads/three"]);
        let path = repo.jit_path("audit/journal/00000000.jsonl");
        let sound = fs::read_to_string(&path).expect("a journal");
        let damaged = damage(&sound);
        assert_ne!(damaged, sound);
        fs::write(&path, &damaged).expect("written");
        // The way to the end that the derived files remember is short; without them every line is read.
        for derived in ["index", "hashes", "checkpoint"] {
            fs::remove_file(repo.jit_path("audit").join(derived)).expect("removed");
        }
        stays_out(&repo, &["denied: "]);
        assert_eq!(fs::read_to_string(&path).expect("a journal"), damaged, "{what}");
    }
}

/// One bad line after the anchored ones is what a power cut leaves.
#[test]
fn a_spoilt_end_of_the_log_is_moved_aside_and_recorded() {
    let repo = TestRepo::new(REVIEW);
    repo.accepted(ALICE, &["HEAD:refs/heads/one"]);
    let path = repo.jit_path("audit/journal/00000000.jsonl");
    let sound = fs::read_to_string(&path).expect("a journal");
    fs::write(&path, format!("{sound}{}\n", sound.lines().last().expect("a line"))).expect("written");
    repo.accepted(ALICE, &["HEAD:refs/heads/two"]);
    let recovered = |entry: &jit::domain::audit::Entry| matches!(entry.event, Event::Recovery(_));
    assert_eq!(repo.entries().iter().filter(|entry| recovered(entry)).count(), 1);
}

#[test]
fn an_audit_finds_what_a_push_has_no_time_to_look_for() {
    for (what, damage) in DAMAGES {
        let repo = TestRepo::new(REVIEW);
        repo.accepted(ALICE, &["HEAD:refs/heads/one"]);
        repo.accepted(ALICE, &["HEAD:refs/heads/three"]);
        let path = repo.jit_path("audit/journal/00000000.jsonl");
        let damaged = damage(&fs::read_to_string(&path).expect("a journal"));
        fs::write(&path, &damaged).expect("written");
        let verified = verify(&repo.audit_paths(), Depth::Full, &[]).expect("a log");
        assert!(verified.fault.is_some(), "{what}");
        let server = repo.server();
        let said = repo.jit(&["audit", "verify", server.to_str().expect("a plain path")]);
        assert_eq!(said.code, Some(1), "{what}: {}", said.err);
    }
}

#[test]
fn without_a_log_a_key_or_a_configuration_nothing_lands() {
    for gone in ["audit/journal/00000000.jsonl", "audit/FORMAT", "audit", "key", "config.toml"] {
        let repo = TestRepo::new(REVIEW);
        let path = repo.jit_path(gone);
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.expect("removed");
        stays_out(&repo, &["jit: "]);
    }
}

#[test]
fn a_log_that_cannot_be_written_denies() {
    let repo = TestRepo::new(REVIEW);
    // Everything that is derived is in the way: the journal's place is taken by a folder.
    let journal = repo.jit_path("audit/journal");
    fs::remove_dir_all(&journal).expect("removed");
    fs::create_dir(&journal).expect("made");
    fs::create_dir(journal.join("00000000.jsonl")).expect("made");
    stays_out(&repo, &["denied: "]);
}

#[test]
fn a_program_that_is_gone_lets_nothing_in() {
    let repo = TestRepo::new(REVIEW);
    let hook = repo.server().join("hooks/pre-receive");
    let text = fs::read_to_string(&hook).expect("a hook");
    fs::write(&hook, text.replace(crate::support::PROGRAM, "/nonexistent/jit")).expect("written");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a mode");
    stays_out(&repo, &["pre-receive hook declined"]);
}

#[test]
fn an_outcome_that_could_not_be_recorded_is_settled_by_the_next_push() {
    let repo = TestRepo::new(REVIEW);
    let hook = repo.server().join("hooks/post-receive");
    let aside = repo.path("post-receive");
    fs::rename(&hook, &aside).expect("moved");
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    fs::rename(&aside, &hook).expect("moved");
    let next = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, next, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    let settled = repo.entries().into_iter().any(|entry| match entry.event {
        Event::Outcome(outcome) => outcome.settled && outcome.applied[0].value == [commit],
        _ => false,
    });
    assert!(settled, "the first push's outcome stands in the log");
}

#[test]
fn a_history_that_git_would_cut_short_is_not_judged() {
    for file in ["shallow", "info/grafts"] {
        let repo = TestRepo::new(REVIEW);
        let path = repo.server().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, format!("{}\n", repo.rev("HEAD").hex())).expect("written");
        stays_out(&repo, &["jit: "]);
    }
}
