//! Requests on the server: which a denial opens, which arrive or are taken back, and keeping what a refused push brought.

use super::own::Intake;
use super::{Answer, Server};
use crate::domain::audit::{Entry, Event, KeptRequest, RequestStep, Step};
use crate::domain::change::{Action, ChangesetId, Pusher, RefUpdate};
use crate::domain::policy::UpdateDecision;
use crate::domain::request::{Limits, Request, RequestId, written_for};
use crate::domain::time::Timestamp;
use crate::ports::incoming::{Carried, NoRoom, OwnRefusal};
use crate::ports::log::LogError;
use crate::ports::parking::{Parking, ParkingError};
use std::time::Instant;

/// The index of an entry that is still to be written: behind all others.
const NEXT: u64 = u64::MAX;

/// A request that a denial opened: somebody's tokens could still let the update in.
#[derive(Debug)]
pub struct Opened {
    /// Its id.
    pub id: RequestId,
    /// The number of its update in the answer's decision, from 0.
    pub update: usize,
    /// The tip that should land, of a tag what it names; of a deletion the one that goes.
    pub subject: ChangesetId,
    /// What it asks.
    pub request: Request,
    /// Whether approvers can fetch its commits from the server, or why not.
    pub kept: Result<Kept, NotKept>,
}

/// Since when approvers can fetch a request's commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Since this push.
    Now,
    /// They could before.
    Before,
}

