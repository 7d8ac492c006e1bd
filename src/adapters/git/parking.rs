//! Keeps the commits of a refused push: copies them out of quarantine, and shows them below `refs/jit/requests/`.
//!
//! The copy is a pack that `git pack-objects` makes inside the quarantine and `git index-pack` takes in outside of it, which looks at
//! every object as `git fsck` does and stops at a size. Nothing refers to that pack until the request's ref is made.

use super::{GitRepository, OpenError, REQUESTS};
use crate::domain::change::ChangesetId;
use crate::domain::request::{Request, RequestId};
use crate::ports::parking::{Parking, ParkingError};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// As whom the server writes requests.
const WRITER: &[u8] = b"jit <jit@localhost>";
/// What of a program's last words is kept, in bytes.
const MOST_SAID: u64 = 4 * 1024;
/// How `git index-pack` says that a pack is longer than it may be.
const TOO_LONG: &str = "exceeds maximum allowed size";
/// How often a program is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(2);
const GIT: &str = "git";

/// Where Git has put the objects of the push that a hook looks at.
#[derive(Debug, Clone)]
pub struct Quarantine {
    variables: Vec<(&'static str, OsString)>,
    folder: Option<PathBuf>,
    path: OsString,
}

impl Quarantine {
    /// Takes what Git tells a hook in its `environment`.
    pub fn of(environment: &BTreeMap<OsString, OsString>) -> Self {
        let value = |name: &str| environment.get(&OsString::from(name)).cloned();
        let names = ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];
        Self {
            variables: names.into_iter().filter_map(|name| Some((name, value(name)?))).collect(),
            folder: value("GIT_QUARANTINE_PATH").map(PathBuf::from),
            path: value("PATH").unwrap_or_default(),
        }
    }

    /// Returns how many bytes of objects came with the push.
    pub fn bytes(&self) -> u64 {
        self.folder.as_deref().map_or(0, bytes_below)
    }
}

/// The files below a folder, in bytes; what vanishes meanwhile counts nothing.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}

/// A central repository that keeps requests.
pub struct GitParking {
    /// Does not see the quarantine.
    repo: GitRepository,
    quarantine: Quarantine,
}

impl GitParking {
    /// Opens the repository whose common folder is `common_dir`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(common_dir: &Path, quarantine: Quarantine) -> Result<Self, OpenError> {
        Ok(Self { repo: GitRepository::at(common_dir)?, quarantine })
    }

    /// A `git` with an environment of its own.
    fn git(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(GIT);
        command
            .env_clear()
            .env("PATH", &self.quarantine.path)
            .env("GIT_DIR", self.repo.common_dir())
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .current_dir(self.repo.common_dir())
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Tells whether the commit `value` is the request `id` for `subject`.
    fn is_request(&self, value: &ChangesetId, subject: &ChangesetId) -> bool {
        self.repo.request(value).is_ok_and(|commit| commit.subject == *subject)
    }
}

impl Parking for GitParking {
    fn has(&mut self, id: &RequestId) -> Result<bool, ParkingError> {
        Ok(self.repo.kept(&place(id)).map_err(unwritable)?.is_some())
    }

    fn rescue(&mut self, subject: &ChangesetId, limit: u64, deadline: Instant) -> Result<u64, ParkingError> {
        let mut said = tempfile::tempfile().map_err(not_run)?;
        let inside = |mut command: Command| {
            command.envs(self.quarantine.variables.iter().cloned());
            command
        };
        let mut line = Pipeline { children: Vec::new(), deadline };
        let objects = inside(self.git(&["rev-list", "--objects", &subject.hex(), "--not", "--all"]));
        let names = line.start(objects, None)?;
        let pack = inside(self.git(&["pack-objects", "--quiet", "--stdout"]));
        let pack = line.start(pack, names)?;
        let mut index = self.git(&["index-pack", "--stdin", "--strict", &format!("--max-input-size={limit}")]);
        index.stderr(said.try_clone().map_err(not_run)?);
        let result = line.start(index, pack)?;
        if !line.finish()? {
            let said = last_words(&mut said);
            let failed = || ParkingError::Failed { program: GIT, said: said.clone() };
            return Err(if said.contains(TOO_LONG) { ParkingError::TooLarge { limit } } else { failed() });
        }
        let mut name = String::new();
        if let Some(result) = result {
            std::io::Read::take(File::from(std::os::fd::OwnedFd::from(result)), MOST_SAID)
                .read_to_string(&mut name)
                .map_err(not_run)?;
        }
        let hash = name.split_whitespace().last().unwrap_or_default();
        let pack = self.repo.common_dir().join(format!("objects/pack/pack-{hash}.pack"));
        fs::metadata(pack).map(|found| found.len()).map_err(not_run)
    }

    fn show(&mut self, id: &RequestId, subject: &ChangesetId, request: &Request) -> Result<(), ParkingError> {
        let name = place(id);
        match self.repo.kept(&name).map_err(unwritable)? {
            Some(value) if self.is_request(&value, subject) => return Ok(()),
            Some(_) => return Err(ParkingError::Taken),
            None => {}
        }
        let written = self.repo.write_request(subject, request, WRITER).map_err(unwritable)?;
        let made = self.repo.swap(&name, None, Some(&written)).map_err(unwritable)?;
        if made { Ok(()) } else { Err(ParkingError::Taken) }
    }
}

/// The ref of a request.
fn place(id: &RequestId) -> String {
    format!("{REQUESTS}{id}")
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> ParkingError {
    ParkingError::Repository(Box::new(error))
}

fn not_run(source: std::io::Error) -> ParkingError {
    ParkingError::NotRun { program: GIT, source }
}

/// The first words that a program left in `file`.
fn last_words(file: &mut File) -> String {
    let mut words = Vec::new();
    let read = file.rewind().and_then(|()| file.take(MOST_SAID).read_to_end(&mut words));
    read.map_or_else(|error| error.to_string(), |_| String::from_utf8_lossy(&words).into_owned())
}

/// Programs that hand on what they print, each to the next. Those that still run when it is dropped are ended.
struct Pipeline {
    children: Vec<Child>,
    deadline: Instant,
}

impl Pipeline {
    /// Starts the next one; returns what it will print.
    fn start(
        &mut self,
        mut command: Command,
        input: Option<std::process::ChildStdout>,
    ) -> Result<Option<std::process::ChildStdout>, ParkingError> {
        if let Some(input) = input {
            command.stdin(input);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(not_run)?;
        let output = child.stdout.take();
        self.children.push(child);
        Ok(output)
    }

    /// Waits for all; tells whether each did well.
    fn finish(&mut self) -> Result<bool, ParkingError> {
        let mut well = true;
        for child in &mut self.children {
            let status: ExitStatus = loop {
                match child.try_wait().map_err(not_run)? {
                    Some(status) => break status,
                    None if Instant::now() >= self.deadline => return Err(ParkingError::DeadlinePassed),
                    None => sleep(PAUSE),
                }
            };
            well &= status.success();
        }
        Ok(well)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Nothing is left to end where this fails.
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}
