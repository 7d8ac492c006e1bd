//! The size of real pushes: files, lines and commits, each at its limit and one over it.

use crate::support::{ALICE, BOB, Guarded as _, MAIN, TestRepo};
use std::fs;

fn limited(limits: &str) -> TestRepo {
    TestRepo::new(&format!(
        "[[rule]]\nname = \"large\"\nbranches = [\"main\"]\nlarger_than = {{ {limits} }}\n\
         require = [{{ role = \"dba\", approvals = 1 }}]\n"
    ))
}

fn write(repo: &TestRepo, path: &str, content: &[u8]) {
    fs::write(repo.work().join(path), content).expect("written");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "-m", path]);
}

const NEEDS: &str = "`large` needs 1 approval from `dba`";

#[test]
fn files_and_commits_are_counted_over_the_whole_push() {
    for (limits, refused) in [("files = 2", true), ("files = 3", false), ("commits = 1", true), ("commits = 2", false)]
    {
        let repo = limited(limits);
        repo.commit(ALICE, &["a", "b"]);
        let tip = repo.commit(ALICE, &["b", "c"]);
        if refused {
            repo.refused(ALICE, &["HEAD:main"], &[NEEDS]);
            repo.approve(BOB, tip, MAIN);
        }
        repo.accepted(ALICE, &["HEAD:main"]);
    }
}

#[test]
fn lines_are_those_that_go_and_those_that_come() {
    let old = "one\ntwo\nthree\n";
    let cases: [(&[u8], usize); 6] = [
        (b"one\ntwo\nthree\nfour\n", 1),
        (b"one\n2\nthree\n", 2),
        (b"", 3),
        (b"one\ntwo\nthree", 2),
        (b"\0\n\0\n", 5),
        (b"three\none\ntwo\n", 2),
    ];
    for (new, lines) in cases {
        for (limit, refused) in [(lines - 1, true), (lines, false)] {
            let repo = limited(&format!("lines = {limit}"));
            write(&repo, "f", old.as_bytes());
            repo.approve(BOB, repo.rev("HEAD"), MAIN);
            repo.accepted(ALICE, &["HEAD:main"]);
            write(&repo, "f", new);
            if refused {
                repo.refused(ALICE, &["HEAD:main"], &[NEEDS]);
            } else {
                repo.accepted(ALICE, &["HEAD:main"]);
            }
        }
    }
}

#[test]
fn a_merge_that_git_made_alone_has_no_size_and_a_mode_has_no_lines() {
    let repo = limited("lines = 2");
    repo.git(&["checkout", "--quiet", "-b", "side"]);
    repo.commit(ALICE, &["a"]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit(ALICE, &["b"]);
    repo.git(&["merge", "--quiet", "--no-edit", "side"]);
    repo.accepted(ALICE, &["HEAD:main"]);

    let repo = limited("lines = 0");
    repo.git(&["update-index", "--chmod=+x", "README"]);
    repo.git(&["commit", "--quiet", "-m", "mode"]);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_file_that_is_too_long_to_count_is_larger() {
    let repo = limited("lines = 1000000");
    write(&repo, "long", &vec![b'a'; 8 * 1024 * 1024]);
    repo.accepted(ALICE, &["HEAD:main"]);
    write(&repo, "longer", &vec![b'a'; 8 * 1024 * 1024 + 1]);
    repo.refused(ALICE, &["HEAD:main"], &[NEEDS]);
}
