//! Breaking the glass on real pushes: what an override lets in, once, and the review that it owes.

use crate::central::{Central, Form, deletion, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, TestRepo, hours_from, now, sign};
use jit::domain::approval::Token;
use jit::domain::audit::{Event, Override};
use rstest::rstest;
use std::thread::sleep;
use std::time::Duration;

const FROZEN: &str = "[[rule]]\nname = \"freeze\"\nbranches = [\"main\"]\ndeny = true\n\
                      override = { role = \"leads\", approvals = 1, review_within = \"1s\" }\n";
const TOPIC: &str = "refs/heads/topic";

fn overrides(repo: &impl Guarded) -> Vec<Override> {
    let of = |event| match event {
        Event::Override(used) => Some(used),
        _ => None,
    };
    repo.entries().into_iter().filter_map(|entry| of(entry.event)).collect()
}

#[rstest]
fn an_override_passes_one_rule_once_and_owes_a_review(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, FROZEN);
    let commit = repo.commit(ALICE, &["a"]);
    let words = ["`freeze` says never", "in an emergency bob or carol can run", "--override freeze --reason '…'"];
    repo.refused(ALICE, to(MAIN, commit), &words);
    repo.keep(CAROL, repo.overriding(commit, MAIN, "other"));
    repo.approve(CAROL, commit, MAIN);
    repo.refused(ALICE, to(MAIN, commit), &["`freeze` says never"]);
    assert_eq!(overrides(&repo), []);

    repo.send(CAROL, &[sign(CAROL, repo.overriding(commit, MAIN, "freeze"))]);
    let said = repo.accepted(ALICE, to(MAIN, commit));
    // A push to Mercurial that is let in says only what it must.
    if form == Form::Git {
        assert!(said.contains("`freeze` is overridden by carol (leads), to be reviewed within 1s"), "{said}");
    }
    let used = overrides(&repo);
    assert_eq!(used.len(), 1);
    assert_eq!((used[0].rule.as_str(), used[0].subjects.as_slice()), ("freeze", &[commit][..]));
    assert_eq!(used[0].barred.iter().map(|who| who.as_str()).collect::<Vec<_>>(), ["carol"]);

    // It is overdue: doctor tells, and the server tells whoever pushes.
    sleep(Duration::from_secs(2));
    assert!(repo.jit(&["doctor"]).text().contains("carol overrode `freeze`"));
    let next = repo.commit(ALICE, &["b"]);
    repo.refused(ALICE, to(MAIN, next), &["carol overrode `freeze`", "jit review"]);

    // The overrider's own review is none, somebody else's is.
    repo.send(CAROL, &[sign(CAROL, repo.review(commit, MAIN, "freeze"))]);
    let reviewed = || repo.entries().iter().filter(|entry| matches!(entry.event, Event::Review(_))).count();
    assert_eq!(reviewed(), 0);
    repo.send(BOB, &[sign(BOB, repo.review(commit, MAIN, "freeze"))]);
    assert_eq!(reviewed(), 1);
    assert!(!repo.refused(ALICE, to(MAIN, next), &["says never"]).contains("overrode"));
    assert!(!repo.jit(&["doctor"]).text().contains("overrode"));
}

#[rstest]
fn an_override_that_moved_nothing_is_still_good_and_one_that_deletes_is_not(
    #[values(Form::Git, Form::Bookmarks)] form: Form,
) {
    let rules = FROZEN.replace("[\"main\"]", "[\"topic\"]");
    let repo = Central::with_branches(form, &rules, &[TOPIC]);
    let old = repo.start;
    let signed =
        Token { action: jit::domain::change::Action::parse("delete").ok(), ..repo.overriding(old, TOPIC, "freeze") };
    repo.keep(CAROL, signed);
    repo.stop_all(true);
    repo.stopped(ALICE, deletion(TOPIC), &[]);
    repo.stop_all(false);
    repo.accepted(ALICE, deletion(TOPIC));
    repo.set_behind(TOPIC, Some(old));
    repo.refused(ALICE, deletion(TOPIC), &["`freeze` says never", "not counted: carol"]);
}

