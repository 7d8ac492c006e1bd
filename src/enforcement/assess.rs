//! Gathers what the policy asks to know of a push, and has it evaluated. Records nothing.
//!
//! The server's decision and every client's preview take this same way, so that they cannot drift apart.

use crate::domain::approval::{SignedToken, TokenId};
use crate::domain::change::{Action, ChangesetId, ContentId, Push, RefUpdate, Target, TargetKind};
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::policy::{Decision, Mode, Policy, Rule, Verdict, evaluate};
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::ports::approval_store::{ApprovalStore, Found, SkipReason, StoreError};
use crate::ports::history::{History, HistoryError, Need, OwnPaths, Selection};
use crate::ports::log::LogError;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

/// Why a push could not be assessed.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// The history could not be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The approvals could not be read.
    #[error("cannot read the approvals")]
    Approvals(#[from] StoreError),
    /// What the log knows could not be looked up.
    #[error("cannot look up in the log what has landed")]
    Log(#[from] LogError),
    /// Something among the approvals cannot be read: it could be a rejection or a revocation.
    #[error("cannot read the approval {}", text::encode(path.as_os_str().as_encoded_bytes(), b""))]
    Damaged {
        /// Where it stands.
        path: PathBuf,
        /// What is wrong with it.
        source: SkipReason,
    },
}

/// A push with everything that was gathered for it, and the answer.
#[derive(Debug)]
pub struct Assessment {
    /// The push, its updates loaded as far as the policy asks.
    pub push: Push,
    /// Every token that concerns it.
    pub tokens: Vec<SignedToken>,
    /// The answer.
    pub decision: Decision,
    /// The moment at which it was judged.
    pub now: Timestamp,
}

/// Tells when changes of a content last landed on a target with approvals, as [`crate::ports::log::Log::landed`].
pub type Landed<'a> = dyn Fn(&Target, &ContentId) -> Result<Option<Timestamp>, LogError> + 'a;

/// What a client, who has no log, knows of that: nothing.
pub const NO_LOG: fn(&Target, &ContentId) -> Result<Option<Timestamp>, LogError> = |_, _| Ok(None);

/// Loads what `policy` asks of each update of `push`, gathers the tokens, and evaluates at `now`.
///
/// # Errors
/// [`AssessError`]: nothing was decided.
pub fn assess(
    policy: &Policy,
    mut push: Push,
    history: &mut dyn History,
    approvals: &dyn ApprovalStore,
    landed: &Landed<'_>,
    now: Timestamp,
) -> Result<Assessment, AssessError> {
    for update in &mut push.updates {
        load(policy, update, history, Merges::Unknown)?;
        if policy.asks_content(update, now) {
            history.contents(update)?;
        }
    }
    let tokens = gather(policy, &push, approvals)?;
    for update in &mut push.updates {
        let target = update.target.clone();
        let of_target = || tokens.iter().map(|signed| &signed.token).filter(|one| one.target.as_ref() == Some(&target));
        let bases: BTreeSet<ChangesetId> = of_target().flat_map(|token| token.base.iter().copied()).collect();
        history.reachable_bases(update, &bases)?;
        let mut subjects = BTreeSet::new();
        for token in of_target() {
            if let Some(content) = token.content
                && let Some(landing) = update.contents.get_mut(&content)
            {
                landing.landed_at = landed(&target, &content)?;
                subjects.extend(token.subject);
            }
        }
        update.held = if subjects.is_empty() { subjects } else { history.held(update, &subjects)? };
    }
    let mut decision = evaluate(policy, &push, &tokens, now);
    // Whether a merge has changes of its own is dear to find out, and matters only where no token covers the merge. Where a rule is
    // overridden it may show that nothing had to be.
    if decision.verdict() == Verdict::Deny || is_overridden(&decision) {
        let mut looked = false;
        for update in push.updates.iter_mut().filter(|update| has_unknown_merges(update)) {
            load(policy, update, history, Merges::Known)?;
            looked = true;
        }
        if looked {
            decision = evaluate(policy, &push, &tokens, now);
        }
    }
    Ok(Assessment { push, tokens, decision, now })
}

fn is_overridden(decision: &Decision) -> bool {
    decision.updates.iter().flat_map(|update| &update.rules).any(|rule| !rule.overridden_by().is_empty())
}

/// Whether to find out what merges change of their own where no rule asks for paths.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merges {
    Unknown,
    Known,
}

fn has_unknown_merges(update: &RefUpdate) -> bool {
    update.changesets.iter().any(|changeset| changeset.parents.len() > 1 && changeset.own_paths.is_none())
}

