//! What the server writes for its clients to fetch: `refs/jit/checkpoint`, `refs/jit/policy`, `refs/jit/approvals`.
//!
//! Only through a handle opened by [`GitRepository::at`]: objects written through a hook's handle land in the quarantine and vanish with
//! a refused push, while the ref stays. Each ref moves only from the value that was read; who comes second is told so and tries again.
//! These refs are transport. What decides stands in plain files, so nothing here is synced to disk.

use super::GitError;
use super::repository::{GitRepository, RefValue};
use super::tag;
use super::tree::Entry;
use crate::domain::change::ChangesetId;
use crate::domain::time::Timestamp;
use git2::{ObjectType, Oid, Signature, Time};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Holds the newest checkpoint of the log: a blob.
pub const CHECKPOINT_REF: &str = "refs/jit/checkpoint";
/// Holds the policy in force: a commit whose tree has the files.
pub const POLICY_REF: &str = "refs/jit/policy";
/// Holds the tokens: a commit whose tree has a blob for each.
pub const APPROVALS_REF: &str = "refs/jit/approvals";

/// Bytes of a signed checkpoint with its witnesses.
const MOST_CHECKPOINT: usize = 64 * 1024;
/// How long a living process may hold the lock of one of these refs. Moving one takes milliseconds.
const STALE_LOCK: Duration = Duration::from_secs(10 * 60);
const FILE: i32 = 0o100_644;
const FOLDER: i32 = 0o040_000;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Somebody else moved the ref in the meantime.
    #[error("{refname} moved in the meantime")]
    Raced {
        /// The ref.
        refname: &'static str,
    },
    /// The ref holds what this program never writes there.
    #[error("{refname} does not hold a commit")]
    NotOurs {
        /// The ref.
        refname: &'static str,
    },
    /// A path is not made of plain names with slashes between them.
    #[error("`{path}` is not a path for a published file")]
    BadPath {
        /// The path.
        path: String,
    },
    /// Something else stands at a path already; what was published stays.
    #[error("something else is published at `{path}`")]
    Taken {
        /// The path.
        path: String,
    },
    /// The ref could not be written.
    #[error("cannot write {path:?}")]
    Write {
        /// Its file, its lock or the folder of both.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The repository could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PublishError {
    let path = path.to_owned();
    |source| PublishError::Write { path, source }
}

/// Files or folders by name, on their way into a tree.
#[derive(Default)]
struct Draft<'f> {
    files: BTreeMap<&'f str, &'f [u8]>,
    folders: BTreeMap<&'f str, Draft<'f>>,
}

/// Sorts files into folders.
fn draft_of(files: &BTreeMap<String, Vec<u8>>) -> Result<Draft<'_>, PublishError> {
    let mut draft = Draft::default();
    for (path, content) in files {
        let parts = parts(path)?;
        let (name, folders) = parts.split_last().expect("a text has at least one part");
        let mut at = &mut draft;
        for folder in folders {
            at = at.folders.entry(folder).or_default();
        }
        at.files.insert(name, content);
    }
    Ok(draft)
}

