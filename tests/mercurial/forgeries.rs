//! Pushes that stock Mercurial lets pass although they are not what they say, made by the tests themselves.

use crate::branches::{pushed, world};
use crate::hg::{TestHg, Transport};
use crate::hg_judge::described;
use crate::tokens::bundle;
use std::path::Path;

/// Records a changeset that takes the last change of `src/a` back, adds `docs/harmless`, and says that it does only the latter.
const FORGED_LIST: &str = r#"
from mercurial import hg, metadata, ui as uimod, util
from mercurial.node import nullid
repo = hg.repository(uimod.ui.load(), b'.')
with repo.wlock(), repo.lock(), repo.transaction(b'forge') as tr:
    parent = repo[b'tip']
    context = parent.manifestctx().copy()
    manifest = context.read()
    link = len(repo)
    manifest[b'src/a'] = repo[0].manifest()[b'src/a']
    # Older versions know no `writable`.
    harmless = repo.file(b'docs/harmless', *((True,) if util.versiontuple(n=2) >= (7, 0) else ()))
    manifest[b'docs/harmless'] = harmless.add(b'x\n', {}, tr, link, nullid, nullid)
    node = context.write(tr, link, parent.manifestnode(), nullid, [b'docs/harmless', b'src/a'], [])
    files = metadata.ChangingFiles(touched=[b'docs/harmless'])
    repo.changelog.add(node, files, b'forged', tr, parent.node(), nullid, b'Mallory <mallory@example.com>', b'0 0')
"#;

#[test]
fn a_forged_list_of_files_hides_nothing() {
    let (test, judge, clone) = world("[server]\nvalidate = yes");
    test.change(&clone, "src/a", "one");
    pushed(&test, &judge, &clone, &[]);
    test.python(&clone, FORGED_LIST, &[]);
    assert_eq!(test.ok(&clone, &["log", "-r", "tip", "-T", "{files}"]), "docs/harmless", "Mercurial believes it");
    test.ok(&clone, &["verify", "-q"]);
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        ["branch:default update,publish one -> forged: forged(docs/harmless src/a)"]
    );
}

/// Sends every changeset from the second on in a changegroup of its own, all in one bundle.
const TWO_CHANGEGROUPS: &str = r#"
import os, sys
from mercurial import bundle2, changegroup, discovery, hg, ui as uimod, util
ui = uimod.ui.load()
repo = hg.repository(ui, b'.')
other = hg.peer(ui, {}, os.fsencode(sys.argv[1]))
def send(bundler):
    bundler.newpart(b'replycaps', data=bundle2.encodecaps(bundle2.getrepocaps(repo, role=b'client')))
    try:
        reply = other.unbundle(util.chunkbuffer(bundler.getchunks()), [b'force'], b'push')
        if util.versiontuple(n=2) >= (7, 0):
            bundle2.processbundle(repo, reply, remote=other)
        else:
            bundle2.processbundle(repo, reply)
        print('accepted')
    except Exception as refusal:
        print('refused', refusal)

bundler = bundle2.bundle20(ui, bundle2.bundle2caps(other))
for rev in repo.revs(b'1:'):
    parents = [parent.node() for parent in repo[rev].parents()]
    outgoing = discovery.outgoing(repo, parents, [repo[rev].node()])
    chunks = changegroup.makechangegroup(repo, outgoing, b'02', b'push')
    part = bundler.newpart(b'changegroup', data=chunks.getchunks())
    part.addparam(b'version', b'02')
send(bundler)
"#;

#[test]
fn two_changegroups_in_one_push_are_both_seen() {
    let (test, judge, clone) = world("");
    test.change(&clone, "docs/readme", "harmless");
    test.change(&clone, "src/a", "second");
    judge.seen("");
    let said = test.python(&clone, TWO_CHANGEGROUPS, &[&test.url(Transport::Ssh)]);
    assert!(said.contains("accepted"), "{said}");
    let seen = judge.seen("pretxnclose");
    assert_eq!(seen.len(), 1);
    assert_eq!(
        described(&test, &[&clone], seen[0].updates.as_ref().expect("not refused")),
        ["branch:default update,publish base -> second: second(src/a) harmless(docs/readme)"]
    );
}

/// A name, what makes the merge, and what is expected of it.
type Case<'a> = (&'a str, &'a dyn Fn(&TestHg, &Path), &'a str);

#[test]
fn a_merge_owns_what_it_takes_against_the_other_side() {
    // From a base with src/a and src/b: `left` changes src/a, `right` changes src/b and docs/readme.
    let cases: [Case<'_>; 6] = [
        ("honest", &|test, clone| drop(test.ok(clone, &["merge", "-q"])), "merge()"),
        ("drops the first side", &|test, clone| take(test, clone, "right"), "merge(src/a)"),
        ("drops the second side", &|test, clone| take(test, clone, "left"), "merge(docs/readme src/b)"),
        (
            "adds something",
            &|test, clone| {
                test.ok(clone, &["merge", "-q"]);
                test.write(clone, "src/evil", "x");
            },
            "merge(src/evil)",
        ),
        (
            "removes something",
            &|test, clone| {
                test.ok(clone, &["merge", "-q"]);
                test.ok(clone, &["remove", "-q", "-f", "src/a"]);
            },
            "merge(src/a)",
        ),
        (
            "changes what one side changed",
            &|test, clone| {
                test.ok(clone, &["merge", "-q"]);
                test.write(clone, "src/b", "something else\n");
            },
            "merge(src/b)",
        ),
    ];
    for (name, make, expected) in cases {
        let (test, judge, clone) = world("");
        test.write(&clone, "src/b", "right\n");
        test.change(&clone, "docs/readme", "right");
        test.ok(&clone, &["update", "-q", "desc(base)"]);
        test.change(&clone, "src/a", "left");
        make(&test, &clone);
        test.commit(&clone, "merge");
        let found = pushed(&test, &judge, &clone, &[]);
        assert_eq!(
            found,
            [format!("branch:default update,publish base -> merge: {expected} left(src/a) right(docs/readme src/b)")],
            "{name}"
        );
    }
}

