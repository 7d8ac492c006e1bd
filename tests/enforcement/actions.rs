//! Rewrites, deletions, tags, closed heads and publications: their tips, and the exact base (docs/spec/semantics.md, 3 to 6).

use crate::support::{Build, approve, check, policy, rule, update};
use jit::domain::approval::SignedToken;

const ONE: &str = "require = [{ role = \"team\", approvals = 1 }]";
const DATABASE: &str = "paths = [\"db/**\"]\nrequire = [{ role = \"dba\", approvals = 1 }]";

fn signed(action: &str, subject: &str, base: &str) -> Vec<SignedToken> {
    vec![approve(subject, base).to(action).by("alice")]
}

#[test]
fn a_rewrite_needs_its_tip_on_the_exact_old_value() {
    // c<b<a stood there, e<d<a takes its place.
    let rewrite = || update("c", "e", "e<d; d<a").does("rewrite").reaching("ab");
    check(
        &policy(&rule(ONE)),
        &[
            ("the tip on the old value", rewrite(), signed("rewrite", "e", "c"), "allow | r: +alice/team"),
            (
                "the tip on another value of the target's history",
                rewrite(),
                signed("rewrite", "e", "a"),
                "deny | r: 1 team for ed, -alice OtherBase",
            ),
            (
                "a commit below the tip",
                rewrite(),
                signed("rewrite", "d", "c"),
                "deny | r: 1 team for ed, -alice NotTheTip",
            ),
            (
                "an approval of an update",
                rewrite(),
                signed("update", "e", "c"),
                "deny | r: 1 team for ed, -alice OtherAction",
            ),
        ],
    );
}

#[test]
fn a_rewrite_back_to_an_ancestor_is_judged_on_its_tip() {
    let back = || update("c", "a", "").does("rewrite").reaching("ab");
    check(
        &policy(&rule(ONE)),
        &[
            ("nothing", back(), vec![], "deny | r: 1 team for a"),
            ("the tip", back(), signed("rewrite", "a", "c"), "allow | r: +alice/team"),
            ("what is taken away", back(), signed("rewrite", "c", "c"), "deny | r: 1 team for a"),
        ],
    );
    check(
        &policy(&rule(DATABASE)),
        &[
            ("it takes no protected path away", back().differs('a', Some(&["src/x"])), vec![], "allow by default"),
            ("it does", back().differs('a', Some(&["db/1", "src/x"])), vec![], "deny | r: 1 dba for a"),
            ("nobody looked", back().differs('a', None), vec![], "deny by default | r: 1 dba for a"),
            ("nobody said anything of the tip", back(), vec![], "deny by default | r: 1 dba for a"),
            ("approved", back().differs('a', Some(&["db/1"])), signed("rewrite", "a", "c"), "allow | r: +alice/dba"),
        ],
    );
}

#[test]
fn a_rewrite_is_judged_on_its_commits_and_on_what_vanishes() {
    let rewrite = |commits: &str| update("c", "e", commits).does("rewrite");
    check(
        &policy(&rule(DATABASE)),
        &[
            (
                "a new commit touches the path and the tip as a whole does too",
                rewrite("e<d; d<a db/2").differs('e', Some(&["db/2"])),
                vec![],
                "deny | r: 1 dba for de",
            ),
            (
                "no new commit does, but the old one's change is gone",
                rewrite("e<d; d<a").differs('e', Some(&["db/1"])),
                vec![],
                "deny | r: 1 dba for e",
            ),
            (
                "a new commit does, and the result is what it was",
                rewrite("e<d; d<a db/1").differs('e', Some(&["src/d"])),
                vec![],
                "deny | r: 1 dba for d",
            ),
            (
                "approved",
                rewrite("e<d; d<a db/2").differs('e', Some(&["db/2"])),
                signed("rewrite", "e", "c"),
                "allow | r: +alice/dba",
            ),
        ],
    );
}

#[test]
fn a_deletion_touches_every_path_and_needs_the_old_tip() {
    let delete = || update("c", "", "").does("delete");
    for (text, role) in [(ONE, "team"), (DATABASE, "dba")] {
        let none = format!("deny | r: 1 {role} for c");
        let met = format!("allow | r: +alice/{role}");
        let base = format!("deny | r: 1 {role} for c, -alice OtherBase");
        let cases = [(vec![], none), (signed("delete", "c", "c"), met), (signed("delete", "c", "b"), base)];
        for (tokens, expected) in cases {
            let decision = crate::support::judge_update(&policy(&rule(text)), &delete(), &tokens);
            assert_eq!(crate::support::told(&decision), expected);
        }
    }
}

#[test]
fn a_tag_is_approved_on_the_commit_that_it_names() {
    // The tag object is t, its commit c.
    let tag = |actions: &str, old: &str| update(old, "t", "").does(actions).on("refs/tags/v1").tips("c");
    let sign = |action: &str, subject: &str, base: &str| {
        vec![approve(subject, base).to(action).on("refs/tags/v1").by("alice")]
    };
    let rules = rule(&format!("tags = [\"v*\"]\n{ONE}"));
    check(
        &policy(&rules),
        &[
            ("created", tag("create", ""), sign("create", "c", ""), "allow | r: +alice/team"),
            ("the tag object is not the commit", tag("create", ""), sign("create", "t", ""), "deny | r: 1 team for c"),
            (
                "moved from what the signer saw",
                tag("rewrite", "s"),
                sign("rewrite", "c", "s"),
                "allow | r: +alice/team",
            ),
            (
                "moved from something else",
                tag("rewrite", "s"),
                sign("rewrite", "c", "r"),
                "deny | r: 1 team for c, -alice OtherBase",
            ),
            (
                "a creation's approval does not move it",
                tag("rewrite", "s"),
                sign("create", "c", ""),
                "deny | r: 1 team for c, -alice OtherAction",
            ),
        ],
    );
}

