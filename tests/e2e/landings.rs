//! Requests that land by themselves on a central Git repository, and kept requests that need not be kept any longer.

use crate::requests::{id_of, place, refused, send, settings, steps};
use crate::support::{
    ALICE, APPROVALS, BOB, CAROL, Guarded as _, MAIN, MALLORY, NOBODY, Person, TestRepo, hours_from, now, one, sign,
    states, time, token_file,
};
use jit::domain::approval::{Kind, Token};
use jit::domain::audit::{Decision, Event, Removal, Step, Verdict};
use jit::domain::change::{ChangesetId, IdKind};
use jit::domain::time::Span;
use std::fs;
use std::thread;

const TWO: &str = "[[rule]]\nname = \"review\"\nbranches = [\"*\"]\nland = \"auto\"\n\
                   require = [{ role = \"maintainers\", approvals = 2 }]\n";
const OTHER: &str = "[[rule]]\nname = \"docs\"\nbranches = [\"main\"]\npaths = [\"docs/**\"]\n\
                     require = [{ role = \"maintainers\", approvals = 1 }]\n";

fn landing(rules: &str) -> TestRepo {
    let repo = TestRepo::new(rules);
    settings(&repo, "park = true\n");
    repo
}

/// Sends a token as `jit sign` does; returns what its signer reads.
fn publish(repo: &TestRepo, who: Person, token: Token) -> String {
    repo.commit_approvals(&[token_file(&sign(who, token))]);
    repo.accepted(who, &[&format!("{APPROVALS}:{APPROVALS}")])
}

fn approve(repo: &TestRepo, who: Person, subject: ChangesetId) -> String {
    publish(repo, who, repo.approval(subject, MAIN))
}

fn removals(repo: &TestRepo) -> Vec<Removal> {
    let why = |event: Event| match event {
        Event::Request(step) => match step.step {
            Step::Removed { why } => Some(why),
            _ => None,
        },
        _ => None,
    };
    repo.entries().into_iter().filter_map(|entry| why(entry.event)).collect()
}

fn decisions_on(repo: &TestRepo, refname: &str) -> Vec<Decision> {
    let of = |event: Event| match event {
        Event::Decision(decision) => Some(*decision),
        _ => None,
    };
    let target = repo.target(refname);
    let about = |decision: &Decision| decision.updates.iter().any(|update| update.target == target);
    repo.entries().into_iter().filter_map(|entry| of(entry.event)).filter(about).collect()
}

#[test]
fn the_last_approval_lets_a_kept_request_land_as_its_requesters_push() {
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    let place = place(&id_of(&repo, MAIN, &subject));
    let start = repo.server_tip(MAIN);
    let said = approve(&repo, ALICE, subject);
    assert!(!said.contains("by itself"), "{said}");
    assert_eq!(repo.server_tip(MAIN), start, "one of two");
    let said = approve(&repo, CAROL, subject);
    assert!(said.contains("landed by itself"), "{said}");
    assert_eq!(repo.server_tip(MAIN), Some(subject));
    assert_eq!(repo.server_tip(&place), None);
    assert_eq!(removals(&repo), [Removal::Landed]);
    let last = decisions_on(&repo, MAIN).pop().expect("a decision");
    assert_eq!((last.verdict, last.pusher.login.as_deref()), (Verdict::Allow, Some("bob")));
    assert_eq!(last.tokens.len(), 2);
    repo.log_is_sound();
    // Who asked finds it there.
    assert!(repo.push(BOB, &[&format!("{}:main", subject.hex())]).succeeded());
}

