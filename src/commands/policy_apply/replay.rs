//! Judges logged pushes once more, by another policy.
//!
//! A push is judged as it was: at its time, by its pusher, with the tokens that counted then, whose texts the log has, and of what was let
//! in with those that nobody needed, which the server keeps. Rejections are those that it keeps. The targets that existed then are found
//! by undoing, from the newest entry back, what landed since.
//! A push whose commits are gone, as those of most refused ones are, cannot be judged.

use super::effect::Changes;
use crate::adapters::git::{Claim, GitHistory, GitRepository};
use crate::adapters::mercurial::Talk;
use crate::cli::client::hg_failure;
use crate::cli::contents::all_targets;
use crate::cli::repository::{Found, Repository};
use crate::cli::{Failure, IntoFailure, ServerParts};
use crate::commands::audit::newest;
use crate::domain::approval::{Kind, SignedToken, TokenId};
use crate::domain::audit::{self, Event, UpdateRecord};
use crate::domain::change::{ChangesetId, ContentId, Push, RefUpdate, Target};
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::policy::{self, Policy};
use crate::domain::time::Timestamp;
use crate::enforcement::Server;
use crate::enforcement::assess::{NO_LOG, assess};
use crate::ports::approval_store::{Added, ApprovalStore, Found as FoundTokens, StoreError};
use crate::ports::history::History;
use std::collections::{BTreeMap, BTreeSet};

/// How many pushes are judged.
const PUSHES: usize = 100;

type Targets = BTreeMap<Target, Vec<ChangesetId>>;

/// Judges the newest pushes of the log by `policy`.
///
/// Left out are repetitions of a denial, pushes that were refused for what they claim or because nothing could be decided, and those
/// of jit's own targets alone: no policy changes their answer.
///
/// # Errors
/// A [`Failure`] if the log or the repository cannot be read.
pub(super) fn pushes(parts: &ServerParts, found: &Found, policy: &Policy) -> Result<Changes, Failure> {
    let is_meant = |entry: &audit::Entry| match &entry.event {
        Event::Decision(decision) => decision.again.is_none(),
        Event::Outcome(_) => true,
        _ => false,
    };
    let stored = newest(&parts.audit_paths(), 2 * PUSHES, true, is_meant).or_fail()?;
    let entries: Vec<(u64, audit::Entry)> =
        stored.into_iter().filter_map(|(stored, entry)| Some((stored.index, entry?))).collect();
    let mut replay = Replay { server: parts.server(), found, policy, talk: None };
    let (mut changes, mut count, mut targets) = (Changes::default(), 0, all_targets(found)?);
    for (index, entry) in entries.iter().rev() {
        match &entry.event {
            Event::Outcome(outcome) => undo(outcome, &entries, &mut targets),
            Event::Decision(decision) if count < PUSHES && depends_on_policy(decision) => {
                count += 1;
                let what = format!("entry {index} of {}{}", entry.time, told(decision));
                let before = match decision.verdict {
                    audit::Verdict::Allow => policy::Verdict::Allow,
                    audit::Verdict::Deny => policy::Verdict::Deny,
                };
                changes.compare(&what, before, replay.judge(decision, entry.time, &targets).as_ref());
            }
            _ => {}
        }
    }
    Ok(changes)
}

fn depends_on_policy(decision: &audit::Decision) -> bool {
    decision.reasons.is_empty()
        && decision.policy_error.is_none()
        && decision.updates.iter().any(|update| !update.target.is_own())
}

fn told(decision: &audit::Decision) -> String {
    let login = decision.pusher.login.as_deref().map_or(String::new(), |login| format!(", by {login}"));
    let targets: Vec<String> = decision.updates.iter().map(|update| update.target.to_string()).collect();
    format!("{login}, {}", targets.join(", "))
}

/// Takes back what an allowed push did to its targets.
fn undo(outcome: &audit::Outcome, entries: &[(u64, audit::Entry)], targets: &mut Targets) {
    let decision = entries.iter().find(|(index, _)| *index == outcome.of).map(|(_, entry)| &entry.event);
    let Some(Event::Decision(decision)) = decision else { return };
    for update in decision.updates.iter().filter(|one| outcome.applied.iter().any(|moved| moved.target == one.target)) {
        if update.old.is_empty() {
            targets.remove(&update.target);
        } else {
            targets.insert(update.target.clone(), update.old.clone());
        }
    }
}

struct Replay<'a> {
    server: Server<'a>,
    found: &'a Found,
    policy: &'a Policy,
    /// Of Mercurial, as long as nothing in it failed.
    talk: Option<Talk>,
}

