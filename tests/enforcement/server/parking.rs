//! Which requests a denial opens, and keeping what a refused push brought: never a part of the decision.

use super::world::{TEAM, World};
use crate::support::{id, login};
use jit::domain::audit::{Event, RequestStep, Step};
use jit::domain::change::ChangesetId;
use jit::domain::request::RequestId;
use jit::enforcement::{Answer, KeepError, Kept, NotKept};
use jit::ports::incoming::NoRoom;
use jit::ports::parking::{Board, Parking, ParkingError, Shown};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Keeps requests in memory; every commit has ten bytes.
#[derive(Default)]
pub struct Lot {
    /// What approvers can fetch.
    pub shown: BTreeSet<RequestId>,
    /// What does not work: the name of a step.
    pub broken: Option<&'static str>,
    rescued: usize,
}

impl Lot {
    fn step(&self, name: &'static str) -> Result<(), ParkingError> {
        let failed = || ParkingError::Failed { program: name, said: "no".to_owned() };
        if self.broken == Some(name) { Err(failed()) } else { Ok(()) }
    }
}

impl Parking for Lot {
    fn has(&mut self, id: &RequestId) -> Result<bool, ParkingError> {
        self.step("has")?;
        Ok(self.shown.contains(id))
    }

    fn rescue(&mut self, _: &[ChangesetId], limit: u64, _: Instant) -> Result<u64, ParkingError> {
        self.step("rescue")?;
        self.rescued += 1;
        if limit < 10 { Err(ParkingError::TooLarge { limit }) } else { Ok(10) }
    }

    fn show(&mut self, requests: &[Shown<'_>], _: &str) -> Result<(), ParkingError> {
        self.step("show")?;
        self.shown.extend(requests.iter().map(|one| one.id.clone()));
        Ok(())
    }
}

impl Board for Lot {
    fn put_up(&mut self, gate: Shown<'_>, by: &str) -> Result<(), ParkingError> {
        self.show(&[gate], by)
    }

