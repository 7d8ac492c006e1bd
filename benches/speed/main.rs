//! How fast `jit` is: one table of ratios against what the same machine does without it (docs/performance.md).
//!
//! `cargo bench --bench speed` prints it. After `--`, `--long` adds rows that take long to set up (a log of a million entries, trees of 200,000
//! files), and any other word leaves only the groups whose name begins with it.

#![allow(clippy::print_stdout)]

mod approvals;
mod beside;
mod git;
mod hg;
mod inside;
mod log;
mod pushes;
mod table;

use git::{SMALL, Shape};

/// Prints the rows of a group; the flag asks for those that take long as well.
type Group = (&'static str, fn(bool));

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [flag, report, program @ ..] = &arguments[..]
        && flag == "--peak"
    {
        std::process::exit(pushes::watch_peak(report, program));
    }
    let long = arguments.iter().any(|word| word == "--long");
    let wanted: Vec<&String> = arguments.iter().filter(|word| *word != "--long").collect();
    let groups: [Group; 7] = [
        ("git", git),
        ("inside", inside),
        ("flat", flat),
        ("log", logs),
        ("metrics", |long| log::counting(if long { 999_999 } else { 99_999 }, 3)),
        ("hg", hg::rows),
        ("beside", |_| beside::rows()),
    ];
    table::head();
    for (name, run) in groups {
        if wanted.is_empty() || wanted.iter().any(|word| name.starts_with(word.as_str())) {
            run(long);
        }
    }
}

fn git(_: bool) {
    pushes::against_true(1, 40);
    pushes::against_true(100, 9);
    pushes::against_true(10_000, 3);
    pushes::with_silent_place(40);
}

fn inside(_: bool) {
    inside::listing(7);
    inside::rules(9);
    inside::tokens(5);
}

fn flat(long: bool) {
    let rounds = 15;
    pushes::flat(Shape { commits: 1_000, ..SMALL }, "history of 1,000 commits, against 100", rounds);
    pushes::flat(Shape { commits: 100_000, ..SMALL }, "history of 100,000 commits, against 100", rounds);
    pushes::flat(Shape { refs: 100_000, ..SMALL }, "100,000 refs, against 10", rounds);
    pushes::flat(Shape { rules: 1_000, ..SMALL }, "1,000 rules, against 1", rounds);
    if long {
        pushes::flat(Shape { files: 200_000, ..SMALL }, "tree of 200,000 files, against 100", rounds);
        pushes::tokens_of(1_000_000, rounds);
    } else {
        pushes::flat(Shape { files: 20_000, ..SMALL }, "tree of 20,000 files, against 100", rounds);
        pushes::tokens_of(20_000, rounds);
    }
    pushes::log_of(if long { 1_000_000 } else { 100_000 }, rounds);
}

fn logs(long: bool) {
    let (shorter, longer) = (log::Long::new(1_000), log::Long::new(if long { 1_000_000 } else { 100_000 }));
    log::appending(&longer, &shorter, 40);
    log::verifying(&longer, 3);
}
