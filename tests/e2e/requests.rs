//! Requests on a central Git repository: sent, taken back, and kept from refused pushes, within bounds.

use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN, MALLORY, NOBODY, Person, Said, TestRepo};
use jit::domain::audit::{Event, RequestStep, Step};
use jit::domain::change::{Action, ChangesetId, Target};
use jit::domain::request::{Request, RequestId};
use std::fs;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"*\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// A server that keeps what refused pushes bring, with `more` in its `[requests]`.
fn parking(more: &str) -> TestRepo {
    let repo = TestRepo::new(REVIEW);
    settings(&repo, &format!("park = true\n{more}\n"));
    repo
}

/// Writes `[requests]`, the last table of the settings.
pub fn settings(repo: &TestRepo, lines: &str) {
    let path = repo.jit_path("config.toml");
    let text = fs::read_to_string(&path).expect("settings");
    let (before, _) = text.split_once("[requests]\n").expect("a table");
    fs::write(path, format!("{before}[requests]\n{lines}")).expect("written");
}

/// The steps in the log: who, what, which commit.
pub fn steps(repo: &TestRepo) -> Vec<(String, &'static str, ChangesetId)> {
    let told = |step: RequestStep| {
        let what = match step.step {
            Step::Sent { .. } => "sent",
            Step::Parked { .. } => "parked",
            Step::Cancelled => "cancelled",
            Step::Removed { .. } => "removed",
            Step::NotLanded { .. } => "not landed",
        };
        (step.requester.login.unwrap_or_default(), what, step.subject)
    };
    let of = |event: Event| match event {
        Event::Request(step) => Some(told(step)),
        _ => None,
    };
    repo.entries().into_iter().filter_map(|entry| of(entry.event)).collect()
}

pub fn id_of(repo: &TestRepo, branch: &str, subject: &ChangesetId) -> RequestId {
    RequestId::of(&repo.repository(), &Target::parse(branch).expect("a target"), subject)
}

pub fn place(id: &RequestId) -> String {
    format!("refs/jit/requests/{id}")
}

/// Commits on top of what the server has, and pushes it, which is refused.
pub fn refused(repo: &TestRepo, who: Person, branch: &str, path: &str) -> (ChangesetId, Said) {
    let tip = repo.server_tip(MAIN).expect("a branch");
    repo.git(&["reset", "--quiet", "--hard", &tip.hex()]);
    let subject = repo.commit(who, &[path]);
    let said = repo.push(who, &[&format!("HEAD:{branch}")]);
    assert!(!said.succeeded(), "let in:\n{}", said.err);
    repo.log_is_sound();
    (subject, said)
}

/// Sends a request as `jit request` does.
pub fn send(repo: &TestRepo, who: Person, subject: &ChangesetId) -> (String, Said) {
    let target = Target::parse(MAIN).expect("a target");
    let base = repo.server_tip(MAIN).into_iter().collect();
    let request = Request { target, action: Action::Update, base, reason: "the bank raised it".to_owned() };
    let hex = subject.hex();
    let commit = repo.git_with(&["commit-tree", "HEAD^{tree}", "-F", "-", "-p", &hex], request.message().as_bytes());
    let place = place(&request.id(&repo.repository(), subject));
    let said = repo.push(who, &[&format!("{commit}:{place}")]);
    (place, said)
}

#[test]
fn a_request_that_is_sent_is_recorded_and_only_its_sender_takes_it_back() {
    let repo = TestRepo::new(REVIEW);
    let subject = repo.commit(BOB, &["a"]);
    let (place, said) = send(&repo, BOB, &subject);
    assert!(said.succeeded(), "{}", said.err);
    let Some(Event::Request(step)) = repo.entries().into_iter().rev().map(|entry| entry.event).nth(1) else {
        panic!("the entry stands before the outcome");
    };
    assert_eq!(step.reason.as_deref(), Some("the bank raised it"));
    assert!(matches!(step.step, Step::Sent { bytes } if bytes > 0));
    for who in [MALLORY, ALICE, NOBODY] {
        repo.refused(who, &["--delete", &place], &["can only be taken back by who made it"]);
    }
    repo.accepted(BOB, &["--delete", &place]);
    repo.log_is_sound();
    assert_eq!(steps(&repo), [("bob".into(), "sent", subject), ("bob".into(), "cancelled", subject)]);
    assert_eq!(repo.server_tip(&place), None);
    // It may come again.
    assert!(send(&repo, BOB, &subject).1.succeeded());
    assert_eq!(steps(&repo).len(), 3);
}

#[test]
fn what_no_sender_is_known_of_is_taken_back_by_nobody() {
    let repo = TestRepo::new(REVIEW);
    let subject = repo.commit(BOB, &["a"]);
    let (place, said) = send(&repo, NOBODY, &subject);
    assert!(said.succeeded(), "{}", said.err);
    for who in [NOBODY, MALLORY] {
        repo.refused(who, &["--delete", &place], &["can only be taken back by who made it"]);
    }
    // One that stands there behind the log's back belongs to nobody either.
    let other = place.replace("r-", "r-0").chars().take(place.len()).collect::<String>();
    repo.server_git(&["update-ref", &other, &subject.hex()]);
    repo.refused(BOB, &["--delete", &other], &["can only be taken back by who made it"]);
}

