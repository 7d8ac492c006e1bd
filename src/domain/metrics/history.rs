//! A log with fixed times for tests, of which every figure is worked out by hand.

use super::fold::Respond;
use super::{Figures, Fold, Key, Notices, Response};
use crate::domain::approval::{Kind, PublicKey, RoleChoice, SignedToken, Token, TokenId, signed_bytes};
use crate::domain::audit::{
    Again, Applied, Counted, Decision, Entry, Event, Gate, NotCounted, Outcome, OutcomeKind, Override, Recovery,
    RecoveryKind, RequestStep, Review, RuleRecord, Step, UpdateRecord, Verdict,
};
use crate::domain::change::{Action, ChangesetId, IdKind, Pusher, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName, SinkName};
use crate::domain::policy::{Mode, Policy, PolicyFile, load};
use crate::domain::request::{Asked, RequestId};
use crate::domain::time::{Span, Timestamp};
use ed25519_dalek::{Signer as _, SigningKey};
use std::collections::{BTreeMap, BTreeSet};

/// 2026-11-23T00:00:00Z, a Monday.
const START: i64 = 1_795_392_000;
const REPOSITORY: &str = "payments@5f0c";
/// How long requests wait.
pub const KEEP: Span = Span::days(7);

/// Everything is frozen on that Monday from 12:00 to 13:00.
const POLICY: &str = r#"
version = 1
default = "allow"
[principals.alice]
keys = ["KEY_OF_alice"]
[principals.bob]
keys = ["KEY_OF_bob"]
[principals.carol]
keys = ["KEY_OF_carol"]
[roles.dba]
members = ["alice"]
[roles.lead]
members = ["bob"]
[roles.oncall]
members = ["carol"]
[environments.production]
branches = ["main"]
[windows.noon]
from = 2026-11-23T12:00:00
to = 2026-11-23T13:00:00
timezone = "UTC"
[[rule]]
name = "main"
branches = ["main"]
require = [{ role = "dba", approvals = 1 }]
override = { role = "oncall", approvals = 1, ttl = "1h", review_within = "3d" }
[[rule]]
name = "db"
branches = ["main"]
paths = ["db/**"]
labels = { severity = ["critical"] }
require = [{ role = "lead", approvals = 1 }]
[[rule]]
name = "freeze"
branches = ["main"]
during = "noon"
deny = true
"#;

/// So many seconds after the beginning.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds).expect("a time")
}

/// The policy of the log, with more behind it.
pub fn policy(more: &str) -> Policy {
    let with_key = |text: String, who: &str| text.replace(&format!("KEY_OF_{who}"), &key(&signer(who)).openssh());
    let text = ["alice", "bob", "carol"].into_iter().fold(POLICY.to_owned() + more, with_key).into_bytes();
    load(&[PolicyFile { name: "policy.toml".to_owned(), text }]).expect("a policy")
}

/// Somebody's key: its seed is the first letter of the name.
fn signer(who: &str) -> SigningKey {
    SigningKey::from_bytes(&[who.as_bytes()[0]; 32])
}

fn key(signer: &SigningKey) -> PublicKey {
    PublicKey::new(signer.verifying_key().to_bytes()).expect("a key")
}

fn id(number: u8) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[number; 20]).expect("an id")
}

fn main() -> Target {
    Target::parse("refs/heads/main").expect("a target")
}

fn rule_name(name: &str) -> RuleName {
    RuleName::new(name).expect("a name")
}

/// Entries, one after the other.
#[derive(Default)]
pub struct Log {
    /// What was written.
    pub entries: Vec<Entry>,
}

/// A token that counts: who signed it, for which role, when, and whether it overrides.
type Sign = (&'static str, &'static str, i64, bool);

impl Log {
    fn add(&mut self, seconds: i64, event: Event) -> u64 {
        self.entries.push(Entry { time: at(seconds), event });
        self.entries.len() as u64 - 1
    }

    fn push(login: &str, verdict: Verdict, new: u8, rules: Vec<RuleRecord>) -> Decision {
        let update = UpdateRecord {
            target: main(),
            actions: vec![Action::Update],
            old: vec![id(99)],
            new: vec![id(new)],
            after: None,
            found: None,
            contents: Vec::new(),
            requested: Vec::new(),
            rules,
            refused: Vec::new(),
        };
        Decision {
            repository: REPOSITORY.to_owned(),
            pusher: Pusher { login: Some(login.to_owned()), source: "env REMOTE_USER".to_owned() },
            verdict,
            updates: vec![update],
            tokens: BTreeMap::new(),
            policy: None,
            policy_error: None,
            reasons: Vec::new(),
            duration_ms: 20,
            transaction: None,
            again: None,
            blob: None,
        }
    }

