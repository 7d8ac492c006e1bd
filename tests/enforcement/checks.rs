//! Checks and the attestations that speak for them (docs/spec/semantics.md, 16).

use crate::support::{Build, approve, attest, check, judge, policy, push, reject, revoke, rule, told, update};
use jit::domain::change::RefUpdate;
use jit::domain::policy::Policy;

const CHECKS: &str =
    "[roles.ci]\nmembers = [\"carol\", \"bob\"]\n[checks.tests]\nrole = \"ci\"\n[checks.lint]\nrole = \"ci\"\n";

fn asking(lines: &str) -> Policy {
    policy(&format!("{CHECKS}{}", rule(lines)))
}

fn tests() -> Policy {
    asking("checks = [\"tests\"]")
}

fn one() -> RefUpdate {
    update("a", "c", "c<b @carol; b<a")
}

#[test]
fn the_newest_attestation_of_the_tip_decides() {
    check(
        &tests(),
        &[
            ("none", one(), vec![], "deny | r: tests of c missing"),
            ("passed", one(), vec![attest("c", "passed").by("bob")], "allow | r: +bob/ci"),
            ("failed", one(), vec![attest("c", "failed").by("bob")], "deny | r: tests of c failed by bob"),
            ("below the tip", one(), vec![attest("b", "passed").by("bob")], "deny | r: tests of c missing"),
            (
                "of another check",
                one(),
                vec![attest("c", "passed").of_check("lint").by("bob")],
                "deny | r: tests of c missing",
            ),
            ("an approval", one(), vec![approve("c", "a").by("bob")], "deny | r: tests of c missing"),
            (
                "passed after it failed",
                one(),
                vec![attest("c", "failed").by("bob"), attest("c", "passed").from(-60).by("carol")],
                "allow | r: +carol/ci",
            ),
            (
                "failed after it passed",
                one(),
                vec![attest("c", "failed").from(-60).by("bob"), attest("c", "passed").by("carol")],
                "deny | r: tests of c failed by bob",
            ),
            (
                "both in the same second",
                one(),
                vec![attest("c", "failed").by("bob"), attest("c", "passed").by("carol")],
                "deny | r: tests of c failed by bob",
            ),
        ],
    );
}

#[test]
fn an_attestation_counts_in_its_time_and_an_older_one_does_not_come_back() {
    let passed = || attest("c", "passed").from(-60);
    check(
        &tests(),
        &[
            ("until now", one(), vec![passed().until(0).by("bob")], "deny | r: tests of c expired, passed by bob"),
            ("a second more", one(), vec![passed().until(1).by("bob")], "allow | r: +bob/ci"),
            ("a clock that runs ahead", one(), vec![passed().from(300).by("bob")], "allow | r: +bob/ci"),
            (
                "one that runs too far ahead",
                one(),
                vec![passed().from(301).by("bob")],
                "deny | r: tests of c missing, -bob NotYetValid",
            ),
            (
                "a failure that expired",
                one(),
                vec![attest("c", "passed").by("bob"), attest("c", "failed").from(-60).until(0).by("carol")],
                "deny | r: tests of c expired, failed by carol",
            ),
            (
                "a failure that was revoked",
                one(),
                vec![
                    attest("c", "passed").by("bob"),
                    attest("c", "failed").from(-60).by("carol"),
                    revoke(&attest("c", "failed").from(-60).by("carol")).by("carol"),
                ],
                "allow | r: +bob/ci, -carol Revoked",
            ),
            (
                "a failure that somebody else revoked",
                one(),
                vec![attest("c", "failed").by("carol"), revoke(&attest("c", "failed").by("carol")).by("bob")],
                "deny | r: tests of c failed by carol",
            ),
        ],
    );
}