impl GitRepository {
    /// Points `refs/jit/checkpoint` at a blob with `text`, unless `is_newer` says that the present text is.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn publish_checkpoint(&self, text: &[u8], is_newer: impl Fn(&[u8]) -> bool) -> Result<(), PublishError> {
        let before = self.own_ref(CHECKPOINT_REF)?;
        let present = before.map(|id| self.blob(&id, MOST_CHECKPOINT)).transpose()?;
        if present.is_some_and(|present| is_newer(&present)) {
            return Ok(());
        }
        let blob = self.library().blob(text).map_err(GitError::library("write a blob"))?;
        self.move_ref(CHECKPOINT_REF, before, blob)
    }

    /// Makes `files` (paths to contents) the tree of a new commit on `refs/jit/policy`; does nothing if they are already.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn publish_policy(&self, files: &BTreeMap<String, Vec<u8>>, time: Timestamp) -> Result<(), PublishError> {
        let draft = draft_of(files)?;
        let before = self.own_ref(POLICY_REF)?;
        let tree = self.write_draft(None, &draft, "")?;
        self.commit_tree(POLICY_REF, before, tree, "policy in force\n", time)
    }

    /// Adds `tokens` (`ab/cdef…/<token id>` to contents) to the tree of `refs/jit/approvals`; does nothing if all are there.
    ///
    /// # Errors
    /// [`PublishError`]; [`PublishError::Taken`] if another content stands at one of the paths.
    pub fn publish_approvals(&self, tokens: &BTreeMap<String, Vec<u8>>, time: Timestamp) -> Result<(), PublishError> {
        let draft = draft_of(tokens)?;
        let before = self.own_ref(APPROVALS_REF)?;
        let published = before.map(|value| self.published_tree(APPROVALS_REF, &value)).transpose()?;
        let tree = self.write_draft(published.as_ref(), &draft, "")?;
        self.commit_tree(APPROVALS_REF, before, tree, "approvals\n", time)
    }

    fn own_ref(&self, refname: &'static str) -> Result<Option<ChangesetId>, PublishError> {
        match self.ref_value(refname)? {
            None => Ok(None),
            Some(RefValue::Object(id)) => Ok(Some(id)),
            Some(RefValue::Symbolic(_)) => Err(PublishError::NotOurs { refname }),
        }
    }

    fn published_tree(&self, refname: &'static str, value: &ChangesetId) -> Result<ChangesetId, PublishError> {
        let commit = tag::peel(self, value)?.commit().filter(|commit| commit == value);
        let commit = commit.ok_or(PublishError::NotOurs { refname })?;
        Ok(super::graph::Commits::node(self, &commit)?.tree)
    }

    /// Writes `draft` over the tree `before`, replacing nothing.
    fn write_draft(&self, before: Option<&ChangesetId>, draft: &Draft<'_>, place: &str) -> Result<Oid, PublishError> {
        let doing = "write a tree";
        let library = self.library();
        let existing = before.map(|id| self.tree(id)).transpose()?;
        let at = |name: &str| existing.as_ref().and_then(|tree| tree.find(name.as_bytes()));
        let base = match before.and_then(|id| self.oid(id)) {
            Some(oid) => Some(library.find_tree(oid).map_err(GitError::library(doing))?),
            None => None,
        };
        let mut builder = library.treebuilder(base.as_ref()).map_err(GitError::library(doing))?;
        let taken = |name: &str| PublishError::Taken { path: format!("{place}{name}") };
        for (name, content) in &draft.files {
            let blob = library.blob(content).map_err(GitError::library("write a blob"))?;
            match at(name) {
                Some(entry) if entry.is_folder() || self.id(blob) != Some(entry.id) => return Err(taken(name)),
                Some(_) => {}
                None => drop(builder.insert(*name, blob, FILE).map_err(GitError::library(doing))?),
            }
        }
        for (name, below) in &draft.folders {
            let folder: Option<Entry> = at(name);
            if draft.files.contains_key(name) || folder.is_some_and(|entry| !entry.is_folder()) {
                return Err(taken(name));
            }
            let tree = self.write_draft(folder.map(|entry| entry.id).as_ref(), below, &format!("{place}{name}/"))?;
            builder.insert(*name, tree, FOLDER).map_err(GitError::library(doing))?;
        }
        Ok(builder.write().map_err(GitError::library(doing))?)
    }

    /// Commits `tree` on top of `before`, from which it was made: whatever came in between makes the ref's move fail.
    fn commit_tree(
        &self,
        refname: &'static str,
        before: Option<ChangesetId>,
        tree: Oid,
        message: &str,
        time: Timestamp,
    ) -> Result<(), PublishError> {
        let doing = "write a commit";
        let library = self.library();
        let mut parents = Vec::new();
        if let Some(value) = &before {
            if self.id(tree) == Some(self.published_tree(refname, value)?) {
                return Ok(());
            }
            let oid = self.oid(value).ok_or(PublishError::NotOurs { refname })?;
            parents.push(library.find_commit(oid).map_err(GitError::library(doing))?);
        }
        let who = Signature::new("jit", "jit@localhost", &Time::new(time.unix(), 0));
        let who = who.map_err(GitError::library(doing))?;
        let tree = library.find_tree(tree).map_err(GitError::library(doing))?;
        let parents: Vec<_> = parents.iter().collect();
        let commit = library.commit(None, &who, &who, message, &tree, &parents).map_err(GitError::library(doing))?;
        self.move_ref(refname, before, commit)
    }

    /// Moves the ref, if it still holds `before`.
    ///
    /// As Git moves a loose ref: create `<ref>.lock`, which must not exist, compare, write, rename. The library would do the same, but first
    /// hold the name against every packed ref.
    fn move_ref(&self, refname: &'static str, before: Option<ChangesetId>, to: Oid) -> Result<(), PublishError> {
        let (path, lock) = (self.common_dir().join(refname), self.common_dir().join(format!("{refname}.lock")));
        // Git takes a folder away once all refs in it are packed.
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        let opened = match File::create_new(&lock) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.remove_stale_lock(refname) => {
                File::create_new(&lock)
            }
            opened => opened,
        };
        let file = match opened {
            Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                return Err(PublishError::Raced { refname });
            }
            opened => opened.map_err(failed(&lock))?,
        };
        let moved = self.move_locked(refname, before, to, file, &lock, &path);
        if moved.is_err() {
            let _stale = fs::remove_file(&lock);
        }
        moved
    }

    fn move_locked(
        &self,
        refname: &'static str,
        before: Option<ChangesetId>,
        to: Oid,
        mut file: File,
        lock: &Path,
        path: &Path,
    ) -> Result<(), PublishError> {
        if self.own_ref(refname)? != before {
            return Err(PublishError::Raced { refname });
        }
        writeln!(file, "{to}").map_err(failed(lock))?;
        drop(file);
        fs::rename(lock, path).map_err(failed(path))
    }

    /// Removes the lock of a ref that a killed process left behind, and tells whether there was one.
    ///
    /// Git and libgit2 lock a ref by a file beside it, which outlives its process; nothing would ever be published again. Who
    /// holds it for longer than [`STALE_LOCK`] is dead. Should two processes find it at once, one may take the other's new
    /// lock away: then an older checkpoint may stand there until the next push, and an addition of tokens may have to be
    /// sent again.
    fn remove_stale_lock(&self, refname: &str) -> bool {
        let lock = self.common_dir().join(format!("{refname}.lock"));
        let age = fs::metadata(&lock).and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
        age.is_some_and(|age| age > STALE_LOCK) && fs::remove_file(&lock).is_ok()
    }

    /// Returns the text of the blob that the ref holds; `None`: the ref does not exist.
    ///
    /// # Errors
    /// [`GitError`], also for a blob of more than `limit` bytes.
    pub fn blob_at(&self, refname: &str, limit: usize) -> Result<Option<Vec<u8>>, GitError> {
        let Some(RefValue::Object(id)) = self.ref_value(refname)? else { return Ok(None) };
        self.blob(&id, limit).map(Some)
    }

    pub(super) fn blob(&self, id: &ChangesetId, limit: usize) -> Result<Vec<u8>, GitError> {
        // The length is known before the content is unpacked: a small pack can hold a huge blob.
        if self.length_of(id)? > limit {
            return Err(GitError::TooLarge { what: "bytes in a file", limit: limit as u64 });
        }
        self.with_object(id, ObjectType::Blob, <[u8]>::to_vec)
    }
}

/// Splits a path into names that Git accepts as entries and that no file system reads otherwise.
fn parts(path: &str) -> Result<Vec<&str>, PublishError> {
    let plain = |part: &str| {
        let mut bytes = part.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let parts: Vec<&str> = path.split('/').collect();
    if parts.iter().all(|part| plain(part)) { Ok(parts) } else { Err(PublishError::BadPath { path: path.to_owned() }) }
}
