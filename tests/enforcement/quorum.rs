//! How many people, in which roles (docs/spec/semantics.md, 7).

use crate::support::{approve, check, judge_update, policy, rule, told, update};
use jit::domain::approval::SignedToken;
use jit::domain::change::RefUpdate;
use jit::domain::policy::Policy;

fn one() -> RefUpdate {
    update("a", "b", "b<a")
}

fn by(people: &str) -> Vec<SignedToken> {
    people.split_whitespace().map(|who| approve("b", "a").by(who)).collect()
}

fn each(policy: &Policy, cases: &[(&str, &str)]) {
    for (people, expected) in cases {
        assert_eq!(told(&judge_update(policy, &one(), &by(people))), *expected, "signed by {people:?}");
    }
}

#[test]
fn people_are_counted_not_keys_or_tokens() {
    let two = policy(&rule("require = [{ role = \"team\", approvals = 2 }]"));
    each(
        &two,
        &[
            ("", "deny | r: 2 team for b"),
            ("alice", "deny | r: 1 team for b, +alice/team"),
            ("alice alice", "deny | r: 1 team for b, +alice/team"),
            ("alice A", "deny | r: 1 team for b, +alice/team"),
            ("alice bob", "allow | r: +alice/team, +bob/team"),
            ("alice mallory", "deny | r: 1 team for b, +alice/team, -mallory NoRole"),
            ("alice x", "deny | r: 1 team for b, +alice/team, -somebody UnknownKey"),
        ],
    );
    let second = vec![approve("b", "a").by("alice"), approve("b", "a").nonce(8).from(-60).by("alice")];
    let cases = [("two tokens of one key", one(), second, "deny | r: 1 team for b, +alice/team")];
    check(&two, &cases);
}

#[test]
fn the_same_message_signed_by_two_people_counts_for_both() {
    let two = policy(&rule("require = [{ role = \"team\", approvals = 2 }]"));
    let tokens = by("alice bob");
    assert_eq!(tokens[0].id, tokens[1].id);
    let decision = judge_update(&two, &one(), &tokens);
    assert_eq!(told(&decision), "allow | r: +alice/team, +bob/team");
}

#[test]
fn one_person_fills_one_place_whatever_roles_they_hold() {
    let both = "require = [{ role = \"dba\", approvals = 1 }, { role = \"lead\", approvals = 1 }]";
    each(
        &policy(&rule(both)),
        &[
            ("bob", "deny | r: 1 lead for b, +bob/dba"),
            ("alice bob", "allow | r: +alice/dba, +bob/lead"),
            ("bob carol", "allow | r: +bob/dba, +carol/lead"),
            ("alice carol", "allow | r: +alice/dba, +carol/lead"),
            ("alice", "deny | r: 1 lead for b, +alice/dba"),
        ],
    );
    each(
        &policy(&rule(&format!("{both}\ndistinct_people = false"))),
        &[("bob", "allow | r: +bob/dba, +bob/lead"), ("alice", "deny | r: 1 lead for b, +alice/dba")],
    );
    each(
        &policy(&rule("require = [{ role = \"dba\", approvals = 2 }]\ndistinct_people = false")),
        &[("bob", "deny | r: 1 dba for b, +bob/dba"), ("alice bob", "allow | r: +alice/dba, +bob/dba")],
    );
}

#[test]
fn people_are_distinct_over_what_is_required_and_one_alternative() {
    let rules = "require = [{ role = \"dba\", approvals = 1 }]\n\
                 any_of = [[{ role = \"lead\", approvals = 2 }], [{ role = \"team\", approvals = 1 }]]";
    each(
        &policy(&rule(rules)),
        &[
            ("bob", "deny | r: 1 team for b, +bob/dba"),
            ("alice", "deny | r: 1 team for b, +alice/dba"),
            ("bob carol", "allow | r: +bob/dba, +carol/team"),
            ("carol", "deny | r: 1 dba for b, +carol/team"),
            ("alice bob", "allow | r: +alice/team, +bob/dba"),
        ],
    );
    let twice = "require = [{ role = \"lead\", approvals = 1 }]\nany_of = [[{ role = \"lead\", approvals = 1 }]]";
    each(
        &policy(&rule(twice)),
        &[("bob", "deny | r: 1 lead for b, +bob/lead"), ("bob carol", "allow | r: +bob/lead, +carol/lead")],
    );
}

