//! Which commits of a series an approval covers, and that it does not follow a change to another commit.

use crate::support::{ALICE, BOB, CAROL, MAIN, TestRepo};
use jit::domain::approval::Token;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";
const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\n\
                          require = [{ role = \"dba\", approvals = 1 }]\n";

#[test]
fn approving_the_tip_approves_the_series() {
    let repo = TestRepo::new(REVIEW);
    repo.commit(ALICE, &["a"]);
    let tip = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, tip, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn what_comes_after_the_approved_commit_is_not_approved() {
    let repo = TestRepo::new(REVIEW);
    let one = repo.commit(ALICE, &["a"]);
    let two = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, one, MAIN);
    let said = repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval", &two.hex()[..12]]);
    assert!(!said.contains(&one.hex()[..12]), "the approved one is not asked about: {said}");
    repo.approve(CAROL, two, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn what_comes_before_the_base_of_an_approval_is_not_approved() {
    let repo = TestRepo::new(REVIEW);
    let one = repo.commit(ALICE, &["a"]);
    let two = repo.commit(ALICE, &["b"]);
    // As signed by somebody for whom `one` had landed already.
    repo.keep(BOB, Token { base: vec![one], ..repo.approval(two, MAIN) });
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval", &one.hex()[..12]]);
    repo.approve(CAROL, one, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_part_of_an_approved_series_is_not_approved() {
    let repo = TestRepo::new(REVIEW);
    let one = repo.commit(ALICE, &["a"]);
    let two = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, two, MAIN);
    repo.refused(ALICE, &[&format!("{}:main", one.hex())], &["`review` needs 1 approval"]);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn approving_the_commit_that_the_rule_is_about_is_enough() {
    let repo = TestRepo::new(MIGRATIONS);
    let migration = repo.commit(ALICE, &["db/1.sql"]);
    repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval from `dba`", &migration.hex()[..12]]);
    repo.approve(BOB, migration, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_change_that_is_taken_back_in_the_same_push_is_still_asked_about() {
    let repo = TestRepo::new(MIGRATIONS);
    let migration = repo.commit(ALICE, &["db/1.sql"]);
    repo.git(&["revert", "--no-edit", "HEAD"]);
    repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval from `dba`"]);
    repo.approve(BOB, migration, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval from `dba`", "Revert"]);
    repo.approve(BOB, repo.rev("HEAD"), MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_change_that_became_another_commit_is_signed_anew() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD").hex();
    for way in ["rebase", "squash", "cherry-pick", "amend"] {
        let branch = format!("on-{way}");
        repo.git(&["fetch", "--quiet", "origin"]);
        repo.git(&["checkout", "--quiet", "-b", &branch, &start]);
        repo.commit(ALICE, &[&format!("{way}/a")]);
        let approved = repo.commit(ALICE, &[&format!("{way}/b")]);
        repo.approve(BOB, approved, MAIN);
        repo.git(&["checkout", "--quiet", "--detach", "origin/main"]);
        match way {
            "rebase" => {
                repo.git(&["commit", "--quiet", "--allow-empty", "-m", "in between"]);
                repo.git(&["rebase", "--quiet", "HEAD", &branch]);
            }
            "squash" => {
                repo.git(&["merge", "--quiet", "--squash", &branch]);
                repo.git(&["commit", "--quiet", "-m", "both"]);
            }
            "cherry-pick" => {
                repo.git(&["cherry-pick", &format!("{branch}~1"), &branch]);
            }
            _ => {
                repo.git(&["checkout", "--quiet", &branch]);
                repo.git(&["commit", "--quiet", "--amend", "-m", "better words"]);
            }
        }
        let new = repo.rev("HEAD");
        assert_ne!(new, approved);
        repo.refused(ALICE, &["--force", "HEAD:main"], &["`review` needs 1 approval"]);
        let forward = way != "amend" || repo.server_tip(MAIN).map(|tip| tip.hex()) == Some(start.clone());
        repo.approve_action(BOB, new, MAIN, if forward { "update" } else { "rewrite" });
        repo.accepted(ALICE, &["--force", "HEAD:main"]);
    }
}
