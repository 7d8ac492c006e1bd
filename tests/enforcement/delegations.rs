//! Standing in for others: one place, whoever fills it, and nothing that its holder could not do (docs/spec/semantics.md, 17).

use crate::support::{
    Case, approve, attest, check, delegate, judge, overriding, policy, push, reject, revoke, rule, told, update,
};
use jit::domain::approval::SignedToken;
use jit::domain::change::RefUpdate;
use jit::domain::policy::Policy;

/// `boss` is alice and bob, and `chief` alice; both can be delegated. `dba`, of the same people as `boss`, cannot.
const ROLES: &str = "[roles.boss]\nmembers = [\"alice\", \"bob\"]\ndelegable = true\n\
                     [roles.chief]\nmembers = [\"alice\"]\ndelegable = true\n";

fn asking(entries: &str) -> Policy {
    policy(&format!("{ROLES}{}", rule(&format!("require = [{entries}]"))))
}

fn one_boss() -> Policy {
    asking("{ role = \"boss\", approvals = 1 }")
}

fn one() -> RefUpdate {
    update("a", "c", "c<b @zed; b<a @zed")
}

/// Runs cases that somebody pushes whom the policy does not know: mallory stands in for others here.
fn seats(policy: &Policy, cases: &[Case]) {
    for (situation, update, tokens, expected) in cases {
        assert_eq!(told(&judge(policy, &push("zed", std::slice::from_ref(update)), tokens)), *expected, "{situation}");
    }
}

fn carols() -> SignedToken {
    approve("c", "a").by("carol")
}

#[test]
fn whoever_stands_in_fills_the_place_of_the_one_who_let_them() {
    check(
        &one_boss(),
        &[
            ("without", one(), vec![carols()], "deny | r: 1 boss for cb, -carol NoRole"),
            ("with", one(), vec![carols(), delegate("boss", "carol").by("alice")], "allow | r: +carol@alice/boss"),
            (
                "meant for the role",
                one(),
                vec![approve("c", "a").role("boss").by("carol"), delegate("boss", "carol").by("alice")],
                "allow | r: +carol@alice/boss",
            ),
            (
                "meant for another",
                one(),
                vec![approve("c", "a").role("lead").by("carol"), delegate("boss", "carol").by("alice")],
                "deny | r: 1 boss for cb, -carol OtherRole",
            ),
        ],
    );
}

#[test]
fn a_delegation_counts_for_exactly_what_it_says() {
    let no = "deny | r: 1 boss for cb, -carol NoRole";
    let with = |delegation: SignedToken| vec![carols(), delegation];
    let good = || delegate("boss", "carol");
    check(
        &one_boss(),
        &[
            ("to somebody else", one(), with(delegate("boss", "mallory").by("alice")), no),
            ("of another role", one(), with(delegate("chief", "carol").by("alice")), no),
            ("of a role that its signer does not hold", one(), with(good().by("mallory")), no),
            (
                "of a role that its signer only stands in for",
                one(),
                vec![carols(), delegate("boss", "mallory").by("alice"), good().by("mallory")],
                no,
            ),
            ("by a stranger", one(), with(good().by("x")), no),
            ("for another repository", one(), with(good().repository("x@1").by("alice")), no),
            ("not begun, but for the leeway", one(), with(good().from(301).by("alice")), no),
            ("within the leeway", one(), with(good().from(300).by("alice")), "allow | r: +carol@alice/boss"),
            ("over", one(), with(good().until(0).by("alice")), no),
            ("a second before", one(), with(good().until(1).by("alice")), "allow | r: +carol@alice/boss"),
            ("taken back", one(), vec![carols(), good().by("alice"), revoke(&good().by("alice")).by("alice")], no),
            (
                "taken back by somebody else",
                one(),
                vec![carols(), good().by("alice"), revoke(&good().by("alice")).by("bob")],
                "allow | r: +carol@alice/boss",
            ),
        ],
    );
    let fixed = policy(&rule("require = [{ role = \"dba\", approvals = 1 }]"));
    check(
        &fixed,
        &[(
            "of a role that cannot be delegated",
            one(),
            with(delegate("dba", "carol").by("alice")),
            "deny | r: 1 dba for cb, -carol NoRole",
        )],
    );
    let own = vec![approve("c", "a").by("alice"), delegate("boss", "alice").by("alice")];
    check(
        &asking("{ role = \"boss\", approvals = 2 }"),
        &[("to oneself", one(), own, "deny | r: 1 boss for cb, +alice/boss")],
    );
}

