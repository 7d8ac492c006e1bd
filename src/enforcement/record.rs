//! Writes decisions and outcomes in the words of the log (docs/spec/audit-log.md).

use super::{Answer, Refusal, Server, Stage, request};
use crate::domain::approval::{SignedToken, TokenId};
use crate::domain::audit::{
    self, Applied, Entry, Event, Hash, OutcomeKind, RuleRecord, SignedCheckpoint, UpdateRecord,
};
use crate::domain::change::{ChangesetId, ContentId, RefUpdate, Target};
use crate::domain::policy::{Counted, Fault, Faults, Mode, Policy, Rule, RuleOutcome, UpdateDecision};
use crate::domain::time::Timestamp;
use crate::ports::log::LogError;
use crate::ports::policy_source::PolicyUnavailable;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

/// A target whose value is not the one that the log last recorded.
#[derive(Debug, Clone)]
pub struct Found {
    /// The target.
    pub target: Target,
    /// The value that it has.
    pub value: Vec<ChangesetId>,
}

/// A target that a push moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The target.
    pub target: Target,
    /// Its value now; empty if it is gone.
    pub value: Vec<ChangesetId>,
}

/// What the log says after an outcome.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The decision that it belongs to; `None` if that was settled before.
    pub of: Option<u64>,
    /// The newest checkpoint.
    pub head: SignedCheckpoint,
    /// How many requests are kept.
    pub kept: usize,
}

impl Server<'_> {
    /// Records that the targets of `landed` moved, and renews the anchor.
    ///
    /// `show` gets the newest checkpoint once it is durable, in a thread of its own: it and the anchor wait for the disk. The log is
    /// locked meanwhile, so it must wait for nobody else.
    ///
    /// # Errors
    /// [`LogError`]: the next decision settles it from the targets' values.
    pub fn record_outcome(
        &self,
        landed: &[Landed],
        deadline: Instant,
        show: impl FnOnce(&SignedCheckpoint) + Send,
    ) -> Result<Outcome, LogError> {
        let mut log = self.log.open(deadline)?;
        let belongs = |open: &&audit::Unsettled| {
            !landed.is_empty()
                && landed.iter().all(|moved| {
                    open.updates.iter().any(|update| update.target == moved.target && update.after == moved.value)
                })
        };
        let of = log.unsettled().iter().rev().find(belongs).map(|open| open.index);
        if let Some(of) = of {
            let applied = landed.iter().map(|l| Applied { target: l.target.clone(), value: l.value.clone() }).collect();
            let outcome = audit::Outcome { of, applied, how: OutcomeKind::Applied, settled: false, blob: None };
            let time = self.entry_time(log.as_ref());
            log.append(&Entry { time, event: Event::Outcome(outcome) })?;
        }
        let head = log.head().clone();
        let mut show = Some(show);
        let mut show = || {
            if let Some(show) = show.take() {
                show(&head);
            }
        };
        let renewed = thread::scope(|scope| {
            let _started = thread::Builder::new().spawn_scoped(scope, &mut show);
            log.renew_anchor()
        });
        // Where no thread could be started.
        show();
        renewed?;
        Ok(Outcome { of, head, kept: log.kept().len() })
    }
}

/// Puts an answer into the form of the log.
pub(super) fn decision(
    repository: &str,
    answer: &Answer,
    policy: Option<&Policy>,
    found: &[Found],
    duration: Duration,
) -> audit::Decision {
    let allowed = answer.is_allowed();
    // A denial has no outcome, and the same denial again must look the same.
    let transaction = match &answer.stage {
        Stage::Transaction(id) if allowed => Some(plain(id)),
        _ => None,
    };
    let counted: BTreeSet<_> = answer
        .decision
        .updates
        .iter()
        .flat_map(|update| &update.rules)
        .flat_map(|rule| [rule.relied_on(), rule.overridden_by().to_vec()].concat())
        .flat_map(|counted| {
            counted.stands_in.into_iter().map(|(from, token)| (token, from)).chain([(counted.token, counted.who)])
        })
        .collect();
    // Two people can sign the same message, so a token is its id and its signer.
    let counts = |signed: &&SignedToken| {
        let signer = policy.and_then(|policy| policy.holder(&signed.key));
        signer.is_some_and(|who| counted.contains(&(signed.id, who.clone())))
    };
    let texts: Vec<&SignedToken> = answer.intake.tokens.iter().filter(counts).collect();
    let tokens: BTreeMap<_, _> = texts.iter().map(|signed| (signed.id, signed.text.clone())).collect();
    let policy_error = answer.refusals.iter().find_map(|refusal| match refusal {
        Refusal::Policy(PolicyUnavailable::Faulty(faults)) => Some(report(faults)),
        Refusal::Policy(other) => Some(chain(other)),
        _ => None,
    });
    audit::Decision {
        repository: repository.to_owned(),
        pusher: answer.pusher.clone(),
        verdict: if allowed { audit::Verdict::Allow } else { audit::Verdict::Deny },
        updates: updates(repository, answer, &texts, found),
        tokens,
        policy: policy.map(|policy| Hash(policy.digest)),
        policy_error,
        reasons: answer.refusals.iter().map(|refusal| chain(refusal)).collect(),
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        transaction,
        again: None,
        blob: None,
    }
}

