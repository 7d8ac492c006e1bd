//! Reads what a repository on this machine holds, for policies to be held against.

use super::client::hg_failure;
use super::repository::{Found, Repository};
use super::{Failure, IntoFailure};
use crate::adapters::git::{GitHistory, GitRepository};
use crate::adapters::mercurial::Hg;
use crate::domain::audit::System;
use crate::domain::change::{ChangesetId, RepoPath, Target};
use crate::domain::policy::Contents;
use crate::ports::history::History as _;
use std::collections::BTreeMap;

/// Lists the targets, and the paths at the tip of `of`; without it of what a clone would check out.
///
/// In a clone, the branches of its servers count as branches.
///
/// # Errors
/// A [`Failure`] if they cannot be read, or `of` does not exist.
pub fn contents(found: &Found, of: Option<&Target>) -> Result<Contents, Failure> {
    let mut targets = all_targets(found)?;
    let (system, usual) = match &found.repository {
        Repository::Git(git) => (System::Git, git.head().or_fail()?.into_iter().collect()),
        Repository::Mercurial(_) => {
            let usual = [Target::Bookmark((*b"@").into()), Target::Branch((*b"default").into())];
            (System::Hg, usual.to_vec())
        }
    };
    targets.retain(|target, value| !target.is_own() && !value.is_empty());
    let tip = match of {
        Some(target) if targets.contains_key(target) => Some(target.clone()),
        Some(target) => return Err(Failure::usage(format!("{target} does not exist there"))),
        None => usual.into_iter().find(|target| targets.contains_key(target)),
    };
    let value = tip.as_ref().and_then(|tip| targets.get(tip)).and_then(|value| value.first());
    let paths = match (value, &found.repository) {
        (None, _) => Vec::new(),
        (Some(id), Repository::Git(git)) => git.tracked(id).or_fail()?,
        (Some(id), Repository::Mercurial(hg)) => tracked(hg, id)?,
    };
    Ok(Contents { system, targets: targets.into_keys().collect(), tip, paths })
}

/// Returns every target that exists, with its value; of a clone of Git, a server's branch for want of one here.
///
/// # Errors
/// A [`Failure`] if they cannot be read.
pub fn all_targets(found: &Found) -> Result<BTreeMap<Target, Vec<ChangesetId>>, Failure> {
    if let Repository::Mercurial(hg) = &found.repository {
        let mut talk = hg.talk_here().map_err(|error| hg_failure(&error))?;
        return talk.history().all_targets().or_fail();
    }
    let git = GitRepository::at(&found.common_dir).or_fail()?;
    let is_bare = git.is_bare();
    let mut targets = GitHistory::receiving(git, Vec::new()).all_targets().or_fail()?;
    if !is_bare {
        let theirs = targets.iter().filter_map(|(target, value)| Some((branch_of(target)?, value.clone())));
        for (branch, value) in theirs.collect::<Vec<_>>() {
            targets.entry(branch).or_insert(value);
        }
    }
    Ok(targets)
}

/// Returns the branch of a server that a remote-tracking ref stands for.
fn branch_of(target: &Target) -> Option<Target> {
    let name = str::from_utf8(target.as_git_ref()?).ok()?.strip_prefix("refs/remotes/")?;
    let (_, branch) = name.split_once('/')?;
    if branch == "HEAD" { None } else { Target::git_ref(format!("refs/heads/{branch}").as_bytes()).ok() }
}

/// No file that Mercurial tracks has a line feed in its name.
fn tracked(hg: &Hg, id: &ChangesetId) -> Result<Vec<RepoPath>, Failure> {
    let list = hg.must("list the tracked files", ["manifest", "--rev", &id.hex()]);
    let list = list.map_err(|error| hg_failure(&error))?;
    let lines = list.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut paths: Vec<RepoPath> = lines.map(RepoPath::new).collect();
    paths.sort();
    Ok(paths)
}
