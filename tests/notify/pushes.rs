//! What pushes cause: real ones, with the process that the hooks start.

use crate::desk::{REVIEW, notify, park, repo, set_places, status, webhook};
use crate::server::{Answer, Received, Server};
use crate::support::{self, ALICE, APPROVALS, BOB, CAROL, Guarded as _, MAIN, TestRepo, sign, token_file};
use jit::domain::approval::{Kind, Token};
use std::fs;
use std::time::{Duration, Instant};

fn of_event<'a>(received: &'a [Received], event: &str) -> Vec<&'a Received> {
    received.iter().filter(|one| one.header("X-Jit-Event") == Some(event)).collect()
}

#[test]
fn a_refused_push_is_told_with_what_to_type_and_so_is_what_landed() {
    let server = Server::new(Answer::Status(200));
    let repo = repo(&(webhook("hook", &server.url("in")) + "events = [\"opened\", \"landed\"]\n"));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`review`"]);

    let opened = server.wait_for(1)[0].clone();
    assert_eq!(opened.path, "/in");
    assert_eq!(opened.header("X-Jit-Event"), Some("opened"));
    let notice = opened.json();
    assert_eq!(opened.header("Idempotency-Key"), notice["id"].as_str());
    assert_eq!(notice["schema"], "jit-notice/1");
    assert_eq!(notice["requester"], "alice");
    assert_eq!(notice["about"]["target"], MAIN);
    assert_eq!(notice["about"]["new"][0], commit.to_string());
    assert_eq!(notice["rules"][0]["name"], "review");
    assert_eq!(notice["rules"][0]["message"], "ask in <#review> & wait");
    assert_eq!(notice["commands"][0], format!("jit sign {} --branch main", commit.hex()));
    assert!(notice["request"].as_str().is_some_and(|id| id.starts_with("r-")), "{notice}");
    // What was refused is not kept, so nobody can look at it.
    assert_eq!(notice["change"], serde_json::Value::Null);
    let why = "what it would change cannot be said: its commits are not here";
    assert_eq!(notice["details"], serde_json::json!([why]));
    let note = notice["checkpoint"]["note"].as_str().expect("a note");
    assert!(note.starts_with("git.example.com/server\n"), "{note}");

    // The same refused again opens nothing; what is approved lands, and that is told.
    repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`review`"]);
    repo.approve(BOB, commit, MAIN);
    repo.refused(ALICE, &["HEAD:refs/heads/main"], &["has 1 (bob)"]);
    repo.approve(CAROL, commit, MAIN);
    repo.accepted(ALICE, &["HEAD:refs/heads/main"]);
    let received = server.wait_for(2);
    let landed = of_event(&received, "landed");
    assert_eq!((received.len(), landed.len()), (2, 1), "{received:?}");
    let notice = landed[0].json();
    assert_eq!(notice["by"], serde_json::json!(["bob", "carol"]));
    assert_eq!(notice["about"]["new"][0], commit.to_string());
    assert_eq!(notice["request"], opened.json()["request"]);
    assert_eq!(status(&repo, "hook")["waiting"], 0);
}

#[test]
fn every_step_of_a_request_is_told() {
    let server = Server::new(Answer::Status(200));
    let repo = repo(&(webhook("hook", &server.url("")) + "roles = [\"maintainers\"]\n"));
    park(&repo);
    let told = || {
        notify(&repo, "deliver", &["--now"]);
        let events = server.received().into_iter().map(|one| one.header("X-Jit-Event").unwrap_or_default().to_owned());
        events.collect::<Vec<String>>()
    };
    let first = repo.commit(ALICE, &["a"]);
    // What it brought is kept, so it can be judged again.
    assert!(!repo.push(ALICE, &["HEAD:refs/heads/main"]).succeeded());
    let change = server.wait_for(1)[0].json()["change"].clone();
    assert_eq!(change["commits"][0]["id"], first.to_string());
    assert_eq!(change["files"][0]["path"], "a");
    repo.approve(BOB, first, MAIN);
    assert_eq!(told(), ["opened", "approved"]);
    let approved = server.received()[1].json();
    assert_eq!(approved["by"], serde_json::json!(["bob"]));
    assert_eq!(approved["commands"][0], format!("jit sign {} --branch main", first.hex()));
    let rejection =
        repo.keep(CAROL, Token { kind: Kind::Reject, reason: "no <!here>".to_owned(), ..repo.approval(first, MAIN) });
    assert_eq!(told(), ["opened", "approved", "denied"]);
    assert_eq!(server.received()[2].json()["details"][0], "carol: no <!here>");
    // A newer version takes its place, and is approved by all.
    repo.keep(CAROL, support::revocation(rejection, &repo.approval(first, MAIN)));
    let second = repo.commit(ALICE, &["b"]);
    // What bob has signed is from before the second request, in whole seconds.
    let signed = support::now();
    while support::now() <= signed {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!repo.push(ALICE, &["HEAD:refs/heads/main"]).succeeded());
    server.wait_for(5);
    let mut events = told();
    events[3..].sort();
    assert_eq!(events[3..], ["opened", "superseded"]);
    for who in [BOB, CAROL] {
        repo.approve(who, second, MAIN);
    }
    assert_eq!(told()[5..], ["complete"]);
    let complete = server.received()[5].json();
    assert_eq!(complete["by"], serde_json::json!(["bob", "carol"]));
    assert!(complete["until"].as_str().is_some(), "{complete}");
    repo.accepted(ALICE, &["HEAD:refs/heads/main"]);
    server.wait_for(7);
    assert_eq!(told()[6..], ["landed"]);
}

