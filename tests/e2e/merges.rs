//! Merges: an honest one asks nobody again; one that changes, drops or adopts something of its own does.

use crate::support::{Guarded, ALICE, BOB, MAIN, TestRepo};
use jit::domain::change::ChangesetId;

const MIGRATIONS: &str = "[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\n\
                          require = [{ role = \"dba\", approvals = 1 }]\n";
const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// `main` moved on with `theirs` (let in on the server), and a branch from before that has `ours`.
struct Fork {
    repo: TestRepo,
    theirs: ChangesetId,
    ours: ChangesetId,
}

/// The clone stands on the branch.
fn fork(rules: &str, theirs: &[&str], ours: &[&str]) -> Fork {
    let repo = TestRepo::new(rules);
    let start = repo.rev("HEAD").hex();
    let landed = repo.commit(ALICE, theirs);
    repo.approve(BOB, landed, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    repo.git(&["checkout", "--quiet", "-b", "side", &start]);
    let side = repo.commit(ALICE, ours);
    Fork { repo, theirs: landed, ours: side }
}

impl Fork {
    /// Merges `main` into the branch, with the tree as `change` leaves it.
    fn merge(&self, change: impl FnOnce(&TestRepo)) -> ChangesetId {
        let merged = self.theirs.hex();
        // Conflicts are resolved by `change`.
        self.repo.git(&["merge", "--quiet", "--no-commit", "-X", "ours", &merged]);
        change(&self.repo);
        self.repo.commit(ALICE, &[])
    }
}

#[test]
fn an_honest_merge_asks_nobody_again() {
    for rules in [MIGRATIONS, REVIEW] {
        let fork = fork(rules, &["db/1.sql", "src/a"], &["db/2.sql", "src/b"]);
        fork.merge(|_| ());
        fork.repo.refused(ALICE, &["HEAD:main"], &["needs 1 approval", &fork.ours.hex()[..12]]);
        fork.repo.approve(BOB, fork.ours, MAIN);
        fork.repo.accepted(ALICE, &["HEAD:main"]);
    }
}

#[test]
fn merging_the_branch_into_main_is_the_same() {
    let Fork { repo, theirs, ours } = fork(MIGRATIONS, &["db/1.sql"], &["db/2.sql"]);
    repo.git(&["checkout", "--quiet", "--detach", &theirs.hex()]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "merge", &ours.hex()]);
    repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval"]);
    repo.approve(BOB, ours, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_file_that_both_sides_edited_is_the_merges_own_change() {
    let fork = fork(MIGRATIONS, &["db/1.sql"], &["db/1.sql"]);
    let merge = fork.merge(|_| ());
    fork.repo.approve(BOB, fork.ours, MAIN);
    fork.repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval", &merge.hex()[..12]]);
    fork.repo.approve(BOB, merge, MAIN);
    fork.repo.accepted(ALICE, &["HEAD:main"]);
}

/// What somebody does to the tree before the merge is committed.
type Change = fn(&TestRepo);

#[test]
fn a_merge_with_a_change_of_its_own_is_asked_about() {
    let changes: [(&str, Change); 4] = [
        ("drops what main has", |repo| drop(repo.git(&["rm", "--quiet", "-f", "db/1.sql"]))),
        ("drops what the branch has", |repo| drop(repo.git(&["rm", "--quiet", "-f", "db/2.sql"]))),
        ("adds a file", |repo| std::fs::write(repo.work().join("db/3.sql"), "evil").expect("written")),
        ("edits a file", |repo| std::fs::write(repo.work().join("db/1.sql"), "evil").expect("written")),
    ];
    for (what, change) in changes {
        for rules in [MIGRATIONS, REVIEW] {
            let fork = fork(rules, &["db/1.sql"], &["db/2.sql"]);
            let merge = fork.merge(change);
            fork.repo.approve(BOB, fork.ours, MAIN);
            fork.repo.refused(ALICE, &["HEAD:main"], &["needs 1 approval", &merge.hex()[..12]]);
            fork.repo.approve(BOB, merge, MAIN);
            let said = fork.repo.accepted(ALICE, &["HEAD:main"]);
            assert!(said.contains("is met: bob"), "{what}: {said}");
        }
    }
}

/// `git merge -s ours`: the result is one side's tree, so the other side's changes are gone.
#[test]
fn a_merge_that_takes_one_sides_tree_whole_drops_the_other_sides_changes() {
    let fork = fork(MIGRATIONS, &["db/1.sql"], &["src/b"]);
    fork.repo.git(&["merge", "--quiet", "-s", "ours", "-m", "merge", &fork.theirs.hex()]);
    fork.repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval", &fork.repo.rev("HEAD").hex()[..12]]);
}

/// A merge can adopt a protected change from a side on which nobody approved it: there it is a commit of its own.
#[test]
fn a_merge_that_adopts_a_protected_change_brings_the_commit_that_made_it() {
    let fork = fork(MIGRATIONS, &["src/a"], &["db/evil.sql"]);
    fork.repo.accepted(ALICE, &["side:refs/heads/free"]);
    let merge = fork.merge(|_| ());
    fork.repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval", &fork.ours.hex()[..12]]);
    fork.repo.approve(BOB, merge, MAIN);
    fork.repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn unrelated_histories_bring_everything_that_they_have() {
    let repo = TestRepo::new(MIGRATIONS);
    repo.git(&["checkout", "--quiet", "--orphan", "elsewhere"]);
    repo.git(&["rm", "--quiet", "-r", "-f", "."]);
    let root = repo.commit(ALICE, &["db/1.sql"]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "--allow-unrelated-histories", "-m", "merge", &root.hex()]);
    repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval", &root.hex()[..12]]);
    repo.approve(BOB, root, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

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
#[test]
fn a_merge_in_the_middle_of_a_push_is_looked_into() {
    let fork = fork(MIGRATIONS, &["db/1.sql"], &["src/b"]);
    let merge = fork.merge(|repo| drop(repo.git(&["rm", "--quiet", "-f", "db/1.sql"])));
    fork.repo.commit(ALICE, &["src/c"]);
    fork.repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval", &merge.hex()[..12]]);
}
