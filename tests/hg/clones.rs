//! The commands of a clone: what approvers and pushers type.

use crate::desk::Desk;
use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL};
use jit::domain::change::ChangesetId;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"default\", \"stable\"]\n\
                      require = [{ role = \"leads\", approvals = 1 }]\n";

/// Does something at a desk and sees to it that nothing else about the clone has changed.
#[track_caller]
fn untouched<T>(desk: &Desk<'_>, act: impl FnOnce() -> T) -> T {
    std::fs::write(desk.clone.join("docs/readme"), "not yet recorded\n").expect("written");
    std::fs::write(desk.clone.join("unknown"), "").expect("written");
    let before = desk.seen();
    let done = act();
    assert_eq!(desk.seen(), before, "the clone has changed");
    done
}

#[test]
fn a_refused_push_is_requested_signed_by_who_never_saw_it_and_let_in() {
    for transport in [Transport::Ssh, Transport::Http] {
        let guard = Guard::new(REVIEW);
        let (alice, bob) = (guard.desk(ALICE, transport), guard.desk(BOB, transport));
        let commit = alice.change("src/a", "change").hex();
        let refused = alice.push(&[]);
        assert_eq!(refused.code, Some(255), "{}", refused.said);

        let asked = untouched(&alice, || alice.json(&["request", &commit, "-m", "please"], 0));
        let request = asked["request"].as_str().expect("an id").to_owned();
        assert!(refused.said.contains(&format!("`jit sign {request}`")), "{}", refused.said);
        assert_eq!((&asked["target"], &asked["new"]), (&"branch:default".into(), &true.into()));
        assert_eq!(alice.json(&["request", &commit], 0)["new"], false);

        // Whoever may ask for approval may set bookmarks and phases there; the approver's clone takes over none of them.
        let sibling = guard.hg.path("server-requests");
        bob.hg(&["bookmark", "--rev", "0", "stable"]);
        let unasked = ["--config", "hooks.pretxnclose.jit="];
        guard.hg.ok(&sibling, &[&["bookmark", "--force", "--rev", &commit, "stable"], &unasked[..]].concat());
        guard.hg.ok(&sibling, &[&["phase", "--public", &commit], &unasked[..]].concat());
        let said = bob.must(&["sign", &request, "--yes"]);
        assert_eq!(bob.hg(&["log", "--rev", "stable", "--template", "{rev}"]), "0");
        assert_eq!(bob.hg(&["log", "--rev", &commit, "--template", "{phase}"]), "draft");
        for words in [&commit[..], "branch:default", "please", "src/a", "\"change\"", "yours counts, as `leads`"] {
            assert!(said.contains(words), "{transport:?}: no `{words}` in {said}");
        }

        let pushed = alice.push(&[]);
        assert_eq!(pushed.code, Some(0), "{}", pushed.said);
        assert_eq!(guard.server_ids("default").iter().map(ChangesetId::hex).collect::<Vec<_>>(), [commit]);
    }
}

#[test]
fn signing_adds_nothing_to_the_clone_and_leaves_the_working_directory_alone() {
    for transport in [Transport::Ssh, Transport::Http] {
        let guard = Guard::new(REVIEW);
        let (alice, bob) = (guard.desk(ALICE, transport), guard.desk(BOB, transport));
        let commit = alice.change("src/a", "change").hex();
        alice.must(&["request", "."]);
        bob.hg(&["pull", "--quiet", "--rev", &commit, &alice.clone.to_string_lossy()]);
        untouched(&bob, || {
            let signed = bob.json(&["sign", &commit, "--yes", "--reason", "read it"], 0);
            assert_eq!((&signed["sent"], &signed["update"]["verdict"]), (&true.into(), &"allow".into()));
            let token = &signed["tokens"][0];
            assert_eq!((&token["target"], &token["action"]), (&"branch:default".into(), &"update".into()));
            let known = bob.json(&["tokens", &commit], 0);
            assert_eq!((&known["tokens"][0]["state"], &known["tokens"][0]["who"]), (&"valid".into(), &"bob".into()));

            bob.must(&["revoke", token["id"].as_str().expect("an id"), "--yes"]);
            assert_eq!(bob.json(&["tokens", &commit], 0)["tokens"][0]["state"], "revoked");
            assert_eq!(bob.json(&["status", &commit, "--as", "alice"], 1)["verdict"], "deny");

            bob.must(&["reject", &commit, "--yes", "--reason", "not this way"]);
        });
        let pushed = alice.push(&[]);
        assert_eq!(pushed.code, Some(255), "{}", pushed.said);
        assert!(pushed.said.contains("rejected by bob") && pushed.said.contains("not this way"), "{}", pushed.said);
    }
}

