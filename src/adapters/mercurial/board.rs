//! Shows gates that wait in the sibling of a central repository, where clones look for requests.

use super::bundle::{Bundle, Closed};
use super::changelog::REQUESTS_BRANCH;
use super::landing::hide;
use super::parking::{PATIENCE, parking_error, pull_from, requests_in, unusable};
use super::program::{Hg, HgError};
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use crate::ports::parking::{Board, ParkingError, Shown};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The sibling of a central repository.
#[derive(Debug)]
pub struct HgBoard {
    central: PathBuf,
    sibling: Hg,
    now: Timestamp,
    deadline: Instant,
}

impl HgBoard {
    /// Opens the sibling of the repository at `central`; nothing goes on after `deadline`.
    ///
    /// # Errors
    /// [`HgError`] if there is none.
    pub fn open(central: &Path, now: Timestamp, deadline: Instant) -> Result<Self, HgError> {
        Ok(Self { central: central.to_owned(), sibling: Hg::sibling(central)?, now, deadline })
    }
}

impl Board for HgBoard {
    fn put_up(&mut self, gate: Shown<'_>, by: &str) -> Result<(), ParkingError> {
        let Shown { id, subject, request } = gate;
        if requests_in(&self.sibling, self.deadline)?.contains_key(id) {
            return Ok(());
        }
        let message = request.message();
        let (parent, description) = (Some(*subject), message.trim_end());
        let closed = Closed { branch: REQUESTS_BRANCH, parent, user: by, time: self.now, description };
        let named = Bundle::named(&closed, id).map_err(unusable)?.to_file().map_err(parking_error)?;
        let hg = |doing, arguments| {
            self.sibling.must_until(doing, arguments, self.deadline, PATIENCE).map_err(parking_error)
        };
        let mut pull = pull_from(&self.central);
        pull.extend(["--rev".into(), subject.hex().into()]);
        hg("fetch what a gate is about", pull)?;
        let mut unbundle: Vec<OsString> = ["unbundle", "--quiet", "--"].map(OsString::from).to_vec();
        unbundle.push(named.path().into());
        hg("show a gate", unbundle).map(drop)
    }

    fn take_down(&mut self, id: &RequestId) -> Result<(), ParkingError> {
        match requests_in(&self.sibling, self.deadline)?.get(id) {
            Some(shown) => hide(&self.sibling, id, shown, self.deadline),
            None => Ok(()),
        }
    }
}
