//! Rejections, and taking them and approvals back (docs/spec/semantics.md, 9).

use crate::support::{Build, approve, check, policy, reject, revoke, rule, update};
use jit::domain::change::RefUpdate;

const TEAM: &str = "require = [{ role = \"team\", approvals = 1 }]";
const DBA: &str = "require = [{ role = \"dba\", approvals = 1 }]";

fn series() -> RefUpdate {
    update("a", "c", "c<b; b<a")
}

#[test]
fn whoever_could_approve_may_reject() {
    let alice = || approve("c", "a").by("alice");
    check(
        &policy(&rule(DBA)),
        &[
            (
                "one who could",
                series(),
                vec![alice(), reject("c", "a").by("bob")],
                "deny | r: c rejected by bob, +alice/dba",
            ),
            ("one who could not", series(), vec![alice(), reject("c", "a").by("carol")], "allow | r: +alice/dba"),
            ("one without any role", series(), vec![alice(), reject("c", "a").by("mallory")], "allow | r: +alice/dba"),
            ("one whom nobody knows", series(), vec![alice(), reject("c", "a").by("x")], "allow | r: +alice/dba"),
            (
                "one commit inside the series",
                series(),
                vec![alice(), reject("b", "a").by("bob")],
                "deny | r: b rejected by bob, +alice/dba",
            ),
            (
                "a commit that is not in the update",
                series(),
                vec![alice(), reject("z", "a").by("bob")],
                "allow | r: +alice/dba",
            ),
            (
                "on a base that nobody knows",
                series(),
                vec![alice(), reject("c", "z").by("bob")],
                "deny | r: c rejected by bob, +alice/dba",
            ),
            (
                "whatever the action",
                series(),
                vec![alice(), reject("c", "z").to("rewrite").by("bob")],
                "deny | r: c rejected by bob, +alice/dba",
            ),
            (
                "for another target",
                series(),
                vec![alice(), reject("c", "a").on("refs/heads/dev").by("bob")],
                "allow | r: +alice/dba",
            ),
            (
                "for another repository",
                series(),
                vec![alice(), reject("c", "a").repository("other@1").by("bob")],
                "allow | r: +alice/dba",
            ),
            (
                "meant for another role",
                series(),
                vec![alice(), reject("c", "a").role("team").by("bob")],
                "deny | r: c rejected by bob, +alice/dba",
            ),
        ],
    );
}

#[test]
fn authors_and_pushers_may_reject_their_own() {
    let own = update("a", "b", "b<a @bob");
    let tokens = vec![approve("b", "a").by("alice"), reject("b", "a").by("bob")];
    check(&policy(&rule(DBA)), &[("the author", own, tokens, "deny | r: b rejected by bob, +alice/dba")]);
}

#[test]
fn a_rejection_reaches_every_rule_that_its_signer_could_approve() {
    let rules = "[[rule]]\nname = \"dba\"\nrequire = [{ role = \"dba\", approvals = 1 }]\n\
                 [[rule]]\nname = \"lead\"\nany_of = [[{ role = \"dba\", approvals = 2 }], [{ role = \"lead\", approvals = 1 }]]\n\
                 [[rule]]\nname = \"known\"\nauthors = \"known\"\n";
    let tokens = |who: &str| vec![approve("c", "a").by("bob"), reject("c", "a").by(who)];
    check(
        &policy(rules),
        &[
            (
                "both",
                series(),
                tokens("alice"),
                "deny | dba: c rejected by alice, +bob/dba | lead: c rejected by alice, +bob/lead | known:",
            ),
            ("one", series(), tokens("carol"), "deny | dba: +bob/dba | lead: c rejected by carol, +bob/lead | known:"),
        ],
    );
}

#[test]
fn a_rejection_of_a_tip_holds_for_updates_without_commits() {
    let delete = update("c", "", "").does("delete");
    let back = update("c", "a", "").does("rewrite");
    check(
        &policy(&rule(DBA)),
        &[
            (
                "a deletion",
                delete,
                vec![approve("c", "c").to("delete").by("alice"), reject("c", "a").by("bob")],
                "deny | r: c rejected by bob, +alice/dba",
            ),
            (
                "a rewrite to an ancestor",
                back,
                vec![approve("a", "c").to("rewrite").by("alice"), reject("a", "c").to("rewrite").by("bob")],
                "deny | r: a rejected by bob, +alice/dba",
            ),
        ],
    );
}

#[test]
fn only_its_signer_takes_a_rejection_back() {
    let approval = || approve("c", "a").by("alice");
    let rejection = || reject("c", "a").by("bob");
    let denied = "deny | r: c rejected by bob, +alice/team";
    let other = || reject("c", "a").nonce(9).by("bob");
    check(
        &policy(&rule(TEAM)),
        &[
            (
                "its signer",
                series(),
                vec![approval(), rejection(), revoke(&rejection()).by("bob")],
                "allow | r: +alice/team",
            ),
            ("somebody else", series(), vec![approval(), rejection(), revoke(&rejection()).by("carol")], denied),
            (
                "a revocation of another rejection",
                series(),
                vec![approval(), rejection(), revoke(&other()).by("bob")],
                denied,
            ),
            ("not yet", series(), vec![approval(), rejection(), revoke(&rejection()).from(301).by("bob")], denied),
            (
                "for another repository",
                series(),
                vec![approval(), rejection(), revoke(&rejection()).repository("other@1").by("bob")],
                denied,
            ),
            (
                "a later approval of the same person does not",
                series(),
                vec![rejection(), approve("c", "a").from(-60).by("bob")],
                "deny | r: c rejected by bob, +bob/team",
            ),
        ],
    );
}