#[test]
fn one_who_fills_a_place_of_their_own_is_not_refused_for_whom_they_stand_in() {
    let policy = asking("{ role = \"boss\", approvals = 1 }, { role = \"lead\", approvals = 1 }");
    let tokens = [carols(), delegate("boss", "carol").by("alice")];
    let cases =
        [("alice", "deny | r: 1 boss for cb, +carol/lead"), ("bob", "deny | r: 1 lead for cb, +carol@alice/boss")];
    for (pusher, expected) in cases {
        assert_eq!(told(&judge(&policy, &push(pusher, &[one()]), &tokens)), expected, "{pusher}");
    }
}

#[test]
fn somebody_whose_time_is_over_delegates_nothing() {
    let mut policy = one_boss();
    let alice = policy.principals.keys().find(|who| who.as_str() == "alice").expect("alice").clone();
    policy.principals.get_mut(&alice).expect("alice").valid_until = Some(crate::support::at(0));
    let tokens = vec![carols(), delegate("boss", "carol").by("alice")];
    check(&policy, &[("expired", one(), tokens, "deny | r: 1 boss for cb, -carol NoRole")]);
}

#[test]
fn it_is_one_place_whoever_fills_it() {
    let two = asking("{ role = \"boss\", approvals = 2 }");
    let alices = || approve("c", "a").by("alice");
    seats(
        &two,
        &[
            (
                "alice and who stands in for her",
                one(),
                vec![alices(), carols(), delegate("boss", "carol").by("alice")],
                "deny | r: 1 boss for cb, +alice/boss",
            ),
            (
                "two who stand in for alice",
                one(),
                vec![
                    carols(),
                    approve("c", "a").by("mallory"),
                    delegate("boss", "carol").by("alice"),
                    delegate("boss", "mallory").from(-60).by("alice"),
                ],
                "deny | r: 1 boss for cb, +mallory@alice/boss",
            ),
            (
                "one who stands in for both",
                one(),
                vec![carols(), delegate("boss", "carol").by("alice"), delegate("boss", "carol").from(-60).by("bob")],
                "deny | r: 1 boss for cb, +carol@bob/boss",
            ),
            (
                "one who stands in, and the other",
                one(),
                vec![carols(), approve("c", "a").by("bob"), delegate("boss", "carol").by("alice")],
                "allow | r: +bob/boss, +carol@alice/boss",
            ),
            (
                "bob for alice, and bob",
                one(),
                vec![approve("c", "a").by("bob"), delegate("boss", "bob").by("alice")],
                "deny | r: 1 boss for cb, +bob/boss",
            ),
            (
                "each for the other",
                one(),
                vec![
                    approve("c", "a").by("bob"),
                    delegate("boss", "bob").by("alice"),
                    delegate("boss", "alice").by("bob"),
                ],
                "deny | r: 1 boss for cb, +bob/boss",
            ),
            (
                "who holds the role leaves the place to who does not",
                one(),
                vec![
                    approve("c", "a").by("bob"),
                    carols(),
                    delegate("boss", "bob").from(-60).by("alice"),
                    delegate("boss", "carol").by("alice"),
                ],
                "allow | r: +bob/boss, +carol@alice/boss",
            ),
        ],
    );
    let both = asking("{ role = \"boss\", approvals = 1 }, { role = \"chief\", approvals = 1 }");
    seats(
        &both,
        &[
            (
                "two roles of one person to two others",
                one(),
                vec![
                    carols(),
                    approve("c", "a").by("mallory"),
                    delegate("boss", "carol").from(-60).by("alice"),
                    delegate("chief", "mallory").by("alice"),
                ],
                "deny | r: 1 chief for cb, +carol@alice/boss",
            ),
            (
                "two roles of one person to one other",
                one(),
                vec![carols(), delegate("boss", "carol").by("alice"), delegate("chief", "carol").by("alice")],
                "deny | r: 1 chief for cb, +carol@alice/boss",
            ),
        ],
    );
}

