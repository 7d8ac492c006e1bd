//! Which notices follow from how requests and overrides stand now, beside how they stood when they were last told of.

use super::event::Event;
use super::memory::{Told, Watched, names};
use super::notice::{About, Notice, RuleNotice};
use crate::domain::approval::TokenId;
use crate::domain::name::RuleName;
use crate::domain::request::{Clocks, RequestId, State};
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// So long before its end a request's is near, or a quarter of its time if that is less.
const NEAR: Span = Span::days(1);

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

/// Returns what has happened to requests since they were last told of, and takes note of it.
///
/// What was never told of is taken note of and not told: its opening stands in the log. That it landed is the log's to tell as well.
pub fn changes(repository: &str, standing: &[Standing], now: Timestamp, told: &mut Told) -> Vec<Notice> {
    let mut notices = Vec::new();
    for one in standing {
        let key = one.id.to_string();
        let Some(before) = told.requests.get(&key).cloned() else {
            if one.state.waits() {
                told.requests.insert(key, one.watched(&Watched::opened(one.clocks.opened, &one.rules), now));
            }
            continue;
        };
        notices.extend(one.changes(repository, &before, now));
        if one.state.waits() {
            told.requests.insert(key, one.watched(&before, now));
        } else {
            told.requests.remove(&key);
        }
    }
    notices
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
    fn changes(&self, repository: &str, before: &Watched, now: Timestamp) -> Vec<Notice> {
        let named = |name: &RuleName| RuleNotice {
            name: name.clone(),
            message: None,
            required: Vec::new(),
            missing: Vec::new(),
        };
        let rules = if self.rules.is_empty() { before.rules.iter().map(named).collect() } else { self.rules.clone() };
        // What tells this event from others of its kind is in `which`; a killed deliverer finds the same again.
        let notice = |event: Event, which: &str| Notice {
            request: Some(self.id.to_string()),
            about: Some(self.about.clone()),
            requester: self.requester.clone(),
            rules: rules.clone(),
            ..Notice::new(repository, event, &format!("{} {} {which}", self.id, self.clocks.opened), now)
        };
        let mut notices = Vec::new();
        let changed = before.state != self.state.word();
        match self.state {
            State::Open => {
                // What was signed for a part of it before it was asked for is no news.
                let news =
                    |token: &TokenId, at: Timestamp| at >= self.clocks.opened && !before.approvals.contains(token);
                for (token, (who, _)) in self.approvals.iter().filter(|(token, (_, at))| news(token, *at)) {
                    notices.push(Notice { by: vec![who.clone()], ..notice(Event::Approved, &token.to_string()) });
                }
            }
            State::Approved if changed => notices.push(Notice {
                by: distinct(self.approvals.values().map(|(who, _)| who)),
                until: self.clocks.used_by,
                ..notice(Event::Complete, &names_of(&self.approvals))
            }),
            State::Denied if changed => notices.push(Notice {
                by: distinct(self.rejections.values().map(|(who, _)| who)),
                details: self.rejections.values().map(|(who, why)| format!("{who}: {why}")).collect(),
                ..notice(Event::Denied, &names_of(&self.rejections))
            }),
            State::Expired => notices.push(notice(Event::Expired, "")),
            State::Superseded => notices.push(notice(Event::Superseded, "")),
            State::Cancelled => notices.push(notice(Event::Cancelled, "")),
            State::Approved | State::Denied | State::Landed => {}
        }
        if let Some(end) = self.near_end(now).filter(|end| before.ending != Some(*end)) {
            notices.push(Notice { until: Some(end), ..notice(Event::Expiring, &end.to_string()) });
        }
        notices
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

    /// What is known of it once it was told of.
    fn watched(&self, before: &Watched, now: Timestamp) -> Watched {
        Watched {
            since: before.since,
            state: self.state.word().to_owned(),
            approvals: self.approvals.keys().copied().chain(before.approvals.iter().copied()).collect(),
            ending: self.near_end(now).or(before.ending),
            rules: if self.rules.is_empty() { before.rules.clone() } else { names(&self.rules) },
        }
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
mod tests {
    use super::*;
    use crate::domain::change::{Action, ChangesetId, IdKind, Target};
    use crate::domain::request::Finding;

    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds).expect("a time")
    }

    fn standing(state: State, approvals: &[u8], until: Option<i64>) -> Standing {
        let id = ChangesetId::from_bytes(IdKind::GitSha1, &[2; 20]).expect("an id");
        let target = Target::parse("refs/heads/main").expect("a target");
        let finding = until.map_or(Finding::Missing, |until| Finding::Approved { until: Some(at(until)) });
        Standing {
            id: RequestId::of("payments@00", &target, &id),
            about: About { target, actions: vec![Action::Update], old: vec![], new: vec![id] },
            requester: Some("bob".to_owned()),
            state,
            clocks: Clocks::of(at(0), Span::days(7), finding),
            rules: Vec::new(),
            approvals: approvals
                .iter()
                .map(|byte| (TokenId([*byte; 32]), (format!("person-{byte}"), at(i64::from(*byte) - 1))))
                .collect(),
            rejections: BTreeMap::new(),
        }
    }

    #[test]
    fn each_change_is_told_once() {
        use Event::{Approved, Cancelled, Complete, Denied, Expired, Expiring, Superseded};
        let open = |approvals: &[u8]| standing(State::Open, approvals, None);
        let approved = |until| standing(State::Approved, &[1, 2], Some(until));
        let ended = |state| standing(state, &[], None);
        type Step = (Standing, i64, Vec<Event>);
        let cases: [(&str, Vec<Step>); 7] = [
            (
                "approved by one, then by all",
                vec![
                    (open(&[]), 1, vec![]),
                    (open(&[1]), 2, vec![Approved]),
                    (open(&[1]), 3, vec![]),
                    (approved(5 * DAY), 4, vec![Complete]),
                    (approved(5 * DAY), 5, vec![]),
                ],
            ),
            (
                "an approval that ends and comes back",
                vec![(open(&[1]), 1, vec![Approved]), (open(&[]), 2, vec![]), (open(&[1]), 3, vec![])],
            ),
            (
                "an approval of a part from before it was asked for",
                vec![(
                    Standing { clocks: Clocks::of(at(1), Span::days(7), Finding::Missing), ..open(&[1]) },
                    2,
                    vec![],
                )],
            ),
            (
                "rejected, taken back, rejected again",
                vec![
                    (ended(State::Denied), 1, vec![Denied]),
                    (ended(State::Denied), 2, vec![]),
                    (open(&[]), 3, vec![]),
                    (ended(State::Denied), 4, vec![Denied]),
                ],
            ),
            (
                "near its end, and over",
                vec![
                    (open(&[]), 6 * DAY - 1, vec![]),
                    (open(&[]), 6 * DAY, vec![Expiring]),
                    (open(&[]), 6 * DAY + 9, vec![]),
                    (ended(State::Expired), 7 * DAY, vec![Expired]),
                    (ended(State::Expired), 7 * DAY + 1, vec![]),
                ],
            ),
            (
                "approved, and to be used soon",
                vec![
                    (approved(4 * DAY), 1, vec![Complete]),
                    (approved(4 * DAY), 3 * DAY, vec![Expiring]),
                    (approved(4 * DAY), 3 * DAY + 1, vec![]),
                ],
            ),
            ("superseded", vec![(ended(State::Superseded), 1, vec![Superseded]), (ended(State::Cancelled), 2, vec![])]),
        ];
        for (what, steps) in cases {
            let mut told = Told::default();
            assert!(told.opens(&open(&[]).id, &[], at(0)));
            for (standing, now, expected) in steps {
                let notices = changes("payments@00", &[standing], at(now), &mut told);
                assert_eq!(notices.iter().map(|one| one.event).collect::<Vec<_>>(), expected, "{what} at {now}");
            }
        }
        let mut told = Told::default();
        assert!(told.opens(&open(&[]).id, &[], at(0)));
        assert_eq!(changes("payments@00", &[ended(State::Cancelled)], at(1), &mut told)[0].event, Cancelled);
        assert!(told.opens(&open(&[]).id, &[], at(2)), "what ended can be opened again");
    }

    #[test]
    fn what_was_never_told_of_is_taken_note_of_in_silence() {
        let mut told = Told::default();
        let open = |approvals: &[u8]| standing(State::Open, approvals, None);
        assert_eq!(changes("payments@00", &[open(&[1])], at(1), &mut told), []);
        assert_eq!(changes("payments@00", &[standing(State::Landed, &[], None)], at(1), &mut Told::default()), []);
        let notices = changes("payments@00", &[open(&[1, 2])], at(2), &mut told);
        assert_eq!(notices.iter().map(|one| &one.by[..]).collect::<Vec<_>>(), [["person-2".to_owned()]]);
    }

    #[test]
    fn a_killed_deliverer_finds_the_same_notices_again() {
        let mut before = Told::default();
        assert!(before.opens(&standing(State::Open, &[], None).id, &[], at(0)));
        let ids = |now| {
            let notices = changes("payments@00", &[standing(State::Open, &[1, 2], None)], at(now), &mut before.clone());
            notices.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(1), ids(50));
        assert_eq!(ids(1).len(), 2);
    }
}
