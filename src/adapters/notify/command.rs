//! Any command: the notice as one line of JSON on its standard input.

use crate::domain::notify::Notice;
use crate::domain::text::safe;
use crate::domain::time::Span;
use crate::ports::notifier::{DeliveryError, Notifier};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command as Program, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(10);
/// How much of what it says is told, in bytes.
const TOLD: u64 = 200;

/// Runs a command; that it ends with 0 means that it has taken the notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program; absolute.
    pub program: PathBuf,
    /// Its arguments. No shell reads them.
    pub arguments: Vec<String>,
    /// How long it may run.
    pub timeout: Duration,
}

impl Notifier for Command {
    fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let failed = |source| DeliveryError::NotStarted { program: self.program.clone(), source };
        let mut command = Program::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A group of its own, so that what it starts ends with it.
        let mut child = command.process_group(0).spawn().map_err(failed)?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let line = notice.json() + "\n";
        // Neither may hold this up: a command need not read what it is given, and can leave somebody behind who keeps its pipes.
        thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(line.as_bytes())));
        let said = thread::spawn(move || {
            let mut said = Vec::new();
            if let Some(mut pipe) = stderr {
                let _whatever = (&mut pipe).take(TOLD).read_to_end(&mut said);
                let _rest = io::copy(&mut pipe, &mut io::sink());
            }
            said
        });
        let ended = wait(&mut child, self.timeout).map_err(failed)?;
        end_group(&child);
        match ended {
            None => {
                child.wait().map_err(failed)?;
                Err(DeliveryError::TooLong(Span::seconds(self.timeout.as_secs())))
            }
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                let said = said.join().unwrap_or_default();
                Err(DeliveryError::Failed { status: status.to_string(), said: safe(said.trim_ascii()) })
            }
        }
    }

    fn preview(&self, notice: &Notice) -> Result<String, DeliveryError> {
        Ok(notice.json())
    }
}

/// Waits until it ends; `None` once the time is over.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if Instant::now() >= end => return Ok(None),
            None => thread::sleep(PAUSE),
        }
    }
}

/// Ends whatever is left of the command. Where nothing is, that is an error which does not matter.
fn end_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _gone = kill_process_group(group, Signal::KILL);
    }
}
