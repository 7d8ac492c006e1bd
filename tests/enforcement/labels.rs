//! Rules about labels: the trailers of messages (docs/spec/semantics.md, 5).

use crate::support::{Build, approve, check, judge_update, policy, policy_with, rule, told, update};

const DBA: &str = "require = [{ role = \"dba\", approvals = 1 }]";

fn labelled(labels: &str) -> jit::domain::policy::Policy {
    policy(&rule(&format!("labels = {{ {labels} }}\n{DBA}")))
}

#[test]
fn a_rule_is_about_the_commits_that_carry_its_labels() {
    let asks = |labels: &str, commit: &str| {
        let update = update("a", "b", &format!("b<a {commit}"));
        told(&judge_update(&labelled(labels), &update, &[])) == "deny | r: 1 dba for b"
    };
    let cases = [
        ("Severity = [\"critical\"]", "Severity:critical", true),
        ("Severity = [\"critical\"]", "severity:CRITICAL", true),
        ("severity = [\"Critical\"]", "Severity:critical", true),
        ("Severity = [\"critical\"]", "Severity:high", false),
        ("Severity = [\"critical\"]", "Severity:critical-ish", false),
        ("Severity = [\"critical\"]", "Severity:", false),
        ("Severity = [\"critical\"]", "Urgency:critical", false),
        ("Severity = [\"critical\"]", "src/b", false),
        ("Severity = [\"critical\", \"high\"]", "Severity:high", true),
        ("Severity = [\"critical\"]", "Severity:low Severity:critical", true),
        ("Severity = [\"*\", \"!low\"]", "Severity:n/a", true),
        ("Severity = [\"*\", \"!low\"]", "Severity:LOW", false),
        ("Severity = [\"*\", \"!low\"]", "src/b", false),
        ("Severity = [\"!low\"]", "src/b", true),
        ("Severity = [\"!low\"]", "Severity:low", false),
        ("Severity = [\"!low\"]", "Severity:low Severity:high", true),
        ("Change = [\"!*\"]", "src/b", true),
        ("Change = [\"!*\"]", "Change:4711", false),
        ("Severity = [\"high\"], Compliance = [\"pci\"]", "Severity:high", false),
        ("Severity = [\"high\"], Compliance = [\"pci\"]", "Severity:high Compliance:pci", true),
    ];
    for (labels, commit, expected) in cases {
        assert_eq!(asks(labels, commit), expected, "{labels} on {commit}");
    }
}

#[test]
fn paths_and_labels_must_match_on_the_same_commit() {
    let policy = policy(&rule(&format!("paths = [\"db/**\"]\nlabels = {{ Severity = [\"high\"] }}\n{DBA}")));
    let of = |commits: &str| update("a", "c", commits);
    check(
        &policy,
        &[
            ("on two", of("c<b Severity:high doc; b<a db/1"), vec![], "allow by default"),
            ("on one", of("c<b Severity:high db/1; b<a db/1"), vec![], "deny | r: 1 dba for c"),
            (
                "the one",
                of("c<b; b<a Severity:high db/1"),
                vec![approve("b", "a").by("alice")],
                "allow | r: +alice/dba",
            ),
            (
                "the other",
                of("c<b; b<a Severity:high db/1"),
                vec![approve("c", "b").by("alice")],
                "deny | r: 1 dba for b, -alice CoversNothing",
            ),
        ],
    );
}

#[test]
fn labels_that_nobody_could_read_are_taken_as_carried() {
    for labels in ["Severity = [\"high\"]", "Severity = [\"!high\"]"] {
        let rules = rule(&format!("labels = {{ {labels} }}\n{DBA}"));
        check(
            &policy_with("deny", &rules),
            &[
                ("unsigned", update("a", "b", "b<a ?:"), vec![], "deny by default | r: 1 dba for b"),
                (
                    "signed",
                    update("a", "b", "b<a ?:"),
                    vec![approve("b", "a").by("alice")],
                    "deny by default | r: +alice/dba",
                ),
            ],
        );
    }
}

#[test]
fn a_target_that_vanishes_or_is_set_back_carries_every_label() {
    let policy = labelled("Severity = [\"high\"]");
    check(
        &policy,
        &[
            ("deleted", update("a", "", "").does("delete"), vec![], "deny | r: 1 dba for a"),
            (
                "deleted, signed",
                update("a", "", "").does("delete"),
                vec![approve("a", "a").to("delete").by("alice")],
                "allow | r: +alice/dba",
            ),
            ("set back", update("a", "y", "").does("rewrite"), vec![], "deny | r: 1 dba for y"),
            ("closed", update("a", "b", "b<a").does("close").hg(), vec![], "deny | r: 1 dba for b"),
            ("made of what stood there", update("", "b", "").does("create").scope("r", ""), vec![], "allow by default"),
            ("made", update("", "b", "b< Severity:high").does("create"), vec![], "deny | r: 1 dba for b"),
        ],
    );
}
