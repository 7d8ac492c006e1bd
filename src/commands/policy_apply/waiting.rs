//! Judges the open requests by two policies.

use super::effect::Changes;
use crate::adapters::git::{GitRepository, REQUESTS};
use crate::cli::local_clone::{Move, Step};
use crate::cli::repository::{Found, Repository};
use crate::cli::supposing::Central;
use crate::cli::{Failure, IntoFailure};
use crate::domain::change::ChangesetId;
use crate::domain::policy::{Decision, Policy, Verdict};
use crate::domain::request::Request;

/// How many requests are judged.
const MOST: usize = 100;

/// Judges what each open request asks for, by `old` and by `new`, as if somebody pushed who has approved nothing.
///
/// # Errors
/// A [`Failure`] if the requests cannot be listed.
pub(super) fn requests(found: &Found, old: Option<&Policy>, new: &Policy) -> Result<Changes, Failure> {
    let central = Central::of(found)?;
    let waiting = match &found.repository {
        Repository::Git(_) => of_git(found)?,
        Repository::Mercurial(_) => central.requests_of_mercurial()?,
    };
    let mut changes = Changes::default();
    for (name, subject, request) in waiting.into_iter().take(MOST) {
        let judge = |policy: &Policy| judged(&central, policy, subject, &request);
        // What has landed, or goes nowhere, waits no more.
        let Some(after) = judge(new) else { continue };
        let before = old.and_then(judge).map_or(Verdict::Deny, |before| before.verdict());
        changes.compare(&format!("{name}, {}", request.target), before, Some(&after));
    }
    Ok(changes)
}

fn judged(central: &Central, policy: &Policy, subject: ChangesetId, request: &Request) -> Option<Decision> {
    let old = central.value(&request.target).ok()?;
    let step = Step::of(Some(&request.action), subject);
    if old == Vec::from_iter(step.new_value()) {
        return None;
    }
    let supposed = Move { target: request.target.clone(), old, step };
    let assessment = central.assess(policy, &supposed, None).ok()?;
    let moves = |update: &crate::domain::change::RefUpdate| !update.changesets.is_empty() || !update.is_plain_update();
    assessment.push.updates.iter().any(moves).then_some(assessment.decision)
}

fn of_git(found: &Found) -> Result<Vec<(String, ChangesetId, Request)>, Failure> {
    let git = GitRepository::at(&found.common_dir).or_fail()?;
    let mut waiting = Vec::new();
    for name in git.kept_below(REQUESTS).or_fail()? {
        let commit = git.kept(&format!("{REQUESTS}{name}")).or_fail()?;
        // What is no request was refused when it came; an older one may lack its subject.
        let read = commit.and_then(|commit| git.request(&commit).ok());
        waiting.extend(read.and_then(|read| Some((name, read.subject, Request::parse(&read.message).ok()?))));
    }
    Ok(waiting)
}
