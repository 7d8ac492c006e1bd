//! What a command learns of a clone and its server through the stock `hg`, without changing either.

use crate::branches::world;
use crate::hg::{TestHg, Transport, hg};
use crate::hg_judge::{described, loaded};
use jit::adapters::mercurial::{
    ApprovalsHead, Bundle, CLONE_SCRIPTS, CloneTalk, Closed, PolicyDescription, Request, Supposed,
};
use jit::domain::change::{ChangesetId, IdKind, Target};
use jit::domain::time::Timestamp;
use jit::ports::history::History as _;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

type Talk = CloneTalk<BufReader<ChildStdout>, ChildStdin>;

/// Starts `hg` with our script, as the program does.
fn talk(test: &TestHg, clone: &Path, remote: &str) -> (Talk, Child) {
    let folder = test.path("scripts");
    fs::create_dir_all(&folder).expect("a folder can be made");
    for (name, text) in CLONE_SCRIPTS {
        fs::write(folder.join(name), text).expect("the script can be written");
    }
    let setting = format!("extensions.jit_clone={}", folder.join("jit_clone.py").display());
    let mut command = test.command(&hg(), clone);
    command.args(["--quiet", "--config", &setting, "debugjit", "--remote", remote]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("hg starts");
    let (input, output) = (child.stdout.take().expect("a pipe"), child.stdin.take().expect("a pipe"));
    let request = Request::open(BufReader::new(input), output, None).expect("a well-formed beginning");
    (CloneTalk::over(request), child)
}

fn id(hex: &str) -> ChangesetId {
    ChangesetId::from_hex(IdKind::HgSha1, hex).expect("a full id")
}

fn name(name: &str) -> Box<[u8]> {
    name.as_bytes().into()
}

#[test]
fn a_supposed_push_is_what_a_real_one_would_be() {
    let (test, _judge, clone) = world("[phases]\npublish = no");
    let base = id(&test.node(&clone, "tip"));
    let one = id(&test.change(&clone, "src/a", "one"));
    let two = id(&test.change(&clone, "src/b", "two"));
    test.ok(&clone, &["bookmark", "-r", "desc(one)", "work"]);
    test.ok(&clone, &["tag", "-r", "desc(base)", "v1"]);
    assert_eq!(test.push(&clone, Transport::Local, &["-r", "tip", "-B", "work"]).code, Some(0));
    let tagged = id(&test.node(&clone, "tip"));
    test.ok(&clone, &["update", "-q", "desc(one)"]);
    let side = id(&test.change(&clone, "docs/readme", "side"));
    test.ok(&clone, &["commit", "--close-branch", "-m", "close"]);
    let close = id(&test.node(&clone, "tip"));
    // The server goes on; the clone does not pull.
    let (server, other) = (test.server(), test.clone("other"));
    test.ok(&other, &["update", "-q", "default"]);
    test.change(&other, "docs/more", "more");
    assert_eq!(test.push(&other, Transport::Local, &[]).code, Some(0));
    let log = test.ok(&clone, &["log", "--template", "{node}\n"]);

    let branch = |id| Supposed::Branch(name("default"), vec![id]);
    let cases = [
        (branch(side), "branch:default new-head,update more -> side: side(docs/readme)"),
        (branch(close), "branch:default close,new-head,update more -> close: close() side(docs/readme)"),
        (Supposed::Branch(name("other"), vec![side]), ""),
        (branch(two), ""),
        (Supposed::Bookmark(name("work"), Some(two)), "bookmark:work update one -> two: two(src/b)"),
        (Supposed::Bookmark(name("work"), Some(base)), "bookmark:work rewrite one -> base:"),
        (Supposed::Bookmark(name("work"), None), "bookmark:work delete one ->  tips one:"),
        (Supposed::Bookmark(name("new"), Some(side)), "bookmark:new create  -> side: side(docs/readme)"),
        (Supposed::Tag(name("v1"), Some(two)), "tag:v1 rewrite base -> two: two(src/b) one(src/a)"),
        (Supposed::Tag(name("v1"), None), "tag:v1 delete base ->  tips base:"),
        (Supposed::Tag(name("v2"), Some(one)), "tag:v2 create  -> one:"),
        (Supposed::Publish(name("default"), vec![two]), "branch:default publish more -> two: two(src/b) one(src/a)"),
    ];
    let (mut talk, mut child) = talk(&test, &clone, "default");
    for (supposed, expected) in cases {
        talk.suppose(&supposed).expect("answered");
        let updates = loaded(talk.history()).expect("read");
        let found = described(&test, &[&clone, &server], &updates).join("\n");
        assert_eq!(found, expected, "{supposed:?}");
    }
    let targets = talk.history().all_targets().expect("listed");
    let names: Vec<String> = targets.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["branch:default", "bookmark:work", "tag:v1"]);
    assert_eq!(targets[&Target::parse("bookmark:work").expect("a target")], [one]);
    assert_eq!(talk.reached(&[one, side], &[tagged]).expect("answered"), [one]);
    drop(talk);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(test.ok(&clone, &["log", "--template", "{node}\n"]), log, "nothing was pulled");
}

