//! Keeps the changesets of a refused push: the hook's script writes them to a file while they are pending, and an `hg` of its own takes
//! that into the sibling of the central repository, which never sees them.

use super::MercurialHistory;
use super::bundle::{Bundle, Closed};
use super::changelog::REQUESTS_BRANCH;
use super::program::{Hg, HgError};
use crate::domain::change::{ChangesetId, IdKind};
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use crate::ports::history::HistoryError;
use crate::ports::parking::{Parking, ParkingError, Shown};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::NamedTempFile;

/// How many seconds somebody's lock is waited for, such as that of a landing: the pusher waits as well.
pub(super) const PATIENCE: u32 = 5;

/// Where requests of a central repository wait, and the push that brings them.
pub struct HgParking<'c, R, W> {
    conversation: &'c mut MercurialHistory<R, W>,
    central: PathBuf,
    sibling: Hg,
    now: Timestamp,
    deadline: Instant,
    /// The last changesets that were rescued.
    rescued: Option<NamedTempFile>,
}

impl<'c, R: Read, W: Write> HgParking<'c, R, W> {
    /// Takes the `conversation` about a push to the repository at `central`; nothing goes on after `deadline`.
    ///
    /// # Errors
    /// [`HgError`] if there is no sibling.
    pub fn open(
        conversation: &'c mut MercurialHistory<R, W>,
        central: &Path,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Self, HgError> {
        let sibling = Hg::sibling(central)?;
        Ok(Self { conversation, central: central.to_owned(), sibling, now, deadline, rescued: None })
    }

    fn hg(&self, doing: &'static str, arguments: Vec<OsString>) -> Result<Vec<u8>, ParkingError> {
        self.sibling.must_until(doing, arguments, self.deadline, PATIENCE).map_err(parking_error)
    }
}

impl<R: Read, W: Write> Parking for HgParking<'_, R, W> {
    fn has(&mut self, id: &RequestId) -> Result<bool, ParkingError> {
        Ok(requests_in(&self.sibling, self.deadline)?.contains_key(id))
    }

    fn rescue(&mut self, subjects: &[ChangesetId], limit: u64, _: Instant) -> Result<u64, ParkingError> {
        let file = tempfile::Builder::new().prefix("jit-").suffix(".hg").tempfile().map_err(unusable)?;
        let below = self.conversation.request.bundle(file.path(), subjects);
        let below = below.map_err(|error| unusable(HistoryError::from(error)))?;
        let bytes = file.path().metadata().map_err(unusable)?.len();
        if bytes > limit {
            return Err(ParkingError::TooLarge { limit });
        }
        if !below.is_empty() {
            let mut pull = pull_from(&self.central);
            pull.extend(below.iter().flat_map(|id| ["--rev".into(), id.hex().into()]));
            self.hg("fetch what a request stands on", pull)?;
        }
        self.rescued = Some(file);
        Ok(bytes)
    }

    fn show(&mut self, requests: &[Shown<'_>], by: &str) -> Result<(), ParkingError> {
        let changesets = self.rescued.take().ok_or(ParkingError::Taken)?;
        let mut named = Vec::new();
        for Shown { id, subject, request } in requests {
            let message = request.message();
            let (parent, description) = (Some(**subject), message.trim_end());
            let closed = Closed { branch: REQUESTS_BRANCH, parent, user: by, time: self.now, description };
            named.push(Bundle::named(&closed, id).map_err(unusable)?.to_file().map_err(parking_error)?);
        }
        let mut unbundle: Vec<OsString> = vec!["unbundle".into(), "--quiet".into(), "--".into()];
        let brings_something = changesets.path().metadata().is_ok_and(|found| found.len() > 0);
        unbundle.extend(brings_something.then(|| changesets.path().into()));
        unbundle.extend(named.iter().map(|file| file.path().into()));
        self.hg("keep a request", unbundle).map(drop)
    }
}

/// The beginning of a command that fetches from the repository at `central`.
pub(super) fn pull_from(central: &Path) -> Vec<OsString> {
    let mut pull = central_as_path(central);
    pull.extend(["pull", "--quiet", "central"].map(OsString::from));
    pull
}

/// The settings by which a command calls the repository at `central` by this name, and takes over no bookmarks from there.
pub(super) fn central_as_path(central: &Path) -> Vec<OsString> {
    let mut path = OsString::from("paths.central=");
    path.push(central);
    let settings = [path, "paths.central:bookmarks.mode=ignore".into()];
    settings.into_iter().flat_map(|setting| ["--config".into(), setting]).collect()
}

/// Returns the requests that bookmarks of `sibling` name.
pub(super) fn requests_in(sibling: &Hg, until: Instant) -> Result<BTreeMap<RequestId, ChangesetId>, ParkingError> {
    let list = ["bookmarks", "--template", "{bookmark} {node}\n"].map(OsString::from).to_vec();
    let listed = sibling.must_until("list the requests", list, until, PATIENCE).map_err(parking_error)?;
    let listed = String::from_utf8_lossy(&listed);
    let request = |line: &str| {
        let (name, node) = line.split_once(' ')?;
        Some((RequestId::parse(name).ok()?, ChangesetId::from_hex(IdKind::HgSha1, node).ok()?))
    };
    Ok(listed.lines().filter_map(request).collect())
}

/// Says why an `hg` did not keep what it should, or let go of it.
pub(super) fn parking_error(error: HgError) -> ParkingError {
    match error {
        HgError::DeadlinePassed => ParkingError::DeadlinePassed,
        HgError::NotStarted(source) => ParkingError::NotRun { program: "hg", source },
        HgError::Failed { said, .. } => {
            ParkingError::Failed { program: "hg", said: String::from_utf8_lossy(&said).into_owned() }
        }
        other => unusable(other),
    }
}

pub(super) fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ParkingError {
    ParkingError::Repository(Box::new(error))
}
