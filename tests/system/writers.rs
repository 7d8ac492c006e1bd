//! Six writers push at once while their hooks are killed at random: what was answered stands in the log, and it goes on.

use crate::support::{ALICE, Guarded as _, MAIN, TestRepo};
use jit::domain::audit::{Event, Verdict};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const RULES: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                     require = [{ role = \"maintainers\", approvals = 1 }]\n";

const WRITERS: usize = 6;

/// How many hooks are killed before the writers stop.
const KILLS: usize = 1_000;

/// What a hook answered before it ended: the place of its decision, and whether it let the push in.
struct Answered {
    refname: String,
    index: usize,
    size: u64,
    root: String,
    /// `None`: it was killed before it could say.
    verdict: Option<Verdict>,
}

/// Reads `recorded: entry 10, checkpoint 11 5M3C…=`.
fn recorded(said: &str) -> Option<(usize, u64, String)> {
    // The last line may be cut short.
    let line =
        said.split_inclusive('\n').find_map(|line| line.strip_suffix('\n')?.strip_prefix("jit: recorded: entry "))?;
    let (index, checkpoint) = line.split_once(", checkpoint ")?;
    let (size, root) = checkpoint.split_once(' ')?;
    Some((index.parse().ok()?, size.parse().ok()?, root.to_owned()))
}

/// A number below `limit` that nobody can predict.
fn random(limit: u64) -> u64 {
    getrandom::u64().expect("random numbers") % limit.max(1)
}

/// Somebody who pushes one branch to and fro, and now and then `main`, which is refused.
struct Writer<'r> {
    repo: &'r TestRepo,
    branch: String,
    commits: [String; 2],
    kills: &'r AtomicUsize,
    /// How long the last hook took that was not killed.
    usual: Duration,
    answers: Vec<Answered>,
}

impl Writer<'_> {
    /// Pushes until enough hooks were killed.
    fn write(mut self) -> Vec<Answered> {
        while self.kills.load(Ordering::SeqCst) < KILLS {
            let main = random(5) == 0;
            let refname = if main { MAIN.to_owned() } else { self.branch.clone() };
            let old = self.repo.server_tip(&refname).map_or_else(|| "0".repeat(40), |tip| tip.hex());
            let new = self.commits[usize::from(old == self.commits[0])].clone();
            let line = format!("{old} {new} {refname}\n");
            let (code, said) = self.run(self.repo.hook("pre-receive"), &line);
            let verdict = match code {
                Some(0) => Some(Verdict::Allow),
                Some(1) => Some(Verdict::Deny),
                Some(other) => panic!("{refname}: {other}: {said}"),
                None => None,
            };
            assert!(!main || code != Some(0), "main was let in: {said}");
            match recorded(&said) {
                Some((index, size, root)) => self.answers.push(Answered { refname, index, size, root, verdict }),
                None => assert!(verdict.is_none(), "an answer without its place: {said}"),
            }
            if verdict == Some(Verdict::Allow) {
                self.repo.server_git(&["update-ref", &self.branch, &new, &old]);
                self.run(self.repo.hook("post-receive"), &line);
            }
        }
        self.answers
    }

    /// Runs a hook and kills it at some moment of its life, or just after; returns its exit code and what it said.
    fn run(&mut self, mut hook: Command, line: &str) -> (Option<i32>, String) {
        let started = Instant::now();
        hook.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = hook.spawn().expect("a hook");
        // A hook that is killed need not have read it.
        let _closed = child.stdin.take().expect("a pipe").write_all(line.as_bytes());
        let usual = u64::try_from(self.usual.as_micros()).expect("a short time");
        thread::sleep(Duration::from_micros(random(usual * 5 / 4)));
        child.kill().expect("it was not waited for");
        let output = child.wait_with_output().expect("it ends");
        match output.status.code() {
            Some(_) => self.usual = started.elapsed().min(Duration::from_millis(500)),
            None => drop(self.kills.fetch_add(1, Ordering::SeqCst)),
        }
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn whatever_dies_among_six_writers_what_was_answered_stands_in_the_log() {
    let repo = TestRepo::new(RULES);
    let first = repo.rev("HEAD").hex();
    let second = repo.commit(ALICE, &["a"]).hex();
    repo.accepted(ALICE, &["HEAD:refs/heads/parked"]);
    let kills = AtomicUsize::new(0);
    let answers: Vec<Answered> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| Writer {
                repo: &repo,
                branch: format!("refs/heads/writer-{number}"),
                commits: [first.clone(), second.clone()],
                kills: &kills,
                usual: Duration::from_millis(100),
                answers: Vec::new(),
            })
            .map(|writer| scope.spawn(|| writer.write()))
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("it writes")).collect()
    });

    repo.log_is_sound();
    let entries = repo.entries();
    let journal = std::fs::read_to_string(repo.jit_path("audit/journal/00000000.jsonl")).expect("a journal");
    let frames: Vec<&str> = journal.lines().collect();
    for answered in &answers {
        let Answered { refname, index, size, root, verdict } = answered;
        let decision = |index: usize| match &entries[index].event {
            Event::Decision(decision) => decision,
            other => panic!("entry {index} is no decision: {other:?}"),
        };
        // A denial that equals the one before names that in place of its updates.
        let whole = decision(*index).again.map_or(*index, |again| usize::try_from(again.of).expect("an index"));
        let decision = decision(whole);
        assert_eq!(decision.updates[0].target.to_string(), *refname, "entry {index}");
        assert!(verdict.is_none_or(|verdict| verdict == decision.verdict), "entry {index}");
        let head: serde_json::Value = serde_json::from_str(frames[*index]).expect("a frame");
        assert_eq!((head["size"].as_u64(), head["root"].as_str()), (Some(*size), Some(root.as_str())), "entry {index}");
    }
    let allowed = answers.iter().filter(|answered| answered.verdict == Some(Verdict::Allow)).count();
    let denied = answers.iter().filter(|answered| answered.verdict == Some(Verdict::Deny)).count();
    assert!(allowed >= WRITERS && denied >= WRITERS, "{allowed} allowed, {denied} denied");

    // Everybody goes on, and the log knows where every branch stands.
    for number in 0..WRITERS {
        repo.accepted(
            ALICE,
            &["--force", &format!("{first}:refs/heads/writer-{number}"), &format!("{second}:refs/heads/end-{number}")],
        );
        for update in repo.last_decision().updates {
            assert_eq!(update.found, None, "{}", update.target);
        }
    }
}
