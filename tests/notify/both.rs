//! What is told is the same for Git and Mercurial.

use crate::central::{Central, Form, to};
use crate::desk::{REVIEW, webhook};
use crate::server::{Answer, Server};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN};
use rstest::rstest;
use std::fs;

#[rstest]
fn a_refused_push_and_its_landing_are_told_on_either_system(#[values(Form::Git, Form::Named)] form: Form) {
    let server = Server::new(Answer::Status(200));
    let repo = Central::new(form, REVIEW);
    let path = repo.jit_path("config.toml");
    let text = fs::read_to_string(&path).expect("settings");
    let place = webhook("hook", &server.url("")) + "events = [\"opened\", \"landed\"]\n";
    fs::write(&path, text + &place).expect("written");
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs 2 approvals"]);
    let opened = server.wait_for(1)[0].json();
    assert_eq!(opened["event"], "opened");
    assert_eq!(opened["about"]["target"], form.words(MAIN));
    assert_eq!(opened["about"]["new"][0], commit.to_string());
    assert_eq!(opened["requester"], "alice");
    // What was refused is not kept, so nobody can look at it.
    assert_eq!(opened["change"], serde_json::Value::Null);
    assert!(opened["details"][0].as_str().is_some_and(|why| why.contains("cannot be said")), "{opened}");
    for who in [BOB, CAROL] {
        repo.approve(who, commit, MAIN);
    }
    repo.accepted(ALICE, to(MAIN, commit));
    let landed = server.wait_for(2)[1].json();
    assert_eq!((&landed["event"], &landed["request"]), (&"landed".into(), &opened["request"]));
    assert_eq!(landed["by"], serde_json::json!(["bob", "carol"]));
}

#[rstest]
fn an_opening_says_what_would_change_where_that_is_kept(#[values(Form::Git, Form::Named)] form: Form) {
    let server = Server::new(Answer::Status(200));
    let repo = Central::new(form, REVIEW);
    let path = repo.jit_path("config.toml");
    let text = fs::read_to_string(&path).expect("settings");
    assert!(text.contains("park = false"), "{text}");
    let place = webhook("hook", &server.url("")) + "events = [\"opened\"]\n";
    fs::write(&path, text.replace("park = false", "park = true") + &place).expect("written");
    repo.commit(BOB, &["src/a.rs"]);
    let commit = repo.commit(ALICE, &["src/b.rs", "src/c.rs"]);
    // What it brought is kept, so this push changes something although it is refused.
    assert!(!repo.push(ALICE, &to(MAIN, commit)).succeeded());
    let opened = server.wait_for(1)[0].json();
    let change = &opened["change"];
    assert_eq!(
        (&change["commit_count"], &change["file_count"], &change["lost_count"]),
        (&2.into(), &3.into(), &0.into())
    );
    let authors: Vec<&str> =
        change["commits"].as_array().expect("commits").iter().filter_map(|one| one["authors"][0].as_str()).collect();
    assert_eq!(authors, ["alice@example.com", "bob@example.com"]);
    assert_eq!(change["commits"][0]["id"], commit.to_string());
    assert_eq!(change["files"][1]["path"], "src/b.rs");
    assert_eq!((&change["files"][1]["how"], &change["files"][1]["removed"]), (&"A".into(), &0.into()));
    assert!(opened["until"].as_str().is_some(), "{opened}");
    assert_eq!(opened["rules"][0]["name"], "review");
}
