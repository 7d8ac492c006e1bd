//! Approvals as changesets: written by us, carried by stock Mercurial, kept apart from everything else.

use crate::branches::world;
use crate::hg::{TRANSPORTS, TestHg, Transport};
use crate::hg_judge::{Judge, described, reason};
use jit::adapters::mercurial::Bundle;
use jit::domain::time::Timestamp;
use std::path::{Path, PathBuf};

const ALICE: &str = "Alice <alice@example.com>";

/// Writes a bundle with these tokens; returns the file and the first changeset's node.
pub fn bundle(test: &TestHg, name: &str, tokens: &[&str]) -> (PathBuf, String) {
    let time = Timestamp::parse("2026-11-21T20:00:00Z").expect("a time");
    let bundle = Bundle::of_tokens(tokens, ALICE, time).expect("tokens");
    let path = test.path(name);
    std::fs::write(&path, &bundle.bytes).expect("a bundle can be written");
    (path, bundle.ids[0].hex())
}

fn tokens(judge: &Judge, hook: &str) -> Vec<String> {
    judge.seen(hook).iter().flat_map(|seen| &seen.tokens).map(|(_, text)| text.clone()).collect()
}

#[test]
fn a_token_is_pushed_from_its_bundle_and_nothing_else_changes() {
    let (test, judge, clone) = world("[phases]\npublish = no");
    test.write(&clone, "src/a", "not recorded");
    let status = test.ok(&clone, &["status"]);
    let before = test.ok(&clone, &["log", "--template", "{node}\n"]);
    for (number, transport) in TRANSPORTS.into_iter().enumerate() {
        let token = format!("jit1.token{number}.signature");
        let (path, node) = bundle(&test, &format!("{number}.hg"), &[&token]);
        judge.seen("");
        let url = test.url(transport);
        let push = test.hg(&clone, &["push", "-f", "-R", &path.to_string_lossy(), &url]);
        assert_eq!(push.code, Some(0), "{transport:?}: {}", push.said);
        let seen = judge.seen("pretxnclose");
        assert_eq!(seen.len(), 1);
        let updates = seen[0].updates.as_ref().expect("not refused");
        assert!(updates.iter().all(|update| update.target.is_own()), "no rule judges an approval: {updates:?}");
        assert_eq!(
            seen[0].tokens.iter().map(|(id, text)| (id.hex(), text.clone())).collect::<Vec<_>>(),
            [(node.clone(), token)]
        );
        assert!(test.server_state().contains(&format!("{node} public")), "made public in the same transaction");
    }
    assert_eq!(test.ok(&clone, &["log", "--template", "{node}\n"]), before);
    assert_eq!(test.ok(&clone, &["status"]), status);
    let heads =
        test.ok(&test.server(), &["heads", "jit-approvals", "--closed", "--template", "{p1rev} {files}|{branch}\n"]);
    assert_eq!(heads, "-1 |jit-approvals\n".repeat(3));
}

#[test]
fn a_bundle_that_we_write_is_one_for_every_command() {
    let (test, _judge, clone) = world("");
    let (path, node) = bundle(&test, "two.hg", &["jit1.a.b", "jit1.c.d"]);
    let path = path.to_string_lossy();
    let log =
        test.ok(test.root.path(), &["log", "-R", &path, "--template", "{desc} {branch} {author} {date|isodate}\n"]);
    assert_eq!(
        log,
        "jit1.c.d jit-approvals Alice <alice@example.com> 2026-11-21 20:00 +0000\n\
         jit1.a.b jit-approvals Alice <alice@example.com> 2026-11-21 20:00 +0000\n"
    );
    test.ok(&clone, &["unbundle", "-q", &path]);
    assert_eq!(test.node(&clone, "desc('jit1.a.b')"), node);
    test.ok(&clone, &["verify", "-q"]);
    assert_eq!(test.ok(&clone, &["branch"]), "default\n");
}

