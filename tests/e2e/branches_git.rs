//! Branches that only Git has: in a repository without any commit, and symbolic ones. Mercurial's approvals need a
//! branch that a clone checks out before they come, and none of its names leads to another.

use crate::support::{ALICE, BOB, Guarded, MAIN, TestRepo};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[test]
fn the_first_push_to_an_empty_repository_is_judged() {
    let repo = TestRepo::empty(REVIEW);
    repo.commit(ALICE, &["a"]);
    let tip = repo.commit(ALICE, &["b"]);
    repo.refused(ALICE, &["HEAD:main"], &["alice may not create refs/heads/main", "`review` needs 1 approval"]);
    repo.approve(BOB, tip, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    assert_eq!(repo.server_tip(MAIN), Some(tip));
}

#[test]
fn a_symbolic_ref_is_judged_as_what_it_leads_to() {
    let repo = TestRepo::new(REVIEW);
    repo.server_git(&["symbolic-ref", "refs/heads/alias", MAIN]);
    let tip = repo.commit(ALICE, &["a"]);
    repo.refused(
        ALICE,
        &["HEAD:refs/heads/alias"],
        &["alice may not update refs/heads/main", "`review` needs 1 approval"],
    );
    repo.refused(ALICE, &["--delete", "alias"], &["alice may not delete"]);
    repo.approve(BOB, tip, MAIN);
    repo.accepted(ALICE, &["HEAD:refs/heads/alias"]);
    assert_eq!(repo.server_tip(MAIN), Some(tip));

    // The log knows that `main` moved, so later approvals are not taken for older than the move.
    let next = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, next, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}
