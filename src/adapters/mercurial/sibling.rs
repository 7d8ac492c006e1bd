//! What a transaction in the sibling of a central repository asks for: that repository holds requests and nothing else
//! (docs/spec/request.md, "Mercurial").

use super::changelog::REQUESTS_BRANCH;
use super::state::{Move, State};
use super::{MercurialError, MercurialHistory};
use crate::domain::change::{ChangesetId, Target};
use crate::domain::request::{Request, RequestId};
use crate::ports::history::HistoryError;
use crate::ports::incoming::{Carried, CarriedRequest, OwnRefusal};
use std::collections::BTreeSet;
use std::io::{Read, Write};

impl<R: Read, W: Write> MercurialHistory<R, W> {
    /// Reads the requests that the transaction names and takes back, for the central repository `repository`, and says what else it must
    /// not do.
    ///
    /// Changesets may arrive if a request stands on them. What phases they have means nothing here.
    ///
    /// # Errors
    /// [`HistoryError`] if the script cannot tell.
    pub fn sibling_carried(&mut self, repository: &str) -> Result<Carried, HistoryError> {
        let state = State::ask(&mut self.request)?;
        let mut carried = Carried::default();
        let odd = state.odd_names();
        if !odd.is_empty() {
            return Err(HistoryError::Refused(odd));
        }
        for moved in &state.bookmarks {
            let refusal = self.named(moved, repository, &mut carried)?;
            carried.refusals.extend(refusal);
        }
        let hides = state.markers.iter().find_map(|(node, _)| *node).or(state.obsolete.first().copied());
        let problem = "nothing is made obsolete where requests wait";
        carried.refusals.extend(hides.map(|changeset| OwnRefusal::Stray { changeset, problem }));
        carried.refusals.extend(self.strays(&state)?);
        Ok(carried)
    }

    /// A bookmark is the name of a request: set once, and taken away.
    fn named(
        &mut self,
        moved: &Move,
        repository: &str,
        carried: &mut Carried,
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
                carried.requests.push(CarriedRequest { id, subject, request });
                None
            }
        })
    }

    /// Returns a refusal for a head that arrives and is neither a request nor below one.
    fn strays(&mut self, state: &State) -> Result<Option<OwnRefusal>, MercurialError> {
        let all = |sides: &[Vec<ChangesetId>; 2]| sides.iter().flatten().copied().collect::<BTreeSet<_>>();
        let (mut requests, mut others) = (Vec::new(), Vec::new());
        for moved in &state.branches {
            let gained = all(&moved.new).difference(&all(&moved.old)).copied().collect::<Vec<_>>();
            let is_requests = &*moved.name == REQUESTS_BRANCH.as_bytes();
            if is_requests { requests.extend(gained) } else { others.extend(gained) }
        }
        for read in self.request.changesets(&requests)? {
            if read.request().is_none_or(|(_, message)| Request::parse(&message).is_err()) {
                let problem = "it is on the branch of requests, and is none";
                return Ok(Some(OwnRefusal::Stray { changeset: read.id, problem }));
            }
        }
        let below: BTreeSet<ChangesetId> = self.request.reached(&others, &requests)?.into_iter().collect();
        let stray = others.into_iter().find(|id| !below.contains(id));
        let problem = "no request stands on it, and only requests belong here";
        Ok(stray.map(|changeset| OwnRefusal::Stray { changeset, problem }))
    }
}