#[test]
fn a_refused_push_is_kept_and_another_clone_fetches_it() {
    let repo = parking("");
    let start = repo.server_tip(MAIN);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    let place = place(&id_of(&repo, MAIN, &subject));
    assert_eq!(repo.server_tip(MAIN), start);
    let clone = repo.path("clone");
    let (server, clone) = (repo.server(), clone.to_str().expect("a path"));
    repo.git(&["clone", "--quiet", server.to_str().expect("a path"), clone]);
    repo.git(&["-C", clone, "fetch", "--quiet", "origin", &place]);
    assert_eq!(repo.git(&["-C", clone, "rev-parse", "FETCH_HEAD^"]), subject.hex());
    assert_eq!(repo.git(&["-C", clone, "show", "FETCH_HEAD^:a"]), repo.git(&["show", &format!("{}:a", subject.hex())]));
    repo.server_git(&["fsck", "--strict", "--no-dangling"]);
    assert_eq!(steps(&repo), [("bob".into(), "parked", subject)]);
    let step = repo.entries().into_iter().find_map(|entry| match entry.event {
        Event::Request(step) => Some(step),
        _ => None,
    });
    let Some(Step::Parked { bytes, of }) = step.map(|step| step.step) else { panic!("parked") };
    assert!(bytes > 0 && matches!(repo.entries()[usize::try_from(of).expect("a number")].event, Event::Decision(_)));
    // The same again is kept already, and nobody takes it for approved.
    let said = repo.push(BOB, &["HEAD:main"]);
    assert!(!said.succeeded());
    assert_eq!(steps(&repo).len(), 1);
    settings(&repo, "park = false\n");
    repo.refused(BOB, &[&format!("{}:refs/heads/other", subject.hex())], &["`review` needs 1 approval"]);
    // Who asked takes it back, and nobody else.
    repo.refused(MALLORY, &["--delete", &place], &["can only be taken back by who made it"]);
    repo.accepted(BOB, &["--delete", &place]);
    assert_eq!(steps(&repo).last().map(|step| step.1), Some("cancelled"));
}

#[test]
fn an_approved_push_lands_after_it_was_kept() {
    let repo = parking("");
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    repo.approve(CAROL, subject, MAIN);
    repo.accepted(BOB, &["HEAD:main"]);
    assert_eq!(repo.server_tip(MAIN), Some(subject));
}

#[test]
fn what_no_token_could_let_in_is_not_kept() {
    let repo = parking("");
    let before = repo.all_refs();
    let start = repo.server_tip(MAIN).expect("a branch").hex();
    let subject = repo.commit(BOB, &["a"]);
    let pushes: [&[&str]; 3] = [
        &["--force", "HEAD:main", "HEAD:refs/jit/policy"],
        &["HEAD:main", &format!("HEAD:refs/replace/{start}")],
        &["--delete", "refs/heads/main"],
    ];
    for arguments in pushes {
        assert!(!repo.push(BOB, arguments).succeeded(), "{arguments:?}");
        assert_eq!((repo.all_refs(), steps(&repo).len()), (before.clone(), 0), "{arguments:?}");
    }
    settings(&repo, "park = false\n");
    assert!(!repo.push(BOB, &["HEAD:main"]).succeeded());
    assert_eq!((repo.all_refs(), steps(&repo).len()), (before, 0));
    assert!(
        repo.server_git(&["cat-file", "--batch-check", "--batch-all-objects"])
            .lines()
            .all(|line| !line.contains(&subject.hex()))
    );
}

#[test]
fn each_pusher_has_a_share_and_keeps_nobody_else_out() {
    let repo = parking("max_count = 2\n");
    for (who, branch, kept) in [
        (MALLORY, "refs/heads/one", 1),
        (MALLORY, "refs/heads/two", 2),
        (MALLORY, "refs/heads/three", 2),
        (BOB, "refs/heads/main", 3),
        // A newer tip takes the place of the one before.
        (MALLORY, "refs/heads/two", 4),
        (MALLORY, "refs/heads/three", 4),
        (BOB, "refs/heads/one", 5),
    ] {
        refused(&repo, who, branch, "a");
        assert_eq!(steps(&repo).iter().filter(|step| step.1 == "parked").count(), kept, "{} {branch}", who.name);
    }
    let subject = repo.commit(MALLORY, &["z"]);
    let (_, said) = send(&repo, MALLORY, &subject);
    assert!(said.err.contains("2 requests of this pusher wait already"), "{}", said.err);
    assert!(!said.succeeded());
}

#[test]
fn what_is_larger_than_the_share_is_not_kept_and_leaves_nothing() {
    let repo = parking("max_size = \"20kB\"\n");
    let before = repo.all_refs();
    fs::write(repo.work().join("random"), random(30_000)).expect("written");
    let (_, said) = refused(&repo, BOB, MAIN, "a");
    assert!(said.err.contains("`review` needs 1 approval"), "{}", said.err);
    assert!(steps(&repo).is_empty() && repo.all_refs() == before);
    fs::remove_file(repo.work().join("random")).expect("removed");
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    assert_eq!(steps(&repo), [("bob".into(), "parked", subject)]);
}

/// Bytes that do not compress.
fn random(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
