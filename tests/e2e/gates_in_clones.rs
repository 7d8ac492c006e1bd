//! Gates in clones: where a pipeline's own checkout asks, and what `jit explain` says of a gate there and on the server.

use crate::gates::{World, forced, sign};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, PROGRAM, run};
use serde_json::Value;
use std::fs;

#[test]
fn a_checkout_asks_the_server_that_it_came_from() {
    let world = World::new();
    let commit = world.commit("src/a");
    let ssh = forced(&world, "echo \"$*\" >> \"$0.asked\"");
    let asks = |origin: &str| {
        let checkout = world.repo.path("checkout");
        fs::create_dir_all(&checkout).expect("a folder");
        let clone = checkout.to_str().expect("a plain path");
        if !checkout.join(".git").exists() {
            world.repo.git(&["clone", "--quiet", "--depth", "1", &format!("file://{}", world.server()), clone]);
        }
        world.repo.git(&["-C", clone, "config", "remote.origin.url", origin]);
        let mut jit = world.repo.as_pusher(PROGRAM, ALICE);
        jit.current_dir(&checkout).env("GIT_SSH_COMMAND", &ssh);
        jit.args([
            "gate",
            "deploy",
            "--environment",
            "production",
            "--rev",
            "HEAD",
            "--wait",
            "0s",
            "--format",
            "json",
        ]);
        run(jit, b"")
    };
    let waits = asks("ssh://git@git.example.com:2222/srv/git/payments.git");
    assert_eq!(waits.code, Some(4), "{}", waits.err);
    let answer: Value = serde_json::from_slice(&waits.out).expect("JSON");
    assert_eq!(answer["subject"], format!("git-sha1:{commit}"), "HEAD is that of the checkout: {answer}");
    let asked = fs::read_to_string(world.repo.path("ssh.asked")).expect("what ssh was given");
    assert!(asked.contains("-p 2222 git@git.example.com jit gate-server '/srv/git/payments.git'"), "{asked}");

    sign(&world.repo.desk(BOB), &[answer["request"].as_str().expect("an id")]);
    assert_eq!(asks("git@git.example.com:payments.git").code, Some(0));
    for origin in ["https://git.example.com/payments.git", "/srv/git/payments.git"] {
        let refused = asks(origin);
        assert_eq!(refused.code, Some(2), "{origin}");
        assert!(refused.err.contains("is not the address of a server that ssh reaches"), "{}", refused.err);
        assert!(refused.err.contains("`--server URL` or `--repo PATH`"), "{}", refused.err);
    }
    assert_eq!(fs::read_to_string(world.repo.path("ssh.asked")).expect("a file").lines().count(), 2);
    world.repo.log_is_sound();
}

#[test]
fn a_folder_that_is_no_clone_and_a_clone_of_nothing_have_nobody_to_ask() {
    let world = World::new();
    let alone = world.repo.path("alone");
    fs::create_dir(&alone).expect("a folder");
    for begun in [false, true] {
        if begun {
            world.repo.git(&["init", "--quiet", alone.to_str().expect("a plain path")]);
        }
        let mut jit = world.repo.as_pusher(PROGRAM, ALICE);
        jit.current_dir(&alone).args(["gate", "deploy", "--environment", "production", "--rev", "HEAD"]);
        let said = run(jit, b"");
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains("neither a server's repository nor a clone of one"), "{}", said.err);
    }
}

/// Which rules match: `deploy` asks whoever deploys, `migrations` for what touches `db/`.
fn matching(explained: &Value) -> Vec<&str> {
    let list = explained["rules"].as_array().expect("a list");
    list.iter().filter(|rule| rule["matches"] == true).map(|rule| rule["rule"].as_str().expect("a text")).collect()
}

#[test]
fn explain_says_of_a_gate_which_rules_ask_for_what() {
    let world = World::new();
    let (first, bob, carol) = (world.commit("src/a"), world.repo.desk(BOB), world.repo.desk(CAROL));
    let server = world.server();
    let gate = ["explain", "--environment", "production", "--action", "deploy", "--as", "alice", "--new"];
    let there = |rev: &str, code: i32| carol.json(&[&gate[..], &[rev, "--repository", &server]].concat(), code);
    let before = world.repo.entries().len();
    let alone = there(&first, 1);
    assert_eq!(matching(&alone), ["deploy", "migrations"], "the first time it touches every path");
    assert_eq!(alone["rules"][1]["because"], "what is not compared with anything touches every path", "{alone}");
    assert_eq!(matching(&bob.json(&[&gate[..], &[&first]].concat(), 1)), ["deploy", "migrations"]);
    assert_eq!(world.repo.entries().len(), before, "nothing was asked for");

    let id = world.deploy(&first, 4)["request"].as_str().expect("an id").to_owned();
    sign(&bob, &[&id]);
    assert_eq!(there(&first, 0)["verdict"], "allow", "bob is of both roles");
    world.deploy(&first, 0);
    let second = world.commit("src/b");
    bob.git(&["fetch", "--quiet", "origin"]);
    let forward = there(&second, 1);
    assert_eq!(matching(&forward), ["deploy"], "nothing of it touches db/");
    assert_eq!(forward["updates"][0]["action"], "gate:deploy");
    // A clone knows what it opened for last from the request, or from whoever asks.
    assert_eq!(matching(&bob.json(&[&gate[..], &[&second]].concat(), 1)), ["deploy", "migrations"]);
    assert_eq!(matching(&bob.json(&[&gate[..], &[&second, "--old", &first]].concat(), 1)), ["deploy"]);
    world.deploy(&second, 4);
    assert_eq!(matching(&bob.json(&[&gate[..], &[&second]].concat(), 1)), ["deploy"]);

    let cases: [(&[&str], &str); 5] = [
        (&["--environment", "production", "--action", "deplyo"], "names no gate of the environment `production`"),
        (&["--environment", "production"], "which gate of the environment `production`?"),
        (&["--branch", "main", "--action", "deploy"], "add `--environment E`"),
        (&["--environment", "production", "--action", "deploy", "--delete"], "cannot be used with"),
        (&["--environment", "production", "--action", "deploy", "--old", &first], "leave `--old` out here"),
    ];
    for (arguments, words) in cases {
        let said = bob.jit(&[&["explain"], arguments, &["--new", &second, "--repository", &server]].concat());
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(words), "no `{words}` in: {}", said.err);
    }
    let said = bob.jit(&[&gate[..], &[&second]].concat()).text();
    assert!(said.contains("as if `alice` asked:") && said.contains("it asks for 1 approval from `leads`"), "{said}");
}
