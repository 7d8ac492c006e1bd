//! A server whose parts are all in memory, and breakable.

use super::log::Books;
use super::repository::Repository;
use crate::support::{REPOSITORY, at, ids, login, policy_with, target};
use jit::domain::approval::{Kind, SignedToken, TokenId};
use jit::domain::audit::{self, Decision, Event, Outcome, SignedCheckpoint};
use jit::domain::change::{ChangesetId, ContentId};
use jit::domain::name::{PrincipalId, RoleName};
use jit::domain::policy::{Policy, PolicyFile, Verdict, load};
use jit::domain::request::Limits;
use jit::domain::time::Timestamp;
use jit::enforcement::{self, Answer, Landed, Server};
use jit::ports::approval_store::{Added, ApprovalStore, Found, SkipReason, Skipped, StoreError};
use jit::ports::clock::Clock;
use jit::ports::incoming::{CarriedToken, TokenPlace};
use jit::ports::log::LogError;
use jit::ports::policy_source::{PolicySource, PolicyUnavailable};
use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What was called, in order.
#[derive(Clone, Default)]
pub struct Steps(Rc<RefCell<Vec<String>>>);

impl Steps {
    /// Notes a call.
    pub fn push(&self, step: String) {
        self.0.borrow_mut().push(step);
    }

    /// Takes the list.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// The tokens that the server keeps.
pub struct Shelf {
    /// The tokens.
    pub tokens: RefCell<Vec<SignedToken>>,
    /// What does not work: the name of a step, or `damaged`.
    pub broken: Option<&'static str>,
    steps: Steps,
}

impl Shelf {
    fn step(&self, name: &'static str, what: &str) -> Result<(), StoreError> {
        self.steps.push(format!("{name} {what}").trim_end().to_owned());
        match self.broken {
            Some(broken) if broken == name => Err(StoreError::DailyQuota { key: "SHA256:x".to_owned(), limit: 1 }),
            _ => Ok(()),
        }
    }

    fn found(&self, wanted: impl Fn(&SignedToken) -> bool) -> Found {
        let tokens = self.tokens.borrow().iter().filter(|signed| wanted(signed)).cloned().collect();
        let skipped =
            || Skipped { path: PathBuf::from("61/62"), why: SkipReason::Unreadable(io::Error::other("spoilt")) };
        Found { tokens, skipped: if self.broken == Some("damaged") { vec![skipped()] } else { vec![] } }
    }
}

impl ApprovalStore for Shelf {
    fn of_subject(&self, subject: &ChangesetId) -> Result<Found, StoreError> {
        self.step("tokens", &char::from(subject.as_bytes()[0]).to_string())?;
        Ok(self.found(|signed| signed.token.subject.as_ref() == Some(subject)))
    }

    fn of_content(&self, content: &ContentId) -> Result<Found, StoreError> {
        self.step("tokens", "of a content")?;
        Ok(self.found(|signed| signed.token.content.as_ref() == Some(content)))
    }

    fn revocations_of(&self, token: &TokenId) -> Result<Found, StoreError> {
        self.step("revocations", "")?;
        Ok(self.found(|signed| signed.token.kind == Kind::Revoke(*token)))
    }

    fn delegations(&self, role: &RoleName, to: &PrincipalId) -> Result<Found, StoreError> {
        self.step("delegations", &format!("{role} {to}"))?;
        let wanted = Kind::Delegate { role: role.clone(), to: to.clone() };
        Ok(self.found(|signed| signed.token.kind == wanted))
    }

    fn add(&self, signed: &SignedToken, _: Timestamp) -> Result<Added, StoreError> {
        self.step("add", signed.token.kind.word())?;
        let mut tokens = self.tokens.borrow_mut();
        if tokens.contains(signed) {
            return Ok(Added::Known);
        }
        tokens.push(signed.clone());
        Ok(Added::New)
    }
}

/// The policy in force.
pub struct Rules {
    /// The rules; `None`: there is no policy.
    pub text: Option<String>,
    default: &'static str,
    steps: Steps,
}

impl PolicySource for Rules {
    fn load(&self) -> Result<Policy, PolicyUnavailable> {
        self.steps.push("policy".to_owned());
        match &self.text {
            None => Err(PolicyUnavailable::Unreadable(Box::new(io::Error::from(io::ErrorKind::NotFound)))),
            Some(text) if text.contains("[[rule") => Ok(policy_with(self.default, text)),
            Some(text) => {
                let file = PolicyFile { name: "a.toml".to_owned(), text: text.clone().into_bytes() };
                load(&[file]).map_err(PolicyUnavailable::Faulty)
            }
        }
    }
}

/// The clock.
pub struct Watch {
    now: RefCell<Timestamp>,
    steps: Steps,
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        self.steps.push("clock".to_owned());
        *self.now.borrow()
    }
}

/// A server.
pub struct World {
    /// The repository.
    pub repository: RefCell<Repository>,
    /// The log.
    pub books: Books,
    /// The tokens.
    pub shelf: Shelf,
    /// The policy.
    pub rules: Rules,
    /// How much may wait.
    pub limits: Limits,
    /// What was called.
    pub steps: Steps,
    watch: Watch,
}

/// Needs one of the team for `main`.
pub const TEAM: &str =
    "[[rule]]\nname = \"r\"\nbranches = [\"main\"]\nrequire = [{ role = \"team\", approvals = 1 }]\n";

