//! Passing a rule in an emergency: who may, for what, and what counts for it (docs/spec/semantics.md, 13).

use crate::support::{
    Build, approve, attest, check, judge, overriding, policy, push, reject, revoke, rule, told, update,
};
use jit::domain::change::RefUpdate;
use jit::domain::policy::Policy;

const OVERRIDE: &str = "override = { role = \"lead\", approvals = 1, ttl = \"1h\" }";

fn one() -> RefUpdate {
    update("a", "c", "c<b @alice; b<a @alice").reaching("y")
}

fn frozen() -> Policy {
    policy(&rule(&format!("deny = true\n{OVERRIDE}")))
}

fn asking(lines: &str) -> Policy {
    policy(&rule(&format!("{lines}\n{OVERRIDE}")))
}

#[test]
fn an_override_passes_its_rule_whatever_that_asks() {
    let signed = || vec![overriding("c", "a").by("bob")];
    check(
        &frozen(),
        &[
            ("nothing", one(), vec![], "deny | r: Never"),
            ("an approval", one(), vec![approve("c", "a").by("bob")], "deny | r: Never"),
            ("an override", one(), signed(), "allow | r: Never, !bob/lead"),
        ],
    );
    let checks = "[roles.ci]\nmembers = [\"carol\"]\n[checks.tests]\nrole = \"ci\"\n";
    let tested = policy(&format!("{checks}{}", rule(&format!("checks = [\"tests\"]\n{OVERRIDE}"))));
    check(
        &tested,
        &[
            (
                "a failed check",
                one(),
                [signed(), vec![attest("c", "failed").by("carol")]].concat(),
                "allow | r: tests of c failed by carol, !bob/lead",
            ),
            (
                "nothing to pass",
                one(),
                [signed(), vec![attest("c", "passed").by("carol")]].concat(),
                "allow | r: +carol/ci",
            ),
        ],
    );
    check(
        &asking("any_of = [[{ role = \"dba\", approvals = 2 }], [{ role = \"team\", approvals = 3 }]]"),
        &[("alternatives of which none is met", one(), signed(), "allow | r: 2 dba for cb, !bob/lead")],
    );
    check(
        &asking("require = [{ role = \"dba\", approvals = 2 }]\nauthors = \"known\""),
        &[(
            "approvals that are too few, and a rejection",
            update("a", "c", "c<b @zed; b<a @alice"),
            [signed(), vec![reject("c", "a").by("alice")]].concat(),
            "allow | r: authors of c not known, c rejected by alice, 2 dba for cb, !bob/lead",
        )],
    );
}

#[test]
fn an_override_counts_for_exactly_what_it_says() {
    let good = || overriding("c", "a");
    check(
        &frozen(),
        &[
            ("another rule", one(), vec![good().of_rule("freeze").by("bob")], "deny | r: Never"),
            ("another target", one(), vec![good().on("refs/heads/dev").by("bob")], "deny | r: Never, -bob OtherTarget"),
            ("another action", one(), vec![good().to("rewrite").by("bob")], "deny | r: Never, -bob OtherAction"),
            (
                "another repository",
                one(),
                vec![good().repository("x@1").by("bob")],
                "deny | r: Never, -bob OtherRepository",
            ),
            ("another base", one(), vec![overriding("c", "z").by("bob")], "deny | r: Never, -bob UnknownBase"),
            ("a part of the update", one(), vec![overriding("b", "a").by("bob")], "deny | r: Never"),
            ("another role", one(), vec![good().by("alice")], "deny | r: Never, -alice NoRole"),
            ("a stranger", one(), vec![good().by("x")], "deny | r: Never, -somebody UnknownKey"),
            ("its own end", one(), vec![good().until(0).by("bob")], "deny | r: Never, -bob Expired"),
            ("a second before", one(), vec![good().until(1).by("bob")], "allow | r: Never, !bob/lead"),
            ("the end that the rule sets", one(), vec![good().from(-3600).by("bob")], "deny | r: Never, -bob TooOld"),
            ("a second before that", one(), vec![good().from(-3599).by("bob")], "allow | r: Never, !bob/lead"),
            (
                "taken back",
                one(),
                vec![good().by("bob"), revoke(&good().by("bob")).by("bob")],
                "deny | r: Never, -bob Revoked",
            ),
            (
                "rejected by the same person later",
                one(),
                vec![good().by("bob"), reject("c", "a").from(-30).by("bob")],
                "deny | r: Never, -bob Rejected",
            ),
            ("used before", one().after(&[good().by("bob")]), vec![good().by("bob")], "deny | r: Never, -bob Used"),
            ("from before a rewrite", one().rewritten(-60), vec![good().by("bob")], "deny | r: Never, -bob Spent"),
        ],
    );
}

