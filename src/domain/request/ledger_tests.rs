//! Each way in which a request begins and ends, and each order of these.

use super::{Asked, Ended, Ledger, RequestId, Wanted};
use crate::domain::audit::{
    Again, Applied, Decision, Entry, Event, Gate, Obstacle, Outcome, OutcomeKind, Removal, RequestStep, Step,
    UpdateRecord, Verdict,
};
use crate::domain::change::{Action, ChangesetId, IdKind, Pusher, Target};
use crate::domain::time::{Span, Timestamp};

const REPOSITORY: &str = "payments@5f0c";
const KEEP: Span = Span::days(7);
const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).expect("a time")
}

fn tip(number: u8) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[number; 20]).expect("an id")
}

fn main() -> Target {
    Target::parse("refs/heads/main").expect("a target")
}

fn id(number: u8) -> RequestId {
    RequestId::of(REPOSITORY, &main(), &tip(number))
}

fn pusher(login: &str) -> Pusher {
    Pusher { login: (login != "-").then(|| login.to_owned()), source: "env REMOTE_USER".to_owned() }
}

/// A decision on one update of main, from 0 to `new`; a denial asks for `requested`.
fn decision(login: &str, verdict: Verdict, new: u8, requested: &[u8]) -> Event {
    let (old, new, action) = match new {
        0 => (vec![tip(9)], Vec::new(), Action::Delete),
        new => (vec![tip(9)], vec![tip(new)], Action::Update),
    };
    let update = UpdateRecord {
        target: main(),
        actions: vec![action],
        old,
        new,
        after: None,
        found: None,
        contents: Vec::new(),
        requested: requested.iter().map(|number| tip(*number)).collect(),
        rules: Vec::new(),
        refused: Vec::new(),
    };
    Event::Decision(Box::new(Decision {
        repository: REPOSITORY.to_owned(),
        pusher: pusher(login),
        verdict,
        updates: vec![update],
        tokens: std::collections::BTreeMap::new(),
        policy: None,
        policy_error: None,
        reasons: Vec::new(),
        duration_ms: 1,
        transaction: None,
        again: None,
        blob: None,
    }))
}

/// `login`'s push of `new` is refused for want of approvals.
fn refused(login: &str, new: u8) -> Event {
    decision(login, Verdict::Deny, new, &[new])
}

/// The denial of entry `of`, for the `count`th time.
fn again(of: u64, count: u64) -> Event {
    let Event::Decision(mut decision) = refused("bob", 1) else { unreachable!("it is one") };
    decision.updates.clear();
    decision.again = Some(Again { of, count });
    Event::Decision(decision)
}

fn allowed(new: u8) -> Event {
    decision("carol", Verdict::Allow, new, &[])
}

fn outcome(of: u64, value: &[u8]) -> Event {
    let applied = Applied { target: main(), value: value.iter().map(|number| tip(*number)).collect() };
    Event::Outcome(Outcome { of, applied: vec![applied], how: OutcomeKind::Applied, settled: false, blob: None })
}

fn nothing_applied(of: u64) -> Event {
    let how = OutcomeKind::NotApplied;
    Event::Outcome(Outcome { of, applied: Vec::new(), how, settled: true, blob: None })
}

fn step(login: &str, subject: u8, step: Step) -> Event {
    Event::Request(RequestStep {
        id: id(subject),
        target: main(),
        subject: tip(subject),
        action: Action::Update,
        base: vec![tip(9)],
        reason: Some("a reason".to_owned()),
        requester: pusher(login),
        step,
    })
}

/// A pipeline asks whether the gate opens for which request `subject` waits.
fn gate(verdict: Verdict, subject: u8) -> Event {
    let Event::Decision(decision) = decision("ci", verdict, subject, &[]) else { unreachable!("it is one") };
    Event::Gate(Box::new(Gate { id: id(subject), decision: *decision }))
}

