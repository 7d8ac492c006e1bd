//! Whether what the client of a push claims is so (docs/spec/semantics.md, "Before any rule").
//!
//! Before any rule is asked, each claim is held against the repository; the first thing that does not hold for a ref is its refusal.
//! Refnames that are not UTF-8 are refused: libgit2 looks refs up by text, so the value of such a ref could not be checked.

use super::receive::Claim;
use super::repository::{GitRepository, RefValue};
use super::tag::{self, Peeled};
use super::{GitError, graph};
use crate::domain::change::{Action, ChangesetId, RefUpdate, Target, TargetKind};
use crate::ports::history::{ClaimRefusal, HistoryError};
use git2::Reference;
use std::collections::BTreeSet;

/// Symbolic refs that lead to each other; Git follows five as well.
const LONGEST_CHAIN: usize = 5;

/// Whose word stands for the values before the push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The repository receives the push: its refs are the values.
    Receiving,
    /// The push goes elsewhere, or is only supposed: the claimed values are all that is known.
    Supposed,
}

/// Holds `claims` against the repository and gives the updates that they come to.
///
/// # Errors
/// [`HistoryError::Refused`] with one refusal for each claim that does not hold.
pub(super) fn check(
    repo: &GitRepository,
    claims: &[Claim],
    standing: Standing,
) -> Result<Vec<RefUpdate>, HistoryError> {
    let mut updates = Vec::new();
    let mut refusals = Vec::new();
    let mut seen = BTreeSet::new();
    for claim in claims {
        match updates_of(repo, claim, standing, &mut seen) {
            Ok(found) => updates.extend(found),
            Err(Wrong::Claim(refusal)) => refusals.push(refusal),
            Err(Wrong::Repository(error)) => return Err(error.into()),
        }
    }
    if refusals.is_empty() { Ok(updates) } else { Err(HistoryError::Refused(refusals)) }
}

/// Where a ref leads.
pub(super) enum Followed {
    /// To a value, or to a ref that does not exist.
    Value {
        /// The name itself, then those that it leads through.
        names: Vec<String>,
        /// What the last of them holds.
        value: Option<ChangesetId>,
    },
    /// Out of `refs/`, in a circle, or too far.
    Nowhere {
        /// The last name before that.
        after: String,
    },
}

/// Follows the ref `name` through symbolic ones.
pub(super) fn follow(repo: &GitRepository, name: &str) -> Result<Followed, GitError> {
    let mut names = Vec::new();
    let mut last = name.to_owned();
    loop {
        let held = repo.ref_value(&last)?;
        names.push(last);
        let next = match held {
            None => return Ok(Followed::Value { names, value: None }),
            Some(RefValue::Object(id)) => return Ok(Followed::Value { names, value: Some(id) }),
            Some(RefValue::Symbolic(next)) => String::from_utf8(next),
        };
        match next {
            Ok(next) if is_refname(&next) && names.len() <= LONGEST_CHAIN && !names.contains(&next) => last = next,
            _ => return Ok(Followed::Nowhere { after: names.pop().unwrap_or_default() }),
        }
    }
}

impl GitRepository {
    /// Returns the targets that a move of the ref `name` moves: itself and, where it is symbolic, those that it leads through.
    ///
    /// A name that is no refname moves nothing.
    ///
    /// # Errors
    /// [`GitError`] if a ref cannot be read.
    pub fn moved_with(&self, name: &[u8]) -> Result<Vec<Target>, GitError> {
        let Some(name) = str::from_utf8(name).ok().filter(|name| is_refname(name)) else { return Ok(Vec::new()) };
        let names = match follow(self, name)? {
            Followed::Value { names, .. } => names,
            Followed::Nowhere { .. } => vec![name.to_owned()],
        };
        Ok(names.iter().filter_map(|name| Target::git_ref(name.as_bytes()).ok()).collect())
    }
}

fn is_refname(name: &str) -> bool {
    name.starts_with("refs/") && Reference::is_valid_name(name)
}

