//! Lets a kept request land: `hg push` from the sibling, through all hooks of the central repository; and lets go of what waits no longer.
//!
//! A push to a local path would run the hooks in the pushing process, with its settings. So `hg` is given a command in place of ssh that
//! starts a server of its own for the central repository, as a forced command would.

use super::clone::{Supposed, Talk};
use super::parking::{central_as_path, parking_error, pull_from, requests_in, unusable};
use super::program::{Hg, HgError, ends};
use crate::domain::audit::KeptRequest;
use crate::domain::change::{Action, ChangesetId, Target};
use crate::domain::request::RequestId;
use crate::ports::history::History;
use crate::ports::parking::{Landing, ParkingError};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What `hg` starts in place of ssh. Where the repository stands is in a variable, so that no shell reads it.
const SERVER: &str = "ui.ssh=sh -c 'exec hg -R \"$JIT_CENTRAL\" serve --stdio' jit";
/// The variable.
const CENTRAL: &str = "JIT_CENTRAL";
/// What stands in the place of an address.
const ADDRESS: &str = "ssh://central/";

/// How many seconds somebody's lock is waited for. Nobody waits for what happens here.
const PATIENCE: u32 = 60;

/// What no request needs: neither one, nor below one, nor in the central repository.
const UNNEEDED: &str = "outgoing('central') - ::present(bookmark('re:^r-'))";

/// The sibling of a central repository, and the way from there to it.
pub struct HgLanding {
    central: PathBuf,
    sibling: Hg,
    /// By which variable hooks learn who pushes.
    pusher_env: String,
    deadline: Instant,
    /// What both hold, until something is pushed.
    talk: Option<Talk>,
}

impl HgLanding {
    /// Opens the sibling of the repository at `central`, where hooks find the pusher's login in the variable `pusher_env`. Brings it up to
    /// what the central repository has. Nothing goes on after `deadline`.
    ///
    /// # Errors
    /// [`ParkingError`].
    pub fn open(central: &Path, pusher_env: String, deadline: Instant) -> Result<Self, ParkingError> {
        let sibling = Hg::sibling(central).map_err(parking_error)?;
        let landing = Self { central: central.to_owned(), sibling, pusher_env, deadline, talk: None };
        // Else each look at both would fetch all that landed since the sibling was made.
        landing.hg("fetch what landed", pull_from(central))?;
        Ok(landing)
    }

    /// Runs what does no harm when it is done twice: another process may strip what `hg` is just looking at.
    fn hg(&self, doing: &'static str, arguments: Vec<OsString>) -> Result<Vec<u8>, ParkingError> {
        let run = || self.sibling.must_until(doing, arguments.clone(), self.deadline, PATIENCE);
        run().or_else(|_| run()).map_err(parking_error)
    }

    fn talk(&mut self) -> Result<&mut Talk, ParkingError> {
        if self.talk.is_none() {
            let central =
                self.central.to_str().ok_or_else(|| unusable(std::io::Error::other("a path that is not UTF-8")))?;
            self.talk = Some(self.sibling.talk(Some(central)).map_err(parking_error)?);
        }
        Ok(self.talk.as_mut().expect("it was just begun"))
    }

    /// Supposes the push of `request`; tells whether there is anything to push.
    fn suppose(&mut self, request: &KeptRequest) -> Result<bool, ParkingError> {
        let subject = request.subject;
        let talk = self.talk()?;
        let value = talk.history().value(&request.target).map_err(unusable)?;
        let is_there = match (&request.target, &request.action) {
            // Where a tag points, it has to point exactly.
            (Target::Tag(_), _) => value == [subject],
            // Drafts become public where they are.
            (_, Action::Publish) => false,
            _ => !talk.reached(&[subject], &value).map_err(parking_error)?.is_empty(),
        };
        let supposed = match (&request.target, &request.action) {
            _ if is_there => return Ok(false),
            (Target::Branch(name), Action::Publish) => Supposed::Publish(name.clone(), vec![subject]),
            (Target::Branch(name), _) => Supposed::Branch(name.clone(), vec![subject]),
            (Target::Bookmark(name), _) => Supposed::Bookmark(name.clone(), Some(subject)),
            (Target::Tag(name), _) => Supposed::Tag(name.clone(), Some(subject)),
            (Target::Ref(_) | Target::Environment(_), _) => return Ok(false),
        };
        talk.suppose(&supposed).map_err(parking_error)?;
        Ok(true)
    }