#[test]
fn code_and_its_tokens_travel_in_one_push() {
    let (test, judge, clone) = world("");
    let (path, node) = bundle(&test, "token.hg", &["jit1.a.b"]);
    test.ok(&clone, &["unbundle", "-q", &path.to_string_lossy()]);
    let code = test.change(&clone, "src/a", "code");
    judge.seen("");
    let push = test.push(&clone, Transport::Ssh, &["-f", "-r", &code, "-r", &node]);
    assert_eq!(push.code, Some(0), "{}", push.said);
    let seen = judge.seen("pretxnclose");
    let updates = seen[0].updates.as_ref().expect("not refused");
    assert_eq!(
        described(&test, &[&clone], updates),
        [
            "branch:default update,publish base -> code: code(src/a)",
            "branch:jit-approvals create  -> jit1.a.b: jit1.a.b()"
        ]
    );
    assert_eq!(seen[0].tokens.len(), 1);
    // Nothing is told of it again.
    test.change(&clone, "src/a", "later");
    assert_eq!(test.push(&clone, Transport::Ssh, &[]).code, Some(0));
    assert_eq!(tokens(&judge, "pretxnclose"), Vec::<String>::new());
}

/// A name, what makes the changeset, and the reason that is expected.
type Case<'a> = (&'a str, &'a dyn Fn(&TestHg, &Path), &'a str);

#[test]
fn the_approvals_branch_has_room_for_approvals_only() {
    let cases: [Case<'_>; 4] = [
        (
            "a changeset with a file",
            &|test, clone| {
                test.ok(clone, &["update", "-q", "null"]);
                test.ok(clone, &["branch", "-q", "-f", "jit-approvals"]);
                test.change(clone, "src/a", "jit1.a.b");
            },
            "it has files",
        ),
        (
            "a changeset on top of code",
            &|test, clone| {
                test.ok(clone, &["branch", "-q", "jit-approvals"]);
                test.ok(clone, &["commit", "-m", "jit1.a.b"]);
            },
            "it has a parent",
        ),
        (
            "a changeset on top of an approval",
            &|test, clone| {
                let (path, node) = bundle(test, "token.hg", &["jit1.a.b"]);
                test.ok(clone, &["unbundle", "-q", &path.to_string_lossy()]);
                test.ok(clone, &["update", "-q", &node]);
                test.ok(clone, &["commit", "--config", "ui.allowemptycommit=yes", "-m", "jit1.c.d"]);
            },
            "it has a parent",
        ),
        (
            "a text that is no token",
            &|test, clone| {
                test.ok(clone, &["update", "-q", "null"]);
                test.ok(clone, &["branch", "-q", "-f", "jit-approvals"]);
                test.ok(clone, &["commit", "-m", "open", "--config", "ui.allowemptycommit=yes"]);
            },
            "it is not a closed changeset of that branch alone",
        ),
    ];
    for (name, make, expected) in cases {
        let (test, _judge, clone) = world("");
        make(&test, &clone);
        let before = test.server_state();
        for transport in [Transport::Local, Transport::Http] {
            let push = test.push(&clone, transport, &["-f", "--new-branch"]);
            assert_eq!(push.code, Some(255), "{name}: {}", push.said);
            assert!(push.said.contains(expected), "{name}: {}", push.said);
            assert_eq!(test.server_state(), before, "{name}");
        }
    }
}

#[test]
fn no_name_is_set_on_an_approval() {
    let (test, judge, clone) = world("");
    let (path, node) = bundle(&test, "token.hg", &["jit1.a.b"]);
    let push = test.hg(&clone, &["push", "-f", "-R", &path.to_string_lossy(), &test.url(Transport::Local)]);
    assert_eq!(push.code, Some(0), "{}", push.said);
    test.ok(&clone, &["pull", "-q", &test.url(Transport::Local)]);
    let before = test.server_state();
    test.ok(&clone, &["bookmark", "-r", &node, "release"]);
    let push = test.push(&clone, Transport::Ssh, &["-B", "release"]);
    assert!(push.said.contains("bookmark:release would name approvals"), "{}", push.said);
    test.ok(&clone, &["tag", "-r", &node, "v1"]);
    let push = test.push(&clone, Transport::Ssh, &["-r", "tip"]);
    assert!(push.said.contains("tag:v1 would name approvals"), "{}", push.said);
    assert_eq!(test.server_state(), before);
    assert!(
        judge
            .seen("pretxnclose")
            .iter()
            .all(|seen| seen.updates.as_ref().err().is_some_and(|e| !reason(e).is_empty()) || !seen.tokens.is_empty())
    );
}
