//! Requests on the server: which a denial opens, which arrive or are taken back, and keeping what a refused push brought.

use super::own::Intake;
use super::{Answer, Server};
use crate::domain::audit::{Entry, Event, KeptRequest, Removal, RequestStep, Step};
use crate::domain::change::{Action, ChangesetId, Pusher, RefUpdate};
use crate::domain::policy::UpdateDecision;
use crate::domain::request::{Limits, Request, RequestId, written_for};
use crate::domain::time::Timestamp;
use crate::ports::incoming::{Carried, NoRoom, OwnRefusal};
use crate::ports::log::LogError;
use crate::ports::parking::{Parking, ParkingError, Shown};
use std::sync::Arc;
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
    /// It could not be kept, nor could what came with it.
    #[error(transparent)]
    Failed(#[from] Arc<KeepError>),
}

/// Why nothing of a refused push is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The commits could not be put where they should wait.
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
    for (step, carried) in sent(intake).zip(&intake.requests) {
        let Step::Sent { bytes } = step else { continue };
        let wanted = step_of(&carried.id, &carried.subject, &carried.request, pusher, step);
        match admit(&mut kept, &wanted, limits) {
            Ok(room) if bytes <= room => {}
            Ok(_) => refusals.push(OwnRefusal::NoRoom(NoRoom::Bytes { limit: limits.max_bytes })),
            Err(full) => refusals.push(OwnRefusal::NoRoom(full)),
        }
    }
    refusals
}

/// The steps of the requests that arrive: what the whole push brought is the first one's.
fn sent(intake: &Intake) -> impl Iterator<Item = Step> {
    std::iter::once(intake.bytes).chain(std::iter::repeat(0)).map(|bytes| Step::Sent { bytes })
}

