//! What reaches a repository otherwise than by a plain push: several changegroups, the server's own commands, repairs, and
//! transactions that end badly.

use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB};
use jit::domain::audit::{Event, OutcomeKind, Verdict};
use std::fs;

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";

/// Sends the changesets of the clone above the base in two changegroups of one bundle.
const TWO: &str = r#"
nodes = [repo[rev].node() for rev in (0, 1, 2)]
for base, head in zip(nodes, nodes[1:]):
    outgoing = discovery.outgoing(repo, [base], [head])
    data = changegroup.makestream(repo, outgoing, b'02', b'push')
    part = bundler.newpart(b'changegroup', data=data)
    part.addparam(b'version', b'02')
send()
"#;

#[test]
fn the_second_of_two_changegroups_is_judged_too() {
    let rule = "[[rule]]\nname = \"guarded\"\nbranches = [\"default\"]\npaths = [\"src/**\"]\n\
                require = [{ role = \"leads\", approvals = 1 }]\n";
    let guard = Guard::new(rule);
    guard.change("docs/one", "one");
    guard.change("src/a", "two");
    let before = guard.hg.server_state();
    let url = guard.hg.url_of("alice", Transport::Ssh);
    let said = guard.hg.send_bundle(&guard.work, TWO, &[&url]);
    assert_eq!(guard.hg.server_state(), before, "{said}");
    guard.log_is_sound();
    let newest = guard.decisions().pop().expect("a decision");
    assert_eq!((newest.verdict, newest.updates[0].rules[0].matched), (Verdict::Deny, 1));
}

#[test]
fn work_on_the_server_itself_is_judged() {
    let guard = Guard::new(REVIEW);
    let (hg, server) = (&guard.hg, guard.hg.server());
    let base = guard.server_ids("default");
    let commit = guard.change("src/a", "change");
    let file = hg.path("change.hg").to_string_lossy().into_owned();
    hg.ok(&guard.work, &["bundle", "--quiet", "--base", "0", &file]);
    let before = hg.server_state();
    let work = guard.work.to_string_lossy().into_owned();
    for args in [["unbundle", file.as_str()], ["pull", &work]] {
        let ran = hg.hg(&server, &args);
        assert_eq!(ran.code, Some(255), "{}", ran.said);
        assert!(ran.said.contains("may not update branch:default"), "{}", ran.said);
        assert_eq!(hg.server_state(), before, "{args:?}");
    }
    guard.approve(BOB, commit, "branch:default", "update", &base);
    let mut pull = hg.command(&crate::hg::hg(), &server);
    let ran: crate::hg::Ran = pull.env("REMOTE_USER", "alice").args(["pull", &work]).output().expect("starts").into();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert_eq!(guard.server_ids("default"), [commit]);
    let newest = guard.decisions().pop().expect("a decision");
    assert_eq!((newest.pusher.login.as_deref(), newest.pusher.source.as_str()), (Some("alice"), "env REMOTE_USER"));
}

#[test]
fn a_strip_is_recorded_and_spends_what_was_approved() {
    let guard = Guard::new(REVIEW);
    let base = guard.server_ids("default");
    let commit = guard.change("src/a", "one");
    guard.approve(BOB, commit, "branch:default", "update", &base);
    guard.accepted(ALICE, Transport::Ssh, &[]);
    guard.hg.ok(&guard.hg.server(), &["--config", "extensions.strip=", "strip", "--quiet", &commit.hex()]);
    let strip = guard.decisions().pop().expect("a decision");
    assert_eq!((strip.verdict, &*strip.reasons), (Verdict::Allow, &["strip: recorded and not judged".to_owned()][..]));
    assert_eq!(strip.updates[0].after, None);
    assert_eq!(strip.updates[0].new, base);
    guard.refused(ALICE, Transport::Ssh, &[], &["spent: the target was rewritten or deleted"]);
    // What is signed afterwards counts, at once.
    std::thread::sleep(std::time::Duration::from_secs(2));
    guard.approve(BOB, commit, "branch:default", "update", &base);
    guard.accepted(ALICE, Transport::Ssh, &[]);
    assert!(guard.decisions().iter().all(|decision| decision.updates.iter().all(|update| update.found.is_none())));
}

/// Mercurial runs no hook for it: the next push finds that the branch is not where the log left it.
#[test]
fn a_rollback_spends_what_was_approved() {
    let guard = Guard::new(REVIEW);
    let base = guard.server_ids("default");
    let commit = guard.change("src/a", "one");
    guard.approve(BOB, commit, "branch:default", "update", &base);
    guard.accepted(ALICE, Transport::Ssh, &[]);
    guard.hg.ok(&guard.hg.server(), &["--config", "ui.rollback=true", "rollback", "--quiet", "--force"]);
    assert_eq!(guard.server_ids("default"), base);
    guard.refused(ALICE, Transport::Ssh, &[], &["spent: the target was rewritten or deleted"]);
    assert_eq!(guard.decisions().pop().expect("a decision").updates[0].found, Some(base));
}

#[test]
fn a_transaction_that_is_undone_afterwards_is_recorded_as_such() {
    let guard = Guard::new("");
    // Runs after ours, by its name, and refuses.
    guard.configure("[hooks]\npriority.pretxnclose.jit = 10\npretxnclose.zz = false\n");
    guard.change("src/a", "one");
    let before = guard.hg.server_state();
    let ran = guard.push(ALICE, Transport::Ssh, &[]);
    assert_eq!(ran.code, Some(255), "{}", ran.said);
    assert_eq!(guard.hg.server_state(), before);
    guard.log_is_sound();
    let Some(Event::Outcome(outcome)) = guard.entries().pop().map(|entry| entry.event) else { panic!("an outcome") };
    assert_eq!((outcome.how, outcome.settled), (OutcomeKind::NotApplied, false));
}

#[test]
fn without_settings_or_policy_nothing_lands() {
    let guard = Guard::new("");
    guard.change("src/a", "one");
    let jit = guard.hg.server().join(".hg/jit");
    for (file, words) in [("policies/policy.toml", "policy"), ("config.toml", "config.toml")] {
        fs::rename(jit.join(file), jit.join("away")).expect("moved");
        let before = guard.hg.server_state();
        for args in [&[][..], &["-q"]] {
            let ran = guard.push(ALICE, Transport::Ssh, args);
            assert_eq!(ran.code, Some(255), "{}", ran.said);
            assert!(ran.said.contains(words), "{}", ran.said);
        }
        assert_eq!(guard.hg.server_state(), before);
        fs::rename(jit.join("away"), jit.join(file)).expect("moved back");
    }
    guard.accepted(ALICE, Transport::Ssh, &[]);
}
