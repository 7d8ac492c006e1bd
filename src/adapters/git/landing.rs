//! Lets a kept request land: `git push` from the repository to itself, through all of its hooks.

use super::children::Pipeline;
use super::parking::{place, unwritable};
use super::{Claim, GitHistory, GitParking, GitRepository, REQUESTS};
use crate::domain::audit::KeptRequest;
use crate::domain::change::ChangesetId;
use crate::domain::request::RequestId;
use crate::ports::history::History;
use crate::ports::parking::{Landing, ParkingError};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Instant;

impl Landing for GitParking {
    fn shown(&mut self) -> Result<BTreeMap<RequestId, ChangesetId>, ParkingError> {
        let names = self.repo.kept_below(REQUESTS).map_err(unwritable)?;
        let mut shown = BTreeMap::new();
        for id in names.iter().filter_map(|name| RequestId::parse(name).ok()) {
            let value = self.repo.kept(&place(&id)).map_err(unwritable)?;
            shown.extend(value.map(|value| (id, value)));
        }
        Ok(shown)
    }

    fn hide(&mut self, id: &RequestId, shown: &ChangesetId) -> Result<(), ParkingError> {
        self.repo.swap(&place(id), Some(shown), None).map(drop).map_err(unwritable)
    }

    /// `git gc` does it.
    fn sweep(&mut self) -> Result<(), ParkingError> {
        Ok(())
    }

    fn supposed(&mut self, request: &KeptRequest) -> Result<Option<&mut dyn History>, ParkingError> {
        let opened = || GitRepository::at(self.place.common_dir()).map_err(unwritable);
        let mut present = GitHistory::receiving(opened()?, Vec::new());
        let old = present.value(&request.target).map_err(unwritable)?.first().copied();
        let tip = old.map(|old| self.repo.commit_behind(&old)).transpose().map_err(unwritable)?.flatten();
        if let Some(tip) = tip
            && self.repo.descends(&tip, &request.subject).map_err(unwritable)?
        {
            return Ok(None);
        }
        let refname = request.target.as_git_ref().unwrap_or_default().to_vec();
        let claim = Claim { old, new: Some(request.subject), refname };
        Ok(Some(self.supposing.insert(GitHistory::receiving(opened()?, vec![claim]))))
    }

    fn push(&mut self, request: &KeptRequest, deadline: Instant) -> Result<Result<(), String>, ParkingError> {
        let options = ["push", "--quiet", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"];
        let mut arguments: Vec<OsString> = ["-c", "protocol.file.allow=always"].map(OsString::from).to_vec();
        arguments.extend(options.map(OsString::from));
        let refspec =
            [request.subject.hex().as_bytes(), b":", request.target.as_git_ref().unwrap_or_default()].concat();
        arguments.extend([OsString::from("--"), self.place.common_dir().into(), OsString::from_vec(refspec)]);
        let mut push = self.place.git(&arguments);
        if let Some(login) = &request.requester.login {
            push.env(&self.pusher_env, login);
        }
        Ok(Pipeline::until(deadline)?.end(push, None)?.map(drop))
    }
}