#[test]
fn revisions_branches_and_sizes_are_looked_up_on_both_sides() {
    let (test, _judge, clone) = world("");
    test.ok(&clone, &["branch", "-q", "café"]);
    test.write(&clone, "src/a", "base\nmore\n");
    test.write(&clone, "binary", "a\0b");
    fs::remove_file(clone.join("src/b")).expect("the file is there");
    let node = id(&test.commit(&clone, "change"));
    let other = test.clone("other");
    let there = test.change(&other, "docs/more", "more");
    assert_eq!(test.push(&other, Transport::Local, &[]).code, Some(0));
    let base = id(&test.node(&other, "desc(base)"));

    for transport in [Transport::Http, Transport::Ssh] {
        let (mut talk, _child) = talk(&test, &clone, &test.url(transport));
        let short = node.hex()[..12].to_owned();
        for revision in [".", "tip", "desc(change)", "café", node.hex().as_str(), short.as_str()] {
            assert_eq!(talk.resolve(revision).expect("answered"), Some(node), "{revision}");
        }
        assert_eq!(talk.resolve(&there).expect("answered"), Some(id(&there)), "only the server has it");
        for revision in ["", "nothing", &there[..12], "0", &"0".repeat(40), &"f".repeat(40), "a(", "--config", "\n"] {
            let found = talk.resolve(revision).expect("answered");
            assert!(found.is_none() || found == Some(base), "{revision}: {found:?}");
        }
        assert_eq!(*talk.branch_of(&node).expect("answered"), *"café".as_bytes());
        assert!(talk.branch_of(&id(&"f".repeat(40))).is_err());
        let size = talk.size(Some(&base), &node).expect("answered");
        let files: Vec<(String, char, usize, usize)> = size
            .files
            .iter()
            .map(|file| (String::from_utf8_lossy(&file.path).into_owned(), file.how, file.added, file.removed))
            .collect();
        assert_eq!(
            files,
            [("binary".to_owned(), 'A', 0, 0), ("src/a".to_owned(), 'M', 1, 0), ("src/b".to_owned(), 'D', 0, 1)]
        );
        assert_eq!((size.added, size.removed), (1, 1));
        assert_eq!(talk.size(None, &base).expect("answered").files.len(), 3);
    }
}

