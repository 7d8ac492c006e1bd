//! Claims against a real repository.

use super::GitHistory;
use super::receive::Claim;
use super::testing::TestRepo;
use crate::domain::change::{Action, ChangesetId, IdKind};
use crate::ports::history::{ClaimRefusal, History, HistoryError};

struct Scene {
    git: TestRepo,
    one: ChangesetId,
    two: ChangesetId,
    side: ChangesetId,
    blob: ChangesetId,
    absent: ChangesetId,
    tag: ChangesetId,
}

/// main at `two` (on top of `one`), `side` unrelated; an annotated tag of `two`.
fn scene(kind: IdKind) -> Scene {
    let git = TestRepo::new(kind);
    let tree = git.tree(&[("a", "1")]);
    let one = git.commit(&tree, &[], "one");
    let two = git.commit(&tree, &[&one], "two");
    let side = git.commit(&tree, &[], "side");
    git.set_ref("refs/heads/main", &two);
    git.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    git.git(&["symbolic-ref", "refs/heads/unborn", "refs/heads/new"]);
    git.git(&["symbolic-ref", "refs/heads/loop1", "refs/heads/loop2"]);
    git.git(&["symbolic-ref", "refs/heads/loop2", "refs/heads/loop1"]);
    let tag = tag_of(&git, &two, "commit", "v1");
    git.set_ref("refs/tags/v1", &tag);
    let blob = git.raw_object("blob", b"blob");
    let absent = ChangesetId::from_bytes(kind, &vec![7; kind.length()]).expect("an id");
    Scene { git, one, two, side, blob, absent, tag }
}

fn tag_of(git: &TestRepo, target: &ChangesetId, kind: &str, name: &str) -> ChangesetId {
    let text =
        format!("object {}\ntype {kind}\ntag {name}\ntagger Alice <alice@example.com> 1 +0000\n\nm\n", target.hex());
    git.raw_object("tag", text.as_bytes())
}

/// Target, action, tips.
type Judged = (String, Action, Vec<ChangesetId>);
/// Old, new, refname.
type Line<'l> = (Option<ChangesetId>, Option<ChangesetId>, &'l [u8]);