/// Every fault of the policy with its place, on one line.
fn report(faults: &Faults) -> String {
    let one = |fault: &Fault| match &fault.place {
        Some(place) => {
            let (line, column) = faults.line_and_column(place);
            format!("{}:{line}:{column}: {}", faults.file_name(place), fault.what)
        }
        None => fault.what.to_string(),
    };
    plain(&faults.list().iter().map(one).collect::<Vec<_>>().join("; "))
}

/// Every update of the push: as decided, or, where the push is refused as a whole, as it was asked for.
fn updates(repository: &str, answer: &Answer, counted: &[&SignedToken], found: &[Found]) -> Vec<UpdateRecord> {
    let opened = request::opened(repository, answer);
    let decided = answer.decision.updates.iter().enumerate().map(|(number, update)| UpdateRecord {
        target: update.target.clone(),
        actions: update.actions.clone(),
        old: update.old.clone(),
        new: update.new.clone(),
        after: other_than(&update.new, &update.after),
        found: value_found(&update.target, found),
        contents: contents(update, counted),
        requested: opened.iter().filter(|one| one.update == number).map(|one| one.subject).collect(),
        rules: update.rules.iter().map(rule).collect(),
        refused: default_refusal(update),
    });
    let known = |target: &Target| answer.decision.updates.iter().any(|update| update.target == *target);
    let asked = answer.push.iter().flat_map(|push| &push.updates).filter(|update| !known(&update.target));
    decided.chain(asked.map(|update| as_asked(update, found))).collect()
}

/// An update that no rule judged.
pub(super) fn as_asked(update: &RefUpdate, found: &[Found]) -> UpdateRecord {
    UpdateRecord {
        target: update.target.clone(),
        actions: update.actions.clone(),
        old: update.old.clone(),
        new: update.new.clone(),
        after: other_than(&update.new, &update.after),
        found: value_found(&update.target, found),
        contents: Vec::new(),
        requested: Vec::new(),
        rules: Vec::new(),
        refused: Vec::new(),
    }
}

/// The contents of the tokens that counted for an update.
fn contents(update: &UpdateDecision, counted: &[&SignedToken]) -> Vec<ContentId> {
    let ids: BTreeSet<TokenId> = update.rules.iter().flat_map(|rule| &rule.counted).map(|one| one.token).collect();
    let of_update = counted.iter().filter(|signed| ids.contains(&signed.id));
    let contents: BTreeSet<ContentId> = of_update.filter_map(|signed| signed.token.content).collect();
    contents.into_iter().collect()
}

fn value_found(target: &Target, found: &[Found]) -> Option<Vec<ChangesetId>> {
    found.iter().find(|f| f.target == *target).map(|f| f.value.clone())
}

fn other_than(new: &[ChangesetId], after: &[ChangesetId]) -> Option<Vec<ChangesetId>> {
    (new != after).then(|| after.to_vec())
}

