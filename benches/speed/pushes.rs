//! Pushes to Git.

use crate::git::{Pair, SMALL, Shape};
use crate::log;
use crate::table::{Samples, figure, ratio};
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// What the hooks of the repository beside ours are.
const TRUE: &str = "/bin/true";

/// The bar of what is to take as long in a large repository as in a small one.
const FLAT: &str = "1.1";

/// The whole push, against the same one with hooks that are `true`.
pub fn against_true(commits: usize, rounds: usize) {
    let mut pair = Pair::new(Shape { files: 2_000, ahead: commits * (rounds + 1), ..SMALL }, Path::new(TRUE));
    compare(
        &mut pair,
        commits,
        rounds,
        &format!("git, push of {commits} commits, against hooks that are `true`"),
        bar(commits),
    );
    if commits >= 10_000 {
        figure(
            &format!("git, push of {commits} commits: peak memory of the hook"),
            "",
            "MiB",
            &[peak(&mut pair, commits)],
        );
    }
}

fn bar(commits: usize) -> &'static str {
    if commits == 1 { "1.3" } else { "" }
}

/// Pushes to both repositories in turn.
pub fn compare(pair: &mut Pair, commits: usize, rounds: usize, what: &str, bar: &str) {
    let pair = RefCell::new(pair);
    let push = |to: &'static str| pair.borrow_mut().push(to, commits).whole;
    ratio(what, bar, &Samples::take(rounds, || push("judged"), || push("plain")));
}

/// One-commit pushes to repositories that are ten times as large, or more: the time in our hooks, against a small one's.
pub fn flat(shape: Shape, what: &str, rounds: usize) {
    let mut small = Pair::new(Shape { ahead: rounds, ..SMALL }, Path::new(TRUE));
    let mut large = Pair::new(Shape { ahead: rounds, ..shape }, Path::new(TRUE));
    // Each rule is read and looked at, whatever the push.
    let bar = if shape.rules > SMALL.rules { "" } else { FLAT };
    hooks(&mut large, &mut small, what, bar, rounds);
}

/// The same with a log of many entries, against one of few.
pub fn log_of(size: u64, rounds: usize) {
    let shape = Shape { ahead: rounds, ..SMALL };
    let [mut small, mut large] = [1_000, size].map(|size| {
        let pair = Pair::new(shape, Path::new(TRUE));
        log::fill(&log::paths_of(&pair.jit(), &pair.path("state")), size);
        pair
    });
    hooks(&mut large, &mut small, &format!("log of {size} entries, against 1,000"), FLAT, rounds);
}

/// The same with a store of many tokens, ten for each of other commits.
pub fn tokens_of(count: usize, rounds: usize) {
    let shape = Shape { ahead: rounds, ..SMALL };
    let [mut small, mut large] = [1_000, count].map(|count| {
        let pair = Pair::new(shape, Path::new(TRUE));
        for number in 0..count {
            let subject =
                format!("{:040x}", (number as u128 / 10 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            let folder = pair.jit().join("tokens").join(&subject[..2]).join(&subject[2..]);
            if number % 10 == 0 {
                fs::create_dir_all(&folder).expect("a folder");
            }
            fs::write(folder.join(format!("{number:064x}")), [b'x'; 500]).expect("a token");
        }
        pair
    });
    hooks(&mut large, &mut small, &format!("store of {count} tokens, against 1,000"), FLAT, rounds);
}

/// The same to a repository with a place for notices that never answers, against one without: each push starts a process that tries it.
pub fn with_silent_place(rounds: usize) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let place = format!("[[notify]]\nname = \"silent\"\nkind = \"webhook\"\nurl = \"http://{address}/\"\n");
    let shape = Shape { ahead: rounds, ..SMALL };
    let [mut told, mut quiet] = [&place[..], ""].map(|place| {
        let pair = Pair::new(shape, Path::new(TRUE));
        let settings = pair.jit().join("config.toml");
        let text = fs::read_to_string(&settings).expect("settings");
        fs::write(settings, text + place).expect("written");
        pair
    });
    let samples = Samples::take(rounds, || told.push("judged", 1).whole, || quiet.push("judged", 1).whole);
    ratio("git, push of 1 commit with a place for notices that never answers, against one without", "1.05", &samples);
}

fn hooks(large: &mut Pair, small: &mut Pair, what: &str, bar: &str, rounds: usize) {
    let samples = Samples::take(rounds, || large.push("judged", 1).in_hooks, || small.push("judged", 1).in_hooks);
    ratio(&format!("git, time in our hooks: {what}"), bar, &samples);
}

/// The most memory that `pre-receive` takes in a push of so many commits, in MiB.
fn peak(pair: &mut Pair, commits: usize) -> f64 {
    let (hook, report) = (pair.path("judged/hooks/pre-receive"), pair.path("peak"));
    let own = std::env::current_exe().expect("this program");
    let jit = env!("CARGO_BIN_EXE_jit");
    let script =
        format!("#!/bin/sh\nexec '{}' --peak '{}' '{jit}' hook pre-receive\n", own.display(), report.display());
    fs::write(&hook, script).expect("a hook");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a hook that runs");
    pair.push("judged", commits);
    read_peak(&report)
}

/// The most memory that `jit` takes with these arguments, in MiB; `report` is a file for that.
pub fn peak_of(arguments: &[OsString], report: &Path) -> f64 {
    let own = std::env::current_exe().expect("this program");
    let mut jit = Command::new(own);
    jit.arg("--peak").arg(report).arg(env!("CARGO_BIN_EXE_jit")).args(arguments).stdout(Stdio::null());
    assert!(jit.status().expect("jit runs").success());
    read_peak(report)
}

fn read_peak(report: &Path) -> f64 {
    fs::read_to_string(report).expect("a report").trim().parse::<f64>().expect("a number") / 1024.0
}

/// Runs a program and writes down the most memory that it had, in KiB, as the system says while it runs.
pub fn watch_peak(report: &str, program: &[String]) -> i32 {
    let mut child = Command::new(&program[0]).args(&program[1..]).spawn().expect("the program starts");
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let mut most = 0_u64;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        most = most.max(line.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        if let Some(ended) = child.try_wait().expect("the program's end") {
            fs::write(report, most.to_string()).expect("written");
            return ended.code().unwrap_or(3);
        }
        sleep(Duration::from_millis(2));
    }
}
