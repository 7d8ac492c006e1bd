//! What is loaded of an update, from a real repository.

use super::GitHistory;
use super::receive::Claim;
use super::testing::TestRepo;
use crate::domain::change::{ChangesetId, IdKind, LONGEST_CONTENT, RefUpdate, Target};
use crate::domain::name::RuleName;
use crate::ports::history::{History, HistoryError, Need, OwnPaths, Selection};
use std::collections::BTreeSet;
use std::time::Instant;

fn load(
    git: &TestRepo,
    old: Option<ChangesetId>,
    new: Option<ChangesetId>,
    name: &str,
    need: &Need<'_>,
) -> (GitHistory, RefUpdate) {
    let mut history = GitHistory::receiving(git.open(), vec![Claim { old, new, refname: name.as_bytes().to_vec() }]);
    let mut update = history.ref_updates().expect("true claims").remove(0);
    history.load(&mut update, need).expect("a history");
    (history, update)
}

fn rule(name: &str) -> RuleName {
    RuleName::new(name).expect("a name")
}

fn selection<'a>(name: &str, targets: &'a [&str]) -> Selection<'a> {
    Selection { rule: rule(name), picks: Box::new(|target| targets.contains(&target.to_string().as_str())) }
}

fn ids(update: &RefUpdate) -> Vec<ChangesetId> {
    update.changesets.iter().map(|changeset| changeset.id).collect()
}

/// Commits 0 to 5, each on the one before; each changes the file named after its number.
fn line(git: &TestRepo) -> Vec<ChangesetId> {
    let mut commits: Vec<ChangesetId> = Vec::new();
    for number in 0..6 {
        let names: Vec<String> = (0..=number).map(|n| format!("dir/{n}")).collect();
        let tree = git.tree(&names.iter().map(|name| (name.as_str(), "x")).collect::<Vec<_>>());
        commits.push(git.commit(&tree, &commits.last().into_iter().collect::<Vec<_>>(), &format!("c{number}\n\nbody")));
    }
    commits
}

#[test]
fn an_update_brings_what_new_reaches_and_old_does_not() {
    let git = TestRepo::new(IdKind::GitSha256);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[2]);
    let need = Need { own_paths: OwnPaths::All, ..Need::default() };
    let (mut history, mut update) = load(&git, Some(c[2]), Some(c[5]), "refs/heads/main", &need);
    assert_eq!(ids(&update), [c[5], c[4], c[3]]);
    let last = &update.changesets[0];
    assert_eq!(last.summary, b"c5");
    assert_eq!(last.parents, [c[4]]);
    assert_eq!(last.authors, [b"alice@example.com".to_vec()]);
    assert_eq!(last.committer.as_deref(), Some(&b"alice@example.com"[..]));
    let paths: Vec<String> = last.own_paths.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(paths, ["dir/5"]);
    assert!(update.tip_changes.is_empty());

    let absent = ChangesetId::from_bytes(IdKind::GitSha256, &[9; 32]).expect("an id");
    let foreign = ChangesetId::from_bytes(IdKind::HgSha1, &[9; 20]).expect("an id");
    let bases = BTreeSet::from([c[0], c[2], c[3], absent, foreign]);
    history.reachable_bases(&mut update, &bases).expect("a history");
    assert_eq!(update.reachable_bases, BTreeSet::from([c[0], c[2]]));
}

#[test]
fn a_creation_hides_only_what_stood_before_on_targets_of_the_rule() {
    let git = TestRepo::new(IdKind::GitSha1);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[1]);
    git.set_ref("refs/heads/free", &c[4]);
    git.set_ref("refs/jit/requests/r-1", &c[5]);
    let need = Need {
        whole: true,
        hidden: vec![
            selection("strict", &["refs/heads/main", "refs/heads/release", "refs/jit/requests/r-1"]),
            selection("lax", &["refs/heads/main", "refs/heads/free"]),
        ],
        ..Need::default()
    };
    let (_, update) = load(&git, None, Some(c[5]), "refs/heads/release", &need);
    assert_eq!(update.changesets.len(), 6);
    assert_eq!(update.scopes[&rule("strict")], BTreeSet::from([c[2], c[3], c[4], c[5]]));
    assert_eq!(update.scopes[&rule("lax")], BTreeSet::from([c[5]]));

    let need = Need { whole: false, ..need };
    let (_, update) = load(&git, None, Some(c[5]), "refs/heads/release", &need);
    assert_eq!(ids(&update), [c[5], c[4], c[3], c[2]]);
    assert_eq!(update.scopes[&rule("lax")], BTreeSet::from([c[5]]));
    let (_, update) = load(&git, None, Some(c[5]), "refs/heads/release", &Need::default());
    assert!(update.changesets.is_empty());
}

