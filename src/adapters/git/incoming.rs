//! A Git push with the tokens and requests that it carries: the trees below `refs/jit/`, and push options.

use super::approvals::{OwnRefRefusal, TokenFile};
use super::publish::APPROVALS_REF;
use super::{GitHistory, GitRepository, Quarantine};
use crate::domain::change::{Action, ChangesetId, RefUpdate, Target};
use crate::domain::request::{Request, RequestId};
use crate::ports::history::{History, HistoryError, Need};
use crate::ports::incoming::{Carried, CarriedRequest, CarriedToken, Incoming, OwnRefusal, TokenPlace};
use std::collections::{BTreeMap, BTreeSet};

/// The folder of refs that hold requests.
pub const REQUESTS: &str = "refs/jit/requests/";

/// The push option that offers a token.
pub const TOKEN_OPTION: &[u8] = b"jit-token=";

/// A push that a server receives.
pub struct GitPush {
    history: GitHistory,
    repository: String,
    options: Vec<Vec<u8>>,
    /// Where the objects are that it brought, unless they have left it.
    quarantine: Option<Quarantine>,
}

impl GitPush {
    /// Joins the claims (in `history`) with the push `options`; `repository` is the name and id that tokens name.
    ///
    /// In `quarantine` are the objects that came with it; without one, nobody asks how many bytes they have.
    pub fn new(history: GitHistory, repository: String, options: Vec<Vec<u8>>, quarantine: Option<Quarantine>) -> Self {
        Self { history, repository, options, quarantine }
    }

    fn own(&self, update: &RefUpdate, carried: &mut Carried) -> Result<(), HistoryError> {
        let name = update.target.as_git_ref().unwrap_or_default();
        let new = update.new.first().filter(|_| update.action() != &Action::Delete);
        let refusal = match new {
            Some(new) if name == APPROVALS_REF.as_bytes() => self.approvals(update, new, carried)?,
            Some(new) if name.starts_with(REQUESTS.as_bytes()) && update.action() == &Action::Create => {
                self.request(update, new, carried)?
            }
            None => match cancelled(name) {
                Some(id) => {
                    carried.cancelled.push(id);
                    None
                }
                None => Some(OwnRefusal::NotYours { target: update.target.clone() }),
            },
            _ => Some(OwnRefusal::NotYours { target: update.target.clone() }),
        };
        carried.refusals.extend(refusal);
        Ok(())
    }

    fn approvals(
        &self,
        update: &RefUpdate,
        new: &ChangesetId,
        carried: &mut Carried,
    ) -> Result<Option<OwnRefusal>, HistoryError> {
        match self.repo().added_approvals(update.old.first(), new) {
            Ok(files) => {
                let token = |file: TokenFile| {
                    let place = TokenPlace::File(file.path.as_bytes().to_vec());
                    CarriedToken { text: file.text, place }
                };
                carried.tokens.extend(files.into_iter().map(token));
                Ok(None)
            }
            Err(OwnRefRefusal::Git(error)) => Err(error.into()),
            Err(refusal) => {
                Ok(Some(OwnRefusal::NotAnAddition { target: update.target.clone(), problem: refusal.to_string() }))
            }
        }
    }

    fn request(
        &self,
        update: &RefUpdate,
        new: &ChangesetId,
        carried: &mut Carried,
    ) -> Result<Option<OwnRefusal>, HistoryError> {
        let target = &update.target;
        let commit = match self.repo().request(new) {
            Ok(commit) => commit,
            Err(OwnRefRefusal::Git(error)) => return Err(error.into()),
            Err(refusal) => {
                return Ok(Some(OwnRefusal::NotAnAddition { target: target.clone(), problem: refusal.to_string() }));
            }
        };
        let request = match Request::parse(&commit.message) {
            Ok(request) => request,
            Err(source) => return Ok(Some(OwnRefusal::NotARequest { target: target.clone(), source })),
        };
        let id: RequestId = request.id(&self.repository, &commit.subject);
        let name = target.as_git_ref().unwrap_or_default();
        if name != format!("{REQUESTS}{id}").as_bytes() {
            let problem = "its id is not that of its repository, target and subject";
            return Ok(Some(OwnRefusal::RequestShape { target: target.clone(), problem }));
        }
        carried.requests.push(CarriedRequest { id, subject: commit.subject, request });
        Ok(None)
    }

    fn repo(&self) -> &GitRepository {
        self.history.repository()
    }
}

/// Returns the request that whoever deletes the ref `name` takes back.
fn cancelled(name: &[u8]) -> Option<RequestId> {
    let id = str::from_utf8(name.strip_prefix(REQUESTS.as_bytes())?).ok()?;
    RequestId::parse(id).ok()
}

impl Incoming for GitPush {
    fn carried(&mut self, updates: &[RefUpdate]) -> Result<Carried, HistoryError> {
        let mut carried = Carried::default();
        for update in updates.iter().filter(|update| update.target.is_own()) {
            self.own(update, &mut carried)?;
        }
        // Every file there is looked at, so only where somebody has to keep account of it.
        if !carried.requests.is_empty() {
            carried.bytes = self.quarantine.as_ref().map_or(0, Quarantine::bytes);
        }
        let offers = self.options.iter().filter_map(|option| option.strip_prefix(TOKEN_OPTION));
        carried.tokens.extend(offers.map(|text| CarriedToken { text: text.to_vec(), place: TokenPlace::Offered }));
        Ok(carried)
    }
}

impl History for GitPush {
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        self.history.ref_updates()
    }

    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError> {
        self.history.load(update, need)
    }

    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError> {
        self.history.reachable_bases(update, bases)
    }

    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError> {
        self.history.contents(update)
    }

    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError> {
        self.history.held(update, ids)
    }

    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError> {
        self.history.value(target)
    }

    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError> {
        self.history.all_targets()
    }
}
