//! Which notices follow from how requests and overrides stand now, beside how they stood when they were last told of.

use super::event::Event;
use super::memory::{Told, Watched, names};
use super::notice::{About, Notice, RuleNotice};
use crate::domain::approval::TokenId;
use crate::domain::name::RuleName;
use crate::domain::policy::{Escalation, Policy};
use crate::domain::request::{Clocks, RequestId, State};
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// So long before its end a request's is near, or a quarter of its time if that is less.
const NEAR: Span = Span::days(1);

/// So often a place is reminded of a request that is still open.
const REMINDERS: u64 = 5;

/// What is looked at when there may be something to tell of requests.
#[derive(Debug, Clone, Copy)]
pub struct Watch<'a> {
    /// Name and id of the repository.
    pub repository: &'a str,
    /// The policy in force; it says who is told of what waits for long.
    pub policy: Option<&'a Policy>,
    /// How often the place wants to be reminded of what is still open; `None`: never.
    pub remind: Option<Span>,
    /// The moment.
    pub now: Timestamp,
}

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub id: RequestId,
    /// What should move.
    pub about: About,
    /// The login of who asks.
    pub requester: Option<String>,
    /// Its state.
    pub state: State,
    /// Its clocks.
    pub clocks: Clocks,
    /// What the rules ask; none where nobody can tell.
    pub rules: Vec<RuleNotice>,
    /// The approvals that count: whose they are, and since when they hold.
    pub approvals: BTreeMap<TokenId, (String, Timestamp)>,
    /// The rejections that stand in its way: whose, and what they had to say.
    pub rejections: BTreeMap<TokenId, (String, String)>,
}

impl Watch<'_> {
    /// Returns what has happened to requests since they were last told of, and takes note of it.
    ///
    /// What was never told of is taken note of and not told: its opening stands in the log. That it landed is the log's to tell as well.
    pub fn changes(&self, standing: &[Standing], told: &mut Told) -> Vec<Notice> {
        let mut notices = Vec::new();
        for one in standing {
            let key = one.id.to_string();
            let Some(before) = told.requests.get(&key).cloned() else {
                if one.state.waits() {
                    let nothing = Watched::opened(one.clocks.opened, &one.rules);
                    told.requests.insert(key, self.watched(one, &nothing));
                }
                continue;
            };
            notices.extend(self.told_of(one, &before));
            if one.state.waits() {
                told.requests.insert(key, self.watched(one, &before));
            } else {
                told.requests.remove(&key);
            }
        }
        notices
    }

    /// What is known of a request once it was told of.
    fn watched(&self, one: &Standing, before: &Watched) -> Watched {
        Watched {
            since: before.since,
            state: one.state.word().to_owned(),
            approvals: one.approvals.keys().copied().chain(before.approvals.iter().copied()).collect(),
            ending: one.near_end(self.now).or(before.ending),
            reminders: self.reminders(one).max(before.reminders),
            escalated: self.escalated(one, before).map(|(rule, _)| rule.name).chain(before.escalated.clone()).collect(),
            rules: if one.rules.is_empty() { before.rules.clone() } else { names(&one.rules) },
        }
    }

    fn told_of(&self, one: &Standing, before: &Watched) -> Vec<Notice> {
        // What tells this event from others of its kind is in `which`; a killed deliverer finds the same again.
        let notice = |event: Event, which: &str| Notice {
            request: Some(one.id.to_string()),
            about: Some(one.about.clone()),
            requester: one.requester.clone(),
            rules: one.asked(before),
            ..Notice::new(self.repository, event, &format!("{} {} {which}", one.id, one.clocks.opened), self.now)
        };
        let mut notices = one.change(before, &notice);
        if let Some(end) = one.near_end(self.now).filter(|end| before.ending != Some(*end)) {
            notices.push(Notice { until: Some(end), ..notice(Event::Expiring, &end.to_string()) });
        }
        let since = format!("open since {}", one.clocks.opened);
        for (rule, escalation) in self.escalated(one, before).filter(|(rule, _)| !before.escalated.contains(&rule.name))
        {
            let roles: Vec<&str> = escalation.notify.iter().map(|role| role.as_str()).collect();
            let why = format!("after {} told to {} as well", escalation.after, roles.join(", "));
            let told = notice(Event::Escalated, rule.name.as_str());
            notices.push(Notice { rules: vec![rule], details: vec![since.clone(), why], ..told });
        }
        let due = self.reminders(one);
        if due > before.reminders {
            notices.push(Notice { details: vec![since], ..notice(Event::Reminder, &due.to_string()) });
        }
        notices
    }

    /// How many reminders of a request were due until now.
    fn reminders(&self, one: &Standing) -> u64 {
        let every = self.remind.filter(|_| one.state == State::Open).map(Span::as_seconds);
        let waited = self.now.since(one.clocks.opened).as_seconds();
        every.and_then(|every| waited.checked_div(every)).unwrap_or(0).min(REMINDERS)
    }

    /// The rules that still lack something so long after the opening that others are to know.
    fn escalated(&self, one: &Standing, before: &Watched) -> impl Iterator<Item = (RuleNotice, &Escalation)> {
        let waited = (one.state == State::Open).then(|| self.now.since(one.clocks.opened));
        // Where nobody can judge it, whatever asked for it may lack something.
        let lacking = one.asked(before).into_iter().filter(|rule| one.rules.is_empty() || !rule.missing.is_empty());
        lacking.filter_map(move |asked| {
            let rule = self.policy?.rules.iter().find(|rule| rule.name == asked.name)?;
            let escalation = rule.escalation.as_ref()?;
            (waited? >= escalation.after).then_some((asked, escalation))
        })
    }
}

