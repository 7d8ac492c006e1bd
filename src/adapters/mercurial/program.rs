//! The `hg` of this machine, and a repository that it reads: as the user would run it, so that their settings, keys and proxies hold.

use super::bundle::Bundle;
use super::clone::{CloneTalk, Talk};
use super::hgrc::HOOKS;
use super::{CLONE_SCRIPTS, MercurialError};
use crate::ports::history::HistoryError;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Of what `hg` writes to standard error, at most this many bytes are kept.
const MOST_SAID: u64 = 64 * 1024;

/// An `hg` whose output is a list prints fewer bytes than these.
const MOST_PRINTED: u64 = 64 << 20;

/// How often an `hg` that may not take long is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// A Mercurial repository on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hg {
    root: PathBuf,
    dot_hg: PathBuf,
}

/// Why `hg` did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HgError {
    /// There is no `hg` to run.
    #[error("cannot run hg")]
    NotStarted(#[source] io::Error),
    /// It ended with an error.
    #[error("hg could not {doing}")]
    Failed {
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// What it wrote to standard error.
        said: Vec<u8>,
    },
    /// What it answered cannot be.
    #[error(transparent)]
    Answer(#[from] MercurialError),
    /// What it answered of a history cannot be.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It took too long.
    #[error("there was no time left")]
    DeadlinePassed,
    /// A file or folder of ours failed.
    #[error("cannot use {path:?}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Returns where commits wait for approval to come to the repository at `root`.
pub fn sibling_of(root: &Path) -> PathBuf {
    let mut name = root.as_os_str().to_owned();
    name.push("-requests");
    name.into()
}

impl Hg {
    /// Finds the repository of the folder `from`: there or above. `None`: there is none.
    ///
    /// # Errors
    /// [`HgError::File`].
    pub fn find(from: &Path) -> Result<Option<Self>, HgError> {
        let failed = |source| HgError::File { path: from.to_owned(), source };
        let from = from.canonicalize().map_err(failed)?;
        let Some(root) = from.ancestors().find(|folder| folder.join(".hg").is_dir()) else { return Ok(None) };
        let own = root.join(".hg");
        let dot_hg = match fs::read(own.join("sharedpath")) {
            Ok(bytes) => {
                let path = PathBuf::from(OsString::from_vec(bytes.trim_ascii_end().to_vec()));
                // A relative one is meant from the folder that it stands in.
                own.join(path).canonicalize().map_err(failed)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => own,
            Err(source) => return Err(failed(source)),
        };
        Ok(Some(Self { root: root.to_owned(), dot_hg }))
    }

    /// Returns the repository's root, where its working directory is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the `.hg` folder that holds the store: of a share, that of its source.
    pub fn dot_hg(&self) -> &Path {
        &self.dot_hg
    }

    /// Returns where the repository stands in which commits wait for approval to come here.
    pub fn sibling_root(&self) -> PathBuf {
        sibling_of(&self.root)
    }

    /// Finds the repository in which commits wait for approval to come to the one at `central`.
    ///
    /// # Errors
    /// [`HgError::File`] if there is none.
    pub(super) fn sibling(central: &Path) -> Result<Self, HgError> {
        let root = sibling_of(central);
        let found = Self::find(&root)?.filter(|found| root.canonicalize().is_ok_and(|root| root == found.root));
        found.ok_or_else(|| HgError::File { path: root, source: io::ErrorKind::NotFound.into() })
    }

    /// Tells whether the store is that of another repository.
    pub fn is_share(&self) -> bool {
        self.dot_hg != self.root.join(".hg")
    }

    /// Runs `hg` with `arguments`: no shell, nothing to read on standard input, plain English words, UTF-8.
    ///
    /// # Errors
    /// [`HgError::NotStarted`]; how it ended is for the caller to look at.
    pub fn run<I, A>(&self, arguments: I) -> Result<Output, HgError>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        self.command().args(arguments).stdin(Stdio::null()).output().map_err(HgError::NotStarted)
    }

    /// Runs `hg`, which must succeed; `doing` says what for, as an infinitive. Returns its standard output.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn must<I, A>(&self, doing: &'static str, arguments: I) -> Result<Vec<u8>, HgError>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let output = self.run(arguments)?;
        if output.status.success() { Ok(output.stdout) } else { Err(HgError::Failed { doing, said: output.stderr }) }
    }

    /// Begins a conversation about this repository and `remote`, a name or URL that `hg push` takes; `None`: where `hg push` goes by
    /// itself. Whatever that server has and this repository has not is looked at without being pulled.
    ///
    /// # Errors
    /// [`HgError`]: no `hg`, no such server.
    pub fn talk(&self, remote: Option<&str>) -> Result<Talk, HgError> {
        self.converse("talk to the server", remote.map_or(vec![], |remote| vec!["--remote", remote]))
    }

    /// As [`Hg::talk`], and what waits in the server's sibling is looked at as well, without being pulled: as long as this repository has
    /// all that the server has but approvals, which are not seen then.
    ///
    /// # Errors
    /// As there.
    pub fn talk_of_requests(&self, remote: Option<&str>) -> Result<Talk, HgError> {
        let remote = remote.into_iter().flat_map(|remote| ["--remote", remote]);
        self.converse("look at the requests", ["--requests"].into_iter().chain(remote).collect())
    }

    /// Begins a conversation about this repository as it stands.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn talk_here(&self) -> Result<Talk, HgError> {
        self.converse("read the repository", vec!["--here"])
    }

    fn converse(&self, doing: &'static str, which: Vec<&str>) -> Result<Talk, HgError> {
        let scripts = Scripts::write()?;
        let mut command = self.command();
        command.args(["--quiet", "--config"]).arg(scripts.setting()).arg("debugjit").args(which);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(HgError::NotStarted)?;
        let (input, output, error) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let listener = thread::spawn(move || {
            let mut said = Vec::new();
            if let Some(mut error) = error {
                let _ = error.by_ref().take(MOST_SAID).read_to_end(&mut said);
                // The rest is let go: a pipe that nobody reads would hold `hg` up.
                let _ = io::copy(&mut error, &mut io::sink());
            }
            said
        });
        let process = Process { child, listener: Some(listener), _scripts: scripts };
        let (Some(input), Some(output)) = (input, output) else {
            return Err(HgError::NotStarted(io::Error::other("it has no pipes")));
        };
        CloneTalk::begin(BufReader::new(output), input, process, doing)
    }

    /// Adds the changesets of `bundle` to this repository, as its administrator: no hook of jit is asked.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn add(&self, bundle: &Bundle) -> Result<(), HgError> {
        let file = bundle.to_file()?;
        let mut arguments = vec![OsString::from("unbundle"), OsString::from("--quiet")];
        for hook in HOOKS {
            arguments.extend([OsString::from("--config"), OsString::from(format!("hooks.{hook}.jit="))]);
        }
        arguments.push(file.path().into());
        self.must("add a changeset", arguments).map(drop)
    }

    /// As [`Hg::must`], for no longer than until `deadline`, as the repository's administrator: no hook of jit is asked, and nobody's lock
    /// is waited for longer than `patience`, in seconds.
    ///
    /// # Errors
    /// [`HgError`]; [`HgError::DeadlinePassed`] once it has.
    pub(super) fn must_until(
        &self,
        doing: &'static str,
        arguments: Vec<OsString>,
        deadline: Instant,
        patience: u32,
    ) -> Result<Vec<u8>, HgError> {
        let mut command = self.without_hooks(patience);
        command.args(arguments);
        ends(doing, command, deadline)
    }

    /// Prepares an `hg` that asks no hook of jit and waits for nobody's lock longer than `patience`, in seconds.
    pub(super) fn without_hooks(&self, patience: u32) -> Command {
        let mut command = self.command();
        command.args(["--config", &format!("ui.timeout={patience}")]);
        for hook in HOOKS {
            command.arg("--config").arg(format!("hooks.{hook}.jit="));
        }
        command.env_remove("HG_PENDING");
        command
    }

    /// Prepares an `hg` in this repository, with our environment.
    fn command(&self) -> Command {
        let mut command = Command::new("hg");
        command
            .current_dir(&self.root)
            .env("HGPLAIN", "1")
            .env("HGENCODING", "UTF-8")
            // Their words are looked at, and shown beside ours.
            .env("LC_ALL", "C.UTF-8")
            .env_remove("LANGUAGE");
        command
    }
}