#[test]
fn the_same_rejection_by_two_people_is_taken_back_by_each() {
    let (bob, carol) = (reject("c", "a").by("bob"), reject("c", "a").by("carol"));
    assert_eq!(bob.id, carol.id);
    let approval = approve("c", "a").by("alice");
    check(
        &policy(&rule(TEAM)),
        &[
            (
                "one took it back",
                series(),
                vec![approval.clone(), bob.clone(), carol.clone(), revoke(&bob).by("bob")],
                "deny | r: c rejected by carol, +alice/team",
            ),
            (
                "both did",
                series(),
                vec![approval, bob.clone(), carol.clone(), revoke(&bob).by("bob"), revoke(&carol).by("carol")],
                "allow | r: +alice/team",
            ),
        ],
    );
}

#[test]
fn an_approval_from_before_ones_own_rejection_never_revives() {
    let approval = |seconds: i64| approve("c", "a").from(seconds).by("bob");
    let rejection = || reject("c", "a").from(-1000).by("bob");
    let taken_back = |seconds: i64| vec![approval(seconds), rejection(), revoke(&rejection()).by("bob")];
    let gone = "deny | r: 1 team for cb, -bob Rejected";
    check(
        &policy(&rule(TEAM)),
        &[
            ("before", series(), taken_back(-1001), gone),
            ("at the same second", series(), taken_back(-1000), gone),
            ("after", series(), taken_back(-999), "allow | r: +bob/team"),
            (
                "a rejection that ended by itself",
                series(),
                vec![approval(-1001), reject("c", "a").from(-1000).until(-500).by("bob")],
                gone,
            ),
            (
                "a rejection of a part",
                series(),
                vec![approval(-1001), reject("b", "a").from(-1000).until(-500).by("bob")],
                gone,
            ),
            (
                "a rejection of what the approval does not cover",
                series(),
                vec![
                    approve("c", "b").from(-1001).by("bob"),
                    approve("b", "a").by("alice"),
                    reject("b", "a").from(-1000).until(-500).by("bob"),
                ],
                "allow | r: +alice/team, +bob/team",
            ),
            (
                "somebody else's rejection",
                series(),
                vec![approval(-1001), reject("c", "a").from(-1000).until(-500).by("carol")],
                "allow | r: +bob/team",
            ),
            (
                "by another key of the same person",
                series(),
                vec![approve("c", "a").from(-1001).by("alice"), reject("c", "a").from(-1000).until(-500).by("A")],
                "deny | r: 1 team for cb, -alice Rejected",
            ),
            (
                "for another target",
                series(),
                vec![approval(-1001), reject("c", "a").on("refs/heads/dev").from(-1000).until(-500).by("bob")],
                "allow | r: +bob/team",
            ),
        ],
    );
}

#[test]
fn on_equal_times_the_rejection_wins() {
    let tokens = vec![approve("c", "a").from(-10).by("alice"), reject("c", "a").from(-10).by("alice")];
    check(
        &policy(&rule(TEAM)),
        &[("one person", series(), tokens, "deny | r: c rejected by alice, 1 team for cb, -alice Rejected")],
    );
}

#[test]
fn an_approval_is_taken_back_by_its_signer_only() {
    let approval = || approve("c", "a").by("alice");
    check(
        &policy(&rule(TEAM)),
        &[
            (
                "its signer",
                series(),
                vec![approval(), revoke(&approval()).by("alice")],
                "deny | r: 1 team for cb, -alice Revoked",
            ),
            (
                "its signer with another key",
                series(),
                vec![approval(), revoke(&approval()).by("A")],
                "deny | r: 1 team for cb, -alice Revoked",
            ),
            ("somebody else", series(), vec![approval(), revoke(&approval()).by("bob")], "allow | r: +alice/team"),
            ("nobody known", series(), vec![approval(), revoke(&approval()).by("x")], "allow | r: +alice/team"),
            (
                "a new one after that counts",
                series(),
                vec![approval(), revoke(&approval()).by("alice"), approve("c", "a").nonce(8).by("alice")],
                "allow | r: +alice/team, -alice Revoked",
            ),
        ],
    );
    let same = || approve("c", "a").by("bob");
    check(
        &policy(&rule(TEAM)),
        &[(
            "the same message by another stands",
            series(),
            vec![approval(), same(), revoke(&approval()).by("alice")],
            "allow | r: +bob/team, -alice Revoked",
        )],
    );
}

#[test]
fn a_rejection_of_what_a_creation_brings_holds() {
    let create = update("", "c", "c<b; b<a; a<").does("create");
    let tokens = vec![approve("c", "").to("create").by("alice"), reject("a", "").to("create").by("bob")];
    check(&policy(&rule(TEAM)), &[("deep below", create, tokens, "deny | r: a rejected by bob, +alice/team")]);
}
