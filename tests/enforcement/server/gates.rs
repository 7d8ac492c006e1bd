//! Gates: what is judged, who counts, and that each approval opens one.

use super::parking::{Lot, steps};
use super::world::World;
use crate::support::{Draft, approve, id, login, overriding, reject, told};
use jit::domain::approval::SignedToken;
use jit::domain::audit::{Event, Verdict};
use jit::domain::change::Gate;
use jit::domain::name::EnvironmentName;
use jit::domain::request::RequestId;
use jit::enforcement::{GateAnswer, GateAsk, GateState, Over};
use std::time::{Duration, Instant};

const RULES: &str = r#"
[environments.production]
branches = ["main"]
[environments.staging]
branches = ["main"]
[[rule]]
name = "r"
environments = ["production"]
actions = ["gate:deploy", "gate:migrate"]
require = [{ role = "team", approvals = 1 }]
"#;

/// One rule for the gate `deploy` of `production`, with these lines.
fn rule(lines: &str) -> String {
    format!(
        "[environments.production]\nbranches = [\"main\"]\n[[rule]]\nname = \"r\"\nenvironments = [\"production\"]\n\
         actions = [\"gate:deploy\"]\n{lines}\n"
    )
}

const ONE: &str = "require = [{ role = \"team\", approvals = 1 }]";

fn gate(environment: &str, name: &str, subject: char) -> Gate {
    let read = |text: &str| EnvironmentName::new(text).expect(text);
    Gate { environment: read(environment), name: read(name), subject: id(subject) }
}

/// `who` asks for `name` of production with the commit `subject`.
fn ask_for(world: &World, lot: &mut Lot, who: &str, name: &str, subject: char, again: bool) -> GateAnswer {
    let ask =
        GateAsk { gate: gate("production", name, subject), reason: "friday".to_owned(), asker: login(who), again };
    let (mut repository, started) = (world.repository.borrow_mut(), Instant::now());
    world.server().gate(&ask, &mut *repository, lot, started, started + Duration::from_secs(30))
}

fn deploy(world: &World, lot: &mut Lot, subject: char) -> GateAnswer {
    ask_for(world, lot, "mallory", "deploy", subject, false)
}

fn wait(world: &World, lot: &mut Lot, subject: char) -> GateState {
    ask_for(world, lot, "mallory", "deploy", subject, true).state
}

/// An approval of the deployment of `subject`, where `base` was.
fn signed(subject: &str, base: &str) -> Draft {
    approve(subject, base).on("env:production").to("gate:deploy")
}

fn keep(world: &World, token: &SignedToken) {
    world.shelf.tokens.borrow_mut().push(token.clone());
}

/// The gates in the log, and whether they opened.
fn gates(world: &World) -> Vec<Verdict> {
    let book = world.books.0.borrow();
    let of = |event: &Event| match event {
        Event::Gate(gate) => Some(gate.decision.verdict),
        _ => None,
    };
    book.entries.iter().filter_map(|entry| of(&entry.event)).collect()
}

fn is_waiting(state: &GateState) -> bool {
    matches!(state, GateState::Waits { .. })
}

#[test]
fn an_approval_opens_one_gate_once() {
    let (world, mut lot) = (World::new(RULES), Lot::default());
    assert!(is_waiting(&deploy(&world, &mut lot, 'b').state));
    assert!(is_waiting(&deploy(&world, &mut lot, 'b').state), "asking twice is asking once");
    assert_eq!((steps(&world), lot.shown.len()), (vec!["mallory sent b".to_owned()], 1));
    keep(&world, &signed("b", "").by("alice"));
    assert!(is_waiting(&ask_for(&world, &mut lot, "mallory", "migrate", 'b', false).state), "another gate");
    assert_eq!(wait(&world, &mut lot, 'b'), GateState::Opened);
    assert_eq!((gates(&world), lot.shown.len()), (vec![Verdict::Allow], 1));
    assert_eq!(wait(&world, &mut lot, 'b'), GateState::Over(Over::Gone), "whoever waited for the same waits no longer");
    let again = deploy(&world, &mut lot, 'b');
    assert!(is_waiting(&again.state));
    assert_eq!(told(&again.answer.decision), "deny | r: 1 team for b, -alice Used");
    keep(&world, &signed("b", "b").nonce(1).by("alice"));
    assert_eq!(wait(&world, &mut lot, 'b'), GateState::Opened, "signed for once more");
    assert_eq!(gates(&world).len(), 2);
}

