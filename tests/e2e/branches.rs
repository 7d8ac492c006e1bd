//! Creating, rewriting, deleting and re-creating branches; several targets at once.
//!
//! What a branch is to Git, a bookmark is to Mercurial: both are names that a push can make, set back and take away. A named branch
//! is written into its commits; a push can neither set it back nor delete it.

use crate::central::{Central, Form, deletion, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, hours_from, now};
use jit::domain::approval::Token;
use jit::domain::change::{Action, ChangesetId};
use jit::domain::time::Span;
use rstest::rstest;

/// Everything on `main` and on release branches needs one approval.
const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\", \"release/**\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";
const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\", \"release/**\"]\npaths = [\"db/**\"]\n\
                          require = [{ role = \"dba\", approvals = 1 }]\n";
const RELEASE: &str = "refs/heads/release/1";
const FREE: &str = "refs/heads/free";

/// A commit by alice that bob approved for `main` and that landed there.
fn landed(repo: &Central, path: &str) -> ChangesetId {
    let commit = repo.commit(ALICE, &[path]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
    commit
}

#[rstest]
fn a_branch_from_an_approved_commit_needs_no_other_commits_approved(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let approved = landed(&repo, "a");
    // Nothing but the tip is asked about: every commit was judged on `main` by the same rule.
    let said = repo.refused(ALICE, to(RELEASE, approved), &["alice may not create refs/heads/release/1"]);
    assert!(!said.contains("jit:     for "), "{said}");
    repo.approve(BOB, approved, RELEASE);
    repo.accepted(ALICE, to(RELEASE, approved));
}

#[rstest]
fn an_unapproved_commit_cannot_be_laundered_through_a_free_target(
    #[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form,
    #[values(FREE, "refs/tags/parked")] parked: &str,
) {
    let repo = Central::new(form, MIGRATIONS);
    let hidden = repo.on(FREE).commit(ALICE, &["db/1.sql"]);
    if parked != FREE {
        repo.tag(parked, hidden);
    }
    repo.accepted(ALICE, to(parked, hidden));
    for target in [MAIN, RELEASE] {
        repo.go(hidden);
        let tip = repo.on(target).commit(ALICE, &["src/lib.rs"]);
        let words = ["`migrations` needs 1 approval from `dba`", &hidden.hex()[..12]];
        repo.refused(ALICE, to(target, tip), &words);
    }
    // The same in one push: what comes with it is no older than it.
    repo.go(repo.start);
    let other = "refs/heads/other";
    let along = repo.on(other).commit(ALICE, &["db/2.sql"]);
    let tip = repo.on(RELEASE).commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, to(other, along).and(RELEASE, tip), &["`migrations` needs 1 approval"]);
}

#[rstest]
fn a_branch_that_only_an_observing_rule_watched_hides_nothing(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let rules = "[[rule]]\nname = \"watch\"\nbranches = [\"main\"]\nmode = \"observe\"\nrequire = [{ role = \"dba\", approvals = 1 }]\n\
                 [[rule]]\nname = \"review\"\nbranches = [\"release/**\", \"next\"]\nactions = [\"create\", \"update\"]\n\
                 require = [{ role = \"dba\", approvals = 1 }]\n";
    let next = "refs/heads/next";
    let repo = Central::new(form, rules);
    let tip = repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, to(MAIN, tip));
    repo.approve(BOB, tip, next);
    repo.accepted(ALICE, to(next, tip));
    // `review` does not judge rewrites, so what stands on `next` may not have been judged by it.
    repo.refused(ALICE, to(RELEASE, tip), &["`review` needs 1 approval"]);
}

#[rstest]
fn approvals_of_an_update_do_not_let_a_rewrite_in(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    landed(&repo, "a");
    repo.go(repo.start);
    let other = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, other, MAIN);
    let words = ["alice may not rewrite refs/heads/main", "not counted: bob", "signed for update, this is rewrite"];
    repo.refused(ALICE, to(MAIN, other), &words);
    repo.approve_action(BOB, other, MAIN, "rewrite");
    repo.accepted(ALICE, to(MAIN, other));
}

#[rstest]
fn a_rewrite_needs_its_exact_base_and_its_exact_tip(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let one = landed(&repo, "a");
    repo.go(repo.start);
    let part = repo.commit(ALICE, &["b"]);
    let tip = repo.commit(ALICE, &["c"]);
    let rewrite = |subject: ChangesetId, base: ChangesetId| Token {
        action: Some(Action::Rewrite),
        base: vec![base],
        ..repo.approval(subject, MAIN)
    };
    repo.keep(BOB, rewrite(tip, repo.start));
    repo.refused(ALICE, to(MAIN, tip), &["not counted: bob", "signed when the target had another value"]);
    repo.keep(BOB, rewrite(part, one));
    repo.refused(ALICE, to(MAIN, tip), &["signed for a changeset that is not the tip"]);
    repo.keep(BOB, rewrite(tip, one));
    repo.accepted(ALICE, to(MAIN, tip));
}

/// Why an approval from before a rewrite or a deletion does not count.
const SPENT: [&str; 2] = ["not counted: ", "spent: the target was rewritten or deleted"];

