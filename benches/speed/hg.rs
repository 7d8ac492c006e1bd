//! Pushes to Mercurial, through `hg serve --stdio`: with jit's hooks, against hooks that are `true` and against Mercurial's own `acl`.
//!
//! The servers are alike but for the hooks. The judged push updates a branch of which a rule wants an approval for each changeset that touches
//! some paths; the approval stands in the server's store. Larger pushes are made onto fresh copies of the servers.

#[allow(dead_code, reason = "tests need more of it")]
#[path = "../../tests/support/hg.rs"]
mod support;

use crate::approvals;
use crate::table::{Samples, figure, milliseconds, ratio};
use jit::domain::change::{ChangesetId, IdKind, Target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use support::{TestHg, write_program};

/// Files in the manifest, changesets in a push, rounds.
const SIZES: [(usize, usize, usize); 6] =
    [(2_000, 1, 15), (2_000, 100, 7), (2_000, 10_000, 3), (50_000, 1, 9), (50_000, 100, 5), (50_000, 1_000, 3)];

/// Adds changesets to a repository quickly: `repository count files-in-the-first`. Each later one changes three files.
const COMMITS: &str = r#"
import sys
from mercurial import context, hg, scmutil, ui as uimod
from mercurial.node import nullid

repo = hg.repository(uimod.ui.load(), sys.argv[1].encode())
count, files = int(sys.argv[2]), int(sys.argv[3])
start = len(repo)

def commit(changes, text):
    def filectx(repo, ctx, path):
        return context.memfilectx(repo, ctx, path, changes[path])
    parents = (scmutil.revsingle(repo, b'default').node() if len(repo) else nullid, nullid)
    repo.commitctx(context.memctx(repo, parents, text, sorted(changes), filectx, user=b'alice <alice@example.com>', date=(0, 0)))

def path(number):
    return b'src/%02d/%05d.txt' % (number % 50, number)

with repo.lock(), repo.transaction(b'fill'):
    if start == 0:
        commit({path(number): b'first\n' for number in range(files)}, b'first')
    for number in range(start, start + count):
        commit({path((number * 3 + k) % files): b'%d\n' % number for k in range(3)}, b'change %d' % number)
"#;

/// Times the hooks that are written in Python; on every server, for it has a price of its own.
const BLACK_BOX: &str = "[extensions]\nblackbox =\n[blackbox]\ntrack = pythonhook\n";
/// The hooks of the servers that are compared with.
const ACL_HOOKS: &str = "[extensions]\nacl =\n[acl]\nsources = serve\n[hooks]\npretxnchangegroup.acl = python:hgext.acl.hook\n\
                         [acl.allow]\nsrc/** = *\n";
const TRUE_HOOKS: &str = "[hooks]\npretxnchangegroup.x = true\npretxnclose.x = true\ntxnclose.x = true\n";

struct Bench {
    test: TestHg,
    files: usize,
}

impl Bench {
    /// Makes the servers with one changeset; they differ in nothing but their hgrc.
    fn new(files: usize) -> Self {
        let bench = Self { test: TestHg::new(), files };
        let ssh = bench.path("ssh.sh");
        write_program(&ssh, "#!/bin/sh\nshift\nREMOTE_USER=alice SSH_CLIENT='10.1.2.3 1 22' exec sh -c \"$*\"\n");
        bench.hg(&["init", "judged"]);
        bench.fill("judged", 0);
        bench.install();
        let lines = fs::read_to_string(bench.path("judged/.hg/hgrc")).expect("installed");
        for (server, lines) in [("plain", TRUE_HOOKS), ("acl", ACL_HOOKS), ("judged", lines.as_str())] {
            if server != "judged" {
                copy_folder(&bench.path("judged"), &bench.path(server));
            }
            fs::write(bench.path(server).join(".hg/hgrc"), format!("{BLACK_BOX}{lines}")).expect("written");
        }
        bench.hg(&["clone", "--quiet", "--noupdate", "judged", "work"]);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.test.path(name)
    }

    fn hg(&self, arguments: &[&str]) -> String {
        self.test.ok(self.test.root.path(), arguments)
    }

    fn fill(&self, repository: &str, count: usize) {
        let numbers = [count.to_string(), self.files.to_string()];
        let path = self.path(repository);
        self.test.python(self.test.root.path(), COMMITS, &[&path.to_string_lossy(), &numbers[0], &numbers[1]]);
    }

    fn install(&self) {
        let policies = self.path("policies");
        fs::create_dir(&policies).expect("a folder");
        let policy = approvals::policy(
            "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\npaths = [\"src/0*/**\"]\n\
             actions = [\"update\", \"rewrite\", \"close\", \"new-head\"]\n\
             require = [{ role = \"reviewers\", approvals = 1 }]\n",
        );
        fs::write(policies.join("policy.toml"), policy).expect("a policy");
        let mut jit = self.test.command(Path::new(env!("CARGO_BIN_EXE_jit")), self.test.root.path());
        let path = std::env::var("PATH").unwrap_or_default();
        jit.env("PATH", format!("{}:{path}", support::hg().parent().expect("a folder").display()));
        jit.args(["install", "--name", "bench", "--origin", "localhost/bench", "--state-dir"]);
        jit.arg(self.path("state")).arg("--policies").arg(&policies).arg(self.path("judged"));
        let installed = jit.output().expect("jit runs");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    }

    /// Puts bob's approval of all that is outgoing into the judged server's store.
    fn approve(&self) {
        let work = self.path("work");
        let id = |hex: &str| ChangesetId::from_hex(IdKind::HgSha1, hex).expect("an id");
        let tip = id(&self.test.node(&work, "tip"));
        let base = id(&self.test.node(&self.path("judged"), "default"));
        approvals::approve(&self.path("judged/.hg/jit"), Target::Branch((*b"default").into()), base, tip);
    }

    /// Keeps, or brings back, both servers and what is remembered of the log.
    fn copy(&self, from: &str, to: &str) {
        for name in ["judged", "plain", "acl", "state", "work"] {
            let target = self.path(&format!("{to}{name}"));
            let _ = fs::remove_dir_all(&target);
            copy_folder(&self.path(&format!("{from}{name}")), &target);
        }
    }

    /// Pushes all that is outgoing; in milliseconds.
    fn push(&self, server: &str) -> f64 {
        let url = format!("ssh://host/{}", self.path(server).display());
        let started = Instant::now();
        let pushed = self.test.hg(&self.path("work"), &["push", "--quiet", "--rev", "default", &url]);
        let took = milliseconds(started.elapsed());
        assert_eq!(pushed.code, Some(0), "{}", pushed.said);
        took
    }

    /// Takes the milliseconds that the judged server has spent in our hooks since the last time.
    fn in_hooks(&self) -> f64 {
        let path = self.path("judged/.hg/blackbox.log");
        let text = fs::read_to_string(&path).expect("Mercurial's black box");
        let _ = fs::remove_file(path);
        let seconds = |line: &str| {
            let rest = line.split_once("pythonhook-")?.1;
            rest.split_once("finished in ")?.1.split(' ').next()?.parse::<f64>().ok()
        };
        text.lines().filter_map(seconds).sum::<f64>() * 1000.0
    }
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp works");
}

/// All rows; `long` adds the pushes of 1,000 and 10,000 changesets.
pub fn rows(long: bool) {
    let mut bench: Option<Bench> = None;
    for (files, changesets, rounds) in SIZES.into_iter().filter(|(_, changesets, _)| long || *changesets < 1_000) {
        let bench = match &mut bench {
            Some(bench) if bench.files == files => bench,
            other => other.insert(Bench::new(files)),
        };
        bench.copy("", "kept-");
        let (mut hooks, mut acl) = (Vec::new(), Vec::new());
        let ours = |bench: &Bench, hooks: &mut Vec<f64>| {
            let took = bench.push("judged");
            hooks.push(bench.in_hooks());
            took
        };
        let mut pairs = Vec::new();
        for round in 0..rounds {
            if changesets > 1 {
                bench.copy("kept-", "");
            }
            bench.fill("work", changesets);
            bench.approve();
            if round % 2 == 0 {
                let judged = ours(bench, &mut hooks);
                pairs.push((judged, bench.push("plain")));
                acl.push((judged, bench.push("acl")));
            } else {
                let beside = bench.push("acl");
                let plain = bench.push("plain");
                let judged = ours(bench, &mut hooks);
                pairs.push((judged, plain));
                acl.push((judged, beside));
            }
        }
        let what = format!("hg, push of {changesets} changesets, {files} files");
        let bar = if changesets == 1 { "1.05" } else { "" };
        ratio(&format!("{what}, against hooks that are `true`"), bar, &Samples::of(pairs));
        ratio(&format!("{what}, against `acl`"), "", &Samples::of(acl));
        figure(&format!("{what}: time in our hooks"), "", "ms", &hooks);
        bench.copy("kept-", "");
    }
}
