//! What became of allowed pushes, and targets that moved behind the log's back (docs/spec/semantics.md, 10; docs/spec/audit-log.md).

use super::world::{TEAM, World};
use crate::support::{approve, at, id, target, told};
use jit::domain::policy::Verdict;

const MAIN: &str = "refs/heads/main";
const DEV: &str = "refs/heads/dev";

/// An allowed push of `main` to `c` and `dev` to nothing, entry 1.
fn allowed() -> World {
    let world = World::new(TEAM).keep(&[approve("c", "a").by("alice")]);
    assert_eq!(world.push(&[(MAIN, "c"), (DEV, "")]).verdict(), Verdict::Allow);
    world
}

#[test]
fn an_outcome_closes_its_decision_and_renews_the_anchor() {
    let world = allowed();
    world.land(&[(MAIN, "c"), (DEV, "")]);
    world.steps.take();
    let outcome = world.report(&[(MAIN, "c"), (DEV, "")]).expect("recorded");
    assert_eq!(outcome.of, Some(1));
    assert_eq!(outcome.head.checkpoint.size, 3);
    assert_eq!(world.outcomes(), ["1 Applied refs/heads/main=c refs/heads/dev="]);
    let steps = world.steps.take();
    assert_eq!(steps.first().map(String::as_str), Some("open"));
    assert_eq!(steps[steps.len() - 3..], ["append outcome", "anchor", "close"]);
    assert_eq!(world.report(&[(MAIN, "c")]).expect("nothing to do").of, None, "it is closed");
    assert_eq!(world.outcomes().len(), 1);
}

#[test]
fn an_outcome_tells_only_what_landed() {
    let world = allowed();
    assert_eq!(world.report(&[(DEV, "")]).expect("recorded").of, Some(1));
    assert_eq!(world.outcomes(), ["1 Applied refs/heads/dev="]);
    assert_eq!(world.books.0.borrow().targets[&target(MAIN)].recorded, Some(vec![id('a')]));
}

#[test]
fn an_outcome_of_nothing_that_was_allowed_closes_nothing() {
    for landed in [&[][..], &[(MAIN, "b")], &[(MAIN, "c"), ("refs/heads/other", "c")]] {
        let world = allowed();
        assert_eq!(world.report(landed).expect("nothing to do").of, None, "{landed:?}");
        assert_eq!(world.outcomes(), [""; 0], "{landed:?}");
    }
}

#[test]
fn the_newest_checkpoint_is_shown_once_the_outcome_is_recorded() {
    let cases = [(None, Some(3)), (Some("anchor"), Some(3)), (Some("append"), None), (Some("open"), None)];
    for (broken, expected) in cases {
        let world = allowed();
        world.books.0.borrow_mut().broken = broken;
        let mut shown = None;
        let outcome = world.report_and(&[(MAIN, "c")], |head| shown = Some(head.checkpoint.size));
        assert_eq!(shown, expected, "{broken:?}");
        assert_eq!(outcome.is_ok(), broken.is_none(), "{broken:?}");
        assert_eq!(world.outcomes().len(), usize::from(expected.is_some()), "{broken:?}");
    }
}

#[test]
fn the_next_push_settles_what_no_hook_reported() {
    let both = [(MAIN, "c"), (DEV, "")];
    /// A situation, what moved, how much later the next push comes, and the outcomes that it finds.
    type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], i64, &'c [&'c str]);
    let cases: [Case<'_>; 8] = [
        ("everything landed", &both, 1, &["1 Applied settled refs/heads/main=c refs/heads/dev="]),
        ("nothing moved yet", &[], 599, &[]),
        ("nothing moved for ten minutes", &[], 600, &["1 NotApplied settled"]),
        ("a part moved, the rest may follow", &both[..1], 599, &[]),
        ("a part moved, the rest does not follow", &both[..1], 600, &["1 Applied settled refs/heads/main=c"]),
        ("one moved elsewhere, one may follow", &[(MAIN, "b")], 599, &[]),
        ("both moved elsewhere", &[(MAIN, "b"), (DEV, "a")], 1, &["1 NotApplied settled"]),
        ("one landed, one moved elsewhere", &[(MAIN, "c"), (DEV, "a")], 1, &["1 Applied settled refs/heads/main=c"]),
    ];
    for (situation, moved, later, expected) in cases {
        let world = allowed();
        world.land(moved);
        world.at(later);
        world.push(&[("refs/heads/new", "a")]);
        assert_eq!(world.outcomes(), expected, "{situation}");
    }
}

