//! The locked log: look-ups and the append protocol.

use super::derived::Derived;
use super::lines::SEGMENT;
use super::open::Shared;
use super::read::{genesis_value, read_from};
use super::state::{Kept, State};
use super::storage::{failed, remove, write_whole};
use super::{anchor, blobs};
use crate::domain::audit::{
    Debt, Entry, Frame, Hash, KeptRequest, LastDenial, SignedCheckpoint, Standing, TargetChange, TargetState, Tree,
    Unsettled, leaf_hash,
};
use crate::domain::change::{ContentId, Target};
use crate::domain::time::Timestamp;
use crate::ports::log::{Appended, Log, LogError};
use ed25519_dalek::SigningKey;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// The log with its lock; see [`Log`].
pub struct DiskLog {
    pub(super) shared: Arc<Shared>,
    pub(super) signer: SigningKey,
    pub(super) journal: (PathBuf, File),
    pub(super) segment: u64,
    /// Where the next line goes in the segment, in bytes.
    pub(super) end: u64,
    pub(super) tree: Tree,
    pub(super) head: SignedCheckpoint,
    pub(super) derived: Derived,
    pub(super) state: State,
    /// Set while a write is under way, and left set if it failed.
    pub(super) poisoned: bool,
    /// Held for its lock.
    pub(super) _lock: File,
}

impl Log for DiskLog {
    fn size(&self) -> u64 {
        self.tree.size()
    }

    fn newest_time(&self) -> Option<Timestamp> {
        self.state.standing.newest
    }

    fn head(&self) -> &SignedCheckpoint {
        &self.head
    }

    fn target(&self, target: &Target) -> Result<TargetState, LogError> {
        self.usable()?;
        let paths = &self.shared.paths;
        let kept = match self.state.target(paths, target)? {
            Kept::State(state) => return Ok(state),
            Kept::Nothing => TargetState::default(),
            Kept::Damaged => self.replay_target(target)?,
        };
        match (kept.recorded, self.state.refs) {
            (None, Some(refs)) => Ok(TargetState { recorded: genesis_value(paths, refs, target)?, ..kept }),
            (recorded, _) => Ok(TargetState { recorded, ..kept }),
        }
    }

    fn landed(&self, target: &Target, content: &ContentId) -> Result<Option<Timestamp>, LogError> {
        self.usable()?;
        let paths = &self.shared.paths;
        match self.state.landing(paths, target, content)? {
            Kept::State(landed_at) => Ok(Some(landed_at)),
            Kept::Nothing => Ok(None),
            Kept::Damaged => {
                // The next opening finds no state, and makes the files anew.
                remove(&paths.state())?;
                Err(LogError::Derived(paths.landing(target, content).1))
            }
        }
    }

    fn unsettled(&self) -> &[Unsettled] {
        &self.state.standing.unsettled
    }

    fn debts(&self) -> &[Debt] {
        &self.state.standing.debts
    }

    fn kept(&self) -> &[KeptRequest] {
        &self.state.standing.kept
    }

    fn last_denial(&self) -> Option<LastDenial> {
        self.state.standing.last_denial
    }

    fn keep_blob(&mut self, bytes: &[u8]) -> Result<Hash, LogError> {
        self.usable()?;
        blobs::keep(&*self.shared.storage, &self.shared.paths, bytes)
    }

    fn append(&mut self, entry: &Entry) -> Result<Appended, LogError> {
        self.usable()?;
        let index = self.size();
        let mut standing = self.state.standing.clone();
        let changes = standing.apply(index, entry)?;
        let fitted = entry.fit()?;
        self.poisoned = true;
        if let Some(whole) = &fitted.blob {
            blobs::keep(&*self.shared.storage, &self.shared.paths, whole)?;
        }
        let (head, nodes) = self.commit(&fitted.leaf)?;
        // From here on the entry is durable. Derived files that cannot be written are no reason to say
        // otherwise: the next process brings them up to date. This handle stops, for its look-ups would be wrong.
        let derived = self.note(standing, &changes, &head, &nodes);
        self.poisoned = derived.is_err();
        Ok(Appended { index, head })
    }

