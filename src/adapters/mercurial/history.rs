//! The history that a Mercurial transaction stands on, for the decision's steps.
//!
//! What the transaction changes is asked for first; changesets, manifests and reachability only as far as the policy needs them.

use super::changelog::Read as ReadChangeset;
use super::moves::{self, is_approvals_branch};
use super::own_paths::Paths;
use super::reply::Reply;
use super::request::{Header, Request};
use super::state::{self, State};
use super::{MercurialError, content};
use crate::domain::change::{Action, Changeset, ChangesetId, RefUpdate, Target, TipChange, trailers};
use crate::ports::history::{ClaimRefusal, History, HistoryError, Need, OwnPaths, Selection};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{Read, Write};

/// A transaction as the hook's script sees it.
#[derive(Debug)]
pub struct MercurialHistory<R, W> {
    pub(super) request: Request<R, W>,
    pub(super) paths: Paths,
    pub(super) targets: Option<BTreeMap<Target, Vec<ChangesetId>>>,
    /// What becomes public although it was visible before, by branch.
    published: BTreeMap<Box<[u8]>, Vec<ReadChangeset>>,
    tokens: Vec<(ChangesetId, String)>,
}

impl<R: Read, W: Write> MercurialHistory<R, W> {
    /// Takes over a request whose header was read.
    pub fn new(request: Request<R, W>) -> Self {
        Self { request, paths: Paths::new(false), targets: None, published: BTreeMap::new(), tokens: Vec::new() }
    }

    /// Returns what the script said of the transaction.
    pub fn header(&self) -> &Header {
        &self.request.header
    }

    /// Returns the approvals that the transaction carries, with the changesets that hold them.
    ///
    /// Filled by [`History::ref_updates`], also when that refuses the transaction: an approval is worth keeping either way. Their
    /// signatures were not looked at. After an allowed decision their changesets belong into [`Reply::Allow`]'s `publish`.
    pub fn tokens(&self) -> &[(ChangesetId, String)] {
        &self.tokens
    }