#[test]
fn only_who_holds_the_role_attests_for_this_repository() {
    check(
        &tests(),
        &[
            (
                "another role",
                one(),
                vec![attest("c", "passed").by("alice")],
                "deny | r: tests of c missing, -alice NoRole",
            ),
            (
                "a failure by another role",
                one(),
                vec![attest("c", "passed").by("bob"), attest("c", "failed").from(-60).by("alice")],
                "allow | r: +bob/ci, -alice NoRole",
            ),
            (
                "a stranger",
                one(),
                vec![attest("c", "passed").by("x")],
                "deny | r: tests of c missing, -somebody UnknownKey",
            ),
            (
                "another repository",
                one(),
                vec![attest("c", "passed").repository("payments@0000").by("bob")],
                "deny | r: tests of c missing, -bob OtherRepository",
            ),
        ],
    );
}

#[test]
fn who_wrote_and_pushed_a_commit_may_attest_it() {
    let decision = judge(&tests(), &push("carol", &[one()]), &[attest("c", "passed").by("carol")]);
    assert_eq!(told(&decision), "allow | r: +carol/ci");
    let unknown = judge(&tests(), &push("", &[one()]), &[attest("c", "passed").by("carol")]);
    assert_eq!(told(&unknown), "allow | r: +carol/ci");
}

#[test]
fn an_attestation_is_good_for_every_target_and_action_and_is_not_spent() {
    let passed = || vec![attest("c", "passed").by("bob")];
    let on = |action: &str| one().does(action);
    check(
        &tests(),
        &[
            ("another branch", one().on("refs/heads/dev"), passed(), "allow | r: +bob/ci"),
            ("a rewrite", on("rewrite"), passed(), "allow | r: +bob/ci"),
            ("after the target was set back", one().rewritten(-10), passed(), "allow | r: +bob/ci"),
            ("a creation", update("", "c", "c<b; b<a").does("create"), passed(), "allow | r: +bob/ci"),
            ("a deletion", update("c", "", "").does("delete"), passed(), "allow | r: +bob/ci"),
            (
                "a deletion of what was not attested",
                update("a", "", "").does("delete"),
                passed(),
                "deny | r: tests of a missing",
            ),
        ],
    );
}

#[test]
fn checks_and_approvals_are_asked_together() {
    let both = asking("checks = [\"lint\", \"tests\"]\nrequire = [{ role = \"dba\", approvals = 1 }]");
    let lint = || attest("c", "passed").of_check("lint").by("bob");
    let tests = || attest("c", "passed").by("bob");
    check(
        &both,
        &[
            ("nothing", one(), vec![], "deny | r: lint of c missing, tests of c missing, 1 dba for cb"),
            ("the checks", one(), vec![lint(), tests()], "deny | r: 1 dba for cb, +bob/ci"),
            (
                "one check and the approval",
                one(),
                vec![lint(), approve("c", "a").by("alice")],
                "deny | r: tests of c missing, +alice/dba, +bob/ci",
            ),
            ("all", one(), vec![lint(), tests(), approve("c", "a").by("alice")], "allow | r: +alice/dba, +bob/ci"),
            (
                "all, and a rejection",
                one(),
                vec![lint(), tests(), approve("c", "a").by("alice"), reject("c", "a").by("bob")],
                "deny | r: c rejected by bob, +alice/dba, +bob/ci",
            ),
        ],
    );
}

#[test]
fn each_head_of_a_branch_needs_its_own() {
    let two = update("a", "bc", "c<a; b<a").hg();
    let passed = |id: &str| attest(id, "passed").hg_changeset().by("bob");
    check(
        &tests(),
        &[
            ("one", two.clone(), vec![passed("b")], "deny | r: tests of c missing, +bob/ci"),
            ("both", two, vec![passed("b"), passed("c")], "allow | r: +bob/ci"),
        ],
    );
}

#[test]
fn what_is_no_commit_cannot_be_attested() {
    let mut tag = one().on("refs/tags/v1").does("create");
    (tag.tips, tag.changesets) = (vec![], vec![]);
    check(&tests(), &[("a tag of a file", tag, vec![attest("c", "passed").by("bob")], "deny | r: NotACommit")]);
}
