//! Named branches: everything that a push can do to one is refused until it is approved for exactly that.

use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL, NOBODY};
use jit::domain::audit::Event;
use jit::domain::change::{ChangesetId, Target};
use std::fs;

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"**\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";

#[test]
fn a_push_is_refused_on_every_transport_until_it_is_approved() {
    let guard = Guard::new(REVIEW);
    let base = guard.server_ids("default");
    let commit = guard.change("src/a", "change");
    for transport in [Transport::Ssh, Transport::Http] {
        guard.refused(ALICE, transport, &[], &["jit: denied: alice may not update branch:default"]);
        guard.refused(ALICE, transport, &["-q"], &["`review` needs 1 approval from `leads`", "jit sign"]);
    }
    // On a local path the pusher's own process asks, so nobody is known.
    guard.refused(
        ALICE,
        Transport::Local,
        &["-q"],
        &["denied: an unknown pusher may not", "`review` needs 1 approval"],
    );
    guard.approve(BOB, commit, "branch:default", "update", &base);
    for transport in [Transport::Ssh, Transport::Http] {
        guard.refused(NOBODY, transport, &[], &["nobody knows who pushes"]);
        guard.refused(BOB, transport, &[], &["the pusher's own approval"]);
    }
    let said = guard.accepted(ALICE, Transport::Http, &[]);
    assert!(said.contains("jit:   `review` is met: bob (leads)"), "{said}");
}

/// The changeset that the working directory of the clone stands on.
fn update_to(guard: &Guard, revision: &str) {
    guard.hg.ok(&guard.work, &["update", "--quiet", "--clean", revision]);
}

/// Pushes `commit`, which does `action` to `branch`: refused with `words`, then let in with an approval for it.
#[track_caller]
fn asks(guard: &Guard, commit: ChangesetId, branch: &str, action: &str, words: &str, args: &[&str]) {
    let base = guard.server_ids(&format!("head() and branch('re:^{branch}$') and not closed()"));
    let target = format!("branch:{branch}");
    guard.refused(ALICE, Transport::Ssh, args, &[&format!("alice may not {words}"), "needs 1 approval"]);
    guard.approve(BOB, commit, &target, action, &base);
    guard.accepted(ALICE, Transport::Ssh, args);
    // The log knows the whole branch, whatever of it the push gained.
    let now = guard.server_ids(&format!("head() and branch('re:^{branch}$') and not closed()"));
    let Some(Event::Outcome(outcome)) = guard.entries().pop().map(|entry| entry.event) else { panic!("an outcome") };
    let recorded = outcome.applied.iter().find(|applied| applied.target == Target::parse(&target).expect("a target"));
    assert_eq!(recorded.expect("it was applied").value, now, "{action} of {branch}");
}

#[test]
fn each_action_needs_an_approval_for_itself() {
    let guard = Guard::new(REVIEW);
    let (hg, work) = (&guard.hg, &guard.work);
    let one = guard.change("src/a", "one");
    asks(&guard, one, "default", "update", "update branch:default", &[]);

    update_to(&guard, "0");
    let head = guard.change("src/b", "another head");
    guard.approve(CAROL, head, "branch:default", "update", &[one]);
    guard.refused(ALICE, Transport::Ssh, &["--force"], &["carol, token", "signed for update, this is new-head"]);
    asks(&guard, head, "default", "new-head", "add a head to branch:default", &["--force"]);
    let further = guard.change("src/c", "on one of two heads");
    asks(&guard, further, "default", "update", "update branch:default", &[]);
    hg.ok(work, &["merge", "--quiet", "--rev", &one.hex()]);
    let merge = guard.commit("merge");
    // Nothing in it is new: each side was approved.
    guard.accepted(ALICE, Transport::Ssh, &[]);
    assert_eq!(guard.server_ids("default"), [merge]);

    hg.ok(work, &["branch", "--quiet", "feature"]);
    let feature = guard.change("src/f", "feature");
    asks(&guard, feature, "feature", "create", "create branch:feature", &["--new-branch"]);
    hg.ok(work, &["commit", "--quiet", "--close-branch", "--message", "done"]);
    let closed = guard.id_of(".");
    asks(&guard, closed, "feature", "close", "close a head of branch:feature", &[]);
    let reopened = guard.change("src/f", "again");
    asks(&guard, reopened, "feature", "create", "create branch:feature", &[]);
}

#[test]
fn an_approved_changeset_brings_nothing_else_with_it() {
    let guard = Guard::new(REVIEW);
    let base = guard.server_ids("default");
    guard.change("src/a", "below");
    let tip = guard.change("src/b", "above");
    guard.approve(BOB, tip, "branch:default", "update", &guard.server_ids("default"));
    update_to(&guard, "0");
    guard.hg.ok(&guard.work, &["branch", "--quiet", "side"]);
    guard.change("src/c", "on the side");
    guard.refused(ALICE, Transport::Ssh, &["--new-branch"], &["alice may not create branch:side"]);
    // The token covers what its subject reaches.
    guard.accepted(ALICE, Transport::Ssh, &["--rev", &tip.hex()]);
    let next = guard.hg.ok(&guard.work, &["update", "--quiet", &tip.hex()]);
    assert_eq!(next, "");
    let next = guard.change("src/b", "next");
    guard.approve(BOB, next, "branch:default", "new-head", &base);
    guard.refused(ALICE, Transport::Ssh, &["--rev", &next.hex()], &["signed for new-head, this is update"]);
}