fn ledger(wanted: Wanted, events: &[(i64, Event)]) -> Ledger {
    let mut ledger = Ledger::new(KEEP, wanted);
    for (index, (time, event)) in (0..).zip(events) {
        ledger.take(index, &Entry { time: at(*time), event: event.clone() });
    }
    ledger
}

fn requests(events: &[(i64, Event)]) -> Vec<Asked> {
    ledger(Wanted::All, events).into_requests()
}

/// What is told of requests: subject, since when, how they ended.
fn told(events: &[(i64, Event)]) -> Vec<(ChangesetId, i64, Option<Ended>)> {
    let one = |asked: Asked| (asked.subject, asked.opened.unix(), asked.ended);
    requests(events).into_iter().map(one).collect()
}

#[test]
fn a_gate_that_does_not_open_ends_no_request() {
    let sent = || (1, step("ci", 1, Step::Sent { bytes: 5 }));
    assert_eq!(told(&[sent(), (2, gate(Verdict::Deny, 1))]), [(tip(1), 1, None)]);
    let opened = Some(Ended::Landed { at: at(3) });
    assert_eq!(told(&[sent(), (2, gate(Verdict::Deny, 1)), (3, gate(Verdict::Allow, 1))]), [(tip(1), 1, opened)]);
    assert_eq!(told(&[sent(), (3, gate(Verdict::Allow, 2))]), [(tip(1), 1, None)]);
}

