//! The policy that judges is the one in force: who leaves it takes their approvals along.

use crate::support::{Guarded, ALICE, BOB, CAROL, MAIN, Said, TestRepo, people};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// Puts `people` with [`REVIEW`] in force.
fn apply(repo: &TestRepo, people: &str) -> Said {
    let text = format!("version = 1\ndefault = \"allow\"\n{people}{REVIEW}");
    repo.write_policy(&[("policy.toml", &text)]);
    let (folder, server) = (repo.path("policies"), repo.server());
    let path = |path: &std::path::Path| path.to_str().expect("a plain path").to_owned();
    repo.jit(&["policy", "apply", &path(&folder), &path(&server), "--yes"])
}

#[test]
fn who_left_the_role_the_policy_or_ran_out_no_longer_counts() {
    let changes: [(&str, String); 3] = [
        ("holds none of the roles", people().replace("[\"alice\", \"bob\", \"carol\"]", "[\"alice\", \"carol\"]")),
        ("its signer's place in the policy ended", {
            people().replace("logins = [\"bob\"]", "logins = [\"bob\"]\nvalid_until = 2020-01-01T00:00:00Z")
        }),
        ("signed with a key that the policy does not know", {
            people().replace(&BOB.key_line(), &crate::support::MALLORY.key_line())
        }),
    ];
    for (why, people) in changes {
        let repo = TestRepo::new(REVIEW);
        let commit = repo.commit(ALICE, &["a"]);
        repo.approve(BOB, commit, MAIN);
        let said = apply(&repo, &people);
        assert!(said.succeeded(), "{}", said.err);
        repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval", "not counted: ", why]);
        repo.approve(CAROL, commit, MAIN);
        repo.accepted(ALICE, &["HEAD:main"]);
    }
}

#[test]
fn clients_see_the_policy_that_is_in_force() {
    let repo = TestRepo::new(REVIEW);
    let before = repo.server_git(&["show", "refs/jit/policy:policies/rules.toml"]);
    assert!(before.contains("review"));
    assert!(apply(&repo, &people()).succeeded());
    let after = repo.server_git(&["ls-tree", "-r", "--name-only", "refs/jit/policy"]);
    assert_eq!(after, "policies/policy.toml\nrepository.toml");
    assert!(repo.server_git(&["show", "refs/jit/policy:repository.toml"]).contains(&repo.repository()));
}

#[test]
fn a_policy_that_does_not_load_is_not_applied() {
    let repo = TestRepo::new(REVIEW);
    let entries = repo.entries().len();
    let said = apply(&repo, &people().replace("\"role", "role").replace("dba", "DBA!"));
    assert!(!said.succeeded(), "{}", said.err);
    assert_eq!(repo.entries().len(), entries);
    repo.commit(ALICE, &["a"]);
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval"]);
}
