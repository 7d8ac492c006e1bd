//! What a client remembers of the logs that it has seen, so that a log cannot shrink, fork or change its key behind its back.
//!
//! One file for each origin, `checkpoints/<SHA-256 of the origin>` in the user's state folder: the log's key on the first line, then the
//! highest checkpoint that was seen, as a signed note. The note is checked again whenever it is read.

use super::folder;
use crate::domain::audit::{Checkpoint, CheckpointError, SignedCheckpoint, VerifierKey};
use data_encoding::HEXLOWER;
use directories::ProjectDirs;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of remembered checkpoints.
#[derive(Debug, Clone)]
pub struct CheckpointMemory {
    folder: PathBuf,
}

/// How a checkpoint compares with what was remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The log was never seen before; its key and checkpoint are remembered from now on.
    First(Option<Checkpoint>),
    /// It is the one that is remembered.
    Same(Checkpoint),
    /// The log has grown since.
    Grown {
        /// Its size when it was last seen.
        from: u64,
        /// The new checkpoint, now remembered.
        to: Checkpoint,
    },
}

/// Why a log cannot be trusted as it is shown now, or why nothing could be remembered of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The log is signed with another key than before.
    #[error("the log {} has another key than before: it was {remembered}, now it is {shown}", shown.origin())]
    KeyChanged {
        /// The key of old, as it is written.
        remembered: String,
        /// The key now.
        shown: Box<VerifierKey>,
        /// The file that remembers.
        path: PathBuf,
    },
    /// The log has fewer entries than before.
    #[error("the log {} has shrunk: it had {remembered} entries, now it shows {shown}", origin)]
    Shrunk {
        /// The log.
        origin: String,
        /// The size of old.
        remembered: u64,
        /// The size now.
        shown: u64,
        /// The file that remembers.
        path: PathBuf,
    },
    /// The log has as many entries as before, but other ones.
    #[error("the log {origin} has forked: {size} entries had the root {remembered}, now they have {shown}")]
    Forked {
        /// The log.
        origin: String,
        /// Its size.
        size: u64,
        /// The root of old, in base64.
        remembered: String,
        /// The root now, in base64.
        shown: String,
        /// The file that remembers.
        path: PathBuf,
    },
    /// The log had a checkpoint, and now none is shown.
    #[error("the log {origin} had {remembered} entries, now no checkpoint is shown")]
    Gone {
        /// The log.
        origin: String,
        /// The size of old.
        remembered: u64,
        /// The file that remembers.
        path: PathBuf,
    },
    /// What is shown is no checkpoint of this log.
    #[error("the checkpoint of the log {origin} proves nothing")]
    Checkpoint {
        /// The log.
        origin: String,
        /// Why.
        #[source]
        why: CheckpointError,
    },
    /// What is remembered is damaged.
    #[error("{path:?} does not hold a checkpoint")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The user has no folder for such things.
    #[error("no home folder is known")]
    NoHome,
    /// A file or folder failed.
    #[error("cannot use {path:?}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl CheckpointMemory {
    /// The memory in the user's state folder (on Linux `$XDG_STATE_HOME/jit` or `~/.local/state/jit`).
    ///
    /// # Errors
    /// [`MemoryError::NoHome`].
    pub fn of_user() -> Result<Self, MemoryError> {
        let dirs = ProjectDirs::from("", "", "jit").ok_or(MemoryError::NoHome)?;
        let state = dirs.state_dir().unwrap_or(dirs.data_local_dir());
        Ok(Self::in_folder(state))
    }

    /// The memory in `checkpoints/` of `state`.
    pub fn in_folder(state: &Path) -> Self {
        Self { folder: state.join("checkpoints") }
    }

    /// Compares what a server shows with what is remembered of its log, and remembers the higher.
    ///
    /// `note` is the signed note that it shows, if it shows any. Two clients of one user take turns.
    ///
    /// # Errors
    /// [`MemoryError`]; what was remembered stays.
    pub fn compare(&self, key: &VerifierKey, note: Option<&str>) -> Result<Seen, MemoryError> {
        let origin = key.origin().as_str();
        let path = self.folder.join(HEXLOWER.encode(&Sha256::digest(origin)));
        let failed = |cause| MemoryError::Io { path: path.clone(), cause };
        let open = |note: &str| {
            let wrong = |why| MemoryError::Checkpoint { origin: origin.to_owned(), why };
            SignedCheckpoint::open(note, key).map_err(wrong)
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let lock = File::options().create(true).append(true).open(self.folder.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;

        let shown = note.map(open).transpose()?;
        let remembered = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        let write = |note: &str| folder::replace(&path, format!("{key}\n{note}").as_bytes(), 0o600).map_err(failed);
        let Some(text) = remembered else {
            write(note.unwrap_or_default())?;
            return Ok(Seen::First(shown));
        };
        let damaged = || MemoryError::Damaged { path: path.clone() };
        let (known_key, known_note) = text.split_once('\n').ok_or_else(damaged)?;
        if known_key != key.to_string() {
            let (remembered, shown) = (known_key.to_owned(), Box::new(key.clone()));
            return Err(MemoryError::KeyChanged { remembered, shown, path });
        }
        if known_note.is_empty() {
            write(note.unwrap_or_default())?;
            return Ok(Seen::First(shown));
        }
        let known = SignedCheckpoint::open(known_note, key).map_err(|_| damaged())?;
        let origin = origin.to_owned();
        let Some(shown) = shown else { return Err(MemoryError::Gone { origin, remembered: known.size, path }) };
        if shown.size < known.size {
            return Err(MemoryError::Shrunk { origin, remembered: known.size, shown: shown.size, path });
        }
        if shown.size > known.size {
            write(note.unwrap_or_default())?;
            return Ok(Seen::Grown { from: known.size, to: shown });
        }
        if shown.root != known.root {
            let (remembered, shown) = (known.root.base64(), shown.root.base64());
            return Err(MemoryError::Forked { origin, size: known.size, remembered, shown, path });
        }
        Ok(Seen::Same(shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{Hash, Origin};
    use ed25519_dalek::SigningKey;
    use tempfile::TempDir;

    struct Log {
        signer: SigningKey,
        key: VerifierKey,
    }

    impl Log {
        fn new(origin: &str, seed: u8) -> Self {
            let signer = SigningKey::from_bytes(&[seed; 32]);
            Self { key: VerifierKey::of(Origin::new(origin).expect("an origin"), &signer), signer }
        }

        fn note(&self, size: u64, root: &[u8]) -> String {
            SignedCheckpoint::sign(size, Hash::of(root), &self.key, &self.signer).note
        }
    }

    fn memory() -> (TempDir, CheckpointMemory) {
        let home = TempDir::new().expect("a folder");
        let memory = CheckpointMemory::in_folder(&home.path().join("not/yet/there"));
        (home, memory)
    }

    #[test]
    fn a_log_may_grow_and_stay_and_nothing_else() {
        let (_home, memory) = memory();
        let log = Log::new("git.example.com/payments", b'l');
        let see = |size, root: &[u8]| memory.compare(&log.key, Some(&log.note(size, root)));
        assert!(matches!(see(3, b"three"), Ok(Seen::First(Some(_)))));
        assert!(matches!(see(3, b"three"), Ok(Seen::Same(_))));
        assert!(matches!(see(5, b"five"), Ok(Seen::Grown { from: 3, .. })));
        assert!(matches!(see(3, b"three"), Err(MemoryError::Shrunk { remembered: 5, shown: 3, .. })));
        assert!(matches!(see(5, b"other"), Err(MemoryError::Forked { size: 5, .. })));
        assert!(matches!(memory.compare(&log.key, None), Err(MemoryError::Gone { remembered: 5, .. })));
        assert!(matches!(see(5, b"five"), Ok(Seen::Same(_))), "what was refused is not remembered");
    }

    #[test]
    fn a_log_keeps_the_key_that_it_was_first_seen_with() {
        let (_home, memory) = memory();
        let log = Log::new("git.example.com/payments", b'l');
        let impostor = Log::new("git.example.com/payments", b'm');
        assert!(matches!(memory.compare(&log.key, None), Ok(Seen::First(None))));
        let note = impostor.note(9, b"nine");
        assert!(matches!(memory.compare(&impostor.key, Some(&note)), Err(MemoryError::KeyChanged { .. })));
        assert!(matches!(memory.compare(&log.key, Some(&note)), Err(MemoryError::Checkpoint { .. })));
        assert!(matches!(memory.compare(&log.key, Some(&log.note(1, b"one"))), Ok(Seen::First(Some(_)))));
    }

    #[test]
    fn logs_of_different_origins_have_nothing_to_do_with_each_other() {
        let (_home, memory) = memory();
        let (one, two) = (Log::new("one", b'l'), Log::new("two", b'm'));
        memory.compare(&one.key, Some(&one.note(9, b"nine"))).expect("first seen");
        assert!(matches!(memory.compare(&two.key, Some(&two.note(1, b"one"))), Ok(Seen::First(_))));
    }

    #[test]
    fn a_damaged_memory_is_not_taken_for_a_new_log() {
        let (_home, memory) = memory();
        let log = Log::new("one", b'l');
        memory.compare(&log.key, Some(&log.note(9, b"nine"))).expect("first seen");
        let path = memory.folder.join(HEXLOWER.encode(&Sha256::digest("one")));
        for damage in ["", "x", &format!("{}\nnot a note", log.key)] {
            fs::write(&path, damage).expect("written");
            let seen = memory.compare(&log.key, Some(&log.note(9, b"nine")));
            assert!(matches!(seen, Err(MemoryError::Damaged { .. })), "{damage:?}: {seen:?}");
        }
    }
}
