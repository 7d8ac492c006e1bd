//! Two central Git repositories that differ in their hooks alone, and a clone that pushes to both.

use crate::approvals;
use crate::table::milliseconds;
use jit::domain::change::{ChangesetId, IdKind, Target};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// What a repository is like before the pushes that are measured.
#[derive(Clone, Copy)]
pub struct Shape {
    /// How many commits its `main` has.
    pub commits: usize,
    /// How many branches beside it.
    pub refs: usize,
    /// How many files its tree has.
    pub files: usize,
    /// How many rules its policy has; one of them asks for an approval of everything, the others of some paths.
    pub rules: usize,
    /// How many commits stand ready to be pushed.
    pub ahead: usize,
}

/// The usual one.
pub const SMALL: Shape = Shape { commits: 100, refs: 10, files: 100, rules: 1, ahead: 100 };

/// The repositories.
pub struct Pair {
    home: TempDir,
    ids: Vec<String>,
    /// How many commits of `ids` the servers have.
    pushed: HashMap<&'static str, usize>,
}

/// How long a push took.
pub struct Push {
    /// In milliseconds, for who pushes.
    pub whole: f64,
    /// In milliseconds, in the hooks alone, as Git's own trace says.
    pub in_hooks: f64,
}

/// Runs Git without any settings of this machine, as alice.
pub fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    run(&mut command(folder, arguments), input)
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env_clear();
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "gc.auto"),
        ("GIT_CONFIG_VALUE_0", "0"),
        ("GIT_CONFIG_KEY_1", "maintenance.auto"),
        ("GIT_CONFIG_VALUE_1", "false"),
        ("REMOTE_USER", "alice"),
    ] {
        command.env(name, value);
    }
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    command
}

fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || pipe.write_all(input));
        child.wait_with_output().expect("git ends")
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A history in the form of `git fast-import`: a first commit with all files, then commits that change three files each.
pub fn history(commits: usize, files: usize) -> Vec<u8> {
    let path = |number: usize| format!("src/{:03}/{:06}.txt", number % files / 100, number % files);
    let mut stream = String::new();
    for number in 0..commits {
        let time = 1_600_000_000 + number * 60;
        let people =
            format!("author Alice <alice@example.com> {time} +0000\ncommitter Alice <alice@example.com> {time} +0000");
        stream += &format!("commit refs/heads/main\n{people}\ndata <<END\nchange {number}\nEND\n");
        let changed: Vec<usize> =
            if number == 0 { (0..files).collect() } else { (number * 3..number * 3 + 3).collect() };
        for file in changed {
            stream += &format!("M 100644 inline {}\ndata <<END\n{file} as of {number}\nEND\n", path(file));
        }
    }
    stream.into_bytes()
}

impl Pair {
    /// Makes both repositories of this shape; `hook` stands in the second one's hooks.
    pub fn new(shape: Shape, hook: &Path) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let root = home.path();
        git(root, &["init", "--quiet", "--bare", "--initial-branch=main", "work"], b"");
        let work = root.join("work");
        git(&work, &["fast-import", "--quiet"], &history(shape.commits + shape.ahead, shape.files));
        let listed = git(&work, &["rev-list", "--reverse", "main"], b"");
        let ids: Vec<String> = String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect();
        let base = &ids[shape.commits - 1];
        for repo in ["judged", "plain"] {
            git(root, &["init", "--quiet", "--bare", "--initial-branch=main", repo], b"");
            git(&work, &["push", "--quiet", &format!("../{repo}"), &format!("{base}:refs/heads/main")], b"");
            let line = |n| format!("{base} refs/heads/topic/{n:06}\n");
            let packed = format!(
                "# pack-refs with: peeled fully-peeled sorted \n{}",
                (0..shape.refs).map(line).collect::<String>()
            );
            fs::write(root.join(repo).join("packed-refs"), packed).expect("refs");
        }
        for name in ["pre-receive", "post-receive"] {
            symlink(hook, root.join("plain/hooks").join(name)).expect("a hook");
        }
        let pair = Self { ids, pushed: ["judged", "plain"].map(|name| (name, shape.commits)).into(), home };
        pair.install(shape.rules);
        pair
    }

    fn install(&self, rules: usize) {
        let folder = self.path("policies");
        fs::create_dir(&folder).expect("a folder");
        let one = |number: usize| {
            let paths = if number == 0 { String::new() } else { format!("paths = [\"src/{number:03}/**\"]\n") };
            format!("[[rule]]\nname = \"review-{number}\"\nbranches = [\"main\"]\n{paths}{}", approvals::ASKS)
        };
        let text = approvals::policy(&(0..rules).map(one).collect::<String>());
        fs::write(folder.join("policy.toml"), text).expect("a policy");
        let mut jit = Command::new(env!("CARGO_BIN_EXE_jit"));
        jit.args(["install", "--name", "bench", "--origin", "localhost/bench", "--policies"]).arg(&folder);
        let done = jit.arg("--state-dir").arg(self.path("state")).arg(self.path("judged")).output().expect("jit runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A path beside the repositories.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The folder that holds what jit keeps of the judged repository.
    pub fn jit(&self) -> PathBuf {
        self.path("judged/jit")
    }

    /// The id of the commit at a place in the history.
    pub fn id(&self, place: usize) -> ChangesetId {
        ChangesetId::from_hex(IdKind::GitSha1, &self.ids[place]).expect("an id")
    }

    /// Pushes the next commits to one of the repositories: all that is done before is not measured.
    pub fn push(&mut self, to: &'static str, commits: usize) -> Push {
        let from = self.pushed[to];
        let new = from + commits;
        if to == "judged" {
            let target = Target::git_ref(b"refs/heads/main").expect("a ref");
            approvals::approve(&self.jit(), target, self.id(from - 1), self.id(new - 1));
        }
        self.pushed.insert(to, new);
        let trace = self.path("trace");
        let _ = fs::remove_file(&trace);
        let what = format!("{}:refs/heads/main", self.ids[new - 1]);
        let mut push = command(&self.path("work"), &["push", "--quiet", &format!("../{to}"), &what]);
        push.env("GIT_TRACE2_EVENT", &trace);
        let started = Instant::now();
        run(&mut push, b"");
        Push { whole: milliseconds(started.elapsed()), in_hooks: in_hooks(&trace) }
    }
}

/// Adds up what Git's trace says of its hooks.
fn in_hooks(trace: &Path) -> f64 {
    let text = fs::read_to_string(trace).expect("a trace");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let child = |event: &Value| (event["sid"].to_string(), event["child_id"].to_string());
    let is = |event: &&Value, kind: &str| event["event"] == kind;
    let hooks: Vec<_> =
        events.iter().filter(|e| is(e, "child_start") && e["child_class"] == "hook").map(child).collect();
    let ends = events.iter().filter(|event| is(event, "child_exit") && hooks.contains(&child(event)));
    ends.filter_map(|event| event["t_rel"].as_f64()).sum::<f64>() * 1000.0
}
