//! Updates that the log tells of, for a push that is judged once more.

use super::history::MercurialHistory;
use super::moves;
use super::own_paths::Paths;
use super::state::State;
use crate::domain::audit::UpdateRecord;
use crate::domain::change::{ChangesetId, RefUpdate, Target};
use crate::ports::history::HistoryError;
use std::collections::BTreeMap;
use std::io::{Read, Write};

impl<R: Read, W: Write> MercurialHistory<R, W> {
    /// Takes `targets` for what existed before, and returns the updates that the log tells of, for [`load`](crate::ports::history::History::load).
    ///
    /// `None` for what cannot be told from the log: which heads a rewritten branch lost, and what became public. Every changeset
    /// must be here.
    ///
    /// # Errors
    /// [`HistoryError`] if the script cannot tell.
    pub fn replay(
        &mut self,
        records: &[&UpdateRecord],
        targets: BTreeMap<Target, Vec<ChangesetId>>,
    ) -> Result<Option<Vec<RefUpdate>>, HistoryError> {
        self.paths = Paths::new(State::ask(&mut self.request)?.has_largefiles);
        self.targets = Some(targets);
        Ok(records.iter().map(|record| moves::of_record(record)).collect())
    }
}
