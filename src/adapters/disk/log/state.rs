//! `state` and `targets/`: what the entries add up to, so that a push need not read them all.
//!
//! `state` says up to which entry it and the files in `targets/` are right, and during which boot of the
//! machine they were written. All are written unsynced: after a power cut an old content could stand
//! under a whole name, so what another boot wrote is believed only if the files still add up to the sum in `state`.
//! What a killed process left half done is behind the size in `state`, and those entries are applied once more, which
//! changes nothing twice; but which of them the sum has is not known, so the files are added up again.

use super::checked::{Checked, MAX_FILE, Sum, parse, uncheck};
use super::paths::AuditPaths;
use super::storage::{Storage, failed, make_folder, overwrite, read_whole, remove};
use crate::domain::audit::{Hash, Standing, TargetChange, TargetState};
use crate::domain::change::{ContentId, Target};
use crate::domain::time::Timestamp;
use crate::ports::log::LogError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the first `size` entries add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Which boot of the machine wrote it.
    boot: String,
    /// How many entries are in it.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The blob with the refs at the beginning.
    pub refs: Option<Hash>,
    /// What they add up to.
    pub standing: Standing,
    /// The folders that `targets/` must have.
    folders: BTreeSet<u8>,
    /// What the files in `targets/` add up to; `None` if that is not known.
    sum: Option<Sum>,
}

/// One target's file.
#[derive(Debug, Serialize, Deserialize)]
struct TargetFile {
    target: Target,
    #[serde(flatten)]
    state: TargetState,
}

/// The file of a content that landed on a target.
#[derive(Debug, Serialize, Deserialize)]
struct LandingFile {
    target: Target,
    content: ContentId,
    landed_at: Timestamp,
}

impl State {
    /// What no entries add up to.
    pub fn empty() -> Self {
        Self {
            boot: boot_id().unwrap_or_default(),
            size: 0,
            root: Hash::of(b""),
            refs: None,
            standing: Standing::default(),
            folders: BTreeSet::new(),
            sum: Some(Sum::EMPTY),
        }
    }

    /// Reads the state; `None` if there is none that can be believed.
    ///
    /// What another boot wrote is held against the files in `targets/`, as far as the time to `deadline` suffices.
    pub fn read(paths: &AuditPaths, deadline: Instant) -> Result<Option<Self>, LogError> {
        let Some(mut state) = read_whole(&paths.state(), MAX_FILE)?.and_then(|bytes| parse::<Self>(&bytes)) else {
            return Ok(None);
        };
        let boot = boot_id().unwrap_or_default();
        if !boot.is_empty() && state.boot == boot {
            return Ok(Some(state).filter(|state| state.folders.is_empty() || paths.targets().is_dir()));
        }
        state.boot = boot;
        let adds_up = |state: &Self| state.sum.is_some() && Sum::of_files(&paths.targets(), deadline) == state.sum;
        Ok(Some(state).filter(adds_up))
    }

    /// Gives up the sum, because the files in `targets/` may be further than the state is.
    pub fn forget_sum(&mut self) {
        self.sum = None;
    }

    /// Adds the files in `targets/` up again, now that they are as far as the state is, and writes it.
    pub fn add_up(mut self, storage: &dyn Storage, paths: &AuditPaths, deadline: Instant) -> Result<Self, LogError> {
        self.sum = Sum::of_files(&paths.targets(), deadline);
        self.write(storage, paths)?;
        Ok(self)
    }

    /// Writes the state, after all else: it says that everything up to `size` is in place.
    pub fn write(&self, storage: &dyn Storage, paths: &AuditPaths) -> Result<(), LogError> {
        overwrite(storage, &paths.state(), &Checked::of(self).bytes)
    }

    /// Takes away everything, the state first, so that a crash on the way leaves nothing to believe.
    pub fn wipe(paths: &AuditPaths) -> Result<(), LogError> {
        remove(&paths.state())?;
        match fs::remove_dir_all(paths.targets()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removing", &paths.targets())(error)),
            _ => Ok(()),
        }
    }

    /// Reads a target's file.
    pub fn target(&self, paths: &AuditPaths, target: &Target) -> Result<Kept<TargetState>, LogError> {
        let own = |file: TargetFile| (file.target == *target).then_some(file.state);
        self.kept(paths.target(target), own)
    }

    /// Reads when a content landed on a target.
    pub fn landing(
        &self,
        paths: &AuditPaths,
        target: &Target,
        content: &ContentId,
    ) -> Result<Kept<Timestamp>, LogError> {
        let own = |file: LandingFile| (file.target == *target && file.content == *content).then_some(file.landed_at);
        self.kept(paths.landing(target, content), own)
    }

    /// Reads the file of this folder and path; `own` takes out of it what belongs there.
    fn kept<F: DeserializeOwned, T>(
        &self,
        (folder, path): (u8, PathBuf),
        own: impl FnOnce(F) -> Option<T>,
    ) -> Result<Kept<T>, LogError> {
        if let Some(bytes) = read_whole(&path, MAX_FILE)? {
            return Ok(parse(&bytes).and_then(own).map_or(Kept::Damaged, Kept::State));
        }
        let gone = self.folders.contains(&folder) && !path.parent().is_some_and(Path::is_dir);
        Ok(if gone { Kept::Damaged } else { Kept::Nothing })
    }

    /// Writes what `change` makes of its target.
    pub fn apply(&mut self, storage: &dyn Storage, paths: &AuditPaths, change: &TargetChange) -> Result<(), LogError> {
        let mut state = match self.target(paths, &change.target)? {
            Kept::State(state) => state,
            Kept::Nothing => TargetState::default(),
            Kept::Damaged => return Err(LogError::Derived(paths.target(&change.target).1)),
        };
        state.apply(change);
        for (content, landed_at) in &change.landed {
            let (target, content, landed_at) = (change.target.clone(), *content, *landed_at);
            let place = paths.landing(&target, &content);
            self.keep(storage, place, &LandingFile { target, content, landed_at })?;
        }
        self.keep(storage, paths.target(&change.target), &TargetFile { target: change.target.clone(), state })
    }

    fn keep<F: Serialize>(
        &mut self,
        storage: &dyn Storage,
        (folder, path): (u8, PathBuf),
        file: &F,
    ) -> Result<(), LogError> {
        make_folder(storage, path.parent().unwrap_or(Path::new("/")))?;
        self.folders.insert(folder);
        let Checked { bytes, hash } = Checked::of(file);
        if let Some(sum) = &mut self.sum {
            let before = read_whole(&path, MAX_FILE)?;
            match before.as_deref().map(uncheck) {
                Some(None) => self.sum = None,
                Some(Some((_, before))) => [before, hash].iter().for_each(|hash| sum.toggle(hash)),
                None => sum.toggle(&hash),
            }
        }
        overwrite(storage, &path, &bytes)
    }
}

/// What the files know.
#[derive(Debug)]
pub(super) enum Kept<T> {
    /// This.
    State(T),
    /// No entry was about it, except of a target perhaps the first.
    Nothing,
    /// A file is spoilt or a folder is gone.
    Damaged,
}

/// Names this boot of the machine; `None` where the system does not say, and then nothing is believed.
fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
