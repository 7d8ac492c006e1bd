//! What an update does beside bringing changesets: what its target would lose, and how its files would change.

use super::local_clone::Effect;
use crate::adapters::git::{GitError, GitRepository, Listing};
use crate::adapters::mercurial::{HgError, Talk};
use crate::domain::change::{Action, ChangesetId, RefUpdate};

/// Finds it out in a Git repository; `targets` are those of the server, and the update's changesets are loaded.
///
/// # Errors
/// [`GitError`].
pub fn of_git(repository: &GitRepository, targets: &Listing, update: &RefUpdate) -> Result<Effect, GitError> {
    let Some(subject) = update.tips.first() else { return Ok(Effect::default()) };
    let base = update.old.first().map(|old| repository.commit_behind(old)).transpose()?.flatten();
    let compared = |lost, from: Option<ChangesetId>| {
        Ok(Effect { lost, size: repository.change_size(from.as_ref(), subject)?, from, to: Some(*subject) })
    };
    match (update.action(), base) {
        (Action::Delete, _) => {
            let others = targets.iter().filter(|(target, _)| **target != update.target && !target.is_own());
            let others: Vec<ChangesetId> = others.map(|(_, value)| *value).collect();
            Ok(Effect { lost: repository.commits_without(subject, &others)?, ..Effect::default() })
        }
        (Action::Rewrite | Action::Gate(_), Some(base)) => {
            compared(repository.commits_without(&base, &[*subject])?, Some(base))
        }
        (_, Some(base)) => compared(Vec::new(), repository.fork_point(&base, subject)?),
        (_, None) => compared(Vec::new(), start_of_creation(update, subject)),
    }
}

/// Finds it out in a conversation with Mercurial.
///
/// # Errors
/// [`HgError`].
pub fn of_mercurial(talk: &mut Talk, update: &RefUpdate) -> Result<Effect, HgError> {
    let Some(subject) = update.tips.first() else { return Ok(Effect::default()) };
    let (lost, from) = match update.action() {
        // The changesets stay, whatever pointed at them goes; and what becomes public changes no file.
        Action::Delete | Action::Publish => return Ok(Effect::default()),
        Action::Rewrite | Action::Gate(_) => {
            // What a gate was opened for last may have been stripped since.
            let here = talk.reached(&update.old, &update.old)?;
            (talk.between(&here, &[*subject])?, here.first().or(Some(subject)).copied())
        }
        _ => (Vec::new(), start(talk, update, subject)?),
    };
    Ok(Effect { lost, size: talk.size(from.as_ref(), subject)?, from, to: Some(*subject) })
}

/// Finds what the files of a branch or bookmark are compared with: the old value that the new one descends from, else where it left
/// the first of them.
fn start(talk: &mut Talk, update: &RefUpdate, subject: &ChangesetId) -> Result<Option<ChangesetId>, HgError> {
    let Some(old) = update.old.first() else { return Ok(start_of_creation(update, subject)) };
    let below = talk.reached(&update.old, &[*subject])?;
    match below.last() {
        Some(nearest) => Ok(Some(*nearest)),
        None => talk.fork_point(old, subject),
    }
}

/// A creation is compared with where its own changesets begin.
fn start_of_creation(update: &RefUpdate, subject: &ChangesetId) -> Option<ChangesetId> {
    let first = update.changesets.last();
    first.map_or(Some(*subject), |first| first.parents.first().copied())
}