#[rstest]
fn going_back_to_an_ancestor_is_a_rewrite_that_somebody_must_approve(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let one = landed(&repo, "a");
    let words = ["alice may not rewrite refs/heads/main", "`review` needs 1 approval"];
    repo.refused(ALICE, to(MAIN, repo.start), &words);
    repo.approve_action(BOB, repo.start, MAIN, "rewrite");
    repo.accepted(ALICE, to(MAIN, repo.start));
    // And the approval that let `one` in before does not bring it back.
    repo.refused(ALICE, to(MAIN, one), &SPENT);
}

#[rstest]
fn a_rollback_past_a_protected_change_is_judged_by_paths_too(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, MIGRATIONS);
    let change = landed(&repo, "db/1.sql");
    repo.refused(ALICE, to(MAIN, repo.start), &["`migrations` needs 1 approval"]);
    let words = ["alice may not delete refs/heads/main", "`migrations` needs 1 approval"];
    repo.refused(ALICE, deletion(MAIN), &words);
    // A rewrite that leaves the protected paths as they are asks nobody.
    repo.accepted(ALICE, to(MAIN, repo.commit(ALICE, &["aside"])));
    repo.go(change);
    repo.accepted(ALICE, to(MAIN, repo.commit(ALICE, &["src/lib.rs"])));
}

#[rstest]
fn a_deletion_needs_an_approval_of_the_value_that_goes(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::with_branches(form, REVIEW, &[RELEASE, FREE]);
    let tip = repo.start;
    repo.accepted(ALICE, deletion(FREE));
    repo.refused(ALICE, deletion(RELEASE), &["alice may not delete refs/heads/release/1", "--action delete"]);
    repo.approve(BOB, tip, RELEASE);
    repo.refused(ALICE, deletion(RELEASE), &["signed for update, this is delete"]);
    repo.approve_action(BOB, tip, RELEASE, "delete");
    repo.accepted(ALICE, deletion(RELEASE));
}

#[rstest]
fn no_token_from_before_a_deletion_lets_the_branch_come_back(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let tip = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, tip, RELEASE);
    repo.accepted(ALICE, to(RELEASE, tip));
    repo.approve_action(BOB, tip, RELEASE, "delete");
    repo.accepted(ALICE, deletion(RELEASE));
    repo.refused(ALICE, to(RELEASE, tip), &SPENT);
    repo.keep(BOB, Token { not_before: now().plus(Span::seconds(60)), ..repo.approval(tip, RELEASE) });
    repo.accepted(ALICE, to(RELEASE, tip));
    // The deletion, too, was approved once.
    repo.refused(ALICE, deletion(RELEASE), &SPENT);
}

#[rstest]
fn what_moved_behind_the_servers_back_counts_as_rewritten(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    landed(&repo, "a");
    let two = repo.commit(ALICE, &["b"]);
    repo.approve(CAROL, two, MAIN);
    repo.keep(CAROL, Token { base: vec![repo.start], ..repo.approval(two, MAIN) });

    repo.set_behind(MAIN, Some(repo.start));
    repo.refused(ALICE, to(MAIN, two), &SPENT);
    assert_eq!(repo.last_found(MAIN), Some(vec![repo.start]), "the log says what was found");
    // Once more: the log remembers, though the value is the recorded one now.
    repo.refused(ALICE, to(MAIN, two), &SPENT);
    repo.keep(BOB, Token { not_before: now().plus(Span::seconds(60)), ..repo.approval(two, MAIN) });
    repo.accepted(ALICE, to(MAIN, two));
}

#[rstest]
fn what_vanished_behind_the_servers_back_does_not_come_back_by_old_approvals(
    #[values(Form::Git, Form::Bookmarks)] form: Form,
) {
    let repo = Central::new(form, REVIEW);
    repo.keep(BOB, Token { action: Some(Action::Create), base: Vec::new(), ..repo.approval(repo.start, MAIN) });
    repo.set_behind(MAIN, None);
    repo.refused(ALICE, to(MAIN, repo.start), &[&["alice may not create"], &SPENT[..]].concat());
}

#[rstest]
fn what_came_behind_the_servers_back_is_no_excuse(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let parked = repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, to(FREE, parked));
    repo.set_behind(RELEASE, Some(parked));
    let next = repo.commit(ALICE, &["b"]);
    repo.keep(BOB, Token { not_before: hours_from(now(), -1), ..repo.approval(next, RELEASE) });
    repo.refused(ALICE, to(RELEASE, next), &SPENT);
}

#[rstest]
fn targets_of_one_push_stand_or_fall_together(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let [free, release] = [FREE, RELEASE].map(|target| {
        repo.go(repo.start);
        repo.on(target).commit(ALICE, &["a"])
    });
    repo.go(repo.start);
    let tip = repo.commit(ALICE, &["a"]);
    for push in [to(FREE, free).and(MAIN, tip), to(MAIN, tip).and(FREE, free)] {
        let said = repo.refused(ALICE, push, &["alice may not update refs/heads/main"]);
        assert!(!said.contains("may not create"), "{said}");
    }
    let words = ["may not update refs/heads/main", "may not create refs/heads/release/1"];
    repo.refused(ALICE, to(MAIN, tip).and(RELEASE, release), &words);
    repo.approve(BOB, tip, MAIN);
    repo.accepted(ALICE, to(FREE, free).and(MAIN, tip));
}