#[test]
fn of_two_hundred_who_wait_for_one_gate_one_goes_on() {
    let (world, mut lot) = (World::new(RULES), Lot::default());
    for _ in 0..200 {
        assert!(is_waiting(&deploy(&world, &mut lot, 'c').state));
    }
    assert_eq!(world.books.0.borrow().entries.len(), 2, "the genesis and one request");
    keep(&world, &signed("c", "").by("bob"));
    let states: Vec<GateState> = (0..200).map(|_| wait(&world, &mut lot, 'c')).collect();
    assert_eq!(states[0], GateState::Opened);
    assert!(states[1..].iter().all(|state| *state == GateState::Over(Over::Gone)));
    assert_eq!(gates(&world).len(), 1);
}

#[test]
fn what_is_judged_is_what_the_environment_has_not() {
    // main: a < b < c < d; e leaves b. alice wrote c.
    let commits = "e<b db/e; d<c src/d; c<b @alice db/c; b<a src/b; a<";
    let paths = rule(&format!("paths = [\"db/**\"]\n{ONE}"));
    let cases = [
        ("nothing is known of before: it touches all", &paths[..], "", 'b', "deny by default | r: 1 team for b"),
        ("what comes between is looked at", &paths, "b", 'd', "deny | r: 1 team for c"),
        ("nothing of the rule comes", &paths, "a", 'b', "allow by default"),
        ("back before it", &paths, "d", 'b', "deny | r: 1 team for b"),
        ("sideways", &paths, "d", 'e', "deny | r: 1 team for e"),
        ("the same again changes nothing", &paths, "c", 'c', "allow by default"),
    ];
    for (what, rules, before, subject, expected) in cases {
        let (world, mut lot) = (World::with(commits, &[("refs/heads/main", "d")], rules), Lot::default());
        for before in before.chars() {
            keep(&world, &signed(&before.to_string(), "").by("carol"));
            assert_eq!(deploy(&world, &mut lot, before).state, GateState::Opened, "{what}");
        }
        world.shelf.tokens.borrow_mut().clear();
        let answer = deploy(&world, &mut lot, subject);
        assert_eq!(told(&answer.answer.decision), expected, "{what}");
    }
}

#[test]
fn where_nobody_knows_what_the_environment_has_everything_is_taken_to_change() {
    let rules = rule(&format!("paths = [\"db/**\"]\n{ONE}"));
    let (world, mut lot) = (World::new(&rules), Lot::default());
    keep(&world, &signed("a", "").by("carol"));
    assert_eq!(deploy(&world, &mut lot, 'a').state, GateState::Opened);
    assert_eq!(told(&deploy(&world, &mut lot, 'b').answer.decision), "allow by default", "it changes nothing below db");
    let (world, mut lot) = (World::new(&rules), Lot::default());
    keep(&world, &signed("a", "").by("carol"));
    assert_eq!(deploy(&world, &mut lot, 'a').state, GateState::Opened);
    // The commit `a` cannot be read any more.
    world.repository.borrow_mut().broken = Some("load");
    let answer = deploy(&world, &mut lot, 'b');
    assert_eq!(told(&answer.answer.decision), "deny by default | r: 1 team for b");
}

