//! How much longer a one-commit push takes with jit's hooks than with hooks that are `true`.
//!
//! `cargo bench --bench push` prints one line: the ratio of wall times of two pushes made in turn, as median and
//! quartiles over all rounds. Both repositories are alike but for the hooks; the judged push moves a branch that needs one
//! approval, which stands in the server's store.

#![allow(clippy::print_stdout)]

use ed25519_dalek::{Signer as _, SigningKey};
use jit::adapters::disk::TokenStore;
use jit::domain::approval::{Kind, PublicKey, RoleChoice, SignedToken, Token, signed_bytes};
use jit::domain::change::{Action, ChangesetId, IdKind, Target};
use jit::domain::time::{Span, Timestamp};
use jit::ports::approval_store::ApprovalStore as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const ROUNDS: usize = 60;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "alice")
        .env("GIT_AUTHOR_EMAIL", "alice@example.com")
        .env("GIT_COMMITTER_NAME", "alice")
        .env("GIT_COMMITTER_EMAIL", "alice@example.com")
        .env("REMOTE_USER", "alice")
        .output()
        .expect("git runs");
    assert!(status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).trim().to_owned()
}

struct Bench {
    home: tempfile::TempDir,
    work: PathBuf,
    judged: PathBuf,
    repository: String,
    bob: SigningKey,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let bob = SigningKey::from_bytes(&[b'b'; 32]);
        let root = home.path().to_owned();
        let (judged, plain, work) = (root.join("judged.git"), root.join("plain.git"), root.join("work"));
        for repo in [&judged, &plain] {
            git(&root, &["init", "--quiet", "--bare", "--initial-branch=main", repo.to_str().expect("text")]);
        }
        for hook in ["pre-receive", "post-receive"] {
            symlink("/bin/true", plain.join("hooks").join(hook)).expect("a hook");
        }
        let policies = root.join("policies");
        fs::create_dir(&policies).expect("a folder");
        let key = PublicKey::new(bob.verifying_key().to_bytes()).expect("a key").openssh();
        let policy = format!(
            "version = 1\ndefault = \"allow\"\n\
             [principals.alice]\nlogins = [\"alice\"]\nemails = [\"alice@example.com\"]\n\
             [principals.bob]\nkeys = [\"{key}\"]\n\
             [roles.reviewers]\nmembers = [\"bob\"]\n\
             [[rule]]\nname = \"review\"\nbranches = [\"main\"]\nactions = [\"update\", \"rewrite\", \"delete\"]\n\
             require = [{{ role = \"reviewers\", approvals = 1 }}]\n"
        );
        fs::write(policies.join("policy.toml"), policy).expect("a policy");
        let installed = Command::new(env!("CARGO_BIN_EXE_jit"))
            .args(["install", "--name", "bench", "--origin", "localhost/bench", "--policies"])
            .arg(&policies)
            .arg("--state-dir")
            .arg(root.join("state"))
            .arg(&judged)
            .output()
            .expect("jit runs");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let settings = fs::read_to_string(judged.join("jit/config.toml")).expect("settings");
        let line = settings.lines().find_map(|line| line.strip_prefix("repository = ")).expect("a name");
        let repository = line.trim_matches('"').to_owned();
        git(&root, &["init", "--quiet", "--initial-branch=main", work.to_str().expect("text")]);
        let bench = Self { home, work, judged, repository, bob };
        for number in 0..100 {
            bench.commit(number);
        }
        for repo in ["judged.git", "plain.git"] {
            git(&bench.work, &["push", "--quiet", &format!("../{repo}"), "main"]);
        }
        bench
    }

    fn commit(&self, number: usize) {
        fs::write(self.work.join(format!("file{}", number % 10)), format!("{number}")).expect("written");
        git(&self.work, &["add", "."]);
        git(&self.work, &["commit", "--quiet", "-m", &format!("change {number}")]);
    }

    fn approve(&self) {
        let id =
            |rev: &str| ChangesetId::from_hex(IdKind::GitSha1, &git(&self.work, &["rev-parse", rev])).expect("an id");
        let now = Timestamp::from_unix(chrono::Utc::now().timestamp()).expect("a time");
        let token = Token {
            kind: Kind::Approve,
            repository: self.repository.clone(),
            subject: Some(id("main")),
            target: Some(Target::git_ref(b"refs/heads/main").expect("a ref")),
            action: Some(Action::Update),
            base: vec![id("main~1")],
            content: None,
            role: RoleChoice::Any,
            not_before: now,
            not_after: Some(now.plus(Span::days(1))),
            nonce: [7; 16],
            reason: String::new(),
        };
        let message = token.message().expect("a message");
        let signature = self.bob.sign(&signed_bytes(message.as_bytes())).to_bytes();
        let key = PublicKey::new(self.bob.verifying_key().to_bytes()).expect("a key");
        let signed = SignedToken::from_parts(token, key, signature).expect("a token");
        TokenStore::in_folder(&self.judged.join("jit")).add(&signed, now).expect("kept");
    }

    fn push(&self, repo: &str) -> Duration {
        let started = Instant::now();
        git(&self.work, &["push", "--quiet", &format!("../{repo}"), "main"]);
        started.elapsed()
    }
}

fn main() {
    let bench = Bench::new();
    let mut rows: Vec<(f64, Duration, Duration)> = (0..ROUNDS)
        .map(|round| {
            bench.commit(1000 + round);
            bench.approve();
            let (judged, plain) = if round % 2 == 0 {
                let judged = bench.push("judged.git");
                (judged, bench.push("plain.git"))
            } else {
                let plain = bench.push("plain.git");
                (bench.push("judged.git"), plain)
            };
            (judged.as_secs_f64() / plain.as_secs_f64(), judged, plain)
        })
        .collect();
    drop(bench.home);
    rows.sort_by(|one, two| one.0.total_cmp(&two.0));
    let at = |share: usize| rows[(ROUNDS - 1) * share / 100].0;
    let median = |pick: fn(&(f64, Duration, Duration)) -> Duration| {
        let mut times: Vec<Duration> = rows.iter().map(pick).collect();
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    };
    println!(
        "one-commit push, jit's hooks against `true`: {:.2} times (quartiles {:.2} to {:.2}; {ROUNDS} rounds; medians {:.1} ms and {:.1} ms)",
        at(50),
        at(25),
        at(75),
        median(|row| row.1),
        median(|row| row.2),
    );
}
