//! What another policy would have made of the pushes that the log tells of, before it is put in force.

use crate::central::{Central, Form, in_force, to};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN, TestRepo, people};
use rstest::rstest;
use serde_json::{Value, json};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";
const TWO: &str = "[[rule]]\nname = \"review\"\nbranches = [\"**\"]\n\
                   require = [{ role = \"maintainers\", approvals = 2 }]\n";

/// What `jit policy apply --dry-run` tells of this policy.
fn effect(repo: &Central, policy: &str) -> Value {
    let folder = repo.write_policy(policy);
    let said = repo.jit(&["policy", "apply", "--dry-run", "--format", "json", &folder]);
    assert!(said.succeeded(), "{}", said.err);
    let json: Value = serde_json::from_str(&said.text()).expect("JSON");
    json["effect"].clone()
}

fn figures(changes: &Value) -> [usize; 4] {
    let count = |key: &str| changes[key].as_array().map(Vec::len).expect(key);
    let number = |key: &str| usize::try_from(changes[key].as_u64().expect(key)).expect("few");
    [count("refused"), count("let_in"), number("same"), number("unjudged")]
}

#[rstest]
fn the_effect_on_logged_pushes_is_told_before_the_swap(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let first = repo.commit(ALICE, &["a"]);
    repo.refused(ALICE, to(MAIN, first), &["`review` needs 1 approval"]);
    repo.approve(BOB, first, MAIN);
    repo.accepted(ALICE, to(MAIN, first));
    let second = repo.commit(ALICE, &["b"]);
    repo.approve(BOB, second, MAIN);
    repo.approve(CAROL, second, MAIN);
    repo.accepted(ALICE, to(MAIN, second));
    let free = repo.on("refs/heads/topic").commit(ALICE, &["c"]);
    repo.accepted(ALICE, to("refs/heads/topic", free));
    let before = repo.entries().len();

    // What was refused was sent again, so its commits are there.
    let open = effect(&repo, &in_force("allow", &people(), ""));
    assert_eq!(figures(&open["pushes"]), [0, 1, 3, 0], "{open}");
    // What had two approvals although one was needed would be let in as it was.
    let strict = effect(&repo, &in_force("allow", &people(), TWO));
    let refused = strict["pushes"]["refused"].as_array().expect("a list");
    assert_eq!(figures(&strict["pushes"]), [2, 0, 2, 0], "{strict}");
    assert!(
        refused.iter().all(|one| one["why"].as_str().is_some_and(|why| why.starts_with("`review` needs 2 approvals")))
    );
    assert_eq!(repo.entries().len(), before, "a dry run records nothing");

    let said = repo.apply(&in_force("allow", &people(), TWO));
    assert!(
        said.text().contains("of the last 4 logged pushes: 2 that were let in would be refused\n"),
        "{}",
        said.text()
    );
    assert_eq!(effect(&repo, &in_force("allow", &people(), TWO)), Value::Null);
}

#[test]
fn the_effect_on_open_requests_is_told() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    bob.must(&["sign", &commit, "--yes"]);
    let told = |rules: &str| -> Value {
        repo.write_policy(&[("policy.toml", &in_force("allow", &people(), rules))]);
        let (folder, server) = (repo.path("policies"), repo.server());
        let [folder, server] = [&folder, &server].map(|path| path.to_str().expect("a plain path"));
        let said = repo.jit(&["policy", "apply", "--dry-run", "--format", "json", folder, server]);
        assert!(said.succeeded(), "{}", said.err);
        serde_json::from_str::<Value>(&said.text()).expect("JSON")["effect"]["requests"].clone()
    };
    assert_eq!(figures(&told(TWO)), [1, 0, 0, 0]);
    assert_eq!(figures(&told(&REVIEW.replace("maintainers", "leads"))), [0, 0, 1, 0]);
    assert!(alice.push(&["HEAD:main"]).succeeded());
    assert_eq!(told(TWO), json!({ "refused": [], "let_in": [], "same": 0, "unjudged": 0 }));
}