#[test]
fn a_request_goes_from_refused_to_landed_without_another_push_of_its_author() {
    let repo = landing(TWO);
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    let server = repo.server().to_str().expect("a plain path").to_owned();
    let on_server = |id: &str| bob.json(&["show", id, "--repo", &server], 0);
    let head = || ChangesetId::from_hex(IdKind::GitSha1, &alice.git(&["rev-parse", "HEAD"])).expect("an id");
    let told = || steps(&repo).into_iter().map(|(who, what, _)| format!("{who} {what}")).collect::<Vec<_>>();

    alice.commit("src/a");
    let start = repo.server_tip(MAIN);
    assert!(!alice.push(&["HEAD:main"]).succeeded());
    let first = id_of(&repo, MAIN, &head()).to_string();
    assert_eq!((told(), repo.server_tip(MAIN)), (vec!["alice parked".to_owned()], start));
    for seen in [on_server(&first), bob.json(&["show", &first], 0)] {
        assert_eq!(seen["state"], "open");
        assert_eq!(time(&seen["waits_until"]), time(&seen["opened"]).plus(Span::days(7)));
    }
    carol.must(&["reject", &first, "--reason", "needs a test", "--yes"]);
    for seen in [on_server(&first), bob.json(&["show", &first], 0)] {
        assert_eq!((&seen["state"], &seen["rules"][0]["tokens"][0]["who"]), (&"denied".into(), &"carol".into()));
    }

    alice.git(&["commit", "--quiet", "--amend", "--message", "with a test"]);
    assert!(!alice.push(&["HEAD:main"]).succeeded());
    let (commit, second) = (head(), id_of(&repo, MAIN, &head()).to_string());
    assert_eq!(told(), ["alice parked", "alice parked"]);
    let seen = on_server(&first);
    assert_eq!((&seen["state"], &seen["ended"]["by"]), (&"superseded".into(), &second.as_str().into()));
    bob.must(&["sign", &second, "--yes"]);
    assert_eq!((removals(&repo), repo.server_tip(MAIN)), (vec![Removal::Superseded], start));
    let seen = on_server(&second);
    assert_eq!((&seen["state"], &seen["could_sign"]), (&"open".into(), &serde_json::json!(["carol"])));
    assert_eq!(seen["use_before"], serde_json::Value::Null);
    assert_eq!(states(&carol.json(&["pending"], 0)), one(&second, "open"));

    carol.must(&["sign", &second, "--yes"]);
    assert_eq!((repo.server_tip(MAIN), removals(&repo)), (Some(commit), vec![Removal::Superseded, Removal::Landed]));
    let last = decisions_on(&repo, MAIN).pop().expect("a decision");
    assert_eq!((last.verdict, last.pusher.login.as_deref(), last.tokens.len()), (Verdict::Allow, Some("alice"), 2));
    assert_eq!(on_server(&second)["state"], "landed");
    assert_eq!(states(&carol.json(&["pending", "--all"], 0)), vec![]);
    repo.log_is_sound();
}

#[test]
fn what_one_refused_push_asks_for_is_kept_in_one_pack() {
    let repo = landing(TWO);
    let one = repo.commit(BOB, &["a"]);
    let other = repo.commit(BOB, &["b"]);
    let packs = || fs::read_dir(repo.server().join("objects/pack")).expect("packs").count();
    let before = packs();
    let said = repo.push(BOB, &[&format!("{}:main", one.hex()), &format!("{}:refs/heads/side", other.hex())]);
    assert!(!said.succeeded());
    let whole = packs() - before;
    assert_eq!(
        steps(&repo).iter().map(|step| (step.1, step.2)).collect::<Vec<_>>(),
        [("parked", one), ("parked", other)]
    );
    let (again, _) = refused(&repo, ALICE, MAIN, "c");
    assert_eq!((packs() - before, steps(&repo).len()), (2 * whole, 3), "{again:?}");
}

#[test]
fn a_request_that_arrives_after_its_approvals_lands_at_once() {
    let repo = landing(TWO);
    let subject = repo.commit(BOB, &["a"]);
    for who in [ALICE, CAROL] {
        approve(&repo, who, subject);
    }
    let (_, said) = send(&repo, BOB, &subject);
    assert!(said.err.contains("landed by itself"), "{}", said.err);
    assert_eq!(repo.server_tip(MAIN), Some(subject));
}

