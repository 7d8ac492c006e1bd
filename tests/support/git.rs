//! Starts programs with nothing of the developer's own environment.

use super::people::Person;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a program left behind.
#[derive(Debug)]
pub struct Said {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: Vec<u8>,
    /// Standard error, without the `remote: ` that Git puts before a hook's lines.
    pub err: String,
}

impl Said {
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output as text without its last line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim_end().to_owned()
    }
}

/// Prepares `program` so that it reads only what stands in `home`; `who` is the author of what it commits,
/// `moment` seconds after a fixed date.
pub fn command(program: impl AsRef<OsStr>, home: &Path, who: Person, moment: u64) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_EDITOR", "true");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), who.name)
            .env(format!("GIT_{role}_EMAIL"), who.email())
            .env(format!("GIT_{role}_DATE"), format!("{} +0000", 1_700_000_000 + moment));
    }
    command
}

/// Runs `command` with `input`.
pub fn run(mut command: Command, input: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("these tests need `{}`: {error}", command.get_program().display()));
    // A program that ends early need not read everything.
    let _closed = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    let lines: Vec<String> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .map(|line| line.strip_prefix("remote: ").unwrap_or(line).trim_end().to_owned())
        .collect();
    Said { code: output.status.code(), out: output.stdout, err: lines.join("\n") }
}
