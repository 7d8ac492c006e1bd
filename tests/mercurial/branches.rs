//! What real pushes do to named branches, as the adapter reads it.

use crate::hg::{TRANSPORTS, TestHg, Transport};
use crate::hg_judge::{Judge, Seen, configure, described, install_courtesy};
use jit::adapters::mercurial::{Reply, url_login};
use jit::domain::change::{Action, Target};
use std::path::{Path, PathBuf};

/// A server that judges, and a clone.
pub fn world(settings: &str) -> (TestHg, Judge, PathBuf) {
    let test = TestHg::new();
    let judge = Judge::allowing(&test);
    configure(&test, settings);
    let clone = test.clone("clone");
    install_courtesy(&test, &clone);
    (test, judge, clone)
}

/// Pushes, which must work, and returns what the hook `pretxnclose` saw. The clone's own hook, if it has one, supposed just that beforehand.
pub fn pushed(test: &TestHg, judge: &Judge, clone: &Path, args: &[&str]) -> Vec<String> {
    judge.seen("");
    let push = test.push(clone, Transport::Local, args);
    // Mercurial ends with 1 where no changesets went over.
    assert!(matches!(push.code, Some(0 | 1)), "{}", push.said);
    let all = judge.seen_by_all();
    let of = |hook: &str| {
        let seen = all.iter().filter(|seen| seen.header.hook == hook.as_bytes());
        let updates = |seen: &Seen| seen.updates.as_ref().expect("not refused").clone();
        described(test, &[clone, &test.server()], &seen.flat_map(updates).collect::<Vec<_>>())
    };
    let happened = of("pretxnclose");
    if clone.join(".hg/jit").exists() {
        assert_eq!(of("pre-push"), happened, "what was supposed is what happens: {}", push.said);
    }
    happened
}

#[test]
fn a_push_says_who_pushes_and_what_arrives_on_every_transport() {
    let (test, judge, clone) = world("[push]\npushvars.server = true");
    for transport in TRANSPORTS {
        test.write(&clone, "src/a", &format!("{transport:?}\n"));
        std::fs::remove_file(clone.join("src/b")).ok();
        let message = format!("{transport:?}\n\nCo-authored-by: Bob <bob@example.com>\nSeverity: critical,\n  twice");
        let node = test.commit(&clone, &message);
        let push = test.push(&clone, transport, &["--pushvars", "jit-token=jit1.x"]);
        assert_eq!(push.code, Some(0), "{}", push.said);
        let seen = judge.seen("pretxnclose");
        assert_eq!(seen.len(), 1);
        let (header, updates) = (&seen[0].header, seen[0].updates.as_ref().expect("not refused"));
        let (name, login) = match transport {
            Transport::Local => (&b"push"[..], None),
            Transport::Ssh => (&b"serve"[..], None),
            Transport::Http => (&b"serve"[..], Some("alice".to_owned())),
        };
        let first_line = |name: &[u8]| name.split(|byte| *byte == b'\n').next().map(<[u8]>::to_vec);
        assert_eq!(header.name.as_deref().and_then(first_line).as_deref(), Some(name));
        assert_eq!(url_login(header.url.as_deref().expect("a URL")), login);
        assert!(header.id.as_ref().is_some_and(|id| id.starts_with(b"TXN:")));
        assert_eq!(header.folder, test.server().join(".hg/jit"));
        assert_eq!(header.pushvars.get(&b"JIT-TOKEN"[..]).map(Vec::as_slice), Some(&b"jit1.x"[..]));
        let [update] = &updates[..] else { panic!("one update: {updates:?}") };
        assert_eq!(update.target, Target::parse("branch:default").expect("a target"));
        assert_eq!(update.actions, [Action::Update, Action::Publish]);
        let [changeset] = &update.changesets[..] else { panic!("one changeset: {update:?}") };
        assert_eq!(changeset.id.hex(), node);
        assert_eq!(changeset.authors, [b"alice@example.com".to_vec(), b"bob@example.com".to_vec()]);
        let trailers = changeset.trailers.as_ref().expect("trailers were asked for");
        assert_eq!((&trailers[1].key[..], &trailers[1].value[..]), (&b"Severity"[..], &b"critical, twice"[..]));
        assert_eq!(changeset.parents, update.old);
        assert_eq!(update.reachable_bases.iter().copied().collect::<Vec<_>>(), update.old);
    }
}