#[test]
fn whoever_asks_does_not_count_and_authors_do_not_for_their_own_commits() {
    let commits = "c<b @alice; b<a @bob; a< @alice";
    let lines = |more: &str| rule(&format!("{ONE}\n{more}"));
    let promoted = lines("promoted_from = [\"main\"]");
    let cases = [
        ("of the first the tip alone is judged", lines(""), "", "alice", 'a', "mallory", "allow | r: +alice/team"),
        ("the asker", lines(""), "", "alice", 'a', "alice", "deny | r: 1 team for a, -alice Pusher"),
        ("an author", lines(""), "a", "alice", 'c', "mallory", "deny | r: 1 team for c, +alice/team, -alice Author c"),
        ("nobody's own", lines(""), "a", "carol", 'c', "mallory", "allow | r: +carol/team"),
        ("what was judged on main", promoted, "a", "alice", 'c', "mallory", "allow | r: +alice/team"),
    ];
    for (what, rules, before, signer, subject, asker, expected) in cases {
        let (world, mut lot) = (World::with(commits, &[("refs/heads/main", "c")], &rules), Lot::default());
        for before in before.chars() {
            keep(&world, &signed(&before.to_string(), "").by("carol"));
            assert_eq!(deploy(&world, &mut lot, before).state, GateState::Opened, "{what}");
        }
        keep(&world, &signed(&subject.to_string(), before).by(signer));
        let answer = ask_for(&world, &mut lot, asker, "deploy", subject, false);
        assert_eq!(told(&answer.answer.decision), expected, "{what}");
    }
}

#[test]
fn an_approval_of_another_base_counts_only_where_the_gate_goes_forward() {
    let known = |base: &str| signed("c", base).by("bob");
    let exact = rule(&format!("{ONE}\nup_to_date = true"));
    let usual = rule(ONE);
    let cases = [
        ("as it was", &usual, "b", 'c', true),
        ("from further back", &usual, "a", 'c', true),
        ("without saying so", &usual, "", 'c', true),
        ("a base that the environment never had", &usual, "d", 'c', false),
        ("as it was, exactly", &exact, "b", 'c', true),
        ("from further back, exactly", &exact, "a", 'c', false),
        ("without saying so, exactly", &exact, "", 'c', false),
    ];
    for (what, rules, base, subject, opens) in cases {
        let (world, mut lot) = (World::new(rules), Lot::default());
        keep(&world, &signed("b", "").nonce(9).by("carol"));
        assert_eq!(deploy(&world, &mut lot, 'b').state, GateState::Opened, "{what}");
        keep(&world, &known(base));
        assert_eq!(deploy(&world, &mut lot, subject).state == GateState::Opened, opens, "{what}");
    }
}

#[test]
fn a_wait_ends_as_soon_as_no_token_can_open_it() {
    let (mut world, mut lot) = (World::new(RULES), Lot::default());
    let refused = |world: &World, lot: &mut Lot, what: &str| {
        let answer = deploy(world, lot, 'b');
        assert_eq!(answer.state, GateState::Refused, "{what}");
        assert_eq!(gates(world).last(), Some(&Verdict::Deny), "{what}");
    };
    assert!(is_waiting(&deploy(&world, &mut lot, 'b').state));
    keep(&world, &reject("b", "").on("env:production").to("gate:deploy").by("carol"));
    assert_eq!(wait(&world, &mut lot, 'b'), GateState::Refused);
    refused(&world, &mut lot, "rejected");
    world.shelf.tokens.borrow_mut().clear();
    world.rules.text = Some(rule("deny = true"));
    refused(&world, &mut lot, "never");
    world.rules.text = Some(rule(&format!("{ONE}\npushers = \"known\"")));
    let stranger = ask_for(&world, &mut lot, "somebody", "deploy", 'b', false);
    assert_eq!(stranger.state, GateState::Refused);
}

#[test]
fn what_is_no_longer_asked_for_does_not_open() {
    let (world, mut lot) = (World::new(RULES), Lot::default());
    let id_of = |subject: char| {
        let gate = gate("production", "deploy", subject);
        RequestId::of_action(crate::support::REPOSITORY, &gate.target(), &gate.action(), &gate.subject)
    };
    assert!(is_waiting(&deploy(&world, &mut lot, 'b').state));
    world.at(10);
    assert!(is_waiting(&deploy(&world, &mut lot, 'c').state));
    keep(&world, &signed("b", "").by("bob"));
    assert_eq!(wait(&world, &mut lot, 'b'), GateState::Over(Over::Superseded { by: id_of('c') }));
    world.at(8 * 86_400);
    assert_eq!(wait(&world, &mut lot, 'c'), GateState::Over(Over::Expired));
    assert!(is_waiting(&deploy(&world, &mut lot, 'c').state), "it can be asked for anew");
    assert!(is_waiting(&wait(&world, &mut lot, 'c')));
    assert_eq!(gates(&world), []);
}