impl Replay<'_> {
    /// Returns the answer; `None` where something that it needs is gone.
    fn judge(&mut self, logged: &audit::Decision, then: Timestamp, targets: &Targets) -> Option<policy::Decision> {
        let records: Vec<&UpdateRecord> = logged.updates.iter().filter(|update| !update.target.is_own()).collect();
        match &self.found.repository {
            Repository::Git(_) => {
                let claims = records.iter().map(|record| Claim {
                    old: record.old.first().copied(),
                    new: record.new.first().copied(),
                    refname: record.target.as_git_ref().unwrap_or_default().to_vec(),
                });
                let repository = GitRepository::at(&self.found.common_dir).ok()?;
                let single = targets.iter().filter_map(|(target, value)| Some((target.clone(), *value.first()?)));
                let history = GitHistory::supposing(repository, claims.collect()).among(single.collect());
                let mut history = history.ok()?;
                let updates = history.ref_updates().ok()?;
                self.assess(logged, then, updates, &mut history)
            }
            Repository::Mercurial(hg) => {
                let mut talk = match self.talk.take() {
                    Some(talk) => talk,
                    None => hg.talk_here().map_err(|error| hg_failure(&error)).ok()?,
                };
                let ids = records.iter().flat_map(|record| record.old.iter().chain(&record.new));
                let mut all_here = true;
                for id in ids {
                    all_here &= talk.resolve(&id.hex()).ok()? == Some(*id);
                }
                let updates = if all_here { talk.history().replay(&records, targets.clone()).ok()? } else { None };
                let decision = updates.and_then(|updates| self.assess(logged, then, updates, talk.history()));
                // After an error nobody answers any more.
                self.talk = decision.is_some().then_some(talk);
                decision
            }
        }
    }

    fn assess(
        &self,
        logged: &audit::Decision,
        then: Timestamp,
        mut updates: Vec<RefUpdate>,
        history: &mut dyn History,
    ) -> Option<policy::Decision> {
        for update in &mut updates {
            let record = logged.updates.iter().find(|record| record.target == update.target);
            update.rewritten_at = record.and_then(|record| record.found.as_ref()).map(|_| then);
        }
        let push = Push {
            repository: logged.repository.clone(),
            pusher: logged.pusher.clone(),
            unknown_pusher_allowed: self.server.unknown_pusher_allowed,
            updates,
        };
        let tokens = logged.tokens.values().filter_map(|text| SignedToken::parse(text).ok()).collect();
        let rules = logged.updates.iter().flat_map(|update| &update.rules);
        let failed = rules.flat_map(|rule| &rule.not_counted).map(|one| one.token).collect();
        let unneeded = (logged.verdict == audit::Verdict::Allow).then_some(failed);
        let approvals = AtThatTime { tokens, unneeded, store: self.server.approvals, then };
        assess(self.policy, push, history, &approvals, &NO_LOG, then).ok().map(|assessment| assessment.decision)
    }
}

/// The approvals that the log has, and what the server keeps against approvals since before that time.
struct AtThatTime<'a> {
    tokens: Vec<SignedToken>,
    /// Of a push that was let in: the approvals that are known not to have counted. The log does not name those that were good and not
    /// needed; whatever else the server keeps from before is taken for one. A push that was refused had none too many.
    unneeded: Option<BTreeSet<TokenId>>,
    store: &'a dyn ApprovalStore,
    then: Timestamp,
}

impl AtThatTime<'_> {
    fn known(&self, mut found: FoundTokens) -> FoundTokens {
        let unneeded = |signed: &SignedToken| self.unneeded.as_ref().is_some_and(|failed| !failed.contains(&signed.id));
        found.tokens.retain(|signed| {
            let is_meant = match signed.token.kind {
                Kind::Approve => unneeded(signed),
                Kind::Override(_) => false,
                _ => true,
            };
            is_meant && signed.token.not_before <= self.then
        });
        found
    }
}

impl ApprovalStore for AtThatTime<'_> {
    fn of_subject(&self, subject: &ChangesetId) -> Result<FoundTokens, StoreError> {
        let mut found = self.known(self.store.of_subject(subject)?);
        found
            .tokens
            .extend(self.tokens.iter().filter(|signed| signed.token.subject.as_ref() == Some(subject)).cloned());
        Ok(found)
    }

    fn of_content(&self, content: &ContentId) -> Result<FoundTokens, StoreError> {
        let mut found = self.known(self.store.of_content(content)?);
        found.tokens.extend(self.tokens.iter().filter(|signed| signed.token.content == Some(*content)).cloned());
        Ok(found)
    }

    fn revocations_of(&self, token: &TokenId) -> Result<FoundTokens, StoreError> {
        Ok(self.known(self.store.revocations_of(token)?))
    }

    fn delegations(&self, role: &RoleName, to: &PrincipalId) -> Result<FoundTokens, StoreError> {
        Ok(self.known(self.store.delegations(role, to)?))
    }

    /// Nothing is kept: nobody pushes.
    fn add(&self, _: &SignedToken, _: Timestamp) -> Result<Added, StoreError> {
        Ok(Added::Known)
    }
}
