//! What each entry tells.

use super::*;
use crate::domain::approval::TokenId;
use crate::domain::audit::{Applied, Counted, Hash, OutcomeKind, PolicyChange, Recovery, Uninstall};
use crate::domain::change::{Action, IdKind, Pusher, Target};
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::notify::overdue;
use crate::domain::policy::{PolicyFile, load};
use std::collections::BTreeMap;

const POLICY: &str = r#"
version = 1
default = "allow"
[principals.alice]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd"]
logins = ["alice"]
[roles.dba]
members = ["alice"]
[[rule]]
name = "review"
branches = ["main"]
require = [{ role = "dba", approvals = 1 }]
message = "ask alice"
"#;

fn policy() -> Policy {
    load(&[PolicyFile { name: "policy.toml".to_owned(), text: POLICY.into() }]).expect("a policy")
}

fn id(byte: u8) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).expect("an id")
}

fn rule(name: &str, mode: Mode, met: bool) -> RuleRecord {
    RuleRecord {
        name: RuleName::new(name).expect("a name"),
        mode,
        met,
        unmet: if met { vec![] } else { vec!["needs 1 approval from `dba`; has 0".to_owned()] },
        required: vec!["1 approval from `dba`".to_owned()],
        matched: 1,
        counted: if met { vec![counted(1, "alice")] } else { vec![] },
        not_counted: Vec::new(),
        overridden: Vec::new(),
    }
}

fn update(target: &str, rules: Vec<RuleRecord>) -> UpdateRecord {
    UpdateRecord {
        target: Target::parse(target).expect("a target"),
        actions: vec![Action::Update],
        old: vec![id(1)],
        new: vec![id(2)],
        after: None,
        found: None,
        contents: Vec::new(),
        requested: Vec::new(),
        rules,
        refused: Vec::new(),
    }
}

fn counted(byte: u8, principal: &str) -> Counted {
    Counted {
        token: TokenId([byte; 32]),
        principal: PrincipalId::new(principal).expect("a name"),
        role: RoleName::new("dba").expect("a name"),
        stands_in_for: None,
        delegation: None,
    }
}

fn overriding(of: u64) -> audit::Event {
    audit::Event::Override(Override {
        of,
        target: main_branch(),
        rule: RuleName::new("review").expect("a name"),
        subjects: vec![id(2)],
        overriders: vec![counted(1, "alice"), counted(2, "alice"), counted(3, "carol")],
        roles: ["dba", "leads"].map(|role| RoleName::new(role).expect("a name")).to_vec(),
        barred: Vec::new(),
        due: Timestamp::from_unix(100).expect("a time"),
        blob: None,
    })
}

fn step(action: Action, step: Step) -> audit::Event {
    audit::Event::Request(RequestStep {
        id: request_of(2),
        target: main_branch(),
        subject: id(2),
        action,
        base: vec![id(1)],
        reason: Some("why".to_owned()),
        requester: Pusher { login: Some("bob".into()), source: "env".into() },
        step,
    })
}

fn main_branch() -> Target {
    Target::parse("refs/heads/main").expect("a target")
}

fn request_of(byte: u8) -> RequestId {
    RequestId::of("payments@00", &main_branch(), &id(byte))
}

fn update_of(rules: Vec<RuleRecord>) -> UpdateRecord {
    update("refs/heads/main", rules)
}

fn decision(verdict: Verdict, updates: Vec<UpdateRecord>) -> Decision {
    Decision {
        repository: "payments@00".into(),
        pusher: Pusher { login: Some("bob".into()), source: "env".into() },
        verdict,
        updates,
        tokens: BTreeMap::new(),
        policy: None,
        policy_error: None,
        reasons: Vec::new(),
        duration_ms: 3,
        transaction: None,
        again: None,
        blob: None,
    }
}

