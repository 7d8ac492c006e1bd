//! Approvals that travel with pushes: as changesets, alone or with code, and as push variables.

use crate::guard::{Guard, id};
use crate::hg::Transport;
use crate::support::{ALICE, BOB, MALLORY, Person, sign};
use jit::domain::approval::SignedToken;
use jit::domain::change::ChangesetId;
use std::fs;

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";

fn signed(guard: &Guard, who: Person, subject: ChangesetId) -> SignedToken {
    let base = guard.server_ids("default");
    sign(who, guard.approval(subject, "branch:default", "update", &base))
}

#[test]
fn an_approval_alone_is_kept_published_and_recorded() {
    let guard = Guard::new(REVIEW);
    let commit = guard.change("src/a", "change");
    let (file, ids) = guard.bundle("token.hg", &[signed(&guard, BOB, commit)]);
    let sent = guard.send(BOB, &file);
    assert_eq!(sent.code, Some(0), "{}", sent.said);
    assert_eq!(guard.server_ids("branch('jit-approvals') and public() and user(bob)"), ids);
    let decision = guard.decisions().pop().expect("a decision");
    assert_eq!(decision.updates[0].target.to_string(), "branch:jit-approvals");
    assert_eq!((&decision.updates[0].new, &decision.updates[0].after), (&ids, &Some(vec![])));
    guard.accepted(ALICE, Transport::Http, &[]);
}

#[test]
fn code_and_its_approval_come_in_one_transaction() {
    let guard = Guard::new(REVIEW);
    let commit = guard.change("src/a", "change");
    let (file, ids) = guard.bundle("token.hg", &[signed(&guard, BOB, commit)]);
    guard.hg.ok(&guard.work, &["unbundle", "--quiet", &file]);
    guard.accepted(ALICE, Transport::Ssh, &["--force", "--rev", ".", "--rev", &ids[0].hex()]);
    assert_eq!(guard.decisions().len(), 1);
    assert_eq!(guard.decisions()[0].updates.len(), 2);
}

#[test]
fn an_approval_is_kept_also_when_its_push_is_refused() {
    let two = "[[rule]]\nname = \"two\"\nbranches = [\"default\"]\nrequire = [{ role = \"leads\", approvals = 2 }]\n";
    let guard = Guard::new(two);
    let commit = guard.change("src/a", "change");
    let (file, ids) = guard.bundle("token.hg", &[signed(&guard, BOB, commit)]);
    guard.hg.ok(&guard.work, &["unbundle", "--quiet", &file]);
    let push = ["--force", "--rev", ".", "--rev", &ids[0].hex()];
    guard.refused(
        ALICE,
        Transport::Ssh,
        &push,
        &["needs 2 approvals from `leads`; has 1 (bob)", "1 new tokens are kept"],
    );
}

#[test]
fn what_may_not_be_kept_refuses_the_push() {
    let guard = Guard::new("");
    let commit = guard.id_of("0");
    let other = jit::domain::approval::Token {
        repository: "other@8c95146e8919d19cc4639551b3c6f468".into(),
        ..guard.approval(commit, "branch:default", "update", &[commit])
    };
    let cases = [
        (signed(&guard, MALLORY, commit), "signed with a key that the policy does not know"),
        (sign(BOB, other), "signed for repository other@"),
    ];
    for (token, words) in cases {
        let before = guard.hg.server_state();
        let (file, ids) = guard.bundle("token.hg", &[token]);
        let sent = guard.send(BOB, &file);
        assert_eq!(sent.code, Some(255), "{}", sent.said);
        assert!(sent.said.contains(words), "{}", sent.said);
        assert!(sent.said.contains(&format!("jit: denied: {} may not be added", ids[0])), "{}", sent.said);
        assert_eq!(guard.hg.server_state(), before);
    }
    // What is no token at all, on the branch of approvals.
    guard.hg.ok(&guard.work, &["branch", "--quiet", "jit-approvals"]);
    guard.change("src/a", "hello");
    guard.refused(
        ALICE,
        Transport::Ssh,
        &["--force", "--rev", "."],
        &["is on the approvals' branch and is no approval"],
    );
}

#[test]
fn a_token_in_push_variables_counts() {
    let guard = Guard::new(REVIEW);
    let hgrc = guard.hg.server().join(".hg/hgrc");
    let old = fs::read_to_string(&hgrc).expect("settings");
    fs::write(&hgrc, format!("[push]\npushvars.server = true\n{old}")).expect("written");
    let commit = guard.change("src/a", "change");
    let token = signed(&guard, BOB, commit).text;
    let pieces: Vec<&[u8]> = token.as_bytes().chunks(250).collect();
    let variables: Vec<String> = pieces
        .iter()
        .enumerate()
        .map(|(number, piece)| format!("JIT_TOKEN_{number}={}", String::from_utf8_lossy(piece)))
        .collect();
    let with = |variables: &[String]| -> Vec<String> {
        variables.iter().flat_map(|variable| ["--pushvars".to_owned(), variable.clone()]).collect()
    };
    let (part, all) = (with(&variables[1..]), with(&variables));
    let strings = |list: &'_ [String]| list.iter().map(String::as_str).collect::<Vec<_>>().join("\u{1}");
    let part = strings(&part);
    guard.refused(
        ALICE,
        Transport::Ssh,
        &part.split('\u{1}').collect::<Vec<_>>(),
        &["a token of the push is not kept"],
    );
    let all = strings(&all);
    guard.accepted(ALICE, Transport::Http, &all.split('\u{1}').collect::<Vec<_>>());
    assert_eq!(guard.server_ids("default"), [id(&commit.hex())]);
}
