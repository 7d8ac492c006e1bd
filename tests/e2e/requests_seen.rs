//! What people see of requests in Git: who waits for whom, how each stands, until when, and what it would change.

use crate::support::{ALICE, BOB, CAROL, Desk, Guarded as _, MAIN, TestRepo, now, one, states, time};
use jit::domain::time::{Span, Timestamp};
use serde_json::Value;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

const TWO: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\", \"topic/**\"]\nmessage = \"see docs/review.md\"\n\
                   require = [{ role = \"maintainers\", approvals = 2 }]\nttl = \"24h\"\n\
                   escalate = { after = \"4h\", notify = [\"role:leads\"] }\n";
const KEEP: Span = Span::days(7);

fn server(repo: &TestRepo) -> String {
    repo.server().to_str().expect("a plain path").to_owned()
}

/// What the server says of the request `id`.
#[track_caller]
fn on_server(repo: &TestRepo, desk: &Desk<'_>, id: &str) -> Value {
    desk.json(&["show", id, "--repo", &server(repo)], 0)
}

/// The ids and states that `jit pending` lists.
#[track_caller]
fn pending(desk: &Desk<'_>, arguments: &[&str]) -> Vec<(String, String)> {
    states(&desk.json(&[&["pending"], arguments].concat(), 0))
}

/// Asks for what the desk has, and returns the request's id.
#[track_caller]
fn ask(desk: &Desk<'_>, reason: &str) -> String {
    let asked = desk.json(&["request", "HEAD", "--branch", "main", "--reason", reason], 0);
    asked["request"].as_str().expect("an id").to_owned()
}

/// Writes `keep` of `[requests]` on the server.
fn keep(repo: &TestRepo, keep: &str) {
    let path = repo.jit_path("config.toml");
    let text = fs::read_to_string(&path).expect("settings");
    fs::write(path, text.replace("keep = \"7days\"", &format!("keep = \"{keep}\""))).expect("written");
}

