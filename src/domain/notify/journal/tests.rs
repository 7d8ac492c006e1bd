//! What each entry tells.

use super::*;
use crate::domain::approval::TokenId;
use crate::domain::audit::{Applied, Counted, Hash, OutcomeKind, PolicyChange, Recovery, Uninstall};
use crate::domain::change::{Action, IdKind, Pusher, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
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
    let counted = Counted {
        token: TokenId([1; 32]),
        principal: PrincipalId::new("alice").expect("a name"),
        role: RoleName::new("dba").expect("a name"),
        stands_in_for: None,
        delegation: None,
    };
    RuleRecord {
        name: RuleName::new(name).expect("a name"),
        mode,
        met,
        unmet: if met { vec![] } else { vec!["needs 1 approval from `dba`; has 0".to_owned()] },
        required: vec!["1 approval from `dba`".to_owned()],
        matched: 1,
        counted: if met { vec![counted] } else { vec![] },
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
    let sent = |step| {
        audit::Event::Request(RequestStep {
            id: RequestId::of("payments@00", &Target::parse("refs/heads/main").expect("a target"), &id(2)),
            target: Target::parse("refs/heads/main").expect("a target"),
            subject: id(2),
            action: Action::Update,
            base: vec![id(1)],
            reason: Some("why".to_owned()),
            requester: Pusher { login: Some("bob".into()), source: "env".into() },
            step,
        })
    };
    assert_eq!(told(sent(Step::Parked { bytes: 1, of: 7 }), None, &mut memory), [], "told of what was refused already");
    assert_eq!(told(sent(Step::Cancelled), None, &mut Told::default()), []);
    let failed = told(sent(Step::NotLanded { why: audit::Obstacle::Moved }), None, &mut Told::default());
    assert_eq!(
        (failed[0].event, &failed[0].details[..]),
        (Event::NotLanded, &["its target has moved on".to_owned()][..])
    );
    let opened = told(sent(Step::Sent { bytes: 1 }), None, &mut Told::default());
    assert_eq!((opened[0].event, &opened[0].details[..]), (Event::Opened, &["reason: why".to_owned()][..]));
}

#[test]
fn an_override_is_told_again_when_nobody_has_reviewed_it_in_time() {
    let used = |of| {
        audit::Event::Override(Override {
            of,
            target: Target::parse("refs/heads/main").expect("a target"),
            rule: RuleName::new("review").expect("a name"),
            subjects: vec![id(2)],
            overriders: Vec::new(),
            roles: vec![RoleName::new("dba").expect("a name")],
            barred: Vec::new(),
            due: Timestamp::from_unix(100).expect("a time"),
            blob: None,
        })
    };
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
        assert_eq!(told(used(6), None, &mut memory)[0].event, Event::Overridden);
        then.into_iter().for_each(|event| drop(told(event, None, &mut memory)));
        assert_eq!(overdue("payments@00", at(99), &mut memory), []);
        let found = overdue("payments@00", at(100), &mut memory);
        assert_eq!(
            found.iter().map(|one| one.event).collect::<Vec<_>>(),
            if due { vec![Event::ReviewDue] } else { vec![] }
        );
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

#[test]
fn what_landed_names_who_approved_and_what_the_rules_said() {
    let judged = decision(Verdict::Allow, vec![update("refs/heads/main", vec![rule("review", Mode::Enforce, true)])]);
    let applied = vec![Applied { target: Target::parse("refs/heads/main").expect("a target"), value: vec![id(2)] }];
    let outcome =
        audit::Event::Outcome(Outcome { of: 6, applied, how: OutcomeKind::Applied, settled: false, blob: None });
    let notice = told(outcome, Some(&judged), &mut Told::default()).remove(0);
    assert_eq!((notice.by, notice.rules[0].message.as_deref()), (vec!["alice".to_owned()], Some("ask alice")));
    assert!(notice.rules[0].missing.is_empty());
}
