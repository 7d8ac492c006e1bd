//! Which commits of a series an approval covers, and that it does not follow a change to another commit.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN};
use jit::domain::approval::Token;
use jit::domain::change::ChangesetId;
use rstest::rstest;
use std::fs;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";
const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\n\
                          require = [{ role = \"dba\", approvals = 1 }]\n";

/// A server with this rule, and two commits by alice for its `main`.
fn two(form: Form, rules: &str, paths: [&str; 2]) -> (Central, ChangesetId, ChangesetId) {
    let repo = Central::new(form, rules);
    let [one, two] = paths.map(|path| repo.commit(ALICE, &[path]));
    (repo, one, two)
}

#[rstest]
fn approving_the_tip_approves_the_series(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, _, tip) = two(form, REVIEW, ["a", "b"]);
    repo.approve(BOB, tip, MAIN);
    repo.accepted(ALICE, to(MAIN, tip));
}

#[rstest]
fn what_comes_after_the_approved_commit_is_not_approved(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, one, two) = two(form, REVIEW, ["a", "b"]);
    repo.approve(BOB, one, MAIN);
    let said = repo.refused(ALICE, to(MAIN, two), &["`review` needs 1 approval", &two.hex()[..12]]);
    assert!(!said.contains(&one.hex()[..12]), "the approved one is not asked about: {said}");
    repo.approve(CAROL, two, MAIN);
    repo.accepted(ALICE, to(MAIN, two));
}

#[rstest]
fn what_comes_before_the_base_of_an_approval_is_not_approved(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, one, two) = two(form, REVIEW, ["a", "b"]);
    // As signed by somebody for whom `one` had landed already.
    repo.keep(BOB, Token { base: vec![one], ..repo.approval(two, MAIN) });
    repo.refused(ALICE, to(MAIN, two), &["`review` needs 1 approval", &one.hex()[..12]]);
    repo.approve(CAROL, one, MAIN);
    repo.accepted(ALICE, to(MAIN, two));
}

#[rstest]
fn a_part_of_an_approved_series_is_not_approved(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, one, two) = two(form, REVIEW, ["a", "b"]);
    repo.approve(BOB, two, MAIN);
    repo.refused(ALICE, to(MAIN, one), &["`review` needs 1 approval"]);
    repo.accepted(ALICE, to(MAIN, two));
}

#[rstest]
fn approving_the_commit_that_the_rule_is_about_is_enough(#[values(Form::Git, Form::Named)] form: Form) {
    let (repo, migration, tip) = two(form, MIGRATIONS, ["db/1.sql", "src/lib.rs"]);
    let words = ["`migrations` needs 1 approval from `dba`", &migration.hex()[..12]];
    repo.refused(ALICE, to(MAIN, tip), &words);
    repo.approve(BOB, migration, MAIN);
    repo.accepted(ALICE, to(MAIN, tip));
}

#[rstest]
fn a_change_that_is_taken_back_in_the_same_push_is_still_asked_about(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, MIGRATIONS);
    let migration = repo.commit(ALICE, &["db/1.sql"]);
    fs::remove_file(repo.file("db/1.sql")).expect("removed");
    let back = repo.commit_as(ALICE, &[], "taken back");
    repo.refused(ALICE, to(MAIN, back), &["`migrations` needs 1 approval from `dba`"]);
    repo.approve(BOB, migration, MAIN);
    repo.refused(ALICE, to(MAIN, back), &["`migrations` needs 1 approval from `dba`", "taken back"]);
    repo.approve(BOB, back, MAIN);
    repo.accepted(ALICE, to(MAIN, back));
}

#[rstest]
fn a_change_that_became_another_commit_is_signed_anew(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let mut tip = repo.start;
    for way in ["rebased", "squashed", "amended"] {
        repo.go(tip);
        let [a, b] = ["a", "b"].map(|name| format!("{way}/{name}"));
        let one = repo.commit(ALICE, &[&a]);
        let approved = repo.commit(ALICE, &[&b]);
        repo.approve(BOB, approved, MAIN);
        let contents = [&a, &b].map(|path| (path, fs::read(repo.file(path)).expect("read")));
        let put = |(path, content): &(&String, Vec<u8>)| {
            let file = repo.file(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, content).expect("written");
        };
        repo.go(if way == "amended" { one } else { tip });
        match way {
            "rebased" => {
                repo.commit(ALICE, &["in between"]);
                put(&contents[0]);
                repo.commit(ALICE, &[]);
                put(&contents[1]);
            }
            "squashed" => contents.iter().for_each(put),
            _ => put(&contents[1]),
        }
        let new = repo.commit_as(ALICE, &[], "better words");
        assert_ne!(new, approved);
        repo.refused(ALICE, to(MAIN, new), &["`review` needs 1 approval"]);
        repo.approve(BOB, new, MAIN);
        repo.accepted(ALICE, to(MAIN, new));
        tip = new;
    }
}