#[test]
fn a_request_ends_as_the_log_says_whatever_the_order() {
    let landed = |time| Some(Ended::Landed { at: at(time) });
    let cancelled = |time| Some(Ended::Cancelled { at: at(time) });
    let superseded = |time, by| Some(Ended::Superseded { at: at(time), by: id(by) });
    let sent = || step("bob", 1, Step::Sent { bytes: 1 });
    let parked = || step("bob", 1, Step::Parked { bytes: 1, of: 0 });
    let cancel = || step("bob", 1, Step::Cancelled);
    let removed = |why| step("bob", 1, Step::Removed { why });
    type Case = (&'static str, Vec<(i64, Event)>, Vec<(ChangesetId, i64, Option<Ended>)>);
    let cases: Vec<Case> = vec![
        ("nothing asks", vec![(1, decision("bob", Verdict::Deny, 1, &[]))], vec![]),
        ("a refusal asks", vec![(1, refused("bob", 1))], vec![(tip(1), 1, None)]),
        ("sent", vec![(1, sent())], vec![(tip(1), 1, None)]),
        ("refused, then parked", vec![(1, refused("bob", 1)), (2, parked())], vec![(tip(1), 1, None)]),
        ("asked twice", vec![(1, refused("bob", 1)), (5, sent())], vec![(tip(1), 1, None)]),
        ("by another one", vec![(1, refused("bob", 1)), (5, refused("carol", 1))], vec![(tip(1), 1, None)]),
        (
            "asked for again after the wait",
            vec![(1, refused("bob", 1)), (1 + 7 * DAY, sent())],
            vec![(tip(1), 1 + 7 * DAY, None)],
        ),
        ("landed", vec![(1, refused("bob", 1)), (2, allowed(1)), (3, outcome(1, &[1]))], vec![(tip(1), 1, landed(3))]),
        ("allowed and not landed", vec![(1, refused("bob", 1)), (2, allowed(1))], vec![(tip(1), 1, None)]),
        (
            "allowed and nothing moved",
            vec![(1, refused("bob", 1)), (2, allowed(1)), (3, nothing_applied(1))],
            vec![(tip(1), 1, None)],
        ),
        (
            "another one landed",
            vec![(1, refused("bob", 1)), (2, allowed(2)), (3, outcome(1, &[2]))],
            vec![(tip(1), 1, None)],
        ),
        (
            "landed below another one, and cleaned up",
            vec![(1, refused("bob", 1)), (4, removed(Removal::Landed))],
            vec![(tip(1), 1, landed(4))],
        ),
        ("kept too long", vec![(1, parked()), (4, removed(Removal::Expired))], vec![(tip(1), 1, None)]),
        ("cancelled", vec![(1, sent()), (4, cancel())], vec![(tip(1), 1, cancelled(4))]),
        ("cancelled twice", vec![(1, sent()), (4, cancel()), (5, cancel())], vec![(tip(1), 1, cancelled(4))]),
        ("cancelled before it was asked for", vec![(1, cancel()), (4, sent())], vec![(tip(1), 4, None)]),
        ("cancelled, asked for again", vec![(1, sent()), (2, cancel()), (4, sent())], vec![(tip(1), 4, None)]),
        (
            "cancelled, and landed by somebody else",
            vec![(1, sent()), (2, cancel()), (3, allowed(1)), (4, outcome(2, &[1]))],
            vec![(tip(1), 1, landed(4))],
        ),
        (
            "landed, and cancelled too late",
            vec![(1, sent()), (3, allowed(1)), (4, outcome(1, &[1])), (5, cancel())],
            vec![(tip(1), 1, landed(4))],
        ),
        (
            "landed, taken back, asked for again",
            vec![(1, sent()), (3, allowed(1)), (4, outcome(1, &[1])), (9, refused("bob", 1))],
            vec![(tip(1), 9, None)],
        ),
        (
            "a newer tip",
            vec![(1, refused("bob", 1)), (2, refused("bob", 2))],
            vec![(tip(1), 1, superseded(2, 2)), (tip(2), 2, None)],
        ),
        (
            "the older tip once more",
            vec![(1, refused("bob", 1)), (2, refused("bob", 2)), (3, refused("bob", 1))],
            vec![(tip(2), 2, superseded(3, 1)), (tip(1), 3, None)],
        ),
        (
            "superseded, then cancelled",
            vec![(1, refused("bob", 1)), (2, refused("bob", 2)), (3, cancel())],
            vec![(tip(1), 1, cancelled(3)), (tip(2), 2, None)],
        ),
        (
            "a newer tip of somebody else",
            vec![(1, refused("bob", 1)), (2, refused("mallory", 2))],
            vec![(tip(1), 1, None), (tip(2), 2, None)],
        ),
        (
            "nobody knows whose",
            vec![(1, refused("-", 1)), (2, refused("-", 2))],
            vec![(tip(1), 1, None), (tip(2), 2, None)],
        ),
        (
            "two heads of one push",
            vec![(1, decision("bob", Verdict::Deny, 1, &[1, 2]))],
            vec![(tip(1), 1, None), (tip(2), 1, None)],
        ),
        (
            "two heads, then another tip",
            vec![(1, decision("bob", Verdict::Deny, 1, &[1, 2])), (2, refused("bob", 3))],
            vec![(tip(1), 1, superseded(2, 3)), (tip(2), 1, superseded(2, 3)), (tip(3), 2, None)],
        ),
        (
            "a deletion, which the value's own landing does not end",
            vec![(1, decision("bob", Verdict::Deny, 0, &[9])), (2, allowed(9)), (3, outcome(1, &[9]))],
            vec![(tip(9), 1, None)],
        ),
        (
            "a deletion that came about",
            vec![(1, decision("bob", Verdict::Deny, 0, &[9])), (2, allowed(0)), (3, outcome(1, &[]))],
            vec![(tip(9), 1, landed(3))],
        ),
    ];
    for (what, events, expected) in cases {
        let mut told = told(&events);
        told.sort_by_key(|(subject, ..)| *subject);
        let mut expected = expected;
        expected.sort_by_key(|(subject, ..)| *subject);
        assert_eq!(told, expected, "{what}");
    }
}

#[test]
fn the_first_who_asks_is_the_requester_and_the_first_reason_stays() {
    let events = [(1, refused("bob", 1)), (2, step("carol", 1, Step::Sent { bytes: 1 }))];
    let [asked] = &requests(&events)[..] else { panic!("one request") };
    assert_eq!((asked.requester.login.as_deref(), asked.reason.as_str()), (Some("bob"), "a reason"));
    assert_eq!((asked.opened_by, asked.kept, asked.base.clone()), (0, true, vec![tip(9)]));
}

#[test]
fn what_is_kept_and_what_stood_in_the_way_is_remembered() {
    let (parked, removed) = (Step::Parked { bytes: 1, of: 0 }, Step::Removed { why: Removal::Damaged });
    let moved = Step::NotLanded { why: Obstacle::Moved };
    let cases = [
        (vec![parked], true, None),
        (vec![parked, removed], false, None),
        (vec![parked, moved], true, Some(Obstacle::Moved)),
        (vec![parked, Step::Cancelled], false, None),
    ];
    for (steps, kept, obstacle) in cases {
        let events: Vec<_> = (1..).zip(&steps).map(|(time, one)| (time, step("bob", 1, *one))).collect();
        let [asked] = &requests(&events)[..] else { panic!("one request") };
        assert_eq!((asked.kept, asked.obstacle), (kept, obstacle), "{steps:?}");
    }
}

#[test]
fn a_repeated_denial_asks_for_what_the_first_asked_for() {
    let late = 1 + 8 * DAY;
    let events = [(1, refused("bob", 1)), (2, again(0, 2)), (late, again(0, 3))];
    assert_eq!(told(&events), [(tip(1), late, None)]);

    let mut ledger = Ledger::new(KEEP, Wanted::All);
    for index in [5, 6] {
        ledger.take(index, &Entry { time: at(late), event: again(4, index - 3) });
    }
    assert_eq!(ledger.begins_before(), Some(4));
    assert_eq!(ledger.into_requests(), []);

    // What another denial asked for is not asked for by the repetition of one that was not read.
    let mut ledger = Ledger::new(KEEP, Wanted::All);
    for (index, event) in [(5, refused("carol", 2)), (6, again(4, 2))] {
        ledger.take(index, &Entry { time: at(late), event });
    }
    assert_eq!(ledger.begins_before(), Some(4));
    let asked: Vec<_> = ledger.into_requests().into_iter().map(|asked| (asked.subject, asked.opened_by)).collect();
    assert_eq!(asked, [(tip(2), 5)]);
}

#[test]
fn the_oldest_comes_first_also_within_one_second() {
    for subjects in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let events = subjects.map(|subject| (1, refused("-", subject)));
        let order: Vec<_> = requests(&events).into_iter().map(|asked| asked.subject).collect();
        assert_eq!(order, subjects.map(tip));
    }
}