    /// Pushes from `root`, which shares the sibling's store or is it.
    fn push_from(&self, root: &Path, request: &KeptRequest, deadline: Instant) -> Result<Vec<u8>, HgError> {
        let mut push = self.sibling.without_hooks(PATIENCE);
        push.current_dir(root).env(CENTRAL, &self.central).env_remove(&self.pusher_env);
        if let Some(login) = &request.requester.login {
            push.env(&self.pusher_env, login);
        }
        push.args(["--config", SERVER, "push", "--quiet", "--new-branch", "--rev", &request.subject.hex()]);
        if let Target::Bookmark(name) = &request.target {
            push.arg("--bookmark").arg(OsStr::from_bytes(name));
        }
        push.args(["--", ADDRESS]);
        ends("push a request", push, deadline)
    }

    /// Pushes with the bookmark `name`. It is set in a share of its own, which has the sibling's changesets and none of its names.
    fn push_bookmark(&self, name: &[u8], request: &KeptRequest, deadline: Instant) -> Result<Vec<u8>, HgError> {
        let failed = |source| HgError::File { path: "a temporary folder".into(), source };
        let folder = tempfile::Builder::new().prefix("jit-").tempdir().map_err(failed)?;
        let share = folder.path().join("share");
        let mut arguments: Vec<OsString> =
            ["--config", "extensions.share=", "share", "--quiet", "--noupdate", "--"].map(OsString::from).to_vec();
        arguments.extend([self.sibling.root().into(), share.clone().into()]);
        self.sibling.must_until("share the requests", arguments, deadline, PATIENCE)?;
        let mut set = self.sibling.without_hooks(PATIENCE);
        set.current_dir(&share).args(["bookmark", "--quiet", "--force", "--rev", &request.subject.hex(), "--"]);
        set.arg(OsString::from_vec(name.to_vec()));
        ends("set a bookmark", set, deadline)?;
        self.push_from(&share, request, deadline)
    }
}

/// Takes the name of a request away, if `shown` is what it names.
pub(super) fn hide(sibling: &Hg, id: &RequestId, shown: &ChangesetId, until: Instant) -> Result<(), ParkingError> {
    let mut unname: Vec<OsString> = vec!["debugpushkey".into(), "--".into(), sibling.root().into()];
    unname.extend(["bookmarks".into(), id.to_string().into(), shown.hex().into(), "".into()]);
    sibling.must_until("let go of a request", unname, until, PATIENCE).map(drop).map_err(parking_error)
}

impl Landing for HgLanding {
    fn shown(&mut self) -> Result<BTreeMap<RequestId, ChangesetId>, ParkingError> {
        requests_in(&self.sibling, self.deadline)
    }

    fn hide(&mut self, id: &RequestId, shown: &ChangesetId) -> Result<(), ParkingError> {
        hide(&self.sibling, id, shown, self.deadline)
    }

    /// Strips the changesets that arrived with requests which wait no longer.
    fn sweep(&mut self) -> Result<(), ParkingError> {
        self.talk = None;
        let hg = |doing, command: &[&str]| {
            let mut arguments = central_as_path(&self.central);
            arguments.extend(command.iter().map(OsString::from));
            self.hg(doing, arguments)
        };
        // To strip nothing is an error in old versions.
        if !hg("look for what no request needs", &["log", "--template", "{node}", "--rev", UNNEEDED])?.is_empty() {
            hg("strip what no request needs", &["debugstrip", "--quiet", "--no-backup", "--rev", UNNEEDED])?;
        }
        Ok(())
    }

    fn supposed(&mut self, request: &KeptRequest) -> Result<Option<&mut dyn History>, ParkingError> {
        // A conversation that broke off, over another request perhaps, tells nothing of this one.
        let is_used = self.talk.is_some();
        let mut missing = self.suppose(request);
        if missing.is_err() && is_used {
            self.talk = None;
            missing = self.suppose(request);
        }
        match missing {
            Ok(true) => Ok(Some(self.talk()?.history())),
            Ok(false) => Ok(None),
            Err(error) => {
                self.talk = None;
                Err(error)
            }
        }
    }

    fn push(&mut self, request: &KeptRequest, deadline: Instant) -> Result<Result<(), String>, ParkingError> {
        self.talk = None;
        let pushed = match &request.target {
            // The changeset that sets a tag lands it, as part of a branch.
            Target::Tag(_) => return Ok(Err("a tag lands with the changeset that sets it".to_owned())),
            Target::Bookmark(name) => self.push_bookmark(name, request, deadline),
            _ => self.push_from(self.sibling.root(), request, deadline),
        };
        match pushed {
            Ok(_) => Ok(Ok(())),
            Err(HgError::Failed { said, .. }) => Ok(Err(String::from_utf8_lossy(&said).into_owned())),
            Err(error) => Err(parking_error(error)),
        }
    }
}
