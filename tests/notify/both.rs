//! What is told is the same for Git and Mercurial.

use crate::central::{Central, Form, to};
use crate::desk::{REVIEW, park, set_places, webhook};
use crate::server::{Answer, Server};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN};
use rstest::rstest;

#[rstest]
fn a_refused_push_what_it_would_change_and_its_landing_are_told_on_either_system(
    #[values(Form::Git, Form::Named)] form: Form,
) {
    let server = Server::new(Answer::Status(200));
    let repo = Central::new(form, REVIEW);
    let place = webhook("hook", &server.url("")) + "events = [\"opened\", \"landed\"]\n";
    set_places(&repo, &place);
    park(&repo);
    repo.commit(ALICE, &["src/a.rs"]);
    let commit = repo.commit(ALICE, &["src/b.rs", "src/c.rs"]);
    // What it brought is kept, so this push changes something although it is refused.
    let said = repo.push(ALICE, &to(MAIN, commit));
    assert!(!said.succeeded() && said.err.contains("`review` needs 2 approvals"), "{}", said.err);
    let opened = server.wait_for(1)[0].json();
    assert_eq!(opened["event"], "opened");
    assert_eq!(opened["about"]["target"], form.words(MAIN));
    assert_eq!(opened["about"]["new"][0], commit.to_string());
    assert_eq!(opened["requester"], "alice");
    assert_eq!(opened["rules"][0]["name"], "review");
    assert!(opened["until"].as_str().is_some(), "{opened}");
    let change = &opened["change"];
    let counts = ["commit_count", "file_count", "lost_count"].map(|key| change[key].as_u64());
    assert_eq!(counts, [Some(2), Some(3), Some(0)], "{opened}");
    let commits = change["commits"].as_array().expect("commits");
    let authors: Vec<&str> = commits.iter().filter_map(|one| one["authors"][0].as_str()).collect();
    assert_eq!(authors, ["alice@example.com"; 2]);
    assert_eq!(commits[0]["id"], commit.to_string());
    let file = &change["files"][1];
    assert_eq!((&file["path"], &file["how"], &file["removed"]), (&"src/b.rs".into(), &"A".into(), &0.into()));
    for who in [BOB, CAROL] {
        repo.approve(who, commit, MAIN);
    }
    repo.accepted(ALICE, to(MAIN, commit));
    let landed = server.wait_for(2)[1].json();
    assert_eq!((&landed["event"], &landed["request"]), (&"landed".into(), &opened["request"]));
    assert_eq!(landed["by"], serde_json::json!(["bob", "carol"]));
}
