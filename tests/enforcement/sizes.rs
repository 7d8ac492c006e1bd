//! Rules about the size of an update (docs/spec/semantics.md, 5).

use crate::support::{Build, approve, check, judge_update, policy, policy_with, rule, told, update};
use jit::domain::change::RefUpdate;
use jit::domain::policy::{Measure, new_to};

const DBA: &str = "require = [{ role = \"dba\", approvals = 1 }]";

fn larger(limits: &str) -> String {
    rule(&format!("larger_than = {{ {limits} }}\n{DBA}"))
}

#[test]
fn an_update_is_larger_if_it_is_over_any_limit() {
    let one = || update("a", "b", "b<a x y %7");
    let two = || update("a", "c", "c<b x z %3; b<a x y %7");
    let cases = [
        ("files = 1", one(), true),
        ("files = 2", one(), false),
        ("files = 2", two(), true),
        ("files = 3", two(), false),
        ("lines = 6", one(), true),
        ("lines = 7", one(), false),
        ("lines = 9", two(), true),
        ("lines = 10", two(), false),
        ("commits = 0", one(), true),
        ("commits = 1", one(), false),
        ("commits = 1", two(), true),
        ("commits = 2", two(), false),
        ("files = 9, lines = 9, commits = 9", two(), true),
        ("files = 9, lines = 10, commits = 2", two(), false),
        ("files = 9", update("a", "b", "b<a ?"), true),
        ("lines = 9", update("a", "b", "b<a %?"), true),
        ("commits = 9", update("a", "b", "b<a ? %?"), false),
        ("files = 0", update("a", "m", "m<ab; b<a x"), true),
        ("files = 1", update("a", "m", "m<ab; b<a x"), false),
    ];
    for (limits, update, asked) in cases {
        let told = told(&judge_update(&policy(&larger(limits)), &update, &[]));
        assert_eq!(told.starts_with("deny"), asked, "{limits}: {told}");
    }
}

#[test]
fn what_was_counted_is_shown_for_each_limit() {
    let shown = |limits: &str, update: &RefUpdate| -> Vec<(&str, usize, bool, usize)> {
        let policy = policy(&larger(limits));
        let (rule, size) = (&policy.rules[0], policy.rules[0].larger_than.expect("limits"));
        let one = |one: &Measure| (one.what, one.least, one.is_whole, one.limit);
        size.measures(update, &new_to(rule, update)).iter().map(one).collect()
    };
    let two = |paths: &str| update("a", "c", &format!("c<b {paths}; b<a x y %7"));
    assert_eq!(shown("files = 1, lines = 9", &two("x z %3")), [("files", 3, true, 1), ("lines", 10, true, 9)]);
    assert_eq!(shown("commits = 1, lines = 5", &two("x %?")), [("lines", 7, false, 5), ("commits", 2, true, 1)]);
    assert_eq!(shown("files = 8", &two("?")), [("files", 2, false, 8)]);
}

#[test]
fn a_large_update_is_approved_commit_by_commit_like_any_other() {
    let two = || update("a", "c", "c<b; b<a");
    check(
        &policy(&larger("commits = 1")),
        &[
            ("unsigned", two(), vec![], "deny | r: 1 dba for cb"),
            ("a part", two(), vec![approve("b", "a").by("alice")], "deny | r: 1 dba for c, +alice/dba"),
            ("whole", two(), vec![approve("c", "a").by("alice")], "allow | r: +alice/dba"),
        ],
    );
}

#[test]
fn the_whole_update_is_measured_and_the_commits_with_the_paths_are_asked_for() {
    let rules = rule(&format!("paths = [\"db/**\"]\nlarger_than = {{ lines = 5 }}\n{DBA}"));
    check(
        &policy(&rules),
        &[
            ("large elsewhere", update("a", "c", "c<b doc %9; b<a db/1"), vec![], "deny | r: 1 dba for b"),
            ("small", update("a", "c", "c<b doc %2; b<a db/1 %3"), vec![], "allow by default"),
            ("large without the paths", update("a", "b", "b<a doc %9"), vec![], "allow by default"),
        ],
    );
}

#[test]
fn a_creation_is_measured_by_what_is_new_to_the_rule() {
    let made = |new: &str| update("", "c", "c<b; b<").does("create").scope("r", new);
    check(
        &policy(&larger("commits = 1")),
        &[
            ("all", made("cb"), vec![], "deny | r: 1 dba for cb"),
            ("one", made("c"), vec![], "allow by default"),
            ("none", made(""), vec![], "allow by default"),
        ],
    );
}

#[test]
fn what_vanishes_counts_and_a_deletion_is_larger_than_anything() {
    let set_back = |paths: Option<&[&str]>| update("a", "y", "").does("rewrite").differs('y', paths);
    let cases: [(&str, RefUpdate, &str); 8] = [
        ("files = 1", set_back(Some(&["x", "y"])), "deny | r: 1 dba for y"),
        ("files = 2", set_back(Some(&["x", "y"])), "allow by default"),
        ("lines = 1", set_back(Some(&["x", "y"])), "deny | r: 1 dba for y"),
        ("lines = 2", set_back(Some(&["x", "y"])), "allow by default"),
        ("files = 9", set_back(None), "deny by default | r: 1 dba for y"),
        ("files = 9", update("a", "y", "").does("rewrite"), "deny by default | r: 1 dba for y"),
        ("commits = 9", update("a", "", "").does("delete"), "deny | r: 1 dba for a"),
        ("commits = 9", update("a", "b", "b<a").does("close").hg(), "deny | r: 1 dba for b"),
    ];
    for (limits, update, expected) in cases {
        let told = told(&judge_update(&policy(&larger(limits)), &update, &[]));
        assert_eq!(told, expected, "{limits}");
    }
}

#[test]
fn a_rule_that_is_only_taken_to_be_exceeded_does_not_stand_in_for_the_default() {
    let of = |commit: &str| update("a", "b", commit);
    let signed = || vec![approve("b", "a").by("alice")];
    check(
        &policy_with("deny", &larger("lines = 5")),
        &[
            ("not counted", of("b<a %?"), signed(), "deny by default | r: +alice/dba"),
            ("counted", of("b<a %6"), signed(), "allow | r: +alice/dba"),
            ("small", of("b<a %5"), signed(), "deny by default"),
        ],
    );
}
