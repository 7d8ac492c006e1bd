//! Keeps the changesets of a refused push: the hook's script writes them to a file while they are pending, and an `hg` of its own takes
//! that into the sibling of the central repository, which never sees them.

use super::MercurialHistory;
use super::bundle::{Bundle, Closed};
use super::changelog::REQUESTS_BRANCH;
use super::program::{Hg, HgError, sibling_of};
use crate::domain::change::ChangesetId;
use crate::domain::request::{Request, RequestId};
use crate::domain::time::Timestamp;
use crate::ports::history::HistoryError;
use crate::ports::parking::{Parking, ParkingError};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::NamedTempFile;

/// Where requests of a central repository wait, and the push that brings them.
pub struct HgParking<'c, R, W> {
    conversation: Option<&'c mut MercurialHistory<R, W>>,
    central: PathBuf,
    sibling: Hg,
    now: Timestamp,
    deadline: Instant,
    /// The last that was rescued, if it is not empty, and what that stands on.
    rescued: Option<(NamedTempFile, Vec<ChangesetId>)>,
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
        Self::of(Some(conversation), central, now, deadline)
    }

    fn of(
        conversation: Option<&'c mut MercurialHistory<R, W>>,
        central: &Path,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Self, HgError> {
        let missing = |root: &Path| HgError::File {
            path: root.to_owned(),
            source: std::io::Error::from(std::io::ErrorKind::NotFound),
        };
        let root = sibling_of(central);
        let sibling = Hg::find(&root)?.filter(|found| root.canonicalize().is_ok_and(|root| root == found.root()));
        let sibling = sibling.ok_or_else(|| missing(&root))?;
        Ok(Self { conversation, central: central.to_owned(), sibling, now, deadline, rescued: None })
    }

    fn hg(&self, doing: &'static str, arguments: Vec<OsString>) -> Result<Vec<u8>, ParkingError> {
        self.sibling.must_until(doing, arguments, self.deadline).map_err(|error| match error {
            HgError::DeadlinePassed => ParkingError::DeadlinePassed,
            HgError::NotStarted(source) => ParkingError::NotRun { program: "hg", source },
            HgError::Failed { said, .. } => {
                ParkingError::Failed { program: "hg", said: String::from_utf8_lossy(&said).into_owned() }
            }
            other => ParkingError::Repository(Box::new(other)),
        })
    }
}

impl HgParking<'static, io::Empty, io::Sink> {
    /// Where no push is under way: what is asked for stands in the repository at `central`.
    ///
    /// # Errors
    /// As [`HgParking::open`].
    pub fn without_push(central: &Path, now: Timestamp, deadline: Instant) -> Result<Self, HgError> {
        Self::of(None, central, now, deadline)
    }
}

impl<R: Read, W: Write> Parking for HgParking<'_, R, W> {
    fn has(&mut self, id: &RequestId) -> Result<bool, ParkingError> {
        Ok(self.shown()?.contains(id))
    }

    fn rescue(&mut self, subject: &ChangesetId, limit: u64, _: Instant) -> Result<u64, ParkingError> {
        let unusable = |source| ParkingError::Repository(Box::new(source));
        let file = tempfile::Builder::new().prefix("jit-").suffix(".hg").tempfile().map_err(unusable)?;
        let conversation = self.conversation.as_mut().ok_or(ParkingError::Taken)?;
        let below = conversation.request.bundle(file.path(), subject);
        let below = below.map_err(|error| ParkingError::Repository(Box::new(HistoryError::from(error))))?;
        let bytes = file.path().metadata().map_err(unusable)?.len();
        if bytes > limit {
            return Err(ParkingError::TooLarge { limit });
        }
        self.rescued = Some((file, below));
        Ok(bytes)
    }

    fn show(&mut self, id: &RequestId, subject: &ChangesetId, request: &Request, by: &str) -> Result<(), ParkingError> {
        let message = request.message();
        let description = message.trim_end();
        let closed = Closed { branch: REQUESTS_BRANCH, parent: Some(*subject), user: by, time: self.now, description };
        let named = Bundle::named(&closed, id).map_err(|error| ParkingError::Repository(Box::new(error)))?;
        let named = named.to_file().map_err(|error| ParkingError::Repository(Box::new(error)))?;
        let (changesets, below) = match self.rescued.take() {
            Some((changesets, below)) => (Some(changesets), below),
            None if self.conversation.is_some() => return Err(ParkingError::Taken),
            None if self.has(id)? => return Ok(()),
            None => (None, vec![*subject]),
        };
        if !below.is_empty() {
            let mut pull: Vec<OsString> = vec!["pull".into(), "--quiet".into()];
            pull.extend(below.iter().flat_map(|id| ["--rev".into(), id.hex().into()]));
            pull.extend(["--".into(), self.central.clone().into()]);
            self.hg("fetch what a request stands on", pull)?;
        }
        let mut unbundle: Vec<OsString> = vec!["unbundle".into(), "--quiet".into(), "--".into()];
        let brings_something = |file: &&NamedTempFile| file.path().metadata().is_ok_and(|found| found.len() > 0);
        unbundle.extend(changesets.as_ref().filter(brings_something).map(|file| file.path().into()));
        unbundle.push(named.path().into());
        self.hg("keep a request", unbundle).map(drop)
    }

    fn shown(&mut self) -> Result<BTreeSet<RequestId>, ParkingError> {
        let listed =
            self.hg("list the requests", ["bookmarks", "--template", "{bookmark}\n"].map(Into::into).to_vec())?;
        Ok(String::from_utf8_lossy(&listed).lines().filter_map(|name| RequestId::parse(name).ok()).collect())
    }

    fn hide(&mut self, id: &RequestId) -> Result<(), ParkingError> {
        if self.has(id)? {
            self.hg("let go of a request", vec!["bookmark".into(), "--delete".into(), id.to_string().into()])?;
        }
        Ok(())
    }
}
