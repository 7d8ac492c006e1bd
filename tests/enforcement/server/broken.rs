//! Whatever cannot be read, decided or recorded is denied (docs/architecture.md).

use super::world::{TEAM, World};
use crate::support::approve;
use jit::domain::audit;
use jit::domain::policy::Verdict;
use jit::ports::log::LogError;

/// A server with an open decision that asks for everything, and on which the push of these tests is approved.
fn sound() -> World {
    let world = World::new(TEAM).keep(&[approve("c", "a").by("alice")]);
    assert_eq!(world.push(&[("refs/heads/dev", "")]).verdict(), Verdict::Allow);
    world
}

#[test]
fn nothing_is_wrong_with_the_push_of_these_tests() {
    assert_eq!(sound().push(&[("refs/heads/main", "c")]).verdict(), Verdict::Allow);
}

#[test]
fn what_cannot_be_read_is_denied_and_the_denial_recorded() {
    let missing = format!("the object {} is missing", "61".repeat(20));
    let unassessed = format!("the push could not be judged: {missing}");
    type Break = fn(&mut World);
    let cases: [(&str, Break, bool, &str); 11] = [
        ("a target's value", |world| world.repository.get_mut().broken = Some("value"), true, &unassessed),
        ("the ref updates", |world| world.repository.get_mut().broken = Some("ref updates"), true, &unassessed),
        ("what is carried", |world| world.repository.get_mut().broken = Some("carried"), true, &unassessed),
        ("the history", |world| world.repository.get_mut().broken = Some("load"), true, &unassessed),
        ("the bases", |world| world.repository.get_mut().broken = Some("bases"), true, &unassessed),
        (
            "a false claim",
            |world| world.repository.get_mut().broken = Some("claims"),
            false,
            "refs/heads/main occurs twice",
        ),
        (
            "jit's own",
            |world| world.repository.get_mut().broken = Some("own"),
            false,
            "refs/jit/policy belongs to jit: only approvals and requests may be added",
        ),
        (
            "the tokens",
            |world| world.shelf.broken = Some("tokens"),
            true,
            "the push could not be judged: cannot read the approvals: the key SHA256:x has added 1 tokens today",
        ),
        (
            "one damaged token",
            |world| world.shelf.broken = Some("damaged"),
            true,
            "the push could not be judged: cannot read the approval 61/62: cannot be read: spoilt",
        ),
        ("no policy", |world| world.rules.text = None, true, "the policy cannot be read"),
        (
            "a faulty policy",
            |world| world.rules.text = Some("version = 2\n".to_owned()),
            true,
            "the policy does not load",
        ),
    ];
    for (situation, spoil, undecided, reason) in cases {
        let mut world = sound();
        spoil(&mut world);
        let answer = world.push(&[("refs/heads/main", "c")]);
        assert_eq!(answer.verdict(), Verdict::Deny, "{situation}");
        assert_eq!(answer.is_undecided(), undecided, "{situation}");
        assert!(answer.recorded.is_ok(), "{situation}");
        let decisions = world.decisions();
        let last = decisions.last().expect("recorded");
        assert_eq!(last.verdict, audit::Verdict::Deny, "{situation}");
        assert!(last.reasons[0].starts_with(reason), "{situation}: {:?}", last.reasons);
        assert_eq!(last.policy.is_some(), !situation.contains("policy"), "{situation}");
        assert_eq!(last.policy_error.is_some(), situation.contains("policy"), "{situation}");
        assert_eq!(world.books.0.borrow().standing.unsettled.len(), 1, "{situation}: only the earlier push is allowed");
    }
}

/// How the log fails, and how many entries are there afterwards that were not there before.
const FAULTS: [(&str, usize); 5] = [("open", 0), ("target", 0), ("append", 0), ("space", 0), ("sync", 1)];

