//! What a Git clone exchanges with its server: tokens on top of what the server has, and requests.

use super::git::GitClone;
use super::git_errors::{failure, remote_failure};
use crate::adapters::git::{APPROVALS_REF, Listing, Pushed, RequestCommitError};
use crate::cli::client_errors::refused;
use crate::cli::local_clone::KeptRequest;
use crate::cli::{Exit, Failure, IntoFailure as _};
use crate::domain::approval::SignedToken;
use crate::domain::change::{ChangesetId, Target};
use crate::domain::request::{Request, RequestId};
use crate::domain::time::Timestamp;
use std::time::Duration;

/// Where a server keeps requests.
const REQUESTS: &str = "refs/jit/requests/";
/// How often the server's approvals may change under our hands before we give up.
const TRIES: u32 = 20;
/// The longest wait before the first retry; it grows with each.
const WAIT: Duration = Duration::from_millis(100);

impl GitClone {
    /// Adds tokens to those of the server, again if somebody else was faster.
    pub(super) fn add_tokens(&mut self, tokens: &[SignedToken], now: Timestamp) -> Result<(), Failure> {
        let kept = self.remote.kept("approvals");
        for attempt in 1..=TRIES {
            let before = self.tokens().fetched().map_err(|error| failure(&error))?;
            let addition = self.tokens().addition(before, tokens, now).map_err(|error| failure(&error))?;
            let Some(commit) = addition else { return Ok(()) };
            let pushed = self.remote.push(&self.checkout, &commit, APPROVALS_REF);
            match pushed.map_err(|error| remote_failure(&error, Some(&self.remote)))? {
                Pushed::Done => {
                    return self.checkout.repository().keep(&kept, Some(&commit)).map_err(|error| failure(&error));
                }
                Pushed::Rejected { why, said } => {
                    self.refresh()?;
                    let after = self.tokens().fetched().map_err(|error| failure(&error))?;
                    if after == before && !is_race(&why) {
                        return Err(refused("token", &[&why, &said]));
                    }
                    pause(attempt);
                }
            }
        }
        Err(Failure::undecided(format!("{APPROVALS_REF} changed {TRIES} times while the token was being sent")))
    }

    pub(super) fn lists_request(&self, id: &RequestId) -> bool {
        is_listed(&self.listing, id)
    }

    /// Fetches one request, or all, and reads them.
    pub(super) fn fetched_requests(&self, only: Option<&RequestId>) -> Result<Vec<KeptRequest>, Failure> {
        let repository = self.checkout.repository();
        let mut listed = Vec::new();
        for (target, value) in &self.listing {
            let name = target.as_git_ref().and_then(|name| name.strip_prefix(REQUESTS.as_bytes()));
            let id = name.and_then(|name| RequestId::parse(str::from_utf8(name).ok()?).ok());
            if let Some(id) = id.filter(|id| only.is_none_or(|only| only == id)) {
                listed.push((id, target, *value));
            }
        }
        let mut missing = Vec::new();
        for (id, target, value) in &listed {
            if !repository.has(value).map_err(|error| failure(&error))? {
                missing.push((*target, Some(self.remote.kept(&format!("requests/{id}")))));
            }
        }
        self.remote.fetch(&self.checkout, &missing).map_err(|error| remote_failure(&error, Some(&self.remote)))?;
        let read = |(id, _, value): (RequestId, &Target, ChangesetId)| {
            let commit = repository.request(&value).ok()?;
            let request = Request::parse(&commit.message).ok()?;
            let by = String::from_utf8_lossy(&commit.by).into_owned();
            Some(KeptRequest { id, subject: commit.subject, request, by, time: commit.time })
        };
        Ok(listed.into_iter().filter_map(read).collect())
    }

    /// Writes the request's commit and pushes it.
    pub(super) fn push_request(&self, id: &RequestId, subject: &ChangesetId, request: &Request) -> Result<(), Failure> {
        let ident = self.checkout.committer().or_fail()?;
        let written = self.checkout.repository().write_request(subject, request, &ident);
        let commit = written.map_err(|error| match error {
            RequestCommitError::NoIdentity => Failure::from_error(Exit::Usage, &error)
                .hint("`git config user.name` and `git config user.email` set them"),
            RequestCommitError::Git(error) => failure(&error),
        })?;
        let unreached = |error| remote_failure(&error, Some(&self.remote));
        match self.remote.push(&self.checkout, &commit, &format!("{REQUESTS}{id}")).map_err(unreached)? {
            Pushed::Done => Ok(()),
            // Somebody may have sent the same request in this moment: then there is nothing left to do.
            Pushed::Rejected { .. } if is_listed(&self.remote.list(&self.checkout).map_err(unreached)?, id) => Ok(()),
            Pushed::Rejected { why, said } => Err(refused("request", &[&why, &said])),
        }
    }

    /// Deletes the request's ref on the server.
    pub(super) fn delete_request(&self, id: &RequestId) -> Result<(), Failure> {
        let pushed = self.remote.delete(&self.checkout, &format!("{REQUESTS}{id}"));
        match pushed.map_err(|error| remote_failure(&error, Some(&self.remote)))? {
            Pushed::Done => Ok(()),
            Pushed::Rejected { why, said } => Err(refused("cancellation", &[&why, &said])),
        }
    }

    /// Lets go of requests that were fetched and that the server no longer has.
    pub(super) fn drop_gone_requests(&self) -> Result<(), Failure> {
        let repository = self.checkout.repository();
        let folder = self.remote.kept("requests/");
        for name in repository.kept_below(&folder).map_err(|error| failure(&error))? {
            let there = Target::git_ref(format!("{REQUESTS}{name}").as_bytes());
            if there.is_ok_and(|target| !self.listing.contains_key(&target)) {
                repository.keep(&format!("{folder}{name}"), None).map_err(|error| failure(&error))?;
            }
        }
        Ok(())
    }
}

fn is_listed(listing: &Listing, id: &RequestId) -> bool {
    Target::git_ref(format!("{REQUESTS}{id}").as_bytes()).is_ok_and(|name| listing.contains_key(&name))
}

/// Tells whether git's words are about two writers at the same time; its words for a hook's refusal are others.
fn is_race(why: &[u8]) -> bool {
    let words = String::from_utf8_lossy(why);
    ["fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update ref", "incorrect old value"]
        .iter()
        .any(|race| words.contains(race))
}

/// Waits a little, by chance more or less, so that those who collided do not collide again.
fn pause(attempt: u32) {
    let mut byte = [0];
    // Without randomness everybody waits the same: worse, not wrong.
    let share = getrandom::fill(&mut byte).map_or(128, |()| u32::from(byte[0]));
    std::thread::sleep(WAIT * attempt * (share + 1) / 256);
}
