//! The full audit: every line, hash, root and signature, the order of entries, blobs, and what others remember.

use super::faults::{Fault, Memory};
use super::lines::{Lines, SEGMENT};
use super::paths::AuditPaths;
use super::signatures::Signatures;
use super::storage::failed;
use super::{anchor, blobs, format, lock};
use crate::domain::audit::{
    Accepted, Chain, Checkpoint, Entry, EntryError, Hash, LineFault, Order, SignedCheckpoint, VerifierKey,
};
use crate::domain::time::Timestamp;
use crate::ports::log::{LogError, Place};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an audit waits for an append to end.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything, every line's signature included.
    Full,
    /// Everything, but of the signatures only the newest, which stands for all entries before it.
    Head,
    /// As [`Depth::Head`], but of the roots only the newest and those that are remembered. They prove all entries just as well; where an
    /// entry was changed is not found out.
    Leaves,
}

/// What an audit found.
#[derive(Debug)]
pub struct Verified {
    /// How many entries are sound, from the first on.
    pub entries: u64,
    /// The newest checkpoint, if its signature is good.
    pub head: Option<Checkpoint>,
    /// The time of the newest entry.
    pub newest: Option<Timestamp>,
    /// How many blobs were checked.
    pub blobs: usize,
    /// The size that the anchor remembers.
    pub anchored: Option<u64>,
    /// The first fault; `None`: everything is as it should be.
    pub fault: Option<Fault>,
}

/// Audits a log. It needs no lock and changes nothing; entries that are appended meanwhile are read too.
///
/// `remembered` are signed notes that clients, mails or refs hold: the log must have each one's root at its size.
///
/// # Errors
/// [`LogError`] if there is no log, or reading fails. What is wrong with the log is in [`Verified::fault`].
pub fn verify(paths: &AuditPaths, depth: Depth, remembered: &[String]) -> Result<Verified, LogError> {
    verify_each(paths, depth, remembered, &mut |_| {})
}

/// As [`verify`], and hands each line to `each` on the way, up to the first that is not sound. Only a result without a fault proves what was
/// handed over.
///
/// # Errors
/// As [`verify`].
pub fn verify_each(
    paths: &AuditPaths,
    depth: Depth,
    remembered: &[String],
    each: &mut dyn FnMut(&Accepted<'_>),
) -> Result<Verified, LogError> {
    let key = format::read(paths)?;
    let mut memories = Vec::new();
    let mut fault = None;
    match anchor::read(paths, &key) {
        Ok(found) => memories.extend(found.map(|found| (Memory::Anchor, found.checkpoint))),
        Err(LogError::Anchor { fault: cause, .. }) => fault = Some(Fault::Memory { by: Memory::Anchor, fault: cause }),
        Err(error) => return Err(error),
    }
    let anchored = memories.first().map(|(_, anchor)| anchor.size);
    for (number, note) in remembered.iter().enumerate() {
        let by = Memory::Given(number + 1);
        match SignedCheckpoint::open(note, &key) {
            Ok(checkpoint) => memories.push((by, checkpoint)),
            Err(cause) => fault = fault.or(Some(Fault::Memory { by, fault: cause })),
        }
    }
    memories.sort_by_key(|(_, checkpoint)| checkpoint.size);
    let mut audit = Audit { paths, key: &key, depth, memories, order: Order::default(), seen: HashSet::new(), each };
    let (reached, found) = std::thread::scope(|scope| {
        let mut signatures = Signatures::start(scope, &key, depth);
        let (reached, found) = audit.run(&mut signatures)?;
        let unsigned = signatures.finish().map(|place| Fault::Line { place, fault: LineFault::Signature });
        // Every line that was sent for its signature stands before the one at which the reading stopped.
        Ok::<_, LogError>((reached, unsigned.or(found)))
    })?;
    let entries = found.as_ref().and_then(Fault::index).unwrap_or(reached.entries).min(reached.entries);
    let fault = found.or(fault);
    Ok(Verified { entries, head: reached.head, newest: audit.order.newest, blobs: audit.seen.len(), anchored, fault })
}

/// How far the reading came.
struct Reached {
    entries: u64,
    head: Option<Checkpoint>,
}

/// An audit under way.
struct Audit<'a> {
    paths: &'a AuditPaths,
    key: &'a VerifierKey,
    depth: Depth,
    /// Heads that somebody remembers and that were not met yet, the smallest first.
    memories: Vec<(Memory, Checkpoint)>,
    order: Order,
    seen: HashSet<Hash>,
    each: &'a mut dyn FnMut(&Accepted<'_>),
}

/// A line whose signature was not looked at, yet.
#[derive(Clone, Copy)]
struct Newest {
    place: Place,
    root: Hash,
    signature: [u8; 64],
}