    fn rule(name: &str, met: bool) -> RuleRecord {
        let (required, counted, not_counted, overridden) = Default::default();
        let unmet = if met { Vec::new() } else { vec!["needs 1 more".to_owned()] };
        let name = rule_name(name);
        RuleRecord { name, mode: Mode::Enforce, met, unmet, required, matched: 1, counted, not_counted, overridden }
    }

    /// `login`'s push of `new` is refused by these rules, and opens a request.
    pub fn refused(&mut self, seconds: i64, login: &str, new: u8, rules: &[&str]) -> u64 {
        self.refused_beside(seconds, login, new, rules, &[])
    }

    /// As [`Log::refused`], with tokens that did not count.
    pub fn refused_beside(&mut self, seconds: i64, login: &str, new: u8, rules: &[&str], whys: &[&str]) -> u64 {
        let mut records: Vec<RuleRecord> = rules.iter().map(|name| Self::rule(name, false)).collect();
        let not_counted = (1..).zip(whys).map(|(number, why)| NotCounted {
            token: TokenId([number; 32]),
            principal: None,
            why: (*why).to_owned(),
        });
        records[0].not_counted = not_counted.collect();
        let mut decision = Self::push(login, Verdict::Deny, new, records);
        decision.updates[0].requested = vec![id(new)];
        self.add(seconds, Event::Decision(Box::new(decision)))
    }

    /// `login`'s push is refused by the freeze, and nobody is asked.
    pub fn frozen(&mut self, seconds: i64, login: &str, new: u8) -> u64 {
        let decision = Self::push(login, Verdict::Deny, new, vec![Self::rule("freeze", false)]);
        self.add(seconds, Event::Decision(Box::new(decision)))
    }

    /// The denial of the entry `of` once more, which took half a second.
    pub fn again(&mut self, seconds: i64, login: &str, of: u64) {
        let mut decision = Self::push(login, Verdict::Deny, 1, Vec::new());
        decision.updates.clear();
        decision.duration_ms = 500;
        decision.again = Some(Again { of, count: 2 });
        self.add(seconds, Event::Decision(Box::new(decision)));
    }

    /// `login`'s push of `new` is let in, and moves main a second later.
    pub fn landed(&mut self, seconds: i64, login: &str, new: u8, rules: &[(&str, &[Sign])]) -> u64 {
        let of = self.let_in(seconds, login, new, rules);
        self.moved(seconds + 1, of, new);
        of
    }

    fn let_in(&mut self, seconds: i64, login: &str, new: u8, rules: &[(&str, &[Sign])]) -> u64 {
        self.add(seconds, Event::Decision(Box::new(Self::let_by(login, new, rules))))
    }

    fn let_by(login: &str, new: u8, rules: &[(&str, &[Sign])]) -> Decision {
        let mut decision = Self::push(login, Verdict::Allow, new, Vec::new());
        for (name, signs) in rules {
            let mut record = Self::rule(name, true);
            for (who, role, when, overrides) in *signs {
                let signed = token(who, new, at(*when), overrides.then(|| rule_name(name)));
                decision.tokens.insert(signed.id, signed.text.clone());
                let counted = Counted {
                    token: signed.id,
                    principal: PrincipalId::new(who).expect("a name"),
                    role: RoleName::new(role).expect("a role"),
                    stands_in_for: None,
                    delegation: None,
                };
                if *overrides { &mut record.overridden } else { &mut record.counted }.push(counted);
            }
            decision.updates[0].rules.push(record);
        }
        decision
    }

    /// Main moved to `new`, as the entry `of` had allowed.
    pub fn moved(&mut self, seconds: i64, of: u64, new: u8) {
        let applied = vec![Applied { target: main(), value: vec![id(new)] }];
        let how = OutcomeKind::Applied;
        self.add(seconds, Event::Outcome(Outcome { of, applied, how, settled: false, blob: None }));
    }

    /// `login`'s push of `new` is let in by carol's override of `main`, signed at `signed`. Returns the override's entry.
    pub fn overridden(&mut self, seconds: i64, login: &str, new: u8, signed: i64) -> u64 {
        let (of, debt) = self.let_in_by_override(seconds, login, new, signed);
        self.moved(seconds + 1, of, new);
        debt
    }

