//! Reads whole logs, one after the other, each once: one thread reads and checks its lines, one reads the entries in them, and this one counts.
//!
//! Signatures take far longer than everything else; so only the newest is checked. The root that it signs is worked out from all leaves, and
//! proves each of them.

use super::answers::answers;
use crate::adapters::disk::log::{AuditPaths, Depth, LogReader, StoredEntry, Verified, verify_each};
use crate::adapters::disk::{Outbox, OutboxError};
use crate::cli::{Failure, IntoFailure, Moment, Progress, ServerParts, repository};
use crate::domain::audit::{Accepted, Entry, Event};
use crate::domain::metrics::{Figures, Fold, Key, Notices, Response};
use crate::domain::name::{RuleName, SinkName};
use crate::domain::policy::{Policy, load};
use crate::domain::request::{Asked, Limits};
use crate::domain::time::Timestamp;
use crate::ports::log::LogError;
use crate::ports::policy_source::PolicySource as _;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, ScopedJoinHandle};

/// How many entries are handed over at once.
const BATCH: usize = 256;
/// How many batches wait at most: so much memory is used, however long the log is.
const BATCHES: usize = 8;

/// What somebody wants to know.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// What happened before is not counted.
    pub since: Option<Moment>,
    /// By what requests are told apart.
    pub key: Option<Key>,
}

/// What was found.
#[derive(Debug)]
pub struct Gathered {
    /// All logs together.
    pub figures: Figures,
    /// What was asked.
    pub key: Option<Key>,
    /// From when on is counted.
    pub since: Option<Timestamp>,
    /// When this was.
    pub now: Timestamp,
    /// What is wrong with which log. Its figures go as far as it could be read.
    pub faults: Vec<String>,
}

/// Reads the logs of the repositories at `paths`, or of the current folder.
///
/// # Errors
/// A [`Failure`] where jit is not installed, and for a log that cannot be read although nothing is wrong with it.
pub fn gather(paths: &[PathBuf], question: Question) -> Result<Gathered, Failure> {
    let places: Vec<Option<&Path>> =
        if paths.is_empty() { vec![None] } else { paths.iter().map(|p| Some(&**p)).collect() };
    let servers: Vec<ServerParts> = places.into_iter().map(repository::server).collect::<Result<_, _>>()?;
    let now = servers.iter().map(ServerParts::now).max().unwrap_or(Timestamp::EPOCH);
    let since = question.since.map(|moment| moment.before(now));
    let (mut figures, mut faults) = (Figures::default(), Vec::new());
    for parts in &servers {
        let one = of_server(parts, since.unwrap_or(Timestamp::EPOCH), question.key, &mut faults)?;
        figures.merge(one);
    }
    Ok(Gathered { figures, key: question.key, since, now, faults })
}

/// Reads the log of one repository, counting from `since` on. What is wrong with it is added to `faults`.
///
/// # Errors
/// As [`gather`].
fn of_server(
    parts: &ServerParts,
    since: Timestamp,
    key: Option<Key>,
    faults: &mut Vec<String>,
) -> Result<Figures, Failure> {
    let paths = parts.audit_paths();
    let reader = LogReader::open(&paths).or_fail()?;
    let policy = parts.policy().load().ok();
    let respond = |asked: &Asked, rules: &BTreeSet<&RuleName>| -> Vec<Response> {
        policy.as_ref().map(|policy| answers(parts, policy, asked, rules)).unwrap_or_default()
    };
    let keep = Limits::from(parts.settings.requests).keep;
    let mut fold = Fold::new(keep, since, key, Box::new(respond));
    let size = reader.head().or_fail()?.map_or(0, |(head, _)| head.size);
    let name = &parts.settings.repository;
    let progress = Progress::new(name, size);
    let (read, verified) = thread::scope(|scope| {
        let (leaves, to_read) = conveyor();
        let (entries, to_count) = conveyor();
        let verified = scope.spawn(|| check(&paths, leaves));
        let reading = scope.spawn(|| read(&reader, &paths, to_read, entries));
        to_count
            .each(|batch: &mut Vec<Read>| {
                progress.advance(batch.len() as u64);
                for Read { index, entry, policy } in batch {
                    if let Event::Policy(_) = entry.event {
                        fold.put_in_force(entry.time, policy.take());
                    }
                    fold.take(*index, entry);
                }
                Ok(())
            })
            .unwrap_or_else(|never: Infallible| match never {});
        (joined(reading), joined(verified))
    });
    let verified: Verified = verified.or_fail()?;
    let now = parts.now();
    let mut figures = fold.finish(name, now);
    figures.notices = notices(parts, now).or_fail()?;
    for log in &mut figures.logs {
        (log.verified, log.is_sound) = (Some(now), Some(verified.fault.is_none()));
    }
    match &verified.fault {
        Some(fault) => faults.push(format!("the log of {name} is not sound: {fault}")),
        None => read.or_fail()?,
    }
    Ok(figures)
}

