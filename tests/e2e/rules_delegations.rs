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
    // What carol has signed counts from now on.
    let status = alice.json(&["status", "--branch", "main"], 0);
    let counted = &status["updates"][0]["rules"][0]["counted"][0];
    assert_eq!((&counted["who"], &counted["for"]), (&"carol".into(), &"bob".into()));
    let pushed = alice.push(&["HEAD:main"]);
    assert!(pushed.succeeded() && pushed.err.contains("carol for bob (boss)"), "{}", pushed.err);
}

#[test]
fn a_delegation_by_which_nobody_stands_in_is_not_called_valid() {
    let repo = TestRepo::new(RULES);
    let alice = repo.desk(ALICE);
    let cases = [
        (BOB, "boss", "carol", "valid"),
        (ALICE, "boss", "carol", "role not held"),
        (BOB, "leads", "carol", "not delegable"),
        (BOB, "boss", "bob", "nobody to stand in"),
        (BOB, "boss", "zoe", "nobody to stand in"),
    ];
    let mut push = vec!["HEAD:refs/heads/topic".to_owned()];
    let mut expected = std::collections::BTreeMap::new();
    for (who, role, to, state) in cases {
        let signed = sign(who, repo.delegation(role, to));
        push.extend(["-o".to_owned(), format!("jit-token={}", signed.text)]);
        expected.insert(signed.id.to_string(), state.to_owned());
    }
    alice.commit("a");
    let pushed = alice.push(&push.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(pushed.succeeded(), "{}", pushed.err);
    let told = alice.json(&["tokens"], 0);
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let states = told["tokens"].as_array().expect("a list").iter().map(|one| (text(&one["id"]), text(&one["state"])));
    assert_eq!(states.collect::<std::collections::BTreeMap<_, _>>(), expected);
}