#[test]
fn a_pipeline_attests_and_its_clone_stays_as_it_is() {
    let guard = Guard::new(
        "[checks.tests]\nrole = \"dba\"\n[[rule]]\nname = \"tested\"\nbranches = [\"default\"]\nchecks = [\"tests\"]\n",
    );
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Http));
    let commit = alice.change("src/a", "change").hex();
    let refused = alice.push(&[]);
    assert!(refused.said.contains(&format!("`jit attest {commit} --check tests --status passed`")), "{}", refused.said);
    bob.hg(&["pull", "--quiet", "--rev", &commit, &alice.clone.to_string_lossy()]);
    untouched(&bob, || {
        bob.must(&["attest", &commit, "--check", "tests", "--status", "passed", "--yes"]);
        assert_eq!(bob.json(&["status", &commit, "--as", "alice"], 0)["verdict"], "allow");
    });
    assert_eq!(alice.push(&[]).code, Some(0));
}

#[test]
fn the_glass_is_broken_and_reviewed_from_clones_that_stay_as_they_are() {
    let guard = Guard::new(
        "[[rule]]\nname = \"freeze\"\nbranches = [\"default\"]\ndeny = true\noverride = { role = \"leads\", approvals = 1, review_within = \"1s\" }\n",
    );
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Http));
    let carol = guard.desk(CAROL, Transport::Ssh);
    let commit = alice.change("src/a", "change").hex();
    alice.must(&["request", "."]);
    carol.must(&["sign", &commit, "--override", "freeze", "--reason", "on fire", "--yes"]);
    assert_eq!(alice.push(&[]).code, Some(0));
    std::thread::sleep(std::time::Duration::from_secs(2));
    alice.change("src/b", "next");
    let overdue = || alice.json(&["status"], 1)["overdue"].to_string();
    assert!(overdue().contains("carol overrode `freeze`"), "{}", overdue());
    bob.hg(&["pull", "--quiet"]);
    untouched(&bob, || bob.must(&["review", &commit, "--yes"]));
    assert_eq!(overdue(), "[]");
    let log = bob.json(&["audit", "show", &guard.hg.server().to_string_lossy()], 0).to_string();
    assert!(log.contains("\"review\""), "{log}");
}

#[test]
fn who_wrote_what_an_override_let_in_is_told_before_they_review_it() {
    let guard = Guard::new(
        "[[rule]]\nname = \"freeze\"\nbranches = [\"default\"]\ndeny = true\noverride = { role = \"leads\", approvals = 1 }\n",
    );
    let (bob, carol) = (guard.desk(BOB, Transport::Ssh), guard.desk(CAROL, Transport::Ssh));
    bob.change("src/a", "change");
    let commit = bob.change("src/b", "change").hex();
    bob.must(&["request", "."]);
    carol.must(&["sign", &commit, "--override", "freeze", "--reason", "on fire", "--yes"]);
    assert_eq!(bob.push(&[]).code, Some(0));
    let said = bob.ends(&["review", &commit, "--yes"], 1);
    let words = format!("bob wrote {commit}, which came with the override: somebody else reviews it");
    assert!(said.contains(&words), "{said}");
}

