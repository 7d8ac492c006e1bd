//! Finds the end of the journal and repairs what a crash may have left there.
//!
//! Reading a journal of a million entries to its end takes seconds, so the search begins at the newest
//! entry that `index` names. The tree before it comes from `hashes`; it is believed for giving, with that
//! entry's leaf, the root that stands in the entry's line. From there the lines are read on to the end, and
//! the signature of the last one stands for all. If no such entry is found near the index's end, the newest segment is read from its start, and if
//! that does not fit either, the whole journal.

use super::anchor::Anchor;
use super::derived::Derived;
use super::lines::{Lines, SEGMENT};
use super::paths::AuditPaths;
use super::storage::{Durable, Storage, failed, make_folder, replace};
use crate::domain::audit::{Chain, Frame, Hash, LineFault, MAX_LINE, SignedCheckpoint, Tree, VerifierKey, leaf_hash};
use crate::ports::log::{LogError, Place};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// How far back the index is tried before the segment is read.
const STEPS_BACK: u64 = 8;
/// How many lines are read between two looks at the clock.
const STEP: u64 = 1024;

/// What the search needs to know.
pub(super) struct Search<'a> {
    pub storage: &'a dyn Storage,
    pub paths: &'a AuditPaths,
    pub key: &'a VerifierKey,
    /// What the anchor remembers; no line below its size is ever moved aside.
    pub anchored: Option<&'a Anchor>,
    pub deadline: Instant,
}

/// The end of the journal.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// The tree over all entries.
    pub tree: Tree,
    /// The newest checkpoint; `None` for a journal without entries.
    pub head: Option<SignedCheckpoint>,
    /// The segment in which the newest entry stands.
    pub segment: u64,
    /// Where that segment's lines end, in bytes.
    pub end: u64,
}

/// Where the reading begins: before a line, with the tree over all lines before it.
struct Start {
    tree: Tree,
    segment: u64,
    offset: u64,
}

/// A line that fitted; whether it was signed is asked only of the last one, whose root stands for all.
struct Fit {
    place: Place,
    /// The tree without it.
    before: Tree,
    root: Hash,
    signature: [u8; 64],
}

/// The reading of the journal's lines, up to where it has come.
struct Scan {
    tree: Tree,
    segment: u64,
    end: u64,
    /// How many lines were read.
    read: u64,
    /// The newest line, and the one before it.
    last: Option<Fit>,
    previous: Option<Fit>,
    /// Whether a bad line may be moved aside: at most one append can have been under way.
    repair: bool,
}

