//! Settles decisions of which no hook said what became of them, from the values that the targets have now.

use super::transaction::once_each;
use crate::domain::audit::{Applied, Entry, Event, Outcome, OutcomeKind, Unsettled};
use crate::domain::change::RefUpdate;
use crate::domain::time::{Span, Timestamp};
use crate::ports::history::{History, HistoryError};
use crate::ports::log::{Log, LogError};

/// How long an allowed push that has moved nothing yet is taken to be on its way.
const ON_ITS_WAY: Span = Span::seconds(10 * 60);

/// Appends an outcome for each allowed decision whose fate can be told.
///
/// A target that has the new value was moved by the push. One that has neither the old nor the new value can no longer
/// be: the system moves a ref only from the value that the push claims. One that still has the old value may be on its way,
/// for some minutes; the targets of one push move one after the other. What `updates` ask for cannot wait for that: their
/// targets' values are held against the log next. So these are not read again: another push may be moving them just now, and
/// what is held against the log must be what was settled. A Mercurial transaction is never on its way: it was made or undone
/// before another could begin.
///
/// Of several pushes that were allowed the same move, one made it: once the log has the new value by the outcome of one, the
/// others moved nothing.
///
/// The outer error is a log that failed, the inner one a history that could not be read.
pub(super) fn settle(
    log: &mut dyn Log,
    history: &mut dyn History,
    updates: &[RefUpdate],
    now: Timestamp,
) -> Result<Result<(), HistoryError>, LogError> {
    let open: Vec<Unsettled> = log.unsettled().to_vec();
    for decision in open {
        let mut applied = Vec::new();
        let mut pending = false;
        for update in once_each(&decision.updates) {
            let value = match updates.iter().find(|one| one.target == update.target) {
                Some(asked_for) => asked_for.old.clone(),
                None => match history.value(&update.target) {
                    Ok(value) => value,
                    Err(error) => return Ok(Err(error)),
                },
            };
            let recorded = log.target(&update.target)?.recorded;
            let moved = update.old == update.after || recorded.as_ref() != Some(&value);
            if value == update.after && moved {
                applied.push(Applied { target: update.target.clone(), value });
            } else if value == update.old {
                pending = true;
            }
        }
        let asked_for = |one: &Applied| updates.iter().any(|update| update.target == one.target);
        let may_wait = pending && decision.transaction.is_none() && !applied.iter().any(asked_for);
        if may_wait && now.since(decision.time) < ON_ITS_WAY {
            continue;
        }
        let how = if applied.is_empty() { OutcomeKind::NotApplied } else { OutcomeKind::Applied };
        let outcome = Outcome { of: decision.index, applied, how, settled: true, blob: None };
        log.append(&Entry { time: now, event: Event::Outcome(outcome) })?;
    }
    Ok(Ok(()))
}
