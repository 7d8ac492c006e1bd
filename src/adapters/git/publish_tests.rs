//! What is written to and read from `refs/jit/`, and what is refused there.

use super::testing::TestRepo;
use super::{APPROVALS_REF, GitError, OwnRefRefusal, PublishError};
use crate::domain::change::{ChangesetId, IdKind};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

fn files(list: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    list.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn now() -> Timestamp {
    Timestamp::from_unix(1_800_000_000).expect("a time")
}

#[test]
fn the_policy_is_replaced_whole_and_its_past_stays() {
    for kind in [IdKind::GitSha1, IdKind::GitSha256] {
        let git = TestRepo::new(kind);
        let repo = git.open();
        repo.publish_policy(&files(&[("repository.toml", "a"), ("old.toml", "b")]), now()).expect("published");
        let first = git.rev("refs/jit/policy");
        repo.publish_policy(&files(&[("repository.toml", "c")]), now()).expect("published");
        repo.publish_policy(&files(&[("repository.toml", "c")]), now()).expect("published");
        assert_eq!(git.rev("refs/jit/policy^"), first);
        assert_eq!(git.git(&["ls-tree", "--name-only", "refs/jit/policy"]), b"repository.toml\n");
        assert_eq!(git.git(&["show", "refs/jit/policy:repository.toml"]), b"c");
        assert_eq!(
            git.git(&["log", "-1", "--format=%an <%ae> %at %cn", "refs/jit/policy"]),
            b"jit <jit@localhost> 1800000000 jit\n"
        );
        git.git(&["fsck", "--strict"]);
    }
}

#[test]
fn the_checkpoint_is_the_newest_text() {
    let git = TestRepo::new(IdKind::GitSha1);
    let repo = git.open();
    assert_eq!(repo.blob_at("refs/jit/checkpoint", 100).expect("nothing"), None);
    repo.publish_checkpoint(b"one", |_| false).expect("published");
    repo.publish_checkpoint(b"two", |_| false).expect("published");
    repo.publish_checkpoint(b"late", |present| present == b"two").expect("nothing to do");
    assert_eq!(repo.blob_at("refs/jit/checkpoint", 100).expect("a text").as_deref(), Some(&b"two"[..]));
    assert!(matches!(repo.blob_at("refs/jit/checkpoint", 2), Err(GitError::TooLarge { .. })));
}

#[test]
fn a_lock_that_a_killed_process_left_is_taken_away_and_a_fresh_one_is_not() {
    let git = TestRepo::new(IdKind::GitSha1);
    let repo = git.open();
    repo.publish_checkpoint(b"one", |_| false).expect("published");
    let lock = git.file("refs/jit/checkpoint.lock");
    for (minutes, published) in [(0, false), (9, false), (11, true)] {
        let left = File::create(&lock).expect("a lock");
        left.set_modified(SystemTime::now() - Duration::from_secs(minutes * 60)).expect("a time");
        let result = repo.publish_checkpoint(b"two", |_| false);
        assert_eq!(result.is_ok(), published, "{minutes} minutes: {result:?}");
        assert_eq!(lock.exists(), !published, "{minutes} minutes");
    }
    assert_eq!(repo.blob_at("refs/jit/checkpoint", 100).expect("a text").as_deref(), Some(&b"two"[..]));
}

#[test]
fn a_ref_moves_only_from_the_value_that_was_read_wherever_git_keeps_it() {
    let git = TestRepo::new(IdKind::GitSha1);
    let repo = git.open();
    let file = git.file("refs/jit/checkpoint");
    repo.publish_checkpoint(b"one", |_| false).expect("published");
    let one = git.rev("refs/jit/checkpoint");
    git.git(&["pack-refs", "--all", "--prune"]);
    let _kept = fs::remove_dir(git.file("refs/jit"));
    assert!(!file.exists(), "it is packed");
    repo.publish_checkpoint(b"two", |present| present != b"one").expect("published");
    let two = git.rev("refs/jit/checkpoint");
    assert_eq!(git.git(&["cat-file", "blob", &two.hex()]), b"two");

    let hex = one.hex();
    for moved in [&["update-ref", "refs/jit/checkpoint", &*hex][..], &["update-ref", "-d", "refs/jit/checkpoint"]] {
        git.set_ref("refs/jit/checkpoint", &two);
        let raced = repo.publish_checkpoint(b"three", |_| {
            git.git(moved);
            false
        });
        assert!(matches!(raced, Err(PublishError::Raced { refname: "refs/jit/checkpoint" })), "{raced:?}");
        let found = repo.blob_at("refs/jit/checkpoint", 100).expect("a look");
        assert_eq!(found, (!moved.contains(&"-d")).then(|| b"one".to_vec()));
        assert!(!git.file("refs/jit/checkpoint.lock").exists());
    }
}

#[test]
fn tokens_are_added_and_found_by_their_commit() {
    let git = TestRepo::new(IdKind::GitSha1);
    let repo = git.open();
    repo.publish_approvals(&files(&[("ab/cdef/1", "one"), ("ab/ff/2", "two")]), now()).expect("published");
    let first = git.rev(APPROVALS_REF);
    repo.publish_approvals(&files(&[("ab/cdef/1", "one"), ("ab/cdef/3", "three")]), now()).expect("published");
    let second = git.rev(APPROVALS_REF);
    repo.publish_approvals(&files(&[("ab/cdef/3", "three")]), now()).expect("published");
    assert_eq!((git.rev(APPROVALS_REF), git.rev("refs/jit/approvals^")), (second, first));
    let found = |folder: &str| -> Vec<(String, Vec<u8>)> {
        let tokens = repo.published_tokens(APPROVALS_REF, folder).expect("tokens");
        tokens.into_iter().map(|token| (token.path.to_string(), token.text)).collect()
    };
    assert_eq!(found("ab/cdef"), [("1".to_owned(), b"one".to_vec()), ("3".to_owned(), b"three".to_vec())]);
    assert_eq!(found("ab/ff"), [("2".to_owned(), b"two".to_vec())]);
    assert_eq!(found("ab/none"), []);
    assert_eq!(found("ab/ff/2"), []);
    let added = repo.added_approvals(Some(&first), &second).expect("an addition");
    assert_eq!(added.iter().map(|file| file.path.to_string()).collect::<Vec<_>>(), ["ab/cdef/3"]);
    assert_eq!(repo.added_approvals(None, &second).map(|all| all.len()).ok(), Some(3));
    let taken = repo.publish_approvals(&files(&[("ab/cdef/1", "other")]), now());
    assert!(matches!(taken, Err(PublishError::Taken { path }) if path == "ab/cdef/1"));
    assert!(matches!(repo.publish_approvals(&files(&[("ab/cdef", "x")]), now()), Err(PublishError::Taken { .. })));
    assert!(matches!(repo.publish_approvals(&files(&[("ab/ff/2/x", "x")]), now()), Err(PublishError::Taken { .. })));
    assert_eq!(git.rev(APPROVALS_REF), second);
}

#[test]
fn only_plain_paths_are_published() {
    let git = TestRepo::new(IdKind::GitSha1);
    let repo = git.open();
    for path in ["", "/a", "a//b", "a/", "../a", "a/./b", ".git/x", "-a", "a\0b", "a b", "é", "a\\b"] {
        let refused = repo.publish_approvals(&files(&[(path, "x")]), now());
        assert!(matches!(refused, Err(PublishError::BadPath { .. })), "{path:?}");
    }
    assert!(git.git(&["for-each-ref"]).is_empty());
}

#[test]
fn a_pusher_may_only_add_plain_short_files() {
    let git = TestRepo::new(IdKind::GitSha1);
    let repo = git.open();
    let before = git.commit(&git.tree(&[("ab/c/1", "one"), ("ab/c/2", "two")]), &[], "before");
    let on_top = |tree: &ChangesetId| git.commit(tree, &[&before], "after");
    let refused = |new: &ChangesetId| repo.added_approvals(Some(&before), new).expect_err("a refusal");
    let with_entry = |mode: &str, id: &ChangesetId| {
        git.raw_object("tree", &[format!("{mode} x\0").as_bytes(), id.as_bytes()].concat())
    };
    let empty = git.commit(&git.tree(&[]), &[], "empty");
    let odd = |mode: &str, id: &ChangesetId| {
        let new = git.commit(&with_entry(mode, id), &[&empty], "odd");
        repo.added_approvals(Some(&empty), &new).expect_err("a refusal")
    };
    let blob = git.raw_object("blob", b"x");

    let long = "x".repeat(64 * 1024 + 1);
    let base = [("ab/c/1", "one"), ("ab/c/2", "two")];
    let more = |path: &'static str, text: &str| git.tree(&[base[0], base[1], (path, text)]);
    assert_eq!(repo.added_approvals(Some(&before), &on_top(&more("ab/d/1", "new"))).map(|all| all.len()).ok(), Some(1));
    assert!(
        matches!(refused(&on_top(&git.tree(&base[..1]))), OwnRefRefusal::Removed { path } if path.as_bytes() == b"ab/c/2")
    );
    assert!(matches!(refused(&on_top(&git.tree(&[base[0], ("ab/c/2", "other")]))), OwnRefRefusal::Changed { .. }));
    assert!(matches!(
        refused(&on_top(&git.tree(&[("ab/c", "one")]))),
        OwnRefRefusal::Removed { .. } | OwnRefRefusal::Changed { .. }
    ));
    assert!(matches!(refused(&on_top(&more("ab/d/1", &long))), OwnRefRefusal::TooLong { .. }));
    let unrelated = git.commit(&more("ab/d/1", "new"), &[], "unrelated");
    assert!(matches!(refused(&unrelated), OwnRefRefusal::NotForward { .. }));
    assert!(matches!(refused(&blob), OwnRefRefusal::NotACommit(_)));
    for mode in ["100755", "120000", "160000", "100664"] {
        assert!(matches!(odd(mode, &blob), OwnRefRefusal::NotAFile { .. }), "{mode}");
    }
    assert!(matches!(odd("100644", &before), OwnRefRefusal::NotAFile { .. }));
    let entries: Vec<u8> =
        (0..10_001).flat_map(|number| [format!("100644 {number:05}\0").as_bytes(), blob.as_bytes()].concat()).collect();
    let many = git.commit(&git.raw_object("tree", &entries), &[], "many");
    assert!(matches!(repo.added_approvals(None, &many), Err(OwnRefRefusal::TooMany { limit: 10_000 })));
}

#[test]
fn a_request_is_one_commit_on_top_of_its_subject() {
    let git = TestRepo::new(IdKind::GitSha256);
    let repo = git.open();
    let tree = git.tree(&[("a", "1")]);
    let subject = git.commit(&tree, &[], "subject");
    let request = git.commit(&tree, &[&subject], "jit-request/v1\ntarget refs/heads/main");
    let read = repo.request(&request).expect("a request");
    assert_eq!((read.subject, read.message), (subject, b"jit-request/v1\ntarget refs/heads/main\n".to_vec()));
    assert!(matches!(repo.request(&subject), Err(OwnRefRefusal::NotOneParent { parents: 0, .. })));
    let merge = git.commit(&tree, &[&subject, &request], "merge");
    assert!(matches!(repo.request(&merge), Err(OwnRefRefusal::NotOneParent { parents: 2, .. })));
    assert!(matches!(repo.request(&tree), Err(OwnRefRefusal::NotACommit(_))));
    let long = git.commit(&tree, &[&subject], &"x".repeat(70_000));
    assert!(matches!(repo.request(&long), Err(OwnRefRefusal::LongMessage { .. })));
}

#[test]
fn every_commit_of_an_addition_adds_to_the_one_before_and_holds_nothing_else() {
    let git = TestRepo::new(IdKind::GitSha1);
    let repo = git.open();
    let base = [("ab/c/1", "one")];
    let before = git.commit(&git.tree(&base), &[], "before");
    let (one_more, two_more) =
        (git.tree(&[base[0], ("ab/c/2", "two")]), git.tree(&[base[0], ("ab/c/2", "two"), ("ab/c/3", "three")]));
    let middle = git.commit(&one_more, &[&before], "middle");
    let added = |new: &ChangesetId| repo.added_approvals(Some(&before), new);

    let honest = added(&git.commit(&two_more, &[&middle], "last")).expect("two additions");
    assert_eq!(honest.iter().map(|file| file.path.to_string()).collect::<Vec<_>>(), ["ab/c/2", "ab/c/3"]);
    assert!(added(&before).expect("nothing moves").is_empty());

    let empty = git.tree(&[]);
    let beside_folder = |name: &str| {
        let (folder, token) = (repo.tree(&one_more).expect("a tree").get(0).expect("ab").1.id, empty);
        let entry = |name: &str, id: &ChangesetId| [format!("40000 {name}\0").as_bytes(), id.as_bytes()].concat();
        let (hollow, full) = (entry(name, &token), entry("ab", &folder));
        git.raw_object("tree", &if name < "ab" { [hollow, full] } else { [full, hollow] }.concat())
    };
    for name in [".git", "zz"] {
        let refused = added(&git.commit(&beside_folder(name), &[&before], "hollow")).expect_err("a refusal");
        assert!(matches!(refused, OwnRefRefusal::EmptyFolder), "{name}: {refused}");
    }
    let hidden = git.commit(&git.tree(&[base[0], ("junk", "junk")]), &[&before], "junk");
    let cleaned = git.commit(&one_more, &[&hidden], "cleaned");
    assert!(matches!(added(&cleaned), Err(OwnRefRefusal::Removed { .. })));
    let idle = git.commit(&git.tree(&base), &[&before], "idle");
    assert!(matches!(added(&idle), Err(OwnRefRefusal::AddsNothing { commit }) if commit == idle));
    assert!(matches!(added(&git.commit(&one_more, &[&idle], "after idle")), Err(OwnRefRefusal::AddsNothing { .. })));
    let merge = git.commit(&one_more, &[&before, &git.commit(&empty, &[], "elsewhere")], "merge");
    assert!(matches!(added(&merge), Err(OwnRefRefusal::Merge { commit }) if commit == merge));
    let wordy = git.commit(&one_more, &[&before], &"x".repeat(20_000));
    assert!(matches!(added(&wordy), Err(OwnRefRefusal::LongCommit { .. })));
    assert!(matches!(
        repo.added_approvals(None, &git.commit(&empty, &[], "first")),
        Err(OwnRefRefusal::EmptyFolder | OwnRefRefusal::AddsNothing { .. })
    ));
}
