//! Which repositories are opened, and what a hook sees of a push.

use super::testing::TestRepo;
use super::{GitRepository, OpenError};
use crate::domain::change::IdKind;
use std::fs;
use tempfile::TempDir;

#[test]
fn repositories_that_cannot_be_judged_are_refused_with_the_reason() {
    type Spoil = fn(&TestRepo);
    type Expected = fn(&OpenError) -> bool;
    let cases: [(Spoil, Expected); 5] = [
        (
            |git| drop(fs::write(git.file("shallow"), "1111111111111111111111111111111111111111\n")),
            |error| matches!(error, OpenError::Shallow),
        ),
        (|git| drop(fs::write(git.file("info/grafts"), "")), |error| matches!(error, OpenError::Grafts)),
        (
            |git| {
                git.git(&["config", "core.repositoryformatversion", "1"]);
                git.git(&["config", "extensions.refstorage", "files"]);
                git.git(&["config", "extensions.unknown", "x"]);
            },
            |error| matches!(error, OpenError::Library(_)),
        ),
        (|git| drop(fs::remove_file(git.file("HEAD"))), |error| matches!(error, OpenError::Library(_))),
        (|git| drop(fs::create_dir(git.file("reftable"))), |error| matches!(error, OpenError::Reftable)),
    ];
    for (place, (spoil, expected)) in cases.into_iter().enumerate() {
        let git = TestRepo::new(IdKind::GitSha1);
        spoil(&git);
        let error = GitRepository::at(git.path()).expect_err("a refusal");
        assert!(expected(&error), "case {place}: {error:?}");
    }
    let folder = TempDir::new().expect("a folder");
    let git = TestRepo::new(IdKind::GitSha1);
    let path = folder.path().to_str().expect("text");
    git.git(&["init", "--quiet", "--bare", "--ref-format=reftable", path]);
    assert!(matches!(GitRepository::at(folder.path()), Err(OpenError::Reftable)));
}

#[test]
fn both_hashes_open_and_say_which_they_are() {
    for kind in [IdKind::GitSha1, IdKind::GitSha256] {
        let git = TestRepo::new(kind);
        let repo = git.open();
        assert_eq!(repo.id_kind(), kind);
        assert!(repo.is_bare());
        assert_eq!(fs::canonicalize(repo.common_dir()).ok(), fs::canonicalize(git.path()).ok());
    }
}

#[test]
fn a_replacement_ref_does_not_change_what_is_read() {
    let git = TestRepo::new(IdKind::GitSha1);
    let (harmless, harmful) = (git.tree(&[("a", "1")]), git.tree(&[("a", "1"), ("secret", "2")]));
    let root = git.commit(&harmless, &[], "root");
    let shown = git.commit(&harmless, &[&root], "shown");
    let real = git.commit(&harmful, &[&root], "real");
    git.set_ref(&format!("refs/replace/{}", real.hex()), &shown);
    git.set_ref(&format!("refs/replace/{}", harmful.hex()), &harmless);
    let paths = super::paths::own_paths(&git.open(), &real).expect("paths");
    assert_eq!(paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["secret"]);
}
