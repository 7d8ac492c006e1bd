//! Which rules an update meets, and that it must meet all (docs/spec/semantics.md, 1 to 3).

use crate::support::{Build, approve, check, judge, policy, push, rule, told_in, update};
use jit::domain::change::RefUpdate;
use jit::domain::policy::Verdict;

const DBA: &str = "require = [{ role = \"dba\", approvals = 1 }]";

fn one() -> RefUpdate {
    update("a", "b", "b<a")
}

#[test]
fn every_rule_that_matches_must_be_met() {
    let rules = "[[rule]]\nname = \"dba\"\nrequire = [{ role = \"dba\", approvals = 1 }]\n\
                 [[rule]]\nname = \"lead\"\nrequire = [{ role = \"lead\", approvals = 1 }]\n";
    check(
        &policy(rules),
        &[
            ("neither", one(), vec![], "deny | dba: 1 dba for b | lead: 1 lead for b"),
            (
                "one",
                one(),
                vec![approve("b", "a").by("alice")],
                "deny | dba: +alice/dba | lead: 1 lead for b, -alice NoRole",
            ),
            (
                "both, by one person",
                one(),
                vec![approve("b", "a").by("bob")],
                "allow | dba: +bob/dba | lead: +bob/lead",
            ),
            (
                "both",
                one(),
                vec![approve("b", "a").by("alice"), approve("b", "a").by("carol")],
                "allow | dba: +alice/dba, -carol NoRole | lead: +carol/lead, -alice NoRole",
            ),
        ],
    );
}

#[test]
fn a_rule_matches_by_target_action_and_path_together() {
    let protects = |lines: &str, update: RefUpdate| {
        let decision = judge(&policy(&rule(&format!("{lines}\n{DBA}"))), &push("mallory", &[update]), &[]);
        decision.verdict() == Verdict::Deny
    };
    let cases = [
        ("branches = [\"main\"]", one(), true),
        ("branches = [\"dev\"]", one(), false),
        ("tags = [\"main\"]", one(), false),
        ("bookmarks = [\"main\"]", one(), false),
        ("refs = [\"refs/heads/*\"]", one(), true),
        ("refs = [\"refs/tags/*\"]", one(), false),
        ("branches = [\"main\"]\npaths = [\"src/*\"]", one(), true),
        ("branches = [\"main\"]\npaths = [\"doc/*\"]", one(), false),
        ("branches = [\"dev\"]\npaths = [\"src/*\"]", one(), false),
        ("paths = [\"src/*\"]\nactions = [\"create\", \"delete\"]", one(), false),
        ("paths = [\"src/*\"]\nactions = [\"update\"]", one(), true),
        ("paths = [\"*\"]", one(), false),
        ("paths = [\"**\"]", one(), true),
        ("paths = [\"!src/b\"]", one(), false),
        ("paths = [\"src/**\", \"!src/b\"]", one(), false),
        ("branches = [\"release/*\"]", one().on("refs/heads/release/1/x"), false),
        ("branches = [\"release/**\"]", one().on("refs/heads/release/1/x"), true),
        ("branches = [\"main\"]", one().on("branch:main").hg(), false),
        ("branches = [\"default\"]", one().hg(), true),
        ("bookmarks = [\"@\"]", one().on("bookmark:@"), true),
        ("branches = [\"@\"]", one().on("bookmark:@"), false),
        ("refs = [\"**\"]", one().hg(), false),
    ];
    for (lines, update, protected) in cases {
        let target = update.target.clone();
        assert_eq!(protects(lines, update), protected, "{lines} on {target}");
    }
}

#[test]
fn an_environment_is_a_set_of_refs() {
    let rules = "[environments.production]\nbranches = [\"main\"]\ntags = [\"v*\"]\n\
                 [[rule]]\nname = \"r\"\nenvironments = [\"production\"]\nrequire = [{ role = \"dba\", approvals = 1 }]\n";
    check(
        &policy(rules),
        &[
            ("a branch of it", one(), vec![], "deny | r: 1 dba for b"),
            ("another branch", one().on("refs/heads/v1"), vec![], "allow by default"),
            ("a tag of it", one().on("refs/tags/v1").does("create"), vec![], "deny | r: 1 dba for b"),
            ("a bookmark of a branch's name", one().on("bookmark:main"), vec![], "allow by default"),
        ],
    );
}

#[test]
fn only_the_commits_that_touch_a_path_are_asked_for() {
    let update = || update("a", "d", "d<c; c<b db/1; b<a");
    check(
        &policy(&rule(&format!("paths = [\"db/**\"]\n{DBA}"))),
        &[
            ("nothing", update(), vec![], "deny | r: 1 dba for c"),
            ("the commit alone", update(), vec![approve("c", "b").by("alice")], "allow | r: +alice/dba"),
            ("the tip", update(), vec![approve("d", "a").by("alice")], "allow | r: +alice/dba"),
            (
                "all but the commit",
                update(),
                vec![approve("b", "a").by("alice"), approve("d", "c").by("bob")],
                "deny | r: 1 dba for c, -alice CoversNothing, -bob CoversNothing",
            ),
        ],
    );
}

#[test]
fn paths_that_nobody_looked_at_are_taken_as_touched() {
    check(
        &policy(&rule(&format!("paths = [\"db/**\"]\n{DBA}"))),
        &[
            ("a commit", update("a", "b", "b<a ?"), vec![], "deny by default | r: 1 dba for b"),
            ("a merge", update("a", "m", "m<ab ?; b<a"), vec![], "deny by default | r: 1 dba for m"),
            ("an honest merge", update("a", "m", "m<ab; b<a"), vec![], "allow by default"),
            ("a merge that adopts it", update("a", "m", "m<ab db/1; b<a"), vec![], "deny | r: 1 dba for m"),
        ],
    );
}

#[test]
fn a_rule_that_says_never_is_never_met() {
    let freeze = policy(&rule("branches = [\"main\"]\ndeny = true"));
    check(
        &freeze,
        &[
            ("unsigned", one(), vec![], "deny | r: Never"),
            (
                "signed by everybody",
                one(),
                vec![approve("b", "a").by("alice"), approve("b", "a").by("bob")],
                "deny | r: Never",
            ),
            ("elsewhere", one().on("refs/heads/dev"), vec![], "allow by default"),
        ],
    );
}

#[test]
fn a_push_denied_for_one_update_is_denied_whole() {
    let policy = policy(&rule(&format!("branches = [\"main\"]\n{DBA}")));
    let free = || one().on("refs/heads/dev");
    for updates in [vec![one(), free()], vec![free(), one()]] {
        let decision = judge(&policy, &push("mallory", &updates), &[]);
        assert_eq!(decision.verdict(), Verdict::Deny);
        let allowed = decision.updates.iter().filter(|update| update.verdict() == Verdict::Allow).count();
        assert_eq!(allowed, 1);
    }
    let token = [approve("b", "a").by("alice")];
    assert_eq!(judge(&policy, &push("mallory", &[one(), free()]), &token).verdict(), Verdict::Allow);
}

#[test]
fn a_token_for_one_target_is_none_for_another() {
    let policy = policy(&rule(DBA));
    let updates = [one(), one().on("refs/heads/release")];
    let decision = judge(&policy, &push("mallory", &updates), &[approve("b", "a").by("alice")]);
    let told: Vec<String> = decision.updates.iter().map(told_in).collect();
    assert_eq!(told, ["allow | r: +alice/dba", "deny | r: 1 dba for b, -alice OtherTarget"]);
    assert_eq!(decision.verdict(), Verdict::Deny);
}