#[rstest]
fn nobody_passes_a_rule_for_themselves_or_after_its_time(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, FROZEN);
    let commit = repo.commit(BOB, &["a"]);
    repo.keep(BOB, repo.overriding(commit, MAIN, "freeze"));
    repo.keep(CAROL, repo.overriding(commit, MAIN, "freeze"));
    repo.refused(CAROL, to(MAIN, commit), &["not counted: carol", "the pusher's own", "an author or committer of"]);

    repo.go(repo.start);
    let next = repo.commit(ALICE, &["b"]);
    let hour_ago = Token { not_before: hours_from(now(), -1), ..repo.overriding(next, MAIN, "freeze") };
    repo.keep(CAROL, hour_ago);
    repo.keep(ALICE, repo.overriding(next, MAIN, "freeze"));
    let words = ["older than the 1h that the rule allows", "not counted: alice", "holds none of the roles"];
    repo.refused(BOB, to(MAIN, next), &words);
}

#[test]
fn who_breaks_the_glass_says_why_and_who_reviews_is_somebody_else() {
    let repo = TestRepo::new(FROZEN);
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    let sign = ["sign", &commit, "--branch", "main", "--yes", "--override"];
    let cases: [(&[&str], &str); 3] = [
        (&["freeze"], "an override needs a reason"),
        (&["freeze", "--reason", "  "], "an override needs a reason"),
        (&["frees", "--reason", "x"], "the policy has no rule `frees` that can be overridden"),
    ];
    for (more, words) in cases {
        let said = bob.jit(&[&sign[..], more].concat());
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains(words), "no `{words}` in {}", said.err);
    }
    let said = carol.must(&[&sign[..], &["freeze", "--reason", "the site is down"]].concat());
    for words in ["carol overrides the rule `freeze`", "yours counts; somebody else is to review it within 1s", "(1h)"]
    {
        assert!(said.err.contains(words), "no `{words}` in {}", said.err);
    }
    let status = alice.json(&["status", "--branch", "main"], 0);
    assert_eq!(status["updates"][0]["rules"][0]["overridden"][0]["who"], "carol");
    assert!(alice.push(&["HEAD:main"]).succeeded());

    sleep(Duration::from_secs(2));
    alice.commit("b");
    let overdue = |code: i32| alice.json(&["status", "--branch", "main"], code)["overdue"].to_string();
    assert!(overdue(1).contains("carol overrode `freeze`"), "{}", overdue(1));

    let said = carol.jit(&["review", &commit, "--yes"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("carol signed the override: somebody else reviews it"), "{}", said.err);
    let said = alice.jit(&["review", &commit, "--yes"]);
    assert!(said.err.contains("alice holds none of `leads`"), "{}", said.err);
    bob.git(&["fetch", "--quiet", "origin"]);
    let said = bob.must(&["review", &commit, "--yes", "--reason", "it was down"]);
    assert!(said.err.contains("carol overrode `freeze`: \"the site is down\""), "{}", said.err);
    assert!(repo.entries().iter().any(|entry| matches!(entry.event, Event::Review(_))));
    assert_eq!(overdue(1), "[]");
    let token = &bob.json(&["tokens", &commit], 0)["tokens"][1];
    assert_eq!((&token["kind"], &token["rule"]), (&"review".into(), &"freeze".into()));
}

#[test]
fn who_wrote_what_was_let_in_is_told_before_they_review_it() {
    let repo = TestRepo::new(FROZEN);
    let (bob, carol) = (repo.desk(BOB), repo.desk(CAROL));
    bob.commit("a");
    let commit = bob.commit("b").hex();
    bob.must(&["request", "HEAD", "--branch", "main"]);
    carol.must(&["sign", &commit, "--branch", "main", "--yes", "--override", "freeze", "--reason", "the site is down"]);
    assert!(bob.push(&["HEAD:main"]).succeeded());
    let said = bob.jit(&["review", &commit, "--yes"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    let words = format!("bob wrote {commit}, which came with the override: somebody else reviews it");
    assert!(said.err.contains(&words), "{}", said.err);
}