#[test]
fn a_role_is_delegated_from_a_clone_that_stays_as_it_is() {
    let guard = Guard::new(
        "[roles.boss]\nmembers = [\"bob\"]\ndelegable = true\n[[rule]]\nname = \"r\"\nbranches = [\"default\"]\n\
         require = [{ role = \"boss\", approvals = 1 }]\n",
    );
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Http));
    let carol = guard.desk(CAROL, Transport::Ssh);
    let commit = alice.change("src/a", "change").hex();
    alice.must(&["request", "."]);
    untouched(&bob, || bob.must(&["delegate", "boss", "--to", "carol", "--until", "7d", "--yes"]));
    assert!(carol.must(&["sign", &commit, "--yes"]).contains("yours counts, as `boss`, for bob"));
    assert_eq!(alice.push(&[]).code, Some(0));
}

#[test]
fn status_and_explain_say_what_the_server_would_say() {
    let guard = Guard::new(REVIEW);
    let (alice, carol) = (guard.desk(ALICE, Transport::Ssh), guard.desk(CAROL, Transport::Ssh));
    let commit = alice.change("src/a", "change").hex();
    untouched(&alice, || {
        let status = alice.json(&["status"], 1);
        assert_eq!((&status["verdict"], &status["pusher"]), (&"deny".into(), &"alice".into()));
        assert_eq!(status["updates"][0]["rules"][0]["could_sign"], serde_json::json!(["bob", "carol"]));
        let explained = alice.json(&["explain", "--branch", "default"], 1);
        assert_eq!(explained["rules"][0]["commits"][0]["id"], format!("hg-sha1:{commit}"));
        // A bookmark that no rule names.
        assert_eq!(alice.json(&["status", "--bookmark", "idea"], 0)["updates"][0]["action"], "create");
    });
    carol.hg(&["pull", "--quiet", &alice.clone.to_string_lossy()]);
    carol.must(&["sign", &commit, "--yes"]);
    assert_eq!(alice.json(&["status"], 0)["verdict"], "allow");
    assert_eq!(alice.json(&["status", "--as", "carol"], 1)["verdict"], "deny");
    assert_eq!(alice.push(&[]).code, Some(0));
    assert!(alice.ends(&["status"], 1).contains("already"));
}

#[test]
fn a_central_repository_explains_what_waits_in_its_sibling() {
    let guard = Guard::new(REVIEW);
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    let commit = alice.change("src/a", "change").hex();
    alice.must(&["request", "."]);
    let server = guard.hg.path("server");
    let server = server.to_str().expect("a plain path");
    let central = ["explain", "--branch", "default", "--new", &commit, "--as", "alice", "--repository", server];
    let explained = alice.json(&central, 1);
    assert_eq!(explained["rules"], alice.json(&["explain", "--branch", "default"], 1)["rules"]);
    assert_eq!(explained["updates"][0]["rules"][0]["could_sign"], serde_json::json!(["bob", "carol"]));
    bob.must(&["sign", &commit, "--yes"]);
    assert_eq!(alice.json(&central, 0)["updates"][0]["rules"][0]["counted"][0]["who"], "bob");
}

#[test]
fn a_branch_with_several_heads_is_signed_for_with_all_of_them() {
    let guard = Guard::new(REVIEW);
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    let base = guard.server_ids("default");
    let mut heads = Vec::new();
    for (file, action) in [("src/a", "update"), ("src/b", "new-head")] {
        alice.hg(&["update", "--quiet", &base[0].hex()]);
        let commit = alice.change(file, file);
        bob.hg(&["pull", "--quiet", &alice.clone.to_string_lossy()]);
        let signed = bob.json(&["sign", &commit.hex(), "--yes", "--branch", "default"], 0);
        assert_eq!(signed["tokens"][0]["action"], action);
        assert_eq!(alice.push(&["--force", "--rev", &commit.hex()]).code, Some(0));
        heads.push(commit);
    }
    heads.sort();
    alice.hg(&[
        "merge",
        "--quiet",
        &heads.iter().find(|id| id.hex() != alice.hg(&["id", "-i", "--debug"]).trim()).expect("another").hex(),
    ]);
    let merge = alice.change("src/c", "merge");
    bob.hg(&["pull", "--quiet", &alice.clone.to_string_lossy()]);
    let signed = bob.json(&["sign", &merge.hex(), "--yes"], 0);
    let base: Vec<String> = heads.iter().map(ToString::to_string).collect();
    assert_eq!(signed["tokens"][0]["base"], serde_json::json!(base));
    alice.hg(&["commit", "--close-branch", "--quiet", "--message", "closed"]);
    assert_eq!(alice.json(&["status"], 1)["updates"][0]["action"], "close");
    let pushed = alice.push(&["--rev", &merge.hex()]);
    assert_eq!(pushed.code, Some(0), "{}", pushed.said);
}

