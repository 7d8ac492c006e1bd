//! What people type in their clones, with real pushes: asking, signing, saying no, and taking it back.

use crate::support::{ALICE, BOB, CAROL, Desk, MAIN, MALLORY, TestRepo, run};

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nttl = \"24h\"\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

/// Runs `jit`, which must end with `code`, name each of `words`, and leave the server's refs alone.
#[track_caller]
fn fails(repo: &TestRepo, desk: &Desk<'_>, arguments: &[&str], code: i32, words: &[&str]) {
    let before = repo.all_refs();
    let said = desk.jit(arguments);
    assert_eq!(said.code, Some(code), "jit {arguments:?}: {}", said.err);
    for word in words {
        assert!(said.err.contains(word), "jit {arguments:?}: no `{word}` in:\n{}", said.err);
    }
    assert_eq!(repo.all_refs(), before);
}

#[test]
fn a_request_is_signed_without_any_option_and_the_push_is_let_in() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let old = alice.git(&["rev-parse", "HEAD"]);
    let commit = alice.commit("src/lib.rs").hex();
    let refused = alice.push(&["HEAD:main"]);
    let asked = alice.json(&["request", "HEAD", "--branch", "main", "--reason", "for the release"], 0);
    let sign = format!("`jit sign {}`", asked["request"].as_str().expect("an id"));
    for typed in [format!("`jit request {commit} --branch main`"), sign] {
        assert!(refused.err.contains(&typed), "no {typed} in:\n{}", refused.err);
    }

    let said = bob.must(&["sign", &commit, "--yes"]);

    let shown = ["bob approves", "target     refs/heads/main", "action     update", "(1day)", "for the release"];
    let change = ["alice@example.com \"change src/lib.rs\"", "A src/lib.rs +1 -0", "yours counts, as `maintainers`"];
    for words in shown.iter().chain(&change).copied().chain([commit.as_str(), old.as_str()]) {
        assert!(said.err.contains(words), "no `{words}` in:\n{}", said.err);
    }
    assert!(said.text().contains("nothing is missing for refs/heads/main"), "{}", said.text());
    assert!(alice.push(&["HEAD:main"]).succeeded());
    assert_eq!(repo.server_tip(MAIN).map(|id| id.hex()), Some(commit));
}

#[test]
fn without_a_terminal_nothing_is_signed_unless_told_to() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    bob.must(&["sign", &commit, "--yes"]);
    let token = bob.json(&["tokens"], 0)["tokens"][0]["id"].as_str().expect("an id").to_owned();
    for arguments in [["sign", &commit], ["reject", &commit], ["revoke", &token]] {
        fails(&repo, &bob, &arguments, 2, &["no terminal", "hint: `--yes`"]);
    }
}

#[test]
fn one_commit_of_a_request_can_be_signed_alone() {
    let repo = TestRepo::new(
        "[[rule]]\nname = \"migrations\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\nreason = \"T-[0-9]+\"\n\
         require = [{ role = \"dba\", approvals = 1 }]\n",
    );
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let migration = alice.commit("db/1.sql").hex();
    alice.commit("src/lib.rs");
    let said = alice.push(&["HEAD:main"]);
    for words in ["each with a reason that matches `T-[0-9]+`", "can run `jit sign r-", " --reason '…'`"] {
        assert!(said.err.contains(words), "no `{words}` in:\n{}", said.err);
    }
    // It is in nobody's hands yet.
    fails(&repo, &bob, &["sign", &migration, "--branch", "main", "--yes"], 3, &["no request on the server brings it"]);
    alice.must(&["request", "HEAD", "--branch", "main"]);

    let said = bob.must(&["sign", &migration, "--branch", "main", "--reason", "typo", "--yes"]);
    assert!(said.err.contains("yours will not count: its reason is not what the rule asks for"), "{}", said.err);
    assert!(!alice.push(&["HEAD:main"]).succeeded());
    bob.must(&["sign", &migration, "--branch", "main", "--reason", "T-7", "--yes"]);
    assert!(alice.push(&["HEAD:main"]).succeeded());
}

