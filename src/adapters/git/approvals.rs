//! Tokens and requests that stand in `refs/jit/`, as clients push and fetch them. All of it is hostile until a signature says otherwise.
//!
//! A pusher may only add to `refs/jit/approvals`, and a request is one commit on top of its subject. Whatever else is pushed there is
//! refused, whatever the policy says (docs/spec/published.md).

use super::graph::Commits;
use super::repository::{GitRepository, RefValue};
use super::tag::{self, Peeled};
use super::{GitError, commit};
use crate::domain::change::{ChangesetId, RepoPath};
use crate::domain::time::Timestamp;
use git2::ObjectType;

/// Tokens that one push may add, and that are read for one subject.
pub(super) const MOST_TOKENS: usize = 10_000;
/// Bytes of one token.
pub(super) const LONGEST_TOKEN: usize = 64 * 1024;
/// Bytes of a request's message.
const LONGEST_REQUEST: usize = 64 * 1024;
/// The one mode of a token's file.
pub(super) const FILE: u32 = 0o100_644;

/// A file that a push adds, or that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFile {
    /// Its path in the tree, or its name where one folder was asked for.
    pub path: RepoPath,
    /// What it holds.
    pub text: Vec<u8>,
}

/// A commit that asks for approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCommit {
    /// The commit that is to be approved: its only parent.
    pub subject: ChangesetId,
    /// Its message, as stored.
    pub message: Vec<u8>,
    /// Who made it, by its own words: `Name <mail>`.
    pub by: Vec<u8>,
    /// When, by its own words; 1970 where they say nothing.
    pub time: Timestamp,
}

/// Why a push to `refs/jit/approvals` or `refs/jit/requests/…` is refused. A reason to deny, unless it is [`OwnRefRefusal::Git`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnRefRefusal {
    /// The new value is no commit.
    #[error("{} is not a commit", .0.hex())]
    NotACommit(ChangesetId),
    /// The new value does not descend from the old one: what others added would vanish from the history.
    #[error("{} does not descend from {}", new.hex(), old.hex())]
    NotForward {
        /// The value before.
        old: ChangesetId,
        /// The value asked for.
        new: ChangesetId,
    },
    /// A file that was there is gone.
    #[error("{path} is removed")]
    Removed {
        /// Its path.
        path: RepoPath,
    },
    /// A file that was there is another one.
    #[error("{path} is changed")]
    Changed {
        /// Its path.
        path: RepoPath,
    },
    /// What is added is not a plain file: a link, a submodule, something that can be run.
    #[error("{path} is not a plain file")]
    NotAFile {
        /// Its path.
        path: RepoPath,
    },
    /// A file is longer than any token.
    #[error("{path} has more than {limit} bytes")]
    TooLong {
        /// Its path.
        path: RepoPath,
        /// The most that is read.
        limit: usize,
    },
    /// More files than one push may add.
    #[error("more than {limit} files are added")]
    TooMany {
        /// The most that are read.
        limit: usize,
    },
    /// A folder without a token below it.
    #[error("a folder is added that holds nothing")]
    EmptyFolder,
    /// A commit that adds no file would only be in the way of those that do.
    #[error("{} adds nothing", commit.hex())]
    AddsNothing {
        /// The commit.
        commit: ChangesetId,
    },
    /// A commit with several parents: it would bring their histories along.
    #[error("{} is a merge", commit.hex())]
    Merge {
        /// The commit.
        commit: ChangesetId,
    },
    /// More commits than one push may add.
    #[error("more than {limit} commits are added")]
    TooManyCommits {
        /// The most that are read.
        limit: usize,
    },
    /// A commit is longer than a commit of tokens has reason to be.
    #[error("the commit {} has more than {limit} bytes", commit.hex())]
    LongCommit {
        /// The commit.
        commit: ChangesetId,
        /// The most that is read.
        limit: usize,
    },
    /// A request has no parent or several.
    #[error("{} has {parents} parents, a request has one", request.hex())]
    NotOneParent {
        /// The request.
        request: ChangesetId,
        /// How many it has.
        parents: usize,
    },
    /// A request's message is longer than any request.
    #[error("the message of {} has more than {limit} bytes", request.hex())]
    LongMessage {
        /// The request.
        request: ChangesetId,
        /// The most that is read.
        limit: usize,
    },
    /// The repository could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl GitRepository {
    /// Returns the tokens in the folder `folder` (`ab/cdef…`) of the tree that `refname` holds, by name; none if there is no such ref
    /// or folder. Costs the same however many other folders there are.
    ///
    /// What is no plain file or longer than a token is left out: it cannot be one.
    ///
    /// # Errors
    /// [`GitError`], also for more than 10,000 entries.
    pub fn published_tokens(&self, refname: &str, folder: &str) -> Result<Vec<TokenFile>, GitError> {
        let Some(RefValue::Object(value)) = self.ref_value(refname)? else { return Ok(Vec::new()) };
        let Peeled::Commit(commit) = tag::peel(self, &value)? else { return Ok(Vec::new()) };
        let mut tree = self.tree(&self.node(&commit)?.tree)?;
        for name in folder.split('/') {
            match tree.find(name.as_bytes()) {
                Some(entry) if entry.is_folder() => tree = self.tree(&entry.id)?,
                _ => return Ok(Vec::new()),
            }
        }
        if tree.len() > MOST_TOKENS {
            return Err(GitError::TooLarge { what: "tokens of one commit", limit: MOST_TOKENS as u64 });
        }
        let mut files = Vec::new();
        for (name, entry) in (0..tree.len()).filter_map(|place| tree.get(place)) {
            if entry.mode != FILE || self.kind_of(&entry.id)? != Some(ObjectType::Blob) {
                continue;
            }
            match self.blob(&entry.id, LONGEST_TOKEN) {
                Ok(text) => files.push(TokenFile { path: RepoPath::new(name), text }),
                Err(GitError::TooLarge { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    /// Reads the commit of a request.
    ///
    /// # Errors
    /// [`OwnRefRefusal`] if it is not one commit on top of its subject.
    pub fn request(&self, new: &ChangesetId) -> Result<RequestCommit, OwnRefRefusal> {
        self.commit_tree_of(new)?;
        let node = self.node(new)?;
        let [subject] = node.parents[..] else {
            return Err(OwnRefRefusal::NotOneParent { request: *new, parents: node.parents.len() });
        };
        let read = self.with_object(new, ObjectType::Commit, |bytes| {
            let message = commit::message(bytes);
            let (by, time) = commit::committer(bytes);
            let time = Timestamp::from_unix(time).unwrap_or(Timestamp::EPOCH);
            (message.len() <= LONGEST_REQUEST).then(|| RequestCommit { subject, message: message.to_vec(), by, time })
        })?;
        read.ok_or(OwnRefRefusal::LongMessage { request: *new, limit: LONGEST_REQUEST })
    }

    /// The tree of a value that must be a commit itself, not a tag of one.
    pub(super) fn commit_tree_of(&self, value: &ChangesetId) -> Result<ChangesetId, OwnRefRefusal> {
        match self.kind_of(value)? {
            Some(ObjectType::Commit) => Ok(self.node(value)?.tree),
            _ => Err(OwnRefRefusal::NotACommit(*value)),
        }
    }
}