#[test]
fn an_override_opens_a_gate_and_is_a_debt() {
    let rules =
        rule("deny = true\noverride = { role = \"lead\", approvals = 1, ttl = \"1h\", review_within = \"1h\" }");
    let (world, mut lot) = (World::new(&rules), Lot::default());
    keep(&world, &overriding("b", "").on("env:production").to("gate:deploy").by("bob"));
    let answer = deploy(&world, &mut lot, 'b');
    assert_eq!((answer.state, gates(&world)), (GateState::Opened, vec![Verdict::Allow]));
    assert_eq!(world.books.0.borrow().standing.debts.len(), 1);
    assert_ne!(deploy(&world, &mut lot, 'b').state, GateState::Opened, "it is used");
}

#[test]
fn an_unknown_gate_is_not_asked_for() {
    let (world, mut lot) = (World::new(RULES), Lot::default());
    for (environment, name) in [("production", "deplyo"), ("staging", "deploy"), ("moon", "deploy")] {
        let gate = gate(environment, name, 'b');
        let ask = GateAsk { gate, reason: String::new(), asker: login("mallory"), again: false };
        let (mut repository, started) = (world.repository.borrow_mut(), Instant::now());
        let found = world.server().gate(&ask, &mut *repository, &mut lot, started, started + Duration::from_secs(30));
        assert_eq!(found.state, GateState::Unknown, "{name} of {environment}");
    }
    assert_eq!(world.books.0.borrow().entries.len(), 1, "nothing is recorded");
}

#[test]
fn what_cannot_be_read_or_recorded_opens_nothing() {
    type Break = fn(&mut World);
    let faults: [(&str, Break); 6] = [
        ("the history", |world| world.repository.get_mut().broken = Some("load")),
        ("the tokens", |world| world.shelf.broken = Some("tokens")),
        ("the policy", |world| world.rules.text = None),
        ("the log", |world| world.books.0.borrow_mut().broken = Some("open")),
        ("what the log knows", |world| world.books.0.borrow_mut().broken = Some("target")),
        ("the entry", |world| world.books.0.borrow_mut().broken = Some("gate")),
    ];
    for (what, spoil) in faults {
        let (mut world, mut lot) = (World::new(RULES), Lot::default());
        keep(&world, &signed("d", "").nonce(9).by("carol"));
        assert_eq!(deploy(&world, &mut lot, 'd').state, GateState::Opened);
        keep(&world, &signed("b", "d").by("bob"));
        spoil(&mut world);
        assert_eq!(deploy(&world, &mut lot, 'b').state, GateState::Undecided, "{what}");
        assert_eq!(gates(&world).len(), 1, "{what}");
    }
    let (world, mut lot) = (World::new(RULES), Lot::default());
    assert!(is_waiting(&deploy(&world, &mut lot, 'b').state));
    world.at(-3 * 3600);
    assert_eq!(deploy(&world, &mut lot, 'b').state, GateState::Undecided, "the clock is behind the log");
}

#[test]
fn a_gate_waits_although_approvers_cannot_be_shown_it_but_not_without_room() {
    let (mut world, mut lot) = (World::new(RULES), Lot::default());
    lot.broken = Some("show");
    let answer = deploy(&world, &mut lot, 'b');
    assert!(is_waiting(&answer.state) && answer.answer.requests[0].kept.is_err());
    assert_eq!((steps(&world).len(), lot.shown.len()), (1, 0));
    world.limits.max_count = 0;
    assert_eq!(deploy(&world, &mut Lot::default(), 'c').state, GateState::Refused);
}