#[test]
fn what_must_not_land_by_itself_does_not() {
    // The requester's own approval does not count for them, whoever's push starts the landing.
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    let start = repo.server_tip(MAIN);
    approve(&repo, BOB, subject);
    approve(&repo, CAROL, subject);
    assert_eq!(repo.server_tip(MAIN), start, "bob is who pushes");

    // One rule of two does not say so.
    let repo = landing(&format!("{TWO}{OTHER}"));
    let (subject, _) = refused(&repo, BOB, MAIN, "docs/a");
    let start = repo.server_tip(MAIN);
    for who in [ALICE, CAROL] {
        approve(&repo, who, subject);
    }
    assert_eq!(repo.server_tip(MAIN), start);
    repo.accepted(BOB, &["HEAD:main"]);

    // Nobody knows who asked.
    let repo = landing(&TWO.replace("require", "self_approval = true\nrequire"));
    let (subject, _) = refused(&repo, NOBODY_WHO_COMMITS, MAIN, "a");
    let said = repo.push(NOBODY, &[&format!("{}:main", subject.hex())]);
    assert!(!said.succeeded());
    let start = repo.server_tip(MAIN);
    let kept = repo.entries().iter().filter(|entry| matches!(&entry.event, Event::Request(_))).count();
    assert_eq!(kept, 1);
    let id = place(&id_of(&repo, MAIN, &subject));
    repo.accepted(NOBODY_WHO_COMMITS, &["--delete", &id]);
    assert!(!repo.push(NOBODY, &[&format!("{}:main", subject.hex())]).succeeded());
    for who in [ALICE, CAROL] {
        approve(&repo, who, subject);
    }
    assert_eq!(repo.server_tip(MAIN), start);

    // It was taken back.
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    approve(&repo, ALICE, subject);
    repo.accepted(BOB, &["--delete", &place(&id_of(&repo, MAIN, &subject))]);
    let start = repo.server_tip(MAIN);
    approve(&repo, CAROL, subject);
    assert_eq!(repo.server_tip(MAIN), start);
}

/// Whose commits and first push the case about an unknown pusher uses.
const NOBODY_WHO_COMMITS: Person = MALLORY;

#[test]
fn a_newer_tip_supersedes_and_only_that_lands() {
    let repo = landing(TWO);
    let (first, _) = refused(&repo, BOB, MAIN, "a");
    let (second, _) = refused(&repo, BOB, MAIN, "b");
    let start = repo.server_tip(MAIN);
    for who in [ALICE, CAROL] {
        approve(&repo, who, first);
    }
    assert_eq!(repo.server_tip(MAIN), start);
    assert_eq!(removals(&repo), [Removal::Superseded]);
    assert_eq!(repo.server_tip(&place(&id_of(&repo, MAIN, &first))), None);
    for who in [ALICE, CAROL] {
        approve(&repo, who, second);
    }
    assert_eq!(repo.server_tip(MAIN), Some(second));
}

#[test]
fn a_rejection_keeps_it_from_landing_until_it_is_revoked() {
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    let start = repo.server_tip(MAIN);
    approve(&repo, ALICE, subject);
    // Of one second, a rejection would outlive the approval.
    let not_before = hours_from(now(), -1);
    let about = repo.approval(subject, MAIN);
    let token = Token { kind: Kind::Reject, reason: "needs a test".to_owned(), not_before, ..about };
    let rejection = sign(CAROL, token.clone());
    publish(&repo, CAROL, token.clone());
    approve(&repo, CAROL, subject);
    assert_eq!(repo.server_tip(MAIN), start);
    let said = publish(&repo, CAROL, crate::support::revocation(rejection.id, &token));
    assert!(said.contains("landed by itself"), "{said}");
    assert_eq!(repo.server_tip(MAIN), Some(subject));
}

#[test]
fn where_the_branch_went_another_way_the_request_says_so_once() {
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    approve(&repo, ALICE, subject);
    let (other, _) = refused(&repo, MALLORY, MAIN, "b");
    repo.approve(BOB, other, MAIN);
    repo.approve(CAROL, other, MAIN);
    repo.accepted(MALLORY, &[&format!("{}:main", other.hex())]);
    let token = Token { base: vec![repo.rev(&format!("{}^", subject.hex()))], ..repo.approval(subject, MAIN) };
    let said = publish(&repo, CAROL, token.clone());
    assert!(said.contains("its target is no longer below it") && said.contains("bob can push it again"), "{said}");
    assert_eq!(repo.server_tip(MAIN), Some(other));
    publish(&repo, CAROL, Token { nonce: [0; 16], ..token });
    let stuck = steps(&repo).iter().filter(|step| step.1 == "not landed").count();
    assert_eq!(stuck, 1);
}

