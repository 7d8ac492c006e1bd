//! A Git clone and its server, for commands.

use super::git_errors::{checkout_failure, failure, remote_failure};
use crate::adapters::disk::published::Published;
use crate::adapters::git::{
    APPROVALS_REF, CHECKPOINT_REF, Checkout, ClientApprovals, GitHistory, Listing, POLICY_REF, Remote,
};
use crate::cli::client_errors::{another_repository, not_jit};
use crate::cli::effect;
use crate::cli::local_clone::{Effect, KeptRequest, LocalClone, Move, ServerFiles, System};
use crate::cli::{Exit, Failure, safe};
use crate::domain::approval::SignedToken;
use crate::domain::change::{Changeset, ChangesetId, RefUpdate, Target};
use crate::domain::policy::{PolicyFile, limits};
use crate::domain::request::{Request, RequestId};
use crate::domain::time::Timestamp;
use crate::enforcement::GateHistory;
use crate::ports::approval_store::{ApprovalStore, KnownToken};
use crate::ports::history::History;

/// Bytes of a checkpoint that are read.
const LONGEST_NOTE: usize = 65_536;

/// A Git clone, one of its remotes, and the refs of that.
#[derive(Debug)]
pub struct GitClone {
    pub(super) checkout: Checkout,
    pub(super) remote: Remote,
    pub(super) listing: Listing,
}

impl GitClone {
    /// Finds the repository of the current folder and its remote, and fetches what the server publishes.
    ///
    /// # Errors
    /// [`Failure`]: no repository, no remote, a server without jit, or another one than before.
    pub fn open(remote: Option<&str>) -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::from_error(Exit::Undecided, &error))?;
        let checkout = Checkout::at(&here).map_err(|error| checkout_failure(&error))?;
        let remote = Remote::choose(&checkout, remote).map_err(|error| remote_failure(&error, None))?;
        let listing = fetch_own(&checkout, &remote)?;
        Ok(Self { checkout, remote, listing })
    }

    /// Fetches again what changes while others work: refs and approvals.
    pub(super) fn refresh(&mut self) -> Result<(), Failure> {
        self.listing = fetch_own(&self.checkout, &self.remote)?;
        Ok(())
    }

    pub(super) fn tokens(&self) -> ClientApprovals<'_> {
        ClientApprovals::new(&self.checkout, &self.remote)
    }

    /// Returns the commit for which the value of a ref stands.
    fn commit_behind(&self, value: Option<&ChangesetId>) -> Result<Option<ChangesetId>, Failure> {
        let found = value.map(|value| self.checkout.repository().commit_behind(value)).transpose();
        Ok(found.map_err(|error| failure(&error))?.flatten())
    }
}

impl LocalClone for GitClone {
    fn system(&self) -> System {
        System::Git
    }

    fn remote(&self) -> &str {
        self.remote.name()
    }

    fn key_setting(&self) -> Option<&str> {
        self.checkout.setting("jit.key")
    }

    fn server_files(&self) -> Result<ServerFiles, Failure> {
        let repository = self.checkout.repository();
        let files = repository.files_in(&self.remote.kept("policy"), Published::POLICIES, limits::FILE_BYTES);
        let mut policies = Vec::new();
        for (name, text) in files.map_err(|error| failure(&error))? {
            let name = String::from_utf8(name).map_err(|error| {
                Failure::undecided(format!("a policy file's name is not UTF-8: {}", safe(error.as_bytes())))
            })?;
            if name.ends_with(".toml") {
                policies.push(PolicyFile { name, text });
            }
        }
        let checkpoint = repository.blob_at(&self.remote.kept("checkpoint"), LONGEST_NOTE);
        let checkpoint = checkpoint.map_err(|error| failure(&error))?;
        Ok(ServerFiles { published: read_published(&self.checkout, &self.remote)?, policies, checkpoint })
    }

    fn resolve(&self, revision: &str) -> Result<Option<ChangesetId>, Failure> {
        self.checkout.resolve(revision).map_err(|error| checkout_failure(&error))
    }

    fn has(&self, changeset: &ChangesetId) -> Result<bool, Failure> {
        self.checkout.repository().has(changeset).map_err(|error| failure(&error))
    }

    fn full_id(&self, digits: &str) -> Option<ChangesetId> {
        ChangesetId::from_hex(self.checkout.repository().id_kind(), digits).ok()
    }

    fn value(&self, target: &Target) -> Result<Vec<ChangesetId>, Failure> {
        let Some(tip) = self.listing.get(target) else { return Ok(Vec::new()) };
        if !self.checkout.repository().has(tip).map_err(|error| failure(&error))? {
            self.remote
                .fetch(&self.checkout, &[(target, None)])
                .map_err(|error| remote_failure(&error, Some(&self.remote)))?;
        }
        Ok(vec![*tip])
    }

    fn targets(&self) -> Result<Vec<Target>, Failure> {
        Ok(self.listing.keys().cloned().collect())
    }

    fn usual_target(&self, _subject: &ChangesetId) -> Result<Option<Target>, Failure> {
        self.checkout.push_target(&self.remote).map_err(|error| checkout_failure(&error))
    }

    fn reaches(&self, values: &[ChangesetId], changeset: &ChangesetId) -> Result<bool, Failure> {
        match self.commit_behind(values.first())? {
            Some(tip) => self.checkout.repository().descends(&tip, changeset).map_err(|error| failure(&error)),
            None => Ok(false),
        }
    }

