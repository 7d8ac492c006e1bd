//! What a transaction asks for, as ref updates without their changesets (docs/spec/semantics.md, 3 and 4).
//!
//! A named branch has no value of its own: it is its heads. What it gains are heads that it did not have, whenever their changesets arrived
//! (on another branch's way, or as secret or hidden ones). What it loses are open heads that nothing visible descends from any more.

use super::MercurialError;
use super::changelog::APPROVALS_BRANCH;
use super::request::Request;
use super::state::{BranchMove, Move};
use crate::domain::audit::UpdateRecord;
use crate::domain::change::{Action, ChangesetId, RefUpdate, Target};
use std::collections::BTreeSet;
use std::io::{Read, Write};

/// Tells whether this is the branch of approvals, which no policy judges.
pub(super) fn is_approvals_branch(name: &[u8]) -> bool {
    name == APPROVALS_BRANCH.as_bytes()
}

/// Returns the update of a named branch in a repair: nothing is asked, as its old heads may be gone. Whatever heads it has
/// then, it was rewritten.
pub(super) fn of_repaired_branch(moved: &BranchMove) -> RefUpdate {
    let all = |sides: &[Vec<ChangesetId>; 2]| sides.iter().flatten().copied().collect::<BTreeSet<_>>();
    let (old_all, new_all) = (all(&moved.old), all(&moved.new));
    let action = match (old_all.is_empty(), new_all.is_empty()) {
        (_, true) => Action::Delete,
        (true, false) => Action::Create,
        (false, false) => Action::Rewrite,
    };
    let sorted = |heads: &[ChangesetId]| heads.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    let gained = new_all.difference(&old_all).copied().collect();
    let update = RefUpdate::new(Target::Branch(moved.name.clone()), vec![action], sorted(&moved.old[0]), gained);
    RefUpdate { after: sorted(&moved.new[0]), ..update }
}

/// Returns the update of a named branch.
pub(super) fn of_branch<R: Read, W: Write>(
    request: &mut Request<R, W>,
    moved: &BranchMove,
) -> Result<RefUpdate, MercurialError> {
    let sets = |[open, closed]: &[Vec<ChangesetId>; 2]| -> [BTreeSet<ChangesetId>; 2] {
        [open.iter().copied().collect(), closed.iter().copied().collect()]
    };
    let ([old_open, old_closed], [new_open, new_closed]) = (sets(&moved.old), sets(&moved.new));
    let old_all: BTreeSet<ChangesetId> = &old_open | &old_closed;
    let new_all: BTreeSet<ChangesetId> = &new_open | &new_closed;
    let gained: Vec<ChangesetId> = new_all.difference(&old_all).copied().collect();
    let left: Vec<ChangesetId> = old_all.difference(&new_all).copied().collect();
    let old: Vec<ChangesetId> = old_open.iter().copied().collect();
    let after: Vec<ChangesetId> = new_open.iter().copied().collect();
    let target = Target::Branch(moved.name.clone());
    if new_all.is_empty() {
        return Ok(RefUpdate {
            tips: old_all.into_iter().collect(),
            ..RefUpdate::new(target, vec![Action::Delete], old, vec![])
        });
    }

    // Heads that bring something; where a head vanished, what was below it comes to light as a head, and is nothing new.
    let (fresh, gained_any) = match gained[..] {
        [] => (BTreeSet::new(), false),
        _ => {
            let ids: BTreeSet<ChangesetId> = request.ids(&gained, &old)?.into_iter().collect();
            (gained.iter().filter(|head| ids.contains(head)).copied().collect(), !ids.is_empty())
        }
    };
    // An old head that is still there is nobody's ancestor on the branch; so only those that are gone need a look.
    let mut continued = BTreeSet::new();
    let mut starts_anew = false;
    for head in &gained {
        let below = request.reached(&left, &[*head])?;
        starts_anew |= fresh.contains(head) && !below.iter().any(|id| old_open.contains(id));
        continued.extend(below);
    }
    let vanished: Vec<ChangesetId> = left.iter().filter(|id| !continued.contains(id)).copied().collect();
    let replaced = left.iter().filter(|id| old_open.contains(id)).count();
    let splits = new_open.intersection(&fresh).count() > replaced;

    let mut actions = Vec::new();
    if old.is_empty() && gained_any {
        actions.push(Action::Create);
    }
    if !vanished.is_empty() {
        actions.push(Action::Rewrite);
    }
    if gained.iter().any(|head| new_closed.contains(head)) {
        actions.push(Action::Close);
    }
    if !old.is_empty() && (starts_anew || splits) {
        actions.push(Action::NewHead);
    }
    if !old.is_empty() && gained_any {
        actions.push(Action::Update);
    }
    if moved.is_public {
        actions.push(Action::Publish);
    }
    if actions.is_empty() {
        // Heads changed in a way that none of these names: the strictest reading of it.
        actions.push(Action::Rewrite);
    }
    let mut tips = gained.clone();
    tips.extend(vanished);
    if tips.is_empty() {
        tips = new_all.symmetric_difference(&old_all).copied().collect();
    }
    Ok(RefUpdate { after, tips, ..RefUpdate::new(target, actions, old, gained) })
}

