//! Read, decide, record durably, answer: in this order (docs/architecture.md).

use super::world::{TEAM, World};
use crate::support::{approve, at, told};
use jit::domain::audit;
use jit::domain::policy::Verdict;

#[test]
fn the_log_is_locked_first_and_the_decision_stands_in_it_before_anybody_is_answered() {
    let world = World::new(TEAM).keep(&[approve("c", "a").by("alice")]);
    let answer = world.push(&[("refs/heads/main", "c")]);
    assert_eq!(answer.verdict(), Verdict::Allow);
    assert_eq!(
        world.steps.take(),
        [
            "open",
            "clock",
            "policy",
            "ref updates",
            "carried",
            "target refs/heads/main",
            "load refs/heads/main Unneeded",
            "tokens b",
            "tokens c",
            "revocations",
            "bases refs/heads/main",
            "append allow",
            "close",
        ]
    );
}

#[test]
fn what_is_recorded_is_what_is_answered() {
    let world = World::new(TEAM).keep(&[approve("b", "a").by("alice")]);
    for (tip, verdict, recorded) in
        [("c", Verdict::Deny, audit::Verdict::Deny), ("b", Verdict::Allow, audit::Verdict::Allow)]
    {
        let answer = world.push(&[("refs/heads/main", tip)]);
        assert_eq!(answer.verdict(), verdict);
        let appended = answer.recorded.expect("recorded").expect("an entry");
        let book = world.books.0.borrow();
        assert_eq!(appended.index, book.entries.len() as u64 - 1);
        assert_eq!(appended.head.checkpoint.size, book.entries.len() as u64);
        assert_eq!(book.entries.last().map(|entry| entry.time), Some(at(0)));
        drop(book);
        assert_eq!(world.decisions().last().map(|decision| decision.verdict), Some(recorded));
    }
}

#[test]
fn a_decision_tells_who_counted_for_what_and_keeps_their_tokens() {
    let (alice, bob) = (approve("c", "a").by("alice"), approve("c", "a").to("rewrite").by("bob"));
    let world = World::new(TEAM).keep(&[alice.clone(), bob.clone()]);
    let answer = world.push(&[("refs/heads/main", "c"), ("refs/heads/dev", "")]);
    assert_eq!(answer.decision.updates.len(), 2);
    let [decision] = &world.decisions()[..] else { panic!("one decision") };
    assert_eq!(decision.pusher.login.as_deref(), Some("mallory"));
    assert_eq!(decision.reasons, [""; 0]);
    assert_eq!(decision.tokens.values().collect::<Vec<_>>(), [&alice.text]);
    assert!(decision.policy.is_some());
    let [main, dev] = &decision.updates[..] else { panic!("two updates") };
    let [rule] = &main.rules[..] else { panic!("one rule") };
    assert_eq!((rule.met, rule.matched), (true, 2));
    assert_eq!(rule.required, ["1 approval from `team`"]);
    assert_eq!(rule.counted.iter().map(|c| (c.token, c.principal.as_str())).collect::<Vec<_>>(), [(alice.id, "alice")]);
    let not: Vec<(_, &str)> = rule.not_counted.iter().map(|n| (n.token, n.why.as_str())).collect();
    assert_eq!(not, [(bob.id, "signed for rewrite, this is update")]);
    assert_eq!((dev.rules.len(), dev.refused.len(), dev.found.is_some()), (0, 0, false));
}

#[test]
fn a_denial_by_default_is_recorded_with_its_reason() {
    let world = World::new(TEAM).default_to("deny");
    assert_eq!(world.push(&[("refs/heads/dev", "")]).verdict(), Verdict::Deny);
    let refused = &world.decisions()[0].updates[0].refused;
    assert_eq!(refused, &["no enforcing rule matches, and the default is deny"]);
}

#[test]
fn a_push_of_nothing_is_denied_and_recorded() {
    let world = World::new(TEAM);
    let answer = world.push(&[]);
    assert_eq!(answer.verdict(), Verdict::Deny);
    assert!(!answer.is_undecided());
    assert_eq!(world.decisions().len(), 1);
}

#[test]
fn the_clock_never_stands_before_the_log() {
    // The log's newest entry is an hour and some seconds ahead of the clock, or just an hour.
    let push = |behind: i64| {
        let world = World::new(TEAM).keep(&[approve("c", "a").from(-60).by("alice")]);
        world.push(&[("refs/heads/dev", "")]);
        world.at(-behind);
        let answer = world.push(&[("refs/heads/main", "c")]);
        let book = world.books.0.borrow();
        let newest = book.entries.last().map(|entry| entry.time);
        (answer.verdict(), answer.is_undecided(), newest, world.decisions().last().map(|d| d.reasons.clone()))
    };
    let (verdict, undecided, time, reasons) = push(3600);
    assert_eq!((verdict, undecided, time), (Verdict::Allow, false, Some(at(0))));
    assert_eq!(reasons, Some(vec![]));
    let (verdict, undecided, time, reasons) = push(3601);
    assert_eq!((verdict, undecided, time), (Verdict::Deny, true, Some(at(0))));
    let told = "the server's clock says 2026-03-02T10:59:59Z, but the log's newest entry is of 2026-03-02T12:00:00Z";
    assert_eq!(reasons, Some(vec![told.to_owned()]));
}

#[test]
fn a_clock_that_stands_behind_does_not_make_tokens_younger() {
    let world = World::new(&TEAM.replace("require", "ttl = \"1h\"\nrequire"));
    let world = world.keep(&[approve("c", "a").from(-3600).by("alice")]);
    world.push(&[("refs/heads/dev", "")]);
    world.at(-1800);
    let answer = world.push(&[("refs/heads/main", "c")]);
    assert_eq!(told(&answer.decision), "deny | r: 1 team for cb, -alice TooOld");
}
