//! How many lines real pushes change, as the adapter counts them.

use crate::branches::world;
use crate::hg::{TestHg, Transport};
use crate::hg_judge::Judge;
use std::path::Path;

/// Pushes and returns the lines of each changeset, children first.
fn lines(test: &TestHg, judge: &Judge, clone: &Path) -> Vec<Option<usize>> {
    judge.seen("");
    let push = test.push(clone, Transport::Local, &["-f"]);
    assert_eq!(push.code, Some(0), "{}", push.said);
    let seen = judge.seen("pretxnclose");
    let updates = seen.iter().flat_map(|seen| seen.updates.as_ref().expect("not refused"));
    updates.flat_map(|update| &update.changesets).map(|changeset| changeset.lines).collect()
}

#[test]
fn lines_are_counted_in_the_contents_of_files() {
    let (test, judge, clone) = world("");
    test.write(&clone, "f", "one\ntwo\nthree\n");
    test.commit(&clone, "add");
    assert_eq!(lines(&test, &judge, &clone), [Some(3)]);
    test.write(&clone, "f", "one\n2\nthree\n");
    test.commit(&clone, "change");
    test.ok(&clone, &["rename", "f", "g"]);
    test.commit(&clone, "rename");
    test.write(&clone, "g", "three\none\n2\n");
    test.commit(&clone, "move");
    assert_eq!(lines(&test, &judge, &clone), [Some(2), Some(6), Some(2)]);
    let long: String = "x\n".repeat(300);
    test.write(&clone, "long", &long);
    test.commit(&clone, "more than anybody asks");
    assert_eq!(lines(&test, &judge, &clone), [Some(101)]);
    test.write(&clone, "longer", &"x".repeat(8 * 1024 * 1024 + 1));
    test.commit(&clone, "too long");
    assert_eq!(lines(&test, &judge, &clone), [None]);
}

#[test]
fn a_flag_has_no_lines_and_a_merge_only_those_that_it_makes_itself() {
    let (test, judge, clone) = world("");
    let file = clone.join("src/a");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("changed");
    let base = test.commit(&clone, "flag");
    assert_eq!(lines(&test, &judge, &clone), [Some(0)]);
    test.write(&clone, "left", "1\n");
    test.commit(&clone, "left");
    test.ok(&clone, &["update", "--quiet", &base]);
    test.write(&clone, "right", "1\n2\n");
    test.commit(&clone, "right");
    test.ok(&clone, &["merge", "--quiet"]);
    test.write(&clone, "right", "1\n2\n3\n");
    test.commit(&clone, "merge");
    // Against the parent that has no such file, all three lines are new.
    assert_eq!(lines(&test, &judge, &clone), [Some(3), Some(2), Some(1)]);
}
