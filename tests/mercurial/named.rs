//! Bookmarks, tags and phases, also where no changeset goes over, and every way by which a transaction comes about.

use crate::branches::{pushed, world};
use crate::hg::{TRANSPORTS, Transport, write_program};
use crate::hg_judge::{Judge, configure, described};
use jit::adapters::mercurial::Reply;

#[test]
fn bookmarks_are_created_moved_rewritten_and_deleted() {
    let (test, judge, clone) = world("");
    test.ok(&clone, &["bookmark", "@"]);
    test.change(&clone, "src/a", "one");
    assert_eq!(
        pushed(&test, &judge, &clone, &["-B", "@"]),
        ["branch:default update,publish base -> one: one(src/a)", "bookmark:@ create  -> one: one(src/a)"]
    );
    test.change(&clone, "src/a", "two");
    test.change(&clone, "src/a", "three");
    test.ok(&clone, &["bookmark", "-f", "-r", "desc(one)", "@"]);
    assert_eq!(
        pushed(&test, &judge, &clone, &["-r", "tip"]),
        ["branch:default update,publish one -> three: three(src/a) two(src/a)"]
    );
    test.ok(&clone, &["bookmark", "-f", "-r", "desc(three)", "@"]);
    assert_eq!(pushed(&test, &judge, &clone, &[]), ["bookmark:@ update one -> three: three(src/a) two(src/a)"]);
    test.ok(&clone, &["bookmark", "-f", "-r", "desc(two)", "@"]);
    assert_eq!(pushed(&test, &judge, &clone, &["-B", "@"]), ["bookmark:@ rewrite three -> two:"]);
    test.ok(&clone, &["bookmark", "-d", "@"]);
    assert_eq!(pushed(&test, &judge, &clone, &["-B", "@"]), ["bookmark:@ delete two ->  tips two:"]);
}

#[test]
fn tags_are_those_that_the_heads_together_give() {
    let (test, judge, clone) = world("");
    test.ok(&clone, &["tag", "-r", "desc(base)", "-m", "tag it", "v1"]);
    test.ok(&clone, &["tag", "--local", "-r", "desc(base)", "mine"]);
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:default update,publish base -> tag it: tag it(.hgtags)", "tag:v1 create  -> base:"]
    );
    test.change(&clone, "src/a", "one");
    test.ok(&clone, &["tag", "-f", "-r", "desc(one)", "-m", "move it", "v1"]);
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        [
            "branch:default update,publish tag it -> move it: move it(.hgtags) one(src/a)",
            "tag:v1 rewrite base -> one: one(src/a) tag it(.hgtags)"
        ]
    );
    test.ok(&clone, &["tag", "--remove", "-m", "remove it", "v1"]);
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:default update,publish move it -> remove it: remove it(.hgtags)", "tag:v1 delete one ->  tips one:"]
    );
    // The same by hand, on another branch's head.
    test.ok(&clone, &["update", "-q", "desc(base)"]);
    test.ok(&clone, &["branch", "-q", "side"]);
    let node = test.node(&clone, "desc(one)");
    test.write(&clone, ".hgtags", &format!("{node} v2\nffffffffffffffffffffffffffffffffffffffff v3\n"));
    test.commit(&clone, "by hand");
    assert_eq!(
        pushed(&test, &judge, &clone, &["--new-branch"]),
        ["branch:side create,publish  -> by hand: by hand(.hgtags)", "tag:v2 create  -> one:"]
    );
}

