//! Approvals and rejections that follow a change to other commits (docs/spec/semantics.md, 4 to 6, 9 and 10).

use crate::support::{Build, approve, check, overriding, policy, reject, revoke, rule, update};
use jit::domain::change::RefUpdate;

const TEAM: &str = "require = [{ role = \"team\", approvals = 1 }]\n";
const CONTENT: &str = "require = [{ role = \"team\", approvals = 1 }]\nbind = \"content\"\n";

/// `c` and `b` are what `x` was called for when it was signed, `b` alone is `y`.
fn rebased() -> RefUpdate {
    update("a", "c", "c<b; b<a").content('y', 'b').content('x', 'c').reaching("z")
}

#[test]
fn an_approval_counts_for_the_same_changes_under_other_ids() {
    let allowed = "allow | r: +alice/team";
    check(
        &policy(&rule(CONTENT)),
        &[
            ("all of it", rebased(), vec![approve("q", "a").of('x').by("alice")], allowed),
            ("on an older base", rebased(), vec![approve("q", "z").of('x').by("alice")], allowed),
            ("its own commits, too", rebased(), vec![approve("c", "a").of('o').by("alice")], allowed),
            (
                "only the first part",
                rebased(),
                vec![approve("q", "a").of('y').by("alice")],
                "deny | r: 1 team for c, +alice/team",
            ),
            (
                "its first part, and the rest by its id",
                rebased(),
                vec![approve("q", "a").of('y').by("alice"), approve("c", "b").by("bob")],
                "allow | r: +alice/team, +bob/team",
            ),
            ("another content", rebased(), vec![approve("q", "a").of('o').by("alice")], "deny | r: 1 team for cb"),
            ("no content", rebased(), vec![approve("q", "a").by("alice")], "deny | r: 1 team for cb"),
            (
                "a base that the target's history does not know",
                rebased(),
                vec![approve("q", "w").of('x').by("alice")],
                "deny | r: 1 team for cb, -alice UnknownBase",
            ),
            (
                "for another target",
                rebased(),
                vec![approve("q", "a").of('x').on("refs/heads/dev").by("alice")],
                "deny | r: 1 team for cb, -alice OtherTarget",
            ),
            (
                "for another action",
                rebased(),
                vec![approve("q", "a").of('x').to("rewrite").by("alice")],
                "deny | r: 1 team for cb, -alice OtherAction",
            ),
            (
                "by an author of the new commits",
                update("a", "b", "b<a @alice").content('y', 'b'),
                vec![approve("q", "a").of('y').by("alice")],
                "deny | r: 1 team for b, -alice Author b",
            ),
        ],
    );
}

#[test]
fn a_rule_bound_to_commits_knows_nothing_of_contents() {
    let tokens = || vec![approve("q", "a").of('x').by("alice"), reject("q", "a").of('y').by("bob")];
    check(&policy(&rule(TEAM)), &[("rebased", rebased(), tokens(), "deny | r: 1 team for cb")]);
    let both = format!("{}{}", rule(CONTENT), rule(TEAM).replace("\"r\"", "\"s\""));
    check(
        &policy(&both),
        &[(
            "each rule for itself",
            rebased(),
            vec![approve("q", "a").of('x').by("alice")],
            "deny | r: +alice/team | s: 1 team for cb",
        )],
    );
}

#[test]
fn an_approval_of_a_content_moves_a_target_forward_and_does_nothing_else() {
    let denied = "deny | r: 1 team for cb, -alice NotTheTip";
    let rewrite = update("d", "c", "c<b; b<a").does("rewrite").differs('c', Some(&[])).content('x', 'c');
    let token = approve("q", "d").to("rewrite").of('x').by("alice");
    check(&policy(&rule(CONTENT)), &[("a rewrite", rewrite, vec![token], denied)]);
}

#[test]
fn where_the_base_must_be_the_newest_the_same_changes_on_another_are_stale() {
    check(
        &policy(&rule(&format!("{CONTENT}up_to_date = true"))),
        &[
            ("amended", rebased(), vec![approve("q", "a").of('x').by("alice")], "allow | r: +alice/team"),
            (
                "rebased",
                rebased(),
                vec![approve("q", "z").of('x').by("alice")],
                "deny | r: 1 team for cb, -alice NotUpToDate",
            ),
        ],
    );
}

