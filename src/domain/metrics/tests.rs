//! Figures of a log with fixed times, each worked out by hand in the comment above it.

use super::history::{Log, NOW, at, everything, notices};
use super::{Figures, Key, Outcome, Refused, Response, Spread, Tally};
use crate::domain::audit::{Decision, Event};
use crate::domain::change::Target;
use crate::domain::name::{PrincipalId, RuleName, SinkName};
use crate::domain::notify::Deliveries;
use crate::domain::policy::Mode;
use std::collections::BTreeMap;

/// n, mean, median, 95th percentile, largest.
type Told = (u64, Option<u64>, Option<u64>, Option<u64>, Option<u64>);

/// A group, how its requests ended, and each time to approve with how often it occurred.
type Group<'a> = (&'a str, [u64; 7], &'a [(u64, u64)]);

fn told(spread: &Spread) -> Told {
    (spread.n(), spread.mean(), spread.percentile(50), spread.percentile(95), spread.max())
}

fn ends(tally: &Tally) -> [u64; 7] {
    Outcome::ALL.map(|outcome| tally.ended(outcome))
}

fn numbers(spread: &Spread) -> Vec<(u64, u64)> {
    spread.counts().collect()
}

#[test]
fn a_log_without_requests_has_no_times_and_no_rates() {
    let figures = Log::default().figures(0, 0, None);
    let logs = figures.logs.clone();
    assert_eq!(figures, Figures { logs, ..Figures::default() });
    assert_eq!((figures.requests.denial_rate(), figures.pushes.override_rate()), (None, None));
    assert_eq!((figures.tokens.stale_rate(), figures.pushes.policy_refusal_rate()), (None, None));
}