#[test]
fn what_cannot_be_recorded_is_denied() {
    for (fault, left) in FAULTS {
        let world = sound();
        let before = world.books.0.borrow().entries.len();
        world.books.0.borrow_mut().broken = Some(fault);
        let answer = world.push(&[("refs/heads/main", "c")]);
        assert_eq!(answer.verdict(), Verdict::Deny, "{fault}");
        assert!(answer.is_undecided(), "{fault}");
        assert!(matches!(answer.recorded, Err(LogError::ShortWrite { .. } | LogError::Io { .. })), "{fault}");
        assert_eq!(world.books.0.borrow().entries.len(), before + left, "{fault}");
        let appends = world.steps.take().iter().filter(|done| *done == "append allow").count();
        let tried = usize::from(!matches!(fault, "open" | "target"));
        assert_eq!(appends, 1 + tried, "{fault}: nothing is tried twice");
        assert!(!world.books.0.borrow().locked, "{fault}: the log is free again");
    }
}

#[test]
fn after_any_fault_of_the_log_the_next_push_is_judged_as_if_nothing_had_been() {
    for (fault, _) in FAULTS {
        let world = sound();
        world.books.0.borrow_mut().broken = Some(fault);
        world.push(&[("refs/heads/main", "c")]);
        world.books.0.borrow_mut().broken = None;
        assert_eq!(world.push(&[("refs/heads/main", "b")]).verdict(), Verdict::Deny, "{fault}");
        assert_eq!(world.push(&[("refs/heads/main", "c")]).verdict(), Verdict::Allow, "{fault}");
        world.land(&[("refs/heads/main", "c")]);
        world.report(&[("refs/heads/main", "c")]).expect("recorded");
        // Of a decision that stands there although its push was refused it is said that it moved nothing.
        world.push(&[("refs/heads/new", "a")]);
        let outcomes = world.outcomes();
        let applied = outcomes.iter().filter(|told| told.contains("refs/heads/main=c")).count();
        assert_eq!(applied, 1, "{fault}: {outcomes:?}");
        assert_eq!(outcomes.len(), if fault == "sync" { 2 } else { 1 }, "{fault}: {outcomes:?}");
    }
}

#[test]
fn nothing_is_read_while_somebody_else_has_the_log() {
    let world = sound();
    world.steps.take();
    world.books.0.borrow_mut().locked = true;
    let answer = world.push(&[("refs/heads/main", "c")]);
    assert_eq!(answer.verdict(), Verdict::Deny);
    assert!(matches!(answer.recorded, Err(LogError::Busy)));
    assert_eq!(world.steps.take(), ["open"]);
}

#[test]
fn an_outcome_that_cannot_be_concluded_denies_the_push_that_found_it() {
    let world = sound();
    world.land(&[("refs/heads/dev", "")]);
    world.books.0.borrow_mut().broken = Some("append");
    let answer = world.push(&[("refs/heads/main", "c")]);
    assert_eq!(answer.verdict(), Verdict::Deny);
    assert!(answer.recorded.is_err());
}

#[test]
fn every_reason_to_refuse_the_push_as_a_whole_is_said_at_once() {
    let mut world = sound();
    world.rules.text = None;
    world.repository.get_mut().broken = Some("claims");
    world.at(-7200);
    let answer = world.push(&[("refs/heads/main", "c")]);
    assert_eq!(answer.verdict(), Verdict::Deny);
    assert_eq!(world.decisions().last().map(|decision| decision.reasons.len()), Some(3));
}

#[test]
fn a_push_that_is_refused_whole_is_not_walked_through() {
    let mut world = sound();
    world.repository.get_mut().broken = Some("own");
    world.steps.take();
    assert_eq!(world.push(&[("refs/heads/main", "c")]).verdict(), Verdict::Deny);
    assert!(!world.steps.take().iter().any(|step| step.starts_with("load")));
}

#[test]
fn a_push_that_is_refused_whole_is_recorded_with_what_it_asked_for() {
    let mut world = sound();
    world.rules.text = None;
    world.push(&[("refs/heads/main", "c")]);
    let decisions = world.decisions();
    let [update] = &decisions.last().expect("recorded").updates[..] else { panic!("one update") };
    assert_eq!(update.target.to_string(), "refs/heads/main");
    assert_eq!(update.rules.len(), 0);
}
