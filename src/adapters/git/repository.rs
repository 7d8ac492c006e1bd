//! An opened Git repository: which ones are accepted, and how objects and refs are read from them.
//!
//! Two ways in. [`GitRepository::for_hook`] sees what a push has brought into quarantine and is for reading only: libgit2 does not
//! know quarantines, so a ref written through that handle would outlive the objects of a refused push. Everything durable goes
//! through [`GitRepository::at`], which does not see the quarantine.
//!
//! Replacement refs are not honoured: libgit2 knows nothing of them. Grafts and shallow histories, which it half knows, are refused.

use super::budget::Budget;
use super::commit::{self, Node};
use super::graph::Commits;
use super::tree::{Tree, TreeCache};
use super::{GitError, OpenError};
use crate::domain::change::{ChangesetId, IdKind};
use git2::{ErrorCode, ObjectFormat, ObjectType, Oid, Repository};
use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Commits that are kept in memory before the cache is emptied.
const MOST_NODES: usize = 1_000_000;

/// Bytes of commits that are kept beside that.
const MOST_KEPT_BYTES: usize = 16 * 1024 * 1024;

/// A Git repository that this program can judge.
pub struct GitRepository {
    repo: Repository,
    sees_quarantine: bool,
    kind: IdKind,
    pub(super) budget: Budget,
    nodes: RefCell<HashMap<ChangesetId, Arc<Node>>>,
    trees: RefCell<TreeCache>,
    commits: RefCell<KeptCommits>,
}

/// The bytes of commits that were met on a walk: those of a push are wanted again once it is known which they are.
#[derive(Default)]
struct KeptCommits {
    objects: HashMap<ChangesetId, Box<[u8]>>,
    bytes: usize,
}

impl KeptCommits {
    fn put(&mut self, id: &ChangesetId, object: &[u8]) {
        if self.bytes + object.len() <= MOST_KEPT_BYTES {
            self.bytes += object.len();
            self.objects.insert(*id, object.into());
        }
    }
}

/// How another thread opens a repository that is open already.
pub(super) struct Door {
    /// `None`: as the hook's environment says.
    place: Option<PathBuf>,
    budget: Budget,
}

impl Door {
    /// Opens it.
    pub(super) fn open(self) -> Result<GitRepository, GitError> {
        let opened = self.place.map_or_else(GitRepository::for_hook, |place| GitRepository::at(&place));
        let repo = opened.map_err(|error| GitError::Again(Box::new(error)))?;
        Ok(GitRepository { budget: self.budget, ..repo })
    }
}

/// What a ref holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RefValue {
    /// An object: a commit, a tag, anything.
    Object(ChangesetId),
    /// Another ref, by its full name.
    Symbolic(Vec<u8>),
}