    fn brought(&self, tip: &ChangesetId, without: &[ChangesetId]) -> Result<Vec<Changeset>, Failure> {
        self.checkout.repository().commits_without(tip, without).map_err(|error| failure(&error))
    }

    fn supposing(&self, moves: &[Move]) -> Result<Box<dyn History + '_>, Failure> {
        let repository = self.checkout.reopened().map_err(|error| checkout_failure(&error))?;
        let among = |claims| GitHistory::supposing(repository, claims).among(self.listing.clone());
        if let [only] = moves
            && let Some(gate) = only.gate()
        {
            let history = among(Vec::new()).map_err(|error| failure(&error))?;
            return Ok(Box::new(GateHistory::new(history, gate, only.old.clone())));
        }
        Ok(Box::new(among(moves.iter().map(Move::claim).collect()).map_err(|error| failure(&error))?))
    }

    fn effect(&self, update: &RefUpdate) -> Result<Effect, Failure> {
        effect::of_git(self.checkout.repository(), &self.listing, update).map_err(|error| failure(&error))
    }

    fn pager(&self) -> String {
        self.checkout.pager()
    }

    fn diff(&self, from: Option<&ChangesetId>, to: &ChangesetId) -> Result<Vec<u8>, Failure> {
        self.checkout.diff(from, to).map_err(|error| checkout_failure(&error))
    }

    fn approvals(&self) -> Box<dyn ApprovalStore + '_> {
        Box::new(self.tokens())
    }

    fn known_tokens(&self) -> Result<Vec<KnownToken>, Failure> {
        self.tokens().all().map_err(|error| failure(&error))
    }

    fn waiting_tokens(&self, repository: &str) -> Result<Vec<SignedToken>, Failure> {
        self.tokens().waiting(repository).map_err(|error| failure(&error))
    }

    fn send_tokens(&mut self, tokens: &[SignedToken], now: Timestamp) -> Result<(), Failure> {
        self.add_tokens(tokens, now)?;
        self.tokens().forget_waiting(tokens, now).map_err(|error| failure(&error))
    }

    fn has_request(&self, id: &RequestId) -> Result<bool, Failure> {
        Ok(self.lists_request(id))
    }

    fn requests(&self, only: Option<&RequestId>) -> Result<Vec<KeptRequest>, Failure> {
        self.fetched_requests(only)
    }

    fn fetch_requested(&self, changeset: &ChangesetId, likely: Option<&RequestId>) -> Result<bool, Failure> {
        if self.fetched_requests(likely)?.iter().any(|found| found.subject == *changeset) {
            return Ok(true);
        }
        // One of the commits below a request's: somebody may be asked for that one alone.
        for found in self.fetched_requests(None)? {
            if self.reaches(&[found.subject], changeset)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn send_request(&self, id: &RequestId, subject: &ChangesetId, request: &Request) -> Result<(), Failure> {
        self.push_request(id, subject, request)
    }

    fn cancel_request(&self, id: &RequestId) -> Result<(), Failure> {
        self.delete_request(id)
    }

    fn forget_gone_requests(&self) -> Result<(), Failure> {
        self.drop_gone_requests()
    }
}

/// Lists the server's refs and brings those of jit up to date here. A server that says that it is another than before is not
/// believed: what it published before stays.
fn fetch_own(checkout: &Checkout, remote: &Remote) -> Result<Listing, Failure> {
    let unreached = |error| remote_failure(&error, Some(remote));
    let listing = remote.list(checkout).map_err(unreached)?;
    let repository = checkout.repository();
    let own: Vec<(Target, String)> = [POLICY_REF, APPROVALS_REF, CHECKPOINT_REF]
        .into_iter()
        .filter_map(|name| Some((Target::git_ref(name.as_bytes()).ok()?, remote.kept(name.strip_prefix("refs/jit/")?))))
        .collect();
    if !own.first().is_some_and(|(policy, _)| listing.contains_key(policy)) {
        return Err(not_jit(System::Git, remote.name()));
    }
    let kept_policy = remote.kept("policy");
    let before = repository.kept(&kept_policy).map_err(|error| failure(&error))?;
    let known = before.and_then(|_| read_published(checkout, remote).ok());
    let mut stale: Vec<(&Target, Option<String>)> = Vec::new();
    for (target, kept) in &own {
        let here = repository.kept(kept).map_err(|error| failure(&error))?;
        match listing.get(target) {
            None => repository.keep(kept, None).map_err(|error| failure(&error))?,
            Some(there) if here.as_ref() == Some(there) => {}
            Some(_) => stale.push((target, Some(kept.clone()))),
        }
    }
    remote.fetch(checkout, &stale).map_err(unreached)?;
    // What cannot be read is said by whoever reads it next.
    if let (Some(known), Ok(shown)) = (known, read_published(checkout, remote))
        && !shown.is_same(&known)
    {
        repository.keep(&kept_policy, before.as_ref()).map_err(|error| failure(&error))?;
        let forget = format!("git update-ref -d '{kept_policy}'");
        return Err(another_repository(remote.name(), &known, &shown, &forget));
    }
    Ok(listing)
}

fn read_published(checkout: &Checkout, remote: &Remote) -> Result<Published, Failure> {
    let refname = remote.kept("policy");
    let files = checkout.repository().files_in(&refname, "", limits::FILE_BYTES).map_err(|error| failure(&error))?;
    let Some(text) = files.get(Published::FILE.as_bytes()) else {
        return Err(Failure::undecided(format!("the server's {POLICY_REF} has no {}", Published::FILE)));
    };
    super::parse_published(text)
}