#[test]
fn only_what_is_wanted_is_remembered() {
    let cancelled = || step("bob", 2, Step::Cancelled);
    let events = [(1, refused("bob", 1)), (2, refused("bob", 2)), (3, cancelled()), (4, refused("carol", 3))];
    let ids = |wanted| ledger(wanted, &events).into_requests().into_iter().map(|asked| asked.id).collect::<Vec<_>>();
    assert_eq!(ids(Wanted::Waiting), [id(3)]);
    assert_eq!(ids(Wanted::All), [id(1), id(2), id(3)]);
    let of_one = ledger(Wanted::Only(id(1)), &events).into_requests();
    assert_eq!(of_one.len(), 1);
    assert_eq!(of_one[0].ended, Some(Ended::Superseded { at: at(2), by: id(2) }));
}

#[test]
fn nothing_is_remembered_of_what_has_ended() {
    let ends = [vec![(2, allowed(1)), (3, outcome(1, &[1]))], vec![(2, step("bob", 1, Step::Cancelled))]];
    for how in ends {
        let events = [vec![(1, refused("bob", 1))], how, vec![(4, refused("carol", 3))]].concat();
        let remembered = format!("{:?}", ledger(Wanted::Waiting, &events));
        assert!(remembered.contains("carol") && !remembered.contains("bob"), "{remembered}");
    }
}