#[test]
fn what_landed_once_lands_again_only_with_an_approval_that_is_younger() {
    let landed = |seconds: i64| rebased().landed('x', seconds);
    let token = || vec![approve("q", "a").of('x').by("alice")];
    let spent = "deny | r: 1 team for cb, -alice Landed";
    let allowed = "allow | r: +alice/team";
    check(
        &policy(&rule(CONTENT)),
        &[
            ("after it was signed", landed(-3599), token(), spent),
            ("in the same second", landed(-3600), token(), spent),
            ("before it was signed", landed(-3601), token(), allowed),
            ("another content", rebased().landed('y', -10), token(), allowed),
            ("the target has its commit", rebased().holding("q"), token(), spent),
            ("the target has another's commit", rebased().holding("p"), token(), allowed),
            (
                "signed for just these commits",
                landed(-10).holding("c"),
                vec![approve("c", "a").of('x').by("alice")],
                allowed,
            ),
        ],
    );
}

#[test]
fn a_rejection_follows_the_content() {
    let bob = || reject("q", "a").of('y').by("bob");
    let alice = || approve("c", "a").by("alice");
    let denied = "deny | r: b rejected by bob, +alice/team";
    let rewrite = || rebased().does("rewrite").differs('c', Some(&[]));
    check(
        &policy(&rule(CONTENT)),
        &[
            ("of a part", rebased(), vec![alice(), bob()], denied),
            ("also once it has landed", rebased().landed('y', -10).holding("q"), vec![alice(), bob()], denied),
            (
                "whatever the action",
                rewrite(),
                vec![approve("c", "a").to("rewrite").by("alice"), bob()],
                "deny | r: b rejected by bob, +alice/team",
            ),
            (
                "until it is revoked",
                rebased(),
                vec![alice(), bob(), revoke(&bob()).by("bob")],
                "allow | r: +alice/team",
            ),
            (
                "of another content",
                rebased(),
                vec![alice(), reject("q", "a").of('o').by("bob")],
                "allow | r: +alice/team",
            ),
            (
                "by one who could not approve",
                rebased(),
                vec![alice(), reject("q", "a").of('x').by("mallory")],
                "allow | r: +alice/team",
            ),
        ],
    );
}

#[test]
fn ones_own_older_approval_of_a_rejected_content_never_revives() {
    let approval = |seconds: i64| approve("q", "a").of('x').from(seconds).by("bob");
    let rejection = || reject("p", "a").of('y').from(-1000).by("bob");
    let taken_back = |seconds: i64| vec![approval(seconds), rejection(), revoke(&rejection()).by("bob")];
    check(
        &policy(&rule(CONTENT)),
        &[
            ("before", rebased(), taken_back(-1001), "deny | r: 1 team for cb, -bob Rejected"),
            ("after", rebased(), taken_back(-999), "allow | r: +bob/team"),
        ],
    );
}

#[test]
fn an_override_follows_nothing() {
    let open = rule(&format!("{CONTENT}override = {{ role = \"lead\", approvals = 1 }}"));
    let override_of = |subject: &str| vec![overriding(subject, "a").of('x').by("bob")];
    check(
        &policy(&open),
        &[
            ("of other commits", rebased(), override_of("q"), "deny | r: 1 team for cb"),
            ("of these", rebased(), override_of("c"), "allow | r: 1 team for cb, !bob/lead"),
        ],
    );
}

#[test]
fn one_person_counts_once_however_their_approvals_are_found() {
    let two = rule("require = [{ role = \"team\", approvals = 2 }]\nbind = \"content\"");
    let tokens = vec![approve("q", "a").of('x').by("alice"), approve("c", "a").of('x').by("A")];
    check(&policy(&two), &[("by content and by id", rebased(), tokens, "deny | r: 1 team for cb, +alice/team")]);
}