#[test]
fn a_rejection_stops_the_push_until_its_signer_takes_it_back() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    bob.must(&["sign", &commit, "--yes"]);
    let token = carol.json(&["reject", &commit, "--reason", "not on a Friday", "--yes"], 0);
    let id = token["tokens"][0]["id"].as_str().expect("an id");
    let refused = alice.push(&["HEAD:main"]);
    assert!(!refused.succeeded());
    for words in ["was rejected by carol", "not on a Friday", "talk to carol"] {
        assert!(refused.err.contains(words), "no `{words}` in:\n{}", refused.err);
    }

    fails(&repo, &bob, &["revoke", id, "--yes"], 1, &["is carol's token, and you are bob"]);
    fails(&repo, &carol, &["revoke", &id[..7], "--yes"], 2, &["8 are needed"]);
    carol.must(&["revoke", &id[..8], "--yes"]);
    assert!(alice.push(&["HEAD:main"]).succeeded());
}

#[test]
fn a_printed_token_travels_as_a_push_option_and_a_kept_one_later() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let first = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    let before = repo.server_tip("refs/jit/approvals");
    let printed = bob.must(&["sign", &first, "--print", "--yes"]).text();
    assert!(printed.starts_with("jit1.") && printed.lines().count() == 1, "{printed}");
    assert_eq!(repo.server_tip("refs/jit/approvals"), before);
    assert!(!alice.push(&["HEAD:main"]).succeeded());
    assert!(alice.push(&["-o", &format!("jit-token={printed}"), "HEAD:main"]).succeeded());

    let second = alice.commit("b").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    bob.must(&["sign", &second, "--local", "--yes"]);
    assert!(!alice.push(&["HEAD:main"]).succeeded());
    bob.must(&["sync", "--send"]);
    assert!(alice.push(&["HEAD:main"]).succeeded());
}

#[test]
fn what_cannot_be_signed_is_answered_with_why() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob, mallory) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(MALLORY));
    let landed = bob.git(&["rev-parse", "HEAD"]);
    let commit = alice.commit("a").hex();
    alice.must(&["request", "HEAD", "--branch", "main"]);
    let cases: [(&Desk<'_>, &[&str], i32, &str); 8] = [
        (&mallory, &["sign", &commit, "--yes"], 3, "the policy lists none of your keys"),
        (&bob, &["sign", "nowhere", "--yes"], 2, "`nowhere` is not a commit here"),
        (&bob, &["sign", &commit[..12], "--yes"], 2, "is not a commit here"),
        (&bob, &["sign", "r-000000000000", "--yes"], 1, "the server has no request r-000000000000"),
        (&bob, &["sign", &landed, "--branch", "main", "--yes"], 1, "there is nothing to sign for"),
        (&bob, &["sign", &commit, "--branch", "refs/heads/main", "--yes"], 2, "wants a short name"),
        (&bob, &["sign", &commit, "--as", "kings", "--yes"], 2, "the policy has no role `kings`"),
        (&bob, &["sign", &commit, "--action", "rewrite", "--yes"], 2, "is not rewrite but update"),
    ];
    for (desk, arguments, code, words) in cases {
        fails(&repo, desk, arguments, code, &[words]);
    }
}

#[test]
fn a_server_that_was_set_back_is_noticed_until_somebody_accepts_it() {
    let repo = TestRepo::new(REVIEW);
    let bob = repo.desk(BOB);
    let restored = repo.path("back-up");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let mut copy = std::process::Command::new("cp");
        copy.arg("-a").args([from, to]);
        assert!(run(copy, b"").succeeded());
    };
    bob.commit("a");
    assert!(bob.push(&["HEAD:refs/heads/one"]).succeeded());
    copy(&repo.server(), &restored);
    assert!(bob.push(&["HEAD:refs/heads/two"]).succeeded());
    bob.must(&["sync"]);
    std::fs::remove_dir_all(repo.server()).expect("removed");
    copy(&restored, &repo.server());

    let said = bob.jit(&["sync"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("has shrunk") && said.err.contains("do not sign or push"), "{}", said.err);
    assert!(!bob.push(&["HEAD:refs/heads/two"]).succeeded());

    let server = repo.server();
    let server = server.to_str().expect("a plain path");
    assert_eq!(bob.jit(&["audit", "verify", server]).code, Some(1));
    bob.must(&["audit", "accept-restore", server, "--reason", "disk failed"]);
    assert!(bob.must(&["audit", "show", server]).text().contains("reason: disk failed"));
    assert!(bob.push(&["HEAD:refs/heads/two"]).succeeded());
    let file = said.err.split("remove ").nth(1).and_then(|rest| rest.split(" to start anew").next());
    std::fs::remove_file(file.expect("the hint names a file")).expect("removed");
    bob.must(&["sync"]);
}
