//! Approvals that are found by what they change: when that is looked up, and what the log remembers of it.

use super::world::{TEAM, World};
use crate::support::{approve, told, update};
use jit::domain::approval::SignedToken;
use jit::domain::change::ContentId;
use jit::domain::policy::Verdict;
use jit::ports::history::History as _;

const MAIN: &str = "refs/heads/main";

/// `c<b<a` and `e<d<a` change the same, each by other commits; `r` takes `e` back.
const COMMITS: &str = "g<f src/2; f<r src/1; r<e src/3; c<b src/2; b<a src/1; e<d src/2; d<a src/1; a<";

fn world(rules: &str) -> World {
    World::with(COMMITS, &[(MAIN, "a")], rules)
}

fn following() -> String {
    format!("{TEAM}bind = \"content\"\n")
}

/// What the line of `commits` from the last one on changes, as the repository tells it.
fn content(world: &World, commits: &str) -> ContentId {
    let mut update = update("a", &commits[..1], commits);
    world.repository.borrow_mut().contents(&mut update).expect("contents");
    let (content, _) = update.contents.into_iter().find(|(_, found)| found.end == update.tips[0]).expect("a content");
    world.steps.take();
    content
}

/// alice's approval of `c` on `a`, with its content.
fn approval(world: &World) -> SignedToken {
    let mut draft = approve("c", "a");
    draft.0.content = Some(content(world, "c<b; b<a"));
    draft.by("alice")
}

fn steps(world: &World) -> Vec<String> {
    let asked = |step: &String| ["contents", "held", "landed", "tokens of"].iter().any(|word| step.starts_with(word));
    world.steps.take().into_iter().filter(asked).collect()
}

#[test]
fn an_approval_is_found_by_what_it_changes_and_named_in_the_log() {
    let world = world(&following());
    let token = approval(&world);
    let world = world.keep(std::slice::from_ref(&token));
    assert_eq!(told(&world.push(&[(MAIN, "e")]).decision), "allow | r: +alice/team");
    let named = world.decisions()[0].updates[0].contents.clone();
    assert_eq!(Some(&named[..]), token.token.content.as_ref().map(std::slice::from_ref));
}

#[test]
fn contents_are_looked_up_only_where_a_rule_that_matches_follows_them() {
    let other = following().replace("require", "paths = [\"db/**\"]\nrequire");
    let outside = following().replace("require", "outside = \"march\"\nrequire");
    let asked = ["contents refs/heads/main", "tokens of a content", "tokens of a content"];
    let cases: [(&str, &str, &[&str]); 4] = [
        (TEAM, "deny | r: 1 team for ed", &[]),
        (&other, "allow by default", &[]),
        (&outside, "allow by default", &[]),
        (&following(), "deny | r: 1 team for ed", &asked),
    ];
    for (rules, expected, lookups) in cases {
        let world = world(rules);
        assert_eq!(told(&world.push(&[(MAIN, "e")]).decision), expected, "{rules}");
        assert_eq!(steps(&world), lookups, "{rules}");
    }
}

/// A world in which the changes were let in under other ids, as `e`, with alice's approval.
fn let_in() -> World {
    let world = world(&following());
    let token = approval(&world);
    let world = world.keep(&[token]);
    assert_eq!(world.push(&[(MAIN, "e")]).verdict(), Verdict::Allow);
    world
}

/// Lets `value` land, ten seconds later.
fn land(world: &World, value: &str, seconds: i64) {
    world.land(&[(MAIN, value)]);
    world.report(&[(MAIN, value)]).expect("recorded");
    world.at(seconds);
}

#[test]
fn what_landed_and_was_taken_back_lands_again_only_with_a_younger_approval() {
    let world = let_in();
    land(&world, "e", 10);
    let world = world.keep(&[approve("r", "e").by("alice")]);
    assert_eq!(told(&world.push(&[(MAIN, "r")]).decision), "allow | r: +alice/team");
    land(&world, "r", 20);
    assert_eq!(told(&world.push(&[(MAIN, "g")]).decision), "deny | r: 1 team for gf, -alice Landed");
    let mut again = approve("q", "r").from(5).nonce(8);
    again.0.content = Some(content(&world, "c<b; b<a"));
    let world = world.keep(&[again.by("bob")]);
    assert_eq!(told(&world.push(&[(MAIN, "g")]).decision), "allow | r: +bob/team, -alice Landed");
}

#[test]
fn what_was_let_in_and_did_not_land_may_land_under_still_other_ids() {
    let world = let_in();
    // Long enough to know that nothing comes of it.
    world.at(601);
    assert_eq!(told(&world.push(&[(MAIN, "e")]).decision), "allow | r: +alice/team");
}

#[test]
fn what_cannot_be_looked_up_denies() {
    for broken in ["contents", "held", "landed", "tokens"] {
        let mut world = world(&following());
        let token = approval(&world);
        world = world.keep(&[token]);
        match broken {
            "landed" => world.books.0.borrow_mut().broken = Some(broken),
            "tokens" => world.shelf.broken = Some(broken),
            _ => world.repository.borrow_mut().broken = Some(broken),
        }
        let answer = world.push(&[(MAIN, "e")]);
        assert_eq!(answer.verdict(), Verdict::Deny, "{broken}");
        assert!(answer.is_undecided(), "{broken}");
    }
}