#[test]
fn own_paths_are_those_that_a_changeset_differs_at() {
    let (test, judge, clone) = world("");
    test.ok(&clone, &["rename", "src/a", "src/moved"]);
    test.commit(&clone, "rename");
    test.ok(&clone, &["remove", "src/b"]);
    test.commit(&clone, "remove");
    let flagged = clone.join("src/moved");
    std::fs::set_permissions(&flagged, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("changed");
    test.commit(&clone, "flag");
    std::os::unix::fs::symlink("readme", clone.join("docs/link")).expect("a link");
    test.commit(&clone, "link");
    test.write(&clone, "odd name\t%", "x");
    test.commit(&clone, "odd");
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        [
            "branch:default update,publish base -> odd: odd(odd%20name%09%25) link(docs/link) flag(src/moved) remove(src/b) \
          rename(src/a src/moved)"
        ]
    );
}

#[test]
fn the_actions_of_a_branch_are_told_apart() {
    let (test, judge, clone) = world("");
    let up = |to: &str| test.ok(&clone, &["update", "-q", "-C", to]);
    test.change(&clone, "src/a", "one");
    assert_eq!(pushed(&test, &judge, &clone, &[]), ["branch:default update,publish base -> one: one(src/a)"]);

    up("desc(base)");
    test.change(&clone, "src/b", "second head");
    assert_eq!(
        pushed(&test, &judge, &clone, &["-f"]),
        ["branch:default new-head,update,publish one -> second head: second head(src/b)"]
    );

    test.ok(&clone, &["commit", "--close-branch", "-m", "close"]);
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:default close,update,publish one+second head -> close: close()"]
    );

    up("desc(one)");
    test.ok(&clone, &["branch", "-q", "stable"]);
    test.change(&clone, "docs/readme", "stable 1");
    test.change(&clone, "docs/readme", "stable 2");
    assert_eq!(
        pushed(&test, &judge, &clone, &["--new-branch"]),
        ["branch:stable create,publish  -> stable 2: stable 2(docs/readme) stable 1(docs/readme)"]
    );

    up("desc(one)");
    test.change(&clone, "src/b", "two");
    test.ok(&clone, &["merge", "-q", "stable"]);
    test.commit(&clone, "merge");
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:default update,publish one -> merge: merge() two(src/b) stable 2(docs/readme) stable 1(docs/readme)"]
    );

    up("desc(merge)");
    test.change(&clone, "src/a", "left");
    up("desc(merge)");
    test.change(&clone, "src/a", "right");
    assert_eq!(
        pushed(&test, &judge, &clone, &["-f"]),
        ["branch:default new-head,update,publish merge -> left+right: right(src/a) left(src/a)"]
    );

    up("stable");
    test.ok(&clone, &["commit", "--close-branch", "-m", "close stable"]);
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:stable close,update,publish stable 2 -> close stable: close stable()"]
    );
    test.change(&clone, "src/a", "reopen");
    let reopened = pushed(&test, &judge, &clone, &[]);
    assert_eq!(reopened, ["branch:stable create,publish  -> reopen: reopen(src/a) close stable()"]);
}

#[test]
fn a_branch_gains_what_arrived_earlier_elsewhere() {
    let (test, judge, clone) = world("");
    test.ok(&clone, &["branch", "-q", "parking"]);
    test.change(&clone, "src/a", "parked");
    pushed(&test, &judge, &clone, &["--new-branch"]);
    test.ok(&clone, &["update", "-q", "default"]);
    test.change(&clone, "docs/readme", "own");
    test.ok(&clone, &["merge", "-q", "parking"]);
    test.commit(&clone, "take it");
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:default update,publish base -> take it: take it() own(docs/readme) parked(src/a)"]
    );
    // A new branch on top of it: rules that name every branch have judged all of it, those for names with `p` only the parked part.
    test.ok(&clone, &["branch", "-q", "release"]);
    test.change(&clone, "src/b", "release");
    judge.seen("");
    assert_eq!(test.push(&clone, Transport::Local, &["--new-branch"]).code, Some(0));
    let seen = judge.seen("pretxnclose");
    let update = &seen[0].updates.as_ref().expect("not refused")[0];
    let sizes: Vec<(String, usize)> =
        update.scopes.iter().map(|(rule, ids)| (rule.as_str().to_owned(), ids.len())).collect();
    assert_eq!(sizes, [("all".to_owned(), 1), ("p".to_owned(), 3)]);
    let promoted: Vec<usize> = update.promoted.values().map(|ids| ids.len()).collect();
    assert_eq!((update.changesets.len(), promoted), (3, vec![2]));
    let targets: Vec<String> = seen[0].targets.keys().map(ToString::to_string).collect();
    assert_eq!(targets, ["branch:default", "branch:parking"]);
}