#[test]
fn an_outcome_that_comes_late_changes_nothing() {
    let world = allowed();
    world.land(&[(MAIN, "c"), (DEV, "")]);
    world.push(&[("refs/heads/new", "a")]);
    assert_eq!(world.outcomes().len(), 1);
    assert_eq!(world.report(&[(MAIN, "c"), (DEV, "")]).expect("nothing to do").of, None);
    assert_eq!(world.outcomes().len(), 1);
}

#[test]
fn of_two_pushes_of_the_same_move_one_made_it() {
    let world = allowed();
    assert_eq!(world.push(&[(MAIN, "c"), (DEV, "")]).verdict(), Verdict::Allow);
    world.land(&[(MAIN, "c"), (DEV, "")]);
    world.at(60);
    world.report(&[(MAIN, "c"), (DEV, "")]).expect("recorded");
    world.at(120);
    world.push(&[("refs/heads/new", "a")]);
    assert_eq!(world.outcomes(), ["2 Applied refs/heads/main=c refs/heads/dev=", "1 NotApplied settled"]);
    // What was signed in between was signed after the deletion, whenever that was found out.
    assert_eq!(world.books.0.borrow().targets[&target(DEV)].rewritten_at, Some(at(60)));
}

#[test]
fn a_push_that_moves_nothing_has_landed() {
    let world = World::new(TEAM);
    assert_eq!(world.push(&[(DEV, "d")]).verdict(), Verdict::Allow);
    world.push(&[("refs/heads/new", "a")]);
    assert_eq!(world.outcomes(), ["1 Applied settled refs/heads/dev=d"]);
}

#[test]
fn a_push_of_two_targets_is_not_settled_while_it_lands() {
    // `main` has moved, `dev` is about to, and the hook that reports both has not run yet.
    let world = allowed();
    world.land(&[(MAIN, "c")]);
    world.push(&[("refs/heads/new", "a")]);
    world.land(&[(DEV, "")]);
    assert_eq!(world.report(&[(MAIN, "c"), (DEV, "")]).expect("recorded").of, Some(1));
    assert_eq!(world.outcomes(), ["1 Applied refs/heads/main=c refs/heads/dev="]);
    world.push(&[(DEV, "d")]);
    assert_eq!(world.decisions()[2].updates[0].found, None, "it moved as it was allowed to");
}

#[test]
fn a_target_that_has_landed_did_not_move_behind_the_logs_back() {
    let world = allowed().keep(&[approve("e", "c").by("bob")]);
    world.repository.borrow_mut().commits.insert(0, crate::support::changesets("e<c").remove(0));
    world.land(&[(MAIN, "c")]);
    let answer = world.push(&[(MAIN, "e")]);
    assert_eq!(told(&answer.decision), "allow | r: +bob/team");
    assert_eq!(world.decisions()[1].updates[0].found, None);
    assert_eq!(world.outcomes(), ["1 Applied settled refs/heads/main=c"]);
}

