//! `state` and `targets/`: what the entries add up to, so that a push need not read them all.
//!
//! `state` says up to which entry it and the files in `targets/` are right, and during which boot of the
//! machine they were written. All are written unsynced: after a power cut an old content could stand
//! under a whole name, so what another boot wrote is not believed. What a killed process left half done
//! is behind the size in `state`, and those entries are applied once more, which changes nothing twice.
//! A file is its JSON, a newline, the JSON's SHA-256, a newline; what a killed process left behind them means nothing.

use super::paths::AuditPaths;
use super::storage::{Storage, failed, make_folder, overwrite, read_whole, remove};
use crate::domain::audit::{Hash, Standing, TargetChange, TargetState};
use crate::domain::change::Target;
use crate::ports::log::LogError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// No derived file is believed to be longer: a push of 100,000 refs that was not settled fits.
const MAX_FILE: u64 = 256 << 20;

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
}

/// One target's file.
#[derive(Debug, Serialize, Deserialize)]
struct TargetFile {
    target: Target,
    #[serde(flatten)]
    state: TargetState,
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
        }
    }

    /// Reads the state that this boot wrote; `None` if there is none that can be believed.
    pub fn read(paths: &AuditPaths) -> Result<Option<Self>, LogError> {
        let state: Option<Self> = read_checked(&paths.state())?;
        let boot = boot_id();
        let believed = state.filter(|state| !state.boot.is_empty() && boot.as_ref() == Some(&state.boot));
        Ok(believed.filter(|state| state.folders.is_empty() || paths.targets().is_dir()))
    }

    /// Writes the state, after all else: it says that everything up to `size` is in place.
    pub fn write(&self, storage: &dyn Storage, paths: &AuditPaths) -> Result<(), LogError> {
        overwrite(storage, &paths.state(), &checked(self))
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
    pub fn target(&self, paths: &AuditPaths, target: &Target) -> Result<Kept, LogError> {
        let (folder, path) = paths.target(target);
        if let Some(bytes) = read_whole(&path, MAX_FILE)? {
            let file: Option<TargetFile> = uncheck(&bytes);
            let state = file.filter(|file| file.target == *target).map(|file| file.state);
            return Ok(state.map_or(Kept::Damaged, Kept::State));
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
        let (folder, path) = paths.target(&change.target);
        make_folder(storage, path.parent().unwrap_or(Path::new("/")))?;
        self.folders.insert(folder);
        overwrite(storage, &path, &checked(&TargetFile { target: change.target.clone(), state }))
    }
}

/// What the files know of a target.
#[derive(Debug)]
pub(super) enum Kept {
    /// This.
    State(TargetState),
    /// No entry was about it, except perhaps the first.
    Nothing,
    /// A file is spoilt or a folder is gone.
    Damaged,
}

fn checked<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).expect("derived state holds nothing that JSON cannot");
    let sum = Hash::of(&bytes);
    bytes.extend(format!("\n{sum}\n").bytes());
    bytes
}

fn uncheck<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (json, rest) = bytes.split_at_checked(bytes.iter().position(|byte| *byte == b'\n')?)?;
    rest.starts_with(format!("\n{}\n", Hash::of(json)).as_bytes()).then(|| serde_json::from_slice(json).ok())?
}

fn read_checked<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LogError> {
    Ok(read_whole(path, MAX_FILE)?.and_then(|bytes| uncheck(&bytes)))
}

/// Names this boot of the machine; `None` where the system does not say, and then nothing is believed.
fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
