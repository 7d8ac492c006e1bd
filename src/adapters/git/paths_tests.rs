//! Own changes where random histories seldom go; `oracle` has the rest.

use super::paths;
use super::testing::TestRepo;
use crate::domain::change::{ChangesetId, IdKind};

type Files<'f> = &'f [(&'f str, &'f str)];

fn own(git: &TestRepo, files: Files<'_>, parents: &[&ChangesetId]) -> Vec<String> {
    let commit = git.commit(&git.tree(files), parents, "m");
    paths::own_paths(&git.open(), &commit).expect("paths").iter().map(ToString::to_string).collect()
}

#[test]
fn a_merge_owns_what_a_three_way_merge_does_not_give() {
    let git = TestRepo::new(IdKind::GitSha1);
    let commit = |files: Files<'_>, parents: &[&ChangesetId]| git.commit(&git.tree(files), parents, "c");
    let base = commit(&[("d/a", "0"), ("d/b", "0"), ("db/m", "0")], &[]);
    let main = commit(&[("d/a", "1"), ("d/b", "0"), ("db/m", "1")], &[&base]);
    let topic = commit(&[("d/a", "0"), ("d/b", "2"), ("db/m", "0")], &[&base]);
    let cases: [(Files<'_>, &[&str]); 6] = [
        (&[("d/a", "1"), ("d/b", "2"), ("db/m", "1")], &[]),
        (&[("d/a", "1"), ("d/b", "2"), ("db/m", "0")], &["db/m"]),
        (&[("d/a", "1"), ("d/b", "2"), ("db/m", "evil")], &["db/m"]),
        (&[("d/a", "1"), ("d/b", "2")], &["db/m"]),
        (&[("d/a", "1"), ("d/b", "2"), ("db/m", "1"), ("new", "x")], &["new"]),
        (&[("d/a", "0"), ("d/b", "0"), ("db/m", "0")], &["d/a", "d/b", "db/m"]),
    ];
    for (files, expected) in cases {
        assert_eq!(own(&git, files, &[&main, &topic]), expected, "{files:?}");
        assert_eq!(own(&git, files, &[&topic, &main]), expected, "{files:?}");
    }
    let both = commit(&[("d/a", "3"), ("d/b", "0"), ("db/m", "0")], &[&base]);
    assert_eq!(own(&git, &[("d/a", "1"), ("d/b", "0"), ("db/m", "1")], &[&main, &both]), ["d/a"]);
    let unrelated = commit(&[("u", "0")], &[]);
    assert_eq!(own(&git, &[("d/a", "0"), ("d/b", "0"), ("db/m", "0"), ("u", "0")], &[&base, &unrelated]), [""; 0]);
    assert_eq!(
        own(&git, &[("d/a", "1"), ("d/b", "2"), ("db/m", "1")], &[&main, &topic, &base]),
        ["d/a", "d/b", "db/m"]
    );
}

#[test]
fn with_two_bases_that_disagree_nothing_is_expected() {
    let git = TestRepo::new(IdKind::GitSha1);
    let commit = |content: &str, parents: &[&ChangesetId]| git.commit(&git.tree(&[("a/x", content)]), parents, content);
    let root = commit("0", &[]);
    let (one, two) = (commit("1", &[&root]), commit("2", &[&root]));
    let (left, right) = (commit("1", &[&one, &two]), commit("2", &[&two, &one]));
    for content in ["1", "2", "3"] {
        assert_eq!(own(&git, &[("a/x", content)], &[&left, &right]), ["a/x"], "{content}");
    }
}

#[test]
fn a_file_that_becomes_a_folder_changes_both_paths() {
    let git = TestRepo::new(IdKind::GitSha1);
    let file = git.commit(&git.tree(&[("a", "1"), ("a-", "1")]), &[], "file");
    assert_eq!(own(&git, &[("a/b", "1"), ("a/c/d", "1"), ("a-", "1")], &[&file]), ["a", "a/b", "a/c/d"]);
}

#[test]
fn modes_links_and_submodules_count_and_names_are_bytes() {
    let git = TestRepo::new(IdKind::GitSha256);
    let blob = git.raw_object("blob", b"x");
    let tree = |entries: &[(&str, &[u8])]| {
        let entry = |(mode, name): &(&str, &[u8])| [mode.as_bytes(), b" ", name, b"\0", blob.as_bytes()].concat();
        git.raw_object("tree", &entries.iter().flat_map(entry).collect::<Vec<u8>>())
    };
    let before = git.commit(&tree(&[("100644", b"file"), ("100644", b"link"), ("100644", b"sub")]), &[], "before");
    let after = tree(&[("100755", b"file"), ("120000", b"link"), ("160000", b"sub"), ("100644", b"\xff\n\"")]);
    let commit = git.commit(&after, &[&before], "after");
    let found = paths::own_paths(&git.open(), &commit).expect("paths");
    let found: Vec<&[u8]> = found.iter().map(|path| path.as_bytes()).collect();
    assert_eq!(found, [&b"file"[..], b"link", b"sub", b"\xff\n\""]);
}

#[test]
fn the_depth_of_folders_is_bounded_without_recursion() {
    let git = TestRepo::new(IdKind::GitSha1);
    let deep = |depth: usize| {
        // All levels in one stream: a process for each would take minutes.
        let path = vec!["d"; depth].join("/");
        let stream =
            format!("commit refs/c/{depth}\ncommitter a <a> 1 +0000\ndata 0\nM 100644 inline {path}/f\ndata 1\nx\n\n");
        git.git_with(&["-c", "core.maxtreedepth=10000", "fast-import", "--quiet"], stream.as_bytes());
        git.rev(&format!("refs/c/{depth}"))
    };
    let paths = paths::own_paths(&git.open(), &deep(4_000)).expect("paths");
    assert_eq!(paths.len(), 1);
    assert!(paths::own_paths(&git.open(), &deep(4_200)).is_err());
}
