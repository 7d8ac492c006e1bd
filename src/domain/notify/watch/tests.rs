//! What is told of requests that wait.

use super::*;
use crate::domain::change::{Action, ChangesetId, IdKind, Target};
use crate::domain::policy::{PolicyFile, load};
use crate::domain::request::Finding;

const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).expect("a time")
}

fn watch(now: i64) -> Watch<'static> {
    Watch { repository: "payments@00", policy: None, remind: None, now: at(now) }
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
            vec![(Standing { clocks: Clocks::of(at(1), Span::days(7), Finding::Missing), ..open(&[1]) }, 2, vec![])],
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
            let notices = watch(now).changes(&[standing], &mut told);
            assert_eq!(notices.iter().map(|one| one.event).collect::<Vec<_>>(), expected, "{what} at {now}");
        }
    }
    let mut told = Told::default();
    assert!(told.opens(&open(&[]).id, &[], at(0)));
    assert_eq!(watch(1).changes(&[ended(State::Cancelled)], &mut told)[0].event, Cancelled);
    assert!(told.opens(&open(&[]).id, &[], at(2)), "what ended can be opened again");
}

#[test]
fn what_was_never_told_of_is_taken_note_of_in_silence() {
    let mut told = Told::default();
    let open = |approvals: &[u8]| standing(State::Open, approvals, None);
    assert_eq!(watch(1).changes(&[open(&[1])], &mut told), []);
    assert_eq!(watch(1).changes(&[standing(State::Landed, &[], None)], &mut Told::default()), []);
    let notices = watch(2).changes(&[open(&[1, 2])], &mut told);
    assert_eq!(notices.iter().map(|one| &one.by[..]).collect::<Vec<_>>(), [["person-2".to_owned()]]);
}

#[test]
fn a_killed_deliverer_finds_the_same_notices_again() {
    let mut before = Told::default();
    assert!(before.opens(&standing(State::Open, &[], None).id, &[], at(0)));
    let ids = |now| {
        let notices = watch(now).changes(&[standing(State::Open, &[1, 2], None)], &mut before.clone());
        notices.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(50));
    assert_eq!(ids(1).len(), 2);
}

const POLICY: &str = r#"
version = 1
default = "allow"
[principals.alice]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd"]
[roles.dba]
members = ["alice"]
[[rule]]
name = "database"
require = [{ role = "dba", approvals = 1 }]
escalate = { after = "4h", notify = ["role:dba"] }
[[rule]]
name = "schema"
require = [{ role = "dba", approvals = 1 }]
escalate = { after = "1h", notify = ["role:dba"] }
[[rule]]
name = "review"
require = [{ role = "dba", approvals = 1 }]
"#;

fn rule(name: &str, missing: &[&str]) -> RuleNotice {
    RuleNotice {
        name: RuleName::new(name).expect("a name"),
        message: None,
        required: Vec::new(),
        missing: missing.iter().map(|one| (*one).to_owned()).collect(),
    }
}

/// What is told at each of these hours, as the event and the rules.
fn told_at(watch: &Watch<'_>, standing: impl Fn(i64) -> Standing, hours: &[i64]) -> Vec<(i64, Event, String)> {
    let mut told = Told::default();
    assert!(told.opens(&standing(0).id, &[rule("database", &["x"])], at(0)));
    let at_hour = |hour: &i64| {
        let watch = Watch { now: at(hour * 3600), ..*watch };
        let notices = watch.changes(&[standing(*hour)], &mut told);
        let said = |one: Notice| {
            let rules: Vec<String> = one.rules.iter().map(|rule| rule.name.to_string()).collect();
            (*hour, one.event, rules.join(" "))
        };
        notices.into_iter().map(said).collect::<Vec<_>>()
    };
    hours.iter().flat_map(at_hour).collect()
}

