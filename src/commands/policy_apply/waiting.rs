//! Judges the open requests by two policies.

use super::effect::Changes;
use crate::cli::Failure;
use crate::cli::local_clone::{Move, Step};
use crate::cli::repository::Found;
use crate::cli::supposing::Central;
use crate::domain::policy::{Decision, Policy, Verdict};
use crate::domain::request::{Asked, Wanted};

/// How many requests are judged: the newest.
const MOST: usize = 100;

/// Judges what each open request asks for, by `old` and by `new`, as if somebody pushed who has approved nothing.
///
/// # Errors
/// A [`Failure`] if the requests cannot be listed.
pub(super) fn requests(found: &Found, old: Option<&Policy>, new: &Policy) -> Result<Changes, Failure> {
    let central = Central::of(found)?;
    let waiting = central.asked(&Wanted::Waiting)?.requests;
    let mut changes = Changes::default();
    for asked in waiting.iter().rev().take(MOST) {
        let judge = |policy: &Policy| judged(&central, policy, asked);
        // What has landed, or goes nowhere, waits no more.
        let Some(after) = judge(new) else { continue };
        let before = old.and_then(judge).map_or(Verdict::Deny, |before| before.verdict());
        changes.compare(&format!("{}, {}", asked.id, asked.target), before, Some(&after));
    }
    Ok(changes)
}

fn judged(central: &Central, policy: &Policy, asked: &Asked) -> Option<Decision> {
    let old = central.value(&asked.target).ok()?;
    let step = Step::of(Some(&asked.action), asked.subject);
    if old == Vec::from_iter(step.new_value()) {
        return None;
    }
    let supposed = Move { target: asked.target.clone(), old, step };
    let assessment = central.assess(policy, &[supposed], None).ok()?;
    let moves = |update: &crate::domain::change::RefUpdate| !update.changesets.is_empty() || !update.is_plain_update();
    assessment.push.updates.iter().any(moves).then_some(assessment.decision)
}
