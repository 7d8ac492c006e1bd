//! Which commits are new to a target that is created (docs/spec/semantics.md, 4).

use crate::support::{Build, approve, check, policy, rule, update};

const ONE: &str = "require = [{ role = \"team\", approvals = 1 }]";
const DATABASE: &str = "paths = [\"db/**\"]\nrequire = [{ role = \"dba\", approvals = 1 }]";

#[test]
fn a_rule_judges_only_what_is_new_to_it() {
    let create = || update("", "c", "c<b @alice; b<a @alice; a< @alice db/1").does("create");
    let token = |who: &str| vec![approve("c", "").to("create").by(who)];
    check(
        &policy(&rule(ONE)),
        &[
            ("all is new", create(), vec![], "deny | r: 1 team for cba"),
            ("one is", create().scope("r", "c"), vec![], "deny | r: 1 team for c"),
            ("nothing is: the tip is judged", create().scope("r", ""), vec![], "deny | r: 1 team for c"),
            ("the tip is approved", create().scope("r", ""), token("bob"), "allow | r: +bob/team"),
            ("its author is an author", create(), token("alice"), "deny | r: 1 team for cba, -alice Author a"),
            (
                "the author of a tip that is not among the commits may approve it",
                create().scope("r", ""),
                token("alice"),
                "allow | r: +alice/team",
            ),
        ],
    );
    check(
        &policy(&rule(DATABASE)),
        &[
            ("all is new", create(), vec![], "deny | r: 1 dba for a"),
            ("what touches the path is not", create().scope("r", "cb"), vec![], "allow by default"),
            ("another rule's scope is not its own", create().scope("other", "cb"), vec![], "deny | r: 1 dba for a"),
        ],
    );
}

#[test]
fn the_scope_of_one_rule_does_not_depend_on_what_another_sees() {
    let two = format!("{}[[rule]]\nname = \"whole\"\nauthors = \"known\"\n", rule(ONE));
    let create = update("", "c", "c<b @alice; b<a; a<").does("create").scope("r", "");
    check(
        &policy(&two),
        &[(
            "one rule sees nothing new, the other everything",
            create,
            vec![approve("c", "").to("create").by("alice")],
            "allow | r: +alice/team | whole:",
        )],
    );
}

#[test]
fn a_creation_needs_a_token_that_saw_nothing_there() {
    let create = || update("", "c", "c<b; b<").does("create");
    check(
        &policy(&rule(ONE)),
        &[
            (
                "an approval of an update",
                create(),
                vec![approve("c", "b").by("alice")],
                "deny | r: 1 team for cb, -alice OtherAction",
            ),
            (
                "of a commit below the tip",
                create(),
                vec![approve("b", "").to("create").by("alice")],
                "deny | r: 1 team for cb, -alice NotTheTip",
            ),
        ],
    );
}
