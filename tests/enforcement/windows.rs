//! Rules that are in force at some times only (docs/spec/semantics.md, 11).

use crate::support::{approve, at, check, policy, push, rule, told, update};
use jit::domain::change::RefUpdate;
use jit::domain::policy::{Verdict, evaluate};

const DBA: &str = "require = [{ role = \"dba\", approvals = 1 }]";

fn one() -> RefUpdate {
    update("a", "b", "b<a")
}

#[test]
fn a_rule_is_in_force_while_its_window_says_so() {
    // All tests take Monday, 2026-03-02T12:00:00Z for now: in Vienna it is 13:00.
    let windows = "[windows.lunch]\ndays = [\"mon\"]\nfrom = \"12:00\"\nto = \"13:00\"\ntimezone = \"Europe/Vienna\"\n";
    let when = |when: &str, seconds: i64| {
        let policy = policy(&format!("{windows}{}", rule(&format!("{when} = \"lunch\"\n{DBA}"))));
        evaluate(&policy, &push("mallory", &[one()]), &[], at(seconds)).verdict()
    };
    let cases = [(-3601, false), (-3600, true), (-1, true), (0, false), (7 * 86_400 - 1, true), (86_400 - 1, false)];
    for (seconds, holds) in cases {
        let verdict = |denied: bool| if denied { Verdict::Deny } else { Verdict::Allow };
        assert_eq!(when("during", seconds), verdict(holds), "during, {seconds}");
        assert_eq!(when("outside", seconds), verdict(!holds), "outside, {seconds}");
    }
}

#[test]
fn a_freeze_is_a_window_and_never() {
    let freeze = |when: &str| policy(&rule(&format!("branches = [\"main\"]\n{when} = \"march\"\ndeny = true")));
    let signed = || vec![approve("b", "a").by("alice")];
    check(&freeze("during"), &[("frozen", one(), signed(), "deny | r: Never")]);
    check(&freeze("outside"), &[("not frozen", one(), vec![], "allow by default")]);
}

#[test]
fn a_rule_that_is_not_in_force_does_not_stand_in_for_the_default() {
    let rules = |when: &str| rule(&format!("{when} = \"march\"\npushers = \"known\""));
    let told = |when: &str| {
        let policy = crate::support::policy_with("deny", &rules(when));
        told(&crate::support::judge_update(&policy, &one(), &[]))
    };
    assert_eq!(told("during"), "allow | r:");
    assert_eq!(told("outside"), "deny by default");
}