#[test]
fn pushes_without_changesets_are_refused_like_others() {
    let (test, judge, clone) = world("[phases]\npublish = no\n[experimental]\nevolution = all");
    test.change(&clone, "src/a", "draft");
    test.ok(&clone, &["bookmark", "work"]);
    assert_eq!(test.push(&clone, Transport::Local, &["-B", "work"]).code, Some(0));
    drop(judge);
    std::fs::remove_file(test.path("socket")).expect("the socket is there");
    let deny = |_: &_| Reply::Deny { say: vec![], reason: vec!["jit: denied".into()], hint: vec![] };
    let judge = Judge::start(&test, deny);
    configure(&test, "[phases]\npublish = no\n[experimental]\nevolution = all");
    let before = test.server_state();
    let server = test.url(Transport::Local);
    let (one, base) = (test.node(&clone, "desc(draft)"), test.node(&clone, "desc(base)"));
    let refused = |args: &[&str], expected: &[&str]| {
        for transport in TRANSPORTS {
            judge.seen("");
            let url = test.url(transport);
            let args: Vec<&str> = args.iter().map(|arg| if *arg == "URL" { url.as_str() } else { arg }).collect();
            let ran = test.hg(&clone, &args);
            // The old command has no way for a reason over HTTP: Mercurial makes an internal error of it.
            let speechless = transport == Transport::Http && args[0] == "debugpushkey";
            assert!(ran.said.contains("jit: denied") || speechless, "{args:?}: {}", ran.said);
            assert_ne!(ran.code, Some(0), "{args:?}: {}", ran.said);
            assert_eq!(test.server_state(), before, "{args:?}");
            let seen = judge.seen("pretxnclose");
            let updates: Vec<_> = seen.iter().flat_map(|seen| seen.updates.as_ref().expect("read")).cloned().collect();
            assert_eq!(described(&test, &[&clone], &updates), expected, "{args:?}");
        }
    };
    refused(&["debugpushkey", "URL", "bookmarks", "work", &one, &base], &["bookmark:work rewrite draft -> base:"]);
    refused(&["debugpushkey", "URL", "bookmarks", "work", &one, ""], &["bookmark:work delete draft ->  tips draft:"]);
    refused(&["debugpushkey", "URL", "bookmarks", "new", "", &base], &["bookmark:new create  -> base:"]);
    refused(
        &["debugpushkey", "URL", "phases", &one, "1", "0"],
        &["branch:default publish draft -> draft: draft(src/a)"],
    );

    test.ok(&clone, &["bookmark", "-f", "-r", "desc(base)", "work"]);
    refused(&["push", "URL", "-B", "work"], &["bookmark:work rewrite draft -> base:"]);
    test.ok(&clone, &["bookmark", "-f", "-r", "desc(draft)", "work"]);
    test.ok(&clone, &["phase", "--public", "desc(draft)"]);
    refused(&["push", "URL"], &["branch:default publish draft -> draft: draft(src/a)"]);

    // On the server itself: a bundle, a pull.
    test.change(&clone, "src/b", "more");
    let bundle = test.path("more.hg").to_string_lossy().into_owned();
    test.ok(&clone, &["bundle", "-q", "--base", "desc(draft)", "-r", "tip", &bundle]);
    for args in [&["unbundle", bundle.as_str()][..], &["pull", &clone.to_string_lossy()]] {
        let ran = test.hg(&test.server(), args);
        assert!(ran.said.contains("jit: denied"), "{args:?}: {}", ran.said);
        assert_eq!(test.server_state(), before, "{args:?}");
    }
    assert!(test.hg(&clone, &["incoming", &server]).code == Some(1), "the server has nothing that the clone has not");
}

#[test]
fn names_are_told_as_they_are_stored_whatever_the_encoding_of_the_server() {
    let (test, judge, clone) = world("[phases]\npublish = no");
    test.ok(&clone, &["branch", "-q", "café"]);
    test.change(&clone, "src/a", "one");
    test.ok(&clone, &["tag", "-m", "tag it", "été"]);
    let ssh = std::fs::read_to_string(test.path("ssh.sh")).expect("the program is there");
    write_program(&test.path("ssh.sh"), &ssh.replace("exec", "HGENCODING=ascii exec"));
    let push = test.push(&clone, Transport::Ssh, &["--new-branch"]);
    assert_eq!(push.code, Some(0), "{}", push.said);
    let seen = judge.seen("pretxnclose");
    let updates = seen[0].updates.as_ref().expect("not refused");
    let targets: Vec<String> = updates.iter().map(|update| update.target.to_string()).collect();
    assert_eq!(targets, ["branch:caf%C3%A9", "tag:%C3%A9t%C3%A9"]);
    test.ok(&clone, &["phase", "--public", "tip"]);
    test.push(&clone, Transport::Ssh, &[]);
    let seen = judge.seen("pretxnclose");
    let updates = seen[0].updates.as_ref().expect("not refused");
    let targets: Vec<String> = updates.iter().map(|update| update.target.to_string()).collect();
    assert_eq!(targets, ["branch:caf%C3%A9"]);
}
