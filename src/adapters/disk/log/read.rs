//! Reads entries from the journal, whole, without checking the tree: for replaying and for showing.

use super::blobs;
use super::format;
use super::lines::{Lines, SEGMENT};
use super::paths::AuditPaths;
use super::storage::failed;
use crate::domain::audit::{Checkpoint, Entry, EntryError, Event, Frame, Hash, Header, SignedCheckpoint, find_in_refs};
use crate::domain::change::{ChangesetId, Target};
use crate::domain::policy::PolicyFile;
use crate::domain::time::Timestamp;
use crate::ports::log::{LogError, Place};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bytes that are read in a row rather than halved once more.
const NEAR: u64 = 64 * 1024;

/// An entry as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its index.
    pub index: u64,
    /// The leaf's exact bytes.
    pub leaf: Vec<u8>,
}

impl StoredEntry {
    /// Reads the whole entry: the leaf, or the blob that it names.
    ///
    /// # Errors
    /// [`LogError::Unreadable`] for an entry of a later version, [`LogError::Blob`] for a missing or damaged blob.
    pub fn whole(&self, paths: &AuditPaths) -> Result<Entry, LogError> {
        self.completed(Entry::parse(&self.leaf), paths)
    }

    /// As [`StoredEntry::whole`], of what was read from its header before.
    ///
    /// # Errors
    /// As [`StoredEntry::whole`].
    pub fn whole_of(&self, time: Timestamp, kind: &str, paths: &AuditPaths) -> Result<Entry, LogError> {
        self.completed(Entry::of(time, kind, &self.leaf), paths)
    }

    fn completed(&self, leaf: Result<Entry, EntryError>, paths: &AuditPaths) -> Result<Entry, LogError> {
        let unreadable = |fault| LogError::Unreadable { index: self.index, fault };
        let entry = leaf.map_err(unreadable)?;
        match entry.blob() {
            Some(digest) => Entry::parse(&blobs::read(paths, digest)?).map_err(unreadable),
            None => Ok(entry),
        }
    }
}

/// Reads a log without its lock. What is read is what stands there; [`super::verify`] says whether it is right.
#[derive(Debug, Clone)]
pub struct LogReader {
    paths: AuditPaths,
}

impl LogReader {
    /// Looks whether there is a log.
    ///
    /// # Errors
    /// [`LogError::Missing`], [`LogError::Format`].
    pub fn open(paths: &AuditPaths) -> Result<Self, LogError> {
        format::read(paths)?;
        Ok(Self { paths: paths.clone() })
    }

    /// Returns the newest head that is known to be durable with its signed note, as the derived file `checkpoint` has it; `None` where
    /// that is missing or spoilt. It is behind the journal for moments only: while an append is under way, and after a power cut until the next one.
    ///
    /// # Errors
    /// [`LogError::Format`].
    pub fn head(&self) -> Result<Option<(Checkpoint, String)>, LogError> {
        let key = format::read(&self.paths)?;
        let note = std::fs::read_to_string(self.paths.checkpoint()).ok();
        Ok(note.and_then(|note| Some((SignedCheckpoint::open(&note, &key).ok()?, note))))
    }

    /// Returns the files of a policy that an entry names by `digest`.
    ///
    /// # Errors
    /// [`LogError::Blob`] if they are missing or damaged, [`LogError::Io`].
    pub fn policy_files(&self, digest: Hash) -> Result<Vec<PolicyFile>, LogError> {
        let bytes = blobs::read(&self.paths, digest)?;
        let files: BTreeMap<String, String> = serde_json::from_slice(&bytes).map_err(|_| LogError::Blob(digest))?;
        Ok(files.into_iter().map(|(name, text)| PolicyFile { name, text: text.into_bytes() }).collect())
    }

    /// Returns how many segments there are.
    pub fn segments(&self) -> u64 {
        (0..).find(|number| !self.paths.segment(*number).exists()).unwrap_or(0)
    }

    /// Hands the entries of one segment to `each`, in order. A line under way at the end is left out.
    ///
    /// # Errors
    /// [`LogError::Io`], [`LogError::Damaged`] for a line that is no frame, and what `each` returns.
    pub fn segment(
        &self,
        number: u64,
        mut each: impl FnMut(StoredEntry) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        read_from(&self.paths, number, 0, number * SEGMENT, &mut each)
    }