#[test]
fn two_landings_at_once_land_once() {
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    repo.approve(ALICE, subject, MAIN);
    repo.approve(CAROL, subject, MAIN);
    let revocation = |byte: u8| {
        let id = jit::domain::approval::TokenId([byte; 32]);
        sign(ALICE, crate::support::revocation(id, &repo.approval(subject, MAIN)))
    };
    let offers: Vec<String> = [1, 2, 3].map(|byte| format!("-ojit-token={}", revocation(byte).text)).to_vec();
    repo.server_git(&["config", "receive.advertisePushOptions", "true"]);
    thread::scope(|scope| {
        for (number, offer) in offers.iter().enumerate() {
            let (repo, branch) = (&repo, format!("HEAD~1:refs/tags/t{number}"));
            scope.spawn(move || assert!(repo.push(ALICE, &[offer, &branch]).succeeded()));
        }
    });
    assert_eq!(repo.server_tip(MAIN), Some(subject));
    repo.log_is_sound();
    let allowed = decisions_on(&repo, MAIN).iter().filter(|one| one.verdict == Verdict::Allow).count();
    let moved = repo.entries().iter().filter(|entry| applied(&entry.event, &repo)).count();
    assert!(allowed >= 1 && moved == 1, "{allowed} allowed, {moved} moved");
    assert_eq!(removals(&repo), [Removal::Landed]);
}

fn applied(event: &Event, repo: &TestRepo) -> bool {
    let main = repo.target(MAIN);
    matches!(event, Event::Outcome(outcome) if outcome.applied.iter().any(|one| one.target == main))
}

#[test]
fn what_waited_for_too_long_is_kept_no_longer() {
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    let place = place(&id_of(&repo, MAIN, &subject));
    settings(&repo, "park = true\nkeep = \"1s\"\n");
    thread::sleep(std::time::Duration::from_millis(2_100));
    let start = repo.server_tip(MAIN);
    repo.approve(ALICE, subject, MAIN);
    approve(&repo, CAROL, subject);
    assert_eq!(repo.server_tip(MAIN), start, "too late to land by itself");
    assert!(repo.server_tip(&place).is_some(), "what is approved is still kept");
    repo.accepted(CAROL, &["HEAD~1:refs/tags/t"]);
    assert!(removals(&repo).is_empty());
    // The other one is not approved.
    let (other, _) = refused(&repo, ALICE, "refs/heads/side", "b");
    thread::sleep(std::time::Duration::from_millis(2_100));
    repo.accepted(CAROL, &[&format!("{}:refs/tags/u", start.expect("a tip").hex())]);
    assert_eq!(removals(&repo), [Removal::Expired]);
    assert_eq!(repo.server_tip(&crate::requests::place(&id_of(&repo, "refs/heads/side", &other))), None);
}

#[test]
fn a_damaged_request_lands_nowhere_and_disturbs_nobody() {
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    let start = repo.server_tip(MAIN);
    // The only pack is the one that was kept.
    let packs = fs::read_dir(repo.server().join("objects/pack")).expect("packs");
    for pack in packs.map(|entry| entry.expect("an entry").path()) {
        fs::remove_file(pack).expect("removed");
    }
    repo.approve(ALICE, subject, MAIN);
    let said = approve(&repo, CAROL, subject);
    assert!(said.contains("did not land by itself"), "{said}");
    assert_eq!(repo.server_tip(MAIN), start);
    assert_eq!(steps(&repo).last().map(|step| step.1), Some("not landed"));
    let (other, _) = refused(&repo, CAROL, MAIN, "b");
    repo.approve(ALICE, other, MAIN);
    approve(&repo, BOB, other);
    assert_eq!(repo.server_tip(MAIN), Some(other));
}

#[test]
fn what_a_crash_left_behind_counts_for_nothing_and_goes() {
    let repo = landing(TWO);
    let (subject, _) = refused(&repo, BOB, MAIN, "a");
    let kept = place(&id_of(&repo, MAIN, &subject));
    // Killed between the ref and its entry: nobody's.
    let stray = "refs/jit/requests/r-0123456789ab";
    repo.server_git(&["update-ref", stray, &subject.hex()]);
    repo.refused(BOB, &["--delete", stray], &["can only be taken back by who made it"]);
    repo.accepted(ALICE, &["HEAD~1:refs/tags/t"]);
    assert!(repo.server_tip(stray).is_none() && repo.server_tip(&kept).is_some());
    // Killed between the entry that says so and the ref's end.
    let value = repo.server_tip(&kept).expect("a request").hex();
    repo.accepted(BOB, &["--delete", &kept]);
    repo.server_git(&["update-ref", &kept, &value]);
    repo.accepted(ALICE, &["HEAD~1:refs/tags/u"]);
    assert_eq!(repo.server_tip(&kept), None);
    // Killed between the pack and the ref: the next try finds its way.
    assert!(!repo.push(BOB, &["HEAD:main"]).succeeded());
    assert!(repo.server_tip(&kept).is_some());
    assert_eq!(steps(&repo).last().map(|step| step.1), Some("parked"));
    repo.log_is_sound();
}
