//! What is measured without a push: the listing of commits and paths, patterns, and tokens.

use crate::approvals;
use crate::git::{Pair, SMALL, Shape};
use crate::table::{Samples, figure, ratio, timed};
use ed25519_dalek::Signer as _;
use jit::adapters::git::{Claim, GitHistory, GitRepository};
use jit::domain::approval::SignedToken;
use jit::domain::change::{Action, Changeset, ChangesetId, IdKind, Push, Pusher, RefUpdate, RepoPath, Target};
use jit::domain::policy::{PolicyFile, evaluate, load};
use jit::ports::history::{History as _, Need, OwnPaths};
use std::path::Path;
use std::process::{Command, Stdio};

fn main_branch() -> Target {
    Target::git_ref(b"refs/heads/main").expect("a ref")
}

fn id(number: usize) -> ChangesetId {
    let mut bytes = [0x55; 20];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    ChangesetId::from_bytes(IdKind::GitSha1, &bytes).expect("an id")
}

/// The commits of a push and the paths that each changes, against what Git's own programs take to list them.
pub fn listing(rounds: usize) {
    // As in a hook.
    GitRepository::trust_objects();
    let shape = Shape { files: 2_000, ahead: 10_000, ..SMALL };
    let pair = Pair::new(shape, Path::new("/bin/true"));
    let (old, new) = (pair.id(shape.commits - 1), pair.id(shape.commits + shape.ahead - 1));
    let work = pair.path("work");
    let ours = || {
        timed(|| {
            let repo = GitRepository::at(&work).expect("a repository");
            let claim = Claim { old: Some(old), new: Some(new), refname: b"refs/heads/main".to_vec() };
            let mut history = GitHistory::supposing(repo, vec![claim]);
            let mut updates = history.ref_updates().expect("updates");
            let need = Need { own_paths: OwnPaths::All, ..Need::default() };
            history.load(&mut updates[0], &need).expect("commits");
            assert_eq!(updates[0].changesets.len(), shape.ahead);
        })
    };
    let pipe = format!("git rev-list {}..{} | git diff-tree --stdin -r -m -z", old.hex(), new.hex());
    let gits = || {
        timed(|| {
            let done = Command::new("sh").args(["-c", &pipe]).current_dir(&work).stdout(Stdio::null()).status();
            assert!(done.is_ok_and(|status| status.success()), "git lists");
        })
    };
    ratio(
        "10,000 commits: listing them and their paths, against `git rev-list \\| git diff-tree`",
        "1.5",
        &Samples::take(rounds, ours, gits),
    );
}

/// A thousand rules against ten thousand paths.
pub fn rules(rounds: usize) {
    let rule = |number: u32| {
        let pattern = if number.is_multiple_of(2) { "" } else { "*.sql" };
        let paths = format!("src/{number}/**/{pattern}").trim_end_matches('/').to_owned();
        format!("[[rule]]\nname = \"rule-{number}\"\nbranches = [\"main\"]\npaths = [\"{paths}\"]\n{}", approvals::ASKS)
    };
    let text = approvals::policy(&(0..1_000).map(rule).collect::<String>());
    let policy = load(&[PolicyFile { name: "policy.toml".into(), text: text.into_bytes() }]).expect("a policy");
    let paths =
        (0..10_000).map(|n| RepoPath::new(format!("src/{}/deep/{n}.txt", 1_000 + n % 1_000).as_bytes())).collect();
    let changeset = Changeset {
        id: id(2),
        parents: vec![id(1)],
        authors: vec![b"alice@example.com".to_vec()],
        committer: None,
        summary: Vec::new(),
        own_paths: Some(paths),
        lines: None,
        trailers: None,
    };
    let update = RefUpdate::new(main_branch(), vec![Action::Update], vec![id(1)], vec![id(2)]);
    let update = RefUpdate { changesets: vec![changeset], ..update };
    let pusher = Pusher { login: Some("alice".into()), source: "bench".into() };
    let push = Push { repository: "bench".into(), pusher, unknown_pusher_allowed: false, updates: vec![update] };
    let now = approvals::now();
    let times: Vec<f64> = (0..rounds).map(|_| timed(|| evaluate(&policy, &push, &[], now))).collect();
    figure("1,000 rules against 10,000 paths", "50 ms", "ms", &times);
}

/// Ten thousand tokens read and verified, against as many bare verifications.
pub fn tokens(rounds: usize) {
    let texts: Vec<String> = (0..10_000)
        .map(|number| approvals::approval("bench", main_branch(), id(number), id(number + 1)).text)
        .collect();
    let key = approvals::bob().verifying_key();
    let signed: Vec<_> = texts.iter().map(|text| (text.as_bytes(), approvals::bob().sign(text.as_bytes()))).collect();
    let ours = || timed(|| texts.iter().for_each(|text| drop(SignedToken::parse(text).expect("a token"))));
    let plain = || timed(|| signed.iter().for_each(|(text, by)| key.verify_strict(text, by).expect("a signature")));
    ratio("10,000 tokens read and verified, against `verify_strict`", "1.3", &Samples::take(rounds, ours, plain));
}