    fn take_down(&mut self, id: &RequestId) -> Result<(), ParkingError> {
        self.shown.remove(id);
        Ok(())
    }
}

/// The steps in the log, of whom, about which commit.
pub fn steps(world: &World) -> Vec<String> {
    let told = |step: &RequestStep| {
        let what = match step.step {
            Step::Sent { .. } => "sent",
            Step::Parked { .. } => "parked",
            Step::Cancelled => "cancelled",
            Step::Removed { .. } => "removed",
            Step::NotLanded { .. } => "not landed",
        };
        let who = step.requester.login.clone().unwrap_or_default();
        format!("{who} {what} {}", char::from(step.subject.as_bytes()[0]))
    };
    let book = world.books.0.borrow();
    let of = |event: &Event| match event {
        Event::Request(step) => Some(told(step)),
        _ => None,
    };
    book.entries.iter().filter_map(|entry| of(&entry.event)).collect()
}

fn park(world: &World, lot: &mut Lot, claims: &[(&str, &str)]) -> Answer {
    let mut answer = world.push(claims);
    world.server().park(&mut answer, lot, Instant::now() + Duration::from_secs(30));
    answer
}

/// How many bytes all that was kept has brought.
fn kept_bytes(world: &World) -> u64 {
    let bytes = |event: &Event| match event {
        Event::Request(RequestStep { step: Step::Parked { bytes, .. }, .. }) => *bytes,
        _ => 0,
    };
    world.books.0.borrow().entries.iter().map(|entry| bytes(&entry.event)).sum()
}

fn only(answer: &Answer) -> &Result<Kept, NotKept> {
    let [opened] = &answer.requests[..] else { panic!("one request, not {:?}", answer.requests) };
    &opened.kept
}

/// Rules, a push, and the subjects of the requests that it opens.
type Case<'a> = (String, &'a [(&'a str, &'a str)], &'a str);

const TWO: &str = "[[rule]]\nname = \"r\"\nbranches = [\"*\"]\nrequire = [{ role = \"team\", approvals = 1 }]\n";

#[test]
fn a_denial_that_tokens_could_change_opens_a_request_for_each_tip() {
    let rule = |more: &str| format!("[[rule]]\nname = \"q\"\nbranches = [\"main\"]\n{more}\n");
    let cases: [Case<'_>; 7] = [
        (TEAM.to_owned(), &[("refs/heads/main", "b")], "b"),
        (TWO.to_owned(), &[("refs/heads/main", "b"), ("refs/heads/dev", "b")], "bb"),
        (TEAM.to_owned(), &[("refs/heads/main", "b"), ("refs/heads/dev", "a")], "b"),
        (TEAM.to_owned(), &[("refs/heads/main", "")], "a"),
        (TEAM.to_owned(), &[("refs/heads/new", "b")], ""),
        (rule("deny = true"), &[("refs/heads/main", "b")], ""),
        (rule("pushers = \"known\""), &[("refs/heads/main", "b")], ""),
    ];
    for (rules, claims, expected) in cases {
        let answer = World::new(&rules).push(claims);
        let subjects: String = answer.requests.iter().map(|one| char::from(one.subject.as_bytes()[0])).collect();
        assert_eq!(subjects, expected, "{claims:?} by {rules}");
    }
    let world = World::new(TEAM).default_to("deny");
    assert!(world.push(&[("refs/heads/new", "b")]).requests.is_empty(), "no token changes the default");
    world.repository.borrow_mut().broken = Some("claims");
    assert!(world.push(&[("refs/heads/main", "b")]).requests.is_empty(), "a claim was refused");
}

#[test]
fn what_a_refused_push_brought_is_kept_once_and_recorded() {
    let (world, mut lot) = (World::new(TEAM), Lot::default());
    assert!(matches!(only(&park(&world, &mut lot, &[("refs/heads/main", "b")])), Ok(Kept::Now)));
    assert!(matches!(only(&park(&world, &mut lot, &[("refs/heads/main", "b")])), Ok(Kept::Before)));
    assert_eq!((steps(&world), lot.rescued), (vec!["mallory parked b".to_owned()], 1));
    lot.shown.clear();
    assert!(matches!(only(&park(&world, &mut lot, &[("refs/heads/main", "b")])), Ok(Kept::Now)), "it was gone");
    assert_eq!(steps(&world).len(), 2);
    assert!(matches!(only(&park(&world, &mut lot, &[("refs/heads/main", "")])), Err(NotKept::NoCommits)));
    assert_eq!(lot.rescued, 2);
}

#[test]
fn nothing_is_kept_where_the_settings_do_not_say_so() {
    let (mut world, mut lot) = (World::new(TEAM), Lot::default());
    world.limits.park = false;
    assert!(matches!(only(&park(&world, &mut lot, &[("refs/heads/main", "b")])), Err(NotKept::Off)));
    assert_eq!((steps(&world).len(), lot.rescued, lot.shown.len()), (0, 0, 0));
}

#[test]
fn whoever_has_no_room_keeps_nobody_else_out() {
    let (mut world, mut lot) = (World::new(TWO), Lot::default());
    world.limits.max_count = 1;
    park(&world, &mut lot, &[("refs/heads/main", "b")]);
    let answer = park(&world, &mut lot, &[("refs/heads/dev", "b")]);
    assert!(matches!(only(&answer), Err(NotKept::NoRoom(NoRoom::Count { limit: 1 }))));
    let answer = park(&world, &mut lot, &[("refs/heads/main", "c")]);
    assert!(matches!(only(&answer), Ok(Kept::Now)), "it takes the place of the one before");
    let mut answer = {
        let mut repository = world.repository.borrow_mut();
        repository.claims = vec![(crate::support::target("refs/heads/dev"), vec![id('b')])];
        let deadline = Instant::now() + Duration::from_secs(30);
        world.server().decide(&mut *repository, login("bob"), Instant::now(), deadline)
    };
    world.server().park(&mut answer, &mut lot, Instant::now() + Duration::from_secs(30));
    assert!(matches!(only(&answer), Ok(Kept::Now)), "bob has room of his own");
    assert_eq!(steps(&world), ["mallory parked b", "mallory parked c", "bob parked b"]);
}

#[test]
fn what_one_push_asks_for_is_kept_together_as_far_as_there_is_room() {
    for (max_count, told) in [(2, "mallory parked b mallory parked c"), (1, "mallory parked b"), (0, "")] {
        let (mut world, mut lot) = (World::new(TWO), Lot::default());
        world.limits.max_count = max_count;
        let answer = park(&world, &mut lot, &[("refs/heads/main", "b"), ("refs/heads/dev", "c")]);
        let kept = answer.requests.iter().filter(|one| one.kept.is_ok()).count() as u64;
        assert_eq!((steps(&world).join(" "), kept), (told.to_owned(), max_count));
        assert_eq!(lot.rescued, usize::from(max_count > 0), "copied once");
        let bytes: u64 = kept_bytes(&world);
        assert_eq!(bytes, if max_count > 0 { 10 } else { 0 }, "and counted once");
    }
}

#[test]
fn what_is_too_large_together_is_not_kept() {
    for (max_bytes, second) in [(20, true), (19, false), (10, false)] {
        let (mut world, mut lot) = (World::new(TWO), Lot::default());
        world.limits.max_bytes = max_bytes;
        assert!(only(&park(&world, &mut lot, &[("refs/heads/main", "b")])).is_ok());
        assert_eq!(only(&park(&world, &mut lot, &[("refs/heads/dev", "b")])).is_ok(), second, "{max_bytes}");
        assert_eq!(lot.shown.len(), if second { 2 } else { 1 });
    }
}

#[test]
fn where_keeping_fails_the_decision_stands_and_the_reason_is_given() {
    for broken in ["has", "rescue", "show"] {
        let (world, mut lot) = (World::new(TEAM), Lot { broken: Some(broken), ..Lot::default() });
        if broken == "has" {
            let sound = &mut Lot::default();
            park(&world, sound, &[("refs/heads/main", "b")]);
            lot.shown.clone_from(&sound.shown);
        }
        let before = steps(&world);
        let answer = park(&world, &mut lot, &[("refs/heads/main", "b")]);
        assert!(
            matches!(only(&answer), Err(NotKept::Failed(why)) if matches!(**why, KeepError::Parking(_))),
            "{broken}"
        );
        assert_eq!(answer.verdict(), jit::domain::policy::Verdict::Deny);
        let undone: &[&str] = if broken == "show" { &["mallory parked b", "mallory removed b"] } else { &[] };
        assert_eq!(
            steps(&world),
            [before, undone.iter().map(|step| (*step).to_owned()).collect()].concat(),
            "{broken}"
        );
        let again = &mut Lot { shown: lot.shown, ..Lot::default() };
        assert!(only(&park(&world, again, &[("refs/heads/main", "b")])).is_ok(), "{broken}: the next one is kept");
    }
    let (world, mut lot) = (World::new(TEAM), Lot::default());
    world.books.0.borrow_mut().broken = Some("request");
    let answer = park(&world, &mut lot, &[("refs/heads/main", "b")]);
    assert!(matches!(only(&answer), Err(NotKept::Failed(why)) if matches!(**why, KeepError::Log(_))));
    assert!(answer.recorded.is_ok(), "the denial was recorded before");
}