impl World {
    /// `main` stands at `a` and `dev` at `d`; there are `c<b<a` and `d<a`.
    pub fn new(rules: &str) -> Self {
        Self::with("c<b; b<a; d<a; a<", &[("refs/heads/main", "a"), ("refs/heads/dev", "d")], rules)
    }

    /// A server with these commits, refs and rules, whose log knows the refs.
    pub fn with(commits: &str, refs: &[(&str, &str)], rules: &str) -> Self {
        let steps = Steps::default();
        let repository = Repository::new(commits, refs, steps.clone());
        let books = Books::new(&repository.refs, steps.clone());
        Self {
            repository: RefCell::new(repository),
            books,
            shelf: Shelf { tokens: RefCell::default(), broken: None, steps: steps.clone() },
            rules: Rules { text: Some(rules.to_owned()), default: "allow", steps: steps.clone() },
            limits: Limits { park: true, max_count: 2, max_bytes: 100, ..Limits::default() },
            watch: Watch { now: RefCell::new(at(0)), steps: steps.clone() },
            steps,
        }
    }

    /// With another answer where no rule matches.
    pub fn default_to(mut self, default: &'static str) -> Self {
        self.rules.default = default;
        self
    }

    /// Keeps these tokens.
    pub fn keep(self, tokens: &[SignedToken]) -> Self {
        self.shelf.tokens.borrow_mut().extend(tokens.iter().cloned());
        self
    }

    /// Sets the clock, in seconds from what all tests take for now.
    pub fn at(&self, seconds: i64) {
        *self.watch.now.borrow_mut() = at(seconds);
    }

    /// The server.
    pub fn server(&self) -> Server<'_> {
        Server {
            repository: REPOSITORY,
            unknown_pusher_allowed: false,
            limits: &self.limits,
            policy: &self.rules,
            approvals: &self.shelf,
            log: &self.books,
            clock: &self.watch,
        }
    }

    /// mallory pushes; nothing lands.
    pub fn push(&self, claims: &[(&str, &str)]) -> Answer {
        self.push_with(claims, &[])
    }

    /// mallory pushes, with tokens: each its text, and its place in jit's own tree if it is not an offer.
    ///
    /// What is recorded must always be what is answered.
    pub fn push_with(&self, claims: &[(&str, &str)], tokens: &[(&str, Option<&str>)]) -> Answer {
        let mut repository = self.repository.borrow_mut();
        repository.claims = claims.iter().map(|(name, value)| (target(name), ids(value))).collect();
        let carried = tokens.iter().map(|(text, place)| CarriedToken {
            text: text.as_bytes().to_vec(),
            place: place.map_or(TokenPlace::Offered, |path| TokenPlace::File(path.as_bytes().to_vec())),
        });
        repository.carried = carried.collect();
        let started = Instant::now();
        let answer =
            self.server().decide(&mut *repository, login("mallory"), started, started + Duration::from_secs(30));
        let recorded = self.decisions().last().map(|decision| decision.verdict == audit::Verdict::Allow);
        assert!(answer.recorded.is_err() || recorded == Some(answer.verdict() == Verdict::Allow), "{recorded:?}");
        answer
    }

    /// Moves refs as an allowed push does, without telling anybody.
    pub fn land(&self, moved: &[(&str, &str)]) {
        for (name, value) in moved {
            self.repository.borrow_mut().set(&target(name), &ids(value));
        }
    }

    /// Tells what landed.
    pub fn report(&self, moved: &[(&str, &str)]) -> Result<enforcement::Outcome, LogError> {
        self.report_and(moved, |_| {})
    }

    /// As [`World::report`], and shows the newest checkpoint.
    pub fn report_and(
        &self,
        moved: &[(&str, &str)],
        show: impl FnOnce(&SignedCheckpoint) + Send,
    ) -> Result<enforcement::Outcome, LogError> {
        let landed = |(name, value): &(&str, &str)| Landed { target: target(name), value: ids(value) };
        let landed: Vec<Landed> = moved.iter().map(landed).collect();
        self.server().record_outcome(&landed, Instant::now() + Duration::from_secs(30), show)
    }

    /// The decisions in the log.
    pub fn decisions(&self) -> Vec<Decision> {
        let book = self.books.0.borrow();
        let decision = |event: &Event| match event {
            Event::Decision(decision) => Some((**decision).clone()),
            _ => None,
        };
        book.entries.iter().filter_map(|entry| decision(&entry.event)).collect()
    }

    /// The outcomes in the log: of which entry, of what, and whether that was concluded.
    pub fn outcomes(&self) -> Vec<String> {
        let book = self.books.0.borrow();
        let told = |outcome: &Outcome| {
            let applied = |a: &jit::domain::audit::Applied| {
                let value: String = a.value.iter().map(|id| char::from(id.as_bytes()[0])).collect();
                format!("{}={value}", a.target)
            };
            let list: Vec<String> = outcome.applied.iter().map(applied).collect();
            let settled = if outcome.settled { " settled" } else { "" };
            format!("{} {:?}{settled} {}", outcome.of, outcome.how, list.join(" ")).trim_end().to_owned()
        };
        let of = |event: &Event| match event {
            Event::Outcome(outcome) => Some(told(outcome)),
            _ => None,
        };
        book.entries.iter().filter_map(|entry| of(&entry.event)).collect()
    }
}
