//! Standing in for others on real pushes, and how that is arranged.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, TestRepo, revocation, sign};
use rstest::rstest;

const RULES: &str = "[roles.boss]\nmembers = [\"bob\"]\ndelegable = true\n\
                     [[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"boss\", approvals = 1 }]\n";

#[rstest]
fn who_stands_in_approves_until_that_is_taken_back(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, RULES);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(CAROL, commit, MAIN);
    let words = ["`review` needs 1 approval from `boss`", "not counted: carol"];
    repo.refused(ALICE, to(MAIN, commit), &words);
    // Not hers to give, and not to herself.
    repo.send(CAROL, &[sign(CAROL, repo.delegation("boss", "carol"))]);
    repo.refused(ALICE, to(MAIN, commit), &words);

    let delegation = sign(BOB, repo.delegation("boss", "carol"));
    repo.send(BOB, std::slice::from_ref(&delegation));
    repo.accepted(ALICE, to(MAIN, commit));
    let decision = repo.last_decision();
    let rule = decision.updates.iter().find_map(|update| update.rules.first()).expect("a rule");
    assert_eq!(rule.counted[0].stands_in_for.as_ref().map(|who| who.as_str()), Some("bob"));
    assert_eq!(decision.tokens.get(&delegation.id), Some(&delegation.text));

    let next = repo.commit(ALICE, &["b"]);
    repo.approve(CAROL, next, MAIN);
    repo.send(BOB, &[sign(BOB, revocation(delegation.id, &delegation.token))]);
    repo.refused(ALICE, to(MAIN, next), &words);
}

#[rstest]
fn nobody_stands_in_for_the_author(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, RULES);
    repo.keep(BOB, repo.delegation("boss", "carol"));
    let commit = repo.commit(BOB, &["a"]);
    repo.approve(CAROL, commit, MAIN);
    repo.refused(ALICE, to(MAIN, commit), &["stands in for bob: its signer is an author"]);
}

#[test]
fn a_role_is_delegated_by_who_holds_it_and_listed() {
    let repo = TestRepo::new(RULES);
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    let week = ["--until", "7d", "--yes"];
    let cases: [(&crate::support::Desk<'_>, &[&str], i32, &str); 6] = [
        (&bob, &["kings", "--to", "carol"], 2, "the policy has no role `kings`"),
        (&bob, &["dba", "--to", "carol"], 1, "`dba` cannot be delegated"),
        (&carol, &["boss", "--to", "alice"], 1, "carol does not hold `boss`"),
        (&bob, &["boss", "--to", "bob"], 2, "bob cannot stand in for bob"),
        (&bob, &["boss", "--to", "zoe"], 2, "the policy does not know `zoe`"),
        (&bob, &["boss", "--to", "carol", "--from", "8d"], 2, "before it begins"),
    ];
    for (desk, arguments, code, words) in cases {
        let said = desk.jit(&[&["delegate"], arguments, &week[..]].concat());
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(words), "{arguments:?}: no `{words}` in {}", said.err);
    }
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    let later = bob.json(&[&["delegate", "boss", "--to", "carol", "--from", "1d"], &week[..]].concat(), 0);
    assert_eq!(later["tokens"][0]["delegates"], serde_json::json!({ "role": "boss", "to": "carol" }));
    let said = carol.must(&["sign", &commit, "--branch", "main", "--yes"]);
    assert!(said.err.contains("yours will not count"), "{}", said.err);

    bob.must(&[&["delegate", "boss", "--to", "carol"], &week[..]].concat());
    assert!(carol.must(&["tokens"]).text().contains("boss carol"));
    let said = carol.must(&["sign", &commit, "--branch", "main", "--yes"]);
    assert!(said.err.contains("yours counts, as `boss`, for bob"), "{}", said.err);
    let pushed = alice.push(&["HEAD:main"]);
    assert!(pushed.succeeded() && pushed.err.contains("carol for bob (boss)"), "{}", pushed.err);
}