#[test]
fn a_request_is_refused_rejected_superseded_approved_and_landed() {
    let repo = TestRepo::new(TWO);
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    alice.commit("src/a");
    let refused = alice.push(&["HEAD:main"]);
    let first = ask(&alice, "the bank raised it");
    for words in [format!("this is request {first}"), format!("can run `jit sign {first}`"), "`jit request ".to_owned()]
    {
        assert!(refused.err.contains(&words), "no {words} in:\n{}", refused.err);
    }

    let shown = on_server(&repo, &alice, &first);
    assert_eq!((&shown["state"], &shown["requester"], &shown["kept"]), (&"open".into(), &"alice".into(), &true.into()));
    assert_eq!((time(&shown["waits_until"]), &shown["use_before"]), (time(&shown["opened"]).plus(KEEP), &Value::Null));
    assert_eq!(shown["could_sign"], serde_json::json!(["bob", "carol"]), "not the pusher's own");
    let escalates = &shown["rules"][0]["escalates"];
    assert_eq!(time(&escalates["at"]), time(&shown["opened"]).plus(Span::seconds(4 * 3600)));
    assert_eq!(escalates["notify"], serde_json::json!(["leads"]));
    let seen = bob.json(&["show", &first], 0);
    for (field, expected) in
        [("state", "open"), ("reason", "the bank raised it"), ("target", MAIN), ("action", "update")]
    {
        assert_eq!(seen[field], expected, "{field}");
    }
    assert_eq!(
        (&seen["files"][0]["path"], &seen["commits"][0]["summary"]),
        (&"src/a".into(), &"change%20src/a".into())
    );
    assert_eq!(seen["rules"][0]["message"], "see docs/review.md");
    assert_eq!((pending(&bob, &[]), pending(&alice, &[])), (one(&first, "open"), vec![]));
    assert_eq!((pending(&alice, &["--all"]), pending(&alice, &["--role", "dba"])), (one(&first, "open"), vec![]));
    assert_eq!(pending(&alice, &["--role", "maintainers"]), one(&first, "open"));

    bob.must(&["reject", &first, "--reason", "a test is missing", "--yes"]);
    let shown = on_server(&repo, &alice, &first);
    assert_eq!((&shown["state"], &shown["rules"][0]["tokens"][0]["who"]), (&"denied".into(), &"bob".into()));
    assert!(alice.must(&["show", &first]).text().contains("rejected by bob"));
    assert_eq!((pending(&carol, &[]), pending(&carol, &["--all"])), (vec![], one(&first, "denied")));

    alice.commit("src/a");
    assert!(!alice.push(&["HEAD:main"]).succeeded());
    let second = ask(&alice, "");
    let shown = on_server(&repo, &alice, &first);
    assert_eq!((&shown["state"], &shown["ended"]["by"]), (&"superseded".into(), &second.as_str().into()));
    assert_eq!(pending(&carol, &["--all"]), one(&second, "denied"), "the rejected commit is part of it");
    assert_eq!(carol.jit(&["show", &first]).code, Some(1), "its commits are kept no longer");

    // An approval of the same second as a rejection below it would never count.
    let rejected = now();
    while now() <= rejected {
        thread::sleep(Duration::from_millis(50));
    }
    bob.must(&["sign", &second, "--yes"]);
    alice.git(&["commit", "--quiet", "--amend", "--message", "anew"]);
    assert_eq!(on_server(&repo, &alice, &second)["state"], "denied", "what bob rejected is still below");
    let rejection = bob.json(&["tokens"], 0)["tokens"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["kind"] == "reject")
        .expect("one")["id"]
        .clone();
    bob.must(&["revoke", rejection.as_str().expect("an id"), "--yes"]);
    assert_eq!((pending(&bob, &[]), pending(&carol, &[])), (vec![], one(&second, "open")));
    let shown = on_server(&repo, &alice, &second);
    assert_eq!((&shown["use_before"], &shown["could_sign"]), (&Value::Null, &serde_json::json!(["carol"])));

    carol.must(&["sign", &second, "--ttl", "1h", "--yes"]);
    for shown in [on_server(&repo, &alice, &second), bob.json(&["show", &second], 0)] {
        let tokens = shown["rules"][0]["tokens"].as_array().expect("a list");
        let ends: Vec<Timestamp> = tokens.iter().map(|token| time(&token["until"])).collect();
        assert_eq!((&shown["state"], ends.len()), (&"approved".into(), 2));
        assert_eq!(Some(time(&shown["use_before"])), ends.iter().min().copied(), "the first that ends");
        assert!(ends.iter().max() > ends.iter().min());
        assert_eq!(time(&shown["waits_until"]), time(&shown["opened"]).plus(KEEP), "no clock moves another");
    }
    assert_eq!(pending(&carol, &["--all"]), one(&second, "approved"));

    let tip = alice.git(&["rev-parse", "HEAD@{1}"]);
    assert!(alice.push(&[&format!("{tip}:main")]).succeeded());
    assert_eq!(on_server(&repo, &alice, &second)["state"], "landed");
    assert_eq!(bob.jit(&["show", &second]).code, Some(1), "its commits stand on the branch now");
    assert_eq!((pending(&bob, &["--all"]), pending(&bob, &[&server(&repo)])), (vec![], vec![]));
    let all = pending(&bob, &[&server(&repo), "--all", "--ended"]);
    assert_eq!(
        all,
        [one(&first, "landed"), one(&second, "landed")].concat(),
        "the first stood below, and is the older"
    );
}

