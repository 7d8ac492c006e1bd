//! Brings the derived state up to the end of the journal, in as many openings as that takes.

use super::derived::Derived;
use super::lines::SEGMENT;
use super::open::DiskLogStore;
use super::read::{read_from, refs_of};
use super::state::State;
use super::storage::{failed, write_whole};
use super::tail::Tail;
use crate::domain::audit::{MAX_LINE, TargetChange};
use crate::domain::change::Target;
use crate::domain::policy::limits;
use crate::domain::time::Timestamp;
use crate::ports::log::LogError;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// How many entries are applied between two looks at the clock, and how many targets' changes are collected
/// before they are written.
const STEP: u64 = 1024;
const BATCH: usize = 10_000;
/// After how many landings on one target those of old are forgotten.
const FORGETTING: usize = 1024;

impl DiskLogStore {
    /// Gives the derived state of all entries, from what is there and what has to be replayed.
    pub(super) fn bring_up(&self, derived: &Derived, tail: &Tail, deadline: Instant) -> Result<State, LogError> {
        let size = tail.tree.size();
        let fits = |state: &State| state.size > 0 && derived.root_at(state.size) == Some(state.root);
        let found = State::read(&self.paths, deadline)?.filter(|state| state.size <= size && fits(state));
        if let Some(mut state) = found {
            if state.size == size {
                return Ok(state);
            }
            self.finish_last(derived, tail)?;
            state.forget_sum();
            match self.replay(state, derived, tail, deadline) {
                Err(LogError::Derived(_)) => {}
                done => return done?.add_up(&*self.storage, &self.paths, deadline),
            }
        } else {
            self.finish_last(derived, tail)?;
        }
        State::wipe(&self.paths)?;
        self.replay(State::empty(), derived, tail, deadline)
    }

    /// Writes the newest checkpoint, and the newest line once more, as it is, and syncs it.
    ///
    /// Whoever wrote it did not come as far as `state`: perhaps its sync failed, and then the system may hold
    /// the pages as clean although the disk does not have them. A sync of the next line would not write them.
    /// Since every process does so before it appends, only the newest line can be concerned.
    fn finish_last(&self, derived: &Derived, tail: &Tail) -> Result<(), LogError> {
        if let Some(head) = &tail.head {
            derived.keep_checkpoint(head)?;
        }
        let path = self.paths.segment(tail.segment);
        let Some(offset) = tail.tree.size().checked_sub(1).and_then(|index| derived.offset(index)) else {
            return Ok(());
        };
        let length = tail.end.saturating_sub(offset).min(MAX_LINE as u64 + 1);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("opening", &path))?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut bytes, offset).map_err(failed("reading", &path))?;
        write_whole(&*self.storage, &file, &path, &bytes, offset)?;
        self.storage.sync(&file).map_err(failed("syncing", &path))?;
        let folder = self.paths.journal();
        self.storage.sync_folder(&folder).map_err(failed("syncing", &folder))
    }

    /// Applies the entries that `state` does not have.
    ///
    /// When time runs out, what was done is kept: the next opening goes on from there. Otherwise a log that
    /// takes longer to read than a push may wait could never be opened again.
    fn replay(&self, state: State, derived: &Derived, tail: &Tail, deadline: Instant) -> Result<State, LogError> {
        let (mut state, mut batch) = (state, BTreeMap::new());
        let from = state.size;
        for segment in from / SEGMENT..=tail.segment {
            let first = from.max(segment * SEGMENT);
            let offset = if first.is_multiple_of(SEGMENT) { Some(0) } else { derived.offset(first) };
            let offset = offset.ok_or_else(|| LogError::Derived(self.paths.index()))?;
            read_from(&self.paths, segment, offset, first, &mut |stored| {
                let (index, done) = (stored.index, stored.index - from);
                if done > 0 && done.is_multiple_of(STEP) && Instant::now() > deadline {
                    self.keep(&mut state, &mut batch, derived, index)?;
                    return Err(LogError::Deadline);
                }
                let entry = stored.whole(&self.paths)?;
                state.refs = state.refs.or_else(|| refs_of(&entry));
                let changes = state.standing.apply(index, &entry);
                for change in changes.map_err(|fault| LogError::Replay { index, fault })? {
                    collect(&mut batch, change, entry.time);
                }
                if batch.len() >= BATCH { self.keep(&mut state, &mut batch, derived, index + 1) } else { Ok(()) }
            })?;
        }
        self.keep(&mut state, &mut batch, derived, tail.tree.size())?;
        Ok(state)
    }

    /// Writes the collected changes, and that the state now has `size` entries.
    fn keep(
        &self,
        state: &mut State,
        batch: &mut BTreeMap<Target, TargetChange>,
        derived: &Derived,
        size: u64,
    ) -> Result<(), LogError> {
        for change in std::mem::take(batch).into_values() {
            state.apply(&*self.storage, &self.paths, &change)?;
        }
        state.size = size;
        state.root = derived.root_at(size).ok_or_else(|| LogError::Derived(self.paths.hashes()))?;
        state.write(&*self.storage, &self.paths)
    }
}

/// Merges a change with an earlier one of the same target.
///
/// What landed so long ago that it spends no token any more is forgotten from time to time, so that a long log does not
/// become as many files.
fn collect(batch: &mut BTreeMap<Target, TargetChange>, change: TargetChange, now: Timestamp) {
    let mut change = change;
    if let Some(earlier) = batch.remove(&change.target) {
        change.rewritten = change.rewritten.max(earlier.rewritten);
        change.used.extend(earlier.used);
        let newer = std::mem::replace(&mut change.landed, earlier.landed);
        change.landed.extend(newer);
    }
    if change.landed.len().is_multiple_of(FORGETTING) {
        change.landed.retain(|_, at| now < at.plus(limits::TTL));
    }
    batch.insert(change.target.clone(), change);
}
