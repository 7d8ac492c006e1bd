//! Approval tokens as a client has them: those that were fetched, and those that wait to be sent.
//!
//! Both are trees of the layout that `refs/jit/approvals` has on the server. Nothing in them is trusted: what is not a token with
//! a valid signature at its own place is passed over, as the server would.

use super::client::Checkout;
use super::{GitError, GitRepository, Remote, graph, tag};
use crate::domain::approval::{
    MAX_TEXT, Place, SignedToken, TokenId, beside, folder_of_changeset, folder_of_delegations, folder_of_token, place,
};
use crate::domain::change::ChangesetId;
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::time::Timestamp;
use crate::ports::approval_store::{Added, ApprovalStore, Found, KnownToken, StoreError};
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Signature, Time};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// Holds the tokens that were signed here and not yet sent.
pub const WAITING_REF: &str = "refs/jit/local/approvals";

/// The one mode of a token's file.
const FILE: u32 = 0o100_644;
/// How often others may be faster before we give up on the clone's own ref.
const TRIES: u32 = 200;
/// Folders, and tokens of one folder, that are read.
const MOST_ENTRIES: usize = 100_000;

/// The tokens of a clone.
#[derive(Debug)]
pub struct ClientApprovals<'r> {
    repository: &'r GitRepository,
    fetched: String,
}

impl<'r> ClientApprovals<'r> {
    /// The tokens that were fetched from `remote`, and all that wait.
    pub fn new(checkout: &'r Checkout, remote: &Remote) -> Self {
        Self { repository: checkout.repository(), fetched: remote.kept("approvals") }
    }

    /// Returns all tokens, by id.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn all(&self) -> Result<Vec<KnownToken>, GitError> {
        let mut known: BTreeMap<TokenId, KnownToken> = BTreeMap::new();
        for (refname, waiting) in [(self.fetched.as_str(), false), (WAITING_REF, true)] {
            for signed in tokens_of(self.repository, refname)? {
                known.entry(signed.id).or_insert(KnownToken { signed, waiting });
            }
        }
        Ok(known.into_values().collect())
    }

    /// Returns the tokens for `repository` that wait to be sent.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn waiting(&self, repository: &str) -> Result<Vec<SignedToken>, GitError> {
        let mut tokens = tokens_of(self.repository, WAITING_REF)?;
        tokens.retain(|signed| signed.token.repository == repository);
        Ok(tokens)
    }

    /// Returns the commit whose tree has the tokens that were fetched; `None` if the server has none.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn fetched(&self) -> Result<Option<ChangesetId>, GitError> {
        self.repository.kept(&self.fetched)
    }

    /// Writes a commit on top of `before` that has `tokens` as well. No ref moves. `None`: it has all of them already.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn addition(
        &self,
        before: Option<ChangesetId>,
        tokens: &[SignedToken],
        now: Timestamp,
    ) -> Result<Option<ChangesetId>, GitError> {
        add_to(self.repository, before, tokens, now)
    }

    /// Takes `sent` off what waits.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn forget_waiting(&self, sent: &[SignedToken], now: Timestamp) -> Result<(), GitError> {
        self.change_waiting(|_| {
            let mut rest = tokens_of(self.repository, WAITING_REF)?;
            rest.retain(|signed| sent.iter().all(|sent| sent.id != signed.id || sent.key != signed.key));
            Ok(Some(if rest.is_empty() { None } else { add_to(self.repository, None, &rest, now)? }))
        })
        .map(drop)
    }

    /// Moves what waits to the commit that `next` gives, again if somebody else moves it meanwhile; `None` leaves it alone.
    fn change_waiting(
        &self,
        next: impl Fn(Option<ChangesetId>) -> Result<Option<Option<ChangesetId>>, GitError>,
    ) -> Result<bool, GitError> {
        for _ in 0..TRIES {
            let before = self.repository.kept(WAITING_REF)?;
            let Some(after) = next(before)? else { return Ok(false) };
            if self.repository.swap(WAITING_REF, before.as_ref(), after.as_ref())? {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let busy = git2::Error::from_str("another process keeps moving the ref");
        Err(GitError::library("write refs/jit/local/approvals")(busy))
    }

    /// Reads one folder in both trees.
    fn in_folder(&self, folder: &str) -> Result<Found, StoreError> {
        let mut tokens: Vec<SignedToken> = Vec::new();
        for refname in [self.fetched.as_str(), WAITING_REF] {
            let files = self.repository.published_tokens(refname, folder).map_err(|error| failed("read", error))?;
            for file in files {
                let path = [folder.as_bytes(), b"/", file.path.as_bytes()].concat();
                if let Some(signed) = read(&path, &file.text)
                    && tokens.iter().all(|known| known.id != signed.id || known.key != signed.key)
                {
                    tokens.push(signed);
                }
            }
        }
        tokens.sort_by_key(|signed| signed.id);
        Ok(Found { tokens, skipped: Vec::new() })
    }
}

impl ApprovalStore for ClientApprovals<'_> {
    fn of_subject(&self, subject: &ChangesetId) -> Result<Found, StoreError> {
        self.in_folder(&folder_of_changeset(subject))
    }

    fn revocations_of(&self, token: &TokenId) -> Result<Found, StoreError> {
        self.in_folder(&folder_of_token(token))
    }

    fn delegations(&self, role: &RoleName, to: &PrincipalId) -> Result<Found, StoreError> {
        self.in_folder(&folder_of_delegations(role, to))
    }

    /// Puts the token among those that wait.
    fn add(&self, signed: &SignedToken, now: Timestamp) -> Result<Added, StoreError> {
        let tokens = std::slice::from_ref(signed);
        let added = self.change_waiting(|before| Ok(add_to(self.repository, before, tokens, now)?.map(Some)));
        added.map(|added| if added { Added::New } else { Added::Known }).map_err(|error| failed("write", error))
    }
}

