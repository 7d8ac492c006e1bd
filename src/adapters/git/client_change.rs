//! What a person is shown of a change before they sign for it, and the commit with which they ask for approvals.

use super::{GitError, GitRepository, graph, tag, walk};
use crate::domain::change::{ChangeSize, ChangedFile, Changeset, ChangesetId};
use crate::domain::request::Request;
use crate::ports::history::Need;
use git2::{Delta, DiffOptions, ErrorCode, Signature, Tree};
use std::collections::BTreeMap;

/// Why no request could be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestCommitError {
    /// git does not know who the user is.
    #[error("git does not know your name and e-mail address")]
    NoIdentity,
    /// The repository could not be written.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl GitRepository {
    /// Tells whether the object `id` is here.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn has(&self, id: &ChangesetId) -> Result<bool, GitError> {
        Ok(self.kind_of(id)?.is_some())
    }

    /// Returns the commit that `value` is or, as a tag, names; `None` if it names none.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn commit_behind(&self, value: &ChangesetId) -> Result<Option<ChangesetId>, GitError> {
        Ok(tag::peel(self, value)?.commit())
    }

    /// Tells whether `commit` is `ancestor` or descends from it.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn descends(&self, commit: &ChangesetId, ancestor: &ChangesetId) -> Result<bool, GitError> {
        graph::descends(self, commit, ancestor)
    }

    /// Returns the commits that `from` reaches and none of `without` does, children before parents, without their paths.
    ///
    /// Of `without`, tags stand for what they name, and what is no commit or not here is passed over.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn commits_without(&self, from: &ChangesetId, without: &[ChangesetId]) -> Result<Vec<Changeset>, GitError> {
        let mut here = Vec::new();
        for value in without {
            if self.has(value)? {
                here.push(*value);
            }
        }
        let hidden = tag::commits(self, &here)?;
        let tips = tag::commits(self, &[*from])?;
        walk::changesets(self, &graph::between(self, &tips, &hidden)?, &Need::default())
    }

    /// Returns where `new` left `old`; `None` where they have nothing in common.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn fork_point(&self, old: &ChangesetId, new: &ChangesetId) -> Result<Option<ChangesetId>, GitError> {
        Ok(graph::merge_bases(self, old, new)?.first().copied())
    }

    /// Measures how the files of `new` differ from those of `old`; from none, where there is no `old`.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn change_size(&self, old: Option<&ChangesetId>, new: &ChangesetId) -> Result<ChangeSize, GitError> {
        let doing = "compare two trees";
        let before = old.map(|id| self.tree_behind(id)).transpose()?;
        let after = self.tree_behind(new)?;
        let mut options = DiffOptions::new();
        options.context_lines(0).include_typechange(true).ignore_submodules(true);
        let diff = self.library().diff_tree_to_tree(before.as_ref(), Some(&after), Some(&mut options));
        let diff = diff.map_err(GitError::library(doing))?;
        let mut size = ChangeSize::default();
        for place in 0..diff.deltas().len() {
            let Some(delta) = diff.get_delta(place) else { continue };
            let how = match delta.status() {
                Delta::Added => 'A',
                Delta::Deleted => 'D',
                Delta::Typechange => 'T',
                _ => 'M',
            };
            let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default().to_vec();
            let patch = git2::Patch::from_diff(&diff, place).map_err(GitError::library(doing))?;
            let counts = patch.map(|patch| patch.line_stats()).transpose().map_err(GitError::library(doing))?;
            let (_, added, removed) = counts.unwrap_or_default();
            size.added += added;
            size.removed += removed;
            size.files.push(ChangedFile { path, how, added, removed });
        }
        Ok(size)
    }

    fn tree_behind(&self, commit: &ChangesetId) -> Result<Tree<'_>, GitError> {
        let oid = self.oid(commit).ok_or(GitError::Missing { object: *commit })?;
        let read = |error: git2::Error| match error.code() {
            ErrorCode::NotFound => GitError::Missing { object: *commit },
            _ => GitError::library("read a commit")(error),
        };
        self.library().find_commit(oid).and_then(|found| found.tree()).map_err(read)
    }

    /// Writes the commit of a request on top of `subject`, with an empty tree, by `ident` (`Name <mail> …`, as `git var`
    /// gives it). No ref moves.
    ///
    /// # Errors
    /// [`RequestCommitError`].
    pub fn write_request(
        &self,
        subject: &ChangesetId,
        request: &Request,
        ident: &[u8],
    ) -> Result<ChangesetId, RequestCommitError> {
        let doing = "write a request";
        let library = self.library();
        let ident = String::from_utf8_lossy(ident);
        let (name, rest) = ident.split_once('<').ok_or(RequestCommitError::NoIdentity)?;
        let (mail, _) = rest.split_once('>').ok_or(RequestCommitError::NoIdentity)?;
        let who = Signature::now(name.trim(), mail.trim()).map_err(|_| RequestCommitError::NoIdentity)?;
        let empty = library.treebuilder(None).and_then(|tree| tree.write()).map_err(GitError::library(doing))?;
        let tree = library.find_tree(empty).map_err(GitError::library(doing))?;
        let oid = self.oid(subject).ok_or(GitError::Missing { object: *subject })?;
        let parent = library.find_commit(oid).map_err(GitError::library(doing))?;
        let written = library.commit(None, &who, &who, &request.message(), &tree, &[&parent]);
        let written = written.map_err(GitError::library(doing))?;
        Ok(self.id(written).expect("a commit that was written has an id"))
    }

    /// Points `name`, which stands below `refs/jit/`, at `value`; `None` removes it.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn keep(&self, name: &str, value: Option<&ChangesetId>) -> Result<(), GitError> {
        debug_assert!(name.starts_with("refs/jit/"), "{name}");
        let library = self.library();
        match value.and_then(|id| self.oid(id)) {
            Some(oid) => library.reference(name, oid, true, "jit").map(drop).map_err(GitError::library("write a ref")),
            None => match library.find_reference(name) {
                Ok(mut found) => found.delete().map_err(GitError::library("remove a ref")),
                Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
                Err(error) => Err(GitError::library("read a ref")(error)),
            },
        }
    }

    /// Points `name`, which stands below `refs/jit/`, at `value` (`None`: removes it) if it still holds `before`; tells whether it did.
    ///
    /// # Errors
    /// [`GitError`].
    pub(super) fn swap(
        &self,
        name: &str,
        before: Option<&ChangesetId>,
        value: Option<&ChangesetId>,
    ) -> Result<bool, GitError> {
        debug_assert!(name.starts_with("refs/jit/"), "{name}");
        let library = self.library();
        let before = before.and_then(|id| self.oid(id));
        let moved = match (before, value.and_then(|id| self.oid(id))) {
            (before, Some(oid)) => {
                // A plain creation looks before it locks.
                library.reference_matching(name, oid, true, before.unwrap_or(self.absent()), "jit").map(drop)
            }
            (None, None) => Ok(()),
            (Some(before), None) => match library.find_reference(name) {
                // The library deletes only what it has read.
                Ok(mut found) if found.target() == Some(before) => found.delete(),
                Ok(_) => return Ok(false),
                Err(error) => Err(error),
            },
        };
        match moved {
            Ok(()) => Ok(true),
            Err(error) => match error.code() {
                ErrorCode::Modified | ErrorCode::Exists | ErrorCode::Locked | ErrorCode::NotFound => Ok(false),
                _ => Err(GitError::library("write a ref")(error)),
            },
        }
    }

    /// Returns the names of the refs below `folder`, which ends with a slash, without it.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn kept_below(&self, folder: &str) -> Result<Vec<String>, GitError> {
        let doing = "list the refs";
        let mut names = Vec::new();
        for found in self.library().references().map_err(GitError::library(doing))? {
            let found = found.map_err(GitError::library(doing))?;
            let name = str::from_utf8(found.name_bytes()).ok().and_then(|name| name.strip_prefix(folder));
            names.extend(name.map(str::to_owned));
        }
        Ok(names)
    }

    /// Returns what the ref `name` holds; `None` if it does not exist or is symbolic.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn kept(&self, name: &str) -> Result<Option<ChangesetId>, GitError> {
        match self.ref_value(name)? {
            Some(super::repository::RefValue::Object(id)) => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// Returns, by name, the files directly in `folder` (empty: the root) of the tree of the commit that `refname` holds, each of at most
    /// `limit` bytes; none if there is no such ref or folder.
    ///
    /// # Errors
    /// [`GitError`], also for a longer file and for more than 1,000.
    pub fn files_in(&self, refname: &str, folder: &str, limit: usize) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, GitError> {
        let Some(value) = self.kept(refname)? else { return Ok(BTreeMap::new()) };
        let Some(commit) = self.commit_behind(&value)? else { return Ok(BTreeMap::new()) };
        let mut tree = self.tree(&graph::Commits::node(self, &commit)?.tree)?;
        if !folder.is_empty() {
            match tree.find(folder.as_bytes()) {
                Some(entry) if entry.is_folder() => tree = self.tree(&entry.id)?,
                _ => return Ok(BTreeMap::new()),
            }
        }
        if tree.len() > 1_000 {
            return Err(GitError::TooLarge { what: "published files", limit: 1_000 });
        }
        let mut files = BTreeMap::new();
        for (name, entry) in (0..tree.len()).filter_map(|place| tree.get(place)) {
            if entry.mode == 0o100_644 {
                files.insert(name.to_vec(), self.blob(&entry.id, limit)?);
            }
        }
        Ok(files)
    }
}
