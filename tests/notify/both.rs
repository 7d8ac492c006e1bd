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
    for who in [BOB, CAROL] {
        repo.approve(who, commit, MAIN);
    }
    repo.accepted(ALICE, to(MAIN, commit));
    let landed = server.wait_for(2)[1].json();
    assert_eq!((&landed["event"], &landed["request"]), (&"landed".into(), &opened["request"]));
    assert_eq!(landed["by"], serde_json::json!(["bob", "carol"]));
}