#[test]
fn of_one_request_there_is_its_time_and_no_mean() {
    let mut log = Log::default();
    log.refused(0, "login-1", 1, &["main"]);
    log.landed(160, "login-1", 1, &[("main", &[("alice", "dba", 100, false)])]);
    let figures = log.figures(0, 1_000, None);
    // Signed 100 after the opening, pushed 60 later.
    assert_eq!(told(&figures.requests.time_to_approve), (1, None, None, None, Some(100)));
    assert_eq!(told(&figures.requests.approval_to_push), (1, None, None, None, Some(60)));
    assert_eq!(ends(&figures.requests), [1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_gate_takes_its_time_and_is_no_push() {
    let mut log = Log::default();
    log.gate_asked(0, "runner", 1);
    log.gate_opened(160, "runner", 1, &[("main", &[("alice", "dba", 100, false)])]);
    let figures = log.figures(0, 1_000, None);
    // Signed 100 after it was asked for, opened 60 later.
    assert_eq!(told(&figures.requests.time_to_approve), (1, None, None, None, Some(100)));
    assert_eq!(told(&figures.requests.approval_to_push), (1, None, None, None, Some(60)));
    assert_eq!(ends(&figures.requests), [1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(figures.approvers[&PrincipalId::new("alice").expect("a name")].decisions, 1);
    assert_eq!((figures.decisions.values().sum::<u64>(), figures.rule_pushes.len()), (1, 0));
    assert_eq!(figures.pushes, Figures::default().pushes);
}

#[test]
fn every_time_is_what_the_log_says() {
    let Figures { requests, overrides, hook_ms, .. } = everything().figures(0, NOW, None);
    // Requests 1, 2, 3, 10, 11, 12: 100, 500, 200, 5, 300, 0. Sum 1,105, a sixth of it 184.2. In order 0 5 100 200 300 500: ranks 3 and 6.
    assert_eq!(told(&requests.time_to_approve), (6, Some(184), Some(100), Some(500), Some(500)));
    // Their first answers 100, 200, 200, 5, 300, 0, the overrides' 30 and 50, the rejection's 400: sum 1,285, a ninth of it 142.8. In order
    // 0 5 30 50 100 200 200 300 400: ranks 5 and 9.
    assert_eq!(told(&requests.first_response), (9, Some(143), Some(100), Some(400), Some(400)));
    // The approvals and the rejection: sum 1,505, a seventh of it 215. In order 0 5 100 200 300 400 500: ranks 4 and 7.
    assert_eq!(told(&requests.time_to_decision), (7, Some(215), Some(200), Some(500), Some(500)));
    // 60, 100, 100, 5, 10, 0: sum 275, a sixth of it 45.8. In order 0 5 10 60 100 100: ranks 3 and 6.
    assert_eq!(told(&requests.approval_to_push), (6, Some(46), Some(10), Some(100), Some(100)));
    // The hour of request 3 stands beside its wait.
    assert_eq!(numbers(&requests.frozen), [(3_600, 1)]);
    assert_eq!(numbers(&requests.waiting), [(1_200, 1)]);
    assert_eq!(numbers(&overrides.time_to_review), [(3_600, 1)]);
    // 13 requests, 2 pushes into the freeze, 8 that landed: 22 took 20 ms, one 500: sum 940, rank 22 is 20.
    assert_eq!(told(&hook_ms), (23, Some(41), Some(20), Some(20), Some(500)));
}

#[test]
fn every_count_and_rate_is_what_the_log_says() {
    let figures = everything().figures(0, NOW, None);
    let Figures { requests, pushes, overrides, tokens, .. } = &figures;
    // Approved 1 2 3 10 11 12, overridden 7 8, denied 9, expired 6, superseded 4, cancelled 5; 13 waits.
    assert_eq!(ends(requests), [6, 2, 0, 1, 1, 1, 1]);
    assert_eq!((requests.opened, requests.closed()), (13, 12));
    assert_eq!((requests.denial_rate(), requests.expiry_rate()), (Some(1.0 / 7.0), Some(1.0 / 12.0)));
    // Refused are 13 that asked and 2 that did not; 8 were let in, 2 of them by overrides.
    assert_eq!((pushes.accepted, pushes.refused, pushes.unasked, pushes.overridden), (8, 15, 2, 2));
    assert_eq!((pushes.policy_refusal_rate(), pushes.override_rate()), (Some(2.0 / 23.0), Some(2.0 / 8.0)));
    let main = RuleName::new("main").expect("a name");
    assert_eq!(overrides.used, BTreeMap::from([(main.clone(), 2)]));
    assert_eq!((overrides.unreviewed, overrides.overdue), (1, 1));
    // Nine counted (two of request 2), two did not.
    assert_eq!((tokens.seen, tokens.stale, tokens.stale_rate()), (11, 1, Some(1.0 / 11.0)));
    assert_eq!(tokens.refused, BTreeMap::from([(Refused::Stale, 1), (Refused::Own, 1)]));
    // alice approved six, of which one after 5 seconds, and rejected one; the one at 10 seconds was no haste.
    let loads: Vec<_> =
        figures.approvers.iter().map(|(who, load)| (who.as_str(), load.decisions, load.hasty)).collect();
    assert_eq!(loads, [("alice", 7, 1), ("bob", 1, 0), ("carol", 2, 0)]);
    assert_eq!(figures.rule_pushes[&main].unmet, 13);
    assert_eq!((figures.rule_pushes[&main].met, figures.rule_pushes[&main].overridden), (6, 2));
    assert_eq!(figures.paths, BTreeMap::from([("db/**".to_owned(), 1)]));
}

#[test]
fn requests_are_told_apart_by_what_was_asked_for() {
    let log = everything();
    let all = [6, 2, 0, 1, 1, 1, 1];
    // The only request that `db` had to do with is 2, which it held up for 500 and `main` for 200.
    let rule: [Group<'_>; 2] =
        [("db", [1, 0, 0, 0, 0, 0, 0], &[(500, 1)]), ("main", all, &[(0, 1), (5, 1), (100, 1), (200, 2), (300, 1)])];
    let whole: &[(u64, u64)] = &[(0, 1), (5, 1), (100, 1), (200, 1), (300, 1), (500, 1)];
    // What nobody decided counts for the role that was asked; overrides for the role that gave them.
    let role: [Group<'_>; 3] = [
        ("dba", [6, 0, 0, 1, 1, 1, 1], &[(0, 1), (5, 1), (100, 1), (200, 2), (300, 1)]),
        ("lead", [1, 0, 0, 0, 0, 0, 0], &[(500, 1)]),
        ("oncall", [0, 2, 0, 0, 0, 0, 0], &[]),
    ];
    let label: [Group<'_>; 2] = [
        (Key::NONE, [5, 2, 0, 1, 1, 1, 1], &[(0, 1), (5, 1), (100, 1), (200, 1), (300, 1)]),
        ("severity=critical", [1, 0, 0, 0, 0, 0, 0], &[(500, 1)]),
    ];
    let cases: [(Key, &[Group<'_>]); 5] = [
        (Key::Rule, &rule),
        (Key::Role, &role),
        (Key::Environment, &[("production", all, whole)]),
        (Key::Label, &label),
        (Key::Branch, &[("refs/heads/main", all, whole)]),
    ];
    for (key, expected) in cases {
        let figures = log.figures(0, NOW, Some(key));
        let groups: Vec<_> = figures
            .groups
            .iter()
            .map(|(group, tally)| (group.as_str(), ends(tally), numbers(&tally.time_to_approve)))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(group, ends, times)| (*group, *ends, times.to_vec())).collect();
        assert_eq!(groups, expected, "{key:?}");
    }
}

#[test]
fn a_role_waits_from_when_it_is_needed() {
    let mut log = Log::default();
    // `db` comes to it after 1,000, when the push is tried again; bob signs 200 later.
    log.refused(0, "login-1", 1, &["main"]);
    log.refused(1_000, "login-1", 1, &["main", "db"]);
    let signs: [(&str, &[_]); 2] =
        [("main", &[("alice", "dba", 300, false)]), ("db", &[("bob", "lead", 1_200, false)])];
    log.landed(1_300, "login-1", 1, &signs);
    let figures = log.figures(0, 2_000, None);
    let waits: Vec<_> =
        figures.roles.iter().map(|((rule, role), waits)| (rule.as_str(), role.as_str(), numbers(waits))).collect();
    assert_eq!(waits, [("db", "lead", vec![(200, 1)]), ("main", "dba", vec![(300, 1)])]);
    assert_eq!(numbers(&figures.requests.time_to_approve), [(1_200, 1)]);
    // By role each has its own time as well, to the first answer and to the approval.
    let groups = log.figures(0, 2_000, Some(Key::Role)).groups;
    for (role, wait) in [("dba", 300), ("lead", 200)] {
        let times = [&groups[role].first_response, &groups[role].time_to_approve].map(numbers);
        assert_eq!(times, [[(wait, 1)], [(wait, 1)]], "{role}");
    }
}

#[test]
fn a_rule_that_is_asked_no_more_had_no_say() {
    let mut log = Log::default();
    // `db` comes to it after 1,000 and is gone when the push is let in, 300 later.
    log.refused(0, "login-1", 1, &["main"]);
    log.refused(1_000, "login-1", 1, &["main", "db"]);
    log.landed(1_300, "login-1", 1, &[("main", &[("alice", "dba", 300, false)])]);
    let figures = log.figures(0, 2_000, None);
    let of = |name: &str| &figures.rules[&RuleName::new(name).expect("a name")];
    assert_eq!((ends(of("main")), ends(of("db"))), ([1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0]));
    assert_eq!((numbers(&of("db").durations[&Outcome::Unasked]), of("db").first_response.n()), (vec![(300, 1)], 0));
}

#[test]
fn what_landed_without_a_token_was_not_approved() {
    let mut log = Log::default();
    log.refused(0, "login-1", 1, &["main"]);
    log.landed(160, "login-1", 1, &[("main", &[])]);
    let figures = log.figures(0, 1_000, None);
    assert_eq!(ends(&figures.requests), [0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(figures.requests.time_to_approve.n(), 0);
}

#[test]
fn haste_is_less_than_ten_seconds_after_the_opening() {
    for (signed, hasty) in [(-1, 0), (0, 1), (9, 1), (10, 0), (11, 0)] {
        let mut log = Log::default();
        log.refused(0, "login-1", 1, &["main"]);
        log.landed(60, "login-1", 1, &[("main", &[("alice", "dba", signed, false)])]);
        let alice = PrincipalId::new("alice").expect("a name");
        assert_eq!(log.figures(0, 1_000, None).approvers[&alice].hasty, hasty, "{signed}");
    }
}

#[test]
fn a_rule_was_answered_no_sooner_than_it_was_asked() {
    let mut log = Log::default();
    log.refused(0, "login-1", 1, &["main"]);
    log.refused(1_000, "login-1", 1, &["main", "db"]);
    // bob approves after 500, before `db` is asked; alice rejects after 1,400.
    let answer =
        |seconds, by: &str, rejects| Response { at: at(seconds), by: PrincipalId::new(by).expect("a name"), rejects };
    let answers = vec![answer(500, "bob", false), answer(1_400, "alice", true)];
    let figures = log.figures_of(0, 2_000, None, Box::new(move |_, _| answers.clone()));
    let times = |name: &str| {
        let tally = &figures.rules[&RuleName::new(name).expect("a name")];
        [numbers(&tally.first_response), numbers(&tally.time_to_decision)]
    };
    assert_eq!(times("main"), [[(500, 1)], [(1_400, 1)]]);
    assert_eq!(times("db"), [[(0, 1)], [(400, 1)]]);
}

#[test]
fn only_what_ended_or_happened_since_is_counted() {
    let figures = everything().figures(80_000, NOW, None);
    // 10, 11 and 12 were approved since; 6 expired since; 13 waits. The rest ended before, and 12 landed at 90,000.
    assert_eq!(ends(&figures.requests), [3, 0, 0, 0, 1, 0, 0]);
    assert_eq!((figures.requests.opened, figures.requests.waiting.n()), (4, 1));
    assert_eq!((figures.pushes.accepted, figures.pushes.refused), (3, 4));
    assert_eq!(figures.overrides.used, BTreeMap::new());
    // A token each; those that did not count were seen before.
    assert_eq!((figures.tokens.seen, figures.tokens.stale, figures.tokens.refused.len()), (3, 0, 0));
    // Debts are debts whenever they were made.
    assert_eq!(figures.overrides.overdue, 1);
    assert_eq!(figures.approvers[&PrincipalId::new("alice").expect("a name")].decisions, 3);
}

/// Changes the decision of the entry `index`.
fn change(log: &mut Log, index: u64, how: impl FnOnce(&mut Decision)) {
    match &mut log.entries[usize::try_from(index).expect("an index")].event {
        Event::Decision(decision) => how(decision),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_is_one_of_a_push_unless_all_that_it_would_move_is_our_own() {
    type Change = fn(&mut Decision);
    let own: Change = |one| one.updates[0].target = Target::parse("refs/jit/approvals").expect("a target");
    let cases: [(&str, Change, (u64, u64)); 3] = [
        ("as it was", |_| {}, (1, 0)),
        ("what could not be read", |one| one.updates.clear(), (1, 1)),
        ("our own", own, (0, 0)),
    ];
    for (what, how, expected) in cases {
        let mut log = Log::default();
        let of = log.refused(0, "login-1", 1, &["main"]);
        change(&mut log, of, how);
        let pushes = log.figures(0, 1_000, None).pushes;
        assert_eq!((pushes.refused, pushes.unasked), expected, "{what}");
    }
}

#[test]
fn a_request_waits_for_the_rules_that_refuse_it() {
    let mut log = Log::default();
    let of = log.refused(0, "login-1", 1, &["main", "db", "freeze"]);
    change(&mut log, of, |decision| {
        decision.updates[0].rules[1].mode = Mode::Observe;
        decision.updates[0].rules[2].met = true;
    });
    let figures = log.figures(0, 1_000, None);
    assert_eq!(figures.rules.keys().map(|rule| rule.as_str()).collect::<Vec<_>>(), ["main"]);
}

#[test]
fn of_the_overrides_those_of_a_freeze_are_told_apart() {
    for (unmet, expected) in [("never", 1), ("needs 1 more", 0)] {
        let mut log = Log::default();
        let (of, _) = log.let_in_by_override(0, "login-1", 1, 0);
        change(&mut log, of, |decision| decision.updates[0].rules[0].unmet = vec![unmet.to_owned()]);
        let pushes = log.figures(0, 1_000, None).pushes;
        assert_eq!((pushes.overridden, pushes.freeze_exempt), (1, expected), "{unmet}");
    }
}

#[test]
fn an_override_is_a_debt_from_when_its_push_has_landed_and_overdue_after_three_days() {
    let mut log = Log::default();
    let (first, _) = log.let_in_by_override(0, "login-1", 1, 0);
    let (second, _) = log.let_in_by_override(10, "login-2", 2, 10);
    let (third, _) = log.let_in_by_override(20, "login-3", 3, 20);
    // Nobody knows yet what became of the third.
    log.moved(30, first, 1);
    log.moved(40, second, 2);
    let due = 3 * 86_400;
    let told = |log: &Log, now| {
        let overrides = log.figures(0, now, None).overrides;
        (overrides.used.values().sum::<u64>(), overrides.unreviewed, overrides.overdue)
    };
    for (now, overdue) in [(due - 1, 0), (due, 1), (due + 10, 2), (due + 20, 2)] {
        assert_eq!(told(&log, now), (2, 2, overdue), "{now}");
    }
    log.moved(50, third, 3);
    assert_eq!(told(&log, due + 20), (3, 3, 3));
}

#[test]
fn a_token_is_seen_once_for_a_request_however_often_it_is_refused() {
    let mut log = Log::default();
    for seconds in [0, 100] {
        log.refused_beside(seconds, "login-1", 1, &["main"], &["the pusher's own approval"]);
    }
    let tokens = log.figures(0, 1_000, None).tokens;
    assert_eq!((tokens.seen, tokens.stale, tokens.refused), (1, 0, BTreeMap::from([(Refused::Own, 1)])));
}

#[test]
fn a_request_is_open_until_it_has_waited_for_too_long() {
    let mut log = Log::default();
    log.refused(0, "login-1", 1, &["main"]);
    let week = 7 * 86_400;
    for (now, waiting, expired) in [(week - 1, 1, 0), (week, 0, 1)] {
        let figures = log.figures(0, now, None);
        assert_eq!(
            (figures.requests.waiting.n(), figures.requests.ended(Outcome::Expired)),
            (waiting, expired),
            "{now}"
        );
    }
    // What is asked for anew after that is a second request; the first took as long as it had to wait, but for the frozen hour.
    log.refused(week + 100, "login-1", 1, &["main"]);
    let figures = log.figures(0, week + 200, None);
    assert_eq!((figures.requests.opened, ends(&figures.requests)), (2, [0, 0, 0, 0, 1, 0, 0]));
    assert_eq!(numbers(&figures.requests.durations[&Outcome::Expired]), [(601_200, 1)]);
    assert_eq!(numbers(&figures.requests.waiting), [(100, 1)]);
}

#[test]
fn a_clock_that_stands_behind_the_log_lets_nothing_wait_for_less_than_no_time() {
    let mut log = Log::default();
    log.refused(500, "login-1", 1, &["main"]);
    assert_eq!(numbers(&log.figures(0, 0, None).requests.waiting), [(0, 1)]);
}

#[test]
fn several_logs_add_up() {
    let mut both = everything().figures(0, NOW, Some(Key::Rule));
    both.merge(everything().figures(0, NOW, Some(Key::Rule)));
    let one = everything().figures(0, NOW, Some(Key::Rule));
    assert_eq!(ends(&both.requests), ends(&one.requests).map(|n| 2 * n));
    assert_eq!((both.requests.time_to_approve.n(), both.logs.len()), (12, 2));
    // Both halves have the same times, so that the percentiles stay.
    assert_eq!(both.requests.time_to_approve.percentile(50), Some(100));
    assert_eq!(both.groups["main"].opened, 2 * one.groups["main"].opened);
    assert_eq!(both.tokens.seen, 22);
}

#[test]
fn days_are_those_on_which_things_happened() {
    let figures = everything().figures(0, NOW, None);
    let first = at(0).unix() / 86_400;
    let days: Vec<_> = figures.days.iter().map(|(day, one)| (day - first, one.opened, one.closed)).collect();
    // Eleven of the requests on Monday, of which ten ended; 12 on Tuesday; 6 expired on the Monday after, when 13 was opened.
    assert_eq!(days, [(0, 11, 10), (1, 1, 1), (7, 1, 1)]);
}

#[test]
fn notices_of_places_with_the_same_name_are_added_up() {
    let mut both = Figures { notices: notices(), ..Figures::default() };
    both.merge(Figures { notices: notices(), ..Figures::default() });
    let of = |place: &str| &both.notices[&SinkName::new(place).expect("a name")];
    assert_eq!(of("chat").deliveries, Deliveries { sent: 10, failed: 4, retried: 4, given_up: 0 });
    assert_eq!(of("mail").deliveries, Deliveries { sent: 0, failed: 18, retried: 12, given_up: 6 });
    assert_eq!(numbers(&of("chat").waiting), [(60, 2), (240, 2)]);
}
