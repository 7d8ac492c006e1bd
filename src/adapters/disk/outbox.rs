//! The outbox of one place that notices go to: how far the log was read for it, what waits to be delivered, what was given up.
//!
//! The log is the only source. Nothing is written here while somebody pushes: whoever delivers reads the log from where it was
//! last read, writes down what is to be told, and only then moves on. In this order, on a local file system:
//!
//! 1. each notice: create a temporary file, write, fsync, rename to `waiting/<time>-<id>.json`, fsync of the folder;
//! 2. the state, in the same way;
//! 3. after the delivery: unlink of the notice's file, unsynced.
//!
//! Killed before 2, the same entries are read again and give files of the same names. Killed before 3 came to the disk, the notice
//! is delivered twice, with the same id. `lock` is held from before 1 to after 3, so that one process at a time does this.

use super::folder::replace;
use crate::domain::name::SinkName;
use crate::domain::notify::{Deliveries, Notice, Told};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The most bytes of a file here.
const MOST: u64 = 4 << 20;

/// Where one place's notices wait.
#[derive(Debug, Clone)]
pub struct Outbox {
    root: PathBuf,
}

/// How far things are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Index of the first entry of the log that was not read yet.
    pub next: u64,
    /// What was told, as far as later notices depend on it.
    pub told: Told,
    /// How many rounds failed without anything being taken.
    pub failures: u32,
    /// Nothing is tried before this moment.
    pub paused: Option<Timestamp>,
    /// Why the last notice was not taken that was not.
    #[serde(default)]
    pub error: Option<String>,
    /// What became of notices. It is written down at the end of a round: one that was killed is not counted.
    #[serde(default)]
    pub deliveries: Deliveries,
}

/// A notice that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What is to be told.
    pub notice: Notice,
    /// Since when it waits.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next: Timestamp,
    /// Why it was not taken when it was last tried.
    pub error: Option<String>,
}

/// A file in the outbox, by its name; names are in the order in which things happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobFile(String);

/// Held while somebody delivers; the end of the process releases it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{action} {} failed", path.display())]
pub struct OutboxError {
    /// What was tried, such as `reading`.
    pub action: &'static str,
    /// With what.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutboxError {
    move |source| OutboxError { action, path: path.to_owned(), source }
}

impl Outbox {
    /// Names the outbox of `sink` in the `jit` folder.
    pub fn of(jit_folder: &Path, sink: &SinkName) -> Self {
        Self { root: jit_folder.join("notify").join(sink.as_str()) }
    }

    /// Lists the outboxes in the `jit` folder, also of places that config.toml no longer names.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn all(jit_folder: &Path) -> Result<Vec<(SinkName, Self)>, OutboxError> {
        let found = list(&jit_folder.join("notify"))?;
        let places = found.iter().filter_map(|JobFile(name)| SinkName::new(name).ok());
        Ok(places.map(|sink| (sink.clone(), Self::of(jit_folder, &sink))).collect())
    }

    fn waiting(&self) -> PathBuf {
        self.root.join("waiting")
    }

    fn dead(&self) -> PathBuf {
        self.root.join("dead")
    }

    fn state_file(&self) -> PathBuf {
        self.root.join("state")
    }

    /// Takes the lock, and makes the folders if there are none; `None` while another process delivers.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn lock(&self) -> Result<Option<Lock>, OutboxError> {
        for folder in [self.waiting(), self.dead()] {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed("creating", &folder))?;
        }
        let path = self.root.join("lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed("opening", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("locking", &path)(error)),
        }
    }

    /// Reads how far things are; `None` at the beginning, and where the file is spoilt.
    pub fn state(&self) -> Option<State> {
        serde_json::from_slice(&read(&self.state_file()).ok()?).ok()
    }

    /// Writes how far things are, durably.
    ///
    /// # Errors
    /// [`OutboxError`]; what was there before is then still there.
    pub fn set_state(&self, _lock: &Lock, state: &State) -> Result<(), OutboxError> {
        write(&self.state_file(), state)
    }

    /// Puts a notice into the outbox, durably. One that waits there already stays as it is.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn put(&self, _lock: &Lock, notice: &Notice, now: Timestamp) -> Result<(), OutboxError> {
        let path = self.waiting().join(format!("{:012}-{}.json", notice.time.unix(), notice.id));
        if path.exists() {
            return Ok(());
        }
        write(&path, &Job { notice: notice.clone(), since: now, attempts: 0, next: now, error: None })
    }

    /// Lists what waits, the oldest first.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn jobs(&self) -> Result<Vec<JobFile>, OutboxError> {
        list(&self.waiting())
    }

    /// Lists what was given up, the oldest first.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn given_up(&self) -> Result<Vec<JobFile>, OutboxError> {
        list(&self.dead())
    }

    /// Reads what waits; `None` for a file that is none of ours.
    pub fn job(&self, file: &JobFile) -> Option<Job> {
        serde_json::from_slice(&read(&self.waiting().join(&file.0)).ok()?).ok()
    }

    /// Writes down how it went.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn update(&self, _lock: &Lock, file: &JobFile, job: &Job) -> Result<(), OutboxError> {
        write(&self.waiting().join(&file.0), job)
    }

    /// Takes away what was delivered.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn done(&self, _lock: &Lock, file: &JobFile) -> Result<(), OutboxError> {
        let path = self.waiting().join(&file.0);
        fs::remove_file(&path).map_err(failed("removing", &path))
    }

    /// Gives up on what waits, whatever it is.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn give_up(&self, _lock: &Lock, file: &JobFile) -> Result<(), OutboxError> {
        rename(&self.waiting().join(&file.0), &self.dead().join(&file.0))
    }

    /// Takes up again everything that was given up. Returns how much that is.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn take_up_again(&self, lock: &Lock, now: Timestamp) -> Result<usize, OutboxError> {
        let mut count = 0;
        for file in self.given_up()? {
            let dead = self.dead().join(&file.0);
            let Some(job) = read(&dead).ok().and_then(|bytes| serde_json::from_slice::<Job>(&bytes).ok()) else {
                continue;
            };
            self.update(lock, &file, &Job { since: now, next: now, ..job })?;
            fs::remove_file(&dead).map_err(failed("removing", &dead))?;
            count += 1;
        }
        Ok(count)
    }
}

/// Reads a plain file that is not too long.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening anything but a plain file could wait forever.
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(bytes) }
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), OutboxError> {
    let bytes = serde_json::to_vec(value).map_err(io::Error::from).map_err(failed("writing", path))?;
    replace(path, &bytes, 0o600).map_err(failed("writing", path))
}

fn rename(from: &Path, to: &Path) -> Result<(), OutboxError> {
    fs::rename(from, to).map_err(failed("renaming", from))
}

/// Lists a folder; what begins with a dot was never finished, and is not listed. A folder that is missing is empty.
fn list(folder: &Path) -> Result<Vec<JobFile>, OutboxError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(failed("reading", folder))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed("reading", folder))?.file_name();
        // Names that are not text are not ours; they stay where they are.
        files.extend(name.into_string().ok().filter(|name| !name.starts_with('.')).map(JobFile));
    }
    files.sort();
    Ok(files)
}
