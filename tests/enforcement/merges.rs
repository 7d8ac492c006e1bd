//! When a merge asks nobody again (docs/spec/semantics.md, 5 and 6).

use crate::support::{Build, approve, check, policy, rule, update};

const ONE: &str = "require = [{ role = \"team\", approvals = 1 }]";

#[test]
fn a_merge_without_own_changes_leans_on_its_parents() {
    check(
        &policy(&rule(ONE)),
        &[
            (
                "both parents are in the update and covered",
                update("a", "m", "m<bc; b<a; c<a"),
                vec![approve("b", "a").by("alice"), approve("c", "a").by("bob")],
                "allow | r: +alice/team, +bob/team",
            ),
            (
                "one parent is not covered",
                update("a", "m", "m<bc; b<a; c<a"),
                vec![approve("b", "a").by("alice")],
                "deny | r: 1 team for mc, +alice/team",
            ),
            (
                "one parent is outside",
                update("a", "m", "m<ba; b<y"),
                vec![approve("b", "a").by("alice")],
                "allow | r: +alice/team",
            ),
            ("both parents are outside", update("a", "m", "m<ay"), vec![], "allow | r:"),
            (
                "a merge on a merge on a covered commit",
                update("a", "n", "n<ma; m<by; b<a"),
                vec![approve("b", "a").by("alice")],
                "allow | r: +alice/team",
            ),
            (
                "a merge on a merge on an uncovered commit",
                update("a", "n", "n<ma; m<by; b<a"),
                vec![],
                "deny | r: 1 team for nmb",
            ),
            (
                "a commit on a merge is no merge",
                update("a", "n", "n<m; m<by; b<a"),
                vec![approve("b", "a").by("alice")],
                "deny | r: 1 team for n, +alice/team",
            ),
            (
                "three parents, all covered",
                update("a", "m", "m<bcd; b<a; c<a; d<a"),
                vec![approve("b", "a").by("alice"), approve("c", "a").by("bob"), approve("d", "a").by("carol")],
                "allow | r: +alice/team, +bob/team, +carol/team",
            ),
        ],
    );
}

#[test]
fn a_merge_that_changes_something_needs_its_own_approval() {
    let covered = || vec![approve("b", "a").by("alice")];
    check(
        &policy(&rule(ONE)),
        &[
            (
                "with changes of its own",
                update("a", "m", "m<ba src/evil; b<a"),
                covered(),
                "deny | r: 1 team for m, +alice/team",
            ),
            (
                "nobody looked whether it has any",
                update("a", "m", "m<ba ?; b<a"),
                covered(),
                "deny | r: 1 team for m, +alice/team",
            ),
            (
                "approved itself",
                update("a", "m", "m<ba src/evil; b<a"),
                vec![approve("m", "a").by("alice")],
                "allow | r: +alice/team",
            ),
            (
                "an empty commit with one parent is no merge",
                update("a", "c", "c<b ?; b<a"),
                covered(),
                "deny | r: 1 team for c, +alice/team",
            ),
        ],
    );
}

#[test]
fn an_empty_commit_leans_on_nobody() {
    let mut empty = update("a", "c", "c<b; b<a");
    empty.changesets[0].own_paths = Some(vec![]);
    check(
        &policy(&rule(ONE)),
        &[("one parent", empty, vec![approve("b", "a").by("alice")], "deny | r: 1 team for c, +alice/team")],
    );
}

#[test]
fn a_tip_that_is_a_merge_does_not_lean() {
    let created = update("", "m", "m<bc; b<a; c<a; a<").does("create");
    let tip = |subject: &str| approve(subject, "").to("create");
    check(
        &policy(&rule(ONE)),
        &[
            (
                "its parents are no tips",
                created.clone(),
                vec![tip("b").by("alice"), tip("c").by("bob")],
                "deny | r: 1 team for mbca, -alice NotTheTip, -bob NotTheTip",
            ),
            ("approved itself", created, vec![tip("m").by("alice")], "allow | r: +alice/team"),
            (
                "a creation whose commits were all judged: the tip is asked for all the same",
                update("", "m", "m<bc; b<a; c<a; a<").does("create").scope("r", ""),
                vec![],
                "deny | r: 1 team for m",
            ),
        ],
    );
}

#[test]
fn a_merge_may_lean_on_approvals_by_different_people_for_each_parent() {
    let two = policy(&rule("require = [{ role = \"team\", approvals = 2 }]"));
    let push = || update("a", "m", "m<bc; b<a; c<a");
    check(
        &two,
        &[
            (
                "two for each",
                push(),
                vec![
                    approve("b", "a").by("alice"),
                    approve("b", "a").by("bob"),
                    approve("c", "a").by("bob"),
                    approve("c", "a").by("carol"),
                ],
                "allow | r: +alice/team, +bob/team, +carol/team",
            ),
            (
                "two for one, one for the other",
                push(),
                vec![approve("b", "a").by("alice"), approve("b", "a").by("bob"), approve("c", "a").by("carol")],
                "deny | r: 2 team for m, 1 team for c, +alice/team, +bob/team, +carol/team",
            ),
        ],
    );
}