#[test]
fn two_who_sign_at_the_same_time_both_win() {
    let guard = Guard::new(&REVIEW.replace("approvals = 1", "approvals = 2"));
    let desks = [BOB, CAROL].map(|who| guard.desk(who, Transport::Http));
    let alice = guard.desk(ALICE, Transport::Http);
    let commit = alice.change("src/a", "change").hex();
    for desk in &desks {
        desk.hg(&["pull", "--quiet", &alice.clone.to_string_lossy()]);
    }
    std::thread::scope(|scope| {
        for desk in &desks {
            scope.spawn(|| desk.must(&["sign", &commit, "--yes"]));
        }
    });
    assert_eq!(alice.json(&["tokens"], 0)["tokens"].as_array().map(Vec::len), Some(2));
    assert_eq!(alice.push(&[]).code, Some(0));
}

#[test]
fn a_token_that_is_kept_waits_in_the_clone_until_it_is_sent() {
    let guard = Guard::new(REVIEW);
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    let commit = alice.change("src/a", "change").hex();
    bob.hg(&["pull", "--quiet", &alice.clone.to_string_lossy()]);
    untouched(&bob, || bob.must(&["sign", &commit, "--yes", "--local"]));
    assert_eq!(bob.json(&["sync"], 0)["waiting"], 1);
    assert_eq!(alice.json(&["tokens"], 0)["tokens"], serde_json::json!([]));
    let sent = bob.json(&["sync", "--send"], 0);
    assert_eq!((sent["sent"].as_array().map(Vec::len), &sent["waiting"]), (Some(1), &0.into()));
    assert_eq!(bob.json(&["sync", "--send"], 0)["sent"], serde_json::json!([]));
    assert_eq!(alice.json(&["tokens"], 0)["tokens"].as_array().map(Vec::len), Some(1));
    assert_eq!(std::fs::read_dir(bob.clone.join(".hg/jit/waiting")).expect("a folder").count(), 0);
}

#[test]
fn a_secret_changeset_is_not_sent_and_the_reason_is_said() {
    let guard = Guard::new(REVIEW);
    let alice = guard.desk(ALICE, Transport::Ssh);
    let below = alice.change("src/a", "below").hex();
    let above = alice.change("src/b", "above").hex();
    alice.hg(&["phase", "--secret", "--force", &below]);
    for rev in [&below, &above] {
        let said = untouched(&alice, || alice.ends(&["request", rev], 1));
        assert!(said.contains("secret") && said.contains(&format!("`hg phase --draft {below}`")), "{said}");
    }
    let requests = guard.hg.ok(&guard.hg.path("server-requests"), &["log", "--template", "{node}"]);
    assert!(!requests.contains(&below), "{requests}");
}

#[test]
fn another_repository_under_the_same_name_is_noticed() {
    let guard = Guard::new(REVIEW);
    let other = Guard::new(REVIEW);
    let bob = guard.desk(BOB, Transport::Ssh);
    let commit = bob.change("src/a", "change").hex();
    bob.must(&["sync"]);
    let rc = bob.clone.join(".hg/hgrc");
    let text = std::fs::read_to_string(&rc).expect("read");
    let moved = |guard: &Guard| guard.hg.server().to_string_lossy().into_owned();
    std::fs::write(&rc, text.replace(&moved(&guard), &moved(&other))).expect("written");
    for args in [&["sync"][..], &["sign", &commit, "--yes"], &["status"]] {
        let said = bob.ends(args, 1);
        assert!(said.contains("another repository than before"), "{said}");
    }
    assert_eq!(other.hg.ok(&other.hg.server(), &["log", "--template", "x", "--rev", "desc('re:^jit1')"]), "");
    // The log is remembered apart from the name, so forgetting the name alone does not help.
    let said = bob.ends(&["sync"], 1);
    let file = said.split("rm '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a file is named");
    std::fs::remove_file(file).expect("removed");
    assert!(bob.ends(&["sync"], 1).contains("has another key than before"));
}