#[test]
fn a_ref_that_the_same_push_moves_hides_with_its_value_before() {
    let git = TestRepo::new(IdKind::GitSha1);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[1]);
    let claim = |old, new, name: &str| Claim { old, new: Some(new), refname: name.as_bytes().to_vec() };
    let claims = vec![claim(Some(c[1]), c[5], "refs/heads/main"), claim(None, c[5], "refs/heads/release")];
    let mut history = GitHistory::receiving(git.open(), claims);
    let mut updates = history.ref_updates().expect("true claims");
    let hidden = vec![selection("r", &["refs/heads/main", "refs/heads/release"])];
    history.load(&mut updates[1], &Need { hidden, ..Need::default() }).expect("a history");
    assert_eq!(ids(&updates[1]), [c[5], c[4], c[3], c[2]]);
}

#[test]
fn promoted_are_those_that_the_other_branch_held_before() {
    let git = TestRepo::new(IdKind::GitSha1);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[3]);
    git.set_ref("refs/heads/production", &c[0]);
    let need = Need { promoted: vec![selection("r", &["refs/heads/main"])], ..Need::default() };
    let (_, update) = load(&git, Some(c[0]), Some(c[5]), "refs/heads/production", &need);
    assert_eq!(update.changesets.len(), 5);
    assert_eq!(update.promoted[&rule("r")], BTreeSet::from([c[1], c[2], c[3]]));
}

#[test]
fn a_rewrite_has_the_difference_from_the_old_head() {
    let git = TestRepo::new(IdKind::GitSha1);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[4]);
    let need = Need { own_paths: OwnPaths::Merges, ..Need::default() };
    let (_, update) = load(&git, Some(c[4]), Some(c[2]), "refs/heads/main", &need);
    assert!(update.changesets.is_empty());
    let paths = update.tip_changes[0].paths.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((update.tip_changes[0].tip, paths), (c[2], vec!["dir/3".to_owned(), "dir/4".to_owned()]));
}

#[test]
fn a_deletion_brings_nothing_and_keeps_its_tip() {
    let git = TestRepo::new(IdKind::GitSha1);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[4]);
    let (_, update) = load(&git, Some(c[4]), None, "refs/heads/main", &Need::default());
    assert!(update.changesets.is_empty() && update.new.is_empty());
    assert_eq!(update.tips, [c[4]]);
}

#[test]
fn targets_are_listed_with_their_values_also_those_that_are_not_utf8() {
    let git = TestRepo::new(IdKind::GitSha1);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[0]);
    git.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    git.git(&["symbolic-ref", "refs/heads/dangling", "refs/heads/none"]);
    let packed = format!("# pack-refs with: peeled fully-peeled sorted \n{} refs/heads/caf", c[1].hex()).into_bytes();
    std::fs::write(git.file("packed-refs"), [&packed[..], b"\xe9\n"].concat()).expect("packed-refs");
    let mut history = GitHistory::receiving(git.open(), Vec::new());
    let odd = Target::git_ref(b"refs/heads/caf\xe9").expect("a ref");
    let listed: Vec<(String, Vec<ChangesetId>)> =
        history.all_targets().expect("refs").into_iter().map(|(target, value)| (target.to_string(), value)).collect();
    let expected = [("refs/heads/alias", c[0]), ("refs/heads/caf%E9", c[1]), ("refs/heads/main", c[0])];
    assert_eq!(listed, expected.map(|(name, value)| (name.to_owned(), vec![value])));
    assert_eq!(history.value(&odd).expect("a value"), [c[1]]);
    let none = Target::git_ref(b"refs/heads/dangling").expect("a ref");
    assert_eq!(history.value(&none).expect("no value"), []);
    let foreign = Target::parse("branch:default").expect("a target");
    assert!(matches!(history.value(&foreign), Err(HistoryError::ForeignTarget { .. })));
}

