//! What each entry tells.

use super::*;
use crate::domain::approval::TokenId;
use crate::domain::audit::{Applied, Counted, Hash, OutcomeKind, PolicyChange, Recovery, Uninstall};
use crate::domain::change::{Action, IdKind, Pusher, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::policy::{PolicyFile, load};

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
[[rule]]
name = "frozen"
branches = ["main"]
deny = true
[[rule]]
name = "known"
branches = ["main"]
pushers = "known"
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
fn a_request_is_opened_where_a_token_could_still_let_the_push_in() {
    let (enforce, observe) = (Mode::Enforce, Mode::Observe);
    let unmet = |name| rule(name, Mode::Enforce, false);
    let main = "refs/heads/main";
    let cases = [
        ("an approval is missing", Verdict::Deny, update(main, vec![unmet("review")]), true),
        ("a rule that is gone meanwhile", Verdict::Deny, update(main, vec![unmet("gone")]), true),
        ("the push was let in", Verdict::Allow, update(main, vec![unmet("review")]), false),
        ("never", Verdict::Deny, update(main, vec![unmet("frozen")]), false),
        ("an approval, and never", Verdict::Deny, update(main, vec![unmet("review"), unmet("frozen")]), false),
        ("a stranger pushes", Verdict::Deny, update(main, vec![unmet("known")]), false),
        ("nothing is missing here", Verdict::Deny, update(main, vec![rule("review", enforce, true)]), false),
        ("only observed", Verdict::Deny, update(main, vec![rule("review", observe, false)]), false),
        (
            "refused whatever rules say",
            Verdict::Deny,
            UpdateRecord { refused: vec!["x".into()], ..update(main, vec![unmet("review")]) },
            false,
        ),
        ("what is jit's own", Verdict::Deny, update("refs/jit/policy", vec![unmet("review")]), false),
    ];
    for (what, verdict, update, opens) in cases {
        let event = audit::Event::Decision(Box::new(decision(verdict, vec![update])));
        let mut memory = Told::default();
        let notices = told(event.clone(), None, &mut memory);
        assert_eq!(notices.len(), usize::from(opens), "{what}");
        for notice in notices {
            assert_eq!((notice.event, notice.requester.as_deref()), (Event::Opened, Some("bob")), "{what}");
            assert!(notice.request.as_deref().is_some_and(|id| id.starts_with("r-")), "{what}");
        }
        assert!(told(event, None, &mut memory).is_empty(), "{what}: told twice");
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
