//! Creating, rewriting, deleting and re-creating branches; several refs at once.

use crate::support::{Guarded, ALICE, BOB, CAROL, MAIN, TestRepo, hours_from, now};
use jit::domain::approval::Token;
use jit::domain::change::{Action, ChangesetId, IdKind};

/// Everything on `main` and on release branches needs one approval.
const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\", \"release/**\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";
const RELEASE: &str = "refs/heads/release/1";

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
fn a_branch_from_an_approved_commit_needs_no_other_commits_approved() {
    let repo = TestRepo::new(REVIEW);
    let approved = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, approved, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    // Nothing but the tip is asked about: every commit was judged on `main` by the same rule.
    let said = repo.refused(ALICE, &["HEAD:refs/heads/release/1"], &["alice may not create refs/heads/release/1"]);
    assert!(!said.contains("jit:     for "), "{said}");
    repo.approve(BOB, approved, RELEASE);
    repo.accepted(ALICE, &["HEAD:refs/heads/release/1"]);
}

#[test]
fn an_unapproved_commit_cannot_be_laundered_through_a_free_branch() {
    let rules = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\", \"release/**\"]\npaths = [\"db/**\"]\n\
                 require = [{ role = \"dba\", approvals = 1 }]\n";
    for way in ["branch", "tag"] {
        let repo = TestRepo::new(rules);
        let hidden = repo.commit(ALICE, &["db/1.sql"]);
        let parked = if way == "tag" { "refs/tags/parked" } else { "refs/heads/free" };
        repo.accepted(ALICE, &[&format!("HEAD:{parked}")]);
        repo.commit(ALICE, &["src/lib.rs"]);
        for target in ["main", "refs/heads/release/1"] {
            repo.refused(
                ALICE,
                &[&format!("HEAD:{target}")],
                &["`migrations` needs 1 approval from `dba`", &hidden.hex()[..12]],
            );
        }
        // The same in one push: what comes with it is no older than it.
        repo.refused(
            ALICE,
            &["HEAD:refs/heads/other", "HEAD:refs/heads/release/1"],
            &["`migrations` needs 1 approval"],
        );
    }
}

#[test]
fn a_branch_that_only_an_observing_rule_watched_hides_nothing() {
    let rules = "[[rule]]\nname = \"watch\"\nbranches = [\"main\"]\nmode = \"observe\"\nrequire = [{ role = \"dba\", approvals = 1 }]\n\
                 [[rule]]\nname = \"review\"\nbranches = [\"release/**\", \"next\"]\nactions = [\"create\", \"update\"]\n\
                 require = [{ role = \"dba\", approvals = 1 }]\n";
    let repo = TestRepo::new(rules);
    repo.accepted(ALICE, &["HEAD:main"]);
    let tip = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, tip, "refs/heads/next");
    repo.accepted(ALICE, &["HEAD:refs/heads/next"]);
    // `review` does not judge rewrites, so what stands on `next` may not have been judged by it.
    repo.refused(ALICE, &["HEAD:refs/heads/release/1"], &["`review` needs 1 approval"]);
}

#[test]
fn approvals_of_an_update_do_not_let_a_rewrite_in() {
    let repo = TestRepo::new(REVIEW);
    let base = repo.rev("HEAD");
    let one = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, one, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);

    repo.git(&["reset", "--quiet", "--hard", &base.hex()]);
    let other = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, other, MAIN);
    let words = ["alice may not rewrite refs/heads/main", "not counted: bob", "signed for update, this is rewrite"];
    repo.refused(ALICE, &["--force", "HEAD:main"], &words);

    repo.approve_action(BOB, other, MAIN, "rewrite");
    repo.accepted(ALICE, &["--force", "HEAD:main"]);
    assert_eq!(repo.server_tip(MAIN), Some(other));
}

#[test]
fn a_rewrite_needs_its_exact_base_and_its_exact_tip() {
    let repo = TestRepo::new(REVIEW);
    let base = repo.rev("HEAD");
    let one = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, one, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    repo.git(&["reset", "--quiet", "--hard", &base.hex()]);
    let part = repo.commit(ALICE, &["b"]);
    let tip = repo.commit(ALICE, &["c"]);
    let rewrite = |subject: ChangesetId, base: ChangesetId| Token {
        action: Some(Action::Rewrite),
        base: vec![base],
        ..repo.approval(subject, MAIN)
    };
    repo.keep(BOB, rewrite(tip, base));
    repo.refused(ALICE, &["--force", "HEAD:main"], &["not counted: bob", "signed when the target had another value"]);
    repo.keep(BOB, rewrite(part, one));
    repo.refused(ALICE, &["--force", "HEAD:main"], &["signed for a changeset that is not the tip"]);
    repo.keep(BOB, rewrite(tip, one));
    repo.accepted(ALICE, &["--force", "HEAD:main"]);
}

#[test]
fn going_back_to_an_ancestor_is_a_rewrite_that_somebody_must_approve() {
    let repo = TestRepo::new(REVIEW);
    let base = repo.rev("HEAD");
    let one = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, one, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    let back = format!("{}:main", base.hex());
    repo.refused(ALICE, &["--force", &back], &["alice may not rewrite refs/heads/main", "`review` needs 1 approval"]);
    repo.approve_action(BOB, base, MAIN, "rewrite");
    repo.accepted(ALICE, &["--force", &back]);

    // And the approval that let `one` in before does not bring it back.
    let words = ["not counted: bob", "spent: the target was rewritten or deleted"];
    repo.refused(ALICE, &[&format!("{}:main", one.hex())], &words);
}

