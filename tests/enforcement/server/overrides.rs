//! What an override leaves in the log: it is used once, and a debt until somebody else has looked at it.

use super::world::World;
use crate::support::{approve, overriding, review};
use jit::domain::approval::SignedToken;
use jit::domain::audit::Event;
use jit::domain::policy::Verdict;
use jit::enforcement::Answer;

const MAIN: &str = "refs/heads/main";

const FROZEN: &str = "[[rule]]\nname = \"r\"\nbranches = [\"main\"]\ndeny = true\n\
                      override = { role = \"lead\", approvals = 1, ttl = \"30d\", review_within = \"1h\" }\n";

/// `main` went from `a` to `b` by an override of bob's: entries 1 to 3 are the decision, the override and its outcome.
fn overridden() -> World {
    let world = World::new(FROZEN).keep(&[bobs()]);
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Allow);
    world.land(&[(MAIN, "b")]);
    world.report(&[(MAIN, "b")]).expect("recorded");
    world
}

fn bobs() -> SignedToken {
    overriding("b", "a").by("bob")
}

/// The kinds of the log's entries, and what reviews are about.
fn entries(world: &World) -> Vec<String> {
    let book = world.books.0.borrow();
    let told = |event: &Event| match event {
        Event::Decision(decision) => format!("{:?}", decision.verdict),
        Event::Outcome(outcome) => format!("{:?}", outcome.how),
        Event::Override(used) => {
            let who: Vec<&str> = used.overriders.iter().map(|one| one.principal.as_str()).collect();
            format!("override of {} by {}", used.rule, who.join(" "))
        }
        Event::Review(review) => format!("review of {} by {}", review.debt, review.by),
        other => format!("{other:?}").chars().take_while(char::is_ascii_alphabetic).collect(),
    };
    book.entries.iter().skip(1).map(|entry| told(&entry.event)).collect()
}

fn bring(world: &World, token: &SignedToken) -> Answer {
    world.push_with(&[("refs/heads/new", "a")], &[(&token.text, None)])
}

#[test]
fn an_override_is_recorded_before_the_answer_and_used_once_it_moved_something() {
    let world = World::new(FROZEN).keep(&[bobs()]);
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Allow);
    assert_eq!(entries(&world), ["Allow", "override of r by bob"]);
    let rule = &world.decisions()[0].updates[0].rules[0];
    assert_eq!((rule.met, rule.unmet.as_slice(), rule.overridden.len()), (true, &["never".to_owned()][..], 1));
    assert!(world.decisions()[0].tokens.contains_key(&bobs().id));

    // Nothing moved: the same override passes the next push.
    world.at(700);
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Allow);
    assert_eq!(entries(&world)[2..], ["NotApplied", "Allow", "override of r by bob"]);
    world.land(&[(MAIN, "b")]);
    world.report(&[(MAIN, "b")]).expect("recorded");

    // It did; and the target stands again where it stood, as far as the override can tell.
    world.books.0.borrow_mut().targets.get_mut(&crate::support::target(MAIN)).expect("known").recorded =
        Some(crate::support::ids("a"));
    world.land(&[(MAIN, "a")]);
    let again = world.push(&[(MAIN, "b")]);
    assert_eq!(again.verdict(), Verdict::Deny);
    let why = &again.decision.updates[0].rules[0].not_counted[0].why;
    assert_eq!(why.to_string(), "used already: an override passes a rule once");
}

#[test]
fn a_push_that_is_refused_for_another_reason_uses_no_override() {
    let rules = format!(
        "{FROZEN}[[rule]]\nname = \"s\"\nbranches = [\"main\"]\nrequire = [{{ role = \"dba\", approvals = 1 }}]\n"
    );
    let world = World::new(&rules).keep(&[bobs()]);
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Deny);
    assert_eq!(entries(&world), ["Deny"]);
    world.shelf.tokens.borrow_mut().push(approve("b", "a").by("alice"));
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Allow);
    assert_eq!(entries(&world), ["Deny", "Allow", "override of r by bob"]);
}

#[test]
fn an_override_whose_entry_cannot_be_written_lets_nothing_in() {
    let world = World::new(FROZEN).keep(&[bobs()]);
    world.books.0.borrow_mut().broken = Some("override");
    let mut repository = world.repository.borrow_mut();
    repository.claims = vec![(crate::support::target(MAIN), crate::support::ids("b"))];
    let started = std::time::Instant::now();
    let deadline = started + std::time::Duration::from_secs(30);
    let answer = world.server().decide(&mut *repository, crate::support::login("mallory"), started, deadline);
    assert_eq!(answer.verdict(), Verdict::Deny);
}

#[test]
fn an_overdue_review_is_told_with_every_push_until_somebody_else_signs_it() {
    let world = overridden();
    let overdue = |seconds: i64| {
        world.at(seconds);
        world.push(&[("refs/heads/new", "a")]).overdue.len()
    };
    assert_eq!(overdue(3_599), 0);
    assert_eq!(overdue(3_600), 1);
    let answer = bring(&world, &review("b").by("carol"));
    assert_eq!(answer.intake.reviews[0].outcome, Ok(2));
    assert_eq!(overdue(3_700), 0);
    assert!(entries(&world).contains(&"review of 2 by carol".to_owned()));
    // Once is enough.
    let again = bring(&world, &review("b").nonce(8).by("carol"));
    assert!(again.intake.reviews[0].outcome.is_err());
}

#[test]
fn a_review_by_whoever_had_a_part_in_it_pays_no_debt() {
    let refused = "no override of that rule, for that commit and target, waits for a review";
    let involved = "bob signed the override, pushed with it or wrote what it let in";
    let cases: [(&str, SignedToken, &str); 7] = [
        ("the overrider", review("b").by("bob"), involved),
        ("outside the role", review("b").by("alice"), "alice holds none of `lead`"),
        ("another rule", review("b").of_rule("s").by("carol"), refused),
        ("another commit", review("c").by("carol"), refused),
        ("another target", review("b").on("refs/heads/dev").by("carol"), refused),
        (
            "signed before the override was used",
            review("b").from(-301).by("carol"),
            "it was signed at 2026-03-02T11:54:59Z, and the override was used at 2026-03-02T12:00:00Z",
        ),
        (
            "signed ahead of time",
            review("b").from(301).by("carol"),
            "it was signed at 2026-03-02T12:05:01Z, and the override was used at 2026-03-02T12:00:00Z",
        ),
    ];
    for (situation, token, expected) in cases {
        let world = overridden();
        let answer = bring(&world, &token);
        let outcome = answer.intake.reviews[0].outcome.as_ref().expect_err(situation);
        assert_eq!(outcome.to_string(), expected, "{situation}");
        assert!(!entries(&world).iter().any(|entry| entry.starts_with("review")), "{situation}");
    }
}

#[test]
fn authors_and_the_pusher_do_not_review_either() {
    let rules = FROZEN.replace("\"lead\", approvals", "\"team\", approvals");
    let world = World::with("b<a @carol; a<", &[(MAIN, "a")], &rules).keep(&[bobs()]);
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Allow);
    assert!(bring(&world, &review("b").by("carol")).intake.reviews[0].outcome.is_err(), "the author");
    assert!(bring(&world, &review("b").by("alice")).intake.reviews[0].outcome.is_ok(), "somebody else");
}
