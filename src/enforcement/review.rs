//! Takes the reviews that a push brings: each pays the debt that an override left (docs/spec/semantics.md, 13).

use super::own::Intake;
use super::record::plain;
use crate::domain::approval::{Kind, SignedToken};
use crate::domain::audit::{Debt, Entry, Event, Review};
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::policy::{LEEWAY, Policy};
use crate::domain::time::Timestamp;
use crate::ports::log::{Log, LogError};

/// A review that arrived.
#[derive(Debug)]
pub struct Reviewed {
    /// Its token.
    pub signed: SignedToken,
    /// The entry of the override that it paid, or why it paid none.
    pub outcome: Result<u64, ReviewRefusal>,
}

/// Why a review pays no debt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewRefusal {
    /// Nothing that it could be about waits.
    #[error("no override of that rule, for that commit and target, waits for a review")]
    NoDebt,
    /// Its signer had a part in it.
    #[error("{by} signed the override, pushed with it or wrote what it let in")]
    Involved {
        /// Who signed the review.
        by: PrincipalId,
    },
    /// Its signer holds none of the roles that may.
    #[error("{by} holds none of {}", roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", "))]
    NoRole {
        /// Who signed the review.
        by: PrincipalId,
        /// Who may.
        roles: Vec<RoleName>,
    },
    /// Its signer's place in the policy is over.
    #[error("the place of {by} in the policy ended at {at}")]
    Ended {
        /// Who signed the review.
        by: PrincipalId,
        /// When.
        at: Timestamp,
    },
    /// It was signed before the override was used, or after now.
    #[error("it was signed at {signed}, and the override was used at {used}")]
    OtherTime {
        /// The first moment at which the review counts.
        signed: Timestamp,
        /// When the override was used.
        used: Timestamp,
    },
}

/// Writes an entry for each of the reviews of `intake` that pays a debt, and notes for each what became of it.
///
/// The tokens belong to this repository and to keys of `policy`.
///
/// # Errors
/// [`LogError`]: the push must be denied.
pub(super) fn record(policy: &Policy, intake: &mut Intake, log: &mut dyn Log, now: Timestamp) -> Result<(), LogError> {
    for review in &mut intake.reviews {
        let about = |debt: &&Debt| is_about(&review.signed, debt);
        // Of several the oldest that its signer may review.
        let judged: Vec<_> =
            log.debts().iter().filter(about).map(|debt| judge(policy, &review.signed, debt, now)).collect();
        let paid = judged.iter().find(|one| one.is_ok()).or(judged.first()).cloned();
        review.outcome = match paid {
            None => Err(ReviewRefusal::NoDebt),
            Some(Err(refusal)) => Err(refusal),
            Some(Ok((debt, by))) => {
                let (token, text) = (review.signed.id, plain(&review.signed.text));
                log.append(&Entry { time: now, event: Event::Review(Review { debt, by, token, text }) })?;
                Ok(debt)
            }
        };
    }
    Ok(())
}

fn is_about(signed: &SignedToken, debt: &Debt) -> bool {
    let (token, what) = (&signed.token, &debt.overriding);
    token.kind == Kind::Review(what.rule.clone())
        && token.target.as_ref() == Some(&what.target)
        && token.subject.is_some_and(|subject| what.subjects.contains(&subject))
}

/// Returns the debt that `signed` pays and who pays it.
fn judge(
    policy: &Policy,
    signed: &SignedToken,
    debt: &Debt,
    now: Timestamp,
) -> Result<(u64, PrincipalId), ReviewRefusal> {
    let by = policy.holder(&signed.key).ok_or(ReviewRefusal::NoDebt)?.clone();
    let (what, at) = (&debt.overriding, signed.token.not_before);
    if what.barred.contains(&by) {
        return Err(ReviewRefusal::Involved { by });
    }
    if !what.roles.iter().any(|role| policy.holds_role(&by, role)) {
        return Err(ReviewRefusal::NoRole { by, roles: what.roles.clone() });
    }
    let until = policy.principals.get(&by).and_then(|who| who.valid_until);
    if let Some(at) = until.filter(|until| now >= *until) {
        return Err(ReviewRefusal::Ended { by, at });
    }
    // One that was signed for an earlier use is nothing to this one.
    if at.plus(LEEWAY) < debt.time || at > now.plus(LEEWAY) {
        return Err(ReviewRefusal::OtherTime { signed: at, used: debt.time });
    }
    Ok((debt.index, by))
}
