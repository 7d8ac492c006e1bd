//! Merges: an honest one asks nobody again; one that changes, drops or adopts something of its own does.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, Guarded, MAIN, TestRepo};
use jit::domain::change::ChangesetId;
use rstest::rstest;
use std::fs;

const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\n\
                          require = [{ role = \"dba\", approvals = 1 }]\n";
const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// `main` moved on with `theirs` (let in on the server), and beside it there is `ours`, from before.
struct Fork<'r> {
    repo: &'r Central,
    theirs: ChangesetId,
    ours: ChangesetId,
}

/// The clone stands on `ours`; each fork begins where `main` is.
fn fork<'r>(repo: &'r Central, theirs: &[&str], ours: &[&str]) -> Fork<'r> {
    let start = repo.values(MAIN)[0];
    repo.go(start);
    let landed = repo.commit(ALICE, theirs);
    repo.approve(BOB, landed, MAIN);
    repo.accepted(ALICE, to(MAIN, landed));
    repo.go(start);
    let side = repo.commit(ALICE, ours);
    Fork { repo, theirs: landed, ours: side }
}

impl Fork<'_> {
    /// Merges `main` into `ours`, with the files as `change` leaves them.
    fn merge(&self, change: impl FnOnce(&Central)) -> ChangesetId {
        self.repo.go(self.ours);
        // Conflicts are resolved by `change`.
        self.repo.merge(self.theirs);
        change(self.repo);
        self.repo.commit(ALICE, &[])
    }
}

fn remove(repo: &Central, path: &str) {
    fs::remove_file(repo.file(path)).expect("removed");
}

#[rstest]
fn an_honest_merge_asks_nobody_again(#[values(Form::Git, Form::Named)] form: Form) {
    for rules in [MIGRATIONS, REVIEW] {
        let repo = Central::new(form, rules);
        let fork = fork(&repo, &["db/1.sql", "src/a"], &["db/2.sql", "src/b"]);
        let merge = fork.merge(|_| ());
        repo.refused(ALICE, to(MAIN, merge), &["needs 1 approval", &fork.ours.hex()[..12]]);
        repo.approve(BOB, fork.ours, MAIN);
        repo.accepted(ALICE, to(MAIN, merge));
    }
}

#[rstest]
fn merging_the_branch_into_main_is_the_same(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, MIGRATIONS);
    let Fork { theirs, ours, .. } = fork(&repo, &["db/1.sql"], &["db/2.sql"]);
    repo.go(theirs);
    repo.merge(ours);
    let merge = repo.commit(ALICE, &[]);
    repo.refused(ALICE, to(MAIN, merge), &["`migrations` needs 1 approval"]);
    repo.approve(BOB, ours, MAIN);
    repo.accepted(ALICE, to(MAIN, merge));
}

#[rstest]
fn a_file_that_both_sides_edited_is_the_merges_own_change(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, MIGRATIONS);
    let fork = fork(&repo, &["db/0.sql"], &["db/0.sql"]);
    let merge = fork.merge(|_| ());
    repo.approve(BOB, fork.ours, MAIN);
    repo.refused(ALICE, to(MAIN, merge), &["`migrations` needs 1 approval", &merge.hex()[..12]]);
    repo.approve(BOB, merge, MAIN);
    repo.accepted(ALICE, to(MAIN, merge));
}

/// What somebody does to the files before the merge is committed.
type Change = fn(&Central);

#[rstest]
fn a_merge_with_a_change_of_its_own_is_asked_about(#[values(Form::Git, Form::Named)] form: Form) {
    let changes: [(&str, Change); 4] = [
        ("drops what main has", |repo| remove(repo, "db/theirs.sql")),
        ("drops what the branch has", |repo| remove(repo, "db/ours.sql")),
        ("adds a file", |repo| fs::write(repo.file("db/new.sql"), "evil").expect("written")),
        ("edits a file", |repo| fs::write(repo.file("db/theirs.sql"), "evil").expect("written")),
    ];
    for rules in [MIGRATIONS, REVIEW] {
        let repo = Central::new(form, rules);
        for (what, change) in changes {
            let fork = fork(&repo, &["db/theirs.sql"], &["db/ours.sql"]);
            let merge = fork.merge(change);
            repo.approve(BOB, fork.ours, MAIN);
            repo.refused(ALICE, to(MAIN, merge), &["needs 1 approval", &merge.hex()[..12]]);
            repo.approve(BOB, merge, MAIN);
            let said = repo.accepted(ALICE, to(MAIN, merge));
            assert!(said.contains("is met: bob"), "{what}: {said}");
        }
    }
}