fn default_refusal(update: &UpdateDecision) -> Vec<String> {
    match update.default {
        Some(crate::domain::policy::DefaultAnswer::Deny) => {
            vec!["no enforcing rule matches, and the default is deny".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn rule(rule: &RuleOutcome) -> RuleRecord {
    RuleRecord {
        name: rule.rule.clone(),
        mode: rule.mode,
        met: rule.is_met(),
        unmet: rule.unmet.iter().map(|unmet| plain(&unmet.to_string())).collect(),
        required: required(rule),
        matched: rule.matched.len() as u64,
        counted: rule.relied_on().iter().map(counted).collect(),
        overridden: rule.overridden_by().iter().map(counted).collect(),
        not_counted: rule
            .not_counted
            .iter()
            .map(|n| audit::NotCounted { token: n.token, principal: n.who.clone(), why: plain(&n.why.to_string()) })
            .collect(),
    }
}

fn counted(one: &Counted) -> audit::Counted {
    audit::Counted {
        token: one.token,
        principal: one.who.clone(),
        role: one.role.clone(),
        stands_in_for: one.stands_in.as_ref().map(|(from, _)| from.clone()),
        delegation: one.stands_in.as_ref().map(|(_, delegation)| *delegation),
    }
}

/// The overrides without which the push, whose decision is the entry `of`, would not have been let in.
pub(super) fn overrides(answer: &Answer, policy: &Policy, of: u64, now: Timestamp) -> Vec<audit::Override> {
    if !answer.is_allowed() {
        return Vec::new();
    }
    let mut entries = Vec::new();
    // Each update of the push was decided, in their order; jit's own come after them.
    for (update, decided) in answer.push.iter().flat_map(|push| &push.updates).zip(&answer.decision.updates) {
        for outcome in decided.rules.iter().filter(|one| one.mode == Mode::Enforce) {
            let rule = policy.rules.iter().find(|rule| rule.name == outcome.rule);
            let overridden = rule.filter(|_| !outcome.overridden_by().is_empty());
            entries.extend(overridden.and_then(|rule| overriding(answer, policy, rule, outcome, update, of, now)));
        }
    }
    entries
}

fn overriding(
    answer: &Answer,
    policy: &Policy,
    rule: &Rule,
    outcome: &RuleOutcome,
    update: &RefUpdate,
    of: u64,
    now: Timestamp,
) -> Option<audit::Override> {
    let written = rule.overriding.as_ref()?;
    let overriders = outcome.overridden_by();
    let signed_for = answer.intake.tokens.iter().filter(|signed| overriders.iter().any(|one| one.token == signed.id));
    let subjects: BTreeSet<_> =
        signed_for.filter_map(|signed| signed.token.subject).chain(update.tips.iter().copied()).collect();
    let roles: BTreeSet<_> = rule.roles().into_iter().chain([&written.requirement.role]).cloned().collect();
    let mails = update.changesets.iter().flat_map(|one| one.authors.iter().chain(&one.committer));
    let authors = mails.filter_map(|mail| policy.owner_of_email(mail));
    let pushers = answer.pusher.login.iter().flat_map(|login| policy.likely_owners_of_login(login));
    let stood_in_for = overriders.iter().filter_map(|one| one.stands_in.as_ref()).map(|(from, _)| from);
    let involved = overriders.iter().map(|one| &one.who).chain(stood_in_for);
    let barred: BTreeSet<_> = involved.chain(authors).chain(pushers).cloned().collect();
    Some(audit::Override {
        of,
        target: update.target.clone(),
        rule: rule.name.clone(),
        subjects: subjects.into_iter().collect(),
        overriders: overriders.iter().map(counted).collect(),
        // Who is barred matters only where a role would let them.
        barred: barred.into_iter().filter(|who| roles.iter().any(|role| policy.holds_role(who, role))).collect(),
        roles: roles.into_iter().collect(),
        due: now.plus(written.review_within),
        blob: None,
    })
}

fn required(rule: &RuleOutcome) -> Vec<String> {
    let all = rule.require.iter().map(ToString::to_string);
    let either = rule.any_of.iter().map(|list| {
        let entries: Vec<String> = list.iter().map(ToString::to_string).collect();
        format!("one of: {}", entries.join(" and "))
    });
    let checks: BTreeSet<String> =
        rule.checks.iter().map(|one| format!("the check `{}` from `{}`", one.check, one.role)).collect();
    all.chain(either).chain(checks).collect()
}

/// The error with its causes on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    plain(&words)
}

/// Whatever could steer a terminal or break a line is percent-encoded; the rest of a sentence stands as it is.
pub(super) fn plain(words: &str) -> String {
    let keep = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    words.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
