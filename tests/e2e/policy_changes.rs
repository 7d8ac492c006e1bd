//! The policy that judges is the one in force: who leaves it takes their approvals along.

use crate::central::{Central, Form, in_force, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, TestRepo, people};
use rstest::rstest;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[rstest]
fn who_left_the_role_the_policy_or_ran_out_no_longer_counts(#[values(Form::Git, Form::Named)] form: Form) {
    let changes: [(&str, String); 3] = [
        ("holds none of the roles", people().replace("[\"alice\", \"bob\", \"carol\"]", "[\"alice\", \"carol\"]")),
        ("its signer's place in the policy ended", {
            people().replace("logins = [\"bob\"]", "logins = [\"bob\"]\nvalid_until = 2020-01-01T00:00:00Z")
        }),
        ("signed with a key that the policy does not know", {
            people().replace(&BOB.key_line(), &crate::support::MALLORY.key_line())
        }),
    ];
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    for (why, people) in changes {
        let said = repo.apply(&in_force("allow", &people, REVIEW));
        assert!(said.succeeded(), "{}", said.err);
        repo.refused(ALICE, to(MAIN, commit), &["`review` needs 1 approval", "not counted: ", why]);
    }
    repo.approve(CAROL, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

/// The published policy of Mercurial is read back in its own tests: it is no tree.
#[test]
fn clients_see_the_policy_that_is_in_force() {
    let repo = TestRepo::new(REVIEW);
    let before = repo.server_git(&["show", "refs/jit/policy:policies/rules.toml"]);
    assert!(before.contains("review"));
    repo.write_policy(&[("policy.toml", &in_force("allow", &people(), REVIEW))]);
    let (folder, server) = (repo.path("policies"), repo.server());
    let [folder, server] = [&folder, &server].map(|path| path.to_str().expect("a plain path"));
    assert!(repo.jit(&["policy", "apply", folder, server, "--yes"]).succeeded());
    let after = repo.server_git(&["ls-tree", "-r", "--name-only", "refs/jit/policy"]);
    assert_eq!(after, "policies/policy.toml\nrepository.toml");
    assert!(repo.server_git(&["show", "refs/jit/policy:repository.toml"]).contains(&repo.repository()));
}

#[rstest]
fn a_policy_that_does_not_load_is_not_applied(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let entries = repo.entries().len();
    let said = repo.apply(&in_force("allow", &people().replace("dba", "DBA!"), REVIEW));
    assert!(!said.succeeded(), "{}", said.err);
    assert_eq!(repo.entries().len(), entries);
    repo.refused(ALICE, to(MAIN, repo.commit(ALICE, &["a"])), &["`review` needs 1 approval"]);
}