impl GitRepository {
    /// Opens the repository that a hook runs in, as its environment says (`GIT_DIR`, `GIT_OBJECT_DIRECTORY` and
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`), so that quarantined objects are visible. For reading only.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn for_hook() -> Result<Self, OpenError> {
        Self::trust_objects();
        let folder = env::var_os("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
        Ok(Self { sees_quarantine: true, ..Self::accept(Repository::open_from_env(), &folder)? })
    }

    /// Tells how another thread opens the same repository, within the same budget.
    pub(super) fn door(&self) -> Door {
        let place = (!self.sees_quarantine).then(|| self.repo.path().to_owned());
        Door { place, budget: self.budget.shared() }
    }

    /// Switches libgit2's re-hashing of every object that it reads off, for the whole process. That is safe in a hook: the receiving Git
    /// has just computed the ids of what was pushed from its bytes, and whoever can change objects at rest owns the repository. Its
    /// cache of objects goes off as well: what is wanted twice is kept here, and the rest would only take memory.
    pub fn trust_objects() {
        git2::opts::strict_hash_verification(false);
        git2::opts::enable_caching(false);
    }

    /// Opens the repository at `path` (a bare one, a `.git` folder, or a working copy), whatever the environment says.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn at(path: &Path) -> Result<Self, OpenError> {
        Self::accept(Repository::open(path), path)
    }

    /// Opens the repository that `path` lies in: the folder itself, or the nearest one above.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn containing(path: &Path) -> Result<Self, OpenError> {
        Self::accept(Repository::discover(path), path)
    }

    fn accept(opened: Result<Repository, git2::Error>, folder: &Path) -> Result<Self, OpenError> {
        let repo = opened.map_err(|source| {
            // libgit2 says "unsupported extension" or finds no refs: look ourselves, to be able to name the reason.
            if [folder.join("config"), folder.join(".git/config")].iter().any(|config| says_reftable(config)) {
                OpenError::Reftable
            } else {
                OpenError::Library(source)
            }
        })?;
        if says_reftable(&repo.commondir().join("config")) || repo.commondir().join("reftable").is_dir() {
            return Err(OpenError::Reftable);
        }
        if repo.is_shallow() || repo.commondir().join("shallow").exists() {
            return Err(OpenError::Shallow);
        }
        if repo.commondir().join("info/grafts").exists() {
            return Err(OpenError::Grafts);
        }
        if repo.namespace_bytes().is_some_and(|name| !name.is_empty()) {
            return Err(OpenError::Namespace);
        }
        let kind = match repo.object_format() {
            ObjectFormat::Sha1 => IdKind::GitSha1,
            ObjectFormat::Sha256 => IdKind::GitSha256,
        };
        let (budget, nodes, trees, commits) = Default::default();
        Ok(Self { repo, sees_quarantine: false, kind, budget, nodes, trees, commits })
    }

    /// Makes reading fail once `deadline` has passed.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.budget.set_deadline(deadline);
    }

    /// Returns the hash that the repository's ids are made with.
    pub fn id_kind(&self) -> IdKind {
        self.kind
    }

    /// Tells whether there is no working copy.
    pub fn is_bare(&self) -> bool {
        self.repo.is_bare()
    }

    /// Returns the folder that all working copies share: the one that holds `jit/`.
    pub fn common_dir(&self) -> &Path {
        self.repo.commondir()
    }

    /// The library's handle, for writing.
    pub(super) fn library(&self) -> &Repository {
        &self.repo
    }

    /// Returns the type of the object `id`; `None`: it is not there.
    pub(super) fn kind_of(&self, id: &ChangesetId) -> Result<Option<ObjectType>, GitError> {
        let Some(oid) = self.oid(id) else { return Ok(None) };
        let odb = self.repo.odb().map_err(GitError::library("open the object database"))?;
        match odb.read_header(oid) {
            Ok((_, kind)) => Ok(Some(kind)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(GitError::library("read an object's type")(error)),
        }
    }

    /// Returns the length in bytes of the object `id`.
    pub(super) fn length_of(&self, id: &ChangesetId) -> Result<usize, GitError> {
        let oid = self.oid(id).ok_or(GitError::Missing { object: *id })?;
        let odb = self.repo.odb().map_err(GitError::library("open the object database"))?;
        odb.read_header(oid).map(|(length, _)| length).map_err(|error| Self::unread(id, error))
    }

    /// Hands the bytes of the object `id` to `read`, if it is of the type `wanted`.
    pub(super) fn with_object<T>(
        &self,
        id: &ChangesetId,
        wanted: ObjectType,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, GitError> {
        let oid = self.oid(id).ok_or(GitError::Missing { object: *id })?;
        let odb = self.repo.odb().map_err(GitError::library("open the object database"))?;
        let object = odb.read(oid).map_err(|error| Self::unread(id, error))?;
        if object.kind() != wanted {
            return Err(GitError::Malformed { object: *id, problem: "it is of another type than its place demands" });
        }
        Ok(read(object.data()))
    }

    /// Hands the bytes of the commit `id` to `read`.
    pub(super) fn with_commit<T>(&self, id: &ChangesetId, read: impl FnOnce(&[u8]) -> T) -> Result<T, GitError> {
        match self.commits.borrow().objects.get(id) {
            Some(object) => Ok(read(object)),
            None => self.with_object(id, ObjectType::Commit, read),
        }
    }

    fn unread(id: &ChangesetId, error: git2::Error) -> GitError {
        match error.code() {
            ErrorCode::NotFound => GitError::Missing { object: *id },
            _ => GitError::library("read an object")(error),
        }
    }

    /// Returns the folder `id`, checked.
    pub(super) fn tree(&self, id: &ChangesetId) -> Result<Arc<Tree>, GitError> {
        self.budget.step()?;
        if let Some(tree) = self.trees.borrow_mut().get(id) {
            return Ok(tree);
        }
        let parsed = self.with_object(id, ObjectType::Tree, |bytes| Tree::parse(self.kind, bytes))?;
        let tree = Arc::new(parsed.map_err(|problem| GitError::Malformed { object: *id, problem })?);
        self.trees.borrow_mut().put(*id, Arc::clone(&tree));
        Ok(tree)
    }

    /// Returns what the ref `name` holds; `None`: it does not exist.
    pub(super) fn ref_value(&self, name: &str) -> Result<Option<RefValue>, GitError> {
        let doing = "read a ref";
        match self.repo.find_reference(name) {
            Ok(found) => self.value_of(&found).map(Some),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(GitError::library(doing)(error)),
        }
    }

    fn value_of(&self, found: &git2::Reference<'_>) -> Result<RefValue, GitError> {
        let odd = || GitError::library("read a ref")(git2::Error::from_str("neither an id nor a name stands there"));
        match (found.target(), found.symbolic_target_bytes()) {
            (Some(oid), _) => self.id(oid).map(RefValue::Object).ok_or_else(odd),
            (None, Some(name)) => Ok(RefValue::Symbolic(name.to_vec())),
            (None, None) => Err(odd()),
        }
    }

    /// Returns every ref below `refs/` with what it holds.
    pub(super) fn all_refs(&self) -> Result<Vec<(Vec<u8>, RefValue)>, GitError> {
        let doing = "list the refs";
        let mut all = Vec::new();
        for found in self.repo.references().map_err(GitError::library(doing))? {
            let found = found.map_err(GitError::library(doing))?;
            all.push((found.name_bytes().to_vec(), self.value_of(&found)?));
        }
        Ok(all)
    }

    /// Turns the library's id into ours; `None` for zero.
    pub(super) fn id(&self, oid: Oid) -> Option<ChangesetId> {
        ChangesetId::from_bytes(self.kind, oid.as_bytes()).ok()
    }

    /// The zero id: where libgit2 compares a ref's value, "does not exist".
    pub(super) fn absent(&self) -> Oid {
        match self.kind {
            IdKind::GitSha256 => Oid::ZERO_SHA256,
            IdKind::GitSha1 | IdKind::HgSha1 => Oid::ZERO_SHA1,
        }
    }

    /// Turns our id into the library's; `None` for an id of another hash or system.
    pub(super) fn oid(&self, id: &ChangesetId) -> Option<Oid> {
        if id.kind() != self.kind {
            return None;
        }
        Oid::from_bytes(id.as_bytes()).ok()
    }
}

impl Commits for GitRepository {
    fn node(&self, id: &ChangesetId) -> Result<Arc<Node>, GitError> {
        if let Some(node) = self.nodes.borrow().get(id) {
            return Ok(Arc::clone(node));
        }
        self.budget.step()?;
        let parsed = self.with_object(id, ObjectType::Commit, |bytes| {
            self.commits.borrow_mut().put(id, bytes);
            commit::node(self.kind, bytes)
        })?;
        let node = Arc::new(parsed.map_err(|problem| GitError::Malformed { object: *id, problem })?);
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= MOST_NODES {
            nodes.clear();
        }
        nodes.insert(*id, Arc::clone(&node));
        Ok(node)
    }
}

impl std::fmt::Debug for GitRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitRepository").field("path", &self.repo.path()).finish_non_exhaustive()
    }
}

fn says_reftable(config: &Path) -> bool {
    let read = || git2::Config::open(config).ok()?.get_string("extensions.refstorage").ok();
    config.is_file() && read().is_some_and(|kind| !kind.eq_ignore_ascii_case("files"))
}
