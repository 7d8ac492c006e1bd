//! Requests that need not be kept any longer (docs/spec/request.md, "Cleaning up").

use super::Server;
use crate::domain::audit::{Entry, Event, KeptRequest, Removal, Step};
use crate::domain::change::{ChangesetId, Target};
use crate::domain::request::RequestId;
use crate::domain::time::{Span, Timestamp};
use crate::ports::log::LogError;
use crate::ports::parking::{Landing, ParkingError};
use std::time::Instant;

/// How long a request that was sent may take until it is there: its entry stands in the log before Git makes its ref.
const ON_ITS_WAY: Span = Span::seconds(10 * 60);
/// How many requests are tried after one push, and how many are taken away.
pub(super) const MOST: usize = 20;

/// Why the requests could not be gone through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeptError {
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What is kept could not be looked at or taken away.
    #[error(transparent)]
    Parking(#[from] ParkingError),
}

impl Server<'_> {
    /// Takes away what need not be kept any longer: what is superseded, has waited for too long and is not approved, is gone, or has
    /// landed on one of the targets that `moved`; and what is shown without being kept. A part of it, if that is much.
    ///
    /// First the entry, then the commits: after a crash in between they are shown without being kept, and the next run sees that.
    ///
    /// # Errors
    /// [`KeptError`]; a later run goes on.
    pub fn tidy(&self, moved: &[Target], landing: &mut dyn Landing, deadline: Instant) -> Result<(), KeptError> {
        // In this order: what is kept is shown first, and recorded under the lock.
        let shown = landing.shown()?;
        let log = self.log.open(deadline)?;
        let (kept, now) = (log.kept().to_vec(), self.entry_time(log.as_ref()));
        drop(log);
        let is_stray = |(id, _): &(&RequestId, &ChangesetId)| !kept.iter().any(|one| one.id == **id);
        let strays: Vec<_> = shown.iter().filter(is_stray).take(MOST).collect();
        for (id, by) in &strays {
            landing.hide(id, by)?;
        }
        let policy = self.policy.load().ok();
        let mut removed = 0;
        for request in &kept {
            let shown = shown.get(&request.id);
            // A gate's commits stand in the repository in any case.
            let why = if shown.is_none() && request.action.gate().is_none() && now.since(request.since) > ON_ITS_WAY {
                Some(Removal::Damaged)
            } else if is_superseded(request, &kept) {
                Some(Removal::Superseded)
            } else if moved.contains(&request.target) && landing.supposed(request).is_ok_and(|push| push.is_none()) {
                Some(Removal::Landed)
            } else if self.is_overdue(request, now)
                && !policy.as_ref().is_some_and(|policy| self.is_approved(policy, request, landing, deadline))
            {
                Some(Removal::Expired)
            } else {
                None
            };
            if let Some(why) = why
                && removed < MOST
            {
                removed += 1;
                if self.remove(request, why, deadline)? {
                    shown.map(|by| landing.hide(&request.id, by)).transpose()?;
                }
            }
        }
        if removed > 0 || !strays.is_empty() {
            landing.sweep()?;
        }
        Ok(())
    }

    pub(super) fn is_overdue(&self, request: &KeptRequest, now: Timestamp) -> bool {
        now.since(request.since) > self.limits.keep
    }

    /// Records that the request is kept no longer; tells whether that was done, for it may have been kept anew in the meantime.
    fn remove(&self, request: &KeptRequest, why: Removal, deadline: Instant) -> Result<bool, KeptError> {
        let mut log = self.log.open(deadline)?;
        let is_kept = log.kept().contains(request);
        if is_kept {
            let time = self.entry_time(log.as_ref());
            log.append(&Entry { time, event: Event::Request(request.step(Step::Removed { why })) })?;
        }
        Ok(is_kept)
    }
}

pub(super) fn is_superseded(request: &KeptRequest, kept: &[KeptRequest]) -> bool {
    kept.iter().any(|other| request.is_superseded_by(other))
}