#[test]
fn others_are_told_once_of_each_rule_for_which_a_request_waits_too_long() {
    let policy = load(&[PolicyFile { name: "policy.toml".to_owned(), text: POLICY.into() }]).expect("a policy");
    let watch = Watch { policy: Some(&policy), ..watch(0) };
    let open = |rules: &[RuleNotice]| Standing { rules: rules.to_vec(), ..standing(State::Open, &[], None) };
    let (database, schema) = (rule("database", &["needs 1"]), rule("schema", &["needs 1"]));
    let escalated = |hour, name: &str| (hour, Event::Escalated, name.to_owned());
    let hours = [0, 1, 2, 4, 5, 6];
    let cases: [(&str, Vec<RuleNotice>, Vec<_>); 5] = [
        ("each in its time", vec![database.clone(), schema], vec![escalated(1, "schema"), escalated(4, "database")]),
        ("a rule that lacks nothing any more", vec![rule("database", &[])], vec![]),
        ("a rule that says nothing of it", vec![rule("review", &["needs 1"])], vec![]),
        ("a rule that has gone", vec![rule("gone", &["needs 1"])], vec![]),
        ("one that nobody can judge, by what asked for it", vec![], vec![escalated(4, "database")]),
    ];
    for (what, rules, expected) in cases {
        assert_eq!(told_at(&watch, |_| open(&rules), &hours), expected, "{what}");
    }
    let rejected = |_| Standing { rules: vec![database.clone()], ..standing(State::Denied, &[], None) };
    assert!(told_at(&watch, rejected, &hours).iter().all(|(_, event, _)| *event == Event::Denied));
    let unknown = Watch { policy: None, ..watch };
    assert_eq!(told_at(&unknown, |_| open(std::slice::from_ref(&database)), &hours), []);
}

#[test]
fn a_place_is_reminded_as_often_as_it_wants_and_no_more_than_five_times() {
    let every = |hours: u64| Watch { remind: Some(Span::seconds(hours * 3600)), ..watch(0) };
    let reminded = |watch: &Watch<'_>, standing: &dyn Fn(i64) -> Standing, hours: &[i64]| {
        let told = told_at(watch, standing, hours);
        told.into_iter().filter(|one| one.1 == Event::Reminder).map(|one| one.0).collect::<Vec<_>>()
    };
    let open = |_| standing(State::Open, &[], None);
    let until_answered = |hour| standing(if hour < 8 { State::Open } else { State::Denied }, &[], None);
    let all: Vec<i64> = (0..60).collect();
    assert_eq!(reminded(&every(4), &open, &all), [4, 8, 12, 16, 20]);
    assert_eq!(reminded(&every(4), &open, &[0, 9, 9, 10, 13]), [9, 13], "one, however long nobody looked");
    assert_eq!(reminded(&every(4), &until_answered, &all), [4]);
    assert!(reminded(&watch(0), &open, &all).is_empty());
}

#[test]
fn what_is_told_of_the_time_has_the_same_ids_for_a_deliverer_that_was_killed() {
    let policy = load(&[PolicyFile { name: "policy.toml".to_owned(), text: POLICY.into() }]).expect("a policy");
    let mut before = Told::default();
    let open = Standing { rules: vec![rule("schema", &["needs 1"])], ..standing(State::Open, &[], None) };
    assert!(before.opens(&open.id, &[], at(0)));
    let ids = |now| {
        let watch = Watch { policy: Some(&policy), remind: Some(Span::seconds(3600)), ..watch(now) };
        let notices = watch.changes(std::slice::from_ref(&open), &mut before.clone());
        notices.into_iter().map(|one| (one.event, one.id)).collect::<Vec<_>>()
    };
    assert_eq!(ids(3600).iter().map(|(event, _)| *event).collect::<Vec<_>>(), [Event::Escalated, Event::Reminder]);
    assert_eq!(ids(3600), ids(3700));
}

#[test]
fn what_the_log_did_not_say_is_added() {
    let standing = Standing { rules: vec![rule("review", &["needs 1"])], ..standing(State::Open, &[], None) };
    let bare = |event| Notice::new("payments@00", event, "1", at(0));
    let completed = |mut notice: Notice| {
        standing.complete(&mut notice);
        notice
    };
    let opened = completed(bare(Event::Opened));
    assert_eq!((opened.rules, opened.until), (standing.rules.clone(), Some(at(7 * DAY))));
    let said = Notice { rules: vec![rule("other", &[])], until: Some(at(5)), ..bare(Event::Escalated) };
    assert_eq!(completed(said.clone()), said);
    assert_eq!(completed(bare(Event::NotLanded)).until, None);
}

