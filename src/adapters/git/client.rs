//! The repository that a person works in: which one it is, how the user's own `git` is run in it, what its settings say.

use super::{GitError, GitRepository, OpenError};
use crate::domain::change::{ChangesetId, IdKind};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A clone, with or without a working copy.
#[derive(Debug)]
pub struct Checkout {
    repository: GitRepository,
    git_dir: PathBuf,
    /// Where relative URLs of remotes begin.
    root: PathBuf,
    /// `branch.*`, `jit.*` and `remote.*`, in the order in which git lists them; the last of a name counts.
    settings: Vec<(String, String)>,
}

/// Why there is no repository to work in, or why git could not be run in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// `git` could not be started.
    #[error("cannot run git")]
    NotStarted(#[source] io::Error),
    /// It ended with an error.
    #[error("git could not {doing}")]
    Failed {
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// What it wrote to standard error.
        said: Vec<u8>,
    },
    /// Neither this folder nor one above it is a repository.
    #[error("{folder:?} is not in a Git repository")]
    NoRepository {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// It is one that cannot be judged.
    #[error("the repository at {path:?} cannot be used")]
    Open {
        /// Its Git folder.
        path: PathBuf,
        /// Why not.
        #[source]
        why: OpenError,
    },
    /// An object or ref could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Checkout {
    /// Finds the repository of the folder `from`, as git does (`GIT_DIR` counts).
    ///
    /// # Errors
    /// [`CheckoutError`].
    pub fn at(from: &Path) -> Result<Self, CheckoutError> {
        let output = prepared(from).args(["rev-parse", "--absolute-git-dir"]).output();
        let output = output.map_err(CheckoutError::NotStarted)?;
        if !output.status.success() {
            return Err(CheckoutError::NoRepository { folder: from.to_owned() });
        }
        let git_dir = PathBuf::from(OsString::from_vec(trimmed(&output.stdout).to_vec()));
        let repository = open(&git_dir)?;
        let root = repository.library().workdir().unwrap_or(&git_dir).to_owned();
        let mut checkout = Self { repository, git_dir, root, settings: Vec::new() };
        let listed = checkout.git(["config", "--null", "--get-regexp", r"^(branch|jit|remote)\."])?;
        checkout.settings = settings(&listed.stdout);
        Ok(checkout)
    }

    /// Returns the repository, for reading and for refs below `refs/jit/`.
    pub fn repository(&self) -> &GitRepository {
        &self.repository
    }

    /// Opens the repository once more, for whoever wants one of their own.
    ///
    /// # Errors
    /// [`CheckoutError::Open`].
    pub fn reopened(&self) -> Result<GitRepository, CheckoutError> {
        open(&self.git_dir)
    }

    /// Runs `git` with `arguments`: no shell, nothing to read on stdin, words in English, no replaced objects.
    ///
    /// # Errors
    /// [`CheckoutError::NotStarted`]; how git ended is for the caller to look at.
    pub(super) fn git<I, A>(&self, arguments: I) -> Result<Output, CheckoutError>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = prepared(&self.root);
        command.env("GIT_DIR", &self.git_dir).env_remove("GIT_WORK_TREE").args(arguments);
        command.output().map_err(CheckoutError::NotStarted)
    }

    /// Returns the command that shows long texts to the user, as git chooses it; empty where git does not know.
    pub fn pager(&self) -> String {
        let output = self.git(["var", "GIT_PAGER"]).map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(trimmed(&output)).into_owned()
    }

    /// Returns how the files of `new` differ from those of `old`, as a patch; from none, where there is no `old`. No program of the
    /// user's is started for it.
    ///
    /// # Errors
    /// [`CheckoutError`].
    pub fn diff(&self, old: Option<&ChangesetId>, new: &ChangesetId) -> Result<Vec<u8>, CheckoutError> {
        let old = old.map_or_else(|| empty_tree(new.kind()).to_owned(), ChangesetId::hex);
        let plain = ["diff-tree", "-p", "-M", "--no-color", "--no-ext-diff", "--no-textconv", "--end-of-options"];
        // Paths are shown as they are; whoever shows them escapes what could steer a terminal.
        let plain = ["-c", "core.quotePath=false"].into_iter().chain(plain);
        let output = self.git(plain.chain([old.as_str(), new.hex().as_str()]))?;
        let failed = CheckoutError::Failed { doing: "compare two commits", said: output.stderr };
        if output.status.success() { Ok(output.stdout) } else { Err(failed) }
    }

    /// Returns who commits here, as git itself would write it (`Name <mail> …`); empty if git does not know.
    ///
    /// # Errors
    /// [`CheckoutError::NotStarted`].
    pub fn committer(&self) -> Result<Vec<u8>, CheckoutError> {
        let output = self.git(["var", "GIT_COMMITTER_IDENT"])?;
        Ok(if output.status.success() { output.stdout } else { Vec::new() })
    }

    /// Returns the value of a setting in git's configuration, if it has one.
    pub fn setting(&self, name: &str) -> Option<&str> {
        // git lists section and variable in lowercase and keeps the case of what stands between them.
        self.settings.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns all values of a setting that may be given several times.
    pub(super) fn all_settings(&self, name: &str) -> impl Iterator<Item = &str> {
        self.settings.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the configured remotes, by name.
    pub fn remotes(&self) -> Vec<String> {
        let name = |(key, _): &(String, String)| Some(key.strip_prefix("remote.")?.strip_suffix(".url")?.to_owned());
        let mut names: Vec<String> = self.settings.iter().filter_map(name).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the full name of the branch that is checked out; `None` for a detached head.
    pub fn current_branch(&self) -> Option<String> {
        let head = self.repository.library().find_reference("HEAD").ok()?;
        head.symbolic_target().ok().flatten().map(str::to_owned)
    }

    /// Returns the commit that `revision` names, in any way that git knows; `None` if it names none.
    ///
    /// # Errors
    /// [`CheckoutError`].
    pub fn resolve(&self, revision: &str) -> Result<Option<ChangesetId>, CheckoutError> {
        let output = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", revision])?;
        let hex = str::from_utf8(trimmed(&output.stdout)).unwrap_or_default();
        let id = ChangesetId::from_hex(self.repository.id_kind(), hex).ok();
        match id.filter(|_| output.status.success()) {
            // git takes any full id for an object, whether it is there or not.
            Some(id) if self.repository.has(&id)? => Ok(self.repository.commit_behind(&id)?),
            _ => Ok(None),
        }
    }
}

/// The tree without files, which git knows whether it is there or not.
fn empty_tree(kind: IdKind) -> &'static str {
    match kind {
        IdKind::GitSha256 => "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
        _ => "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    }
}

/// Takes the line end off that a program leaves behind what it prints.
pub(super) fn trimmed(output: &[u8]) -> &[u8] {
    output.strip_suffix(b"\n").unwrap_or(output)
}

fn open(git_dir: &Path) -> Result<GitRepository, CheckoutError> {
    GitRepository::at(git_dir).map_err(|why| CheckoutError::Open { path: git_dir.to_owned(), why })
}

fn prepared(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        // Their words are looked at, and shown beside ours.
        .env("LC_ALL", "C")
        .env_remove("LANGUAGE")
        .stdin(Stdio::null());
    command
}

/// Reads `key LF value NUL`; a key without a value stands for "true".
fn settings(listed: &[u8]) -> Vec<(String, String)> {
    let pair = |entry: &[u8]| {
        let text = str::from_utf8(entry).ok()?;
        let (key, value) = text.split_once('\n').unwrap_or((text, "true"));
        Some((key.to_owned(), value.to_owned()))
    };
    listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).filter_map(pair).collect()
}
