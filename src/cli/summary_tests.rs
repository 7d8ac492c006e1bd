//! What the summary before a signature says, and that nothing in it steers the terminal.

use super::summary::{Summary, Worth, needs};
use crate::domain::approval::quorum::Requirement;
use crate::domain::approval::{Kind, RoleChoice, Token, TokenId};
use crate::domain::change::{Action, ChangeSize, Changeset, ChangesetId};
use crate::domain::change::{IdKind, Target};
use crate::domain::name::PrincipalId;
use crate::domain::name::{RoleName, RuleName};
use crate::domain::policy::{Counted, NotCounted, Why};
use crate::domain::policy::{Mode, ReasonRule, RuleOutcome, Unmet, UpdateDecision};
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeSet;

const MINE: TokenId = TokenId([1; 32]);
const OTHER: TokenId = TokenId([2; 32]);

fn id(number: u8) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[number; 20]).expect("an id")
}

fn person(name: &str) -> PrincipalId {
    PrincipalId::new(name).expect("a name")
}

fn token(kind: Kind) -> Token {
    let now = Timestamp::parse("2026-11-21T12:00:00Z").expect("a time");
    Token {
        kind,
        repository: "payments@5f0c".to_owned(),
        subject: Some(id(2)),
        target: Some(Target::parse("refs/heads/main").expect("a target")),
        action: Some(Action::Update),
        base: vec![id(1)],
        content: None,
        role: RoleChoice::Any,
        not_before: now,
        not_after: Some(now.plus(Span::days(1))),
        nonce: [0; 16],
        reason: "looks\n\u{1b}[2Jgood".to_owned(),
    }
}

fn commit(number: u8, parents: usize) -> Changeset {
    Changeset {
        id: id(number),
        parents: vec![id(1); parents],
        authors: vec![b"bob\x1b]0;@example.com".to_vec()],
        committer: None,
        summary: "Fix \u{202e}it\r".as_bytes().to_vec(),
        own_paths: None,
        lines: None,
        trailers: None,
    }
}

fn rule() -> RuleOutcome {
    let dba = RoleName::new("dba").expect("a name");
    RuleOutcome {
        rule: RuleName::new("migrations").expect("a name"),
        mode: Mode::Enforce,
        message: None,
        require: vec![Requirement { role: dba, approvals: 2 }],
        any_of: Vec::new(),
        reason: None,
        matched: vec![id(2)],
        unmet: Vec::new(),
        checks: Vec::new(),
        overriding: None,
        counted: Vec::new(),
        not_counted: Vec::new(),
        could_sign: BTreeSet::new(),
    }
}

fn decision(rules: Vec<RuleOutcome>) -> UpdateDecision {
    UpdateDecision {
        target: Target::parse("refs/heads/main").expect("a target"),
        action: Action::Update,
        actions: vec![Action::Update],
        old: vec![id(1)],
        new: vec![id(2)],
        after: vec![id(2)],
        rules,
        default: None,
    }
}

fn look(kind: Kind, rules: Vec<RuleOutcome>, commits: &[Changeset]) -> (String, Worth) {
    let (who, token, decision) = (person("alice"), token(kind), decision(rules));
    let size = ChangeSize::default();
    let summary = Summary {
        who: &who,
        key: "SHA256:x".to_owned(),
        request: None,
        token: &token,
        id: MINE,
        commits,
        lost: &[],
        size: &size,
        decision: &decision,
    };
    (summary.text(), summary.worth())
}

#[test]
fn nothing_from_outside_steers_the_terminal() {
    let text = look(Kind::Approve, vec![rule()], &[commit(2, 1)]).0;
    assert!(text.contains("looks\\u{a}\\u{1b}[2Jgood"), "{text}");
    assert!(text.contains("bob\\u{1b}]0;@example.com \"Fix \\u{202e}it\\u{d}\""), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
}

#[test]
fn twenty_commits_are_listed_and_the_others_counted() {
    let commits: Vec<Changeset> = (2..27).map(|number| commit(number, 2)).collect();
    let text = look(Kind::Approve, vec![rule()], &commits).0;
    assert!(text.contains("25 commits:\n"), "{text}");
    assert_eq!(text.matches("(merge)").count(), 20);
    assert!(text.contains("  and 5 more\n"), "{text}");
}

#[test]
fn a_token_is_worth_what_the_rules_would_make_of_it() {
    let dba = || RoleName::new("dba").expect("a name");
    let mine = || Counted { token: MINE, who: person("alice"), role: dba(), stands_in: None };
    let earlier = || Counted { token: OTHER, who: person("alice"), role: dba(), stands_in: None };
    let bobs = || Counted { token: OTHER, who: person("bob"), role: dba(), stands_in: None };
    let own = || NotCounted { token: MINE, who: Some(person("alice")), why: Why::Author(id(2)) };
    let rejected = |token, by: &str| Unmet::Rejected {
        by: person(by),
        token,
        subject: id(2),
        reason: String::new(),
        until: Timestamp::parse("2026-12-21T12:00:00Z").expect("a time"),
    };
    let cases = [
        (Kind::Approve, RuleOutcome { counted: vec![mine()], ..rule() }, true, "yours counts, as `dba`"),
        (
            Kind::Approve,
            RuleOutcome { not_counted: vec![own()], ..rule() },
            false,
            "yours will not count: its signer is an author",
        ),
        (
            Kind::Approve,
            RuleOutcome { counted: vec![earlier()], ..rule() },
            false,
            "an earlier approval of yours counts already",
        ),
        (Kind::Approve, RuleOutcome { counted: vec![bobs()], ..rule() }, false, "filled already"),
        (
            Kind::Approve,
            RuleOutcome { counted: vec![mine()], unmet: vec![rejected(OTHER, "carol")], ..rule() },
            true,
            "rejected by carol until 2026-12-21T12:00:00Z",
        ),
        (Kind::Reject, RuleOutcome { unmet: vec![rejected(MINE, "alice")], ..rule() }, true, "yours stops it"),
        (
            Kind::Reject,
            RuleOutcome { unmet: vec![rejected(OTHER, "carol")], ..rule() },
            false,
            "yours does not stop it",
        ),
    ];
    for (kind, outcome, counts, words) in cases {
        let worth = look(kind, vec![outcome], &[]).1;
        assert_eq!(worth.counts, counts, "{words}");
        assert!(worth.lines.join("\n").contains(words), "{words}: {:?}", worth.lines);
    }
    assert!(!look(Kind::Approve, Vec::new(), &[]).1.counts);
}

#[test]
fn what_a_rule_needs_is_said_with_its_alternatives() {
    let entry = |role: &str, approvals| Requirement { role: RoleName::new(role).expect("a name"), approvals };
    let (a, b, c) = (entry("dba", 1), entry("lead", 2), entry("director", 1));
    let cases = [
        (vec![a.clone()], vec![], "1 approval from `dba`"),
        (vec![], vec![vec![b.clone()], vec![c.clone()]], "2 approvals from `lead`, or 1 approval from `director`"),
        (
            vec![a],
            vec![vec![b, c]],
            "1 approval from `dba`, and 2 approvals from `lead` and 1 approval from `director`",
        ),
    ];
    for (require, any_of, words) in cases {
        assert_eq!(needs(&RuleOutcome { require, any_of, ..rule() }), words);
    }
    let reason = Some(ReasonRule::Required);
    assert_eq!(needs(&RuleOutcome { reason, ..rule() }), "2 approvals from `dba`, each with a reason");
}
