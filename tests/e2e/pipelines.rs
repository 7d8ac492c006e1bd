//! The pipelines of docs/ci: the shell that stands on the pages asks, stops where the gate does not open, and goes on where it does.

use crate::support::{ALICE, BOB, GATES, Guarded as _, PROGRAM, Said, TestRepo, command, run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Each page with the number of its pipelines, and whether these end with 4 where the gate waits.
const PAGES: [(&str, &[i32]); 7] = [
    ("shell.md", &[4, 0]),
    ("action/action.yml", &[4]),
    ("gitlab-ci.md", &[4]),
    ("jenkins.md", &[4]),
    ("buildkite.md", &[4]),
    ("argo.md", &[4]),
    ("github-actions.md", &[]),
];

/// The pieces of shell of a page: each begins with `set -eu`, and ends where its indentation does.
fn pieces(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci").join(page);
    let text = fs::read_to_string(path).expect(page);
    let lines: Vec<&str> = text.lines().collect();
    let begins = lines.iter().enumerate().filter(|(_, line)| line.trim() == "set -eu").map(|(at, _)| at);
    let piece = |at: usize| {
        let indent = lines[at].len() - lines[at].trim_start().len();
        let inside = |line: &&&str| line.trim() != "```" && line.len() - line.trim_start().len() >= indent;
        let own: Vec<&str> = lines[at..].iter().take_while(inside).map(|line| &line[indent..]).collect();
        // What Buildkite takes for one.
        own.join("\n").replace("$$", "$")
    };
    begins.map(piece).collect()
}

/// A machine that runs pipelines: `jit` and an `ssh` that reaches the server stand in its PATH.
struct Runner {
    folder: PathBuf,
}

impl Runner {
    fn new(repo: &TestRepo) -> Self {
        let runner = Self { folder: repo.path("runner") };
        fs::create_dir(&runner.folder).expect("a folder");
        runner.program("jit", &format!("exec {PROGRAM} \"$@\""));
        let server = repo.server();
        // It insists on a key that nobody else can read and on the known host.
        let ssh = format!(
            "case \"$*\" in *'-i '*' -o IdentitiesOnly=yes -o UserKnownHostsFile='*' -o StrictHostKeyChecking=yes -T '*git@git.example.com*) ;; *) exit 9 ;; esac\n\
             [ \"$(stat -c %a \"$2\")\" = 600 ] || exit 9\n\
             exec env -i PATH=\"$PATH\" REMOTE_USER=ci {PROGRAM} gate-server {}",
            server.display()
        );
        runner.program("ssh", &ssh);
        runner.program("deploy.sh", "echo \"$1\" >> deployed");
        for file in ["key", "hosts"] {
            fs::write(runner.folder.join(file), "secret\n").expect("written");
            fs::set_permissions(runner.folder.join(file), fs::Permissions::from_mode(0o600)).expect("its own");
        }
        runner
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can run");
    }

    /// Runs a pipeline for `commit`.
    fn run(&self, shell: &str, commit: &str) -> Said {
        let mut sh = command("sh", &self.folder, ALICE, 1);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = [self.folder.clone()].into_iter().chain(std::env::split_paths(&path));
        sh.env("PATH", std::env::join_paths(paths).expect("plain paths")).current_dir(&self.folder);
        for name in ["COMMIT", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILDKITE_COMMIT", "JIT_REV"] {
            sh.env(name, commit);
        }
        for name in ["RUN", "CI_JOB_URL", "BUILD_URL", "BUILDKITE_BUILD_URL"] {
            sh.env(name, "run 7");
        }
        sh.env("JIT_KEY", self.folder.join("key")).env("JIT_KNOWN_HOSTS", self.folder.join("hosts"));
        sh.env("JIT_SERVER", "ssh://git@git.example.com/srv/git/payments.git").env("JIT_WAIT", "0s");
        sh.env("JIT_GATE", "deploy").env("JIT_ENVIRONMENT", "production");
        sh.env("JIT_KEY_TEXT", "secret").env("JIT_KNOWN_HOSTS_TEXT", "host");
        sh.args(["-c", &shell.replace("--wait 30m", "--wait 0s")]);
        run(sh, b"")
    }

    fn deployed(&self) -> usize {
        fs::read_to_string(self.folder.join("deployed")).unwrap_or_default().lines().count()
    }
}

#[test]
fn the_pipelines_of_the_pages_go_on_only_where_the_gate_opened() {
    let repo = TestRepo::new(GATES);
    let (runner, bob) = (Runner::new(&repo), repo.desk(BOB));
    let commit = repo.server_tip("refs/heads/main").expect("a branch").hex();
    for (page, waiting) in PAGES {
        let pieces = pieces(page);
        assert_eq!(pieces.len(), waiting.len(), "{page}");
        for (shell, code) in pieces.iter().zip(waiting) {
            let before = runner.deployed();
            let said = runner.run(shell, &commit);
            assert_eq!(said.code, Some(*code), "{page}: {}\n{}", said.text(), said.err);
            assert_eq!(runner.deployed(), before, "{page}: nothing was approved");
            bob.must(&["sign", &commit, "--environment", "production", "--action", "deploy", "--yes"]);
            let said = runner.run(shell, &commit);
            assert_eq!(said.code, Some(0), "{page}: {}\n{}", said.text(), said.err);
            let deploys = usize::from(shell.contains("./deploy.sh"));
            assert_eq!(runner.deployed(), before + deploys, "{page}");
        }
    }
    repo.log_is_sound();
}