impl Audit<'_> {
    /// Reads all lines; stops at the first fault that is not a signature's.
    fn run(&mut self, signatures: &mut Signatures<'_>) -> Result<(Reached, Option<Fault>), LogError> {
        let (mut chain, mut newest, mut segment) = (Chain::default(), None, 0);
        let mut fault = self.remembered(&chain);
        while fault.is_none() {
            fault = self.segment(segment, &mut chain, &mut newest, signatures)?;
            let more = self.segments_after(segment)?;
            if fault.is_some() || !more {
                break;
            }
            if chain.tree().size() != (segment + 1) * SEGMENT {
                fault = Some(Fault::Segment { segment });
            }
            segment += 1;
        }
        let Some(Newest { place, root, signature }) = newest else {
            return Ok((Reached { entries: 0, head: None }, fault.or(Some(Fault::Empty))));
        };
        let entries = place.index + 1;
        if fault.is_none() && chain.tree().root() != root {
            let fault = Fault::Line { place, fault: LineFault::Root };
            return Ok((Reached { entries: 0, head: None }, Some(fault)));
        }
        let head = SignedCheckpoint::verified(entries, root, signature, self.key).map(|signed| signed.checkpoint);
        if head.is_none() {
            let fault = Fault::Line { place, fault: LineFault::Signature };
            return Ok((Reached { entries: entries - 1, head }, Some(fault)));
        }
        let behind = self.memories.first().map(|(by, checkpoint)| Fault::RolledBack {
            by: *by,
            remembered: checkpoint.size,
            size: entries,
        });
        Ok((Reached { entries, head }, fault.or(behind)))
    }

    /// Reads one segment to its end.
    fn segment(
        &mut self,
        segment: u64,
        chain: &mut Chain,
        newest: &mut Option<Newest>,
        signatures: &mut Signatures<'_>,
    ) -> Result<Option<Fault>, LogError> {
        let path = self.paths.segment(segment);
        let Some(mut lines) = Lines::open(&path, 0, u64::MAX).map_err(failed("opening", &path))? else {
            return Ok(Some(Fault::Segment { segment }));
        };
        while let Some(line) = lines.next().map_err(failed("reading", &path))? {
            let index = chain.tree().size();
            let place = Place { segment, line: index % SEGMENT + 1, offset: line.offset, index };
            if !line.whole {
                let (from, bytes) = (line.offset, line.bytes.len() as u64);
                if self.is_torn(&path, line.end)? {
                    return Ok(Some(Fault::Torn { place, bytes }));
                }
                // An append was under way: its line is whole now.
                match Lines::open(&path, from, u64::MAX).map_err(failed("opening", &path))? {
                    Some(again) => lines = again,
                    None => return Ok(Some(Fault::Segment { segment })),
                }
                continue;
            }
            if index / SEGMENT != segment {
                return Ok(Some(Fault::Segment { segment }));
            }
            let accepted = match self.depth {
                Depth::Full | Depth::Head => chain.accept(line.bytes, |_| {}),
                Depth::Leaves => chain.follow(line.bytes, |_| {}),
            };
            let accepted = match accepted {
                Ok(accepted) => accepted,
                Err(fault) => return Ok(Some(Fault::Line { place, fault })),
            };
            if let Some(fault) = self.entry(place, &accepted)? {
                return Ok(Some(fault));
            }
            let (root, signature) = (accepted.frame.root, accepted.frame.signature);
            signatures.check(place, root, signature);
            *newest = Some(Newest { place, root, signature });
            if let Some(fault) = self.remembered(chain) {
                return Ok(Some(fault));
            }
            (self.each)(&accepted);
        }
        Ok(None)
    }

    /// Checks an entry's place among the others, and its blobs.
    fn entry(&mut self, place: Place, accepted: &Accepted<'_>) -> Result<Option<Fault>, LogError> {
        if let Err(what) = self.order.accept(accepted.index, &accepted.header, self.key) {
            return Ok(Some(Fault::Order { place, what }));
        }
        // The header has all that is needed for the order; a full audit also wants each entry to be one.
        let parsed = if self.depth == Depth::Full { Entry::parse(accepted.frame.leaf).map(|_| ()) } else { Ok(()) };
        if let Err(fault @ EntryError::Malformed(_)) = parsed {
            return Ok(Some(Fault::Line { place, fault: fault.into() }));
        }
        for digest in accepted.header.blobs() {
            if accepted.header.blob != Some(digest) && self.seen.contains(&digest) {
                continue;
            }
            let bytes = match blobs::read(self.paths, digest) {
                Err(LogError::Blob(_)) => return Ok(Some(Fault::Blob { place, digest })),
                read => read?,
            };
            if accepted.header.blob == Some(digest) {
                let fitted = Entry::parse(&bytes).and_then(|entry| entry.fit());
                if fitted.ok().is_none_or(|fitted| fitted.leaf != accepted.frame.leaf) {
                    return Ok(Some(Fault::Short { place, digest }));
                }
            }
            self.seen.insert(digest);
        }
        Ok(None)
    }

    /// Compares with what is remembered of a log of this size.
    fn remembered(&mut self, chain: &Chain) -> Option<Fault> {
        let size = chain.tree().size();
        while let Some((by, checkpoint)) = self.memories.first().filter(|(_, checkpoint)| checkpoint.size <= size) {
            if checkpoint.root != chain.tree().root() {
                return Some(Fault::RolledBack { by: *by, remembered: checkpoint.size, size });
            }
            self.memories.remove(0);
        }
        None
    }

    /// Tells whether a file that ends within a line still does so while nobody appends.
    fn is_torn(&self, path: &Path, end: u64) -> Result<bool, LogError> {
        // A copy that can only be read has nobody who appends.
        let _lock = match lock::take(&self.paths.lock(), Instant::now() + LOCK_WAIT) {
            Err(LogError::Busy) => return Err(LogError::Busy),
            taken => taken.ok(),
        };
        Ok(fs::metadata(path).map_err(failed("reading", path))?.len() == end)
    }

    /// Tells whether any segment with a higher number is there.
    fn segments_after(&self, segment: u64) -> Result<bool, LogError> {
        if self.paths.segment(segment + 1).exists() {
            return Ok(true);
        }
        let folder = self.paths.journal();
        for entry in fs::read_dir(&folder).map_err(failed("reading", &folder))? {
            let name = entry.map_err(failed("reading", &folder))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse::<u64>().ok());
            if number.is_some_and(|number| number > segment) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
