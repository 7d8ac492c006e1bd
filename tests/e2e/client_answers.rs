//! What commands answer: whether a push would be let in, as text or as one JSON document, and the exit code that says it.

use crate::support::{ALICE, BOB, Guarded, TestRepo};

const RULES: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n\
                     [[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\n\
                     require = [{ role = \"dba\", approvals = 1 }]\n";

#[test]
fn status_and_explain_say_what_the_server_would_say() {
    let repo = TestRepo::new(RULES);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let commit = alice.commit("src/lib.rs");
    let asked = alice.json(&["request", "HEAD", "--branch", "main"], 0);
    assert_eq!(asked["subject"], commit.to_string());

    let status = alice.json(&["status", "--branch", "main"], 1);
    assert_eq!((&status["verdict"], &status["pusher"]), (&"deny".into(), &"alice".into()));
    let review = &status["updates"][0]["rules"][0];
    assert_eq!((&review["rule"], &review["met"]), (&"review".into(), &false.into()));
    assert_eq!(review["could_sign"], serde_json::json!(["bob", "carol"]));
    let explained = alice.json(&["explain", "--branch", "main"], 1);
    let matches: Vec<_> = explained["rules"].as_array().expect("rules").iter().map(|rule| &rule["matches"]).collect();
    assert_eq!(matches, [true, false]);
    assert_eq!(explained["rules"][1]["because"], "no commit touches its paths");

    let (server, hex) = (repo.server(), commit.hex());
    let server = server.to_str().expect("a plain path");
    let central = ["explain", "--branch", "main", "--new", &hex, "--as", "alice", "--repository", server];
    let by_server = alice.json(&central, 1);
    assert_eq!((&by_server["updates"], &by_server["rules"]), (&explained["updates"], &explained["rules"]));

    let id = asked["request"].as_str().expect("an id");
    let signed = bob.json(&["sign", id, "--yes"], 0);
    assert_eq!(alice.json(&central, 0)["updates"][0]["rules"][0]["counted"][0]["who"], "bob");
    assert_eq!((&signed["sent"], &signed["update"]["verdict"]), (&true.into(), &"allow".into()));
    assert_eq!(alice.json(&["status", "--branch", "main"], 0)["verdict"], "allow");
    assert_eq!(alice.json(&["explain", "--branch", "main"], 0)["verdict"], "allow");
    // The one who signed would push alone.
    assert_eq!(alice.json(&["status", "--branch", "main", "--as", "bob"], 1)["verdict"], "deny");
    assert!(alice.push(&["HEAD:main"]).succeeded());
}

#[test]
fn every_answer_is_one_json_document() {
    let repo = TestRepo::new(RULES);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    alice.commit("a");
    alice.must(&["request", "HEAD", "--branch", "main"]);
    let commit = alice.git(&["rev-parse", "HEAD"]);
    let signed = bob.json(&["sign", &commit, "--yes"], 0);
    let id = signed["tokens"][0]["id"].as_str().expect("an id");
    assert_eq!(bob.json(&["tokens", &commit], 0)["tokens"][0]["state"], "valid");
    assert_eq!(bob.json(&["revoke", id, "--yes"], 0)["tokens"][0]["revokes"], *id);
    assert_eq!(bob.json(&["tokens", &commit], 0)["tokens"].as_array().map(Vec::len), Some(2));
    assert_eq!(bob.json(&["sync"], 0)["repository"], repo.repository());
    assert_eq!(bob.json(&["key", "list"], 0)["keys"][0]["comment"], BOB.email());
    let (server, policies) = (repo.server(), repo.path("policies"));
    let (server, policies) = (server.to_str().expect("a plain path"), policies.to_str().expect("a plain path"));
    assert_eq!(bob.json(&["audit", "verify", server], 0)["sound"], true);
    let checkpoint = repo.path("checkpoint");
    std::fs::write(&checkpoint, repo.server_git(&["show", "refs/jit/checkpoint"]) + "\n").expect("written");
    let verify = ["audit", "verify", server, "--checkpoint", checkpoint.to_str().expect("a plain path")];
    assert_eq!(bob.json(&verify, 0)["checkpoints"], 1);
    assert!(bob.must(&verify).text().contains("contains    1 given checkpoint"));
    assert_eq!(bob.json(&["audit", "show", server, "--limit", "1"], 0).as_array().map(Vec::len), Some(1));
    assert!(bob.json(&["doctor", server], 0).as_array().is_some_and(|found| found.len() > 5));
    assert!(bob.json(&["policy", "check", policies], 0).is_object());
    assert_eq!(bob.json(&["policy", "apply", policies, server], 0)["same"], true);
}

#[test]
fn without_a_terminal_the_inbox_says_what_tells_the_same() {
    let repo = TestRepo::new(RULES);
    let bob = repo.desk(BOB);
    for (arguments, words) in
        [(&["inbox"][..], "`jit pending`"), (&["inbox", "--format", "json"], "`jit pending --format json`")]
    {
        let said = bob.jit(arguments);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains(words) && said.out.is_empty(), "no `{words}` in {}", said.err);
    }
}
