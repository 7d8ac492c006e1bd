//! A hook under strace, killed as it enters each of its system calls in turn.

use crate::support::{Said, run};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One hook and what it is given.
pub struct Traced<'a> {
    /// Prepares `strace` with the folder and the environment in which the hook runs.
    pub strace: &'a dyn Fn() -> Command,
    /// The built program, and its arguments.
    pub command: &'a [&'a str],
    /// What it reads.
    pub input: &'a [u8],
    /// The folders that it changes. Each case begins from the same.
    pub folders: &'a [PathBuf],
    /// Where the trace may stand.
    pub trace: PathBuf,
}

impl Traced<'_> {
    /// Runs the hook with these arguments of strace.
    fn run(&self, arguments: &[&str]) -> Said {
        let mut strace = (self.strace)();
        strace.args(["-f", "-qq"]).args(arguments).arg("--").args(self.command);
        run(strace, self.input)
    }

    /// The system calls of the hook's main thread, and how often it makes each.
    fn calls(&self) -> BTreeMap<String, usize> {
        let said = self.run(&["-o", self.trace.to_str().expect("a plain path")]);
        assert!(said.succeeded(), "{}", said.err);
        let trace = fs::read_to_string(&self.trace).expect("a trace");
        let main = trace.split(' ').next().expect("a process").to_owned();
        let mut calls = BTreeMap::new();
        for line in trace.lines() {
            let call = line.strip_prefix(&main).and_then(|line| line.trim_start().split_once('('));
            // The second half of a call that another thread interrupted has no name of its own.
            if let Some((name, _)) =
                call.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            {
                *calls.entry(name.to_owned()).or_default() += 1;
            }
        }
        calls
    }

    /// Runs the hook once for each of its system calls, killed as it enters that one; `after` looks at what is left.
    pub fn killed_at_each_call(&self, after: impl Fn(&str, &Said)) {
        for folder in self.folders {
            copy(folder, &kept(folder));
        }
        let calls = self.calls();
        let total: usize = calls.values().sum();
        let mut survived = 0;
        for (name, count) in calls {
            for at in 1..=count {
                for folder in self.folders {
                    fs::remove_dir_all(folder).expect("removed");
                    copy(&kept(folder), folder);
                }
                let inject = format!("--inject={name}:signal=SIGKILL:when={at}");
                let said = self.run(&["-o", "/dev/null", &inject]);
                survived += usize::from(said.code.is_some());
                after(&format!("{:?}, {name} {at}: {}", self.command, said.err), &said);
            }
        }
        // A few calls of the system's own libraries are made now and then only.
        assert!(total > 150 && survived * 20 < total, "{survived} of {total} were not killed");
    }
}

fn kept(folder: &Path) -> PathBuf {
    folder.with_extension("kept")
}

fn copy(from: &Path, to: &Path) {
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(from).arg(to);
    assert!(run(copy, b"").succeeded(), "{}", from.display());
}