#[test]
fn the_servers_policy_approvals_and_requests_are_read_without_a_pull() {
    let (test, _judge, clone) = world("");
    let server = test.server();
    let time = Timestamp::parse("2026-11-21T20:00:00Z").expect("a time");
    let mut parent = None;
    for text in ["first", "second"] {
        let policy = [("policies/a.toml".to_owned(), text.as_bytes().to_vec())];
        let description = PolicyDescription(policy.into_iter().collect()).write().expect("text");
        let closed = Closed { branch: "jit-approvals", parent, user: "jit", time, description: &description };
        let bundle = Bundle::new(&[closed], true).expect("written");
        let path = test.path("policy.hg");
        fs::write(&path, &bundle.bytes).expect("written");
        let off = ["pretxnopen", "pretxnchangegroup", "pretxnclose", "txnclose", "txnabort"];
        let off: Vec<String> = off.iter().map(|hook| format!("hooks.{hook}.jit=")).collect();
        let mut args = vec!["unbundle", "-q"];
        args.extend(off.iter().flat_map(|setting| ["--config", setting.as_str()]));
        test.ok(&server, &[&args[..], &[&path.to_string_lossy()]].concat());
        parent = Some(bundle.ids[0]);
        assert_eq!(test.ok(&server, &["log", "-r", &bundle.ids[0].hex(), "-T", "{phase}"]), "public");
    }
    let tokens = Bundle::of_tokens(&["jit1.a.b", "jit1.c.d"], "alice", time).expect("written");
    fs::write(test.path("tokens.hg"), &tokens.bytes).expect("written");
    let tokens = test.path("tokens.hg").to_string_lossy().into_owned();
    let push = test.hg(&clone, &["push", "-f", "-R", &tokens, &test.url(Transport::Local)]);
    assert_eq!(push.code, Some(0), "{}", push.said);

    // The sibling, and a request in it.
    let sibling = test.path("server-requests");
    test.ok(test.root.path(), &["clone", "-q", "-U", &server.to_string_lossy(), &sibling.to_string_lossy()]);
    fs::write(sibling.join(".hg/hgrc"), "[phases]\npublish = False\n").expect("written");
    let other = test.clone("other");
    let subject = id(&test.change(&other, "src/a", "change"));
    let closed =
        Closed { branch: "jit-requests", parent: Some(subject), user: "bob", time, description: "jit-request/v1\nx" };
    let request = Bundle::new(&[closed], false).expect("written");
    fs::write(test.path("request.hg"), &request.bytes).expect("written");
    let overlay = format!("bundle:{}+{}", other.display(), test.path("request.hg").display());
    let node = request.ids[0].hex();
    let place = sibling.to_string_lossy();
    test.ok(&other, &["push", "-q", "-f", "--new-branch", "-R", &overlay, "-r", &node, &place]);
    test.ok(&other, &["debugpushkey", &place, "bookmarks", "r-000000000001", "", &node]);
    test.ok(&other, &["debugpushkey", &place, "bookmarks", "unrelated", "", &node]);
    assert_eq!(test.ok(&other, &["log", "-r", &subject.hex(), "-T", "{phase}"]), "draft");

    let log = test.ok(&clone, &["log", "--template", "{node}\n"]);
    let (mut talk, _child) = talk(&test, &clone, "default");
    let heads = talk.approvals().expect("answered");
    let texts: Vec<&str> = heads
        .iter()
        .filter_map(|head| match head {
            ApprovalsHead::Token(text) => Some(text.as_str()),
            ApprovalsHead::Other { .. } => None,
        })
        .collect();
    assert_eq!(texts.iter().copied().collect::<std::collections::BTreeSet<_>>(), ["jit1.a.b", "jit1.c.d"].into());
    let others: Vec<&ApprovalsHead> = heads.iter().filter(|head| !matches!(head, ApprovalsHead::Token(_))).collect();
    let [ApprovalsHead::Other { id: newest, description }] = others[..] else { panic!("the newest alone: {others:?}") };
    assert_eq!(Some(*newest), parent);
    assert!(PolicyDescription::is_meant(description));
    let requests = talk.requests().expect("answered");
    assert_eq!(requests.into_iter().collect::<Vec<_>>(), [("r-000000000001".to_owned(), request.ids[0])]);
    let found = talk.request(&request.ids[0]).expect("answered");
    assert_eq!((found.subject, &found.description[..]), (Some(subject), &b"jit-request/v1\nx"[..]));
    assert_eq!(talk.resolve(&subject.hex()).expect("answered"), None, "it is not here");
    assert_eq!(test.ok(&clone, &["log", "--template", "{node}\n"]), log, "nothing was pulled");
}
