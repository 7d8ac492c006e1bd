//! Begins a log: folders, key, lock, FORMAT, and the genesis entry with the refs that exist.

use super::derived::Derived;
use super::handle::DiskLog;
use super::lines::Lines;
use super::open::{DiskLogStore, Shared};
use super::state::State;
use super::storage::{failed, make_folder, remove};
use super::{blobs, format, key, lock};
use crate::domain::audit::{
    Entry, Event, Genesis, GenesisRefs, Hash, Origin, SignedCheckpoint, System, Tree, VerifierKey, encode_refs,
};
use crate::domain::change::{ChangesetId, Target};
use crate::ports::log::{Appended, KeyFault, Log, LogError};
use ed25519_dalek::SigningKey;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// What a new log is about.
#[derive(Debug, Clone)]
pub struct NewLog {
    /// Name and id of the repository.
    pub repository: String,
    /// The log's name.
    pub origin: Origin,
    /// What keeps the repository.
    pub system: System,
    /// The refs that exist, with their values.
    pub refs: BTreeMap<Target, Vec<ChangesetId>>,
    /// The version of the program.
    pub version: String,
}

impl DiskLogStore {
    /// Begins the log, with a new key unless the key file is there. What a crash left half done is done again.
    ///
    /// # Errors
    /// [`LogError::Exists`] if there is an entry already, [`LogError::AnchorExists`] if the state folder remembers a
    /// log of this name, and what else [`LogError`] names.
    pub fn create(&self, new: &NewLog, deadline: Instant) -> Result<Appended, LogError> {
        let (storage, paths) = (&*self.storage, &self.paths);
        for folder in [&paths.audit_dir, &paths.journal(), &paths.blobs()] {
            make_folder(storage, folder)?;
        }
        match storage.create(&paths.lock()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => drop(made.map_err(failed("creating", &paths.lock()))?),
        }
        let lock = lock::take(&paths.lock(), deadline)?;
        if self.has_entries()? {
            return Err(LogError::Exists(paths.audit_dir.clone()));
        }
        let signer = self.key()?;
        let key = VerifierKey::of(new.origin.clone(), &signer);
        if paths.anchor(&new.origin).exists() {
            return Err(LogError::AnchorExists(paths.anchor(&new.origin)));
        }
        let refs = encode_refs(&new.refs);
        let refs = GenesisRefs { blob: blobs::keep(storage, paths, &refs)?, count: new.refs.len() as u64 };
        match format::read(paths) {
            Ok(found) if found == key => {}
            Ok(_) => return Err(LogError::Key { path: paths.key_file.clone(), fault: KeyFault::Other }),
            Err(LogError::Missing(_)) => format::write(storage, paths, &key)?,
            Err(error) => return Err(error),
        }
        let genesis = Genesis {
            repository: new.repository.clone(),
            origin: new.origin.to_string(),
            system: new.system,
            key: key.to_string(),
            refs,
            version: new.version.clone(),
        };
        let mut log = self.empty(lock, signer, key, refs.blob)?;
        let appended = log.append(&Entry { time: (self.clock)(), event: Event::Genesis(genesis) })?;
        log.renew_anchor()?;
        Ok(appended)
    }

    /// Tells whether the journal has a whole line.
    fn has_entries(&self) -> Result<bool, LogError> {
        let path = self.paths.segment(0);
        let lines = Lines::open(&path, 0, u64::MAX).map_err(failed("opening", &path))?;
        let Some(mut lines) = lines else { return Ok(false) };
        Ok(lines.next().map_err(failed("reading", &path))?.is_some_and(|line| line.whole))
    }

    fn key(&self) -> Result<SigningKey, LogError> {
        let path = &self.paths.key_file;
        if !path.exists() {
            if let Some(folder) = path.parent() {
                make_folder(&*self.storage, folder)?;
            }
            key::write(&*self.storage, path, &key::generate()?)?;
        }
        key::read(path)
    }

    /// Gives the handle of a log without entries, with its first segment made and synced.
    fn empty(
        &self,
        lock: std::fs::File,
        signer: SigningKey,
        key: VerifierKey,
        refs: Hash,
    ) -> Result<DiskLog, LogError> {
        let (storage, paths) = (&*self.storage, &self.paths);
        State::wipe(paths)?;
        let mut derived = Derived::open(&self.storage, paths)?;
        derived.cut(0)?;
        let path = paths.segment(0);
        remove(&path)?;
        let file = storage.create(&path).map_err(failed("creating", &path))?;
        storage.sync(&file).map_err(failed("syncing", &path))?;
        storage.sync_folder(&paths.journal()).map_err(failed("syncing", &paths.journal()))?;
        let tree = Tree::default();
        let head = SignedCheckpoint::sign(0, tree.root(), &key, &signer);
        let mut state = State::empty();
        state.refs = Some(refs);
        let shared = Shared { paths: paths.clone(), storage: Arc::clone(&self.storage), key };
        Ok(DiskLog {
            shared: Arc::new(shared),
            signer,
            journal: (path, file),
            segment: 0,
            end: 0,
            tree,
            head,
            derived,
            state,
            poisoned: false,
            _lock: lock,
        })
    }
}