#[test]
fn a_rollback_past_a_protected_change_is_judged_by_paths_too() {
    let rules = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\n\
                 require = [{ role = \"dba\", approvals = 1 }]\n";
    let repo = TestRepo::new(rules);
    let base = repo.rev("HEAD");
    let change = repo.commit(ALICE, &["db/1.sql"]);
    repo.approve(BOB, change, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    repo.refused(ALICE, &["--force", &format!("{}:main", base.hex())], &["`migrations` needs 1 approval"]);
    repo.refused(
        ALICE,
        &["--delete", "main"],
        &["alice may not delete refs/heads/main", "`migrations` needs 1 approval"],
    );
    // A rewrite that leaves the protected paths as they are asks nobody.
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "aside"]);
    repo.accepted(ALICE, &["HEAD:main"]);
    repo.git(&["reset", "--quiet", "--hard", &change.hex()]);
    repo.commit(ALICE, &["src/lib.rs"]);
    repo.accepted(ALICE, &["--force", "HEAD:main"]);
}

#[test]
fn a_deletion_needs_an_approval_of_the_value_that_goes() {
    let repo = TestRepo::uninstalled(IdKind::GitSha1);
    let tip = repo.begin_main();
    repo.git(&["push", "--quiet", "origin", "HEAD:refs/heads/release/1", "HEAD:refs/heads/free"]);
    repo.install(REVIEW);
    repo.accepted(ALICE, &["--delete", "free"]);
    repo.refused(ALICE, &["--delete", "release/1"], &["alice may not delete refs/heads/release/1", "--action delete"]);
    repo.approve(BOB, tip, RELEASE);
    repo.refused(ALICE, &["--delete", "release/1"], &["signed for update, this is delete"]);
    repo.approve_action(BOB, tip, RELEASE, "delete");
    repo.accepted(ALICE, &["--delete", "release/1"]);
    assert_eq!(repo.server_tip(RELEASE), None);
}

#[test]
fn no_token_from_before_a_deletion_lets_the_branch_come_back() {
    let repo = TestRepo::new(REVIEW);
    let tip = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, tip, RELEASE);
    repo.accepted(ALICE, &["HEAD:refs/heads/release/1"]);
    repo.approve_action(BOB, tip, RELEASE, "delete");
    repo.accepted(ALICE, &["--delete", "release/1"]);

    let words = ["not counted: bob", "spent: the target was rewritten or deleted"];
    repo.refused(ALICE, &["HEAD:refs/heads/release/1"], &words);
    let later = Token { not_before: now().plus(jit::domain::time::Span::seconds(60)), ..repo.approval(tip, RELEASE) };
    repo.keep(BOB, later);
    repo.accepted(ALICE, &["HEAD:refs/heads/release/1"]);

    // The deletion, too, was approved once.
    repo.refused(ALICE, &["--delete", "release/1"], &words);
}

#[test]
fn a_ref_that_moved_behind_the_servers_back_counts_as_rewritten() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD");
    let one = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, one, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    let two = repo.commit(ALICE, &["b"]);
    repo.approve(CAROL, two, MAIN);
    repo.keep(CAROL, Token { base: vec![start], ..repo.approval(two, MAIN) });

    repo.server_git(&["update-ref", MAIN, &start.hex()]);
    repo.refused(ALICE, &["HEAD:main"], &["not counted: carol", "spent: the target was rewritten or deleted"]);
    let found = repo.last_decision().updates[0].found.clone();
    assert_eq!(found, Some(vec![start]), "the log says what was found");
    // Once more: the log remembers, though the value is the recorded one now.
    repo.refused(ALICE, &["HEAD:main"], &["spent: the target was rewritten or deleted"]);
    let later = Token { not_before: now().plus(jit::domain::time::Span::seconds(60)), ..repo.approval(two, MAIN) };
    repo.keep(BOB, later);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_branch_that_vanished_behind_the_servers_back_does_not_come_back_by_old_approvals() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD");
    repo.keep(BOB, Token { action: Some(Action::Create), base: Vec::new(), ..repo.approval(start, MAIN) });
    repo.server_git(&["update-ref", "-d", MAIN]);
    repo.refused(ALICE, &["HEAD:main"], &["alice may not create", "spent: the target was rewritten or deleted"]);
}

#[test]
fn a_branch_that_came_behind_the_servers_back_is_no_excuse() {
    let repo = TestRepo::new(REVIEW);
    let parked = repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/free"]);
    repo.server_git(&["update-ref", RELEASE, &parked.hex()]);
    let next = repo.commit(ALICE, &["b"]);
    repo.keep(BOB, Token { not_before: hours_from(now(), -1), ..repo.approval(next, RELEASE) });
    repo.refused(ALICE, &["HEAD:refs/heads/release/1"], &["spent: the target was rewritten or deleted"]);
}

#[test]
fn refs_of_one_push_stand_or_fall_together() {
    let repo = TestRepo::new(REVIEW);
    let free = "HEAD:refs/heads/free";
    let tip = repo.commit(ALICE, &["a"]);
    for pushes in [[free, "HEAD:main"], ["HEAD:main", free]] {
        let said = repo.refused(ALICE, &pushes, &["alice may not update refs/heads/main"]);
        assert!(!said.contains("may not create refs/heads/free"), "{said}");
    }
    repo.refused(
        ALICE,
        &["--atomic", "HEAD:main", "HEAD:refs/heads/release/1"],
        &["refs/heads/main", "refs/heads/release/1"],
    );
    repo.approve(BOB, tip, MAIN);
    repo.accepted(ALICE, &[free, "HEAD:main"]);
    assert_eq!(repo.server_tip("refs/heads/free"), repo.server_tip(MAIN));
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
