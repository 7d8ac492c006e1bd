//! Commits that several threads read.

use super::testing::TestRepo;
use super::walk::{WORTH_THREADS, changesets};
use super::{GitError, GitRepository};
use crate::domain::change::{Changeset, ChangesetId, IdKind, RepoPath};
use crate::ports::history::{Need, OwnPaths};
use std::time::Instant;

/// A line of commits, the newest first; each changes `f`, and a file of its own.
fn line(git: &TestRepo, count: usize) -> Vec<ChangesetId> {
    let mut stream = String::new();
    for number in 0..count {
        let content = number.to_string();
        let data = format!("data {}\n{content}\n", content.len());
        stream.push_str(&format!(
            "commit refs/heads/main\ncommitter alice <alice@example.com> {} +0000\n{data}\
             M 100644 inline f\n{data}M 100644 inline {number}\n{data}",
            1_000_000_000 + number
        ));
    }
    git.git_with(&["fast-import", "--quiet"], stream.as_bytes());
    let listed = git.git(&["rev-list", "main"]);
    listed.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| git.id_of(line)).collect()
}

fn read(repo: &GitRepository, ids: &[ChangesetId]) -> Result<Vec<Changeset>, GitError> {
    changesets(repo, ids, &Need { own_paths: OwnPaths::All, ..Need::default() })
}

#[test]
fn what_several_threads_read_is_what_one_reads() {
    let git = TestRepo::new(IdKind::GitSha1);
    let ids = line(&git, WORTH_THREADS + 7);
    let all = read(&git.open(), &ids).expect("commits");
    assert_eq!(all.iter().map(|changeset| changeset.id).collect::<Vec<_>>(), ids);
    for (number, changeset) in all.iter().rev().enumerate() {
        let own = [number.to_string(), "f".to_owned()].map(|path| RepoPath::new(path.as_bytes()));
        assert_eq!(changeset.own_paths.as_deref(), Some(&own[..]));
    }
    let repo = git.open();
    let one: Vec<Changeset> = ids.chunks(500).flat_map(|part| read(&repo, part).expect("commits")).collect();
    assert_eq!(format!("{all:?}"), format!("{one:?}"));
}

#[test]
fn several_threads_share_one_budget_and_one_deadline() {
    let git = TestRepo::new(IdKind::GitSha1);
    let ids = line(&git, WORTH_THREADS);
    let entries: u64 = 2 * (1..=WORTH_THREADS as u64).sum::<u64>();
    let repo = git.open();
    // Enough for each half of the commits alone.
    repo.budget.shrink(entries - 1);
    assert!(matches!(read(&repo, &ids), Err(GitError::TooLarge { .. })));
    let late = git.open();
    late.set_deadline(Some(Instant::now()));
    assert!(matches!(read(&late, &ids), Err(GitError::DeadlinePassed)));
    // Whichever thread meets it, what is missing is said.
    for place in [0, WORTH_THREADS - 1] {
        let mut ids = ids.clone();
        ids[place] = ChangesetId::from_bytes(IdKind::GitSha1, &[9; 20]).expect("an id");
        assert!(matches!(read(&git.open(), &ids), Err(GitError::Missing { object }) if object == ids[place]));
    }
}