#[test]
fn a_place_that_says_nothing_holds_up_neither_a_push_nor_another_place() {
    let (silent, prompt) = (Server::new(Answer::Silence), Server::new(Answer::Status(204)));
    let places = webhook("silent", &silent.url("")) + &webhook("prompt", &prompt.url(""));
    let repo = repo(&places);
    repo.commit(ALICE, &["a"]);
    let begun = Instant::now();
    for _ in 0..3 {
        repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`review`"]);
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    silent.wait_for(1);
    // Installation has put the first policy in force.
    prompt.wait_for(2);
    // While the first is still silent, the other hears of the next.
    repo.commit(ALICE, &["b"]);
    repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`review`"]);
    prompt.wait_for(3);
    assert_eq!(silent.received().len(), 1);
}

#[test]
fn settings_that_do_not_hold_keep_no_push_in_or_out() {
    for broken in
        ["[[notify]]\nname = 3\n", "notify = \"x\"\n", "[notify]\nname = \"x\"\n", "[[notify]]\nkind = \"pigeon\"\n"]
    {
        let repo = repo("");
        // A key of the whole file stands in front of every table.
        let path = repo.jit_path("config.toml");
        let text = fs::read_to_string(&path).expect("settings");
        let is_table = broken.starts_with('[');
        let text = if is_table { format!("{text}\n{broken}") } else { format!("{broken}\n{text}") };
        fs::write(&path, text).expect("written");
        repo.commit(ALICE, &["a"]);
        repo.accepted(ALICE, &["HEAD:refs/heads/free"]);
        repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`review`", "needs 2 approvals"]);
        let said = notify(&repo, "deliver", &[]);
        assert_eq!(said.code, Some(3), "{broken}: {}", said.err);
        assert!(said.err.contains("config.toml:"), "{}", said.err);
    }
}

#[test]
fn nothing_is_told_of_what_no_approval_could_change() {
    let server = Server::new(Answer::Status(200));
    let repo = TestRepo::new("[[rule]]\nname = \"frozen\"\nbranches = [\"main\"]\ndeny = true\n");
    set_places(&repo, &(webhook("hook", &server.url("")) + "events = [\"opened\", \"landed\"]\n"));
    repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/free"]);
    repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`frozen`"]);
    assert_eq!(notify(&repo, "deliver", &[]).code, Some(0));
    assert!(server.received().is_empty(), "{:?}", server.received());
}

#[test]
fn a_landing_by_itself_that_fails_is_told() {
    let server = Server::new(Answer::Status(200));
    let repo = TestRepo::new(&format!("{REVIEW}land = \"auto\"\n"));
    set_places(&repo, &(webhook("hook", &server.url("")) + "roles = [\"maintainers\"]\nevents = [\"not-landed\"]\n"));
    park(&repo);
    let subject = repo.commit(ALICE, &["a"]);
    assert!(!repo.push(ALICE, &["HEAD:refs/heads/main"]).succeeded());
    let approvals = [BOB, CAROL].map(|who| token_file(&sign(who, repo.approval(subject, MAIN))));
    // Meanwhile `main` goes another way.
    let tree = repo.server_git(&["commit-tree", "main^{tree}", "-p", "main", "-m", "another"]);
    repo.server_git(&["update-ref", MAIN, tree.trim()]);
    repo.commit_approvals(&approvals);
    repo.accepted(BOB, &[&format!("{APPROVALS}:{APPROVALS}")]);
    let notice = server.wait_for(1)[0].json();
    assert_eq!((&notice["event"], &notice["requester"]), (&"not-landed".into(), &"alice".into()));
    assert_eq!(notice["details"], serde_json::json!(["its target has moved on"]));
    assert_eq!(notice["about"]["new"][0], subject.to_string());
}
