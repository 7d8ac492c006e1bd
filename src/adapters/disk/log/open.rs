//! Opens the log: lock, FORMAT and key, end of the journal, anchor, derived state, and the recovery that may be owed.

use super::anchor::{self, Anchor};
use super::derived::Derived;
use super::handle::DiskLog;
use super::paths::AuditPaths;
use super::storage::{Disk, Storage, failed, read_whole};
use super::tail::{Search, Tail};
use super::{format, key, lock};
use crate::domain::audit::{Entry, Event, Hash, MAX_LINE, Recovery, RecoveryKind, VerifierKey};
use crate::domain::time::Timestamp;
use crate::ports::log::{Appended, KeyFault, Log, LogError, LogStore};
use std::fs::OpenOptions;
use std::sync::Arc;
use std::time::Instant;

/// Tells the time, for the entries that opening a log may write.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The log in a folder; see [`LogStore`].
pub struct DiskLogStore {
    pub(super) paths: AuditPaths,
    pub(super) clock: Clock,
    pub(super) storage: Arc<dyn Storage>,
}

/// What a handle keeps of its store.
pub(super) struct Shared {
    pub paths: AuditPaths,
    pub storage: Arc<dyn Storage>,
    pub key: VerifierKey,
}

/// What an anchor that does not fit means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchoring {
    Compare,
    Accept,
}

impl LogStore for DiskLogStore {
    fn open(&self, deadline: Instant) -> Result<Box<dyn Log>, LogError> {
        let (log, _) = self.open_disk(deadline, Anchoring::Compare)?;
        Ok(Box::new(log))
    }

    fn accept_restore(&self, deadline: Instant, reason: &str) -> Result<Appended, LogError> {
        let (mut log, anchored) = self.open_disk(deadline, Anchoring::Accept)?;
        let recovery = Recovery {
            what: RecoveryKind::AcceptRestore,
            size: log.size(),
            anchored: anchored.map(|anchored| anchored.checkpoint.size),
            moved: None,
            reason: Some(reason.to_owned()),
        };
        let appended = log.append(&Entry { time: (self.clock)(), event: Event::Recovery(recovery) })?;
        log.renew_anchor()?;
        Ok(appended)
    }
}

impl DiskLogStore {
    /// Names a log; nothing is opened yet.
    pub fn new(paths: AuditPaths, clock: Clock) -> Self {
        Self::with_storage(paths, clock, Arc::new(Disk))
    }

    /// As [`DiskLogStore::new`], with other system calls.
    pub fn with_storage(paths: AuditPaths, clock: Clock, storage: Arc<dyn Storage>) -> Self {
        Self { paths, clock, storage }
    }

    /// Returns the key with which the log's checkpoints can be verified.
    ///
    /// # Errors
    /// [`LogError::Missing`], [`LogError::Format`].
    pub fn verifier_key(&self) -> Result<VerifierKey, LogError> {
        format::read(&self.paths)
    }

    fn open_disk(&self, deadline: Instant, anchoring: Anchoring) -> Result<(DiskLog, Option<Anchor>), LogError> {
        let verifier = format::read(&self.paths)?;
        let lock = lock::take(&self.paths.lock(), deadline)?;
        let signer = key::read(&self.paths.key_file)?;
        if VerifierKey::of(verifier.origin().clone(), &signer) != verifier {
            return Err(LogError::Key { path: self.paths.key_file.clone(), fault: KeyFault::Other });
        }
        let anchored = match (anchor::read(&self.paths, &verifier), anchoring) {
            (Err(LogError::Anchor { .. }), Anchoring::Accept) => None,
            (read, _) => read?,
        };
        let shared = Arc::new(Shared { paths: self.paths.clone(), storage: Arc::clone(&self.storage), key: verifier });
        let mut derived = Derived::open(&self.storage, &self.paths)?;
        let tail = self.find_tail(&shared, &mut derived, anchored.as_ref(), anchoring, deadline)?;
        let head = tail.head.clone().ok_or(LogError::Empty)?;
        let state = self.bring_up(&derived, &tail, deadline)?;
        let path = self.paths.segment(tail.segment);
        let journal = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("opening", &path))?;
        let mut log = DiskLog {
            shared,
            signer,
            journal: (path, journal),
            segment: tail.segment,
            end: tail.end,
            tree: tail.tree,
            head,
            derived,
            state,
            poisoned: false,
            _lock: lock,
        };
        self.pay_recovery(&mut log, anchored.as_ref())?;
        Ok((log, anchored))
    }

    /// Finds the end of the journal and compares it with the anchor.
    fn find_tail(
        &self,
        shared: &Shared,
        derived: &mut Derived,
        anchored: Option<&Anchor>,
        anchoring: Anchoring,
        deadline: Instant,
    ) -> Result<Tail, LogError> {
        let compared = anchored.filter(|_| anchoring == Anchoring::Compare);
        let search =
            Search { storage: &*self.storage, paths: &self.paths, key: &shared.key, anchored: compared, deadline };
        let tail = search.quick(derived)?;
        let Some(Anchor { checkpoint: anchored, .. }) = compared else { return Ok(tail) };
        let agrees = |derived: &Derived| derived.root_at(anchored.size) == Some(anchored.root);
        if anchored.size <= tail.tree.size() {
            if agrees(derived) {
                return Ok(tail);
            }
            // The peaks gave the signed root, but nodes inside may be spoilt: only the journal can say.
            let tail = search.thorough(derived)?;
            if agrees(derived) {
                return Ok(tail);
            }
        }
        Err(LogError::RolledBack { size: tail.tree.size(), anchored: anchored.size })
    }

    /// Records a line that was moved aside, then gives its file its name.
    ///
    /// A crash between the two records it twice, which is better than never.
    fn pay_recovery(&self, log: &mut DiskLog, anchored: Option<&Anchor>) -> Result<(), LogError> {
        let pending = self.paths.aside_pending();
        let Some(bytes) = read_whole(&pending, MAX_LINE as u64 + 1)? else { return Ok(()) };
        let size = log.size();
        let moved = format!("{size}-{}", &Hash::of(&bytes).to_string()[..16]);
        let recovery = Recovery {
            what: RecoveryKind::BadTail,
            size,
            anchored: anchored.map(|anchored| anchored.checkpoint.size),
            moved: Some(moved.clone()),
            reason: None,
        };
        let now = (self.clock)();
        let time = log.newest_time().map_or(now, |newest| newest.max(now));
        log.append(&Entry { time, event: Event::Recovery(recovery) })?;
        let (folder, path) = (self.paths.aside(), self.paths.aside().join(moved));
        self.storage.rename(&pending, &path).map_err(failed("renaming to", &path))?;
        self.storage.sync_folder(&folder).map_err(failed("syncing", &folder))
    }
}
