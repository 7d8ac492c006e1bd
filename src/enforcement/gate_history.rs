//! The history of a gate: what an environment would get that it has not (docs/spec/gate.md, "What is judged").
//!
//! It is read as that of a branch which moves from the changeset for which the gate opened last to the one that is asked for. Where nothing is
//! known of before, the changeset stands alone, and touches everything.

use crate::domain::change::{Action, ChangesetId, Gate, RefUpdate, Target, TipChange};
use crate::ports::history::{History, HistoryError, Need};
use std::collections::{BTreeMap, BTreeSet};

/// A gate, and the history of the repository that it belongs to.
#[derive(Debug)]
pub struct GateHistory<H> {
    history: H,
    gate: Gate,
    old: Vec<ChangesetId>,
}

impl<H: History> GateHistory<H> {
    /// Takes `old` for what the gate opened for last; nothing, if it never did. A server's log knows better.
    pub fn new(history: H, gate: Gate, old: Vec<ChangesetId>) -> Self {
        Self { history, gate, old }
    }

    /// Tells whether the repository still has a changeset.
    fn has(&mut self, update: &RefUpdate, id: ChangesetId) -> Result<bool, HistoryError> {
        let own = RefUpdate { old: vec![id], ..update.clone() };
        match self.history.held(&own, &BTreeSet::from([id])) {
            Err(HistoryError::Missing { object }) if object == id.hex() => Ok(false),
            held => Ok(!held?.is_empty()),
        }
    }

    /// Loads what a branch would bring that moved so.
    fn load_moved(&mut self, update: &mut RefUpdate, old: ChangesetId, need: &Need<'_>) -> Result<(), HistoryError> {
        let turned = RefUpdate { old: update.new.clone(), ..update.clone() };
        let is_forward = !self.history.held(&turned, &BTreeSet::from([old]))?.is_empty();
        let action = if is_forward { Action::Update } else { Action::Rewrite };
        let mut moved = RefUpdate { actions: vec![action], ..update.clone() };
        match self.history.load(&mut moved, need) {
            Ok(()) => {
                *update = RefUpdate { actions: update.actions.clone(), ..moved };
                if !is_forward && update.tip_changes.is_empty() {
                    update.tip_changes = everything(update);
                }
            }
            Err(HistoryError::Missing { object }) if object == old.hex() => update.tip_changes = everything(update),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// The tips' differences where nobody knows what they differ from.
fn everything(update: &RefUpdate) -> Vec<TipChange> {
    update.tips.iter().map(|tip| TipChange { tip: *tip, paths: None, lines: None }).collect()
}

impl<H: History> History for GateHistory<H> {
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        Ok(vec![self.gate.update(self.old.clone())])
    }

    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError> {
        (update.scopes, update.promoted) = Default::default();
        (update.changesets, update.tip_changes) = Default::default();
        match update.old.first().copied() {
            None => update.tip_changes = everything(update),
            Some(old) if old == self.gate.subject => {}
            // It went with its branch since, or was stripped. What the environment has of it nobody can tell.
            Some(old) if !self.has(update, old)? => update.tip_changes = everything(update),
            Some(old) => self.load_moved(update, old, need)?,
        }
        Ok(())
    }

    /// What is asked for is one changeset, not what it changes.
    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError> {
        update.contents = BTreeMap::new();
        Ok(())
    }

    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError> {
        self.history.held(update, ids)
    }

    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError> {
        // Without changesets the base must be the old value exactly, which may be gone.
        if update.changesets.is_empty() { Ok(()) } else { self.history.reachable_bases(update, bases) }
    }

    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError> {
        if *target == self.gate.target() { Ok(self.old.clone()) } else { self.history.value(target) }
    }

    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError> {
        self.history.all_targets()
    }
}
