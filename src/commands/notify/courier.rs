//! Brings notices to one place: reads the log on from where it was last read, and delivers what waits.

use super::commands_of;
use super::requests::Desk;
use crate::adapters::disk::log::{AuditPaths, LogReader, StoredEntry};
use crate::adapters::disk::{Job, JobFile, Outbox, OutboxError, OutboxLock, OutboxState};
use crate::cli::{Exit, Failure};
use crate::domain::audit::{self, Decision, Header};
use crate::domain::notify::{Event, Notice, Route, Seen, Watch, from_entry, overdue, retry};
use crate::domain::policy::Policy;
use crate::domain::time::{Span, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::log::LogError;
use crate::ports::notifier::Notifier;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A place that is new hears of what happened so short a time ago, and not of the whole history.
const RECENT: Span = Span::seconds(3600);
/// Of so many entries at most.
const MOST_RECENT: u64 = 1000;
/// So many failures in a row, and the place is left alone for a while.
const IN_A_ROW: usize = 3;
/// How often the log is looked at while waiting.
const LOOK: Duration = Duration::from_millis(250);

/// What brings notices to one place.
pub struct Courier<'a> {
    /// Where they wait.
    pub outbox: Outbox,
    /// Which go there.
    pub route: &'a Route,
    /// Where the log stands.
    pub paths: &'a AuditPaths,
    /// Name and id of the repository.
    pub repository: &'a str,
    /// The policy that is in force, if it loads.
    pub policy: &'a (dyn Fn() -> Option<Arc<Policy>> + Sync),
    /// How the requests stand.
    pub desk: &'a Desk<'a>,
    /// How often the place is reminded of what is still open.
    pub remind: Option<Span>,
    /// What delivers, given that policy.
    pub notifier: &'a (dyn Fn(Option<Arc<Policy>>) -> Box<dyn Notifier> + Sync),
    /// What time it is.
    pub clock: &'a (dyn Clock + Sync),
    /// Whether waits are skipped.
    pub at_once: bool,
}

/// How a courier ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Another process delivers there.
    Busy,
    /// So many were delivered and so many wait.
    Done {
        /// How many were taken.
        delivered: usize,
        /// How many still wait.
        waiting: usize,
    },
}