fn told(event: audit::Event, judged: Option<&Decision>, told: &mut Told) -> Vec<Notice> {
    let entry = Entry { time: Timestamp::EPOCH, event };
    from_entry(7, &entry, "payments@00", judged, Some(&policy()), told)
}

#[test]
fn a_request_is_opened_once_until_it_has_ended() {
    let asks = |byte| UpdateRecord {
        requested: vec![id(byte)],
        ..update("refs/heads/main", vec![rule("review", Mode::Enforce, false)])
    };
    let denied = |updates| audit::Event::Decision(Box::new(decision(Verdict::Deny, updates)));
    let mut memory = Told::default();
    let opened = told(denied(vec![asks(2), asks(3), update("refs/heads/free", vec![])]), None, &mut memory);
    assert_eq!(opened.len(), 2);
    for notice in &opened {
        assert_eq!((notice.event, notice.requester.as_deref()), (Event::Opened, Some("bob")));
        assert_eq!(notice.rules[0].message.as_deref(), Some("ask alice"));
    }
    assert_ne!(opened[0].id, opened[1].id);
    assert_eq!(told(denied(vec![asks(2)]), None, &mut memory), [], "told twice");
    let sent = |step| self::step(Action::Update, step);
    assert_eq!(told(sent(Step::Parked { bytes: 1, of: 7 }), None, &mut memory), [], "told of what was refused already");
    assert_eq!(told(sent(Step::Cancelled), None, &mut Told::default()), []);
}

#[test]
fn an_override_is_told_again_when_nobody_has_reviewed_it_in_time() {
    let review = audit::Event::Review(audit::Review {
        debt: 7,
        by: PrincipalId::new("alice").expect("a name"),
        token: TokenId([1; 32]),
        text: String::new(),
    });
    let undone = audit::Event::Outcome(Outcome {
        of: 6,
        applied: vec![],
        how: OutcomeKind::NotApplied,
        settled: false,
        blob: None,
    });
    let at = |seconds| Timestamp::from_unix(seconds).expect("a time");
    for (then, due) in [(None, true), (Some(review), false), (Some(undone), false)] {
        let mut memory = Told::default();
        let overridden = told(overriding(6), None, &mut memory).remove(0);
        assert_eq!(overridden.event, Event::Overridden);
        then.into_iter().for_each(|event| drop(told(event, None, &mut memory)));
        assert_eq!(overdue("payments@00", at(99), &mut memory), []);
        let found = overdue("payments@00", at(100), &mut memory);
        // Under an id of its own: whoever leaves out what came before hears of it.
        let own = Notice::new("payments@00", Event::ReviewDue, "7", at(100));
        let expected = Notice { id: own.id, event: own.event, time: own.time, ..overridden };
        assert_eq!(found, if due { vec![expected] } else { vec![] });
        assert_eq!(overdue("payments@00", at(101), &mut memory), [], "told twice");
    }
}

