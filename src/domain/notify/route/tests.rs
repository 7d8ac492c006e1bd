//! Who is told of what.

use super::*;
use crate::domain::change::{Action, ChangesetId, IdKind, Target};
use crate::domain::notify::{About, RuleNotice};
use crate::domain::policy::{PolicyFile, load};
use crate::domain::time::Timestamp;

const POLICY: &str = r#"
version = 1
default = "allow"
[principals.alice]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd"]
emails = ["alice@example.com", "a@example.com"]
logins = ["alice"]
[principals.bob]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC3wQSXwAVr7R86FOu+HcglP+UmMFMsbnhKXPCkn2g+m"]
emails = ["bob@example.com"]
logins = ["bob"]
[principals.carol]
logins = ["carol"]
[roles.dba]
members = ["alice", "bob", "carol"]
[roles.oncall]
members = ["bob"]
[roles.directors]
members = ["bob"]
[environments.production]
branches = ["main"]
[[rule]]
name = "migrations"
branches = ["main"]
labels = { Severity = ["critical", "high"] }
require = [{ role = "dba", approvals = 1 }]
override = { role = "oncall", approvals = 1 }
escalate = { after = "4h", notify = ["role:directors"] }
[[rule]]
name = "docs"
branches = ["docs"]
require = [{ role = "oncall", approvals = 1 }]
"#;

fn policy() -> Policy {
    let file = PolicyFile { name: "policy.toml".to_owned(), text: POLICY.into() };
    load(&[file]).expect("a policy")
}

fn notice(event: Event, target: &str, rules: &[&str], requester: Option<&str>) -> Notice {
    let id = ChangesetId::from_bytes(IdKind::GitSha1, &[1; 20]).expect("an id");
    let rule = |name: &&str| RuleNotice {
        name: RuleName::new(name).expect("a name"),
        message: None,
        required: Vec::new(),
        missing: Vec::new(),
    };
    let about = (!target.is_empty()).then(|| About {
        target: Target::parse(target).expect("a target"),
        actions: vec![Action::Update],
        old: Vec::new(),
        new: vec![id],
    });
    Notice {
        about,
        requester: requester.map(str::to_owned),
        rules: rules.iter().map(rule).collect(),
        ..Notice::new("payments@00", event, "1", Timestamp::EPOCH)
    }
}

fn set<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    values.into_iter().collect()
}

#[test]
fn a_place_gets_what_every_list_of_its_own_names() {
    let role = |name| Route { roles: set([RoleName::new(name).expect("a name")]), ..Route::default() };
    let rule = |name| Route { rules: set([RuleName::new(name).expect("a name")]), ..Route::default() };
    let event = |event| Route { events: set([event]), ..Route::default() };
    let place = |name| Route { environments: set([EnvironmentName::new(name).expect("a name")]), ..Route::default() };
    let label = |key: &str, value: &str| Route {
        labels: BTreeMap::from([(key.to_owned(), vec![value.to_owned()])]),
        ..Route::default()
    };
    let both = Route { events: set([Event::Opened]), ..role("oncall") };
    let migration = notice(Event::Opened, "refs/heads/main", &["migrations"], None);
    let docs = notice(Event::Denied, "refs/heads/docs", &["docs"], None);
    let change = notice(Event::PolicyChanged, "", &[], None);
    let late = notice(Event::Escalated, "refs/heads/main", &["migrations"], None);
    // Of each route: whether it takes the migration, the documentation, the change of the policy.
    let cases = [
        ("everything", Route::default(), [true, true, true]),
        ("an event", event(Event::Opened), [true, false, false]),
        ("another event", event(Event::PolicyChanged), [false, false, true]),
        ("a rule", rule("migrations"), [true, false, false]),
        ("a role that is asked", role("dba"), [true, false, false]),
        ("a role that is asked in an emergency", role("oncall"), [true, true, false]),
        ("an environment", place("production"), [true, false, false]),
        ("an environment that nobody knows", place("moon"), [false, false, false]),
        ("a label", label("severity", "high"), [true, false, false]),
        ("another value", label("severity", "low"), [false, false, false]),
        ("another label", label("area", "high"), [false, false, false]),
        ("two lists", both, [true, false, false]),
    ];
    let policy = policy();
    let directors = role("directors");
    assert!(directors.takes(&late, Some(&policy)) && role("dba").takes(&late, Some(&policy)));
    assert!(!directors.takes(&migration, Some(&policy)), "it has not waited for long");
    for (what, route, expected) in cases {
        let taken = [&migration, &docs, &change].map(|notice| route.takes(notice, Some(&policy)));
        assert_eq!(taken, expected, "{what}");
        assert!(route.takes(&notice(Event::Test, "", &[], None), Some(&policy)), "{what}");
    }
}

#[test]
fn what_nobody_can_find_out_is_told() {
    let dba = Route { roles: set([RoleName::new("dba").expect("a name")]), ..Route::default() };
    let gone = notice(Event::Opened, "refs/heads/main", &["gone"], None);
    assert!(dba.takes(&gone, Some(&policy())));
    assert!(dba.takes(&gone, None));
    let production = EnvironmentName::new("production").expect("a name");
    let place = Route { environments: set([production]), ..Route::default() };
    assert!(place.takes(&gone, None));
    assert!(!place.takes(&notice(Event::PolicyChanged, "", &[], None), None));
}

#[test]
fn the_requester_hears_of_every_outcome_and_never_of_their_own_opening() {
    let dba = || Recipient::Role(RoleName::new("dba").expect("a name"));
    let address = |address: &str| Recipient::Address(address.to_owned());
    let (alice, bob, ops) = ("alice@example.com", "bob@example.com", "ops@example.com");
    let cases = [
        (Event::Opened, Some("alice"), vec![dba()], vec![bob]),
        (Event::Opened, Some("alice"), vec![dba(), address("A@example.com"), address(ops)], vec![bob, ops]),
        (Event::Opened, Some("alice"), vec![address(alice)], vec![]),
        (Event::Opened, Some("mallory"), vec![dba()], vec![alice, bob]),
        (Event::Opened, None, vec![dba()], vec![alice, bob]),
        (Event::Reminder, Some("alice"), vec![dba()], vec![bob]),
        (Event::Escalated, Some("alice"), vec![address(ops)], vec![bob, ops]),
        (Event::Escalated, Some("bob"), vec![address(ops)], vec![ops]),
        (Event::NotLanded, Some("alice"), vec![address(ops)], vec![alice, ops]),
        (Event::Denied, Some("alice"), vec![address(ops)], vec![alice, ops]),
        (Event::Landed, Some("alice"), vec![dba()], vec![alice, bob]),
        (Event::Expired, Some("carol"), vec![address(ops)], vec![ops]),
        (Event::Approved, Some("alice"), vec![address(ops)], vec![ops]),
        (Event::PolicyChanged, None, vec![dba()], vec![alice, bob]),
    ];
    let policy = policy();
    for (event, requester, to, expected) in cases {
        let notice = notice(event, "refs/heads/main", &["migrations"], requester);
        let found = recipients(&to, &notice, Some(&policy));
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{event} {requester:?} {to:?}");
    }
    let notice = notice(Event::Denied, "refs/heads/main", &[], Some("alice"));
    assert_eq!(recipients(&[dba(), address(ops)], &notice, None), set([ops.to_owned()]));
}