/// Why a courier cannot work.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// The outbox cannot be used.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// There is no log.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Courier<'_> {
    /// Delivers everything that is due, and until `until` whatever becomes due or happens meanwhile.
    ///
    /// # Errors
    /// [`CourierError`]. A place that does not take a notice is none.
    pub fn run(&self, until: Instant) -> Result<Ended, CourierError> {
        let (mut delivered, mut tried) = (0, false);
        loop {
            let Some(lock) = self.outbox.lock()? else {
                // Another process delivers, and looks at the log once more when it is done.
                return if tried { self.done(delivered) } else { Ok(Ended::Busy) };
            };
            tried = true;
            let policy = (self.policy)();
            let mut state = self.collect(&lock, policy.as_deref())?;
            let next = self.round(&lock, &mut state, (self.notifier)(policy), &mut delivered)?;
            // Nobody is kept out while there is nothing to do.
            drop(lock);
            while self.size()? <= state.next {
                match next {
                    Some(next) if Instant::now() < until => {
                        if retry::is_due(next, self.clock.now()) {
                            break;
                        }
                        thread::sleep(LOOK);
                    }
                    _ => return self.done(delivered),
                }
            }
        }
    }

    fn done(&self, delivered: usize) -> Result<Ended, CourierError> {
        Ok(Ended::Done { delivered, waiting: self.outbox.jobs()?.len() })
    }

    fn size(&self) -> Result<u64, LogError> {
        Ok(LogReader::open(self.paths)?.head()?.map_or(0, |(head, _)| head.size))
    }

    /// Puts what the log's new entries tell into the outbox.
    fn collect(&self, lock: &OutboxLock, policy: Option<&Policy>) -> Result<OutboxState, CourierError> {
        let reader = LogReader::open(self.paths)?;
        let now = self.clock.now();
        let head = reader.head()?;
        let size = head.as_ref().map_or(0, |(head, _)| head.size);
        let seen = head.as_ref().map(|(head, note)| Seen::of(head, note));
        let known = self.outbox.state();
        let fresh = || OutboxState { next: self.recent(&reader, size, now), ..OutboxState::default() };
        let mut state = known.clone().unwrap_or_else(fresh);
        let mut notices = Vec::new();
        if state.next > size && head.is_some() {
            let what = format!("the log was put back: it had {} entries and has {size}", state.next);
            notices.extend(self.trouble(&mut state, what, now));
            state.next = size;
        }
        let from = state.next;
        let read = reader.since(
            |index, _| index < from,
            |stored| {
                if stored.index >= size {
                    return Ok(());
                }
                match self.tell(&reader, &stored, policy, &mut state) {
                    // What a later version wrote says nothing to this one.
                    Err(LogError::Unreadable { .. }) => {}
                    told => notices.extend(told?),
                }
                state.next = stored.index + 1;
                Ok(())
            },
        );
        if let Err(error) = read {
            let what = format!("the log cannot be read on: {}", words(&error));
            notices.extend(self.trouble(&mut state, what, now));
        }
        if known.is_none() || state.told.watches() {
            let standing = self.desk.standing(size);
            let watch = Watch { repository: self.repository, policy, remind: self.remind, now };
            notices.extend(watch.changes(&standing, &mut state.told));
            for notice in &mut notices {
                let of_it = standing.iter().find(|one| Some(one.id.to_string()) == notice.request);
                of_it.into_iter().for_each(|one| one.complete(notice));
            }
        }
        notices.extend(overdue(self.repository, now, &mut state.told));
        notices.retain(|notice| self.route.takes(notice, policy));
        self.desk.describe(&mut notices);
        for notice in notices {
            let notice = Notice { commands: commands_of(&notice), checkpoint: seen.clone(), ..notice.bounded() };
            self.outbox.put(lock, &notice, now)?;
        }
        if known.as_ref() != Some(&state) {
            self.outbox.set_state(lock, &state)?;
        }
        Ok(state)
    }

    /// The number of the first entry that is recent.
    fn recent(&self, reader: &LogReader, size: u64, now: Timestamp) -> u64 {
        let mut first = None;
        let old = |index: u64, header: &Header<'_>| index + MOST_RECENT < size || now.since(header.time) > RECENT;
        let found = reader.since(old, |stored| {
            first = first.or(Some(stored.index));
            Ok(())
        });
        found.ok().and(first).unwrap_or(size)
    }

    fn tell(
        &self,
        reader: &LogReader,
        stored: &StoredEntry,
        policy: Option<&Policy>,
        state: &mut OutboxState,
    ) -> Result<Vec<Notice>, LogError> {
        let entry = stored.whole(self.paths)?;
        let judged = match &entry.event {
            audit::Event::Outcome(outcome) => self.decision(reader, outcome.of)?,
            _ => None,
        };
        Ok(from_entry(stored.index, &entry, self.repository, judged.as_ref(), policy, &mut state.told))
    }

    fn decision(&self, reader: &LogReader, index: u64) -> Result<Option<Decision>, LogError> {
        let mut found = None;
        reader.since(
            |at, _| at < index,
            |stored| {
                if stored.index == index
                    && let audit::Event::Decision(decision) = stored.whole(self.paths)?.event
                {
                    found = Some(*decision);
                }
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// Tells of trouble once.
    fn trouble(&self, state: &mut OutboxState, what: String, now: Timestamp) -> Option<Notice> {
        let notice = Notice::new(self.repository, Event::Trouble, &what, now);
        let is_new = state.told.is_new(&what, now);
        is_new.then(|| Notice { entry: Some(state.next), details: vec![what], ..notice })
    }

    /// Tries everything that is due once. Returns when to come back; `None` if nothing waits.
    fn round(
        &self,
        lock: &OutboxLock,
        state: &mut OutboxState,
        notifier: Box<dyn Notifier>,
        delivered: &mut usize,
    ) -> Result<Option<Timestamp>, CourierError> {
        let before = state.clone();
        let mut next: Option<Timestamp> = None;
        let mut in_a_row = 0;
        if self.at_once {
            state.paused = None;
        }
        for file in self.outbox.jobs()? {
            let now = self.clock.now();
            let Some(job) = self.outbox.job(&file) else {
                self.give_up(lock, state, &file)?;
                continue;
            };
            let paused = state.paused.filter(|until| !retry::is_due(*until, now));
            if in_a_row > 0 && paused.is_some() && retry::is_over(job.since, now) {
                self.give_up(lock, state, &file)?;
                continue;
            }
            let due = retry::is_due(job.next, now) || self.at_once;
            let later = match paused.or((!due).then_some(job.next)) {
                Some(later) => Some(later),
                None => match notifier.deliver(&job.notice) {
                    Ok(()) => {
                        self.outbox.done(lock, &file)?;
                        state.deliveries.attempt(job.attempts, true);
                        (state.failures, state.paused, in_a_row) = (0, None, 0);
                        *delivered += 1;
                        None
                    }
                    Err(error) => {
                        in_a_row += 1;
                        state.deliveries.attempt(job.attempts, false);
                        let now = self.clock.now();
                        if in_a_row == IN_A_ROW || error.retry_after().is_some() {
                            state.failures = state.failures.saturating_add(1);
                            let wait = retry::wait(state.failures, error.retry_after(), random());
                            state.paused = Some(now.plus(wait));
                        }
                        let wait = retry::wait(job.attempts.saturating_add(1), error.retry_after(), random());
                        let words = words(&error);
                        state.error = Some(words.clone());
                        let later = self.failed(lock, &file, job, words, now, wait)?;
                        if later.is_none() {
                            self.give_up(lock, state, &file)?;
                        }
                        later
                    }
                },
            };
            next = [next, later].into_iter().flatten().min();
        }
        if *state != before {
            self.outbox.set_state(lock, state)?;
        }
        Ok(next)
    }

    /// Writes down that it was not taken; returns when it is tried again, unless that has gone on for too long.
    fn failed(
        &self,
        lock: &OutboxLock,
        file: &JobFile,
        job: Job,
        error: String,
        now: Timestamp,
        wait: Span,
    ) -> Result<Option<Timestamp>, OutboxError> {
        let over = retry::is_over(job.since, now);
        // A moment of before the clock was put back would never be over.
        let since = job.since.min(now);
        let job =
            Job { since, attempts: job.attempts.saturating_add(1), next: now.plus(wait), error: Some(error), ..job };
        self.outbox.update(lock, file, &job)?;
        Ok((!over).then_some(job.next))
    }

    fn give_up(&self, lock: &OutboxLock, state: &mut OutboxState, file: &JobFile) -> Result<(), OutboxError> {
        state.deliveries.given_up += 1;
        self.outbox.give_up(lock, file)
    }
}

fn words(error: &dyn std::error::Error) -> String {
    Failure::from_error(Exit::Undecided, error).chain.join(": ")
}

/// Spreads waits; without random numbers they are not spread.
fn random() -> u32 {
    getrandom::u32().unwrap_or(0)
}