/// As `git merge -s ours` leaves it: the result is one side's tree, so the other side's changes are gone.
#[rstest]
fn a_merge_that_takes_one_sides_tree_whole_drops_the_other_sides_changes(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, MIGRATIONS);
    let fork = fork(&repo, &["db/1.sql"], &["src/b"]);
    let merge = fork.merge(|repo| remove(repo, "db/1.sql"));
    repo.refused(ALICE, to(MAIN, merge), &["`migrations` needs 1 approval", &merge.hex()[..12]]);
}

/// A merge can adopt a protected change from a side on which nobody approved it: there it is a commit of its own.
#[rstest]
fn a_merge_that_adopts_a_protected_change_brings_the_commit_that_made_it(#[values(Form::Git, Form::Named)] form: Form) {
    let free = "refs/heads/free";
    let repo = Central::new(form, MIGRATIONS);
    let evil = repo.on(free).commit(ALICE, &["db/evil.sql"]);
    repo.accepted(ALICE, to(free, evil));
    repo.go(repo.start);
    repo.commit(ALICE, &["src/a"]);
    repo.merge(evil);
    let merge = repo.commit(ALICE, &[]);
    repo.refused(ALICE, to(MAIN, merge), &["`migrations` needs 1 approval", &evil.hex()[..12]]);
    repo.approve(BOB, merge, MAIN);
    repo.accepted(ALICE, to(MAIN, merge));
}

#[rstest]
fn unrelated_histories_bring_everything_that_they_have(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, MIGRATIONS);
    repo.go_to_nothing();
    let root = repo.commit(ALICE, &["db/1.sql"]);
    repo.go(repo.start);
    repo.merge(root);
    let merge = repo.commit(ALICE, &[]);
    repo.refused(ALICE, to(MAIN, merge), &["`migrations` needs 1 approval", &root.hex()[..12]]);
    repo.approve(BOB, root, MAIN);
    repo.accepted(ALICE, to(MAIN, merge));
}

/// Only in Git can a commit have more than two parents.
#[test]
fn an_octopus_is_asked_about_wherever_it_differs_from_a_parent() {
    let repo = TestRepo::new(MIGRATIONS);
    let start = repo.rev("HEAD").hex();
    for (branch, path) in [("one", "src/one"), ("two", "src/two"), ("three", "db/3.sql")] {
        repo.git(&["checkout", "--quiet", "-b", branch, &start]);
        repo.commit(ALICE, &[path]);
    }
    let change = repo.rev("three");
    repo.approve(BOB, change, MAIN);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "-m", "octopus", "one", "two"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/without"]);

    repo.git(&["reset", "--quiet", "--hard", &start]);
    repo.git(&["merge", "--quiet", "-m", "octopus", "one", "two", "three"]);
    let octopus = repo.rev("HEAD");
    assert!(repo.git(&["rev-list", "--parents", "-1", "HEAD"]).split(' ').count() > 3);
    repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval", &octopus.hex()[..12]]);
    repo.approve(BOB, octopus, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

/// The sides agree with the merge but not with the merge base, so that no parent shows the change.
#[rstest]
fn a_merge_in_the_middle_of_a_push_is_looked_into(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, MIGRATIONS);
    let fork = fork(&repo, &["db/1.sql"], &["src/b"]);
    let merge = fork.merge(|repo| remove(repo, "db/1.sql"));
    let tip = repo.commit(ALICE, &["src/c"]);
    repo.refused(ALICE, to(MAIN, tip), &["`migrations` needs 1 approval", &merge.hex()[..12]]);
}
