//! Where a push can be supposed: in a clone, by what its server publishes, or in a central repository itself, by what decides there.

mod asked;
mod looked;

pub use asked::{CLAIMED, Known};

use super::chosen_policy::is_central;
use super::client::{Client, hg_failure, hg_supposed};
use super::local_clone::{Move, System};
use super::repository::{self, Found, Repository};
use super::{Context, Exit, Failure, IntoFailure, ServerParts};
use crate::adapters::git::{Checkout, Claim, GitHistory, GitRepository};
use crate::adapters::mercurial::{Hg, Talk};
use crate::domain::change::{ChangesetId, Target};
use crate::domain::policy::Policy;
use crate::domain::request::Request;
use crate::enforcement::assess::Assessment;
use crate::ports::history::History;
use crate::ports::policy_source::PolicySource as _;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A place where pushes can be supposed.
pub enum Place {
    /// A clone, and its view of the server.
    Clone(Box<Client>),
    /// A central repository, and the policy in force there.
    Central(Box<Central>, Box<Policy>),
}

/// A central repository.
pub struct Central {
    parts: ServerParts,
    store: Store,
}

enum Store {
    Git(PathBuf),
    Mercurial(Box<RefCell<Talk>>),
}

impl Place {
    /// Opens the central repository at `path`, or what the current folder is in.
    ///
    /// # Errors
    /// A [`Failure`] if there is neither, or it cannot be judged.
    pub fn open(path: Option<&Path>, remote: Option<&str>, cx: &Context) -> Result<Self, Failure> {
        let found = repository::find(path);
        match found {
            Ok(found) if is_central(&found) && remote.is_none() => {
                let central = Central::of(&found)?;
                let policy = central.parts.policy().load().or_fail()?;
                Ok(Self::Central(Box::new(central), Box::new(policy)))
            }
            Err(failure) if path.is_some() => Err(failure),
            _ if path.is_some() => Err(Failure::usage("jit is not installed there, so nothing is judged there")),
            _ => Client::open(remote, cx).map(Box::new).map(Self::Clone),
        }
    }

    /// Returns which system it is.
    pub fn system(&self) -> System {
        match self {
            Self::Clone(client) => client.local.system(),
            Self::Central(central, _) => match central.store {
                Store::Git(_) => System::Git,
                Store::Mercurial(_) => System::Mercurial,
            },
        }
    }

    /// Returns the policy that judges.
    pub fn policy(&self) -> &Policy {
        match self {
            Self::Clone(client) => &client.policy,
            Self::Central(_, policy) => policy,
        }
    }

    /// Returns the changeset that `revision` names.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn resolve(&self, revision: &str) -> Result<Option<ChangesetId>, Failure> {
        match self {
            Self::Clone(client) => client.local.resolve(revision),
            Self::Central(central, _) => match &central.store {
                Store::Git(folder) => Checkout::at(folder).or_fail()?.resolve(revision).or_fail(),
                Store::Mercurial(talk) => talk.borrow_mut().resolve(revision).map_err(|error| hg_failure(&error)),
            },
        }
    }

    /// Returns what `target` holds on the server.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn value(&self, target: &Target) -> Result<Vec<ChangesetId>, Failure> {
        match self {
            Self::Clone(client) => client.local.value(target),
            Self::Central(central, _) => central.value(target),
        }
    }

    /// Judges a move by `login`; without one, nobody is taken for the pusher.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn assess(&self, supposed: Move, login: Option<&str>) -> Result<Assessment, Failure> {
        match self {
            Self::Clone(client) => client.assess(&[supposed], login, &[]),
            Self::Central(central, policy) => central.assess(policy, &supposed, login),
        }
    }
}

impl Central {
    /// Opens the central repository that was found.
    ///
    /// # Errors
    /// A [`Failure`] if jit is not installed there, or it cannot be read.
    pub fn of(found: &Found) -> Result<Self, Failure> {
        let parts = repository::server_of(found)?;
        let store = match &found.repository {
            Repository::Git(_) => Store::Git(found.common_dir.clone()),
            Repository::Mercurial(hg) => Store::Mercurial(Box::new(RefCell::new(talk(hg)?))),
        };
        Ok(Self { parts, store })
    }

    /// Returns what `target` holds, sorted.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn value(&self, target: &Target) -> Result<Vec<ChangesetId>, Failure> {
        let mut value = match &self.store {
            Store::Git(folder) => git_history(folder, Vec::new())?.value(target).or_fail()?,
            Store::Mercurial(talk) => talk.borrow_mut().history().value(target).or_fail()?,
        };
        value.sort();
        Ok(value)
    }

    /// Judges a move by `policy`, made by `login`; without one, nobody is taken for the pusher.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn assess(&self, policy: &Policy, supposed: &Move, login: Option<&str>) -> Result<Assessment, Failure> {
        let deadline = Instant::now() + self.parts.settings.deadline;
        let judge = |history: &mut dyn History| {
            let judged = self.parts.server().preview(policy, history, login, deadline);
            judged
                .map_err(|error| Failure::from_error(Exit::Undecided, &error).context("the push cannot be judged here"))
        };
        match &self.store {
            Store::Git(folder) => judge(&mut git_history(folder, supposed.claims())?),
            Store::Mercurial(talk) => {
                let mut talk = talk.borrow_mut();
                talk.suppose(&hg_supposed(supposed)?).map_err(|error| hg_failure(&error))?;
                judge(talk.history())
            }
        }
    }

    /// Returns the requests that wait in the sibling of a Mercurial repository: name, subject, and what is asked; of Git none.
    ///
    /// # Errors
    /// A [`Failure`] if there is a sibling that cannot be read.
    pub fn requests_of_mercurial(&self) -> Result<Vec<(String, ChangesetId, Request)>, Failure> {
        let Store::Mercurial(talk) = &self.store else { return Ok(Vec::new()) };
        let mut talk = talk.borrow_mut();
        // Without a sibling the conversation is about the central repository alone.
        if talk.header().url.is_none() {
            return Ok(Vec::new());
        }
        let mut waiting = Vec::new();
        for (name, id) in talk.requests().map_err(|error| hg_failure(&error))? {
            let read = talk.request(&id).map_err(|error| hg_failure(&error))?;
            // Mercurial keeps no line end at the end.
            let message = [&read.description[..], b"\n"].concat();
            waiting.extend(read.subject.and_then(|subject| Some((name, subject, Request::parse(&message).ok()?))));
        }
        Ok(waiting)
    }
}

fn git_history(folder: &Path, claims: Vec<Claim>) -> Result<GitHistory, Failure> {
    Ok(GitHistory::supposing(GitRepository::at(folder).or_fail()?, claims))
}

/// Commits that wait for approval stand in the sibling, which is to the central repository what a clone is.
fn talk(hg: &Hg) -> Result<Talk, Failure> {
    let sibling = hg.sibling_root();
    let found = if sibling.join(".hg").is_dir() { Hg::find(&sibling) } else { Ok(None) };
    let talk = match found.map_err(|error| hg_failure(&error))? {
        Some(sibling) => sibling.talk(hg.root().to_str()),
        None => hg.talk_here(),
    };
    talk.map_err(|error| hg_failure(&error))
}
