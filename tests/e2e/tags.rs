//! Tags: made, moved, deleted. Only in Git are there tags that are objects of their own, and tags of tags or of what is no commit.

use crate::central::{Central, Form, deletion, to};
use crate::support::{ALICE, BOB, Guarded, TestRepo, now};
use jit::domain::approval::Token;
use jit::domain::change::Action;
use jit::domain::time::Span;
use rstest::rstest;

const SIGNED_TAGS: &str = "[[rule]]\nname = \"releases\"\ntags = [\"v*\"]\n\
                           require = [{ role = \"maintainers\", approvals = 1 }]\n";
const V1: &str = "refs/tags/v1";

#[rstest]
fn a_tag_is_approved_by_the_commit_that_it_names_when_it_comes_moves_and_goes(
    #[values(Form::Git, Form::Named)] form: Form,
) {
    let repo = Central::new(form, SIGNED_TAGS);
    repo.tag(V1, repo.start);
    repo.refused(ALICE, to(V1, repo.start), &["alice may not create refs/tags/v1", "`releases` needs 1 approval"]);
    repo.approve(BOB, repo.start, V1);
    repo.accepted(ALICE, to(V1, repo.start));

    // Forward is a rewrite as well.
    let two = repo.commit(ALICE, &["a"]);
    repo.tag(V1, two);
    repo.approve(BOB, two, V1);
    let words = ["alice may not rewrite refs/tags/v1", "signed for update, this is rewrite"];
    repo.refused(ALICE, to(V1, two), &words);
    let rewrite = Token { action: Some(Action::Rewrite), ..repo.approval(two, V1) };
    repo.keep(BOB, Token { base: vec![two], ..rewrite.clone() });
    repo.refused(ALICE, to(V1, two), &["signed when the target had another value"]);
    repo.keep(BOB, rewrite);
    repo.accepted(ALICE, to(V1, two));

    repo.untag(V1);
    repo.refused(ALICE, deletion(V1), &["alice may not delete refs/tags/v1"]);
    // Times have whole seconds, and what was signed in the second of a rewrite is spent by it.
    let later = now().plus(Span::seconds(1));
    repo.keep(BOB, Token { action: Some(Action::Delete), not_before: later, ..repo.approval(two, V1) });
    repo.accepted(ALICE, deletion(V1));
}

#[test]
fn a_tag_of_each_kind_is_approved_by_the_commit_that_it_names() {
    for kind in ["lightweight", "annotated", "tag of a tag"] {
        let repo = TestRepo::new(SIGNED_TAGS);
        let commit = repo.rev("HEAD");
        match kind {
            "lightweight" => drop(repo.git(&["tag", "v1"])),
            "annotated" => drop(repo.git(&["tag", "-m", "one", "v1"])),
            _ => {
                repo.git(&["tag", "-m", "inner", "inner"]);
                repo.git(&["tag", "-m", "outer", "v1", "inner"]);
            }
        }
        repo.refused(ALICE, &["v1"], &["alice may not create refs/tags/v1", "`releases` needs 1 approval"]);
        if kind != "lightweight" {
            // The tag object is no subject: what stands is the commit.
            repo.approve(BOB, repo.rev("v1"), V1);
            repo.refused(ALICE, &["v1"], &["`releases` needs 1 approval"]);
        }
        repo.approve(BOB, commit, V1);
        repo.accepted(ALICE, &["v1"]);
        assert_eq!(repo.server_tip(V1), Some(repo.rev("v1")), "{kind}");
    }
}

#[test]
fn the_name_inside_a_tag_object_decides_nothing() {
    let repo = TestRepo::new(SIGNED_TAGS);
    let commit = repo.rev("HEAD");
    repo.git(&["tag", "-m", "one", "free"]);
    repo.accepted(ALICE, &["refs/tags/free:refs/tags/free"]);
    repo.refused(ALICE, &["refs/tags/free:refs/tags/v1"], &["alice may not create refs/tags/v1"]);
    // An approval of one name is none of another, whatever the object calls itself.
    repo.git(&["tag", "-m", "two", "v2"]);
    repo.approve(BOB, commit, "refs/tags/v2");
    repo.refused(ALICE, &["refs/tags/v2:refs/tags/v1"], &["`releases` needs 1 approval", "signed for refs/tags/v2"]);
    repo.accepted(ALICE, &["refs/tags/free:refs/tags/v2"]);
}

#[test]
fn every_move_of_a_tag_is_a_rewrite() {
    let repo = TestRepo::new(SIGNED_TAGS);
    let one = repo.rev("HEAD");
    repo.git(&["tag", "-m", "one", "v1"]);
    repo.approve(BOB, one, V1);
    repo.accepted(ALICE, &["v1"]);
    let before = repo.rev("v1");

    // Forward.
    let two = repo.commit(ALICE, &["a"]);
    repo.git(&["tag", "-f", "-m", "two", "v1"]);
    repo.approve(BOB, two, V1);
    repo.refused(
        ALICE,
        &["--force", "v1"],
        &["alice may not rewrite refs/tags/v1", "signed for update, this is rewrite"],
    );
    // Bases of tags are the values themselves, not the commits that they name.
    let rewrite = Token { action: Some(Action::Rewrite), ..repo.approval(two, V1) };
    repo.keep(BOB, Token { base: vec![one], ..rewrite.clone() });
    repo.refused(ALICE, &["--force", "v1"], &["signed when the target had another value"]);
    repo.keep(BOB, Token { base: vec![before], ..rewrite });
    repo.accepted(ALICE, &["--force", "v1"]);

    // To another tag object of the same commit.
    repo.git(&["tag", "-f", "-m", "other words", "v1"]);
    repo.refused(ALICE, &["--force", "v1"], &["alice may not rewrite refs/tags/v1"]);
}

#[test]
fn what_is_no_commit_cannot_be_approved() {
    let repo = TestRepo::new(SIGNED_TAGS);
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    let blob = repo.git(&["rev-parse", "HEAD:README"]);
    for object in [tree, blob] {
        repo.git(&["tag", "-f", "v1", &object]);
        repo.refused(ALICE, &["--force", "v1"], &["`releases` needs a commit to approve, and this is none"]);
        repo.git(&["tag", "-f", "-m", "of no commit", "v1", &object]);
        repo.refused(ALICE, &["--force", "v1"], &["`releases` needs a commit to approve, and this is none"]);
        repo.git(&["tag", "-f", "free", &object]);
        repo.accepted(ALICE, &["--force", "free"]);
    }
}

#[test]
fn a_rule_with_paths_is_not_dodged_by_tagging_a_tree() {
    let repo = TestRepo::new(
        "[[rule]]\nname = \"migrations\"\ntags = [\"v*\"]\npaths = [\"db/**\"]\nrequire = [{ role = \"dba\", approvals = 1 }]\n",
    );
    repo.commit(ALICE, &["db/1.sql"]);
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    repo.git(&["tag", "v1", &tree]);
    repo.refused(ALICE, &["v1"], &["`migrations` needs a commit to approve, and this is none"]);
}
