//! What a command needs of a clone and of the server that it belongs to, in either system.

use super::{Exit, Failure};
use crate::adapters::disk::published::Published;
use crate::adapters::git::Claim;
use crate::domain::approval::SignedToken;
use crate::domain::change::{Action, ChangeSize, Changeset, ChangesetId, Gate, RefUpdate, Target};
use crate::domain::name::EnvironmentName;
use crate::domain::policy::PolicyFile;
use crate::domain::request::{Request, RequestId};
use crate::domain::time::Timestamp;
use crate::ports::approval_store::{ApprovalStore, KnownToken};
use crate::ports::history::History;
use std::path::Path;

/// Git or Mercurial, and what is typed in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Git.
    Git,
    /// Mercurial.
    Mercurial,
}

impl System {
    /// Tells which system's repository encloses the current folder; Git where there is none.
    ///
    /// # Errors
    /// [`Failure`] if there is no current folder.
    pub fn here() -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::from_error(Exit::Undecided, &error))?;
        let named = std::env::var_os("GIT_DIR").is_some();
        let repository = here.ancestors().find(|folder| folder.join(".git").exists() || is_mercurial(folder));
        Ok(match repository {
            Some(folder) if !named && !folder.join(".git").exists() => Self::Mercurial,
            _ => Self::Git,
        })
    }

    /// Returns the revision that a command is about if none is named.
    pub fn current_revision(self) -> &'static str {
        match self {
            Self::Git => "HEAD",
            Self::Mercurial => ".",
        }
    }

    /// Returns how `[jit] <name>` is given `value` for good, for advice.
    pub fn setting(self, name: &str, value: &str) -> String {
        match self {
            Self::Git => format!("`git config jit.{name} {value}`"),
            Self::Mercurial => format!("`{name} = {value}` below `[jit]` in .hg/hgrc"),
        }
    }

    /// Returns the command that brings what others have pushed.
    pub fn fetch_command(self) -> &'static str {
        match self {
            Self::Git => "git fetch",
            Self::Mercurial => "hg pull",
        }
    }

    /// Returns the push that passes the clone's own hook by.
    pub fn unchecked_push(self) -> &'static str {
        match self {
            Self::Git => "git push --no-verify",
            Self::Mercurial => "hg push --config hooks.pre-push.jit=",
        }
    }
}

fn is_mercurial(folder: &Path) -> bool {
    folder.join(".hg").is_dir()
}

/// What the server would be asked for, if somebody pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// What would move.
    pub target: Target,
    /// What it holds before: nothing if it does not exist; a Mercurial branch has all its open heads.
    pub old: Vec<ChangesetId>,
    /// What would happen to it.
    pub step: Step,
}

impl Move {
    /// Says the move as a client of Git claims it.
    pub fn claim(&self) -> Claim {
        let refname = self.target.as_git_ref().unwrap_or_default().to_vec();
        Claim { old: self.old.first().copied(), new: self.step.new_value(), refname }
    }

    /// Returns the gate that would open, if this is one.
    pub fn gate(&self) -> Option<Gate> {
        match (&self.target, &self.step) {
            (Target::Environment(environment), Step::Open(name, subject)) => {
                Some(Gate { environment: environment.clone(), name: name.clone(), subject: *subject })
            }
            _ => None,
        }
    }
}

/// What a supposed push does to its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It would hold this changeset; a Mercurial branch would gain it as a head.
    To(ChangesetId),
    /// It would be deleted.
    Delete,
    /// Mercurial: drafts of the branch, up to this changeset, would become public.
    Publish(ChangesetId),
    /// The gate of this name would open for this changeset.
    Open(EnvironmentName, ChangesetId),
}

impl Step {
    /// Returns what an action does with a changeset; without an action, the target moves there.
    pub fn of(action: Option<&Action>, changeset: ChangesetId) -> Self {
        match action {
            Some(Action::Delete) => Self::Delete,
            Some(Action::Publish) => Self::Publish(changeset),
            Some(Action::Gate(name)) => Self::Open(name.clone(), changeset),
            _ => Self::To(changeset),
        }
    }

    /// Returns what the target would hold afterwards.
    pub fn new_value(&self) -> Option<ChangesetId> {
        match self {
            Self::To(changeset) | Self::Publish(changeset) | Self::Open(_, changeset) => Some(*changeset),
            Self::Delete => None,
        }
    }
}

/// What a move does beside bringing changesets.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// The changesets that the target would lose.
    pub lost: Vec<Changeset>,
    /// How its files would change.
    pub size: ChangeSize,
    /// What they are compared with; `None`: with nothing.
    pub from: Option<ChangesetId>,
    /// Whose they are; `None`: no files change.
    pub to: Option<ChangesetId>,
}

/// What the server says of itself.
#[derive(Debug, Clone)]
pub struct ServerFiles {
    /// Who it is.
    pub published: Published,
    /// The policy in force, file by file.
    pub policies: Vec<PolicyFile>,
    /// The newest checkpoint of its log, as a note; `None` where none is shown.
    pub checkpoint: Option<Vec<u8>>,
}

/// A request as the server keeps it.
#[derive(Debug, Clone)]
pub struct KeptRequest {
    /// The name under which it stands there.
    pub id: RequestId,
    /// What it is about.
    pub subject: ChangesetId,
    /// What it asks for.
    pub request: Request,
    /// Who asks, by its own words.
    pub by: String,
    /// When they asked, by its own words.
    pub time: Timestamp,
}

