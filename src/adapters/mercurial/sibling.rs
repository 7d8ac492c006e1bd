//! What a transaction in the sibling of a central repository asks for: that repository holds requests and nothing else
//! (docs/spec/request.md, "Mercurial").

use super::changelog::REQUESTS_BRANCH;
use super::state::{self, Move, State};
use super::{MercurialError, MercurialHistory};
use crate::domain::change::{ChangesetId, Target};
use crate::domain::request::{Request, RequestId};
use crate::ports::history::HistoryError;
use crate::ports::incoming::{Carried, CarriedRequest, OwnRefusal};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

/// Requests, with the changesets that must have their names as bookmarks.
pub type Names = Vec<(RequestId, ChangesetId)>;

impl<R: Read, W: Write> MercurialHistory<R, W> {
    /// Reads the requests that the transaction names and takes back, for the central repository `repository`, and says what else it must
    /// not do.
    ///
    /// Changesets may arrive if a request stands on them, which is then among those that the transaction names: also without a bookmark, so that
    /// nothing arrives of which nobody keeps account. What phases they have means nothing here.
    ///
    /// # Errors
    /// [`HistoryError`] if the script cannot tell.
    pub fn sibling_carried(&mut self, repository: &str) -> Result<(Carried, Names), HistoryError> {
        let state = State::ask(&mut self.request)?;
        let mut carried = Carried::default();
        let odd = state.odd_names();
        if !odd.is_empty() {
            return Err(HistoryError::Refused(odd));
        }
        let mut names = Vec::new();
        for moved in &state.bookmarks {
            let refusal = self.named(moved, repository, &mut carried, &mut names)?;
            carried.refusals.extend(refusal);
        }
        let hides = state.markers.iter().find_map(|(node, _)| *node).or(state.obsolete.first().copied());
        let problem = "nothing is made obsolete where requests wait";
        carried.refusals.extend(hides.map(|changeset| OwnRefusal::Stray { changeset, problem }));
        let arrived = self.arrived(&state, repository, &mut carried, &mut names)?;
        if carried.refusals.is_empty() && !arrived.is_empty() {
            carried.bytes = self.bytes_of(&arrived)?;
        }
        Ok((carried, names))
    }

    /// Returns how many bytes `heads` bring.
    fn bytes_of(&mut self, heads: &[ChangesetId]) -> Result<u64, HistoryError> {
        let unusable = |error| HistoryError::Unreadable(Box::new(error));
        let file = tempfile::Builder::new().prefix("jit-").suffix(".hg").tempfile().map_err(unusable)?;
        self.request.bundle(file.path(), heads)?;
        Ok(file.path().metadata().map_err(unusable)?.len())
    }

    /// A bookmark is the name of a request: set once, and taken away.
    fn named(
        &mut self,
        moved: &Move,
        repository: &str,
        carried: &mut Carried,
        names: &mut Names,
    ) -> Result<Option<OwnRefusal>, MercurialError> {
        let target = Target::Bookmark(moved.name.clone());
        let not_yours = || Ok(Some(OwnRefusal::NotYours { target: target.clone() }));
        let id = str::from_utf8(&moved.name).ok().and_then(|name| RequestId::parse(name).ok());
        let Some(id) = id else { return not_yours() };
        let node = match (moved.old, moved.new) {
            (None, Some(node)) => node,
            (Some(_), None) => {
                carried.cancelled.push(id);
                return Ok(None);
            }
            _ => return not_yours(),
        };
        let read = self.request.changesets(&[node])?.pop();
        let Some((subject, message)) = read.and_then(|read| read.request()) else {
            let problem = "it is not on a closed changeset of `jit-requests` without files";
            return Ok(Some(OwnRefusal::RequestShape { target, problem }));
        };
        Ok(match Request::parse(&message) {
            Err(source) => Some(OwnRefusal::NotARequest { target, source }),
            Ok(request) if request.id(repository, &subject) != id => {
                let problem = "its id is not that of its repository, target and subject";
                Some(OwnRefusal::RequestShape { target, problem })
            }
            Ok(request) => {
                names.push((id.clone(), node));
                carried.requests.push(CarriedRequest { id, subject, request });
                None
            }
        })
    }

    /// Takes the requests that arrive without a bookmark, and returns all heads that do. Refused are a head that is neither a request nor below
    /// one, and a request that is there already.
    fn arrived(
        &mut self,
        state: &State,
        repository: &str,
        carried: &mut Carried,
        names: &mut Names,
    ) -> Result<Vec<ChangesetId>, MercurialError> {
        let all = |sides: &[Vec<ChangesetId>; 2]| sides.iter().flatten().copied().collect::<BTreeSet<_>>();
        let (mut requests, mut others) = (Vec::new(), Vec::new());
        for moved in &state.branches {
            let gained = all(&moved.new).difference(&all(&moved.old)).copied().collect::<Vec<_>>();
            let is_requests = &*moved.name == REQUESTS_BRANCH.as_bytes();
            if is_requests { requests.extend(gained) } else { others.extend(gained) }
        }
        let mut stray = |changeset, problem| carried.refusals.push(OwnRefusal::Stray { changeset, problem });
        let known = if requests.is_empty() { BTreeMap::new() } else { state::targets(&mut self.request)? };
        for read in self.request.changesets(&requests)? {
            let request = read.request().and_then(|(subject, text)| Some((subject, Request::parse(&text).ok()?)));
            let Some((subject, request)) = request else {
                stray(read.id, "it is on the branch of requests, and is none");
                continue;
            };
            let id = request.id(repository, &subject);
            if names.contains(&(id.clone(), read.id)) {
                continue;
            }
            let bookmark = Target::Bookmark(id.to_string().into_bytes().into());
            if known.contains_key(&bookmark) || names.iter().any(|(other, _)| *other == id) {
                stray(read.id, "this request is there already");
                continue;
            }
            names.push((id.clone(), read.id));
            carried.requests.push(CarriedRequest { id, subject, request });
        }
        let below: BTreeSet<ChangesetId> = self.request.reached(&others, &requests)?.into_iter().collect();
        if let Some(other) = others.iter().find(|id| !below.contains(id)) {
            carried.refusals.push(OwnRefusal::Stray {
                changeset: *other,
                problem: "no request stands on it, and only requests belong here",
            });
        }
        Ok(requests)
    }
}
