//! What `jit policy apply` says that another policy makes of the requests that wait in the sibling repository.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL};
use serde_json::{Value, json};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// What a dry run with these rules says of requests.
fn told(guard: &Guard, rules: &str) -> Value {
    let folder = guard.write_policy(rules);
    let ran = guard.jit("policy apply", &["--dry-run", "--format", "json", &folder]);
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    serde_json::from_str::<Value>(&ran.stdout).expect("JSON")["effect"]["requests"].clone()
}

fn changes(told: &Value) -> [usize; 2] {
    ["refused", "let_in"].map(|key| told[key].as_array().map(Vec::len).expect(key))
}

#[test]
fn the_effect_on_open_requests_is_told() {
    let guard = Guard::new(REVIEW);
    let desk = |who| guard.desk(who, Transport::Ssh);
    let (alice, bob, carol): (Desk<'_>, Desk<'_>, Desk<'_>) = (desk(ALICE), desk(BOB), desk(CAROL));
    let commit = alice.change("a", "one").hex();
    alice.must(&["request", &commit]);
    assert_eq!(changes(&told(&guard, "")), [0, 1], "nobody is asked any more");
    bob.must(&["sign", &commit, "--yes"]);
    let two = REVIEW.replace("approvals = 1", "approvals = 2");
    let strict = told(&guard, &two);
    assert_eq!(changes(&strict), [1, 0], "{strict}");
    assert!(strict["refused"][0]["why"].as_str().is_some_and(|why| why.starts_with("`review` needs 2")), "{strict}");
    assert_eq!(told(&guard, &REVIEW.replace("maintainers", "leads"))["same"], 1);
    carol.must(&["reject", &commit, "--reason", "not yet", "--yes"]);
    assert_eq!(told(&guard, &two)["same"], 1, "it is refused already");
    carol.must(&["sign", &commit, "--yes"]);

    assert_eq!(alice.push(&[]).code, Some(0));
    assert_eq!(told(&guard, &two), json!({ "refused": [], "let_in": [], "same": 0, "unjudged": 0 }));
}
