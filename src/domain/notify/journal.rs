//! Which notices follow from an entry of the log.

use super::event::Event;
use super::memory::Told;
use super::notice::{About, Notice, RuleNotice};
use crate::domain::audit::{
    self, Decision, Entry, Outcome, OutcomeKind, Override, RecoveryKind, RequestStep, RuleRecord, Step, UpdateRecord,
    Verdict,
};
use crate::domain::change::{Action, ChangesetId};
use crate::domain::name::RuleName;
use crate::domain::policy::{Mode, Policy};
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;

/// Returns what the entry `index` has to tell, in its order.
///
/// `judged` is the decision whose outcome the entry is; it can be missing, then less is said. `policy` is the one in force now;
/// it names what a rule says and asks, so a rule that has gone meanwhile says less.
pub fn from_entry(
    index: u64,
    entry: &Entry,
    repository: &str,
    judged: Option<&Decision>,
    policy: Option<&Policy>,
    told: &mut Told,
) -> Vec<Notice> {
    let from = Source { index, time: entry.time, repository, policy };
    match &entry.event {
        audit::Event::Decision(decision) => from.decision(decision, told),
        audit::Event::Outcome(outcome) => {
            if outcome.how == OutcomeKind::NotApplied {
                told.comes_to_nothing(outcome.of);
            }
            from.outcome(outcome, judged)
        }
        audit::Event::Gate(gate) => from.gate(gate),
        audit::Event::Override(used) => {
            let notice = from.overriding(used);
            told.owes(index, used, &notice);
            vec![notice]
        }
        audit::Event::Review(review) => {
            told.paid(review.debt);
            Vec::new()
        }
        audit::Event::Request(step) => from.asked_for(step, told).into_iter().collect(),
        audit::Event::Policy(change) => vec![Notice {
            by: vec![change.by.clone()],
            details: change.changed.iter().map(|name| format!("changed: {name}")).collect(),
            ..from.notice(Event::PolicyChanged, 0)
        }],
        audit::Event::Recovery(recovery) => {
            let what = match recovery.what {
                RecoveryKind::BadTail => "a spoilt last line of the log was moved aside",
                RecoveryKind::AcceptRestore => "the log was restored from a back-up, or its clock corrected",
            };
            let reason = recovery.reason.iter().map(|reason| format!("reason: {reason}"));
            vec![from.trouble(0, std::iter::once(what.to_owned()).chain(reason).collect())]
        }
        audit::Event::Uninstall(gone) => {
            let what = "the hooks were taken out: pushes are no longer judged".to_owned();
            vec![Notice { by: vec![gone.by.clone()], ..from.trouble(0, vec![what]) }]
        }
        _ => Vec::new(),
    }
}

/// The entry that speaks.
struct Source<'a> {
    index: u64,
    time: Timestamp,
    repository: &'a str,
    policy: Option<&'a Policy>,
}