#[test]
fn only_its_requester_takes_a_request_back() {
    let repo = TestRepo::new(TWO);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    alice.commit("a");
    let id = ask(&alice, "");
    let said = bob.jit(&["request", "--cancel", &id]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert_eq!(on_server(&repo, &bob, &id)["state"], "open");
    let done = alice.json(&["request", "--cancel", &id], 0);
    assert_eq!((&done["request"], &done["cancelled"]), (&id.as_str().into(), &true.into()));
    let shown = on_server(&repo, &bob, &id);
    assert_eq!((&shown["state"], &shown["ended"]["how"]), (&"cancelled".into(), &"cancelled".into()));
    assert_eq!(bob.jit(&["show", &id]).code, Some(1), "a clone knows of it no more");
    assert_eq!(alice.jit(&["request", "--cancel", &id]).code, Some(1));
    // Asking again opens it anew.
    assert_eq!(ask(&alice, ""), id);
    assert_eq!(on_server(&repo, &bob, &id)["state"], "open");
}

#[test]
fn a_request_waits_for_so_long_and_late_approvals_still_count() {
    let repo = TestRepo::new(TWO);
    keep(&repo, "2s");
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    alice.commit("a");
    let id = ask(&alice, "");
    let shown = on_server(&repo, &bob, &id);
    assert_eq!(time(&shown["waits_until"]), time(&shown["opened"]).plus(Span::seconds(2)));
    let commit = alice.git(&["rev-parse", "HEAD"]);
    for approver in [&bob, &carol] {
        approver.must(&["show", &id]);
    }
    thread::sleep(Duration::from_secs(3));
    assert_eq!(on_server(&repo, &bob, &id)["state"], "expired");
    assert_eq!(pending(&bob, &[&server(&repo)]), vec![]);
    // Twice by the same person is once; the other one comes late.
    let sign = ["sign", &commit, "--branch", "main", "--yes"];
    bob.must(&sign);
    bob.must(&sign);
    assert_eq!(on_server(&repo, &bob, &id)["state"], "expired");
    carol.must(&sign);
    assert_eq!(on_server(&repo, &bob, &id)["state"], "approved");
    assert!(alice.push(&["HEAD:main"]).succeeded());
    assert_eq!(on_server(&repo, &bob, &id)["state"], "landed");
}

#[test]
fn another_policy_makes_another_state() {
    let repo = TestRepo::new(&TWO.replace("approvals = 2", "approvals = 1"));
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    alice.commit("a");
    let id = ask(&alice, "");
    bob.must(&["sign", &id, "--yes"]);
    let states = || (on_server(&repo, &alice, &id)["state"].clone(), alice.json(&["show", &id], 0)["state"].clone());
    assert_eq!(states(), ("approved".into(), "approved".into()));
    let people = format!("version = 1\ndefault = \"allow\"\n{}", crate::support::people());
    repo.write_policy(&[("people.toml", &people), ("rules.toml", &format!("version = 1\n{TWO}"))]);
    let policies = repo.path("policies");
    keep(&repo, "3d");
    let applied = alice.must(&["policy", "apply", policies.to_str().expect("a path"), &server(&repo), "--yes"]);
    assert!(applied.text().contains("open request"), "{}", applied.text());
    assert_eq!(states(), ("open".into(), "open".into()));
    // How long it waits was published with the policy.
    let seen = alice.json(&["show", &id], 0);
    assert_eq!(time(&seen["waits_until"]), time(&seen["opened"]).plus(Span::days(3)));
}

#[test]
fn what_landed_below_something_else_has_landed_and_what_is_gone_is_not_judged() {
    let repo = TestRepo::new(&TWO.replace("approvals = 2", "approvals = 1"));
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    alice.commit("a");
    assert!(!alice.push(&["HEAD:main"]).succeeded());
    let listed = alice.json(&["pending", &server(&repo)], 0);
    let shown = &listed["requests"][0];
    assert_eq!((&shown["state"], &shown["kept"]), (&"open".into(), &false.into()));
    assert_eq!(shown["trouble"], "its commits are not here");
    assert_eq!(shown["approvers_type"], serde_json::json!([]), "nobody can look at it");
    let id = ask(&alice, "");
    // Bob goes on from there, and his tip is approved and pushed.
    bob.must(&["show", &id]);
    bob.git(&["fetch", "--quiet", "origin", &format!("refs/jit/requests/{id}")]);
    bob.git(&["checkout", "--quiet", "-B", "main", "FETCH_HEAD^"]);
    bob.commit("b");
    let above = bob.json(&["request", "HEAD", "--branch", "main"], 0)["request"].as_str().expect("an id").to_owned();
    carol.must(&["sign", &above, "--yes"]);
    assert!(bob.push(&["HEAD:main"]).succeeded());
    for id in [&id, &above] {
        assert_eq!(on_server(&repo, &bob, id)["state"], "landed");
    }
}

#[test]
fn where_the_branch_moved_on_the_request_says_so() {
    let repo = TestRepo::new(&TWO.replace("approvals = 2", "approvals = 1"));
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    alice.commit("a");
    let id = ask(&alice, "");
    bob.commit("b");
    let other = ask(&bob, "");
    carol.must(&["sign", &other, "--yes"]);
    assert!(bob.push(&["HEAD:main"]).succeeded());
    let shown = on_server(&repo, &bob, &id);
    assert_eq!((&shown["action"], &shown["action_now"]), (&"update".into(), &"rewrite".into()));
    let said = carol.must(&["show", &id]).text();
    assert!(said.contains("the target has moved on: this would be rewrite now; alice"), "{said}");
}

#[test]
fn the_change_itself_is_shown_and_nothing_in_it_steers_the_terminal() {
    let repo = TestRepo::new(TWO);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let red = "\u{1b}[31mred\u{202e}";
    fs::write(alice.work().join("a"), format!("one\n\ttwo {red}\n")).expect("written");
    alice.git(&["add", "--all"]);
    alice.git(&["commit", "--quiet", "--message", &format!("change {red}")]);
    let id = ask(&alice, &format!("because {red}"));
    let said = bob.must(&["show", &id, "--diff"]).text();
    for words in ["+one\n+\ttwo \\u{1b}[31mred\\u{202e}", "change \\u{1b}[31m", "because \\u{1b}[31m", "+++ b/a"] {
        assert!(said.contains(words), "no {words} in:\n{said}");
    }
    let data = bob.jit(&["show", &id, "--diff", "--format", "json"]).text();
    let listed = [bob.must(&["pending"]).text(), bob.must(&["show", &id, "--repo", &server(&repo), "--diff"]).text()];
    for text in [said, data].iter().chain(&listed) {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}

#[test]
fn what_cannot_be_shown_is_answered_with_why() {
    let repo = TestRepo::new(TWO);
    let bob = repo.desk(BOB);
    let cases: [(&[&str], i32, &str); 5] = [
        (&["show", "r-000000000000"], 1, "there is no request r-000000000000"),
        (&["show", "r-000000000000", "--repo", &server(&repo)], 1, "there is no request"),
        (&["show", "main"], 2, "12 lowercase hex digits"),
        (&["pending", &server(&repo), "--mine"], 2, "nobody knows who you are here"),
        (&["pending", "--role", "kings"], 2, "the policy has no role `kings`"),
    ];
    for (arguments, code, words) in cases {
        let said = bob.jit(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
    }
    assert!(bob.must(&["pending"]).err.contains("nothing waits for you"));
}

#[test]
fn a_thousand_open_requests_are_listed_at_once() {
    let repo = TestRepo::new(TWO);
    let alice = repo.desk(ALICE);
    let mut import = String::new();
    for number in 0..1000 {
        let message = format!("change {number}");
        let who = "alice <alice@example.com> 1795301946 +0000";
        import += &format!(
            "commit refs/heads/topic/{number}\nauthor {who}\ncommitter {who}\ndata {}\n{message}\n\
             from refs/remotes/origin/main^0\nM 644 inline f{number}\ndata 2\nx\n\n",
            message.len()
        );
    }
    fs::write(alice.work().join("import"), import).expect("written");
    let mut run = alice.command("sh");
    run.args(["-c", "git fast-import --quiet < import"]);
    assert!(crate::support::run(run, b"").succeeded());
    assert!(!alice.push(&["refs/heads/topic/*:refs/heads/topic/*"]).succeeded());
    let work = alice.work();
    repo.server_git(&["fetch", "--quiet", work.to_str().expect("a path"), "refs/heads/topic/*:refs/elsewhere/*"]);

    let timed = |arguments: &[&str]| {
        let begun = Instant::now();
        (alice.json(arguments, 0), begun.elapsed())
    };
    let (listed, all) = timed(&["pending", &server(&repo)]);
    let list = listed["requests"].as_array().expect("a list");
    let (_, alone) = timed(&["show", list[0]["request"].as_str().expect("an id"), "--repo", &server(&repo)]);
    // Judged one after the other, they take several hundred times as long as one.
    assert!(all < alone * 100, "{all:?} for all, {alone:?} for one");
    assert_eq!(list.len(), 1000);
    assert!(list.iter().all(|one| one["state"] == "open" && one["could_sign"] == serde_json::json!(["bob", "carol"])));
}