/// Runs an `hg` that was prepared, which must succeed until `deadline`; `doing` says what for. Returns its standard output.
pub(super) fn ends(doing: &'static str, mut command: Command, deadline: Instant) -> Result<Vec<u8>, HgError> {
    let failed = |source| HgError::File { path: "a temporary file".into(), source };
    let (mut printed, mut said) = (tempfile::tempfile().map_err(failed)?, tempfile::tempfile().map_err(failed)?);
    command.stdin(Stdio::null());
    command.stdout(printed.try_clone().map_err(failed)?).stderr(said.try_clone().map_err(failed)?);
    let mut child = command.spawn().map_err(HgError::NotStarted)?;
    let status = loop {
        match child.try_wait().map_err(HgError::NotStarted)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                let _ended = child.kill().and_then(|()| child.wait());
                return Err(HgError::DeadlinePassed);
            }
            None => thread::sleep(PAUSE),
        }
    };
    let words = |file: &mut File, limit: u64| {
        let mut words = Vec::new();
        let read = file.rewind().and_then(|()| file.take(limit).read_to_end(&mut words));
        read.map(|_| words).map_err(failed)
    };
    if !status.success() {
        return Err(HgError::Failed { doing, said: words(&mut said, MOST_SAID)? });
    }
    let printed = words(&mut printed, MOST_PRINTED)?;
    // A part of a list would be another list.
    if printed.len() as u64 == MOST_PRINTED {
        return Err(MercurialError::TooLarge { what: "bytes of output", limit: MOST_PRINTED }.into());
    }
    Ok(printed)
}