#[test]
fn each_entry_tells_what_happened() {
    let judged = decision(Verdict::Allow, vec![update("refs/heads/main", vec![rule("review", Mode::Enforce, true)])]);
    let landed = |target: &str| {
        let target = Target::parse(target).expect("a target");
        let applied = vec![Applied { target, value: vec![id(2)] }];
        audit::Event::Outcome(Outcome { of: 6, applied, how: OutcomeKind::Applied, settled: false, blob: None })
    };
    let found = UpdateRecord { found: Some(vec![id(9)]), ..update("refs/heads/free", vec![]) };
    let broken = Decision { policy_error: Some("no version".into()), ..decision(Verdict::Deny, vec![]) };
    let cases: [(audit::Event, Option<&Decision>, &[Event], &str); 9] = [
        (landed("refs/heads/main"), Some(&judged), &[Event::Landed], "refs/heads/main has what bob asked for"),
        (landed("refs/heads/main"), None, &[], ""),
        (landed("refs/heads/free"), Some(&judged), &[], ""),
        (audit::Event::Decision(Box::new(broken)), None, &[Event::Trouble], "the policy does not load"),
        (
            audit::Event::Decision(Box::new(decision(Verdict::Allow, vec![found]))),
            None,
            &[Event::Trouble],
            "moved past the hooks",
        ),
        (
            audit::Event::Policy(PolicyChange {
                digest: Hash::of(b""),
                files: Hash::of(b""),
                by: "carol".into(),
                changed: vec![],
                blob: None,
            }),
            None,
            &[Event::PolicyChanged],
            "carol put another policy in force",
        ),
        (
            audit::Event::Recovery(Recovery {
                what: RecoveryKind::AcceptRestore,
                size: 3,
                anchored: None,
                moved: None,
                reason: Some("x".into()),
            }),
            None,
            &[Event::Trouble],
            "restored from a back-up",
        ),
        (audit::Event::Uninstall(Uninstall { by: "carol".into() }), None, &[Event::Trouble], "no longer judged"),
        (audit::Event::Decision(Box::new(judged.clone())), None, &[], ""),
    ];
    for (event, judged, expected, title) in cases {
        let notices = told(event, judged, &mut Told::default());
        assert_eq!(notices.iter().map(|one| one.event).collect::<Vec<_>>(), expected, "{title}");
        for notice in notices {
            let words = crate::domain::notify::title(&notice);
            assert!(words.contains(title), "{words}");
            assert_eq!(notice.entry, Some(7));
        }
    }
}

/// What a notice of the entry says in any case.
fn bare(event: Event, which: &str) -> Notice {
    Notice { entry: Some(7), ..Notice::new("payments@00", event, which, Timestamp::EPOCH) }
}

fn moves(actions: Vec<Action>, new: Vec<ChangesetId>) -> Option<About> {
    Some(About { target: main_branch(), actions, old: vec![id(1)], new })
}

/// The rule `review`, with what it lacks.
fn review(missing: &[&str]) -> RuleNotice {
    RuleNotice {
        name: RuleName::new("review").expect("a name"),
        message: Some("ask alice".to_owned()),
        required: vec!["1 approval from `dba`".to_owned()],
        missing: missing.iter().map(|one| (*one).to_owned()).collect(),
    }
}

#[test]
fn a_notice_says_whatever_its_entry_does() {
    let (bob, update) = (Some("bob".to_owned()), || vec![Action::Update]);
    let refused = UpdateRecord {
        requested: vec![id(3)],
        ..update_of(vec![
            rule("met", Mode::Enforce, true),
            rule("watched", Mode::Observe, false),
            rule("review", Mode::Enforce, false),
        ])
    };
    let refused = decision(Verdict::Deny, vec![refused]);
    let judged = decision(Verdict::Allow, vec![update_of(vec![rule("review", Mode::Enforce, true)])]);
    let applied = vec![Applied { target: main_branch(), value: vec![id(2)] }];
    let outcome = Outcome { of: 6, applied, how: OutcomeKind::Applied, settled: false, blob: None };
    let landed = Notice {
        request: Some(request_of(2).to_string()),
        about: moves(update(), vec![id(2)]),
        requester: bob.clone(),
        by: vec!["alice".to_owned()],
        rules: vec![review(&[])],
        ..bare(Event::Landed, "7:0")
    };
    let gate = audit::Event::Gate(Box::new(audit::Gate { id: request_of(2), decision: judged.clone() }));
    let cases = [
        (
            "what is missing, of the one subject",
            audit::Event::Decision(Box::new(refused)),
            Notice {
                request: Some(request_of(3).to_string()),
                about: moves(update(), vec![id(3)]),
                requester: bob.clone(),
                rules: vec![review(&["needs 1 approval from `dba`; has 0"])],
                ..bare(Event::Opened, &format!("{} 1970-01-01T00:00:00Z", request_of(3)))
            },
        ),
        (
            "a reason",
            step(Action::Update, Step::Sent { bytes: 1 }),
            Notice {
                request: Some(request_of(2).to_string()),
                about: moves(update(), vec![id(2)]),
                requester: bob.clone(),
                details: vec!["reason: why".to_owned()],
                ..bare(Event::Opened, &format!("{} 1970-01-01T00:00:00Z", request_of(2)))
            },
        ),
        (
            "a deletion has no value afterwards",
            step(Action::Delete, Step::NotLanded { why: audit::Obstacle::Moved }),
            Notice {
                request: Some(request_of(2).to_string()),
                about: moves(vec![Action::Delete], vec![]),
                requester: bob,
                details: vec!["its target has moved on".to_owned()],
                ..bare(Event::NotLanded, "7:0")
            },
        ),
        (
            "who passed which rule, and until when who looks at it",
            overriding(6),
            Notice {
                about: Some(About { target: main_branch(), actions: vec![], old: vec![], new: vec![id(2)] }),
                by: vec!["alice".to_owned(), "carol".to_owned()],
                rules: vec![RuleNotice { required: vec![], ..review(&[]) }],
                details: vec!["a review is wanted from somebody in dba, leads".to_owned()],
                until: Timestamp::from_unix(100),
                ..bare(Event::Overridden, "7:0")
            },
        ),
        ("who approved what has landed", audit::Event::Outcome(outcome), landed.clone()),
        ("who opened a gate", gate, landed),
    ];
    for (what, event, expected) in cases {
        assert_eq!(told(event, Some(&judged), &mut Told::default()), [expected], "{what}");
    }
}

