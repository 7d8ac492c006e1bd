//! Which notices follow from an entry of the log.

use super::event::Event;
use super::notice::{About, Notice, RuleNotice};
use crate::domain::audit::{self, Decision, Entry, Outcome, Override, RecoveryKind, RuleRecord, UpdateRecord, Verdict};
use crate::domain::change::ChangesetId;
use crate::domain::policy::{Mode, Policy, Rule};
use crate::domain::request::RequestId;
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// For how long that is remembered.
const REMEMBERED: Span = Span::days(90);

/// What was told once and is not told again, by name, and when: a second refused push opens no request again.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Told(BTreeMap<String, Timestamp>);

impl Told {
    /// Takes a name; tells whether it is new.
    pub fn is_new(&mut self, name: &str, at: Timestamp) -> bool {
        self.0.retain(|_, since| at.since(*since) <= REMEMBERED);
        self.0.insert(name.to_owned(), at).is_none()
    }
}

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
        audit::Event::Outcome(outcome) => from.outcome(outcome, judged),
        audit::Event::Override(used) => vec![from.overriding(used)],
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
            if decision.verdict == Verdict::Deny && self.waits(update) {
                notices.extend(self.opened(decision, update, told));
            }
        }
        notices
    }

    /// Tells whether somebody's token could still let the update in, as far as its record says.
    fn waits(&self, update: &UpdateRecord) -> bool {
        let mut unmet = update.rules.iter().filter(|rule| is_unmet(rule)).peekable();
        let asks = |rule: &RuleRecord| self.rule(rule).is_none_or(|rule| rule.asks_tokens() && !rule.deny);
        !update.target.is_own() && update.refused.is_empty() && unmet.peek().is_some() && unmet.all(asks)
    }

    /// One opening for each tip that should land, or for the value that should go.
    fn opened(&self, decision: &Decision, update: &UpdateRecord, told: &mut Told) -> Vec<Notice> {
        let subjects = if update.new.is_empty() { &update.old } else { &update.new };
        let mut notices = Vec::new();
        for subject in subjects {
            let id = RequestId::of(self.repository, &update.target, subject).to_string();
            if told.is_new(&id, self.time) {
                notices.push(Notice {
                    entry: Some(self.index),
                    request: Some(id.clone()),
                    about: Some(About { new: vec![*subject], ..about(update) }),
                    requester: decision.pusher.login.clone(),
                    rules: update.rules.iter().filter(|rule| is_unmet(rule)).map(|rule| self.asked(rule)).collect(),
                    ..Notice::new(self.repository, Event::Opened, &id, self.time)
                });
            }
        }
        notices
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
            let approvers = update.rules.iter().flat_map(|rule| rule.counted.iter().chain(&rule.overridden));
            let mut by: Vec<String> = approvers.map(|one| one.principal.to_string()).collect();
            by.sort();
            by.dedup();
            notices.push(Notice {
                request: request.map(|id| id.to_string()),
                about: Some(about(update)),
                requester: judged.and_then(|judged| judged.pusher.login.clone()),
                by,
                rules: update.rules.iter().map(|rule| self.asked(rule)).collect(),
                ..self.notice(Event::Landed, part)
            });
        }
        notices
    }

    fn overriding(&self, used: &Override) -> Notice {
        let mut by: Vec<String> = used.overriders.iter().map(|one| one.principal.to_string()).collect();
        by.dedup();
        let rule = self.policy.and_then(|policy| policy.rules.iter().find(|rule| rule.name == used.rule));
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
                message: rule.and_then(|rule| rule.message.clone()),
                required: Vec::new(),
                missing: Vec::new(),
            }],
            details: vec![format!("a review is wanted from somebody in {}", list(&used.roles))],
            until: Some(used.due),
            ..self.notice(Event::Overridden, 0)
        }
    }

    fn rule(&self, record: &RuleRecord) -> Option<&Rule> {
        self.policy.and_then(|policy| policy.rules.iter().find(|rule| rule.name == record.name))
    }

    fn asked(&self, record: &RuleRecord) -> RuleNotice {
        RuleNotice {
            name: record.name.clone(),
            message: self.rule(record).and_then(|rule| rule.message.clone()),
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

fn ids(list: &[ChangesetId]) -> String {
    if list.is_empty() { "nothing".to_owned() } else { self::list(list) }
}

fn list<T: ToString>(things: &[T]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