    /// Hands entries to `each`, in order, from the first that is not `before`: all that are must stand before all that are not.
    ///
    /// Found by halving, first among the segments, then within one: what it costs depends on what is handed over, and hardly on the
    /// log's length.
    ///
    /// # Errors
    /// As [`LogReader::segment`].
    pub fn since(
        &self,
        before: impl Fn(u64, &Header<'_>) -> bool,
        mut each: impl FnMut(StoredEntry) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let segments = self.segments();
        let mut first = 0;
        let mut end = segments;
        // The segment to begin in is the last whose first entry is before, for others may follow in it.
        while first + 1 < end {
            let middle = first + (end - first) / 2;
            match self.line_after(middle, 0, &before)? {
                Some((_, true)) => first = middle,
                _ => end = middle,
            }
        }
        let mut start = self.start_in(first, &before)?;
        for number in first..segments {
            read_from(&self.paths, number, start.offset, start.index, &mut |stored| {
                let header = Header::parse(&stored.leaf);
                // An entry that cannot be read is for `each` to judge.
                match header.is_ok_and(|header| before(stored.index, &header)) {
                    true => Ok(()),
                    false => each(stored),
                }
            })?;
            start = Start { offset: 0, index: (number + 1) * SEGMENT };
        }
        Ok(())
    }

    /// Finds a line of the segment that is before, close in front of the first that is not.
    fn start_in(&self, number: u64, before: &impl Fn(u64, &Header<'_>) -> bool) -> Result<Start, LogError> {
        let path = self.paths.segment(number);
        let mut low = Start { offset: 0, index: number * SEGMENT };
        let mut high = path.metadata().map_err(failed("reading", &path))?.len();
        while high - low.offset > NEAR {
            let middle = low.offset + (high - low.offset) / 2;
            match self.line_after(number, middle, before)? {
                Some((found, true)) if found.offset < high => low = found,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Looks at the first line that begins at or after `offset`: where that is, and whether it is before. `None`: there is none.
    fn line_after(
        &self,
        number: u64,
        offset: u64,
        before: &impl Fn(u64, &Header<'_>) -> bool,
    ) -> Result<Option<(Start, bool)>, LogError> {
        let path = self.paths.segment(number);
        // From the byte before: if a line ends there, the next begins at `offset`.
        let opened = Lines::open(&path, offset.saturating_sub(1), u64::MAX).map_err(failed("opening", &path))?;
        let Some(mut lines) = opened else { return Ok(None) };
        if offset > 0 {
            lines.next().map_err(failed("reading", &path))?;
        }
        let Some(line) = lines.next().map_err(failed("reading", &path))?.filter(|line| line.whole) else {
            return Ok(None);
        };
        let place = Place { segment: number, line: 0, offset: line.offset, index: number * SEGMENT };
        let damaged = |fault| LogError::Damaged { place, fault };
        let frame = Frame::parse(line.bytes).map_err(|fault| damaged(fault.into()))?;
        let index = frame.size.saturating_sub(1);
        let header = Header::parse(frame.leaf).map_err(|fault| LogError::Unreadable { index, fault })?;
        Ok(Some((Start { offset: line.offset, index }, before(index, &header))))
    }
}

/// Where a line begins in its segment, and the index of its entry.
#[derive(Debug, Clone, Copy)]
struct Start {
    offset: u64,
    index: u64,
}

/// Hands entries to `each`, from number `index`, which begins at `offset`, to the end of the segment.
pub(super) fn read_from(
    paths: &AuditPaths,
    segment: u64,
    offset: u64,
    index: u64,
    each: &mut impl FnMut(StoredEntry) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let path = paths.segment(segment);
    let Some(mut lines) = Lines::open(&path, offset, u64::MAX).map_err(failed("opening", &path))? else {
        return Ok(());
    };
    let mut index = index;
    while let Some(line) = lines.next().map_err(failed("reading", &path))?.filter(|line| line.whole) {
        let place = Place { segment, line: index % SEGMENT + 1, offset: line.offset, index };
        let frame = Frame::parse(line.bytes).map_err(|fault| LogError::Damaged { place, fault: fault.into() })?;
        each(StoredEntry { index, leaf: frame.leaf.to_vec() })?;
        index += 1;
    }
    Ok(())
}

/// Finds a target among the refs at the beginning.
pub(super) fn genesis_value(
    paths: &AuditPaths,
    refs: Hash,
    target: &Target,
) -> Result<Option<Vec<ChangesetId>>, LogError> {
    let path = paths.blob(refs);
    let file = File::open(&path).map_err(|_| LogError::Blob(refs))?;
    let length = file.metadata().map_err(failed("reading", &path))?.len();
    find_in_refs(length, target, |offset, buffer| file.read_exact_at(buffer, offset)).map_err(LogError::Refs)
}

/// Returns the blob with the refs at the beginning, if this is the first entry.
pub(super) fn refs_of(entry: &Entry) -> Option<Hash> {
    match &entry.event {
        Event::Genesis(genesis) => Some(genesis.refs.blob),
        _ => None,
    }
}