impl Bundle {
    /// Writes the bundle to a temporary file, for `hg` to read.
    ///
    /// # Errors
    /// [`HgError::File`].
    pub fn to_file(&self) -> Result<tempfile::NamedTempFile, HgError> {
        let write = || {
            let mut file = tempfile::Builder::new().prefix("jit-").suffix(".hg").tempfile()?;
            file.write_all(&self.bytes)?;
            file.flush()?;
            Ok(file)
        };
        write().map_err(|source| HgError::File { path: "a temporary bundle".into(), source })
    }
}

/// Our scripts in a temporary folder.
#[derive(Debug)]
struct Scripts(tempfile::TempDir);

impl Scripts {
    fn write() -> Result<Self, HgError> {
        let write = || {
            let folder = tempfile::Builder::new().prefix("jit-").tempdir()?;
            for (name, text) in CLONE_SCRIPTS {
                fs::write(folder.path().join(name), text)?;
            }
            Ok(folder)
        };
        write().map(Self).map_err(|source| HgError::File { path: "a temporary folder".into(), source })
    }

    fn setting(&self) -> OsString {
        let mut setting = OsString::from("extensions.jit_clone=");
        setting.push(self.0.path().join(CLONE_SCRIPTS[0].0));
        setting
    }
}

/// An `hg` that answers. It ends when nobody asks any more.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    listener: Option<JoinHandle<Vec<u8>>>,
    _scripts: Scripts,
}

impl Process {
    /// Waits for its end, and returns what it wrote to standard error.
    pub(super) fn said(&mut self) -> Vec<u8> {
        let _ = self.child.wait();
        self.listener.take().and_then(|listener| listener.join().ok()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.said();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_found_from_below_and_a_share_has_the_store_of_its_source() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path");
        assert_eq!(Hg::find(&root).expect("readable"), None);
        fs::create_dir_all(root.join("one/.hg")).expect("a folder");
        fs::create_dir_all(root.join("one/below")).expect("a folder");
        fs::create_dir_all(root.join("two/.hg")).expect("a folder");
        let one = Hg::find(&root.join("one/below")).expect("readable").expect("found");
        assert_eq!((one.root(), one.dot_hg(), one.is_share()), (&*root.join("one"), &*root.join("one/.hg"), false));
        for path in [root.join("one/.hg").display().to_string(), "../../one/.hg\n".to_owned()] {
            fs::write(root.join("two/.hg/sharedpath"), &path).expect("written");
            let two = Hg::find(&root.join("two")).expect("readable").expect("found");
            assert_eq!((two.dot_hg(), two.is_share()), (&*root.join("one/.hg"), true), "{path}");
        }
        fs::write(root.join("two/.hg/sharedpath"), "/nowhere/.hg").expect("written");
        assert!(Hg::find(&root.join("two")).is_err());
    }
}
