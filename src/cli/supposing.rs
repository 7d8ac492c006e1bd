//! Where a push can be supposed: in a clone, by what its server publishes, or in a central repository itself, by what decides there.

mod asked;
mod looked;
mod together;

pub use asked::{CLAIMED, Known};
pub use together::{Judged, Wish};

use super::chosen_policy::is_central;
use super::client::{Client, hg_failure, hg_supposed};
use super::local_clone::{Move, System};
use super::repository::{self, Found, Repository};
use super::{Context, Exit, Failure, IntoFailure, ServerParts};
use crate::adapters::git::{Checkout, GitHistory, GitRepository};
use crate::adapters::mercurial::{Hg, Talk};
use crate::domain::change::{ChangesetId, Target};
use crate::domain::policy::Policy;
use crate::enforcement::GateHistory;
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
    Git(Box<GitStore>),
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

    /// Returns name and id of the repository, as tokens write it.
    pub fn repository(&self) -> &str {
        match self {
            Self::Clone(client) => &client.published.repository,
            Self::Central(central, _) => &central.parts.settings.repository,
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
                Store::Git(git) => Checkout::at(&git.folder).or_fail()?.resolve(revision).or_fail(),
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
        self.assess_all(&[supposed], login)
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
            Repository::Git(_) => Store::Git(Box::new(GitStore::open(&found.common_dir)?)),
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
            Store::Git(git) => git.history.borrow_mut().value(target).or_fail()?,
            Store::Mercurial(talk) => talk.borrow_mut().history().value(target).or_fail()?,
        };
        value.sort();
        Ok(value)
    }

    /// Reads the repository as it stands, with no push.
    fn with_history<T>(&self, read: impl FnOnce(&mut dyn History) -> T) -> T {
        match &self.store {
            Store::Git(git) => read(&mut *git.history.borrow_mut()),
            Store::Mercurial(talk) => read(talk.borrow_mut().history()),
        }
    }

    /// Judges a push of `moves` by `policy`, made by `login`; without one, nobody is taken for the pusher.
    ///
    /// # Errors
    /// A [`Failure`], also for several moves in Mercurial.
    pub fn assess(&self, policy: &Policy, moves: &[Move], login: Option<&str>) -> Result<Assessment, Failure> {
        let deadline = Instant::now() + self.parts.settings.deadline;
        let judge = |history: &mut dyn History| {
            let judged = self.parts.server().preview(policy, history, login, deadline);
            judged
                .map_err(|error| Failure::from_error(Exit::Undecided, &error).context("the push cannot be judged here"))
        };
        let only = if let [only] = moves { only.gate().map(|gate| (gate, only.old.clone())) } else { None };
        if let Some((gate, old)) = only {
            return self.with_history(|history| judge(&mut GateHistory::new(history, gate, old)));
        }
        match &self.store {
            Store::Git(git) => judge(&mut git.supposing(moves)?),
            Store::Mercurial(talk) => {
                let [supposed] = moves else {
                    return Err(Failure::undecided("only one move can be supposed at a time"));
                };
                let mut talk = talk.borrow_mut();
                talk.suppose(&hg_supposed(supposed)?).map_err(|error| hg_failure(&error))?;
                judge(talk.history())
            }
        }
    }
}

/// A central repository of Git.
struct GitStore {
    folder: PathBuf,
    /// As it stands, with no push.
    history: RefCell<GitHistory>,
}

impl GitStore {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let history = GitHistory::receiving(GitRepository::at(folder).or_fail()?, Vec::new());
        Ok(Self { folder: folder.to_owned(), history: RefCell::new(history) })
    }

    /// The history of a push that makes `moves`.
    fn supposing(&self, moves: &[Move]) -> Result<GitHistory, Failure> {
        let claims = moves.iter().map(Move::claim).collect();
        Ok(GitHistory::supposing(GitRepository::at(&self.folder).or_fail()?, claims))
    }
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
