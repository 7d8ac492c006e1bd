//! What an approver sees and types beyond the usual: hostile words, protected keys, tokens taken back.

use crate::support::{ALICE, BOB, Desk, PROGRAM, TestRepo};
use serde_json::Value;
use std::process::{Command, Stdio};

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n";

/// A commit of alice's that waits for an approval where approvers can fetch it.
fn asked(repo: &TestRepo, alice: &Desk<'_>) -> String {
    let commit = alice.commit("src/lib.rs").hex();
    repo.must_refuse(|| alice.push(&["HEAD:main"]), &["`review` needs 1 approval from `maintainers`; has 0"]);
    alice.must(&["request", &commit, "--branch", "main"]);
    commit
}

#[test]
fn words_from_outside_cannot_steer_the_approvers_terminal() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    alice.git(&["commit", "--quiet", "--allow-empty", "-m", "harmless\u{1b}[2K\u{202e}"]);
    let commit = alice.git(&["rev-parse", "HEAD"]);
    alice.must(&["request", &commit, "--branch", "main", "--reason", "please\u{1b}]0;title\u{7}"]);
    let signed = bob.must(&["sign", &commit, "--branch", "main", "--reason", "fine\u{1b}[31m", "--yes"]);
    for text in [signed.err.clone(), signed.text()] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text}");
    }
    assert!(signed.err.contains("harmless\\u{1b}[2K\\u{202e}"), "{}", signed.err);
}

#[test]
fn a_revoked_approval_no_longer_counts_and_the_list_says_so() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let commit = asked(&repo, &alice);
    bob.must(&["sign", &commit, "--branch", "main", "--yes"]);
    let tokens = bob.json(&["tokens"], 0);
    assert!(tokens.to_string().contains(&commit), "{tokens}");
    let id = find(&tokens, "id").expect("a token's id");

    bob.must(&["revoke", &id[..12], "--yes"]);
    assert!(bob.must(&["tokens"]).text().contains("revoked"));
    repo.must_refuse(|| alice.push(&["HEAD:main"]), &["revoked by its signer"]);
}

/// The first string under `key`, wherever it stands.
fn find(value: &Value, key: &str) -> Option<String> {
    match value {
        Value::Object(map) => {
            let here = map.get(key).and_then(Value::as_str).map(str::to_owned);
            here.or_else(|| map.values().find_map(|inner| find(inner, key)))
        }
        Value::Array(list) => list.iter().find_map(|inner| find(inner, key)),
        _ => None,
    }
}

#[test]
fn a_protected_key_asks_for_its_passphrase_without_showing_it() {
    let repo = TestRepo::new(REVIEW);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    let commit = asked(&repo, &alice);
    let key = bob.key();
    let protected = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "secret words", "-f"])
        .arg(&key)
        .stdout(Stdio::null())
        .status()
        .expect("these tests need `ssh-keygen`");
    assert!(protected.success());
    assert!(!bob.jit(&["sign", &commit, "--branch", "main", "--yes"]).succeeded(), "nobody could type the passphrase");

    // A terminal of its own, as a person has one; and a person reads before they type.
    let script = "import os,pty,sys,time\n\
        pid,fd=pty.fork()\n\
        if pid==0: os.execv(sys.argv[1],sys.argv[1:])\n\
        seen=b''\n\
        typed=False\n\
        while True:\n\
        \x20   try: part=os.read(fd,4096)\n\
        \x20   except OSError: break\n\
        \x20   if not part: break\n\
        \x20   seen+=part\n\
        \x20   if not typed and b'assphrase' in seen:\n\
        \x20       typed=True; time.sleep(0.5); os.write(fd,b'secret words\\n')\n\
        sys.stdout.buffer.write(seen)\n\
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))\n";
    let said = bob.python(&["-c", script, PROGRAM, "sign", &commit, "--branch", "main", "--yes"]);
    assert!(said.succeeded(), "{}\n{}", said.text(), said.err);
    assert!(said.text().contains("approved by bob") && !said.text().contains("secret words"), "{}", said.text());
    assert!(alice.push(&["HEAD:main"]).succeeded());
}

#[test]
fn an_approval_by_the_author_is_announced_as_useless_and_is() {
    let repo = TestRepo::new(REVIEW);
    let alice = repo.desk(ALICE);
    let commit = asked(&repo, &alice);
    let said = alice.must(&["sign", &commit, "--branch", "main", "--yes"]);
    assert!(said.err.contains("author"), "{}", said.err);
    repo.must_refuse(|| alice.push(&["HEAD:main"]), &["not counted: alice"]);
}
