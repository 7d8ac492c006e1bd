//! What pushers may do to jit's own targets, and what is kept of the tokens that a push carries.

use super::review::{ReviewRefusal, Reviewed};
use crate::domain::approval::{Kind, Place, SignedToken, TokenError, place, without_line_end};
use crate::domain::change::RefUpdate;
use crate::domain::policy::{Policy, UpdateDecision};
use crate::domain::request::RequestId;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::ports::approval_store::{Added, ApprovalStore};
use crate::ports::incoming::{Carried, CarriedRequest, CarriedToken, Declined, OwnRefusal, TokenPlace};

/// How many tokens one push may add.
const MOST_TOKENS: usize = 1_000;

/// What became of the tokens and requests that a push carried.
#[derive(Debug, Default)]
pub struct Intake {
    /// How many tokens are kept that were not there before.
    pub new: usize,
    /// How many were there already.
    pub known: usize,
    /// Offers (push options) that are not kept, and why.
    pub declined: Vec<Declined>,
    /// The reviews that arrived, and what became of them.
    pub reviews: Vec<Reviewed>,
    /// The requests that arrived.
    pub requests: Vec<CarriedRequest>,
    /// The requests that the pusher takes back.
    pub cancelled: Vec<RequestId>,
    /// How much the push brought, in bytes; 0 where that is not known.
    pub bytes: u64,
    /// Every token that concerns the push.
    pub tokens: Vec<SignedToken>,
}

/// Keeps the tokens that may be kept, also of a push that will be refused, and says why it must be.
pub(super) fn take_in(
    repository: &str,
    policy: &Policy,
    approvals: &dyn ApprovalStore,
    carried: Carried,
    now: Timestamp,
) -> (Intake, Vec<OwnRefusal>) {
    let Carried { requests, cancelled, bytes, .. } = carried;
    let mut intake = Intake { requests, cancelled, bytes, ..Intake::default() };
    let mut refusals = carried.refusals;
    for (number, token) in carried.tokens.iter().enumerate() {
        let kept = accept(repository, policy, token).and_then(|signed| match number < MOST_TOKENS {
            true => keep(approvals, &signed, token, now).map(|added| (added, signed)),
            false => Err(Declined::TooMany),
        });
        if let Ok((_, signed)) = &kept
            && matches!(signed.token.kind, Kind::Review(_))
        {
            intake.reviews.push(Reviewed { signed: signed.clone(), outcome: Err(ReviewRefusal::NoDebt) });
        }
        match (kept.map(|(added, _)| added), &token.place) {
            (Ok(Added::New), _) => intake.new += 1,
            (Ok(Added::Known), _) => intake.known += 1,
            (Err(declined), TokenPlace::Offered) => intake.declined.push(declined),
            (Err(source), TokenPlace::File(path)) => {
                refusals.push(OwnRefusal::Token { place: text::encode(path, b""), source });
            }
            (Err(source), TokenPlace::Changeset(id)) => {
                refusals.push(OwnRefusal::Token { place: id.to_string(), source });
            }
        }
    }
    (intake, refusals)
}

pub(super) fn parse(token: &CarriedToken) -> Result<SignedToken, TokenError> {
    let text = std::str::from_utf8(&token.text).map_err(|_| TokenError::Shape)?;
    // Only a file may end its token with a line end (docs/spec/token.md, "Text").
    let is_file = matches!(token.place, TokenPlace::File(_));
    SignedToken::parse(if is_file { without_line_end(text) } else { text })
}

fn accept(repository: &str, policy: &Policy, token: &CarriedToken) -> Result<SignedToken, Declined> {
    let signed = parse(token).map_err(Declined::NotAToken)?;
    let id = signed.id.to_string();
    if policy.holder(&signed.key).is_none() {
        return Err(Declined::UnknownKey { id, key: signed.key.to_string() });
    }
    if signed.token.repository != repository {
        return Err(Declined::OtherRepository { id, repository: signed.token.repository });
    }
    Ok(signed)
}

fn keep(
    approvals: &dyn ApprovalStore,
    signed: &SignedToken,
    token: &CarriedToken,
    now: Timestamp,
) -> Result<Added, Declined> {
    if let TokenPlace::File(given) = &token.place
        && !Place::parse(given).is_some_and(|place| place.suits(signed))
    {
        return Err(Declined::Misplaced { expected: place(signed) });
    }
    approvals.add(signed, now).map_err(|source| Declined::NotKept { id: signed.id.to_string(), source })
}

/// The decision on an update of jit's own targets; what is wrong with one refuses the whole push.
pub(super) fn allowed(update: &RefUpdate) -> UpdateDecision {
    UpdateDecision {
        target: update.target.clone(),
        action: update.action().clone(),
        actions: update.actions.clone(),
        old: update.old.clone(),
        new: update.new.clone(),
        after: update.after.clone(),
        rules: Vec::new(),
        default: None,
    }
}