    /// As [`Log::overridden`], without what became of it. Returns the entries of the decision and of the override.
    pub fn let_in_by_override(&mut self, seconds: i64, login: &str, new: u8, signed: i64) -> (u64, u64) {
        let of = self.let_in(seconds, login, new, &[("main", &[("carol", "oncall", signed, true)])]);
        let (subjects, overriders, roles, barred) = Default::default();
        let (rule, due) = (rule_name("main"), at(seconds).plus(Span::days(3)));
        let used = Override { of, target: main(), rule, subjects, overriders, roles, barred, due, blob: None };
        (of, self.add(seconds, Event::Override(used)))
    }

    fn reviewed(&mut self, seconds: i64, debt: u64) {
        let by = PrincipalId::new("alice").expect("a name");
        let review = Review { debt, by, token: TokenId([7; 32]), text: String::new() };
        self.add(seconds, Event::Review(review));
    }

    fn cancelled(&mut self, seconds: i64, login: &str, subject: u8) {
        self.add(
            seconds,
            Event::Request(RequestStep {
                id: RequestId::of(REPOSITORY, &main(), &id(subject)),
                target: main(),
                subject: id(subject),
                action: Action::Update,
                base: vec![id(99)],
                reason: None,
                requester: Pusher { login: Some(login.to_owned()), source: "env".to_owned() },
                step: Step::Cancelled,
            }),
        );
    }

    /// A pipeline asks to deploy `new`.
    pub fn gate_asked(&mut self, seconds: i64, login: &str, new: u8) {
        let step = self.gate_step(login, new);
        self.add(seconds, Event::Request(step));
    }

    /// What it asked for opens.
    pub fn gate_opened(&mut self, seconds: i64, login: &str, new: u8, rules: &[(&str, &[Sign])]) {
        let RequestStep { id, target, action, .. } = self.gate_step(login, new);
        let mut decision = Self::let_by(login, new, rules);
        (decision.updates[0].target, decision.updates[0].actions) = (target, vec![action]);
        self.add(seconds, Event::Gate(Box::new(Gate { id, decision })));
    }

    fn gate_step(&self, login: &str, new: u8) -> RequestStep {
        let target = Target::parse("env:production").expect("a target");
        let action = Action::parse("gate:deploy").expect("an action");
        RequestStep {
            id: RequestId::of_action(REPOSITORY, &target, &action, &id(new)),
            target,
            subject: id(new),
            action,
            base: Vec::new(),
            reason: None,
            requester: Pusher { login: Some(login.to_owned()), source: "env".to_owned() },
            step: Step::Sent { bytes: 0 },
        }
    }

    fn clock_was_wrong(&mut self, seconds: i64) {
        let (anchored, moved, reason) = Default::default();
        let what = RecoveryKind::AcceptRestore;
        self.add(seconds, Event::Recovery(Recovery { what, size: 1, anchored, moved, reason }));
    }

    /// Reads the whole log at `now`, counting from `since` on.
    pub fn figures(&self, since: i64, now: i64, key: Option<Key>) -> Figures {
        self.figures_of(since, now, key, Box::new(answers))
    }

    /// As [`Log::figures`], with these answers to what did not land.
    pub fn figures_of(&self, since: i64, now: i64, key: Option<Key>, answers: Box<Respond<'_>>) -> Figures {
        let mut fold = Fold::new(KEEP, at(since), key, answers);
        fold.put_in_force(at(0), Some(policy("")));
        for (index, entry) in (0..).zip(&self.entries) {
            fold.take(index, entry);
        }
        fold.finish(REPOSITORY, at(now))
    }
}

/// The place `chat` took five notices, of which one only at the third attempt; two more wait for one and four minutes. The place `mail` took
/// none of three, each tried three times.
pub fn notices() -> BTreeMap<SinkName, Notices> {
    let mut chat = Notices::default();
    [(0, true), (0, true), (0, true), (0, true), (0, false), (1, false), (2, true)]
        .into_iter()
        .for_each(|(before, is_taken)| chat.deliveries.attempt(before, is_taken));
    [60, 240].into_iter().for_each(|age| chat.waiting.add(age));
    let mut mail = Notices::default();
    (0..9).for_each(|number| mail.deliveries.attempt(number / 3, false));
    mail.deliveries.given_up = 3;
    [("chat", chat), ("mail", mail)].map(|(place, one)| (SinkName::new(place).expect("a name"), one)).into()
}

