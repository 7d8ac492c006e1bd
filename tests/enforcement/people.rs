//! Who cannot count: authors, committers, the pusher, and nobody known (docs/spec/semantics.md, 8).

use crate::support::{Build, approve, judge, policy, push, rule, told, update};
use jit::domain::approval::SignedToken;
use jit::domain::change::RefUpdate;

const ONE: &str = "require = [{ role = \"team\", approvals = 1 }]";

type Case = (&'static str, &'static str, RefUpdate, Vec<SignedToken>, &'static str);

/// Runs cases: the situation, who pushes, what, with which tokens, what is told.
fn check(rules: &str, cases: &[Case]) {
    for (situation, who, update, tokens, expected) in cases {
        let decision = judge(&policy(rules), &push(who, std::slice::from_ref(update)), tokens);
        assert_eq!(told(&decision), *expected, "{situation}");
    }
}

fn by(who: &str) -> Vec<SignedToken> {
    vec![approve("b", "a").by(who)]
}

#[test]
fn who_made_or_pushes_a_commit_does_not_count_for_it() {
    let made = |people: &str| update("a", "b", &format!("b<a {people}"));
    check(
        &rule(ONE),
        &[
            ("somebody else", "mallory", made("@bob"), by("alice"), "allow | r: +alice/team"),
            ("the author", "mallory", made("@alice"), by("alice"), "deny | r: 1 team for b, -alice Author b"),
            ("a co-author", "mallory", made("@bob @alice"), by("alice"), "deny | r: 1 team for b, -alice Author b"),
            ("the committer", "mallory", made("@bob ~alice"), by("alice"), "deny | r: 1 team for b, -alice Author b"),
            ("the pusher", "alice", made("@bob"), by("alice"), "deny | r: 1 team for b, -alice Pusher"),
            (
                "the pusher by another login",
                "alice-at-work",
                made("@bob"),
                by("alice"),
                "deny | r: 1 team for b, -alice Pusher",
            ),
            (
                "the pusher by a login in other letters",
                "aLICE",
                made("@bob"),
                by("alice"),
                "deny | r: 1 team for b, -alice Pusher",
            ),
            (
                "the author with another key",
                "mallory",
                made("@alice"),
                by("A"),
                "deny | r: 1 team for b, -alice Author b",
            ),
            (
                "the author in other letters",
                "mallory",
                made("@aLICE@EXAMPLE.Com"),
                by("alice"),
                "deny | r: 1 team for b, -alice Author b",
            ),
            (
                "a longer address is another",
                "mallory",
                made("@alice@example.com.evil"),
                by("alice"),
                "allow | r: +alice/team",
            ),
            ("the pusher, as typed", "ALICE", made("@bob"), by("alice"), "deny | r: 1 team for b, -alice Pusher"),
            ("a longer login is another", "alice2", made("@bob"), by("alice"), "allow | r: +alice/team"),
        ],
    );
}

#[test]
fn authors_do_not_count_for_their_own_commits_only() {
    let series = || update("a", "c", "c<b @alice; b<a @bob");
    let tip = |who: &str| approve("c", "a").by(who);
    check(
        &rule(ONE),
        &[
            (
                "each for the other's",
                "mallory",
                series(),
                vec![tip("alice"), tip("bob")],
                "allow | r: +alice/team, +bob/team, -alice Author c, -bob Author b",
            ),
            (
                "one alone",
                "mallory",
                series(),
                vec![tip("alice")],
                "deny | r: 1 team for c, +alice/team, -alice Author c",
            ),
            (
                "the pusher for none",
                "bob",
                series(),
                vec![tip("alice"), tip("bob")],
                "deny | r: 1 team for c, +alice/team, -alice Author c, -bob Pusher",
            ),
        ],
    );
}

#[test]
fn self_approval_lets_everyone_count() {
    let rules = rule(&format!("{ONE}\nself_approval = true"));
    let made = || update("a", "b", "b<a @alice ~alice");
    check(
        &rules,
        &[
            ("author and pusher", "alice", made(), by("alice"), "allow | r: +alice/team"),
            ("pushed by nobody known", "", made(), by("alice"), "allow | r: +alice/team"),
            (
                "a role is needed all the same",
                "mallory",
                made(),
                by("mallory"),
                "deny | r: 1 team for b, -mallory NoRole",
            ),
        ],
    );
}

#[test]
fn without_a_known_pusher_nothing_counts_unless_that_is_allowed() {
    let made = || update("a", "b", "b<a @bob");
    check(
        &rule(ONE),
        &[
            ("nobody known", "", made(), by("alice"), "deny | r: UnknownPusher, +alice/team"),
            ("nobody known, nothing signed", "", made(), vec![], "deny | r: UnknownPusher, 1 team for b"),
            ("an authenticated stranger", "zed", made(), by("alice"), "allow | r: +alice/team"),
            ("a principal without a key is somebody", "mallory", made(), by("alice"), "allow | r: +alice/team"),
        ],
    );
    let mut unknown = push("", &[made()]);
    unknown.unknown_pusher_allowed = true;
    assert_eq!(told(&judge(&policy(&rule(ONE)), &unknown, &by("alice"))), "allow | r: +alice/team");
    assert_eq!(told(&judge(&policy(&rule(ONE)), &unknown, &by("bob"))), "deny | r: 1 team for b, -bob Author b");
}

#[test]
fn a_rule_may_want_pushers_whom_the_policy_knows() {
    let made = || update("a", "b", "b<a @bob");
    let rules = rule("pushers = \"known\"");
    check(
        &rules,
        &[
            ("a principal", "alice", made(), vec![], "allow | r:"),
            ("a stranger", "zed", made(), vec![], "deny | r: pusher zed not known"),
            (
                "a principal in other letters is not known to be one",
                "Alice",
                made(),
                vec![],
                "deny | r: pusher Alice not known",
            ),
            ("nobody", "", made(), vec![], "deny | r: pusher nobody not known"),
        ],
    );
    let mut unknown = push("", &[made()]);
    unknown.unknown_pusher_allowed = true;
    assert_eq!(told(&judge(&policy(&rules), &unknown, &[])), "deny | r: pusher nobody not known");
}

#[test]
fn a_rule_may_want_authors_whom_the_policy_knows() {
    let mut nobody = update("a", "b", "b<a");
    nobody.changesets[0].authors.clear();
    let made = |people: &str| update("a", "c", &format!("c<b @alice; b<a {people}"));
    check(
        &rule("authors = \"known\""),
        &[
            ("principals", "mallory", made("@BOB@example.com"), vec![], "allow | r:"),
            ("a stranger", "mallory", made("@zed"), vec![], "deny | r: authors of b not known"),
            ("a strange co-author", "mallory", made("@bob @zed"), vec![], "deny | r: authors of b not known"),
            ("a strange committer is no author", "mallory", made("@bob ~zed"), vec![], "allow | r:"),
            ("no author at all", "mallory", nobody, vec![], "deny | r: authors of b not known"),
        ],
    );
    check(
        &rule("authors = \"known\"\npaths = [\"src/c\"]"),
        &[("only of matched commits", "mallory", made("@zed"), vec![], "allow | r:")],
    );
}

#[test]
fn promoted_commits_make_nobody_self_but_the_pusher() {
    let rules = rule(&format!("{ONE}\npromoted_from = [\"dev\"]"));
    let series = |promoted: &str| update("a", "c", "c<b @alice; b<a @alice").promoted("r", promoted);
    let tip = || vec![approve("c", "a").by("alice")];
    check(
        &rules,
        &[
            ("all promoted", "mallory", series("cb"), tip(), "allow | r: +alice/team"),
            ("one is new", "mallory", series("b"), tip(), "deny | r: 1 team for c, +alice/team, -alice Author c"),
            ("pushed by the approver", "alice", series("cb"), tip(), "deny | r: 1 team for cb, -alice Pusher"),
        ],
    );
    check(
        &rules,
        &[(
            "promoted for another rule",
            "mallory",
            update("a", "b", "b<a @alice").promoted("other", "b"),
            by("alice"),
            "deny | r: 1 team for b, -alice Author b",
        )],
    );
}

#[test]
fn a_tip_that_is_none_of_the_commits_excludes_only_the_pusher() {
    // c was written by alice, as the repository knows and the update does not say.
    let delete = || update("c", "", "").does("delete");
    let sign = |who: &str| vec![approve("c", "c").to("delete").by(who)];
    check(
        &rule(ONE),
        &[
            ("another", "mallory", delete(), sign("alice"), "allow | r: +alice/team"),
            ("the pusher", "alice", delete(), sign("alice"), "deny | r: 1 team for c, -alice Pusher"),
        ],
    );
}

#[test]
fn a_principal_may_have_logins_and_no_keys() {
    let rules = "[principals.deploy]\nlogins = [\"deploy\"]\n[roles.machines]\nmembers = [\"deploy\", \"alice\"]\n\
                 [[rule]]\nname = \"r\"\nrequire = [{ role = \"machines\", approvals = 1 }]\npushers = \"known\"\n";
    let made = || update("a", "b", "b<a @bob");
    check(
        rules,
        &[
            ("it is known", "deploy", made(), by("alice"), "allow | r: +alice/machines"),
            ("it cannot sign", "deploy", made(), vec![], "deny | r: 1 machines for b"),
        ],
    );
}

#[test]
fn a_principal_whose_time_is_over_is_no_known_pusher() {
    let people = |until: &str| {
        format!("[principals.temp]\nlogins = [\"temp\"]\nvalid_until = {until}\n{}", rule("pushers = \"known\""))
    };
    let made = || update("a", "b", "b<a @bob");
    check(&people("2026-03-02T12:00:01Z"), &[("the last second", "temp", made(), vec![], "allow | r:")]);
    check(&people("2026-03-02T12:00:00Z"), &[("the end", "temp", made(), vec![], "deny | r: pusher temp ended")]);
}
