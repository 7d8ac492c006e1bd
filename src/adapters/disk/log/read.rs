//! Reads entries from the journal, whole, without checking the tree: for replaying and for showing.

use super::blobs;
use super::format;
use super::lines::{Lines, SEGMENT};
use super::paths::AuditPaths;
use super::storage::failed;
use crate::domain::audit::{Checkpoint, Entry, Event, Frame, Hash, SignedCheckpoint, find_in_refs};
use crate::domain::change::{ChangesetId, Target};
use crate::ports::log::{LogError, Place};
use std::fs::File;
use std::os::unix::fs::FileExt;

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
        let unreadable = |fault| LogError::Unreadable { index: self.index, fault };
        let entry = Entry::parse(&self.leaf).map_err(unreadable)?;
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

    /// Hands the entries from number `from` on to `each`, in order, but not those from `until` on. The first is found through the
    /// derived file `index`, or by reading its segment from the start where that is wrong.
    ///
    /// # Errors
    /// As [`LogReader::segment`]; and [`LogError::Segment`] if the journal ends before `until`.
    pub fn entries(
        &self,
        from: u64,
        until: u64,
        mut each: impl FnMut(StoredEntry) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut next = from;
        while next < until {
            let (segment, before) = (next / SEGMENT, next);
            let (offset, index) = match self.offset_of(next) {
                Some(offset) => (offset, next),
                None => (0, segment * SEGMENT),
            };
            read_from(&self.paths, segment, offset, index, &mut |stored| {
                if (next..until).contains(&stored.index) {
                    next = stored.index + 1;
                    each(stored)?;
                }
                Ok(())
            })?;
            if next == before || (next < until && !next.is_multiple_of(SEGMENT)) {
                return Err(LogError::Segment { segment });
            }
        }
        Ok(())
    }

    /// Where `index` says that an entry begins, if that is so.
    fn offset_of(&self, index: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        File::open(self.paths.index()).ok()?.read_exact_at(&mut bytes, index.checked_mul(8)?).ok()?;
        let offset = u64::from_le_bytes(bytes);
        let mut lines = Lines::open(&self.paths.segment(index / SEGMENT), offset, u64::MAX).ok()??;
        let line = lines.next().ok()??;
        (Frame::parse(line.bytes).ok()?.size == index + 1).then_some(offset)
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
