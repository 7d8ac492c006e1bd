//! What happens where no rule matches, or none that enforces (docs/spec/semantics.md, 1).

use crate::support::{Build, approve, check, judge, policy_with, push, rule, update};
use jit::domain::change::RefUpdate;
use jit::domain::policy::Verdict;

fn one() -> RefUpdate {
    update("a", "b", "b<a")
}

#[test]
fn the_default_answers_where_no_rule_matches() {
    let elsewhere = rule("branches = [\"dev\"]\ndeny = true");
    check(&policy_with("allow", &elsewhere), &[("allow", one(), vec![], "allow by default")]);
    check(&policy_with("deny", &elsewhere), &[("deny", one(), vec![], "deny by default")]);
}

#[test]
fn a_rule_that_is_met_lets_in_where_the_default_denies() {
    let rules = rule("require = [{ role = \"dba\", approvals = 1 }]");
    let signed = vec![approve("b", "a").by("alice")];
    check(
        &policy_with("deny", &rules),
        &[("met", one(), signed, "allow | r: +alice/dba"), ("unmet", one(), vec![], "deny | r: 1 dba for b")],
    );
}

#[test]
fn a_rule_that_observes_neither_denies_nor_lets_in() {
    let rules = rule("require = [{ role = \"dba\", approvals = 1 }]\nmode = \"observe\"");
    let signed = || vec![approve("b", "a").by("alice")];
    check(
        &policy_with("allow", &rules),
        &[
            ("unmet", one(), vec![], "allow by default | r?: 1 dba for b"),
            ("met", one(), signed(), "allow by default | r?: +alice/dba"),
        ],
    );
    check(
        &policy_with("deny", &rules),
        &[
            ("unmet", one(), vec![], "deny by default | r?: 1 dba for b"),
            ("met", one(), signed(), "deny by default | r?: +alice/dba"),
        ],
    );
    check(
        &policy_with("allow", &rule("deny = true\nmode = \"observe\"")),
        &[("never, observed", one(), vec![], "allow by default | r?: Never")],
    );
}

#[test]
fn a_fact_that_nobody_gathered_does_not_let_in_where_the_default_denies() {
    let rules = rule("paths = [\"db/**\"]\npushers = \"known\"");
    let tag = || update("", "t", "").does("create").on("refs/tags/v1").tips("");
    check(
        &policy_with("deny", &rules),
        &[
            ("the path is touched", update("a", "b", "b<a db/1"), vec![], "allow | r:"),
            ("the path is not touched", one(), vec![], "deny by default"),
            ("nobody looked", update("a", "b", "b<a ?"), vec![], "deny by default | r:"),
            ("nobody looked at one, another touches", update("a", "c", "c<b ?; b<a db/1"), vec![], "allow | r:"),
            ("there is nothing to look into", tag(), vec![], "deny by default | r:"),
            (
                "a tip of a rewrite, not looked at",
                one().does("rewrite").differs('b', None),
                vec![],
                "deny by default | r:",
            ),
            ("a deletion touches all", update("c", "", "").does("delete"), vec![], "allow | r:"),
        ],
    );
}

#[test]
fn a_push_without_updates_is_denied() {
    assert_eq!(judge(&policy_with("allow", ""), &push("alice", &[]), &[]).verdict(), Verdict::Deny);
}
