//! What is different with Mercurial: a transaction is looked at more than once, and its outcome is known by its id.

use super::assess::AssessError;
use super::record::{as_asked, chain, plain};
use super::{Outcome, Server, settle};
use crate::domain::audit::{self, Applied, Decision, Entry, Event, OutcomeKind, UnsettledUpdate, Verdict};
use crate::domain::change::{Pusher, RefUpdate};
use crate::ports::history::{History, HistoryError};
use crate::ports::log::{Appended, LogError};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// A push to Git. What asks for nothing is denied.
    Push,
    /// That part of a Mercurial transaction which has arrived so far. Only a denial means anything, and only that is recorded.
    Early,
    /// A whole Mercurial transaction with this id. One that moves no target is allowed, without an entry.
    Transaction(String),
    /// What a pipeline asks for.
    Gate,
}

/// Something that happens whatever the policy says, and is only written down.
#[derive(Debug)]
pub struct Unjudged<'a> {
    /// What it is, in one word.
    pub what: &'a str,
    /// The transaction's id.
    pub transaction: Option<&'a str>,
    /// Who does it.
    pub pusher: Pusher,
    /// What it changes, as far as that can be told.
    pub updates: Result<Vec<RefUpdate>, HistoryError>,
}

impl Server<'_> {
    /// Records what became of the allowed transaction `id`, and renews the anchor.
    ///
    /// The next transaction may have been faster, and have settled it already.
    ///
    /// # Errors
    /// [`LogError`]: the next decision settles it from the targets' values.
    pub fn record_transaction(&self, id: &str, applied: bool, deadline: Instant) -> Result<Outcome, LogError> {
        let id = plain(id);
        let mut log = self.log.open(deadline)?;
        let open = log.unsettled().iter().rev().find(|open| open.transaction.as_ref() == Some(&id)).cloned();
        if let Some(open) = &open {
            let value =
                |update: &UnsettledUpdate| Applied { target: update.target.clone(), value: update.after.clone() };
            let (how, applied) = match applied {
                true => (OutcomeKind::Applied, once_each(&open.updates).map(value).collect()),
                false => (OutcomeKind::NotApplied, Vec::new()),
            };
            let outcome = audit::Outcome { of: open.index, applied, how, settled: false, blob: None };
            let time = self.entry_time(log.as_ref());
            log.append(&Entry { time, event: Event::Outcome(outcome) })?;
        }
        log.renew_anchor()?;
        Ok(Outcome { of: open.map(|open| open.index), head: log.head().clone(), kept: log.kept().len() })
    }

    /// Records an administrator's repair. `None`: it changes nothing.
    ///
    /// # Errors
    /// [`LogError`]: the next decision finds that targets changed behind the log's back.
    pub fn record_unjudged(
        &self,
        unjudged: Unjudged<'_>,
        history: &mut dyn History,
        started: Instant,
        deadline: Instant,
    ) -> Result<Option<Appended>, LogError> {
        let mut log = self.log.open(deadline)?;
        let time = self.entry_time(log.as_ref());
        let mut reasons = vec![plain(&format!("{}: recorded and not judged", unjudged.what))];
        let mut updates = unjudged.updates.unwrap_or_else(|error| {
            reasons.push(format!("what it changes could not be told: {}", chain(&AssessError::History(error))));
            Vec::new()
        });
        if updates.is_empty() && reasons.len() == 1 {
            return Ok(None);
        }
        if let Err(error) = settle::settle(log.as_mut(), history, &updates, time)? {
            reasons.push(format!("earlier pushes could not be settled: {}", chain(&AssessError::History(error))));
        }
        let found = Self::compare_all(log.as_ref(), &mut updates, time)?;
        let decision = Decision {
            repository: self.repository.to_owned(),
            pusher: unjudged.pusher,
            verdict: Verdict::Allow,
            updates: updates.iter().map(|update| as_asked(update, &found)).collect(),
            tokens: BTreeMap::new(),
            policy: None,
            policy_error: None,
            reasons,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            transaction: unjudged.transaction.map(plain),
            again: None,
            blob: None,
        };
        log.append(&Entry { time, event: Event::Decision(Box::new(decision)) }).map(Some)
    }
}

/// The updates without those whose target occurred before: several updates of one target have the same value afterwards.
pub(super) fn once_each(updates: &[UnsettledUpdate]) -> impl Iterator<Item = &UnsettledUpdate> {
    let mut seen = BTreeSet::new();
    updates.iter().filter(move |update| seen.insert(&update.target))
}
