//! What `jit sign` and `jit reject` write of a change's content, and how that follows it: the whole way, typed by people.

use crate::support::{ALICE, BOB, CAROL, Desk, TestRepo};

const FOLLOWING: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\npaths = [\"!docs/**\"]\nbind = \"content\"\n\
                         require = [{ role = \"maintainers\", approvals = 1 }]\n";

fn head(desk: &Desk<'_>) -> String {
    desk.git(&["rev-parse", "HEAD"])
}

#[test]
fn an_approval_follows_a_rebase_and_a_rejection_an_amended_message() {
    let repo = TestRepo::new(FOLLOWING);
    let (alice, bob, carol) = (repo.desk(ALICE), repo.desk(BOB), repo.desk(CAROL));
    alice.commit("src/a");
    alice.commit("src/b");
    let asked = head(&alice);
    alice.must(&["request", &asked, "--branch", "main"]);
    bob.must(&["sign", &asked, "--branch", "main", "--yes"]);

    carol.commit("docs/other");
    assert!(carol.push(&["HEAD:main"]).succeeded());
    alice.git(&["pull", "--quiet", "--rebase", "origin", "main"]);
    let rebased = head(&alice);
    assert_ne!(rebased, asked);
    let status = alice.json(&["status", &rebased, "--branch", "main"], 0);
    assert!(status.to_string().contains("\"who\":\"bob\""), "{status}");

    alice.must(&["request", &rebased, "--branch", "main"]);
    carol.must(&["reject", &rebased, "--branch", "main", "--reason", "not yet", "--yes"]);
    alice.git(&["commit", "--quiet", "--amend", "-m", "better words"]);
    let amended = head(&alice);
    repo.must_refuse(|| alice.push(&["HEAD:main"]), &["carol", "not yet"]);
    alice.must(&["request", &amended, "--branch", "main"]);
    let said = carol.must(&["sign", &amended, "--branch", "main", "--yes"]);
    assert!(said.err.contains("takes your rejection"), "{}", said.err);
    let pushed = alice.push(&["HEAD:main"]);
    assert!(pushed.succeeded(), "{}", pushed.err);
}