#[test]
fn each_notice_of_a_request_says_what_should_move_who_asks_and_what_the_rules_want() {
    let policy = load(&[PolicyFile { name: "policy.toml".to_owned(), text: POLICY.into() }]).expect("a policy");
    let (database, review) = (rule("database", &["needs 1"]), rule("review", &["needs 2"]));
    let tokens = [(1, "carol"), (2, "alice"), (3, "carol")];
    let approvals = tokens.map(|(byte, who)| (TokenId([byte; 32]), (who.to_owned(), at(1))));
    let rejections = tokens.map(|(byte, who)| (TokenId([byte; 32]), (who.to_owned(), format!("no {byte}"))));
    let all = tokens.map(|(byte, _)| TokenId([byte; 32]).to_string()).join(" ");
    let asks = |state, until| Standing { rules: vec![database.clone(), review.clone()], ..standing(state, &[], until) };
    let notice = |event, which: &str, now| Notice {
        request: Some(asks(State::Open, None).id.to_string()),
        about: Some(asks(State::Open, None).about),
        requester: Some("bob".to_owned()),
        rules: vec![database.clone(), review.clone()],
        ..Notice::new("payments@00", event, &format!("{} {} {which}", asks(State::Open, None).id, at(0)), at(now))
    };
    let (names, since) = (
        |names: &[&str]| names.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(),
        "open since 1970-01-01T00:00:00Z",
    );
    let cases = [
        (
            Standing { approvals: BTreeMap::from([approvals[1].clone()]), ..asks(State::Open, None) },
            vec![Notice { by: names(&["alice"]), ..notice(Event::Approved, &TokenId([2; 32]).to_string(), 2) }],
        ),
        (
            Standing { approvals: BTreeMap::from(approvals.clone()), ..asks(State::Approved, Some(5 * DAY)) },
            vec![Notice {
                by: names(&["alice", "carol"]),
                until: Some(at(5 * DAY)),
                ..notice(Event::Complete, &all, 2)
            }],
        ),
        (
            Standing { rejections: BTreeMap::from(rejections), ..asks(State::Denied, None) },
            vec![Notice {
                by: names(&["alice", "carol"]),
                details: names(&["carol: no 1", "alice: no 2", "carol: no 3"]),
                ..notice(Event::Denied, &all, 2)
            }],
        ),
        (
            Standing { clocks: Clocks::of(at(0), Span::seconds(8), Finding::Missing), ..asks(State::Open, None) },
            vec![Notice { until: Some(at(8)), ..notice(Event::Expiring, &at(8).to_string(), 6) }],
        ),
        (
            asks(State::Open, None),
            vec![
                Notice {
                    rules: vec![database.clone()],
                    details: names(&[since, "after 4h told to dba as well"]),
                    ..notice(Event::Escalated, "database", 4 * 3600)
                },
                Notice { details: names(&[since]), ..notice(Event::Reminder, "1", 4 * 3600) },
            ],
        ),
    ];
    for (standing, expected) in cases {
        let now = expected[0].time;
        let watch = Watch { policy: Some(&policy), remind: Some(Span::seconds(4 * 3600)), now, ..watch(0) };
        let mut told = Told::default();
        assert!(told.opens(&standing.id, &standing.rules, at(0)));
        assert_eq!(watch.changes(&[standing], &mut told), expected);
    }
}

#[test]
fn an_end_is_near_in_the_last_quarter_of_the_time_or_the_last_day() {
    let open =
        |keep| Standing { clocks: Clocks::of(at(0), keep, Finding::Missing), ..standing(State::Open, &[], None) };
    for (keep, first) in [(40, 30), (4 * DAY, 3 * DAY), (8 * DAY, 7 * DAY), (400 * DAY, 399 * DAY)] {
        let request = open(Span::seconds(keep.unsigned_abs()));
        let cases = [(first - 1, None), (first, Some(at(keep))), (keep - 1, Some(at(keep))), (keep, None)];
        for (now, expected) in cases {
            assert_eq!(request.near_end(at(now)), expected, "{now} of {keep}");
        }
    }
}
