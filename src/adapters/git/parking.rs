//! Keeps the commits of a refused push: copies them out of quarantine, and shows them below `refs/jit/requests/`.
//!
//! The copy is a pack that `git pack-objects` makes inside the quarantine and `git index-pack` takes in outside of it, which looks at
//! every object as `git fsck` does and stops at a size. Nothing refers to that pack until the request's ref is made.

use super::children::{Pipeline, Place, failed, not_run};
use super::{GitHistory, GitRepository, OpenError, REQUESTS};
use crate::domain::change::ChangesetId;
use crate::domain::request::RequestId;
use crate::ports::parking::{Board, Parking, ParkingError, Shown};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// How `git index-pack` says that a pack is longer than it may be.
const TOO_LONG: &str = "exceeds maximum allowed size";

/// Where Git has put the objects of the push that a hook looks at.
#[derive(Debug, Clone)]
pub struct Quarantine {
    variables: Vec<(&'static str, OsString)>,
    folder: Option<PathBuf>,
}

impl Quarantine {
    /// Takes what Git tells a hook in its `environment`.
    pub fn of(environment: &BTreeMap<OsString, OsString>) -> Self {
        let value = |name: &str| environment.get(&OsString::from(name)).cloned();
        let names = ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];
        Self {
            variables: names.into_iter().filter_map(|name| Some((name, value(name)?))).collect(),
            folder: value("GIT_QUARANTINE_PATH").map(PathBuf::from),
        }
    }

    /// Returns how many bytes of objects came with the push.
    pub fn bytes(&self) -> u64 {
        self.folder.as_deref().map_or(0, bytes_below)
    }
}

/// The files below a folder, in bytes; what vanishes meanwhile counts nothing.
fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}

/// A central repository that keeps requests.
pub struct GitParking {
    /// Does not see the quarantine.
    pub(super) repo: GitRepository,
    pub(super) place: Place,
    /// By which variable hooks learn who pushes.
    pub(super) pusher_env: String,
    /// The push that was supposed last.
    pub(super) supposing: Option<GitHistory>,
    quarantine: Quarantine,
}

impl GitParking {
    /// Opens the repository whose common folder is `common_dir`, in a hook with this `environment`. Hooks find the pusher's login in the
    /// variable `pusher_env`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        common_dir: &Path,
        environment: &BTreeMap<OsString, OsString>,
        pusher_env: String,
    ) -> Result<Self, OpenError> {
        let repo = GitRepository::at(common_dir)?;
        let value = |name| Some((name, environment.get(&OsString::from(name))?.clone()));
        let kept = ["PATH", "HOME"].into_iter().filter_map(value).collect();
        let place = Place { common_dir: repo.common_dir().to_owned(), kept };
        Ok(Self { repo, place, pusher_env, supposing: None, quarantine: Quarantine::of(environment) })
    }

    /// Tells whether the commit `value` is the request `id` for `subject`.
    fn is_request(&self, value: &ChangesetId, subject: &ChangesetId) -> bool {
        self.repo.request(value).is_ok_and(|commit| commit.subject == *subject)
    }
}

impl Parking for GitParking {
    fn has(&mut self, id: &RequestId) -> Result<bool, ParkingError> {
        Ok(self.repo.kept(&place(id)).map_err(unwritable)?.is_some())
    }

    fn rescue(&mut self, subjects: &[ChangesetId], limit: u64, deadline: Instant) -> Result<u64, ParkingError> {
        let inside = |mut command: Command| {
            command.envs(self.quarantine.variables.iter().cloned());
            command
        };
        let mut line = Pipeline::until(deadline)?;
        let subjects: Vec<String> = subjects.iter().map(ChangesetId::hex).collect();
        let reached = ["rev-list", "--objects"].into_iter().chain(subjects.iter().map(String::as_str));
        let objects = inside(self.place.git(&reached.chain(["--not", "--all"]).collect::<Vec<_>>()));
        let objects = line.start(objects, None)?;
        let pack = inside(self.place.git(&["pack-objects", "--quiet", "--stdout"]));
        let pack = line.start(pack, Some(objects))?;
        let index = self.place.git(&["index-pack", "--stdin", "--strict", &format!("--max-input-size={limit}")]);
        match line.end(index, Some(pack))? {
            Ok(printed) => {
                let hash = printed.split_whitespace().last().unwrap_or_default();
                let pack = self.place.common_dir().join(format!("objects/pack/pack-{hash}.pack"));
                fs::metadata(pack).map(|found| found.len()).map_err(not_run)
            }
            Err(said) if said.contains(TOO_LONG) => Err(ParkingError::TooLarge { limit }),
            Err(said) => Err(failed(said)),
        }
    }

    fn show(&mut self, requests: &[Shown<'_>], by: &str) -> Result<(), ParkingError> {
        for Shown { id, subject, request } in requests {
            let name = place(id);
            match self.repo.kept(&name).map_err(unwritable)? {
                Some(value) if self.is_request(&value, subject) => continue,
                Some(_) => return Err(ParkingError::Taken),
                None => {}
            }
            let written = self.repo.write_request(subject, request, by.as_bytes()).map_err(unwritable)?;
            if !self.repo.swap(&name, None, Some(&written)).map_err(unwritable)? {
                return Err(ParkingError::Taken);
            }
        }
        Ok(())
    }
}

impl Board for GitParking {
    fn put_up(&mut self, gate: Shown<'_>, by: &str) -> Result<(), ParkingError> {
        self.show(&[gate], by)
    }

    fn take_down(&mut self, id: &RequestId) -> Result<(), ParkingError> {
        self.repo.keep(&place(id), None).map_err(unwritable)
    }
}

/// The ref of a request.
pub(super) fn place(id: &RequestId) -> String {
    format!("{REQUESTS}{id}")
}

pub(super) fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> ParkingError {
    ParkingError::Repository(Box::new(error))
}