impl Search<'_> {
    /// Finds the end from where `derived` says that it is near; brings `derived` up to it.
    pub fn quick(&self, derived: &mut Derived) -> Result<Tail, LogError> {
        let mut starts = self.start_by_index(derived).into_iter().map(|start| (start, true)).collect::<Vec<_>>();
        if starts.is_empty() {
            // Unproven until its lines fit: a fault here may be that of `hashes`, so it repairs nothing.
            starts.extend(self.start_by_segment(derived)?.map(|start| (start, false)));
        }
        for (start, repair) in starts {
            match self.scan(start, derived, repair) {
                Ok(tail) if tail.head.is_some() => return Ok(tail),
                Err(error) if repair && !matches!(error, LogError::Derived(_)) => return Err(error),
                Err(error @ (LogError::Deadline | LogError::Io { .. })) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        self.thorough(derived)
    }

    /// Finds the end by reading the whole journal, and makes `derived` anew.
    pub fn thorough(&self, derived: &mut Derived) -> Result<Tail, LogError> {
        derived.cut(0)?;
        self.scan(Start { tree: Tree::default(), segment: 0, offset: 0 }, derived, true)
    }

    /// Looks for the newest entry that the index names rightly.
    fn start_by_index(&self, derived: &Derived) -> Option<Start> {
        let claimed = derived.claimed();
        (0..STEPS_BACK.min(claimed)).find_map(|back| {
            let size = claimed - back;
            let (segment, offset) = ((size - 1) / SEGMENT, derived.offset(size - 1)?);
            // A line begins after a newline, which no entry can hold: an offset into an entry is noticed.
            let from = offset.saturating_sub(1);
            let mut lines = Lines::open(&self.paths.segment(segment), from, u64::MAX).ok()??;
            if offset > 0 && !lines.next().ok()??.bytes.is_empty() {
                return None;
            }
            let line = lines.next().ok()?.filter(|line| line.whole)?;
            let frame = Frame::parse(line.bytes).ok().filter(|frame| frame.size == size)?;
            // The tree without it, and then its leaf: so the leaf's bytes are checked too, and the scan, which begins
            // with this line, writes its nodes again.
            let before = derived.tree(size - 1)?;
            let mut tree = before.clone();
            tree.push(leaf_hash(frame.leaf), |_| {});
            (tree.root() == frame.root).then_some(Start { tree: before, segment, offset })
        })
    }

    /// Begins at the newest segment that has anything in it.
    fn start_by_segment(&self, derived: &Derived) -> Result<Option<Start>, LogError> {
        let folder = self.paths.journal();
        let mut newest = 0_u64;
        for entry in fs::read_dir(&folder).map_err(failed("reading", &folder))? {
            let entry = entry.map_err(failed("reading", &folder))?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok()).unwrap_or(0);
            if entry.metadata().is_ok_and(|found| found.len() > 0) {
                newest = newest.max(number);
            }
        }
        let tree = newest.checked_mul(SEGMENT).filter(|size| *size > 0).and_then(|size| derived.tree(size));
        Ok(tree.map(|tree| Start { tree, segment: newest, offset: 0 }))
    }

    /// Reads on from `start` to the end of the journal.
    fn scan(&self, start: Start, derived: &mut Derived, repair: bool) -> Result<Tail, LogError> {
        let Start { tree, segment, offset: end } = start;
        derived.go_on_after(tree.size());
        let mut scan = Scan { tree, segment, end, read: 0, last: None, previous: None, repair };
        loop {
            self.scan_segment(&mut scan, derived)?;
            if !self.paths.segment(scan.segment + 1).exists() {
                break;
            }
            if scan.tree.size() != (scan.segment + 1) * SEGMENT {
                return Err(LogError::Segment { segment: scan.segment });
            }
            (scan.segment, scan.end) = (scan.segment + 1, 0);
        }
        let head = match self.head(scan.last.as_ref()) {
            Ok(head) => head,
            Err(fault) => self.without_last(&mut scan, fault)?,
        };
        derived.flush()?;
        derived.cut(scan.tree.size())?;
        Ok(Tail { tree: scan.tree, head, segment: scan.segment, end: scan.end })
    }

    /// Moves the newest line aside, whose signature is wrong; then the one before it is the newest.
    fn without_last(&self, scan: &mut Scan, fault: LineFault) -> Result<Option<SignedCheckpoint>, LogError> {
        let Some(last) = scan.last.take() else { return Ok(None) };
        if scan.previous.is_none() && last.place.index > 0 {
            // The line before it was not read, so nothing is known to go back to: begin earlier.
            return Err(LogError::Derived(self.paths.index()));
        }
        self.move_aside(last.place, scan.end, fault, scan.repair)?;
        (scan.tree, scan.end) = (last.before, last.place.offset);
        let place = scan.previous.as_ref().map_or(last.place, |previous| previous.place);
        self.head(scan.previous.as_ref()).map_err(|fault| LogError::Damaged { place, fault })
    }

    /// Checks the signature of the newest line, unless it is the one that the anchor holds; `None` if no line was read.
    fn head(&self, last: Option<&Fit>) -> Result<Option<SignedCheckpoint>, LineFault> {
        let Some(Fit { place, root, signature, .. }) = last else { return Ok(None) };
        let known = self.anchored.map(|anchored| &*anchored.note);
        let head = SignedCheckpoint::verified_beside(known, place.index + 1, *root, *signature, self.key);
        head.map(Some).ok_or(LineFault::Signature)
    }

    fn scan_segment(&self, scan: &mut Scan, derived: &mut Derived) -> Result<(), LogError> {
        let (segment, path) = (scan.segment, self.paths.segment(scan.segment));
        let opened = Lines::open(&path, scan.end, u64::MAX).map_err(failed("opening", &path))?;
        let Some(mut lines) = opened else {
            return if scan.tree.size() == 0 { Ok(()) } else { Err(LogError::Segment { segment }) };
        };
        let mut chain = Chain::after(scan.tree.clone());
        let mut nodes = Vec::new();
        while let Some(line) = lines.next().map_err(failed("reading", &path))? {
            let index = scan.tree.size();
            let place = Place { segment, line: index % SEGMENT + 1, offset: line.offset, index };
            scan.read += 1;
            if scan.read.is_multiple_of(STEP) && Instant::now() > self.deadline {
                // What was read stays in the derived files, and the next search begins there.
                derived.flush()?;
                return Err(LogError::Deadline);
            }
            if !line.whole {
                return self.cut_torn(place);
            }
            if index / SEGMENT != segment {
                return Err(LogError::Segment { segment });
            }
            nodes.clear();
            match chain.accept(line.bytes, |node| nodes.push(node)) {
                Ok(accepted) => {
                    let Frame { root, signature, .. } = accepted.frame;
                    let before = std::mem::replace(&mut scan.tree, chain.tree().clone());
                    scan.previous = scan.last.replace(Fit { place, before, root, signature });
                    scan.end = line.end;
                    derived.add(place.offset, &nodes)?;
                }
                Err(fault) => {
                    self.move_aside(place, line.end, fault, scan.repair)?;
                    scan.repair = false;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Moves the last line of the journal aside if a power cut can have spoilt it, else reports it.
    ///
    /// The order of calls: write the bytes to `aside/pending`, fdatasync, rename, fsync of the folder; only then
    /// truncate the journal and fdatasync it. Whoever finds `aside/pending` owes the log a recovery entry.
    fn move_aside(&self, place: Place, end: u64, fault: LineFault, repair: bool) -> Result<(), LogError> {
        let path = self.paths.segment(place.segment);
        let length = fs::metadata(&path).map_err(failed("reading", &path))?.len();
        let newest = end == length && !self.paths.segment(place.segment + 1).exists();
        let anchored = self.anchored.map_or(0, |anchored| anchored.checkpoint.size);
        if !newest || !repair || place.index < anchored || end - place.offset > MAX_LINE as u64 + 1 {
            return Err(LogError::Damaged { place, fault });
        }
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("opening", &path))?;
        let mut bytes = vec![0; usize::try_from(end - place.offset).unwrap_or(0)];
        file.read_exact_at(&mut bytes, place.offset).map_err(failed("reading", &path))?;
        make_folder(self.storage, &self.paths.aside())?;
        replace(self.storage, &self.paths.aside_pending(), &bytes, Durable::Yes)?;
        self.storage.truncate(&file, place.offset).map_err(failed("truncating", &path))?;
        self.storage.sync(&file).map_err(failed("syncing", &path))
    }

    /// Cuts off a line without its newline: an append that never came to its sync.
    fn cut_torn(&self, place: Place) -> Result<(), LogError> {
        let path = self.paths.segment(place.segment);
        if self.paths.segment(place.segment + 1).exists() {
            return Err(LogError::Segment { segment: place.segment });
        }
        let file = OpenOptions::new().write(true).open(&path).map_err(failed("opening", &path))?;
        self.storage.truncate(&file, place.offset).map_err(failed("truncating", &path))?;
        self.storage.sync(&file).map_err(failed("syncing", &path))
    }
}
