//! Who commits and who pushes: `authors`, `pushers`, and what happens where nobody knows who pushes.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, Guarded, MAIN, MALLORY, NOBODY};
use rstest::rstest;

#[rstest]
fn every_author_must_be_known_where_the_rule_says_so(#[values(Form::Git, Form::Named)] form: Form) {
    let rules = "[[rule]]\nname = \"signed-off\"\nbranches = [\"main\"]\nauthors = \"known\"\n";
    let repo = Central::new(form, rules);
    repo.commit(MALLORY, &["a"]);
    let tip = repo.commit(ALICE, &["b"]);
    let words = ["`signed-off` wants authors whom the policy knows", "mallory@example.com"];
    repo.refused(ALICE, to(MAIN, tip), &words);

    repo.go(repo.start);
    let message = "c\n\nCo-authored-by: M <mallory@example.com>";
    repo.refused(ALICE, to(MAIN, repo.commit_as(ALICE, &["c"], message)), &words);

    repo.go(repo.start);
    repo.accepted(ALICE, to(MAIN, repo.commit(BOB, &["b"])));
}

#[rstest]
fn the_pusher_must_be_known_where_the_rule_says_so(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, "[[rule]]\nname = \"members\"\nbranches = [\"main\"]\npushers = \"known\"\n");
    let push = to(MAIN, repo.commit(ALICE, &["a"]));
    let why = "`members` wants a pusher whom the policy knows";
    repo.refused(MALLORY, push.clone(), &[why, "`mallory` is not in it"]);
    repo.refused(NOBODY, push.clone(), &[why, "nobody knows who pushes"]);
    repo.accepted(BOB, push);
}

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n";

#[rstest]
fn where_nobody_knows_who_pushes_no_approval_counts_unless_the_server_says_otherwise(
    #[values(Form::Git, Form::Named)] form: Form,
) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    let words = ["`review` cannot tell the pusher's own approval from others"];
    repo.refused(NOBODY, to(MAIN, commit), &words);
    repo.configure("unknown_pusher = \"deny\"", "unknown_pusher = \"allow\"");
    repo.accepted(NOBODY, to(MAIN, commit));
}

#[rstest]
fn a_stranger_with_a_login_may_push_what_others_approved(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(MALLORY, &["a"]);
    repo.keep(MALLORY, repo.approval(commit, MAIN));
    repo.refused(MALLORY, to(MAIN, commit), &["signed with a key that the policy does not know"]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(MALLORY, to(MAIN, commit));
}