#[test]
fn one_alternative_is_enough_and_half_of_each_is_not() {
    let rules = "any_of = [[{ role = \"dba\", approvals = 2 }], [{ role = \"lead\", approvals = 2 }]]";
    each(
        &policy(&rule(rules)),
        &[
            ("alice bob", "allow | r: +alice/dba, +bob/dba"),
            ("bob carol", "allow | r: +bob/lead, +carol/lead"),
            ("alice carol", "deny | r: 1 dba for b, +alice/dba"),
        ],
    );
}

#[test]
fn a_token_may_name_the_role_that_it_is_meant_for() {
    let both = policy(&rule("require = [{ role = \"dba\", approvals = 1 }, { role = \"lead\", approvals = 1 }]"));
    let chosen = |who: &str, role: &str| approve("b", "a").role(role).by(who);
    check(
        &both,
        &[
            (
                "both want to be the lead, one can only be that",
                one(),
                vec![chosen("bob", "lead"), approve("b", "a").by("carol")],
                "deny | r: 1 dba for b, +bob/lead",
            ),
            (
                "one leaves the other's place free",
                one(),
                vec![chosen("bob", "dba"), approve("b", "a").by("carol")],
                "allow | r: +bob/dba, +carol/lead",
            ),
            (
                "a role that its signer does not hold",
                one(),
                vec![chosen("alice", "lead")],
                "deny | r: 1 dba and 1 lead for b, -alice OtherRole",
            ),
            (
                "a role that is not asked for",
                one(),
                vec![chosen("alice", "team")],
                "deny | r: 1 dba and 1 lead for b, -alice OtherRole",
            ),
            (
                "a token for each role is still one person",
                one(),
                vec![chosen("bob", "dba"), chosen("bob", "lead")],
                "deny | r: 1 lead for b, +bob/dba",
            ),
        ],
    );
}

#[test]
fn the_quorum_is_met_for_each_commit() {
    let two = policy(&rule("require = [{ role = \"team\", approvals = 2 }]"));
    let series = || update("a", "c", "c<b; b<a");
    check(
        &two,
        &[
            (
                "two for the lower, one for the upper",
                series(),
                vec![approve("c", "a").by("alice"), approve("b", "a").by("bob")],
                "deny | r: 1 team for c, +alice/team, +bob/team",
            ),
            (
                "two for each, by three people",
                series(),
                vec![approve("c", "a").by("alice"), approve("b", "a").by("bob"), approve("c", "b").by("carol")],
                "allow | r: +alice/team, +bob/team, +carol/team",
            ),
        ],
    );
}

#[test]
fn who_could_still_sign_is_named() {
    let signs = |lines: &str, update: &RefUpdate, tokens: &[SignedToken]| {
        let decision = judge_update(&policy(&rule(lines)), update, tokens);
        let able = decision.updates[0].rules[0].could_sign.iter().map(ToString::to_string).collect::<Vec<_>>();
        able.join(" ")
    };
    let two = "require = [{ role = \"team\", approvals = 2 }]";
    let lead_then_dba = "require = [{ role = \"lead\", approvals = 1 }, { role = \"dba\", approvals = 1 }]";
    let apart = &format!("{lead_then_dba}\ndistinct_people = false");
    let lead_and_two = "require = [{ role = \"lead\", approvals = 1 }, { role = \"dba\", approvals = 2 }]\n\
                        distinct_people = false";
    let either = "any_of = [[{ role = \"dba\", approvals = 1 }], [{ role = \"lead\", approvals = 1 }]]";
    let cases = [
        ("everybody", two, one(), "", "alice bob carol"),
        ("not who signed", two, one(), "alice", "bob carol"),
        ("not the author", two, update("a", "b", "b<a @bob"), "alice", "carol"),
        ("authors, for each other's commits", two, update("a", "c", "c<b @alice; b<a @bob"), "", "alice bob carol"),
        ("nobody when it is met", two, one(), "alice bob", ""),
        ("who sits in one place may move to another", lead_then_dba, one(), "bob", "alice carol"),
        ("one person may fill both", apart, one(), "bob", ""),
        ("the empty place only", apart, one(), "carol", "alice bob"),
        ("a place that is filled is free for nobody else", lead_and_two, one(), "bob", "alice"),
        ("those of every alternative", either, one(), "", "alice bob carol"),
    ];
    for (situation, lines, update, people, expected) in cases {
        assert_eq!(signs(lines, &update, &by(people)), expected, "{situation}");
    }
}