/// A clone, and its view of the one server that it was opened for.
///
/// Opening it brings what the server publishes up to date. Every method fails with a [`Failure`] that says what could not be
/// reached, read or written, with the advice for the system at hand.
pub trait LocalClone {
    /// Returns which system it is.
    fn system(&self) -> System;

    /// Returns the name or URL by which the server is known here; not escaped.
    fn remote(&self) -> &str;

    /// Returns the user's setting `jit.key`: a file.
    fn key_setting(&self) -> Option<&str>;

    /// Returns what the server says of itself.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be read.
    fn server_files(&self) -> Result<ServerFiles, Failure>;

    /// Returns the changeset that `revision` names here, in any way that the system knows; `None` if it names none.
    ///
    /// # Errors
    /// [`Failure`].
    fn resolve(&self, revision: &str) -> Result<Option<ChangesetId>, Failure>;

    /// Tells whether `changeset` is here; of Mercurial, or on the server.
    ///
    /// # Errors
    /// [`Failure`].
    fn has(&self, changeset: &ChangesetId) -> Result<bool, Failure>;

    /// Reads all digits of an id of this repository's kind; `None` for anything else. The changeset need not be here.
    fn full_id(&self, digits: &str) -> Option<ChangesetId>;

    /// Returns what `target` holds on the server; nothing if it does not exist. It is here afterwards.
    ///
    /// # Errors
    /// [`Failure`].
    fn value(&self, target: &Target) -> Result<Vec<ChangesetId>, Failure>;

    /// Returns every target that exists on the server.
    ///
    /// # Errors
    /// [`Failure`].
    fn targets(&self) -> Result<Vec<Target>, Failure>;

    /// Returns the target that a push of `subject` would move if nothing else is said.
    ///
    /// # Errors
    /// [`Failure`].
    fn usual_target(&self, subject: &ChangesetId) -> Result<Option<Target>, Failure>;

    /// Tells whether one of `values` is `changeset`, descends from it, or is a tag of such a one.
    ///
    /// # Errors
    /// [`Failure`].
    fn reaches(&self, values: &[ChangesetId], changeset: &ChangesetId) -> Result<bool, Failure>;

    /// Returns the changesets that `tip` reaches and none of `without` does, children before parents, without their paths.
    ///
    /// # Errors
    /// [`Failure`], also where `tip` is not here.
    fn brought(&self, tip: &ChangesetId, without: &[ChangesetId]) -> Result<Vec<Changeset>, Failure>;

    /// Returns the history of a push that makes `moves` on the server as it stands.
    ///
    /// # Errors
    /// [`Failure`], also for several moves in Mercurial, where pushes move what they move.
    fn supposing(&self, moves: &[Move]) -> Result<Box<dyn History + '_>, Failure>;

    /// Finds out what `update`, which was supposed, would do; its changesets are loaded.
    ///
    /// # Errors
    /// [`Failure`].
    fn effect(&self, update: &RefUpdate) -> Result<Effect, Failure>;

    /// Returns the user's pager, as the system chooses it.
    fn pager(&self) -> String;

    /// Returns the difference between two changesets as a patch; from nothing, where there is no `from`.
    ///
    /// # Errors
    /// [`Failure`].
    fn diff(&self, from: Option<&ChangesetId>, to: &ChangesetId) -> Result<Vec<u8>, Failure>;

    /// Returns the tokens that are known here: those that the server has published, and those that wait to be sent. What is added
    /// waits.
    fn approvals(&self) -> Box<dyn ApprovalStore + '_>;

    /// Returns all tokens that are known here, by id.
    ///
    /// # Errors
    /// [`Failure`].
    fn known_tokens(&self) -> Result<Vec<KnownToken>, Failure>;

    /// Returns the tokens for `repository` that wait to be sent.
    ///
    /// # Errors
    /// [`Failure`].
    fn waiting_tokens(&self, repository: &str) -> Result<Vec<SignedToken>, Failure>;

    /// Sends tokens, again if somebody else was faster, and takes them off those that wait.
    ///
    /// # Errors
    /// [`Failure`]: none was sent, all wait on.
    fn send_tokens(&mut self, tokens: &[SignedToken], now: Timestamp) -> Result<(), Failure>;

    /// Tells whether the server has the request `id`.
    ///
    /// # Errors
    /// [`Failure`].
    fn has_request(&self, id: &RequestId) -> Result<bool, Failure>;

    /// Returns the request `only`, whose subject is here afterwards, or all, whose subjects can be looked at afterwards. What is not
    /// well-formed is passed over: the place is open to every pusher. Whether id and content fit is for the caller to see.
    ///
    /// # Errors
    /// [`Failure`].
    fn requests(&self, only: Option<&RequestId>) -> Result<Vec<KeptRequest>, Failure>;

    /// Fetches `changeset` from the requests, looking at `likely` first, and tells whether one of them brings it.
    ///
    /// # Errors
    /// [`Failure`].
    fn fetch_requested(&self, changeset: &ChangesetId, likely: Option<&RequestId>) -> Result<bool, Failure>;

    /// Sends `subject` with the request `id`. That somebody else has sent the same meanwhile is a success.
    ///
    /// # Errors
    /// [`Failure`].
    fn send_request(&self, id: &RequestId, subject: &ChangesetId, request: &Request) -> Result<(), Failure>;

    /// Takes the request `id` away from the server, which lets nobody but its requester.
    ///
    /// # Errors
    /// [`Failure`].
    fn cancel_request(&self, id: &RequestId) -> Result<(), Failure>;

    /// Lets go of requests that were fetched and that the server no longer has.
    ///
    /// # Errors
    /// [`Failure`].
    fn forget_gone_requests(&self) -> Result<(), Failure>;
}