enum Wrong {
    Claim(ClaimRefusal),
    Repository(GitError),
}

impl From<ClaimRefusal> for Wrong {
    fn from(refusal: ClaimRefusal) -> Self {
        Self::Claim(refusal)
    }
}

impl From<GitError> for Wrong {
    fn from(error: GitError) -> Self {
        Self::Repository(error)
    }
}

fn updates_of(
    repo: &GitRepository,
    claim: &Claim,
    standing: Standing,
    seen: &mut BTreeSet<String>,
) -> Result<Vec<RefUpdate>, Wrong> {
    let refname = claim.refname.clone();
    let name = str::from_utf8(&claim.refname).map_err(|_| ClaimRefusal::NotUtf8 { refname: refname.clone() })?;
    if !is_refname(name) {
        return Err(ClaimRefusal::NotARefname { refname }.into());
    }
    let (names, actual) = match standing {
        Standing::Supposed => (vec![name.to_owned()], claim.old),
        Standing::Receiving => match follow(repo, name)? {
            Followed::Value { names, value } => (names, value),
            Followed::Nowhere { after } => return Err(ClaimRefusal::SymbolicRef { refname: after.into() }.into()),
        },
    };
    for name in &names {
        if name.starts_with("refs/replace/") {
            return Err(ClaimRefusal::Replacement { refname: name.clone().into() }.into());
        }
    }
    // All names are remembered before anything is refused, so that a second line for one of them is named as well.
    if let Some(twice) = names.iter().filter(|name| !seen.insert((*name).clone())).last() {
        return Err(ClaimRefusal::Twice { refname: twice.clone().into() }.into());
    }
    if claim.old.is_none() && claim.new.is_none() {
        return Err(ClaimRefusal::BothAbsent { refname }.into());
    }
    if claim.old != actual {
        return Err(ClaimRefusal::NotTheOldValue { refname, claimed: claim.old, actual }.into());
    }
    let mut updates = Vec::with_capacity(names.len());
    for name in &names {
        let target =
            Target::git_ref(name.as_bytes()).map_err(|_| ClaimRefusal::NotARefname { refname: name.clone().into() })?;
        updates.push(update_of(repo, claim, target)?);
    }
    Ok(updates)
}

fn update_of(repo: &GitRepository, claim: &Claim, target: Target) -> Result<RefUpdate, Wrong> {
    let refname = || target.as_git_ref().unwrap_or_default().to_vec();
    let old_commit = match &claim.old {
        Some(old) => tag::peel(repo, old)?.commit(),
        None => None,
    };
    let (kind, _) = target.kind_and_name();
    let (action, tip) = match claim.new {
        None => (Action::Delete, old_commit),
        Some(new) => {
            let tip = match tag::peel(repo, &new)? {
                Peeled::Commit(commit) => Some(commit),
                Peeled::Other => None,
                Peeled::Nothing => return Err(ClaimRefusal::TagCannotBeFollowed { refname: refname(), new }.into()),
                Peeled::Missing => return Err(ClaimRefusal::MissingObject { refname: refname(), new }.into()),
            };
            if kind == TargetKind::Branch && tip != Some(new) {
                return Err(ClaimRefusal::BranchNeedsACommit { refname: refname(), new }.into());
            }
            let action = match (&claim.old, &old_commit, &tip) {
                (None, _, _) => Action::Create,
                (Some(old), _, _) if *old == new => Action::Update,
                (Some(_), Some(before), Some(after))
                    if kind != TargetKind::Tag && graph::descends(repo, after, before)? =>
                {
                    Action::Update
                }
                _ => Action::Rewrite,
            };
            (action, tip)
        }
    };
    let value = claim.new.into_iter().collect();
    let update = RefUpdate::new(target, vec![action], claim.old.into_iter().collect(), value);
    Ok(RefUpdate { tips: tip.into_iter().collect(), ..update })
}
