//! What a supposed move brings and changes, for people to look at.

use super::{Central, Place, Store};
use crate::adapters::git::{Checkout, Listing};
use crate::cli::client::{hg_failure, hg_pager, hg_supposed, loaded_update};
use crate::cli::local_clone::{Effect, Move};
use crate::cli::{Failure, IntoFailure, effect};
use crate::domain::change::{ChangesetId, RefUpdate, Target};
use crate::domain::policy::Policy;
use crate::enforcement::GateHistory;
use crate::ports::history::History as _;

impl Place {
    /// Returns what `supposed` does, with the changesets that it brings.
    ///
    /// # Errors
    /// A [`Failure`] where the move cannot be, or the history cannot be read.
    pub fn update(&self, supposed: Move) -> Result<RefUpdate, Failure> {
        match self {
            Self::Clone(client) => client.update(supposed),
            Self::Central(central, policy) => central.update(policy, &supposed),
        }
    }

    /// Finds out what `update`, which was supposed last, would do to its target's commits and files.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn effect(&self, update: &RefUpdate) -> Result<Effect, Failure> {
        match self {
            Self::Clone(client) => client.local.effect(update),
            Self::Central(central, _) => central.effect(update),
        }
    }

    /// Tells whether `changeset` is here; of Mercurial, also on the server.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn has(&self, changeset: &ChangesetId) -> Result<bool, Failure> {
        match self {
            Self::Clone(client) => client.local.has(changeset),
            Self::Central(central, _) => match &central.store {
                Store::Git(git) => git.history.borrow().repository().has(changeset).or_fail(),
                Store::Mercurial(_) => Ok(self.resolve(&changeset.hex())?.as_ref() == Some(changeset)),
            },
        }
    }

    /// Tells whether one of `values` is `changeset` or descends from it.
    ///
    /// # Errors
    /// A [`Failure`], also where one of them is not here.
    pub fn reaches(&self, values: &[ChangesetId], changeset: &ChangesetId) -> Result<bool, Failure> {
        match self {
            Self::Clone(client) => client.local.reaches(values, changeset),
            Self::Central(central, _) => central.reaches(values, changeset),
        }
    }

    /// Returns the difference between two changesets as a patch, as it stands in the files; from nothing, where there is no `from`.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn diff(&self, from: Option<&ChangesetId>, to: &ChangesetId) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Clone(client) => client.local.diff(from, to),
            Self::Central(central, _) => match &central.store {
                Store::Git(git) => Checkout::at(&git.folder).or_fail()?.diff(from, to).or_fail(),
                Store::Mercurial(talk) => talk.borrow_mut().diff(from, to).map_err(|error| hg_failure(&error)),
            },
        }
    }

    /// Returns the user's pager, as the system at hand chooses it.
    pub fn pager(&self) -> String {
        match self {
            Self::Clone(client) => client.local.pager(),
            Self::Central(central, _) => match &central.store {
                Store::Git(git) => Checkout::at(&git.folder).map(|checkout| checkout.pager()).unwrap_or_default(),
                Store::Mercurial(_) => hg_pager(None),
            },
        }
    }
}

impl Central {
    fn update(&self, policy: &Policy, supposed: &Move) -> Result<RefUpdate, Failure> {
        if let Some(gate) = supposed.gate() {
            let old = supposed.old.clone();
            return self.with_history(|history| loaded_update(policy, &mut GateHistory::new(history, gate, old)));
        }
        match &self.store {
            Store::Git(git) => loaded_update(policy, &mut git.supposing(std::slice::from_ref(supposed))?),
            Store::Mercurial(talk) => {
                let mut talk = talk.borrow_mut();
                talk.suppose(&hg_supposed(supposed)?).map_err(|error| hg_failure(&error))?;
                loaded_update(policy, talk.history())
            }
        }
    }

    fn effect(&self, update: &RefUpdate) -> Result<Effect, Failure> {
        match &self.store {
            Store::Git(git) => {
                let mut history = git.history.borrow_mut();
                let all = history.all_targets().or_fail()?;
                let single = |(target, value): (Target, Vec<ChangesetId>)| Some((target, *value.first()?));
                let targets: Listing = all.into_iter().filter_map(single).collect();
                effect::of_git(history.repository(), &targets, update).or_fail()
            }
            Store::Mercurial(talk) => {
                effect::of_mercurial(&mut talk.borrow_mut(), update).map_err(|error| hg_failure(&error))
            }
        }
    }

    fn reaches(&self, values: &[ChangesetId], changeset: &ChangesetId) -> Result<bool, Failure> {
        match &self.store {
            Store::Git(git) => {
                let history = git.history.borrow();
                let repository = history.repository();
                for value in values {
                    let commit = repository.commit_behind(value).or_fail()?;
                    if commit.map(|commit| repository.descends(&commit, changeset)).transpose().or_fail()? == Some(true)
                    {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Store::Mercurial(talk) => {
                let found = talk.borrow_mut().reached(&[*changeset], values);
                Ok(!found.map_err(|error| hg_failure(&error))?.is_empty())
            }
        }
    }
}
