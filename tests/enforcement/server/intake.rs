//! Tokens that a push brings: which are kept, and what else they do (docs/spec/published.md).

use super::world::{TEAM, World};
use crate::support::{approve, reject, told};
use jit::domain::approval::place;
use jit::domain::policy::Verdict;

const MAIN: &str = "refs/heads/main";
const OWN: &str = "refs/jit/approvals";

#[test]
fn a_token_that_comes_with_the_push_counts_for_it() {
    let world = World::new(TEAM);
    let token = approve("c", "a").by("alice");
    let answer = world.push_with(&[(MAIN, "c")], &[(&token.text, None)]);
    assert_eq!(told(&answer.decision), "allow | r: +alice/team");
    assert_eq!((answer.intake.new, answer.intake.known), (1, 0));
}

#[test]
fn a_rejection_that_comes_with_the_push_counts_too() {
    let world = World::new(TEAM).keep(&[approve("c", "a").by("alice")]);
    let token = reject("c", "a").by("bob");
    let answer = world.push_with(&[(MAIN, "c")], &[(&token.text, None)]);
    assert_eq!(answer.verdict(), Verdict::Deny);
}

#[test]
fn tokens_of_a_refused_push_are_kept() {
    let token = approve("c", "a").by("alice");
    let other = approve("d", "a").by("mallory");
    let refused = |broken: Option<&'static str>, claim: (&str, &str)| {
        let mut world = World::new(TEAM);
        world.repository.get_mut().broken = broken;
        let answer = world.push_with(&[claim], &[(&token.text, None), (&other.text, None)]);
        assert_eq!(answer.verdict(), Verdict::Deny);
        assert_eq!(answer.intake.new, 2);
        world.repository.get_mut().broken = None;
        assert_eq!(world.push(&[(MAIN, "c")]).verdict(), Verdict::Allow);
    };
    refused(None, (MAIN, "d"));
    refused(Some("own"), (MAIN, "c"));
    refused(Some("load"), (MAIN, "c"));
    refused(Some("claims"), (MAIN, "c"));
}

#[test]
fn an_offer_that_is_not_taken_does_not_refuse_the_push() {
    let good = approve("c", "a").by("alice");
    let stranger = approve("c", "a").by("x");
    let elsewhere = approve("c", "a").repository("payments@0000").by("alice");
    let cases = [
        ("nonsense", "jit1.x.y".to_owned()),
        ("nobody's key", stranger.text),
        ("another repository", elsewhere.text),
        ("one letter more", format!("{}A", good.text)),
    ];
    for (situation, text) in cases {
        let world = World::new(TEAM).keep(std::slice::from_ref(&good));
        let answer = world.push_with(&[(MAIN, "c")], &[(&text, None)]);
        assert_eq!(answer.verdict(), Verdict::Allow, "{situation}");
        assert_eq!((answer.intake.new, answer.intake.declined.len()), (0, 1), "{situation}");
        assert_eq!(world.shelf.tokens.borrow().len(), 1, "{situation}");
    }
}

#[test]
fn what_is_put_into_jits_own_tree_must_be_a_token_that_is_kept_and_stand_in_its_place() {
    let good = approve("c", "a").by("alice");
    let stranger = approve("c", "a").by("x");
    let elsewhere = approve("c", "a").repository("payments@0000").by("alice");
    let other = place(&approve("b", "a").by("alice"));
    let own = |token: &jit::domain::approval::SignedToken| place(token);
    let cases = [
        ("a good one", good.text.clone(), own(&good), true),
        ("nonsense", "jit1.x.y".to_owned(), "61/62/63".to_owned(), false),
        ("nobody's key", stranger.text.clone(), own(&stranger), false),
        ("another repository", elsewhere.text.clone(), own(&elsewhere), false),
        ("another's place", good.text.clone(), other, false),
        ("a place that only looks like it", good.text.clone(), format!("{}/", own(&good)), false),
    ];
    for (situation, text, place, taken) in cases {
        let world = World::new(TEAM).default_to("deny");
        let answer = world.push_with(&[(OWN, "d")], &[(&text, Some(&place))]);
        assert_eq!(answer.verdict() == Verdict::Allow, taken, "{situation}");
        assert!(!answer.is_undecided(), "{situation}");
        assert_eq!(world.shelf.tokens.borrow().len(), usize::from(taken), "{situation}");
    }
}

#[test]
fn a_token_that_the_store_does_not_take_may_not_land_in_jits_own_tree() {
    let token = approve("c", "a").by("alice");
    for (place, verdict) in [(Some(place(&token)), Verdict::Deny), (None, Verdict::Allow)] {
        let mut world = World::new(TEAM);
        world.shelf.broken = Some("add");
        let answer = world.push_with(&[(OWN, "d")], &[(&token.text, place.as_deref())]);
        assert_eq!(answer.verdict(), verdict);
    }
}

#[test]
fn one_refused_token_refuses_the_whole_push() {
    let world = World::new(TEAM).keep(&[approve("c", "a").by("alice")]);
    let stranger = approve("c", "a").by("x");
    let place = place(&stranger);
    let answer = world.push_with(&[(MAIN, "c"), (OWN, "d")], &[(&stranger.text, Some(&place))]);
    assert_eq!(answer.verdict(), Verdict::Deny);
}

#[test]
fn no_rule_judges_jits_own_targets() {
    let freeze = "[[rule]]\nname = \"r\"\ndeny = true\n";
    let world = World::new(freeze).default_to("deny");
    assert_eq!(world.push(&[(OWN, "d")]).verdict(), Verdict::Allow);
    assert_eq!(world.push(&[(OWN, "d"), ("refs/heads/x", "d")]).verdict(), Verdict::Deny);
    assert_eq!(world.push(&[("refs/jit", "d")]).verdict(), Verdict::Deny);
}

#[test]
fn without_a_policy_nothing_is_kept() {
    let mut world = World::new(TEAM);
    world.rules.text = None;
    let token = approve("c", "a").by("alice");
    let answer = world.push_with(&[(MAIN, "c")], &[(&token.text, None)]);
    assert_eq!(answer.verdict(), Verdict::Deny);
    assert_eq!(world.shelf.tokens.borrow().len(), 0);
}

#[test]
fn only_so_many_tokens_of_one_push_are_kept() {
    let world = World::new(TEAM);
    let token = approve("c", "a").by("alice");
    let most: Vec<(&str, Option<&str>)> = vec![(&token.text, None); 1001];
    let answer = world.push_with(&[(MAIN, "c")], &most);
    assert_eq!((answer.intake.new, answer.intake.known, answer.intake.declined.len()), (1, 999, 1));
}
