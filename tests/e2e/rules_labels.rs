//! Labels on real pushes: which commits a rule is about by what their messages say.

use crate::support::{ALICE, BOB, Guarded as _, MAIN, TestRepo};

const URGENT: &str = r#"
[[rule]]
name = "urgent"
branches = ["main"]
labels = { Severity = ["critical", "high"] }
require = [{ role = "dba", approvals = 1 }]
"#;

#[test]
fn a_commit_is_labelled_by_the_trailers_of_its_message() {
    let cases = [
        ("fix\n\nSeverity: critical", true),
        ("fix\n\nbody\n\nseverity : High\nSigned-off-by: A <a@example.com>", true),
        ("fix\n\nSeverity: low", false),
        ("fix\n\nSeverity: critical\n\nbut the body goes on", false),
        ("Severity: critical", false),
    ];
    for (message, refused) in cases {
        let repo = TestRepo::new(URGENT);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        if refused {
            repo.refused(ALICE, &["HEAD:main"], &["`urgent` needs 1 approval from `dba`"]);
        } else {
            repo.accepted(ALICE, &["HEAD:main"]);
        }
    }
}

#[test]
fn the_approval_of_the_labelled_commit_is_enough() {
    let repo = TestRepo::new(URGENT);
    repo.commit(ALICE, &["a"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "fix\n\nSeverity: high"]);
    let labelled = repo.rev("HEAD");
    repo.commit(ALICE, &["b"]);
    repo.refused(ALICE, &["HEAD:main"], &[&labelled.hex()[..12]]);
    repo.approve(BOB, labelled, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_commit_without_a_label_can_be_refused() {
    let repo = TestRepo::new(
        "[[rule]]\nname = \"planned\"\nbranches = [\"main\"]\nactions = [\"update\"]\nlabels = { Change = [\"!*\"] }\ndeny = true\n",
    );
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "fix"]);
    repo.refused(ALICE, &["HEAD:main"], &["`planned` says never"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "--amend", "-m", "fix\n\nChange: 4711"]);
    repo.accepted(ALICE, &["HEAD:main"]);
}