impl Source<'_> {
    /// Begins the notice number `part` of this entry.
    fn notice(&self, event: Event, part: usize) -> Notice {
        let which = format!("{}:{part}", self.index);
        Notice { entry: Some(self.index), ..Notice::new(self.repository, event, &which, self.time) }
    }

    fn trouble(&self, part: usize, details: Vec<String>) -> Notice {
        Notice { details, ..self.notice(Event::Trouble, part) }
    }

    fn decision(&self, decision: &Decision, told: &mut Told) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(error) = decision.policy_error.as_ref().filter(|_| decision.again.is_none()) {
            let what = format!("the policy does not load, so every push is denied: {error}");
            notices.push(self.trouble(0, vec![what]));
        }
        for (part, update) in decision.updates.iter().enumerate() {
            if let Some(found) = &update.found {
                let what = format!("{} was moved past the hooks; its value was {}", update.target, ids(found));
                notices.push(Notice { about: Some(about(update)), ..self.trouble(part + 1, vec![what]) });
            }
            if decision.verdict == Verdict::Deny {
                notices.extend(self.opened(decision, update, told));
            }
        }
        notices
    }

    /// One opening for each request of the update that was not told of.
    fn opened(&self, decision: &Decision, update: &UpdateRecord, told: &mut Told) -> Vec<Notice> {
        let mut notices = Vec::new();
        for subject in &update.requested {
            let id = RequestId::of(self.repository, &update.target, subject);
            let rules = update.rules.iter().filter(|rule| is_unmet(rule)).map(|rule| self.asked(rule)).collect();
            let about = About { new: after(&update.actions, subject), ..about(update) };
            notices.extend(self.opening(&id, about, decision.pusher.login.clone(), rules, told));
        }
        notices
    }

    /// The opening of a request that nobody had pushed before it was sent; that it could not land by itself.
    fn asked_for(&self, step: &RequestStep, told: &mut Told) -> Option<Notice> {
        let actions = vec![step.action.clone()];
        let about =
            About { target: step.target.clone(), old: step.base.clone(), new: after(&actions, &step.subject), actions };
        let requester = step.requester.login.clone();
        match step.step {
            Step::Sent { .. } | Step::Parked { .. } => {
                let reason = step.reason.iter().filter(|reason| !reason.is_empty());
                let details = reason.map(|reason| format!("reason: {reason}")).collect();
                let opening = self.opening(&step.id, about, requester, Vec::new(), told);
                opening.map(|notice| Notice { details, ..notice })
            }
            Step::NotLanded { why } => Some(Notice {
                request: Some(step.id.to_string()),
                about: Some(about),
                requester,
                details: vec![why.to_string()],
                ..self.notice(Event::NotLanded, 0)
            }),
            Step::Cancelled | Step::Removed { .. } => None,
        }
    }

    fn opening(
        &self,
        id: &RequestId,
        about: About,
        requester: Option<String>,
        rules: Vec<RuleNotice>,
        told: &mut Told,
    ) -> Option<Notice> {
        told.opens(id, &rules, self.time).then(|| Notice {
            entry: Some(self.index),
            request: Some(id.to_string()),
            about: Some(about),
            requester,
            rules,
            ..Notice::new(self.repository, Event::Opened, &format!("{id} {}", self.time), self.time)
        })
    }

    /// What landed of a push that a rule was asked about. Everything else lands without a word.
    fn outcome(&self, outcome: &Outcome, judged: Option<&Decision>) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (part, applied) in outcome.applied.iter().enumerate() {
            let update = judged.and_then(|one| one.updates.iter().find(|update| update.target == applied.target));
            let Some(update) = update.filter(|update| !update.rules.is_empty() && !update.target.is_own()) else {
                continue;
            };
            let request = update.new.first().map(|tip| RequestId::of(self.repository, &update.target, tip));
            let requester = judged.and_then(|judged| judged.pusher.login.clone());
            notices.push(self.landed(update, request, requester, part));
        }
        notices
    }

    /// A gate that opened. What kept another one closed was told when it was asked for, or when somebody rejected it.
    fn gate(&self, gate: &audit::Gate) -> Vec<Notice> {
        let Decision { verdict, updates, pusher, .. } = &gate.decision;
        let opened = updates.iter().filter(|update| *verdict == Verdict::Allow && !update.rules.is_empty());
        opened.map(|update| self.landed(update, Some(gate.id.clone()), pusher.login.clone(), 0)).collect()
    }

    /// What was asked for came about.
    fn landed(
        &self,
        update: &UpdateRecord,
        request: Option<RequestId>,
        requester: Option<String>,
        part: usize,
    ) -> Notice {
        let approvers = update.rules.iter().flat_map(|rule| rule.counted.iter().chain(&rule.overridden));
        let mut by: Vec<String> = approvers.map(|one| one.principal.to_string()).collect();
        by.sort();
        by.dedup();
        Notice {
            request: request.map(|id| id.to_string()),
            about: Some(about(update)),
            requester,
            by,
            rules: update.rules.iter().map(|rule| self.asked(rule)).collect(),
            ..self.notice(Event::Landed, part)
        }
    }

    fn overriding(&self, used: &Override) -> Notice {
        let mut by: Vec<String> = used.overriders.iter().map(|one| one.principal.to_string()).collect();
        by.dedup();
        Notice {
            about: Some(About {
                target: used.target.clone(),
                actions: Vec::new(),
                old: Vec::new(),
                new: used.subjects.clone(),
            }),
            by,
            rules: vec![RuleNotice {
                name: used.rule.clone(),
                message: self.message(&used.rule),
                required: Vec::new(),
                missing: Vec::new(),
            }],
            details: vec![format!("a review is wanted from somebody in {}", list(&used.roles))],
            until: Some(used.due),
            ..self.notice(Event::Overridden, 0)
        }
    }

    /// What the policy says when the rule is unmet.
    fn message(&self, rule: &RuleName) -> Option<String> {
        self.policy?.rules.iter().find(|one| one.name == *rule)?.message.clone()
    }

    fn asked(&self, record: &RuleRecord) -> RuleNotice {
        RuleNotice {
            name: record.name.clone(),
            message: self.message(&record.name),
            required: record.required.clone(),
            missing: if record.met { Vec::new() } else { record.unmet.clone() },
        }
    }
}

fn is_unmet(rule: &RuleRecord) -> bool {
    rule.mode == Mode::Enforce && !rule.met
}

fn about(update: &UpdateRecord) -> About {
    About {
        target: update.target.clone(),
        actions: update.actions.clone(),
        old: update.old.clone(),
        new: update.new.clone(),
    }
}

/// The value after the move: none for a deletion, whose subject is what goes.
fn after(actions: &[Action], subject: &ChangesetId) -> Vec<ChangesetId> {
    if actions.contains(&Action::Delete) { Vec::new() } else { vec![*subject] }
}

fn ids(list: &[ChangesetId]) -> String {
    if list.is_empty() { "nothing".to_owned() } else { self::list(list) }
}

fn list<T: ToString>(things: &[T]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