fn load(
    policy: &Policy,
    update: &mut RefUpdate,
    history: &mut dyn History,
    merges: Merges,
) -> Result<(), HistoryError> {
    let rules: Vec<Rule> = policy.rules_for(update).cloned().collect();
    if rules.is_empty() {
        return Ok(());
    }
    let (hiding, whole): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|rule| hides_what_it_judged(rule));
    let hidden = hiding.into_iter().map(|rule| Selection {
        rule: rule.name.clone(),
        picks: Box::new(move |target| policy.names_target(rule, target)),
    });
    let promoted = rules.iter().filter_map(|rule| {
        let from = rule.promoted_from.as_ref()?;
        let picks = Box::new(move |target: &Target| {
            let (kind, name) = target.kind_and_name();
            kind == TargetKind::Branch && from.matches(name)
        });
        Some(Selection { rule: rule.name.clone(), picks })
    });
    let own_paths = match merges {
        _ if rules.iter().any(looks_at_paths) => OwnPaths::All,
        Merges::Known => OwnPaths::Merges,
        Merges::Unknown => OwnPaths::Unneeded,
    };
    let need = Need {
        own_paths,
        lines: rules.iter().filter_map(|rule| rule.larger_than?.lines).max(),
        trailers: rules.iter().any(|rule| !rule.labels.is_empty()),
        whole: !whole.is_empty(),
        hidden: hidden.collect(),
        promoted: promoted.collect(),
    };
    history.load(update, &need)
}

fn looks_at_paths(rule: &Rule) -> bool {
    rule.paths.is_some() || rule.larger_than.is_some_and(|limits| limits.looks_at_paths())
}

/// A rule that always enforces creation, updates and rewrites has judged whatever already stands on the refs that it names, so that
/// a creation need not be judged on it again (docs/spec/semantics.md, 4).
fn hides_what_it_judged(rule: &Rule) -> bool {
    rule.mode == Mode::Enforce
        && rule.when.is_none()
        && [Action::Create, Action::Update, Action::Rewrite].iter().all(|action| rule.names_action(action))
}

/// Collects the tokens whose subject or content is part of the push, the delegations by which their signers stand in for others, and
/// the revocations of all these.
fn gather(policy: &Policy, push: &Push, approvals: &dyn ApprovalStore) -> Result<Vec<SignedToken>, AssessError> {
    let mut subjects: BTreeSet<ChangesetId> = BTreeSet::new();
    for update in &push.updates {
        if policy.rules_for(update).any(Rule::asks_tokens) {
            subjects.extend(update.changesets.iter().map(|changeset| changeset.id));
            subjects.extend(&update.tips);
        }
    }
    let mut tokens = Vec::new();
    for subject in subjects {
        tokens.extend(sound(approvals.of_subject(&subject)?)?);
    }
    let contents: BTreeSet<&ContentId> = push.updates.iter().flat_map(|update| update.contents.keys()).collect();
    for content in contents {
        tokens.extend(sound(approvals.of_content(content)?)?);
    }
    // A token stands with its subject and with its content.
    let mut seen = HashSet::new();
    tokens.retain(|signed| seen.insert((signed.id, *signed.key.as_bytes())));
    for (role, to) in stand_ins(policy, push, &tokens) {
        tokens.extend(sound(approvals.delegations(&role, &to)?)?);
    }
    let ids: Vec<TokenId> = tokens.iter().map(|signed| signed.id).collect();
    for id in ids {
        tokens.extend(sound(approvals.revocations_of(&id)?)?);
    }
    Ok(tokens)
}

/// The roles that rules ask for and that can be delegated, each with those signers of `tokens` who do not hold it.
fn stand_ins(policy: &Policy, push: &Push, tokens: &[SignedToken]) -> BTreeSet<(RoleName, PrincipalId)> {
    let rules = || push.updates.iter().flat_map(|update| policy.rules_for(update));
    let emergency = rules().filter_map(|rule| rule.overriding.as_ref()).map(|one| &one.requirement.role);
    let asked: BTreeSet<&RoleName> = rules().flat_map(Rule::roles).chain(emergency).collect();
    let delegable = |role: &&RoleName| policy.roles.get(*role).is_some_and(|role| role.delegable);
    let signers: BTreeSet<&PrincipalId> = tokens.iter().filter_map(|signed| policy.holder(&signed.key)).collect();
    let of_role = |role: &RoleName| {
        let others = signers.iter().filter(|who| !policy.holds_role(who, role));
        others.map(|who| (role.clone(), (*who).clone())).collect::<Vec<_>>()
    };
    asked.into_iter().filter(delegable).flat_map(of_role).collect()
}

/// Nothing is left out in silence: what cannot be read could be what takes an approval away.
fn sound(found: Found) -> Result<Vec<SignedToken>, AssessError> {
    match found.skipped.into_iter().next() {
        Some(skipped) => Err(AssessError::Damaged { path: skipped.path, source: skipped.why }),
        None => Ok(found.tokens),
    }
}
