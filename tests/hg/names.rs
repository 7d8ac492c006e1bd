//! Bookmarks and tags.

use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, now};
use jit::domain::approval::Token;
use jit::domain::change::ChangesetId;
use jit::domain::time::Span;

/// Pushes what does `action` to `target`: refused with `words`, then let in with an approval of `subject` for it.
#[track_caller]
fn asks(
    guard: &Guard,
    transport: Transport,
    args: &[&str],
    words: &str,
    token: (ChangesetId, &str, &str, &[ChangesetId]),
) {
    guard.refused(ALICE, transport, args, &[&format!("alice may not {words}"), "`names` needs 1 approval"]);
    let (subject, target, action, base) = token;
    // Times have whole seconds, and what was signed in the second of a rewrite is spent by it.
    let later = now().plus(Span::seconds(1));
    guard.keep(BOB, Token { not_before: later, ..guard.approval(subject, target, action, base) });
    guard.accepted(ALICE, transport, args);
}

fn guard(kind: &str) -> Guard {
    Guard::new(&format!(
        "[[rule]]\nname = \"names\"\n{kind} = [\"**\"]\nrequire = [{{ role = \"leads\", approvals = 1 }}]\n"
    ))
}

#[test]
fn every_move_of_a_bookmark_is_judged() {
    let guard = guard("bookmarks");
    let (hg, work) = (&guard.hg, &guard.work);
    let one = guard.change("src/a", "one");
    let two = guard.change("src/a", "two");
    guard.accepted(ALICE, Transport::Ssh, &[]);
    let base = guard.id_of("0");
    let target = "bookmark:stable";
    let push: &[&str] = &["-B", "stable"];
    hg.ok(work, &["bookmark", "--rev", &one.hex(), "stable"]);
    asks(&guard, Transport::Http, push, "create bookmark:stable", (one, target, "create", &[]));
    hg.ok(work, &["bookmark", "--force", "--rev", &two.hex(), "stable"]);
    asks(&guard, Transport::Ssh, push, "update bookmark:stable", (two, target, "update", &[one]));
    hg.ok(work, &["bookmark", "--force", "--rev", &base.hex(), "stable"]);
    asks(&guard, Transport::Ssh, push, "rewrite bookmark:stable", (base, target, "rewrite", &[two]));
    hg.ok(work, &["bookmark", "--delete", "stable"]);
    asks(&guard, Transport::Http, push, "delete bookmark:stable", (base, target, "delete", &[base]));
    assert_eq!(hg.ok(&hg.server(), &["bookmarks"]), "no bookmarks set\n");
}

#[test]
fn a_bookmark_that_comes_with_changesets_is_judged_with_them() {
    let guard = guard("bookmarks");
    guard.change("src/a", "one");
    guard.hg.ok(&guard.work, &["bookmark", "stable"]);
    guard.refused(ALICE, Transport::Ssh, &["-B", "stable"], &["alice may not create bookmark:stable"]);
    guard.accepted(ALICE, Transport::Ssh, &["--rev", "."]);
}

#[test]
fn the_old_command_for_bookmarks_is_judged() {
    let guard = guard("bookmarks");
    let before = guard.hg.server_state();
    let (url, base) = (guard.hg.url_of("alice", Transport::Ssh), guard.id_of("0").hex());
    let ran = guard.hg.hg(&guard.work, &["debugpushkey", &url, "bookmarks", "stable", "", &base]);
    assert!(ran.said.contains("alice may not create bookmark:stable"), "{}", ran.said);
    assert_eq!(guard.hg.server_state(), before);
    guard.approve(BOB, guard.id_of("0"), "bookmark:stable", "create", &[]);
    guard.hg.ok(&guard.work, &["debugpushkey", &url, "bookmarks", "stable", "", &base]);
    assert_ne!(guard.hg.server_state(), before);
    guard.log_is_sound();
}

#[test]
fn every_change_of_an_effective_tag_is_judged() {
    let guard = guard("tags");
    let (hg, work) = (&guard.hg, &guard.work);
    let (base, one) = (guard.id_of("0"), guard.change("src/a", "one"));
    guard.accepted(ALICE, Transport::Ssh, &[]);
    hg.ok(work, &["tag", "--rev", &base.hex(), "v1"]);
    asks(&guard, Transport::Ssh, &[], "create tag:v1", (base, "tag:v1", "create", &[]));
    hg.ok(work, &["tag", "--force", "--rev", &one.hex(), "v1"]);
    asks(&guard, Transport::Ssh, &[], "rewrite tag:v1", (one, "tag:v1", "rewrite", &[base]));
    hg.ok(work, &["tag", "--remove", "v1"]);
    asks(&guard, Transport::Ssh, &[], "delete tag:v1", (one, "tag:v1", "delete", &[one]));
}