/// Returns the update of a bookmark or tag. A tag that moves is rewritten, wherever it goes.
pub(super) fn of_name(target: Target, moved: &Move) -> RefUpdate {
    let is_tag = matches!(target, Target::Tag(_));
    let action = match (moved.old, moved.new) {
        (_, None) => Action::Delete,
        (None, _) => Action::Create,
        _ if moved.is_forward && !is_tag => Action::Update,
        _ => Action::Rewrite,
    };
    let tips = moved.new.or(moved.old).into_iter().collect();
    RefUpdate { tips, ..RefUpdate::new(target, vec![action], Vec::from_iter(moved.old), Vec::from_iter(moved.new)) }
}

/// Returns the update by which changesets of a branch that were there become public, which are `published`.
///
/// `old` and `after` are the branch's open heads before and after.
pub(super) fn of_publication(
    branch: &[u8],
    old: Vec<ChangesetId>,
    after: Vec<ChangesetId>,
    published: &[super::changelog::Read],
) -> RefUpdate {
    let parents: BTreeSet<ChangesetId> = published.iter().flat_map(|read| read.parents).flatten().collect();
    let heads: BTreeSet<ChangesetId> = published.iter().map(|read| read.id).collect();
    let heads: Vec<ChangesetId> = heads.difference(&parents).copied().collect();
    RefUpdate { after, ..RefUpdate::new(Target::Branch(branch.into()), vec![Action::Publish], old, heads) }
}

/// Returns the update that a log entry tells of; `None` if its tips cannot be told from there.
pub(super) fn of_record(record: &UpdateRecord) -> Option<RefUpdate> {
    let untold = |action: &Action| matches!(action, Action::Rewrite | Action::Delete);
    let is_branch = matches!(record.target, Target::Branch(_));
    if is_branch && (record.actions.iter().any(untold) || record.actions == [Action::Publish]) {
        return None;
    }
    let tips = if record.new.is_empty() { record.old.clone() } else { record.new.clone() };
    let after = record.value_after().to_vec();
    let new = RefUpdate::new(record.target.clone(), record.actions.clone(), record.old.clone(), record.new.clone());
    Some(RefUpdate { tips, after, ..new })
}

/// Returns the update by which approvals arrive, which are `new`; their branch never has an open head.
pub(super) fn of_approvals(new: Vec<ChangesetId>) -> RefUpdate {
    let target = Target::Branch(APPROVALS_BRANCH.as_bytes().into());
    RefUpdate { after: vec![], ..RefUpdate::new(target, vec![Action::Create], vec![], new) }
}