/// Returns the steps of an allowed push: the requests that it sends and takes back.
pub(super) fn steps(intake: &Intake, pusher: &Pusher, kept: &[KeptRequest]) -> Vec<RequestStep> {
    let gone = kept.iter().filter(|one| intake.cancelled.contains(&one.id)).map(|one| one.step(Step::Cancelled));
    let arrived = sent(intake).zip(&intake.requests);
    let arrived = arrived.map(|(step, one)| step_of(&one.id, &one.subject, &one.request, pusher, step));
    gone.chain(arrived).collect()
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
    /// 2. Without it, for it may take a while: the commits are copied to where they stay, all at once.
    /// 3. Under the lock again: is there still room? Then they are recorded as kept.
    /// 4. Without it, since a landing may hold up whoever shows them, and waits for the log itself: the requests are shown to approvers.
    ///
    /// After a crash behind 2 nothing refers to the copy; behind 3 the requests are kept and not shown, and a clean-up takes them for
    /// damaged.
    pub fn park(&self, answer: &mut Answer, parking: &mut dyn Parking, deadline: Instant) {
        let Ok(Some(recorded)) = &answer.recorded else { return };
        let of = recorded.index;
        if !self.limits.park {
            return;
        }
        let mut waiting: Vec<&mut Opened> =
            answer.requests.iter_mut().filter(|one| matches!(one.kept, Err(NotKept::Off))).collect();
        if let Err(why) = self.park_all(&mut waiting, &answer.pusher, of, parking, deadline) {
            let why = Arc::new(why);
            for opened in waiting.into_iter().filter(|one| matches!(one.kept, Err(NotKept::Off))) {
                opened.kept = Err(NotKept::Failed(Arc::clone(&why)));
            }
        }
    }

    /// Says of each request that it is kept, or that there is no room for it.
    fn park_all(
        &self,
        waiting: &mut [&mut Opened],
        pusher: &Pusher,
        of: u64,
        parking: &mut dyn Parking,
        deadline: Instant,
    ) -> Result<(), KeepError> {
        let log = self.log.open(deadline)?;
        let kept = log.kept().to_vec();
        drop(log);
        for opened in &mut *waiting {
            if kept.iter().any(|one| one.id == opened.id) && parking.has(&opened.id)? {
                opened.kept = Ok(Kept::Before);
            }
        }
        // What the push brought is the first one's.
        let steps = |wanted: &[&mut Opened], bytes: u64| -> Vec<RequestStep> {
            let parked = std::iter::once(bytes).chain(std::iter::repeat(0)).map(|bytes| Step::Parked { bytes, of });
            parked.zip(wanted).map(|(step, one)| step_of(&one.id, &one.subject, &one.request, pusher, step)).collect()
        };
        // How many bytes there is room for, as far as there is room for a request at all.
        let admit_all = |wanted: &mut Vec<&mut Opened>, kept: &[KeptRequest]| {
            let (mut kept, mut limit) = (kept.to_vec(), 0);
            wanted.retain_mut(|opened| {
                let step = Step::Parked { bytes: 0, of };
                let step = step_of(&opened.id, &opened.subject, &opened.request, pusher, step);
                match admit(&mut kept, &step, self.limits) {
                    Ok(room) => limit = room,
                    Err(full) => opened.kept = Err(full.into()),
                }
                matches!(opened.kept, Err(NotKept::Off))
            });
            limit
        };
        let mut wanted: Vec<&mut Opened> =
            waiting.iter_mut().map(|one| &mut **one).filter(|one| matches!(one.kept, Err(NotKept::Off))).collect();
        let limit = admit_all(&mut wanted, &kept);
        if wanted.is_empty() {
            return Ok(());
        }
        let subjects: Vec<ChangesetId> = wanted.iter().map(|one| one.subject).collect();
        let bytes = parking.rescue(&subjects, limit, deadline)?;
        let mut log = self.log.open(deadline)?;
        let limit = admit_all(&mut wanted, log.kept());
        if bytes > limit {
            return Err(ParkingError::TooLarge { limit }.into());
        }
        let time = self.entry_time(log.as_ref());
        for step in steps(&wanted, bytes) {
            log.append(&Entry { time, event: Event::Request(step) })?;
        }
        drop(log);
        let shown: Vec<Shown<'_>> =
            wanted.iter().map(|one| Shown { id: &one.id, subject: &one.subject, request: &one.request }).collect();
        if let Err(why) = parking.show(&shown, &written_for(pusher.login.as_deref())) {
            let mut log = self.log.open(deadline)?;
            let time = self.entry_time(log.as_ref());
            for step in steps(&wanted, bytes) {
                let step = RequestStep { step: Step::Removed { why: Removal::Damaged }, ..step };
                log.append(&Entry { time, event: Event::Request(step) })?;
            }
            return Err(why.into());
        }
        wanted.into_iter().for_each(|opened| opened.kept = Ok(Kept::Now));
        Ok(())
    }
}

/// Takes `wanted` among what is kept, in the place of what it supersedes; returns how many bytes it may bring.
pub(super) fn admit(kept: &mut Vec<KeptRequest>, wanted: &RequestStep, limits: &Limits) -> Result<u64, NoRoom> {
    let then = KeptRequest::of(NEXT, Timestamp::EPOCH, wanted);
    let replaced =
        |one: &KeptRequest| one.id == wanted.id || then.as_ref().is_some_and(|then| one.is_superseded_by(then));
    let theirs = kept.iter().filter(|one| one.requester.login == wanted.requester.login && !replaced(one));
    let (mut count, mut used) = (0, 0_u64);
    for one in theirs {
        count += 1;
        used = used.saturating_add(one.bytes);
    }
    if count >= limits.max_count {
        return Err(NoRoom::Count { limit: limits.max_count });
    }
    match limits.max_bytes.saturating_sub(used) {
        0 => Err(NoRoom::Bytes { limit: limits.max_bytes }),
        room => {
            kept.retain(|one| !replaced(one));
            kept.extend(then);
            Ok(room)
        }
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