#[test]
fn what_no_rule_asked_for_and_what_is_our_own_lands_without_a_word() {
    let asked = || vec![rule("review", Mode::Enforce, true)];
    let cases = [
        ("refs/heads/main", Verdict::Allow, asked(), 1, 1),
        ("refs/heads/main", Verdict::Allow, vec![], 0, 0),
        ("refs/jit/approvals", Verdict::Allow, asked(), 0, 1),
        // A gate that stays closed has its entry too.
        ("refs/heads/main", Verdict::Deny, asked(), 1, 0),
    ];
    for (target, verdict, rules, landed, opened) in cases {
        let what = format!("{target} {verdict:?} {}", rules.len());
        let judged = decision(verdict, vec![update(target, rules)]);
        let applied = vec![Applied { target: Target::parse(target).expect("a target"), value: vec![id(2)] }];
        let outcome = Outcome { of: 6, applied, how: OutcomeKind::Applied, settled: false, blob: None };
        let gate = audit::Gate { id: request_of(2), decision: judged.clone() };
        for (event, expected) in
            [(audit::Event::Outcome(outcome), landed), (audit::Event::Gate(Box::new(gate)), opened)]
        {
            assert_eq!(told(event, Some(&judged), &mut Told::default()).len(), expected, "{what}");
        }
    }
}

#[test]
fn each_trouble_of_one_push_is_told_under_an_id_of_its_own() {
    let found = |values: &[u8]| UpdateRecord {
        found: Some(values.iter().map(|byte| id(*byte)).collect()),
        ..update("refs/heads/free", vec![])
    };
    let (both, of_both) = (found(&[8, 9]), format!("its value was {}, {}", id(8), id(9)));
    let broken =
        Decision { policy_error: Some("no version".into()), ..decision(Verdict::Deny, vec![both, found(&[])]) };
    let notices = told(audit::Event::Decision(Box::new(broken)), None, &mut Told::default());
    let ends = ["no version".to_owned(), of_both, "its value was nothing".to_owned()];
    assert_eq!(notices.len(), ends.len());
    for (notice, end) in notices.iter().zip(ends) {
        assert!(notice.details[0].ends_with(&end), "{}", notice.details[0]);
    }
    let ids: std::collections::BTreeSet<_> = notices.iter().map(|notice| &notice.id).collect();
    assert_eq!(ids.len(), notices.len());
}