#[test]
fn nobody_passes_a_rule_for_themselves() {
    let decision = |pusher: &str, update: RefUpdate, who: &str| {
        told(&judge(&frozen(), &push(pusher, &[update]), &[overriding("c", "a").by(who)]))
    };
    assert_eq!(decision("bob", one(), "bob"), "deny | r: Never, -bob Pusher");
    assert_eq!(decision("", one(), "bob"), "deny | r: Never");
    let own = || update("a", "c", "c<b @bob; b<a @alice");
    assert_eq!(decision("mallory", own(), "bob"), "deny | r: Never, -bob Author c");
    assert_eq!(decision("mallory", own(), "carol"), "allow | r: Never, !carol/lead");
}

#[test]
fn an_override_of_two_needs_two_people() {
    let two = policy(&rule("deny = true\noverride = { role = \"lead\", approvals = 2 }"));
    let signed = |who: &str| overriding("c", "a").by(who);
    check(
        &two,
        &[
            ("one", one(), vec![signed("bob")], "deny | r: Never"),
            ("one twice", one(), vec![signed("bob"), overriding("c", "a").nonce(8).by("bob")], "deny | r: Never"),
            ("two", one(), vec![signed("bob"), signed("carol")], "allow | r: Never, !bob/lead, !carol/lead"),
        ],
    );
}

#[test]
fn each_rule_is_passed_by_itself() {
    let rules = format!("{}[[rule]]\nname = \"s\"\ndeny = true\n{OVERRIDE}", rule(&format!("deny = true\n{OVERRIDE}")));
    let of = |name: &str| overriding("c", "a").of_rule(name).by("bob");
    check(
        &policy(&rules),
        &[
            ("one of two", one(), vec![of("r")], "deny | r: Never, !bob/lead | s: Never"),
            ("both", one(), vec![of("r"), of("s")], "allow | r: Never, !bob/lead | s: Never, !bob/lead"),
        ],
    );
    let none = policy(&rule("deny = true"));
    check(&none, &[("a rule that nobody may pass", one(), vec![of("r")], "deny | r: Never")]);
}

#[test]
fn every_action_can_be_passed_on_its_own_terms() {
    let passed = "allow | r: Never, !bob/lead";
    let signed = |subject: &str, base: &str, action: &str| vec![overriding(subject, base).to(action).by("bob")];
    check(
        &frozen(),
        &[
            ("creation", update("", "c", "c<b; b<a").does("create"), signed("c", "", "create"), passed),
            ("rewrite", one().does("rewrite"), signed("c", "a", "rewrite"), passed),
            (
                "rewrite from elsewhere",
                one().does("rewrite"),
                signed("c", "y", "rewrite"),
                "deny | r: Never, -bob OtherBase",
            ),
            ("deletion", update("c", "", "").does("delete"), signed("c", "c", "delete"), passed),
            (
                "deletion of another value",
                update("c", "", "").does("delete"),
                signed("c", "b", "delete"),
                "deny | r: Never, -bob OtherBase",
            ),
        ],
    );
}

#[test]
fn where_there_is_nothing_to_sign_for_nothing_is_passed() {
    let mut tag = one().on("refs/tags/v1").does("create");
    (tag.tips, tag.changesets) = (vec![], vec![]);
    check(&frozen(), &[("a tag of a file", tag, vec![overriding("c", "a").by("bob")], "deny | r: Never")]);
}