fn failed(action: &'static str, error: GitError) -> StoreError {
    StoreError::Io { action, path: "refs/jit".into(), cause: io::Error::other(error) }
}

/// A token at its own place, or nothing.
fn read(path: &[u8], text: &[u8]) -> Option<SignedToken> {
    let place = Place::parse(path)?;
    let signed = SignedToken::parse(str::from_utf8(text).ok()?).ok()?;
    place.suits(&signed).then_some(signed)
}

/// Every token in the tree of the commit that `refname` holds.
fn tokens_of(repository: &GitRepository, refname: &str) -> Result<Vec<SignedToken>, GitError> {
    let Some(value) = repository.kept(refname)? else { return Ok(Vec::new()) };
    let Some(commit) = tag::peel(repository, &value)?.commit() else { return Ok(Vec::new()) };
    let mut open = vec![(Vec::new(), graph::Commits::node(repository, &commit)?.tree)];
    let mut tokens = Vec::new();
    let mut seen = 0;
    while let Some((path, id)) = open.pop() {
        let tree = repository.tree(&id)?;
        for (name, entry) in (0..tree.len()).filter_map(|at| tree.get(at)) {
            seen += 1;
            if seen > MOST_ENTRIES {
                return Err(GitError::TooLarge { what: "entries among the approvals", limit: MOST_ENTRIES as u64 });
            }
            let path: Vec<u8> = if path.is_empty() { name.to_vec() } else { [&path[..], b"/", name].concat() };
            // Two folders and a name: what lies deeper is none of ours.
            if entry.is_folder() && path.iter().filter(|byte| **byte == b'/').count() < 2 {
                open.push((path, entry.id));
            } else if entry.mode == FILE
                && Place::parse(&path).is_some()
                && repository.length_of(&entry.id)? <= MAX_TEXT
            {
                tokens.extend(read(&path, &repository.blob(&entry.id, MAX_TEXT)?));
            }
        }
    }
    Ok(tokens)
}

/// Writes a commit on `before` that has `tokens` as well; `None` if it has them already.
fn add_to(
    repository: &GitRepository,
    before: Option<ChangesetId>,
    tokens: &[SignedToken],
    now: Timestamp,
) -> Result<Option<ChangesetId>, GitError> {
    let doing = "write approvals";
    let library = repository.library();
    let parent = before.and_then(|id| repository.oid(&id)).map(|oid| library.find_commit(oid));
    let parent = parent.transpose().map_err(GitError::library(doing))?;
    let mut tree = match &parent {
        Some(commit) => commit.tree(),
        None => library.treebuilder(None).and_then(|empty| empty.write()).and_then(|oid| library.find_tree(oid)),
    }
    .map_err(GitError::library(doing))?;
    let start = tree.id();
    for signed in tokens {
        let blob = library.blob(signed.text.as_bytes()).map_err(GitError::library(doing))?;
        let at = |path: &str| tree.get_path(path.as_ref()).ok().map(|entry| entry.id());
        let path = match at(&place(signed)) {
            Some(there) if there != blob => beside(signed),
            _ => place(signed),
        };
        if at(&path) == Some(blob) {
            continue;
        }
        let mut update = TreeUpdateBuilder::new();
        update.upsert(path.as_str(), blob, FileMode::Blob);
        let written: Result<Oid, git2::Error> = update.create_updated(library, &tree);
        tree = written.and_then(|oid| library.find_tree(oid)).map_err(GitError::library(doing))?;
    }
    if tree.id() == start {
        return Ok(None);
    }
    let who = Signature::new("jit", "jit@localhost", &Time::new(now.unix(), 0)).map_err(GitError::library(doing))?;
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    let commit = library.commit(None, &who, &who, "approvals\n", &tree, &parents).map_err(GitError::library(doing))?;
    Ok(repository.id(commit))
}
