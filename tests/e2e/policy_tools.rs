//! What an administrator is told of a policy beside a real repository.

use crate::central::{Central, Form, in_force};
use crate::support::people;
use rstest::rstest;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[rstest]
fn patterns_are_held_against_the_repository(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let rules =
        "[[rule]]\nname = \"r\"\nbranches = [\"main\", \"gone\"]\npaths = [\"db/**\", \"docs/**\"]\ndeny = true\n";
    let folder = repo.write_policy(&in_force("deny", &people(), rules));
    let said = repo.jit(&["policy", "check", &folder, "--repository"]);
    assert!(said.succeeded(), "{}", said.err);
    for words in ["`gone` matches no ", "`docs/**` matches no path at the tip of "] {
        assert!(said.err.contains(words), "no `{words}` in\n{}", said.err);
    }
    for words in ["`main` matches", "`default` matches", "`db/**` matches"] {
        assert!(!said.err.contains(words), "{}", said.err);
    }
}
