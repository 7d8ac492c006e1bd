//! Who commits and who pushes: `authors`, `pushers`, and what happens where nobody knows who pushes.

use crate::support::{ALICE, BOB, MAIN, MALLORY, NOBODY, TestRepo};
use std::fs;

#[test]
fn every_author_must_be_known_where_the_rule_says_so() {
    let repo = TestRepo::new("[[rule]]\nname = \"signed-off\"\nbranches = [\"main\"]\nauthors = \"known\"\n");
    repo.accepted(ALICE, &["HEAD:refs/heads/before"]);
    repo.commit(MALLORY, &["a"]);
    repo.commit(ALICE, &["b"]);
    repo.refused(ALICE, &["HEAD:main"], &["`signed-off` wants authors whom the policy knows", "mallory@example.com"]);

    repo.git(&["reset", "--quiet", "--hard", "origin/before"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "c\n\nCo-authored-by: M <mallory@example.com>"]);
    repo.refused(ALICE, &["HEAD:main"], &["mallory@example.com"]);

    repo.git(&["reset", "--quiet", "--hard", "origin/before"]);
    repo.commit(BOB, &["b"]);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn the_pusher_must_be_known_where_the_rule_says_so() {
    let repo = TestRepo::new("[[rule]]\nname = \"members\"\nbranches = [\"main\"]\npushers = \"known\"\n");
    repo.commit(ALICE, &["a"]);
    repo.refused(MALLORY, &["HEAD:main"], &["`members` wants a pusher whom the policy knows; `mallory` is not in it"]);
    repo.refused(NOBODY, &["HEAD:main"], &["`members` wants a pusher whom the policy knows; nobody knows who pushes"]);
    repo.accepted(BOB, &["HEAD:main"]);
}

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n";

#[test]
fn where_nobody_knows_who_pushes_no_approval_counts_unless_the_server_says_otherwise() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    repo.refused(NOBODY, &["HEAD:main"], &["`review` cannot tell the pusher's own approval from others"]);

    let config = repo.jit_path("config.toml");
    let text = fs::read_to_string(&config).expect("a configuration");
    fs::write(&config, text.replace("unknown_pusher = \"deny\"", "unknown_pusher = \"allow\"")).expect("written");
    repo.accepted(NOBODY, &["HEAD:main"]);
}

#[test]
fn a_stranger_with_a_login_may_push_what_others_approved() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(MALLORY, &["a"]);
    repo.keep(MALLORY, repo.approval(commit, MAIN));
    repo.refused(MALLORY, &["HEAD:main"], &["signed with a key that the policy does not know"]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(MALLORY, &["HEAD:main"]);
}