/// Tells what became of the notices of one repository.
fn notices(parts: &ServerParts, now: Timestamp) -> Result<BTreeMap<SinkName, Notices>, OutboxError> {
    let mut places = BTreeMap::new();
    for (name, outbox) in Outbox::all(parts.folder.root())? {
        let mut found = Notices { deliveries: outbox.state().unwrap_or_default().deliveries, ..Notices::default() };
        for job in outbox.jobs()?.iter().filter_map(|file| outbox.job(file)) {
            found.waiting.add(now.since(job.since).as_seconds());
        }
        places.insert(name, found);
    }
    Ok(places)
}

/// A line that was checked, with what its header says.
struct Line {
    time: Timestamp,
    kind: Box<str>,
    stored: StoredEntry,
}

/// An entry, and of one that puts a policy in force that policy, if it loads.
struct Read {
    index: u64,
    entry: Entry,
    policy: Option<Policy>,
}

/// Makes the two ends of a way on which one thread hands batches to another.
///
/// They come back when they are done with, to be freed where they were made: threads that free each other's memory wait for each
/// other most of the time.
fn conveyor<T>() -> (Front<T>, Back<T>) {
    let ((to, from), (back, returned)) = (sync_channel(BATCHES), channel());
    (Front { to, returned, batch: Vec::with_capacity(BATCH) }, Back { from, back })
}

struct Front<T> {
    to: SyncSender<Vec<T>>,
    returned: Receiver<Vec<T>>,
    batch: Vec<T>,
}

impl<T> Front<T> {
    fn push(&mut self, item: T) {
        self.batch.push(item);
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    /// Hands over what waits. Where the other end has stopped with an error nobody receives it, and nobody misses it.
    fn flush(&mut self) {
        let mut next = self.returned.try_iter().last().unwrap_or_default();
        next.clear();
        self.to.send(std::mem::replace(&mut self.batch, next)).unwrap_or_default();
    }
}

struct Back<T> {
    from: Receiver<Vec<T>>,
    back: Sender<Vec<T>>,
}

impl<T> Back<T> {
    /// Calls `work` for each batch, until there are no more or it fails.
    fn each<E>(self, mut work: impl FnMut(&mut Vec<T>) -> Result<(), E>) -> Result<(), E> {
        for mut batch in self.from {
            work(&mut batch)?;
            self.back.send(batch).unwrap_or_default();
        }
        Ok(())
    }
}

/// Checks the log, and hands on what stands in it.
fn check(paths: &AuditPaths, mut to: Front<Line>) -> Result<Verified, LogError> {
    let verified = verify_each(paths, Depth::Leaves, &[], &mut |line: &Accepted<'_>| {
        let stored = StoredEntry { index: line.index, leaf: line.frame.leaf.to_vec() };
        to.push(Line { time: line.header.time, kind: line.header.kind.into(), stored });
    });
    to.flush();
    verified
}

/// Reads the entries in leaves until there are no more, or one cannot be read.
fn read(reader: &LogReader, paths: &AuditPaths, from: Back<Line>, mut to: Front<Read>) -> Result<(), LogError> {
    let found = from.each(|batch| {
        for Line { time, kind, stored } in batch {
            let entry = stored.whole_of(*time, kind, paths)?;
            let policy = match &entry.event {
                Event::Policy(change) => load(&reader.policy_files(change.files)?).ok(),
                _ => None,
            };
            to.push(Read { index: stored.index, entry, policy });
        }
        Ok(())
    });
    to.flush();
    found
}

fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| resume_unwind(panic))
}
