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
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
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
pub fn of_server(
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
        let (leaves, to_read) = sync_channel(BATCHES);
        let (entries, to_count) = sync_channel(BATCHES);
        let verified = scope.spawn(|| check(&paths, leaves));
        let reading = scope.spawn(|| read(&reader, &paths, to_read, entries));
        for batch in to_count {
            progress.advance(batch.len() as u64);
            for Read { index, entry, policy } in batch {
                if let Event::Policy(_) = entry.event {
                    fold.put_in_force(entry.time, policy);
                }
                fold.take(index, &entry);
            }
        }
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

/// An entry, and of one that puts a policy in force that policy, if it loads.
struct Read {
    index: u64,
    entry: Entry,
    policy: Option<Policy>,
}

/// Checks the log, and hands on what stands in it.
fn check(paths: &AuditPaths, to: SyncSender<Vec<StoredEntry>>) -> Result<Verified, LogError> {
    let mut batch = Vec::with_capacity(BATCH);
    // Where the reading has ended with an error nobody receives; the log is checked nevertheless.
    let send =
        |batch: &mut Vec<StoredEntry>| to.send(std::mem::replace(batch, Vec::with_capacity(BATCH))).unwrap_or_default();
    let verified = verify_each(paths, Depth::Leaves, &[], &mut |line: &Accepted<'_>| {
        batch.push(StoredEntry { index: line.index, leaf: line.frame.leaf.to_vec() });
        if batch.len() == BATCH {
            send(&mut batch);
        }
    });
    send(&mut batch);
    verified
}

/// Reads the entries in leaves until there are no more, or one cannot be read.
fn read(
    reader: &LogReader,
    paths: &AuditPaths,
    from: Receiver<Vec<StoredEntry>>,
    to: SyncSender<Vec<Read>>,
) -> Result<(), LogError> {
    for batch in from {
        let read = |stored: StoredEntry| {
            let entry = stored.whole(paths)?;
            let policy = match &entry.event {
                Event::Policy(change) => load(&reader.policy_files(change.files)?).ok(),
                _ => None,
            };
            Ok(Read { index: stored.index, entry, policy })
        };
        let entries = batch.into_iter().map(read).collect::<Result<_, LogError>>()?;
        // Whoever counts takes batches until there are no more, so that sending cannot fail.
        to.send(entries).unwrap_or_default();
    }
    Ok(())
}

fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| resume_unwind(panic))
}