fn check(git: &TestRepo, lines: &[Line<'_>]) -> Result<Vec<Judged>, Vec<ClaimRefusal>> {
    let claims = lines.iter().map(|(old, new, name)| Claim { old: *old, new: *new, refname: name.to_vec() }).collect();
    match GitHistory::receiving(git.open(), claims).ref_updates() {
        Ok(updates) => Ok(updates.into_iter().map(|u| (u.target.to_string(), u.action().clone(), u.tips)).collect()),
        Err(HistoryError::Refused(refusals)) => Err(refusals),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_update_has_the_action_that_the_histories_say() {
    for kind in [IdKind::GitSha1, IdKind::GitSha256] {
        let Scene { git, one, two, side, blob, tag, .. } = scene(kind);
        let three = git.commit(&git.tree(&[("a", "2")]), &[&two], "three");
        let tag_of_tag = tag_of(&git, &tag, "tag", "v2");
        let tag_of_blob = tag_of(&git, &blob, "blob", "v3");
        let lying_tag = tag_of(&git, &blob, "commit", "v4");
        let main = b"refs/heads/main".as_slice();
        let cases: [(Line<'_>, Action, Vec<ChangesetId>); 13] = [
            ((Some(two), Some(three), main), Action::Update, vec![three]),
            ((Some(two), Some(two), main), Action::Update, vec![two]),
            ((Some(two), Some(one), main), Action::Rewrite, vec![one]),
            ((Some(two), Some(side), main), Action::Rewrite, vec![side]),
            ((Some(two), None, main), Action::Delete, vec![two]),
            ((None, Some(side), b"refs/heads/x"), Action::Create, vec![side]),
            ((Some(tag), None, b"refs/tags/v1"), Action::Delete, vec![two]),
            ((Some(tag), Some(three), b"refs/tags/v1"), Action::Rewrite, vec![three]),
            ((Some(tag), Some(tag_of_tag), b"refs/tags/v1"), Action::Rewrite, vec![two]),
            ((None, Some(tag_of_tag), b"refs/tags/v2"), Action::Create, vec![two]),
            ((None, Some(tag_of_blob), b"refs/tags/v3"), Action::Create, vec![]),
            ((None, Some(lying_tag), b"refs/tags/v4"), Action::Create, vec![]),
            ((None, Some(blob), b"refs/notes/x"), Action::Create, vec![]),
        ];
        for (line, action, tips) in cases {
            let name = String::from_utf8_lossy(line.2).into_owned();
            assert_eq!(check(&git, &[line]), Ok(vec![(name, action, tips)]), "{line:?}");
        }
    }
}

#[test]
fn a_symbolic_ref_is_judged_by_both_names() {
    let Scene { git, one, two, .. } = scene(IdKind::GitSha1);
    let both = |first: &str, second: &str, action: Action, tip: ChangesetId| {
        Ok(vec![(first.to_owned(), action.clone(), vec![tip]), (second.to_owned(), action, vec![tip])])
    };
    let alias = b"refs/heads/alias".as_slice();
    let deletion = check(&git, &[(Some(two), None, alias)]);
    assert_eq!(deletion, both("refs/heads/alias", "refs/heads/main", Action::Delete, two));
    let creation = check(&git, &[(None, Some(one), b"refs/heads/unborn")]);
    assert_eq!(creation, both("refs/heads/unborn", "refs/heads/new", Action::Create, one));
    let twice = check(&git, &[(Some(two), Some(one), alias), (Some(two), Some(one), b"refs/heads/main")]);
    assert_eq!(twice, Err(vec![ClaimRefusal::Twice { refname: b"refs/heads/main".to_vec() }]));
    let circle = check(&git, &[(None, Some(one), b"refs/heads/loop1")]);
    assert_eq!(circle, Err(vec![ClaimRefusal::SymbolicRef { refname: b"refs/heads/loop2".to_vec() }]));
}

#[test]
fn a_claim_that_does_not_hold_is_refused_with_its_reason() {
    let Scene { git, one, two, side, blob, absent, tag } = scene(IdKind::GitSha1);
    let tree = git.tree(&[("a", "1")]);
    let mut chain = tag;
    for depth in 0..40 {
        chain = tag_of(&git, &chain, "tag", &format!("t{depth}"));
    }
    let dangling = tag_of(&git, &absent, "commit", "d");
    let broken = git.raw_object("tag", b"no tag");
    let stale =
        |claimed, actual| ClaimRefusal::NotTheOldValue { refname: b"refs/heads/main".to_vec(), claimed, actual };
    let needs = |new| ClaimRefusal::BranchNeedsACommit { refname: b"refs/heads/x".to_vec(), new };
    let lost = |new| ClaimRefusal::TagCannotBeFollowed { refname: b"refs/tags/x".to_vec(), new };
    let no_name = |name: &[u8]| ClaimRefusal::NotARefname { refname: name.to_vec() };
    let main = b"refs/heads/main".as_slice();
    let cases: Vec<(Line<'_>, ClaimRefusal)> = vec![
        ((None, None, b"refs/heads/x"), ClaimRefusal::BothAbsent { refname: b"refs/heads/x".to_vec() }),
        ((None, Some(side), main), stale(None, Some(two))),
        ((Some(one), Some(two), main), stale(Some(one), Some(two))),
        ((Some(one), None, main), stale(Some(one), Some(two))),
        ((None, None, main), ClaimRefusal::BothAbsent { refname: main.to_vec() }),
        (
            (None, Some(absent), b"refs/heads/x"),
            ClaimRefusal::MissingObject { refname: b"refs/heads/x".to_vec(), new: absent },
        ),
        ((None, Some(blob), b"refs/heads/x"), needs(blob)),
        ((None, Some(tree), b"refs/heads/x"), needs(tree)),
        ((None, Some(tag), b"refs/heads/x"), needs(tag)),
        ((None, Some(chain), b"refs/tags/x"), lost(chain)),
        ((None, Some(dangling), b"refs/tags/x"), lost(dangling)),
        ((None, Some(broken), b"refs/tags/x"), lost(broken)),
        ((None, Some(one), b"refs/replace/1111"), ClaimRefusal::Replacement { refname: b"refs/replace/1111".to_vec() }),
        ((None, Some(one), b"refs/heads/\xff"), ClaimRefusal::NotUtf8 { refname: b"refs/heads/\xff".to_vec() }),
        ((None, Some(one), b"HEAD"), no_name(b"HEAD")),
        ((None, Some(one), b"main"), no_name(b"main")),
        ((None, Some(one), b"refs/"), no_name(b"refs/")),
        ((None, Some(one), b"refs/heads/a..b"), no_name(b"refs/heads/a..b")),
        ((None, Some(one), b"refs/heads/a.lock"), no_name(b"refs/heads/a.lock")),
        ((None, Some(one), b"refs/heads//a"), no_name(b"refs/heads//a")),
        ((None, Some(one), b"refs/../jit/config"), no_name(b"refs/../jit/config")),
        ((None, Some(one), b"refs/heads/a\x1b[0m"), no_name(b"refs/heads/a\x1b[0m")),
        ((None, Some(one), b"refs/heads/@{1}"), no_name(b"refs/heads/@{1}")),
    ];
    for (line, refusal) in cases {
        let found = check(&git, &[line]);
        assert_eq!(found, Err(vec![refusal]), "{line:?}");
    }
    let twice = check(&git, &[(Some(two), None, main), (None, Some(side), main), (None, Some(one), b"HEAD")]);
    assert_eq!(twice, Err(vec![ClaimRefusal::Twice { refname: main.to_vec() }, no_name(b"HEAD")]));
}

#[test]
fn refusals_print_nothing_that_a_terminal_obeys() {
    let refusal = ClaimRefusal::NotARefname { refname: b"refs/heads/a\x1b[2J\n".to_vec() };
    assert_eq!(refusal.to_string(), "`refs/heads/a%1B[2J%0A` is not a refname below refs/");
}
