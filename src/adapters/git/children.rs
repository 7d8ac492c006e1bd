//! How the server starts `git`: with an environment of its own, and never for longer than there is time.

use crate::ports::parking::ParkingError;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The program.
const GIT: &str = "git";
/// What of a program's words is kept, in bytes.
const MOST_SAID: u64 = 16 * 1024;
/// How often a program is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(2);

/// Where a `git` works, and the little that it takes over of our environment.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) common_dir: PathBuf,
    /// `PATH` and `HOME`, as far as they are set.
    pub(super) kept: Vec<(&'static str, OsString)>,
}

impl Place {
    pub(super) fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// Prepares a `git` that reads nothing and says nothing.
    pub(super) fn git<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(GIT);
        command
            .env_clear()
            .envs(self.kept.iter().cloned())
            .env("GIT_DIR", &self.common_dir)
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            // Their words are looked at.
            .env("LC_ALL", "C")
            .current_dir(&self.common_dir)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// Says that a `git` could not be run.
pub(super) fn not_run(source: io::Error) -> ParkingError {
    ParkingError::NotRun { program: GIT, source }
}

/// Says that a `git` ended badly, and what it said.
pub(super) fn failed(said: String) -> ParkingError {
    ParkingError::Failed { program: GIT, said }
}

/// Programs that hand on what they print, each to the next. Those that still run when it is dropped are ended.
pub(super) struct Pipeline {
    children: Vec<Child>,
    deadline: Instant,
    /// What the last one complains about: a file, for nobody reads while it runs.
    said: File,
}

impl Pipeline {
    pub(super) fn until(deadline: Instant) -> Result<Self, ParkingError> {
        Ok(Self { children: Vec::new(), deadline, said: tempfile::tempfile().map_err(not_run)? })
    }

    /// Starts a program that hands on what it prints.
    pub(super) fn start(
        &mut self,
        mut command: Command,
        input: Option<ChildStdout>,
    ) -> Result<ChildStdout, ParkingError> {
        if let Some(input) = input {
            command.stdin(input);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(not_run)?;
        let output = child.stdout.take().expect("it was piped");
        self.children.push(child);
        Ok(output)
    }

    /// Starts the last program and waits for all: returns what the last one printed, or what it complained about.
    pub(super) fn end(
        &mut self,
        mut command: Command,
        input: Option<ChildStdout>,
    ) -> Result<Result<String, String>, ParkingError> {
        let mut printed = tempfile::tempfile().map_err(not_run)?;
        if let Some(input) = input {
            command.stdin(input);
        }
        command.stdout(printed.try_clone().map_err(not_run)?).stderr(self.said.try_clone().map_err(not_run)?);
        self.children.push(command.spawn().map_err(not_run)?);
        // A program whose reader is gone ends as well.
        drop(command);
        let mut well = true;
        for child in &mut self.children {
            well &= loop {
                match child.try_wait().map_err(not_run)? {
                    Some(status) => break status.success(),
                    None if Instant::now() >= self.deadline => return Err(ParkingError::DeadlinePassed),
                    None => sleep(PAUSE),
                }
            };
        }
        Ok(if well { Ok(words(&mut printed)) } else { Err(words(&mut self.said)) })
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

/// The first words that a program left in `file`.
fn words(file: &mut File) -> String {
    let mut words = Vec::new();
    let read = file.rewind().and_then(|()| file.take(MOST_SAID).read_to_end(&mut words));
    read.map_or_else(|error| error.to_string(), |_| String::from_utf8_lossy(&words).into_owned())
}