#[test]
fn a_server_without_publishing_tells_what_becomes_public_and_what_vanishes() {
    let (test, judge, clone) = world("[phases]\npublish = no\n[experimental]\nevolution = all");
    let evolve = ["--config", "experimental.evolution=all"];
    test.change(&clone, "src/a", "draft 1");
    test.change(&clone, "src/a", "draft 2");
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:default update base -> draft 2: draft 2(src/a) draft 1(src/a)"]
    );
    test.ok(&clone, &["phase", "--public", "desc('draft 1')"]);
    assert_eq!(pushed(&test, &judge, &clone, &[]), ["branch:default publish draft 2 -> draft 1: draft 1(src/a)"]);

    // The same head with another content, and a marker that hides the old one.
    test.ok(&clone, &["update", "-q", "desc('draft 1')"]);
    test.change(&clone, "src/b", "replacement");
    let (old, new) = (test.node(&clone, "desc('draft 2')"), test.node(&clone, "desc(replacement)"));
    test.ok(&clone, &[&evolve[..], &["debugobsolete", &old, &new]].concat());
    judge.seen("");
    let push = test.push(&clone, Transport::Ssh, &evolve);
    assert_eq!(push.code, Some(0), "{}", push.said);
    let seen = judge.seen("pretxnclose");
    let updates = seen[0].updates.as_ref().expect("not refused");
    assert_eq!(
        described(&test, &[&clone, &test.server()], updates),
        ["branch:default rewrite,new-head,update draft 2 -> replacement tips draft 2+replacement: replacement(src/b)"]
    );
    let paths: Vec<Option<usize>> =
        updates[0].tip_changes.iter().map(|change| change.paths.as_ref().map(Vec::len)).collect();
    assert_eq!(paths, [Some(2), None]);

    // Only a marker, and nothing that replaces what it hides.
    test.ok(&clone, &["update", "-q", "desc('draft 1')"]);
    test.ok(&clone, &[&evolve[..], &["debugobsolete", "--record-parents", &new]].concat());
    judge.seen("");
    let push = test.push(&clone, Transport::Ssh, &evolve);
    assert!(matches!(push.code, Some(0 | 1)), "{}", push.said);
    let seen = judge.seen("pretxnclose");
    let updates = seen[0].updates.as_ref().expect("not refused");
    assert_eq!(
        described(&test, &[&clone, &test.server()], updates),
        ["branch:default rewrite replacement -> draft 1 tips draft 1+replacement:"]
    );
}

#[test]
fn a_denied_push_leaves_the_server_as_it_was() {
    let test = TestHg::new();
    let judge = Judge::start(&test, |_| Reply::Deny {
        say: vec!["jit: what is missing".into()],
        reason: vec!["jit: denied".into()],
        hint: vec!["jit: ask bob".into()],
    });
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "one");
    test.ok(&clone, &["bookmark", "work"]);
    let before = test.server_state();
    for transport in TRANSPORTS {
        judge.seen("");
        let push = test.push(&clone, transport, &["-B", "work"]);
        assert_eq!(push.code, Some(255), "{}", push.said);
        assert!(push.said.contains("jit: denied") && push.said.contains("jit: ask bob"), "{}", push.said);
        assert_eq!(test.server_state(), before);
        assert_eq!(judge.seen("txnabort").len(), 1, "{transport:?}");
    }
}
