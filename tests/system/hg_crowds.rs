//! Many people at once at a Mercurial server: each push gets one decision, no token is lost, an approval is not used by two.

use crate::guard::{Guard, id};
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL, Person, run, sign};
use jit::adapters::disk::TokenStore;
use jit::domain::audit::{Event, Verdict};
use jit::domain::change::ChangesetId;
use jit::ports::approval_store::ApprovalStore as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const RULES: &str = "[[rule]]\nname = \"review\"\nbranches = [\"default\", \"approved-*\", \"open-*\"]\n\
                     require = [{ role = \"leads\", approvals = 1 }]\n";

const PUSHES: usize = 24;
const CLIENTS: usize = 8;

/// Records one changeset on each of these branches, all on the first one, and prints their nodes.
const BRANCHES: &str = r#"
import sys
from mercurial import context, hg, ui as uimod
repo = hg.repository(uimod.ui.load(), sys.argv[1].encode())
def file(repo, memctx, path):
    return context.memfilectx(repo, memctx, path, b'change\n')
with repo.lock():
    for branch in sys.argv[2:]:
        branch = branch.encode()
        parents = (repo[0].node(), None)
        node = context.memctx(repo, parents, b'change', [branch], file, b'alice', extra={b'branch': branch}).commit()
        print(node.hex())
"#;

/// A third of the pushes need no approval, a third get one, a third need one and have none.
fn branch(number: usize) -> String {
    format!("{}-{number}", ["free", "approved", "open"][number % 3])
}

/// Copies the clone, so that nobody waits for another's.
fn copies(guard: &Guard, count: usize) -> Vec<PathBuf> {
    let copy = |number: usize| {
        let path = guard.hg.path(&format!("client-{number}"));
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(&guard.work).arg(&path);
        assert!(run(copy, b"").succeeded());
        path
    };
    (0..count).map(copy).collect()
}

/// Pushes a changeset from this clone. Mercurial says 1 where the server has it already.
fn push(guard: &Guard, clone: &Path, who: Person, tip: ChangesetId) -> bool {
    let url = guard.hg.url_of(who.name, Transport::Ssh);
    let ran = guard.hg.hg(clone, &["push", "--force", "--new-branch", "--rev", &tip.hex(), &url]);
    assert!(matches!(ran.code, Some(0 | 1 | 255)), "{}", ran.said);
    ran.code != Some(255)
}

fn kept(guard: &Guard, subject: ChangesetId) -> usize {
    let store = TokenStore::in_folder(&guard.hg.server().join(".hg/jit"));
    store.of_subject(&subject).expect("read").tokens.len()
}

#[test]
fn mercurial_pushes_by_eight_clients_get_one_decision_each_while_tokens_arrive() {
    let guard = Guard::new(RULES);
    let work = guard.work.to_string_lossy().into_owned();
    let names: Vec<String> = (0..PUSHES).map(branch).collect();
    let arguments: Vec<&str> = std::iter::once(work.as_str()).chain(names.iter().map(String::as_str)).collect();
    let tips: Vec<ChangesetId> = guard.hg.python(&guard.work, BRANCHES, &arguments).lines().map(id).collect();
    let (next, clones) = (AtomicUsize::new(0), copies(&guard, CLIENTS));
    let client = |clone: &Path| {
        let mut ended = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some(tip) = tips.get(number) else { return ended };
            if number % 3 == 1 {
                let token = sign(BOB, guard.approval(*tip, &format!("branch:{}", names[number]), "create", &[]));
                let sent = guard.send(BOB, &guard.bundle(&format!("token-{number}.hg"), &[token]).0);
                assert_eq!(sent.code, Some(0), "{}", sent.said);
            }
            ended.push((number, push(&guard, clone, ALICE, *tip)));
        }
    };
    let mut ended: Vec<(usize, bool)> = thread::scope(|scope| {
        let clients: Vec<_> = clones.iter().map(|clone| scope.spawn(|| client(clone))).collect();
        clients.into_iter().flat_map(|client| client.join().expect("it pushes")).collect()
    });
    ended.sort_unstable();
    assert_eq!(ended, (0..PUSHES).map(|number| (number, number % 3 != 2)).collect::<Vec<_>>());
    guard.log_is_sound();
    let decisions = guard.decisions();
    for (number, tip) in tips.iter().enumerate() {
        let target = format!("branch:{}", names[number]);
        let about = decisions
            .iter()
            .filter(|decision| decision.updates.iter().any(|update| update.target.to_string() == target));
        let expected = if number % 3 == 2 { Verdict::Deny } else { Verdict::Allow };
        assert_eq!(about.map(|decision| decision.verdict).collect::<Vec<_>>(), [expected], "{target}");
        assert_eq!(kept(&guard, *tip), usize::from(number % 3 == 1));
    }
}

#[test]
fn tokens_that_reach_a_mercurial_server_at_the_same_moment_are_all_kept() {
    let guard = Guard::new(RULES);
    let (base, commit) = (guard.server_ids("default"), guard.change("src/a", "change"));
    for round in 1..=50 {
        thread::scope(|scope| {
            for who in [BOB, CAROL] {
                let (guard, base) = (&guard, &base);
                scope.spawn(move || {
                    let token = sign(who, guard.approval(commit, "branch:default", "update", base));
                    let sent = guard.send(who, &guard.bundle(&format!("{}.hg", who.name), &[token]).0);
                    assert_eq!(sent.code, Some(0), "{}", sent.said);
                });
            }
        });
        assert_eq!(kept(&guard, commit), 2 * round);
    }
    // The first is the policy's.
    assert_eq!(guard.server_ids("branch('jit-approvals') and public()").len(), 1 + 100);
    guard.log_is_sound();
}

#[test]
fn of_two_mercurial_pushes_with_one_approval_the_approved_one_lands_and_only_that() {
    let guard = Guard::new(RULES);
    for round in 1..=5 {
        let base = guard.server_ids("default");
        let start = base[0].hex();
        let approved = guard.change("src/a", &format!("approved {round}"));
        guard.approve(BOB, approved, "branch:default", "update", &base);
        guard.hg.ok(&guard.work, &["update", "--quiet", "--clean", &start]);
        let other = guard.change("src/b", &format!("other {round}"));
        let clones = copies(&guard, 3);
        let ended: Vec<bool> = thread::scope(|scope| {
            let guard = &guard;
            let all = clones.iter().zip([(ALICE, approved), (CAROL, other), (ALICE, approved)]);
            let pushes: Vec<_> =
                all.map(|(clone, (who, tip))| scope.spawn(move || push(guard, clone, who, tip))).collect();
            pushes.into_iter().map(|push| push.join().expect("it pushes")).collect()
        });
        assert!((ended[0] || ended[2]) && !ended[1], "{ended:?}");
        assert_eq!(guard.server_ids("default"), [approved]);
        for clone in clones {
            std::fs::remove_dir_all(clone).expect("removed");
        }
        guard.hg.ok(&guard.work, &["update", "--quiet", "--clean", &approved.hex()]);
        let landed = guard.entries().into_iter().filter(|entry| match &entry.event {
            Event::Outcome(outcome) => outcome.applied.iter().any(|applied| applied.value == [approved]),
            _ => false,
        });
        assert_eq!(landed.count(), 1);
    }
    guard.log_is_sound();
}