#[test]
fn what_cannot_be_is_said_and_nothing_is_sent() {
    let guard = Guard::new(REVIEW);
    let bob = guard.desk(BOB, Transport::Ssh);
    let commit = bob.change("src/a", "change").hex();
    let unknown = "1".repeat(40);
    let before = guard.hg.server_state();
    let cases: [(&[&str], i32, &str); 10] = [
        (&["sign", &commit, "--yes", "--ref", "refs/heads/main"], 2, "Mercurial has no refs"),
        (&["sign", &commit, "--yes", "--action", "delete", "--branch", "default"], 2, "cannot delete a named branch"),
        (&["sign", &commit, "--yes", "--action", "close"], 2, "is not close but update"),
        (&["sign", &commit, "--yes", "--action", "publish"], 3, "comes to nothing"),
        (&["sign", &unknown, "--yes"], 3, "no request on the server brings it"),
        (&["sign", "nonsense", "--yes"], 2, "is not a commit here"),
        (&["sign", "r-000000000000", "--yes"], 1, "the server has no request"),
        (&["sign", &commit, "--yes", "--remote", "nowhere"], 3, "was not reached"),
        (&["sign", &commit, "--yes", "--remote", ""], 2, "`--remote` wants a name or a URL"),
        (&["sign", &commit], 2, "no terminal"),
    ];
    for (args, code, words) in cases {
        let said = untouched(&bob, || bob.ends(args, code));
        assert!(said.contains(words), "{args:?}: no `{words}` in {said}");
    }
    assert_eq!(guard.hg.server_state(), before);
}

#[test]
fn a_clone_that_asks_stops_a_push_that_would_be_refused_and_no_other() {
    let guard = Guard::new(REVIEW);
    let (alice, bob) = (guard.desk(ALICE, Transport::Ssh), guard.desk(BOB, Transport::Ssh));
    alice.must(&["install"]);
    alice.must(&["install"]);
    let commit = alice.change("src/a", "change").hex();
    let entries = guard.entries().len();
    for args in [&[][..], &["--quiet"], &["--rev", "."]] {
        let said = alice.push(args);
        assert_eq!(said.code, Some(255), "{}", said.said);
        for words in ["denied", &format!("`jit sign {commit} --branch default`"), "stopped before anything was sent"] {
            assert!(said.said.contains(words), "no `{words}` in {}", said.said);
        }
    }
    assert_eq!(guard.entries().len(), entries, "the server was asked");
    let said = alice.push(&["--config", "hooks.pre-push.jit="]).said;
    assert!(said.contains("jit: denied") && !said.contains("stopped before"), "{said}");
    assert!(guard.entries().len() > entries, "the server was not asked");

    bob.hg(&["pull", "--quiet", &alice.clone.to_string_lossy()]);
    bob.must(&["sign", &commit, "--yes"]);
    let pushed = alice.push(&[]);
    assert_eq!(pushed.code, Some(0), "{}", pushed.said);

    // Where nothing can be asked it does not stand in the way.
    let next = alice.change("src/b", "next").hex();
    let elsewhere = guard.hg.path("elsewhere");
    guard.hg.ok(guard.hg.root.path(), &["init", &elsewhere.to_string_lossy()]);
    let pushed = alice.push(&["--rev", &next, &elsewhere.to_string_lossy()]);
    assert_eq!(pushed.code, Some(0), "{}", pushed.said);
    assert!(pushed.said.contains("note: this push cannot be judged here"), "{}", pushed.said);
    alice.must(&["uninstall"]);
    assert!(!alice.push(&[]).said.contains("stopped before"));
}
