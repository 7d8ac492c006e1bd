//! Which changesets of an update a token covers (docs/spec/semantics.md, 6).

use crate::domain::change::{ChangesetId, RefUpdate};
use std::collections::HashMap;

/// The changesets of one update as a graph; positions are those of [`RefUpdate::changesets`], children before parents.
pub struct Graph<'a> {
    update: &'a RefUpdate,
    position: HashMap<ChangesetId, usize>,
    parents: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    /// Indexes the update's changesets.
    pub fn new(update: &'a RefUpdate) -> Self {
        let position: HashMap<ChangesetId, usize> =
            update.changesets.iter().enumerate().map(|(at, changeset)| (changeset.id, at)).collect();
        let inside = |id: &ChangesetId| position.get(id).copied();
        let parents = update.changesets.iter().map(|c| c.parents.iter().filter_map(inside).collect()).collect();
        Self { update, position, parents }
    }

    /// Returns the update.
    pub fn update(&self) -> &'a RefUpdate {
        self.update
    }

    /// Returns where `id` stands, if it is part of the update.
    pub fn position(&self, id: &ChangesetId) -> Option<usize> {
        self.position.get(id).copied()
    }

    /// Returns the parents of the changeset at `at` that are part of the update.
    pub fn parents(&self, at: usize) -> &[usize] {
        &self.parents[at]
    }

    /// Marks the changesets that are reachable from `subject` and from none of `bases`.
    ///
    /// Bases outside the update take nothing away: what is reachable from them is not in the update either.
    /// `None` if `subject` is not part of the update.
    pub fn covered(&self, subject: &ChangesetId, bases: &[ChangesetId]) -> Option<Vec<bool>> {
        let start = self.position(subject)?;
        let mut covered = self.reachable(&[start]);
        let inside: Vec<usize> = bases.iter().filter_map(|base| self.position(base)).collect();
        if !inside.is_empty() {
            for (mark, hidden) in covered.iter_mut().zip(self.reachable(&inside)) {
                *mark &= !hidden;
            }
        }
        Some(covered)
    }

    fn reachable(&self, from: &[usize]) -> Vec<bool> {
        let mut marks = vec![false; self.update.changesets.len()];
        let mut open = from.to_vec();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut marks[at], true) {
                open.extend(&self.parents[at]);
            }
        }
        marks
    }
}
