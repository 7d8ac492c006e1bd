//! Mercurial transactions: looked at early, allowed under an id, closed by it, or only written down.

use super::world::{TEAM, World};
use crate::support::{approve, at, id, login, target, told};
use jit::domain::audit;
use jit::domain::change::{Action, RefUpdate};
use jit::domain::policy::Verdict;
use jit::enforcement::{Answer, Stage, Unjudged};
use jit::ports::history::{History as _, HistoryError};
use std::time::{Duration, Instant};

const MAIN: &str = "refs/heads/main";
const ID: &str = "TXN:1";

fn decide(world: &World, stage: Stage, claims: &[(&str, &str)]) -> Answer {
    let mut repository = world.repository.borrow_mut();
    repository.claims = claims.iter().map(|(name, value)| (target(name), crate::support::ids(value))).collect();
    let started = Instant::now();
    world.server().decide_stage(stage, &mut *repository, login("mallory"), started, started + Duration::from_secs(30))
}

fn transaction(world: &World, claims: &[(&str, &str)]) -> Answer {
    decide(world, Stage::Transaction(ID.to_owned()), claims)
}

fn close(world: &World, id: &str, applied: bool) -> Option<u64> {
    world.server().record_transaction(id, applied, Instant::now() + Duration::from_secs(30)).expect("recorded").of
}

fn approved() -> World {
    World::new(TEAM).keep(&[approve("c", "a").by("alice")])
}

#[test]
fn an_early_look_records_only_a_denial() {
    let world = World::new(TEAM);
    assert_eq!(decide(&world, Stage::Early, &[(MAIN, "c")]).verdict(), Verdict::Deny);
    assert_eq!(world.decisions().len(), 1);
    let world = approved();
    let answer = decide(&world, Stage::Early, &[(MAIN, "c")]);
    assert_eq!(answer.verdict(), Verdict::Allow);
    assert!(matches!(answer.recorded, Ok(None)));
    assert_eq!(world.decisions(), []);
}

#[test]
fn an_early_look_leaves_the_default_to_the_whole() {
    let claims = [("refs/heads/free", "c")];
    let deny = World::new(TEAM).default_to("deny");
    assert_eq!(decide(&deny, Stage::Early, &claims).verdict(), Verdict::Allow);
    assert_eq!(transaction(&deny, &claims).verdict(), Verdict::Deny);
}

#[test]
fn a_transaction_that_moves_nothing_is_allowed_and_a_push_is_not() {
    for stage in [Stage::Early, Stage::Transaction(ID.to_owned())] {
        let world = World::new(TEAM);
        let answer = decide(&world, stage, &[]);
        assert_eq!(answer.verdict(), Verdict::Allow);
        assert!(!answer.is_undecided());
        assert_eq!(world.decisions(), []);
    }
    assert_eq!(World::new(TEAM).push(&[]).verdict(), Verdict::Deny);
}

#[test]
fn a_transaction_that_moves_nothing_is_denied_where_something_is_broken() {
    let world = World::new("");
    assert_eq!(transaction(&world, &[]).verdict(), Verdict::Deny);
    let world = World::new(TEAM);
    world.books.0.borrow_mut().broken = Some("open");
    assert_eq!(transaction(&world, &[]).verdict(), Verdict::Deny);
}

#[test]
fn the_outcome_is_known_by_the_id() {
    for (applied, expected) in [(true, "1 Applied refs/heads/main=c"), (false, "1 NotApplied")] {
        let world = approved();
        assert_eq!(transaction(&world, &[(MAIN, "c")]).verdict(), Verdict::Allow);
        assert_eq!(close(&world, "TXN:2", applied), None, "another one's outcome");
        assert_eq!(close(&world, ID, applied), Some(1));
        assert_eq!(close(&world, ID, applied), None, "it is closed");
        assert_eq!(world.outcomes(), [expected]);
    }
}

#[test]
fn a_denied_transaction_has_no_outcome_and_is_counted_when_it_comes_again() {
    let world = World::new(TEAM);
    for id in ["TXN:1", "TXN:2"] {
        transaction(&world, &[(MAIN, "c")]);
        assert_eq!(close(&world, id, false), None);
    }
    let [first, again] = &world.decisions()[..] else { panic!("two decisions") };
    assert_eq!((first.transaction.as_ref(), again.again.map(|again| again.count)), (None, Some(2)));
    let _ = decide(&world, Stage::Transaction("TXN:3".to_owned()), &[(MAIN, "c")]);
    assert_eq!(world.decisions()[2].again.map(|again| again.count), Some(3));
}

