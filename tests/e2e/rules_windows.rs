//! Windows on real pushes, by the real clock: one that holds for as long as anybody will run this, and one that is over.

use crate::support::{ALICE, TestRepo};

#[test]
fn a_rule_is_in_force_during_or_outside_its_window() {
    let windows = "[windows.now]\nfrom = 2020-01-01T00:00:00\nto = 9000-01-01T00:00:00\ntimezone = \"Europe/Vienna\"\n\
                   [windows.past]\nfrom = 2020-01-01T00:00:00\nto = 2020-01-02T00:00:00\ntimezone = \"Europe/Vienna\"\n";
    let cases = [
        ("during = \"now\"", true),
        ("outside = \"now\"", false),
        ("during = \"past\"", false),
        ("outside = \"past\"", true),
    ];
    for (when, refused) in cases {
        let repo = TestRepo::new(&format!(
            "{windows}[[rule]]\nname = \"freeze\"\nbranches = [\"main\"]\n{when}\ndeny = true\n"
        ));
        repo.commit(ALICE, &["a"]);
        if refused {
            repo.refused(ALICE, &["HEAD:main"], &["`freeze` says never"]);
        } else {
            repo.accepted(ALICE, &["HEAD:main"]);
        }
    }
}
