//! Checks on real pushes: what an attestation lets in, and how a pipeline makes one.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, TestRepo, sign};
use jit::domain::approval::{Status, Token};
use rstest::rstest;

const RULES: &str = "[checks.tests]\nrole = \"dba\"\n\
                     [[rule]]\nname = \"tested\"\nbranches = [\"main\"]\nchecks = [\"tests\"]\n";

#[rstest]
fn the_tip_lands_when_the_newest_word_on_its_checks_is_passed(
    #[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form,
) {
    let repo = Central::new(form, RULES);
    repo.commit(ALICE, &["a"]);
    let tip = repo.commit(ALICE, &["b"]);
    let missing = format!("`tested` needs the check `tests` of {}, attested by `dba`", tip.hex());
    let typed = format!("somebody who holds `dba` can run `jit attest {} --check tests --status passed`", tip.hex());
    repo.refused(ALICE, to(MAIN, tip), &[&missing, &typed]);

    let failed = Token { reason: "2 of 90".to_owned(), ..repo.attestation(tip, "tests", Status::Failed) };
    repo.send(BOB, &[sign(BOB, failed)]);
    repo.refused(ALICE, to(MAIN, tip), &["failed, says bob: \"2 of 90\""]);

    let later = jit::domain::time::Span::seconds(1);
    let passed = repo.attestation(tip, "tests", Status::Passed);
    let passed = sign(BOB, Token { not_before: passed.not_before.plus(later), ..passed });
    repo.accepted_with(ALICE, to(MAIN, tip), std::slice::from_ref(&passed));
    let decision = repo.last_decision();
    let rule = &decision.updates.iter().find_map(|update| update.rules.first()).expect("a rule");
    assert_eq!(rule.required, ["the check `tests` from `dba`"]);
    assert_eq!(rule.counted.iter().map(|one| one.token).collect::<Vec<_>>(), [passed.id]);
    assert_eq!(decision.tokens.get(&passed.id), Some(&passed.text));
}

#[rstest]
fn nobody_else_attests_and_no_other_commit_is_attested(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, RULES);
    let below = repo.commit(ALICE, &["a"]);
    let tip = repo.commit(ALICE, &["b"]);
    repo.keep(CAROL, repo.attestation(tip, "tests", Status::Passed));
    repo.keep(BOB, repo.attestation(below, "tests", Status::Passed));
    repo.keep(BOB, repo.attestation(tip, "lint", Status::Passed));
    let elsewhere = Token { repository: "other@0".to_owned(), ..repo.attestation(tip, "tests", Status::Passed) };
    repo.keep(BOB, elsewhere.clone());
    let words = [
        "needs the check `tests`",
        "not counted: carol",
        "its signer holds none of the roles asked for",
        "signed for repository other@0",
    ];
    repo.refused(ALICE, to(MAIN, tip), &words);
    repo.refused_tokens(BOB, &[sign(BOB, elsewhere)], &["other@0"]);
    repo.keep(BOB, repo.attestation(tip, "tests", Status::Passed));
    repo.accepted(ALICE, to(MAIN, tip));
}

#[test]
fn a_pipeline_attests_what_it_was_told_to() {
    let repo = TestRepo::new(RULES);
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    let attest = |status: &str| ["attest", &commit, "--check", "tests", "--status", status].map(str::to_owned);
    let run = |desk: &crate::support::Desk<'_>, status: &str, more: &[&str], code: i32, words: &str| {
        let arguments = attest(status);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let said = desk.jit(&arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.err);
        assert!((said.err.clone() + &said.text()).contains(words), "no `{words}` in {}", said.err);
    };
    run(&carol, "passed", &["--yes"], 1, "carol does not hold `dba`, which attests `tests`");
    run(&bob, "skipped", &["--yes"], 2, "it is `passed` or `failed`");
    run(&bob, "passed", &[], 2, "there is no terminal to ask on");
    let said = bob.jit(&["attest", &commit, "--check", "test", "--status", "passed", "--yes"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("the policy has no check `test`") && said.err.contains("it has: tests"), "{}", said.err);

    let status = alice.json(&["status", "--branch", "main"], 1);
    let check = &status["updates"][0]["rules"][0]["checks"][0];
    assert_eq!((&check["check"], &check["holds"], &check["status"]), (&"tests".into(), &false.into(), &().into()));
    run(&bob, "passed", &["--yes", "--reason", "all 90"], 0, "attested `tests` passed");
    let status = alice.json(&["status", "--branch", "main"], 0);
    let check = &status["updates"][0]["rules"][0]["checks"][0];
    assert_eq!((&check["holds"], &check["who"], &check["status"]), (&true.into(), &"bob".into(), &"passed".into()));
    let token = &bob.json(&["tokens", &commit], 0)["tokens"][0];
    assert_eq!(
        (&token["kind"], &token["check"], &token["reason"]),
        (&"attest".into(), &"tests".into(), &"all 90".into())
    );
    let explained = alice.must(&["explain", "--branch", "main"]);
    assert!(explained.text().contains("it asks for the checks `tests` from `dba`"), "{}", explained.text());
    assert!(alice.push(&["HEAD:main"]).succeeded());
}

#[test]
fn a_word_that_was_taken_back_no_longer_counts() {
    let repo = TestRepo::new(RULES);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    let attested = bob.json(&["attest", &commit, "--check", "tests", "--status", "passed", "--yes"], 0);
    let id = attested["tokens"][0]["id"].as_str().expect("an id");
    let said = bob.must(&["revoke", id, "--yes"]);
    assert!(said.text().contains("revoked the attestation"), "{}", said.text());
    let refused = alice.push(&["HEAD:main"]);
    assert!(!refused.succeeded() && refused.err.contains("revoked by its signer"), "{}", refused.err);
}