    /// As [`History::ref_updates`], of a transaction that is only recorded: nothing in it is refused.
    ///
    /// # Errors
    /// [`HistoryError`] if the script cannot tell.
    pub fn unjudged_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        let state = State::ask(&mut self.request)?;
        // The log could not name these.
        let odd = state.odd_names();
        if !odd.is_empty() {
            return Err(HistoryError::Refused(odd));
        }
        let branches = state.branches.iter().filter(|moved| !is_approvals_branch(&moved.name));
        Ok(branches.map(moves::of_repaired_branch).chain(names(&state)).collect())
    }

    /// Ends the conversation with an answer.
    ///
    /// # Errors
    /// [`MercurialError::BrokenOff`]: the script then takes the answer as a denial.
    pub fn reply(self, reply: &Reply) -> Result<(), MercurialError> {
        self.request.reply(reply)
    }

    fn targets(&mut self) -> Result<&BTreeMap<Target, Vec<ChangesetId>>, MercurialError> {
        if self.targets.is_none() {
            self.targets = Some(state::targets(&mut self.request)?);
        }
        Ok(self.targets.get_or_insert_default())
    }

    /// Returns the values of the existing targets that `selection` picks. Approvals hide nothing.
    fn picked(&mut self, selection: &Selection<'_>) -> Result<Vec<ChangesetId>, MercurialError> {
        let theirs = |target: &Target| matches!(target, Target::Branch(name) if is_approvals_branch(name));
        let picked = |target: &&Target| !theirs(target) && (selection.picks)(target);
        let all = self.targets()?;
        let values: BTreeSet<ChangesetId> =
            all.keys().filter(picked).filter_map(|target| all.get(target)).flatten().copied().collect();
        Ok(values.into_iter().collect())
    }

    /// Checks what holds whatever the policy says, and collects the approvals that arrive on their branch.
    fn check(&mut self, state: &State) -> Result<Vec<ClaimRefusal>, MercurialError> {
        let mut refusals = state.odd_names();
        refusals.extend(state.obsolete.iter().map(|changeset| ClaimRefusal::ObsoleteArrival { changeset: *changeset }));
        for (node, branch) in &state.markers {
            if let (Some(node), true) = (node, is_approvals_branch(branch)) {
                refusals.push(ClaimRefusal::ObsoleteApproval { changeset: *node });
            }
        }
        let names = state.bookmarks.iter().map(|moved| (moved, Target::Bookmark(moved.name.clone())));
        for (moved, target) in names.chain(state.tags.iter().map(|moved| (moved, Target::Tag(moved.name.clone())))) {
            if is_approvals_branch(&moved.branch) || is_approvals_branch(&moved.name) && moved.new.is_some() {
                refusals.push(ClaimRefusal::NameOfApprovals { target });
            }
        }
        let Some(moved) = state.branches.iter().find(|moved| is_approvals_branch(&moved.name)) else {
            return Ok(refusals);
        };
        let all = |sides: &[Vec<ChangesetId>; 2]| sides.iter().flatten().copied().collect::<BTreeSet<_>>();
        let (old, new) = (all(&moved.old), all(&moved.new));
        let gained: Vec<ChangesetId> = new.difference(&old).copied().collect();
        let left: Vec<ChangesetId> = old.difference(&new).copied().collect();
        let continued: BTreeSet<ChangesetId> = self.request.reached(&left, &gained)?.into_iter().collect();
        for changeset in left.into_iter().filter(|id| !continued.contains(id)) {
            refusals.push(ClaimRefusal::ObsoleteApproval { changeset });
        }
        // The heads are enough: whatever stands below one of them makes it a changeset with a parent.
        for read in self.request.changesets(&gained)? {
            match read.token() {
                Ok(text) => self.tokens.push((read.id, text)),
                Err(fault) => {
                    let problem = fault.to_string();
                    refusals.push(ClaimRefusal::NotAnApproval { changeset: read.id, problem });
                }
            }
        }
        Ok(refusals)
    }

    fn updates(&mut self, state: State) -> Result<Vec<RefUpdate>, MercurialError> {
        let mut updates = Vec::new();
        let named: Vec<RefUpdate> = names(&state).collect();
        for moved in state.branches.iter().filter(|moved| !is_approvals_branch(&moved.name)) {
            updates.push(moves::of_branch(&mut self.request, moved)?);
        }
        for (branch, ids) in state.published.into_iter().filter(|(branch, _)| !is_approvals_branch(branch)) {
            let published = self.request.changesets(&ids)?;
            let old = self.targets()?.get(&Target::Branch(branch.clone())).cloned().unwrap_or_default();
            let moved = updates.iter().find(|update| update.target == Target::Branch(branch.clone()));
            let after = moved.map_or_else(|| old.clone(), |update| update.after.clone());
            updates.push(moves::of_publication(&branch, old, after, &published));
            self.published.insert(branch, published);
        }
        updates.extend(named);
        if !self.tokens.is_empty() {
            updates.push(moves::of_approvals(self.tokens.iter().map(|(id, _)| *id).collect()));
        }
        Ok(updates)
    }

    fn load_changesets(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), MercurialError> {
        let read = match (&update.target, update.action()) {
            (_, Action::Delete) => Vec::new(),
            (Target::Branch(name), Action::Publish) if update.actions.len() == 1 => {
                self.published.get(name).cloned().unwrap_or_default()
            }
            (_, Action::Create) if !need.whole => {
                let mut seen = BTreeSet::new();
                for selection in &need.hidden {
                    let hidden = self.picked(selection)?;
                    let ids: BTreeSet<ChangesetId> = self.request.ids(&update.new, &hidden)?.into_iter().collect();
                    seen.extend(ids.iter().copied());
                    update.scopes.insert(selection.rule.clone(), ids);
                }
                self.request.changesets(&seen.into_iter().collect::<Vec<_>>())?
            }
            (_, Action::Create) => {
                let whole = self.request.between(&update.new, &[])?;
                for selection in &need.hidden {
                    let hidden = self.picked(selection)?;
                    let ids = self.request.ids(&update.new, &hidden)?;
                    update.scopes.insert(selection.rule.clone(), ids.into_iter().collect());
                }
                whole
            }
            _ => self.request.between(&update.new, &update.old)?,
        };
        let with_trailers = |read: &ReadChangeset| {
            let found = if need.trailers { trailers(read.description()) } else { None };
            Changeset { trailers: found, ..read.to_changeset() }
        };
        update.changesets = read.iter().map(with_trailers).collect();
        Ok(())
    }

    fn load_promoted(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), MercurialError> {
        for selection in &need.promoted {
            let from = self.picked(selection)?;
            let elsewhere: HashSet<ChangesetId> = if from.is_empty() || update.new.is_empty() {
                update.changesets.iter().map(|changeset| changeset.id).collect()
            } else {
                self.request.ids(&update.new, &from)?.into_iter().collect()
            };
            let ids = update.changesets.iter().map(|changeset| changeset.id).filter(|id| !elsewhere.contains(id));
            update.promoted.insert(selection.rule.clone(), ids.collect());
        }
        Ok(())
    }

    /// A head that vanishes takes with it whatever stands there: nobody looks at which paths, so all count.
    fn load_tip_changes(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), MercurialError> {
        let new: HashSet<ChangesetId> = update.new.iter().copied().collect();
        let mut changes = Vec::new();
        for tip in update.tips.clone() {
            if !new.contains(&tip) || update.old.is_empty() {
                changes.push(TipChange { tip, paths: None, lines: None });
                continue;
            }
            for old in update.old.clone() {
                let (paths, lines) = self.paths.difference(&mut self.request, old, tip, need.lines)?;
                changes.push(TipChange { tip, paths: Some(paths), lines });
            }
        }
        update.tip_changes = changes;
        Ok(())
    }

    fn load_all(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), MercurialError> {
        (update.scopes, update.promoted) = Default::default();
        self.load_changesets(update, need)?;
        self.load_promoted(update, need)?;
        self.paths.fill(&mut self.request, &mut update.changesets, need)?;
        let compares = update.actions.iter().any(|action| matches!(action, Action::Rewrite | Action::NewHead));
        if compares && need.own_paths != OwnPaths::Unneeded {
            self.load_tip_changes(update, need)?;
        }
        Ok(())
    }
}