/// Makes a merge of `left` and `right` that has the files of `side`.
fn take(test: &TestHg, clone: &Path, side: &str) {
    let (left, right) = (test.node(clone, "desc(left)"), test.node(clone, "desc(right)"));
    test.ok(clone, &["merge", "-q", &right]);
    assert_eq!(test.node(clone, "p1()"), left);
    test.ok(clone, &["revert", "-q", "--all", "--no-backup", "-r", &format!("desc({side})")]);
}

#[test]
fn a_criss_cross_merge_is_judged_by_every_merge_base() {
    let (test, judge, clone) = world("");
    test.change(&clone, "src/a", "left");
    test.ok(&clone, &["update", "-q", "desc(base)"]);
    test.change(&clone, "src/b", "right");
    for (from, with, name) in [("left", "right", "cross 1"), ("right", "left", "cross 2")] {
        test.ok(&clone, &["update", "-q", &format!("desc({from}) - desc(cross)")]);
        test.ok(&clone, &["merge", "-q", "-r", &format!("desc({with}) - desc(cross)")]);
        test.commit(&clone, name);
    }
    test.change(&clone, "docs/readme", "on top");
    test.ok(&clone, &["merge", "-q", "-r", "desc('cross 1')"]);
    test.commit(&clone, "last");
    assert_eq!(
        pushed(&test, &judge, &clone, &[]),
        [
            "branch:default update,publish base -> last: last() on top(docs/readme) cross 2() cross 1() right(src/b) left(src/a)"
        ]
    );
}

#[test]
fn an_approval_cannot_be_made_obsolete() {
    let (test, judge, clone) = world("[phases]\npublish = no\n[experimental]\nevolution = all");
    let (path, node) = bundle(&test, "token.hg", &["jit1.a.b"]);
    let push = test.hg(&clone, &["push", "-f", "-R", &path.to_string_lossy(), &test.url(Transport::Local)]);
    assert_eq!(push.code, Some(0), "{}", push.said);
    // As a server without our reply would have left it: a draft.
    test.ok(&test.server(), &["phase", "--draft", "--force", "jit-approvals", "--config", "hooks.pretxnclose.jit="]);
    test.ok(&clone, &["pull", "-q", &test.url(Transport::Local)]);
    let evolve = ["--config", "experimental.evolution=all"];
    test.ok(&clone, &[&evolve[..], &["debugobsolete", "--record-parents", &node]].concat());
    let before = test.server_state();
    judge.seen("");
    for args in [&["push", "-f"][..], &["push", "-f", "--hidden", "-r", &node]] {
        let url = test.url(Transport::Ssh);
        let ran = test.hg(&clone, &[args, &evolve[..], &[&url]].concat());
        if ran.said.contains("would be made obsolete") {
            assert_eq!(test.server_state(), before);
            return;
        }
        assert_eq!(test.server_state(), before, "{}", ran.said);
    }
    // Stock clients keep such markers to themselves; a hostile one sends them by the old command.
    let markers = MARKERS.replace("NODE", &node);
    let said = test.python(&clone, &markers, &[&test.url(Transport::Ssh)]);
    assert!(said.contains("would be made obsolete") || said.contains("refused"), "{said}");
    assert_eq!(test.server_state(), before);
    assert!(!judge.seen("pretxnclose").is_empty());
}

/// Sends a marker that makes a changeset obsolete without a successor.
const MARKERS: &str = r#"
import os, sys
from mercurial import bundle2, hg, obsolete, ui as uimod, util
from mercurial.node import bin as frombin
ui = uimod.ui.load()
repo = hg.repository(ui, b'.')
other = hg.peer(ui, {}, os.fsencode(sys.argv[1]))
def send(bundler):
    bundler.newpart(b'replycaps', data=bundle2.encodecaps(bundle2.getrepocaps(repo, role=b'client')))
    try:
        reply = other.unbundle(util.chunkbuffer(bundler.getchunks()), [b'force'], b'push')
        if util.versiontuple(n=2) >= (7, 0):
            bundle2.processbundle(repo, reply, remote=other)
        else:
            bundle2.processbundle(repo, reply)
        print('accepted')
    except Exception as refusal:
        print('refused', refusal)

bundler = bundle2.bundle20(ui, bundle2.bundle2caps(other))
marker = (frombin(b'NODE'), (), 0, (), (0.0, 0), None)
bundler.newpart(b'obsmarkers', data=b''.join(obsolete.encodemarkers([marker], True, 1)))
send(bundler)
"#;