/// alice rejected the request for 9.
fn answers(asked: &Asked, _: &BTreeSet<&RuleName>) -> Vec<Response> {
    let by = PrincipalId::new("alice").expect("a name");
    if asked.subject == id(9) { vec![Response { at: at(70_400), by, rejects: true }] } else { Vec::new() }
}

fn token(who: &str, subject: u8, not_before: Timestamp, overrides: Option<RuleName>) -> SignedToken {
    let token = Token {
        kind: overrides.map_or(Kind::Approve, Kind::Override),
        repository: REPOSITORY.to_owned(),
        subject: Some(id(subject)),
        target: Some(main()),
        action: Some(Action::Update),
        base: vec![id(99)],
        content: None,
        role: RoleChoice::Any,
        not_before,
        not_after: Some(not_before.plus(Span::days(1))),
        nonce: [subject; 16],
        reason: "needed".to_owned(),
    };
    let signer = signer(who);
    let message = token.message().expect("a message");
    let signature = signer.sign(&signed_bytes(message.as_bytes())).to_bytes();
    SignedToken::from_parts(token, key(&signer), signature).expect("signed")
}

/// When the figures of [`everything`] are looked at: after eight days.
pub const NOW: i64 = 8 * 86_400;

/// Each way in which a request can go. Every comment says what it comes to, in seconds.
pub fn everything() -> Log {
    let mut log = Log::default();
    // 1: first answer and approval after 100, push 60 later.
    log.refused(0, "login-1", 1, &["main"]);
    log.landed(160, "login-1", 1, &[("main", &[("alice", "dba", 100, false)])]);
    // 2: two rules; alice after 200, bob after 500, push 100 later. Of two tokens that did not count one was outdated.
    let whys = ["signed when the target had another value", "the pusher's own approval"];
    log.refused_beside(1_000, "login-2", 2, &["main", "db"], &whys);
    let signs: [(&str, &[Sign]); 2] =
        [("main", &[("alice", "dba", 1_200, false)]), ("db", &[("bob", "lead", 1_500, false)])];
    log.landed(1_600, "login-2", 2, &signs);
    // 3: opened 100 before noon, approved 100 after 13:00: 3,800 later, of which 3,600 were frozen: 200. Push 100 later.
    log.refused(43_100, "login-3", 3, &["main"]);
    let frozen = log.frozen(44_000, "login-0", 50);
    log.again(44_001, "login-0", frozen);
    log.landed(47_000, "login-3", 3, &[("main", &[("alice", "dba", 46_900, false)])]);
    // 4: superseded by 5 after 100. 5: cancelled after 300.
    log.refused(50_000, "login-4", 4, &["main"]);
    log.refused(50_100, "login-4", 5, &["main"]);
    log.cancelled(50_400, "login-4", 5);
    // 6: nobody answers for seven days.
    log.refused(51_000, "login-6", 6, &["main"]);
    // 7: overridden, answered after 30, reviewed after an hour.
    log.refused(60_000, "login-7", 7, &["main"]);
    let debt = log.overridden(60_040, "login-7", 7, 60_030);
    // 8: overridden, answered after 50, never reviewed.
    log.refused(60_900, "login-8", 8, &["main"]);
    log.overridden(61_000, "login-8", 8, 60_950);
    log.reviewed(60_040 + 3_600, debt);
    // 9: rejected after 400.
    log.refused(70_000, "login-9", 9, &["main"]);
    // 10: approved after 5, in haste, push 5 later.
    log.refused(80_000, "login-10", 10, &["main"]);
    log.landed(80_010, "login-10", 10, &[("main", &[("alice", "dba", 80_005, false)])]);
    // 11: approved after 300, push 10 later.
    log.refused(81_000, "login-11", 11, &["main"]);
    log.landed(81_310, "login-11", 11, &[("main", &[("alice", "dba", 81_300, false)])]);
    // 12: the clock ran ahead when it was opened and was put right, so that it landed before it was opened: 0 and 0.
    log.refused(90_000, "login-12", 12, &["main"]);
    log.clock_was_wrong(89_000);
    log.landed(89_500, "login-12", 12, &[("main", &[("alice", "dba", 90_010, false)])]);
    // 13: waits for 1,200 at the end.
    log.refused(NOW - 1_200, "login-13", 13, &["main"]);
    log
}