#[test]
fn the_next_transaction_settles_the_one_before_at_once() {
    let world = approved();
    transaction(&world, &[(MAIN, "c")]);
    world.at(1);
    // It was undone, and nobody said so: the lock that both need was free.
    decide(&world, Stage::Transaction("TXN:2".to_owned()), &[("refs/heads/new", "a")]);
    assert_eq!(world.outcomes(), ["1 NotApplied settled"]);
    assert_eq!(close(&world, ID, false), None, "it came too late");
}

/// A branch with several heads gains one: `b` and `a` before, `c` on `b` gained.
fn gains_a_head(mut update: RefUpdate) -> RefUpdate {
    update.old = vec![id('a'), id('b')];
    update.new = vec![id('c')];
    update.after = vec![id('a'), id('c')];
    update
}

#[test]
fn a_target_with_several_heads_is_recorded_whole() {
    let world = World::new(TEAM);
    let mut repository = world.repository.borrow_mut();
    repository.set(&target(MAIN), &[id('a'), id('b')]);
    repository.claims = vec![(target(MAIN), vec![id('c')])];
    let update = gains_a_head(repository.ref_updates().expect("updates").remove(0));
    let publish = RefUpdate { actions: vec![Action::Publish], ..update.clone() };
    let unjudged =
        Unjudged { what: "strip", transaction: Some(ID), pusher: login("mallory"), updates: Ok(vec![update, publish]) };
    let started = Instant::now();
    let deadline = started + Duration::from_secs(30);
    let recorded = world.server().record_unjudged(unjudged, &mut *repository, started, deadline);
    assert_eq!(recorded.expect("recorded").map(|entry| entry.index), Some(1));
    drop(repository);
    let decision = world.decisions().remove(0);
    assert_eq!(decision.updates[0].after, Some(vec![id('a'), id('c')]));
    assert_eq!(decision.updates[0].found, Some(vec![id('a'), id('b')]));
    assert_eq!(close(&world, ID, true), Some(1));
    assert_eq!(world.outcomes(), ["1 Applied refs/heads/main=ac"]);
    assert_eq!(world.books.0.borrow().targets[&target(MAIN)].recorded, Some(vec![id('a'), id('c')]));
}

#[test]
fn what_is_only_written_down_is_allowed_with_a_reason_and_spends_approvals() {
    let world = World::new(TEAM).keep(&[approve("c", "a").from(-1).by("alice")]);
    let mut repository = world.repository.borrow_mut();
    repository.claims = vec![(target(MAIN), vec![id('d')])];
    let update = repository.ref_updates().expect("updates").remove(0);
    let update = RefUpdate { actions: vec![Action::Rewrite], ..update };
    let started = Instant::now();
    let deadline = started + Duration::from_secs(30);
    for updates in [Ok(vec![update]), Err(HistoryError::DeadlinePassed), Ok(vec![])] {
        let unjudged = Unjudged { what: "strip", transaction: Some(ID), pusher: login("mallory"), updates };
        world.server().record_unjudged(unjudged, &mut *repository, started, deadline).expect("recorded");
        close(&world, ID, true);
    }
    drop(repository);
    let [told_of, unknown] = &world.decisions()[..] else { panic!("nothing that changes nothing is recorded") };
    assert_eq!((told_of.verdict, unknown.verdict), (audit::Verdict::Allow, audit::Verdict::Allow));
    assert_eq!(told_of.reasons, ["strip: recorded and not judged"]);
    assert!(unknown.reasons[1].starts_with("what it changes could not be told"), "{:?}", unknown.reasons);
    assert_eq!(world.books.0.borrow().targets[&target(MAIN)].rewritten_at, Some(at(0)));
    world.land(&[(MAIN, "a")]);
    assert_eq!(told(&transaction(&world, &[(MAIN, "c")]).decision), "deny | r: 1 team for cb, -alice Spent");
}