#[test]
fn what_cannot_be_found_out_is_an_error() {
    let git = TestRepo::new(IdKind::GitSha1);
    let c = line(&git);
    git.set_ref("refs/heads/main", &c[0]);
    let bomb = (0..12).fold(git.tree(&[("f", "x")]), |tree, _| {
        let bytes: Vec<u8> = (b'a'..=b'j')
            .flat_map(|n| [&[b'4', b'0', b'0', b'0', b'0', b' ', n, 0], tree.as_bytes()].concat())
            .collect();
        git.raw_object("tree", &bytes)
    });
    let malformed = git.raw_object("tree", &[b"100644 b\0", c[0].as_bytes(), b"100644 a\0", c[0].as_bytes()].concat());
    let absent = ChangesetId::from_bytes(IdKind::GitSha1, &[9; 20]).expect("an id");
    let all = Need { own_paths: OwnPaths::All, ..Need::default() };
    let fail = |tip: ChangesetId, deadline: bool| {
        let claim = Claim { old: Some(c[0]), new: Some(tip), refname: b"refs/heads/main".to_vec() };
        let mut history = GitHistory::receiving(git.open(), vec![claim]);
        let mut update = history.ref_updates().expect("true claims").remove(0);
        history.repository().budget.shrink(100_000);
        if deadline {
            let repo = git.open();
            repo.set_deadline(Some(Instant::now()));
            history = GitHistory::receiving(repo, Vec::new());
        }
        history.load(&mut update, &all).expect_err("no answer")
    };
    let on_top = |tree: &ChangesetId| {
        git.raw_object(
            "commit",
            format!("tree {}\nparent {}\nauthor a <a> 1 +0\ncommitter a <a> 1 +0\n\nm", tree.hex(), c[0].hex())
                .as_bytes(),
        )
    };
    assert!(matches!(fail(on_top(&bomb), false), HistoryError::TooLarge { .. }));
    assert!(matches!(fail(on_top(&malformed), false), HistoryError::Malformed { .. }));
    assert!(matches!(fail(on_top(&absent), false), HistoryError::Missing { .. }));
    assert!(matches!(fail(on_top(&c[0]), false), HistoryError::Malformed { .. }));
    assert!(matches!(fail(c[1], true), HistoryError::DeadlinePassed));
}

#[test]
fn contents_are_read_as_far_as_they_can_be_and_an_old_value_holds_what_it_reaches() {
    let git = TestRepo::new(IdKind::GitSha1);
    let base = git.commit(&git.tree(&[("f", "0")]), &[], "base");
    let small = git.commit(&git.tree(&[("f", "1")]), &[&base], "small");
    let most = "x".repeat(LONGEST_CONTENT);
    let large = git.commit(&git.tree(&[("f", &most)]), &[&small], "large");
    let larger = git.commit(&git.tree(&[("f", &(most + "x"))]), &[&large], "larger");
    let after = git.commit(&git.tree(&[("f", "2")]), &[&larger], "after");
    git.set_ref("refs/heads/main", &base);
    let ends = |new: &ChangesetId| {
        let (mut history, mut update) = load(&git, Some(base), Some(*new), "refs/heads/main", &Need::default());
        history.contents(&mut update).expect("contents");
        let ends: BTreeSet<ChangesetId> = update.contents.values().map(|found| found.end).collect();
        let held = history.held(&update, &[base, small].into()).expect("a history");
        assert_eq!(held, [base].into());
        ends
    };
    assert_eq!(ends(&after), [small, large].into(), "nothing beyond the file that is too long");

    // A submodule's commit is not here, and a file may be missing in a partial clone.
    let blob = git.raw_object("blob", b"1").hex();
    let listed = format!("100644 blob {blob}\tf\n160000 commit {}\tmodule\n", "8".repeat(40));
    let tree = git.id_of(&git.git_with(&["mktree", "--missing"], listed.as_bytes()));
    let module = git.commit(&tree, &[&base], "submodule");
    assert_eq!(ends(&module), [module].into());
    let absent = format!("100644 blob {}\tf\n", "9".repeat(40));
    let tree = git.id_of(&git.git_with(&["mktree", "--missing"], absent.as_bytes()));
    let partial = git.commit(&tree, &[&base], "partial");
    assert_eq!(ends(&partial), BTreeSet::new());
}
