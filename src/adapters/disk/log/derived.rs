//! `hashes`, `index` and `checkpoint`: what the journal says, in forms that are quick to look into.
//!
//! Nothing here is believed: a tree that was read from `hashes` is compared with a signed root, an offset
//! from `index` with the frame that stands there. Therefore nothing here is synced either, except once per
//! segment, which bounds what is lost in a power cut.

use super::paths::AuditPaths;
use super::storage::{Storage, failed, open_or_create, overwrite, write_whole};
use crate::domain::audit::{Hash, SignedCheckpoint, Tree, nodes_before, peak_positions, root_from};
use crate::ports::log::LogError;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// How many entries are collected before they are written.
const CHUNK: usize = 8192;

/// The two files, and what is still to be written to them.
pub(super) struct Derived {
    storage: Arc<dyn Storage>,
    paths: AuditPaths,
    hashes: (PathBuf, File),
    index: (PathBuf, File),
    /// The size of the log up to which both files are written.
    written: u64,
    nodes: Vec<u8>,
    offsets: Vec<u8>,
}

impl Derived {
    /// Opens both files; what is not there begins empty.
    pub fn open(storage: &Arc<dyn Storage>, paths: &AuditPaths) -> Result<Self, LogError> {
        let open = |path: PathBuf| open_or_create(&**storage, &path).map(|file| (path, file));
        let (hashes, index) = (open(paths.hashes())?, open(paths.index())?);
        let storage = Arc::clone(storage);
        Ok(Self { storage, paths: paths.clone(), hashes, index, written: 0, nodes: Vec::new(), offsets: Vec::new() })
    }

    /// Returns how many entries the index claims.
    pub fn claimed(&self) -> u64 {
        self.index.1.metadata().map_or(0, |found| found.len() / 8)
    }

    /// Returns where the index says that entry `entry` begins in its segment.
    pub fn offset(&self, entry: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.index.1.read_exact_at(&mut bytes, entry.checked_mul(8)?).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    fn peaks(&self, size: u64) -> Option<Vec<Hash>> {
        let read = |position: u64| {
            let mut bytes = [0; 32];
            self.hashes.1.read_exact_at(&mut bytes, position.checked_mul(32)?).ok()?;
            Some(Hash(bytes))
        };
        peak_positions(size).map(read).collect()
    }

    /// Returns the tree over the first `size` entries, as far as the file can be believed.
    pub fn tree(&self, size: u64) -> Option<Tree> {
        Tree::from_peaks(size, self.peaks(size)?)
    }

    /// Returns the root over the first `size` entries, as far as the file can be believed.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.peaks(size).map(|peaks| root_from(&peaks))
    }

    /// Says from where on the next [`Derived::add`] writes: after the first `size` entries.
    pub fn go_on_after(&mut self, size: u64) {
        self.written = size;
        self.nodes.clear();
        self.offsets.clear();
    }

    /// Takes one more entry: where it begins in its segment, and its nodes.
    pub fn add(&mut self, offset: u64, nodes: &[Hash]) -> Result<(), LogError> {
        self.offsets.extend(offset.to_le_bytes());
        self.nodes.extend(nodes.iter().flat_map(|node| node.0));
        if self.offsets.len() < CHUNK * 8 { Ok(()) } else { self.flush() }
    }

    /// Writes what was collected, unsynced.
    pub fn flush(&mut self) -> Result<(), LogError> {
        let at = self.written;
        write_whole(&*self.storage, &self.hashes.1, &self.hashes.0, &self.nodes, nodes_before(at) * 32)?;
        write_whole(&*self.storage, &self.index.1, &self.index.0, &self.offsets, at * 8)?;
        let added = (self.offsets.len() / 8) as u64;
        self.go_on_after(at + added);
        Ok(())
    }

    /// Takes away what both files have beyond `size` entries.
    pub fn cut(&mut self, size: u64) -> Result<(), LogError> {
        for (file, length) in [(&self.hashes, nodes_before(size) * 32), (&self.index, size * 8)] {
            let found = file.1.metadata().map_err(failed("reading", &file.0))?.len();
            if found > length {
                self.storage.truncate(&file.1, length).map_err(failed("truncating", &file.0))?;
            }
        }
        self.go_on_after(size);
        Ok(())
    }

    /// Makes both files durable; done once per segment.
    pub fn sync(&self) -> Result<(), LogError> {
        for (path, file) in [&self.hashes, &self.index] {
            self.storage.sync(file).map_err(failed("syncing", path))?;
        }
        Ok(())
    }

    /// Keeps the newest checkpoint as a note of its own, for whoever wants only that.
    pub fn keep_checkpoint(&self, head: &SignedCheckpoint) -> Result<(), LogError> {
        overwrite(&*self.storage, &self.paths.checkpoint(), head.note.as_bytes())
    }
}