    fn renew_anchor(&mut self) -> Result<(), LogError> {
        self.usable()?;
        anchor::write(&*self.shared.storage, &self.shared.paths, &self.head)
    }
}

/// Where a leaf went: the segment offset of its line, and the nodes that it brought.
struct Written {
    offset: u64,
    nodes: Vec<Hash>,
}

impl DiskLog {
    fn usable(&self) -> Result<(), LogError> {
        if self.poisoned { Err(LogError::Poisoned) } else { Ok(()) }
    }

    /// Makes a leaf durable.
    ///
    /// 1. If the segment is full: fdatasync `hashes` and `index`; create the next one with O_EXCL (or take the
    ///    empty one that a crash left), fdatasync it, fsync its folder.
    /// 2. Sign the new head in memory. A signature that is lost in a crash was never seen by anyone.
    /// 3. One pwrite of the whole line at the end. Not O_APPEND: the place is the one that was checked.
    /// 4. fdatasync: the commit point. A failed one is not tried again, for the system may have dropped
    ///    the pages and would then say that all is well.
    fn commit(&mut self, leaf: &[u8]) -> Result<(SignedCheckpoint, Written), LogError> {
        let storage = Arc::clone(&self.shared.storage);
        if self.size() / SEGMENT != self.segment {
            self.next_segment()?;
        }
        let mut nodes = Vec::new();
        let mut tree = self.tree.clone();
        tree.push(leaf_hash(leaf), |node| nodes.push(node));
        let head = SignedCheckpoint::sign(tree.size(), tree.root(), &self.shared.key, &self.signer);
        let frame = Frame { leaf, size: tree.size(), root: tree.root(), signature: head.signature };
        let line = frame.write();
        let (path, file) = &self.journal;
        write_whole(&*storage, file, path, &line, self.end)?;
        storage.sync(file).map_err(failed("syncing", path))?;
        let offset = self.end;
        (self.tree, self.head, self.end) = (tree, head.clone(), offset + line.len() as u64);
        Ok((head, Written { offset, nodes }))
    }

    fn next_segment(&mut self) -> Result<(), LogError> {
        let Shared { storage, paths, .. } = &*self.shared;
        self.derived.sync()?;
        let number = self.segment + 1;
        let path = paths.segment(number);
        // The search for the end has seen that a segment here is empty.
        remove(&path)?;
        let file = storage.create(&path).map_err(failed("creating", &path))?;
        storage.sync(&file).map_err(failed("syncing", &path))?;
        storage.sync_folder(&paths.journal()).map_err(failed("syncing", &paths.journal()))?;
        (self.journal, self.segment, self.end) = ((path, file), number, 0);
        Ok(())
    }

    /// Brings the derived files up to date, `state` last.
    fn note(
        &mut self,
        standing: Standing,
        changes: &[TargetChange],
        head: &SignedCheckpoint,
        written: &Written,
    ) -> Result<(), LogError> {
        let shared = Arc::clone(&self.shared);
        let (storage, paths) = (&*shared.storage, &shared.paths);
        self.derived.add(written.offset, &written.nodes)?;
        self.derived.flush()?;
        self.derived.keep_checkpoint(head)?;
        self.state.standing = standing;
        for change in changes {
            self.state.apply(storage, paths, change)?;
        }
        (self.state.size, self.state.root) = (head.checkpoint.size, head.checkpoint.root);
        self.state.write(storage, paths)
    }

    /// Reads all entries for what they say of one target, because its own file is spoilt, and lets the
    /// next process make the files anew.
    fn replay_target(&self, target: &Target) -> Result<TargetState, LogError> {
        let paths = &self.shared.paths;
        remove(&paths.state())?;
        let (mut standing, mut state) = (Standing::default(), TargetState::default());
        for segment in 0..=self.segment {
            read_from(paths, segment, 0, segment * SEGMENT, &mut |stored| {
                let index = stored.index;
                let changes = standing.apply(index, &stored.whole(paths)?);
                let changes = changes.map_err(|fault| LogError::Replay { index, fault })?;
                changes.iter().filter(|change| change.target == *target).for_each(|change| state.apply(change));
                Ok(())
            })?;
        }
        Ok(state)
    }
}
