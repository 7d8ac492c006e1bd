//! Many people at once: each push gets one decision, no token is lost, an approval is not used by two.

use crate::support::{ALICE, APPROVALS, BOB, CAROL, Desk, Guarded as _, MAIN, Person, TestRepo, option, sign};
use jit::domain::audit::{Decision, Event, Verdict};
use jit::domain::change::ChangesetId;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const RULES: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\", \"guarded/**\"]\n\
                     require = [{ role = \"maintainers\", approvals = 1 }]\n";

const PUSHES: usize = 50;
const CLIENTS: usize = 8;

/// The decisions of the log that are about `refname`.
fn decisions(repo: &TestRepo, refname: &str) -> Vec<Decision> {
    let about = |decision: &Decision| decision.updates.iter().any(|update| update.target.to_string() == refname);
    let events = repo.entries().into_iter().map(|entry| entry.event);
    let all = events.filter_map(|event| if let Event::Decision(decision) = event { Some(*decision) } else { None });
    all.filter(about).collect()
}

/// The branch of a push: a third of them need no approval, a third have one, a third need one and have none.
fn branch(number: usize) -> String {
    let kind = ["free", "guarded/approved", "guarded/open"][number % 3];
    format!("refs/heads/{kind}-{number}")
}

/// Pushes `tip` to the branch; its approval, if it has one, comes with it or in a push of its own before.
fn push(repo: &TestRepo, number: usize, tip: ChangesetId) -> bool {
    let (refname, refspec) = (branch(number), format!("HEAD:{}", branch(number)));
    if number % 3 != 1 {
        return repo.push(ALICE, &[&refspec]).succeeded();
    }
    let token = option(&sign(BOB, repo.approval(tip, &refname)));
    if number.is_multiple_of(2) {
        return repo.push(ALICE, &["-o", &token, &refspec]).succeeded();
    }
    let said = repo.push(BOB, &["-o", &token, &format!("HEAD:refs/heads/free/token-{number}")]);
    assert!(said.succeeded(), "{}", said.err);
    repo.push(ALICE, &[&refspec]).succeeded()
}

#[test]
fn fifty_pushes_by_eight_clients_get_one_decision_each_while_tokens_arrive() {
    let repo = TestRepo::new(RULES);
    let tip = repo.commit(ALICE, &["a"]);
    let next = AtomicUsize::new(0);
    let client = || {
        let mut ended = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number >= PUSHES {
                return ended;
            }
            ended.push((number, push(&repo, number, tip)));
        }
    };
    let ended: BTreeSet<(usize, bool)> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("it pushes")).collect()
    });
    assert_eq!(ended, (0..PUSHES).map(|number| (number, number % 3 != 2)).collect());
    repo.log_is_sound();
    for number in 0..PUSHES {
        let decided: Vec<Verdict> = decisions(&repo, &branch(number)).iter().map(|decision| decision.verdict).collect();
        let expected = if number % 3 == 2 { Verdict::Deny } else { Verdict::Allow };
        assert_eq!(decided, [expected], "{}", branch(number));
        assert_eq!(repo.server_tip(&branch(number)).is_some(), expected == Verdict::Allow);
    }
    assert_eq!(repo.kept(&tip), (0..PUSHES).filter(|number| number % 3 == 1).count());
}

/// Both start from the same published tokens each time; the second to push has to begin again.
#[test]
fn two_approvers_who_sign_at_the_same_moment_lose_no_token() {
    let repo = TestRepo::new(RULES);
    let desks: Vec<Desk<'_>> = [BOB, CAROL].into_iter().map(|who| repo.desk(who)).collect();
    let tip = repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/parked"]);
    for desk in &desks {
        desk.git(&["fetch", "--quiet", "origin"]);
    }
    for round in 1..=50 {
        thread::scope(|scope| {
            for desk in &desks {
                scope.spawn(|| desk.must(&["sign", &tip.hex(), "--branch", "main", "--yes"]));
            }
        });
        assert_eq!(repo.kept(&tip), 2 * round);
        let published = repo.server_git(&["ls-tree", "-r", "--name-only", APPROVALS]);
        // With its subject and with its content.
        assert_eq!(published.lines().count(), 4 * round);
        let ids: BTreeSet<&str> = published.lines().filter_map(|path| path.rsplit('/').next()).collect();
        assert_eq!(ids.len(), 2 * round);
    }
    repo.log_is_sound();
}

/// The approval is for one commit on the branch's value: whichever push comes first takes the branch away from the other.
#[test]
fn of_two_pushes_with_one_approval_the_approved_one_lands_and_only_that() {
    for _ in 0..10 {
        let repo = TestRepo::new(RULES);
        let start = repo.rev("HEAD").hex();
        let approved = repo.commit(ALICE, &["a"]);
        repo.approve(BOB, approved, MAIN);
        repo.git(&["reset", "--quiet", "--hard", &start]);
        let other = repo.commit(ALICE, &["b"]);
        let both: Vec<bool> = thread::scope(|scope| {
            let pushes: Vec<_> = [(ALICE, approved), (CAROL, other), (ALICE, approved)]
                .map(|(who, tip): (Person, _)| {
                    let repo = &repo;
                    scope.spawn(move || repo.push(who, &[&format!("{}:main", tip.hex())]).succeeded())
                })
                .into();
            pushes.into_iter().map(|push| push.join().expect("it pushes")).collect()
        });
        assert!((both[0] || both[2]) && !both[1], "{both:?}");
        assert_eq!(repo.server_tip(MAIN), Some(approved));
        repo.log_is_sound();
        let landed = repo.entries().into_iter().filter(|entry| match &entry.event {
            Event::Outcome(outcome) => outcome.applied.iter().any(|applied| applied.target.to_string() == MAIN),
            _ => false,
        });
        assert_eq!(landed.count(), 1);
    }
}