#[test]
fn who_stands_in_for_two_is_named_for_each_role_with_whose_place_it_is() {
    let entries =
        "require = [{ role = \"boss\", approvals = 1 }, { role = \"chief\", approvals = 1 }]\ndistinct_people = false";
    let rules = policy(&format!("{ROLES}{}", rule(entries)));
    let boss = || delegate("boss", "carol").by("bob");
    let chief = || delegate("chief", "carol").by("alice");
    let both = "allow | r: +carol@alice/chief, +carol@bob/boss";
    seats(
        &rules,
        &[
            ("one order", one(), vec![carols(), boss(), chief()], both),
            ("the other", one(), vec![carols(), chief(), boss()], both),
        ],
    );
    let two = policy(&format!("{ROLES}{}", rule("require = [{ role = \"boss\", approvals = 2 }]")));
    let (alice, bob) = (delegate("boss", "carol").by("alice"), delegate("boss", "mallory").by("bob"));
    let signed = vec![carols(), approve("c", "a").by("mallory"), bob, alice];
    seats(&two, &[("two who stand in", one(), signed, "allow | r: +carol@alice/boss, +mallory@bob/boss")]);
}

#[test]
fn what_keeps_one_of_them_from_counting_keeps_both() {
    let told_of = |pusher: &str, update: RefUpdate| {
        let tokens = [carols(), delegate("boss", "carol").by("alice")];
        told(&judge(&one_boss(), &push(pusher, &[update]), &tokens))
    };
    assert_eq!(told_of("mallory", one()), "allow | r: +carol@alice/boss");
    assert_eq!(told_of("carol", one()), "deny | r: 1 boss for cb, -carol Pusher");
    assert_eq!(told_of("alice", one()), "deny | r: 1 boss for cb, -carol @alice Pusher");
    let by = |who: &str| update("a", "c", &format!("c<b {who}; b<a @mallory"));
    assert_eq!(told_of("mallory", by("@carol")), "deny | r: 1 boss for c, +carol@alice/boss, -carol Author c");
    assert_eq!(told_of("mallory", by("@alice")), "deny | r: 1 boss for c, +carol@alice/boss, -carol @alice Author c");
}

#[test]
fn who_stands_in_can_say_no_and_break_the_glass_and_attests_nothing() {
    let delegation = || delegate("boss", "carol").by("alice");
    check(
        &one_boss(),
        &[(
            "no",
            one(),
            vec![approve("c", "a").by("bob"), reject("c", "a").by("carol"), delegation()],
            "deny | r: c rejected by carol, +bob/boss",
        )],
    );
    let frozen = policy(&format!("{ROLES}{}", rule("deny = true\noverride = { role = \"boss\", approvals = 1 }")));
    let glass = vec![overriding("c", "a").by("carol"), delegation()];
    check(&frozen, &[("an override", one(), glass, "allow | r: Never, !carol@alice/boss")]);
    let tested = policy(&format!("{ROLES}[checks.tests]\nrole = \"boss\"\n{}", rule("checks = [\"tests\"]")));
    let attested = vec![attest("c", "passed").by("carol"), delegation()];
    check(&tested, &[("a check", one(), attested, "deny | r: tests of c missing, -carol NoRole")]);
}