#[test]
fn what_is_no_commit_cannot_be_approved() {
    let blob = || update("", "t", "").does("create").on("refs/tags/v1").tips("");
    let token = vec![approve("t", "").to("create").on("refs/tags/v1").by("alice")];
    check(
        &policy(&rule(ONE)),
        &[
            ("with a token", blob(), token, "deny | r: NotACommit"),
            (
                "rewritten",
                update("s", "t", "").does("rewrite").on("refs/tags/v1").tips(""),
                vec![],
                "deny | r: NotACommit",
            ),
        ],
    );
    check(
        &policy(&rule(DATABASE)),
        &[("a rule with paths is taken to match", blob(), vec![], "deny by default | r: NotACommit")],
    );
    check(
        &policy(&rule("authors = \"known\"")),
        &[("whose authors nobody can know", blob(), vec![], "deny | r: NotACommit")],
    );
    check(
        &policy(&rule(&format!("{ONE}\nauthors = \"known\""))),
        &[("a reason is given once", blob(), vec![], "deny | r: NotACommit")],
    );
}

#[test]
fn a_token_names_the_first_of_several_actions_and_a_rule_any() {
    let several = || update("ax", "e", "e<d; d<a").hg().does("rewrite update");
    let sign = |action: &str| vec![approve("e", "ax").hg().to(action).by("alice")];
    for names in ["rewrite", "update"] {
        check(
            &policy(&rule(&format!("actions = [\"{names}\"]\n{ONE}"))),
            &[
                ("the first", several(), sign("rewrite"), "allow | r: +alice/team"),
                ("the other", several(), sign("update"), "deny | r: 1 team for ed, -alice OtherAction"),
            ],
        );
    }
    check(
        &policy(&rule(&format!("actions = [\"close\"]\n{ONE}"))),
        &[("neither", several(), vec![], "allow by default")],
    );
}

#[test]
fn a_rule_with_paths_sees_what_a_new_head_leaves_out() {
    let head = || update("c", "e", "e<a").hg().does("new-head update");
    let token = || vec![approve("e", "c").hg().to("new-head").by("alice")];
    check(
        &policy(&rule(DATABASE)),
        &[
            (
                "it differs there from the old head",
                head().differs('e', Some(&["db/1"])).hg(),
                vec![],
                "deny | r: 1 dba for e",
            ),
            ("it does not", head().differs('e', Some(&["src/1"])).hg(), vec![], "allow by default"),
            ("approved", head().differs('e', Some(&["db/1"])).hg(), token(), "allow | r: +alice/dba"),
        ],
    );
}

#[test]
fn a_closed_head_touches_every_path() {
    let close = || update("ab", "c", "c<b").hg().does("close update");
    let token = || vec![approve("c", "ab").hg().to("close").by("alice")];
    check(
        &policy(&rule(DATABASE)),
        &[
            ("unapproved", close(), vec![], "deny | r: 1 dba for c"),
            ("approved", close(), token(), "allow | r: +alice/dba"),
        ],
    );
}

#[test]
fn what_becomes_public_is_covered_by_its_tip_although_it_stood_there_before() {
    // b and c are drafts on the branch; c is its head before and after.
    let publish = || update("c", "c", "c<b; b<a").hg().does("publish");
    let token = |subject: &str| vec![approve(subject, "c").hg().to("publish").by("alice")];
    check(
        &policy(&rule(ONE)),
        &[
            ("nothing", publish(), vec![], "deny | r: 1 team for cb"),
            ("the head", publish(), token("c"), "allow | r: +alice/team"),
            ("below the head", publish(), token("b"), "deny | r: 1 team for cb, -alice NotTheTip"),
        ],
    );
}

#[test]
fn a_tip_below_another_tip_needs_its_own_token() {
    let two = || update("a", "bc", "c<b; b<a").hg().does("new-head update");
    let token = |subject: &str| approve(subject, "a").hg().to("new-head").by("alice");
    check(
        &policy(&rule(ONE)),
        &[
            ("the upper", two(), vec![token("c")], "deny | r: 1 team for b, +alice/team"),
            ("both", two(), vec![token("b"), token("c")], "allow | r: +alice/team"),
        ],
    );
}

#[test]
fn several_tips_that_vanish_need_a_token_each() {
    let delete = || update("ab", "", "").hg().does("delete");
    let token = |subject: &str| approve(subject, "ab").hg().to("delete").by("alice");
    check(
        &policy(&rule(ONE)),
        &[
            ("one", delete(), vec![token("a")], "deny | r: 1 team for b, +alice/team"),
            ("both", delete(), vec![token("a"), token("b")], "allow | r: +alice/team"),
        ],
    );
}