#[test]
fn a_merge_that_changes_something_itself_needs_its_own_approval() {
    let rule = "[[rule]]\nname = \"guarded\"\nbranches = [\"default\"]\npaths = [\"src/**\"]\n\
                require = [{ role = \"leads\", approvals = 1 }]\n";
    let guard = Guard::new(rule);
    guard.change("docs/one", "one");
    guard.accepted(ALICE, Transport::Ssh, &[]);
    update_to(&guard, "0");
    guard.change("docs/two", "two");
    guard.hg.ok(&guard.work, &["merge", "--quiet", "--rev", "1"]);
    guard.commit("honest");
    guard.accepted(ALICE, Transport::Ssh, &[]);

    update_to(&guard, "0");
    guard.change("docs/three", "three");
    guard.hg.ok(&guard.work, &["merge", "--quiet", "--rev", "3"]);
    guard.hg.write(&guard.work, "src/a", "slipped in\n");
    guard.commit("evil");
    guard.refused(ALICE, Transport::Ssh, &[], &["`guarded` needs 1 approval"]);
}

/// A server on which pushed changesets stay drafts, and which takes markers.
pub fn draft_server(rules: &str) -> Guard {
    let guard = Guard::new(rules);
    let hgrc = guard.hg.server().join(".hg/hgrc");
    let old = fs::read_to_string(&hgrc).expect("settings");
    let more = "[phases]\npublish = False\n[experimental]\nevolution = all\n";
    fs::write(&hgrc, format!("{more}{old}")).expect("written");
    fs::write(guard.work.join(".hg/hgrc"), more).expect("written");
    guard
}

#[test]
fn publishing_is_an_action_of_its_own() {
    let rule = "[[rule]]\nname = \"publish\"\nbranches = [\"default\"]\nactions = [\"publish\"]\n\
                require = [{ role = \"leads\", approvals = 1 }]\n";
    let guard = draft_server(rule);
    let commit = guard.change("src/a", "draft");
    guard.accepted(ALICE, Transport::Ssh, &[]);
    guard.hg.ok(&guard.work, &["phase", "--public", "."]);
    let heads = guard.server_ids("default");
    // Only a phase moves, so no changeset arrives.
    let push: &[&str] = &["--rev", "."];
    guard.refused(ALICE, Transport::Ssh, push, &["alice may not publish", "on branch:default"]);
    guard.approve(BOB, commit, "branch:default", "publish", &heads);
    guard.accepted(ALICE, Transport::Ssh, push);
    assert_eq!(guard.server_ids("public() and default"), heads);
    let Some(Event::Outcome(outcome)) = guard.entries().pop().map(|entry| entry.event) else { panic!("an outcome") };
    assert_eq!(outcome.applied[0].value, heads);
}

#[test]
fn a_marker_that_hides_a_head_rewrites_its_branch() {
    let guard = draft_server(REVIEW);
    let base = guard.server_ids("default");
    let draft = guard.change("src/a", "draft");
    guard.approve(BOB, draft, "branch:default", "update", &base);
    guard.accepted(ALICE, Transport::Ssh, &[]);
    let old = guard.server_ids("default");

    guard.hg.ok(&guard.work, &["commit", "--quiet", "--amend", "--message", "amended"]);
    let amended = guard.id_of(".");
    guard.refused(ALICE, Transport::Ssh, &[], &["alice may not rewrite branch:default"]);
    guard.approve(BOB, amended, "branch:default", "rewrite", &old);
    // The head that vanishes is a loss that somebody must have seen.
    let sign = format!("`jit sign {} --branch default`", draft.hex());
    guard.refused(ALICE, Transport::Ssh, &[], &[&format!("for {}", &draft.hex()[..12]), &sign]);
    let newest = guard.decisions().pop().expect("a decision");
    assert_eq!(newest.updates[0].requested, [amended], "what vanishes does not ask to land");
    guard.approve(BOB, draft, "branch:default", "rewrite", &old);
    guard.accepted(ALICE, Transport::Ssh, &[]);

    // A marker alone.
    guard.hg.ok(&guard.work, &["debugobsolete", &amended.hex(), "--record-parents"]);
    update_to(&guard, "0");
    guard.refused(ALICE, Transport::Ssh, &["--rev", "0"], &["alice may not rewrite branch:default"]);
}

#[test]
fn transactions_that_move_nothing_are_let_be() {
    let guard = draft_server("[[rule]]\nname = \"never\"\nbranches = [\"**\"]\ndeny = true\n");
    let entries = guard.entries().len();
    // A marker about something that nobody has.
    guard.hg.ok(&guard.work, &["debugobsolete", &"1".repeat(40), &guard.id_of("0").hex()]);
    let ran = guard.push(ALICE, Transport::Ssh, &["--rev", "0"]);
    assert_eq!(ran.code, Some(1), "{}", ran.said);
    let markers = guard.hg.ok(&guard.hg.server(), &["debugobsolete"]);
    assert!(markers.contains(&"1".repeat(40)), "{}", ran.said);
    guard.log_is_sound();
    assert_eq!(guard.entries().len(), entries);
}

#[test]
fn a_reason_that_is_longer_than_mercurial_carries_arrives_in_part() {
    let message = "ask the people of the third floor, ".repeat(10);
    let guard = Guard::new(&format!("{REVIEW}message = \"{message}\"\n"));
    guard.change("src/a", "change");
    for transport in [Transport::Ssh, Transport::Http] {
        let quiet =
            guard.refused(ALICE, transport, &["-q"], &["jit: denied: alice may not", "`review` needs", "jit sign"]);
        assert!(!quiet.contains("third floor"), "{quiet}");
        guard.refused(ALICE, transport, &[], &["jit: denied: alice may not", &message]);
    }
}