/// Why approvers cannot fetch a request's commits.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotKept {
    /// The server keeps nothing of refused pushes.
    #[error("the server does not keep what a refused push brings")]
    Off,
    /// Only commits can wait: an annotated tag is none, and what should be deleted stands where it stood.
    #[error("only commits that should land are kept")]
    NoCommits,
    /// The pusher's other requests leave no room.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// It could not be kept.
    #[error(transparent)]
    Parking(#[from] ParkingError),
    /// The log did not take it.
    #[error("cannot record that it is kept")]
    Log(#[from] LogError),
}

/// Returns the requests that a recorded denial opens.
pub(super) fn opened(repository: &str, answer: &Answer) -> Vec<Opened> {
    if answer.is_allowed() || !answer.refusals.is_empty() {
        return Vec::new();
    }
    let updates = answer.push.iter().flat_map(|push| &push.updates).zip(&answer.decision.updates);
    let waiting = updates.enumerate().filter(|(_, (_, decided))| decided.awaits_tokens());
    waiting.flat_map(|(number, (update, decided))| of_update(repository, number, update, decided)).collect()
}

fn of_update(repository: &str, number: usize, update: &RefUpdate, decided: &UpdateDecision) -> Vec<Opened> {
    let opened = |subject: &ChangesetId| {
        let (target, action, base) = (decided.target.clone(), decided.action.clone(), decided.old.clone());
        let request = Request { target, action, base, reason: String::new() };
        let is_commit = decided.action != Action::Delete && update.new.contains(subject);
        let kept = Err(if is_commit { NotKept::Off } else { NotKept::NoCommits });
        Opened { id: request.id(repository, subject), update: number, subject: *subject, request, kept }
    };
    // A head that vanishes is nothing that should land.
    let is_asked =
        |tip: &&ChangesetId| decided.action == Action::Delete || update.new.contains(tip) || !update.old.contains(tip);
    update.tips.iter().filter(is_asked).map(opened).collect()
}

/// Says why the push must be refused for the requests that it sends and takes back.
pub(super) fn refusals(intake: &Intake, kept: &[KeptRequest], pusher: &Pusher, limits: &Limits) -> Vec<OwnRefusal> {
    let mut refusals = Vec::new();
    for id in &intake.cancelled {
        let theirs = |one: &&KeptRequest| one.id == *id && one.requester.login == pusher.login;
        if pusher.login.is_none() || !kept.iter().any(|one| theirs(&one)) {
            refusals.push(OwnRefusal::NotTheirs { id: id.clone() });
        }
    }
    let mut kept = kept.to_vec();
    for (number, carried) in intake.requests.iter().enumerate() {
        // The bytes are those of the whole push.
        let bytes = if number == 0 { intake.bytes } else { 0 };
        let wanted = step_of(&carried.id, &carried.subject, &carried.request, pusher, Step::Sent { bytes });
        match room(&kept, &wanted, limits) {
            Ok(room) if bytes <= room => kept.extend(KeptRequest::of(NEXT, Timestamp::EPOCH, &wanted)),
            Ok(_) => refusals.push(OwnRefusal::NoRoom(NoRoom::Bytes { limit: limits.max_bytes })),
            Err(full) => refusals.push(OwnRefusal::NoRoom(full)),
        }
    }
    refusals
}

/// Returns the steps of an allowed push: the requests that it sends and takes back.
pub(super) fn steps(intake: &Intake, pusher: &Pusher, kept: &[KeptRequest]) -> Vec<RequestStep> {
    let Intake { requests, cancelled, bytes, .. } = intake;
    let gone = kept.iter().filter(|one| cancelled.contains(&one.id)).map(|one| one.step(Step::Cancelled));
    let sent = requests.iter().enumerate().map(|(number, carried)| {
        let step = Step::Sent { bytes: if number == 0 { *bytes } else { 0 } };
        step_of(&carried.id, &carried.subject, &carried.request, pusher, step)
    });
    gone.chain(sent).collect()
}

impl Server<'_> {
    /// Takes the requests that arrive beside the repository itself, and that somebody takes back there; returns why they must be refused
    /// instead. What is taken is recorded.
    ///
    /// # Errors
    /// [`LogError`]: then nothing may be taken.
    pub fn take_requests(
        &self,
        carried: Carried,
        pusher: &Pusher,
        deadline: Instant,
    ) -> Result<Vec<OwnRefusal>, LogError> {
        let Carried { requests, cancelled, bytes, refusals, .. } = carried;
        let intake = Intake { requests, cancelled, bytes, ..Intake::default() };
        if !refusals.is_empty() || (intake.requests.is_empty() && intake.cancelled.is_empty()) {
            return Ok(refusals);
        }
        let mut log = self.log.open(deadline)?;
        let refusals = self::refusals(&intake, log.kept(), pusher, self.limits);
        if refusals.is_empty() {
            let time = self.entry_time(log.as_ref());
            for step in steps(&intake, pusher, log.kept()) {
                log.append(&Entry { time, event: Event::Request(step) })?;
            }
        }
        Ok(refusals)
    }

    /// Keeps what a refused push brought for the requests that the denial opened, if the settings say so, and says of each what
    /// became of it. The decision stands already.
    ///
    /// 1. Under the log's lock: is there room?
    /// 2. Without it, for it may take a while: the commits are copied to where they stay.
    /// 3. Under the lock again: is there still room? The request is shown to approvers, then recorded as kept.
    ///
    /// After a crash behind 2 nothing refers to the copy; behind the showing the request counts for nothing until it is parked again, and
    /// a clean-up takes it away.
    pub fn park(&self, answer: &mut Answer, parking: &mut dyn Parking, deadline: Instant) {
        let Ok(Some(recorded)) = &answer.recorded else { return };
        let of = recorded.index;
        if !self.limits.park {
            return;
        }
        for opened in &mut answer.requests {
            if matches!(opened.kept, Err(NotKept::Off)) {
                opened.kept = self.park_one(opened, &answer.pusher, of, parking, deadline);
            }
        }
    }

    fn park_one(
        &self,
        opened: &Opened,
        pusher: &Pusher,
        of: u64,
        parking: &mut dyn Parking,
        deadline: Instant,
    ) -> Result<Kept, NotKept> {
        let Opened { id, subject, request, .. } = opened;
        let wanted = |bytes| step_of(id, subject, request, pusher, Step::Parked { bytes, of });
        let log = self.log.open(deadline)?;
        if log.kept().iter().any(|one| one.id == *id) && parking.has(id)? {
            return Ok(Kept::Before);
        }
        let limit = room(log.kept(), &wanted(0), self.limits)?;
        drop(log);
        let bytes = parking.rescue(subject, limit, deadline)?;
        let mut log = self.log.open(deadline)?;
        let limit = room(log.kept(), &wanted(0), self.limits)?;
        if bytes > limit {
            return Err(ParkingError::TooLarge { limit }.into());
        }
        parking.show(id, subject, request, &written_for(pusher.login.as_deref()))?;
        let time = self.entry_time(log.as_ref());
        log.append(&Entry { time, event: Event::Request(wanted(bytes)) })?;
        Ok(Kept::Now)
    }
}

/// Returns how many bytes `wanted` may bring: what it takes the place of does not count.
pub(super) fn room(kept: &[KeptRequest], wanted: &RequestStep, limits: &Limits) -> Result<u64, NoRoom> {
    let then = KeptRequest::of(NEXT, Timestamp::EPOCH, wanted);
    let replaced = |one: &&KeptRequest| then.as_ref().is_some_and(|then| one.is_superseded_by(then));
    let others = || {
        let theirs = kept.iter().filter(|one| one.requester.login == wanted.requester.login);
        theirs.filter(|one| one.id != wanted.id && !replaced(one))
    };
    if others().count() as u64 >= limits.max_count {
        return Err(NoRoom::Count { limit: limits.max_count });
    }
    let used = others().fold(0_u64, |sum, one| sum.saturating_add(one.bytes));
    match limits.max_bytes.saturating_sub(used) {
        0 => Err(NoRoom::Bytes { limit: limits.max_bytes }),
        room => Ok(room),
    }
}

pub(super) fn step_of(
    id: &RequestId,
    subject: &ChangesetId,
    request: &Request,
    pusher: &Pusher,
    step: Step,
) -> RequestStep {
    let Request { target, action, base, reason } = request.clone();
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    RequestStep { id: id.clone(), target, subject: *subject, action, base, reason, requester: pusher.clone(), step }
}