/// The updates of bookmarks and tags.
fn names(state: &State) -> impl Iterator<Item = RefUpdate> {
    let bookmarks = state.bookmarks.iter().map(|moved| moves::of_name(Target::Bookmark(moved.name.clone()), moved));
    bookmarks.chain(state.tags.iter().map(|moved| moves::of_name(Target::Tag(moved.name.clone()), moved)))
}

impl<R: Read, W: Write> History for MercurialHistory<R, W> {
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        let state = State::ask(&mut self.request)?;
        self.paths = Paths::new(state.has_largefiles);
        self.tokens.clear();
        self.published.clear();
        let refusals = self.check(&state)?;
        if !refusals.is_empty() {
            return Err(HistoryError::Refused(refusals));
        }
        Ok(self.updates(state)?)
    }

    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError> {
        match update.target {
            Target::Ref(_) => Err(HistoryError::ForeignTarget { target: update.target.clone() }),
            _ => Ok(self.load_all(update, need)?),
        }
    }

    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError> {
        let bases: Vec<ChangesetId> = bases.iter().copied().collect();
        update.reachable_bases = self.request.reached(&bases, &update.old)?.into_iter().collect();
        Ok(())
    }

    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError> {
        update.contents = content::contents(&mut self.request, &update.changesets)?;
        Ok(())
    }

    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError> {
        let ids: Vec<ChangesetId> = ids.iter().copied().collect();
        Ok(self.request.reached(&ids, &update.old)?.into_iter().collect())
    }

    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError> {
        Ok(self.targets()?.get(target).cloned().unwrap_or_default())
    }

    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError> {
        Ok(self.targets()?.clone())
    }
}