#[test]
fn a_target_that_another_push_moves_while_this_one_is_judged_did_not_move_behind_the_logs_back() {
    let world = allowed().keep(&[approve("b", "a").by("alice")]);
    world.repository.borrow_mut().meanwhile = Some((target(MAIN), vec![id('c')]));
    // Git stops it afterwards: `main` is no longer where it begins.
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Allow);
    assert_eq!(world.decisions()[1].updates[0].found, None);
    world.land(&[(DEV, "")]);
    assert_eq!(world.report(&[(MAIN, "c"), (DEV, "")]).expect("recorded").of, Some(1));
    world.push(&[(MAIN, "")]);
    assert_eq!(world.decisions()[2].updates[0].found, None);
    assert_eq!(world.outcomes(), ["1 Applied refs/heads/main=c refs/heads/dev=", "2 NotApplied settled"]);
}

#[test]
fn a_target_that_moved_behind_the_logs_back_counts_as_rewritten_now() {
    let token = || approve("c", "b").from(-1).by("alice");
    let world = World::new(TEAM).keep(&[token()]);
    world.land(&[(MAIN, "b")]);
    let answer = world.push(&[(MAIN, "c")]);
    assert_eq!(told(&answer.decision), "deny | r: 1 team for c, -alice Spent");
    assert_eq!(world.decisions()[0].updates[0].found, Some(vec![id('b')]));
    // The log knows from now on; what is signed after that counts.
    world.at(60);
    let again = world.push(&[(MAIN, "c")]);
    assert_eq!(told(&again.decision), "deny | r: 1 team for c, -alice Spent");
    assert_eq!(world.decisions()[1].updates[0].found, None);
    let world = world.keep(&[approve("c", "b").from(1).by("bob")]);
    assert_eq!(told(&world.push(&[(MAIN, "c")]).decision), "allow | r: +bob/team, -alice Spent");
}

#[test]
fn a_target_that_vanished_or_appeared_behind_the_logs_back_is_found() {
    let world = World::new(TEAM);
    world.land(&[(MAIN, "")]);
    world.push(&[(MAIN, "c")]);
    assert_eq!(world.decisions()[0].updates[0].found, Some(vec![]));
    let world = World::new(TEAM);
    world.land(&[("refs/heads/new", "b")]);
    world.push(&[("refs/heads/new", "c")]);
    assert_eq!(world.decisions()[0].updates[0].found, Some(vec![id('b')]));
    assert_eq!(World::new(TEAM).push(&[("refs/heads/new", "c")]).verdict(), Verdict::Allow);
}

#[test]
fn a_rewrite_and_a_deletion_spend_what_was_signed_before() {
    let world = World::new(TEAM)
        .keep(&[approve("d", "a").from(-100).by("alice"), approve("c", "a").to("rewrite").from(-100).by("alice")]);
    // main: a to d by an approval, then d to a by another one.
    let world = world.keep(&[approve("a", "d").to("rewrite").from(-90).by("bob")]);
    world.land(&[]);
    let step = |to: &str, seconds: i64| {
        world.at(seconds);
        let answer = world.push(&[(MAIN, to)]);
        if answer.verdict() == Verdict::Allow {
            world.land(&[(MAIN, to)]);
            world.report(&[(MAIN, to)]).expect("recorded");
        }
        told(&answer.decision)
    };
    assert_eq!(step("d", 0), "allow | r: +alice/team");
    assert_eq!(step("a", 10), "allow | r: +bob/team");
    assert_eq!(world.books.0.borrow().targets[&target(MAIN)].rewritten_at, Some(at(10)));
    assert_eq!(step("d", 20), "deny | r: 1 team for d, -alice Spent");
}

#[test]
fn a_rewrite_that_is_landing_spends_what_was_signed_before() {
    let world = World::with("e<b; d<a; c<b; b<a; a<", &[(MAIN, "c"), (DEV, "d")], TEAM)
        .keep(&[approve("b", "c").to("rewrite").by("alice"), approve("e", "b").by("bob")]);
    assert_eq!(world.push(&[(MAIN, "b"), (DEV, "a")]).verdict(), Verdict::Allow);
    world.land(&[(MAIN, "b")]);
    assert_eq!(told(&world.push(&[(MAIN, "e")]).decision), "deny | r: 1 team for e, -bob Spent");
}