/// Returns the overrides whose review is overdue, each once.
pub fn overdue(repository: &str, now: Timestamp, told: &mut Told) -> Vec<Notice> {
    let due = told.debts.iter().filter(|(_, debt)| debt.due <= now);
    let notices = due.map(|(entry, debt)| Notice {
        id: Notice::new(repository, Event::ReviewDue, &entry.to_string(), now).id,
        event: Event::ReviewDue,
        time: now,
        ..debt.notice.clone()
    });
    let notices = notices.collect();
    told.debts.retain(|_, debt| debt.due > now);
    notices
}

impl Standing {
    /// Adds to a notice of the request what the log did not say: what the rules ask, and until when it waits.
    pub fn complete(&self, notice: &mut Notice) {
        if notice.rules.is_empty() {
            notice.rules.clone_from(&self.rules);
        }
        if notice.event.asks() {
            notice.until.get_or_insert(self.clocks.waits_until);
        }
    }

    /// What the rules ask; only their names where nobody can judge it.
    fn asked(&self, before: &Watched) -> Vec<RuleNotice> {
        let named = |name: &RuleName| RuleNotice {
            name: name.clone(),
            message: None,
            required: Vec::new(),
            missing: Vec::new(),
        };
        if self.rules.is_empty() { before.rules.iter().map(named).collect() } else { self.rules.clone() }
    }

    /// What has changed since; `notice` begins a notice of an event, which a text tells from others of its kind.
    fn change(&self, before: &Watched, notice: &dyn Fn(Event, &str) -> Notice) -> Vec<Notice> {
        let changed = before.state != self.state.word();
        match self.state {
            State::Open => {
                // What was signed for a part of it before it was asked for is no news.
                let news =
                    |token: &TokenId, at: Timestamp| at >= self.clocks.opened && !before.approvals.contains(token);
                let new = self.approvals.iter().filter(|(token, (_, at))| news(token, *at));
                let told = |(token, (who, _)): (&TokenId, &(String, Timestamp))| Notice {
                    by: vec![who.clone()],
                    ..notice(Event::Approved, &token.to_string())
                };
                new.map(told).collect()
            }
            State::Approved if changed => vec![Notice {
                by: distinct(self.approvals.values().map(|(who, _)| who)),
                until: self.clocks.used_by,
                ..notice(Event::Complete, &names_of(&self.approvals))
            }],
            State::Denied if changed => vec![Notice {
                by: distinct(self.rejections.values().map(|(who, _)| who)),
                details: self.rejections.values().map(|(who, why)| format!("{who}: {why}")).collect(),
                ..notice(Event::Denied, &names_of(&self.rejections))
            }],
            State::Expired => vec![notice(Event::Expired, "")],
            State::Superseded => vec![notice(Event::Superseded, "")],
            State::Cancelled => vec![notice(Event::Cancelled, "")],
            State::Approved | State::Denied | State::Landed => Vec::new(),
        }
    }

    /// The end of what waits, if it is near: of an approved request the moment by which it must be used.
    fn near_end(&self, now: Timestamp) -> Option<Timestamp> {
        let end = match self.state {
            State::Approved => self.clocks.used_by?,
            State::Open => self.clocks.waits_until,
            _ => return None,
        };
        let quarter = Span::seconds(end.since(self.clocks.opened).as_seconds() / 4);
        (now >= end.minus(NEAR.min(quarter)) && now < end).then_some(end)
    }
}

/// The ids of tokens in one text.
fn names_of<T>(tokens: &BTreeMap<TokenId, T>) -> String {
    tokens.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
