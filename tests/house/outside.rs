//! Where things outside the program may be named: files, network, processes, the environment, clocks, the terminal, libgit2.

use crate::fault::Fault;
use crate::named_paths::{Named, named};
use crate::source::Source;
use crate::token::Kind;

/// The parts of `std` that reach outside, wherever they stand in a path; `std::os::unix::ffi` only gives bytes another type.
const OUTSIDE_STD: [&str; 6] = ["env", "fs", "io", "net", "process", "thread"];

/// The crates that the domain may name: they calculate, and touch nothing.
const DOMAIN_CRATES: [&str; 13] = [
    "chrono",
    "data_encoding",
    "ed25519_dalek",
    "globset",
    "humantime",
    "jiff",
    "regex",
    "serde",
    "serde_json",
    "sha2",
    "ssh_key",
    "thiserror",
    "toml",
];

/// Where the process environment may be read: by the program's outer floors, where Git tells a hook of its quarantine, and by
/// what starts Git for tests.
const ENVIRONMENT: [&str; 5] =
    ["src/main.rs", "src/cli/", "src/commands/", "src/adapters/git/repository.rs", "src/adapters/git/testing.rs"];

/// What an environment variable that sets a clock would have in its name.
const CLOCK_WORDS: [&str; 5] = ["CLOCK", "DATE", "EPOCH", "NOW", "TIME"];

/// Returns where the domain names something that is not a value. `crates` are the dependencies, spelt as in code.
pub fn domain_faults(source: &Source, crates: &[String]) -> Vec<Fault> {
    if !source.is_in("src/domain") {
        return Vec::new();
    }
    let is_outside = |path: &Named| {
        let first = path.segments[0].as_str();
        let std = matches!(first, "std" | "core" | "alloc");
        let whole = path.segments.get(1).is_none_or(|part| part == "*");
        (std && (whole || path.has_any(&OUTSIDE_STD)))
            || (crates.iter().any(|name| name == first) && !DOMAIN_CRATES.contains(&first))
            || is_clock(path)
            || path.has_any(&["Instant"])
    };
    at_paths(source, is_outside, |path| format!("`{path}`: the domain reaches nothing outside itself"))
}

/// Returns where libgit2 is named outside its adapter.
pub fn git2_faults(source: &Source) -> Vec<Fault> {
    if source.is_in("src/adapters/git") {
        return Vec::new();
    }
    let words = source.tokens.iter().filter_map(|token| Some((token.line, token.word()?)));
    words
        .filter(|(_, word)| matches!(*word, "git2" | "libgit2_sys"))
        .map(|(line, word)| Fault::new(&source.path, line, format!("`{word}` is named under src/adapters/git/ alone")))
        .collect()
}

/// Returns where something is printed, or standard output or error is taken in hand, outside `src/cli`.
pub fn printing_faults(source: &Source) -> Vec<Fault> {
    if !source.is_product() || source.is_in("src/cli") {
        return Vec::new();
    }
    let mut faults: Vec<Fault> = source
        .tokens
        .windows(2)
        .filter(|pair| pair[1].is('!'))
        .filter_map(|pair| Some((pair[0].line, pair[0].word()?)))
        .filter(|(_, word)| matches!(*word, "print" | "println" | "eprint" | "eprintln"))
        .map(|(line, word)| Fault::new(&source.path, line, format!("`{word}!`: only src/cli prints")))
        .collect();
    let takes = |path: &Named| path.has_pair(&["io", "anstream"], &["stdout", "stderr"]);
    faults.extend(at_paths(source, takes, |path| format!("`{path}`: only src/cli prints")));
    faults
}

/// Returns where the environment is read in a place that is not meant to, changed, or asked what time it is.
pub fn environment_faults(source: &Source) -> Vec<Fault> {
    if !source.is_product() {
        return Vec::new();
    }
    let may_read = ENVIRONMENT.iter().any(|place| source.path.starts_with(place));
    let writes = |path: &Named| path.has_pair(&["env"], &["set_var", "remove_var", "set_current_dir"]);
    let mut faults = at_paths(source, writes, |path| format!("`{path}`: the environment is never changed"));
    if !may_read {
        faults.extend(at_paths(source, reads_environment, |path| {
            format!("`{path}`: the environment is read only in {}", ENVIRONMENT.join(", "))
        }));
    }
    for token in &source.tokens {
        if let Kind::Text(text) = &token.kind
            && is_variable(text)
            && text.split('_').any(|word| CLOCK_WORDS.contains(&word))
        {
            let what = format!("\"{text}\": no environment variable moves the clock");
            faults.push(Fault::new(&source.path, token.line, what));
        }
    }
    faults
}

/// Returns where the time of day is asked for outside the adapters, or in a file that also reads the environment.
pub fn clock_faults(source: &Source) -> Vec<Fault> {
    if !source.is_product() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if !source.is_in("src/adapters") {
        faults.extend(at_paths(source, is_clock, |path| format!("`{path}`: the time comes from the clock's port")));
    } else if named(source).iter().any(reads_environment) {
        faults.extend(at_paths(source, is_clock, |path| {
            format!("`{path}`: a file that asks the time reads no environment")
        }));
    }
    faults
}

fn reads_environment(path: &Named) -> bool {
    path.has_pair(&["env"], &["var", "var_os", "vars", "vars_os", "home_dir", "temp_dir", "*"])
}

fn is_clock(path: &Named) -> bool {
    path.has_any(&["SystemTime", "Local"]) || path.has_pair(&["Utc"], &["now", "today"])
}

/// Tells whether a text looks like the name of an environment variable of several words: capitals, digits, underlines.
fn is_variable(text: &str) -> bool {
    text.contains('_')
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn at_paths(source: &Source, wrong: impl Fn(&Named) -> bool, what: impl Fn(&str) -> String) -> Vec<Fault> {
    named(source)
        .iter()
        .filter(|path| wrong(path))
        .map(|path| Fault::new(&source.path, path.line, what(&path.text())))
        .collect()
}

/// Returns the names of the dependencies in a Cargo.toml, spelt as in code.
pub fn dependencies(manifest: &str) -> Vec<String> {
    let table: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let keys = table.get("dependencies").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    keys.map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn the_domain_reaches_nothing_outside_itself() {
        let tree = Tree::read();
        let crates = dependencies(tree.text("Cargo.toml"));
        assert!(crates.iter().any(|name| name == "ed25519_dalek"), "{crates:?}");
        let faults: Vec<Fault> = tree.product().flat_map(|source| domain_faults(source, &crates)).collect();
        assert_none(&faults);
    }

    #[test]
    fn libgit2_is_named_in_its_adapter_alone() {
        assert_none(&Tree::read().sources.iter().flat_map(git2_faults).collect::<Vec<_>>());
    }

    #[test]
    fn only_the_terminal_prints() {
        assert_none(&Tree::read().product().flat_map(printing_faults).collect::<Vec<_>>());
    }

    #[test]
    fn no_environment_variable_moves_the_clock() {
        let tree = Tree::read();
        assert_none(&tree.product().flat_map(environment_faults).collect::<Vec<_>>());
        assert_none(&tree.product().flat_map(clock_faults).collect::<Vec<_>>());
    }

    #[test]
    fn a_reach_out_of_the_domain_is_found() {
        let crates = ["git2", "tempfile", "serde"].map(String::from);
        let cases = [
            ("use std::fs;", "std::fs"),
            ("use std::{fmt, io::Write};", "std::io::Write"),
            ("use std::os::unix::fs::PermissionsExt;", "std::os::unix::fs::PermissionsExt"),
            ("fn f() { std::process::exit(1) }", "std::process::exit"),
            ("use std::time::{Duration, SystemTime};", "std::time::SystemTime"),
            ("use std::time::Instant;", "std::time::Instant"),
            ("use std as s;", "std"),
            ("use std::*;", "std::*"),
            ("let now = chrono::Utc::now();", "chrono::Utc::now"),
            ("let now = Utc::now();", "Utc::now"),
            ("use tempfile::tempdir;", "tempfile::tempdir"),
            ("fn f(r: &git2::Repository) {}", "git2::Repository"),
        ];
        for (text, path) in cases {
            let expected = format!("src/domain/a.rs:1: `{path}`: the domain reaches nothing outside itself");
            assert_lines(&domain_faults(&Source::new("src/domain/a.rs", text), &crates), &[&expected]);
        }
        let good = "use std::{collections::BTreeMap, fmt, os::unix::ffi::OsStrExt}; use serde::Serialize; use chrono::Utc; // std::fs";
        assert_none(&domain_faults(&Source::new("src/domain/a.rs", good), &crates));
    }

    #[test]
    fn libgit2_outside_its_adapter_is_found() {
        let bad = Source::new("tests/e2e/a.rs", "\nuse git2::Oid;");
        assert_lines(&git2_faults(&bad), &["tests/e2e/a.rs:2: `git2` is named under src/adapters/git/ alone"]);
        assert_none(&git2_faults(&Source::new("src/adapters/git/a.rs", "use git2::Oid;")));
    }

    #[test]
    fn printing_outside_the_terminal_is_found() {
        let text = "fn f() { println!(\"x\"); std::io::stderr(); anstream::stdout(); c.stdout(p); }";
        let expected = ["`println!`", "`std::io::stderr`", "`anstream::stdout`"]
            .map(|what| format!("src/commands/a.rs:1: {what}: only src/cli prints"));
        assert_lines(
            &printing_faults(&Source::new("src/commands/a.rs", text)),
            &expected.each_ref().map(String::as_str),
        );
        assert_none(&printing_faults(&Source::new("src/cli/a.rs", text)));
    }

    #[test]
    fn a_read_of_the_environment_and_a_variable_for_the_clock_are_found() {
        let reading = "fn f() { std::env::var_os(\"HOME\"); }";
        let places = ENVIRONMENT.join(", ");
        let expected =
            format!("src/adapters/disk/a.rs:1: `std::env::var_os`: the environment is read only in {places}");
        assert_lines(&environment_faults(&Source::new("src/adapters/disk/a.rs", reading)), &[&expected]);
        assert_none(&environment_faults(&Source::new("src/commands/a.rs", reading)));
        for name in ["SOURCE_DATE_EPOCH", "JIT_NOW", "FAKE_TIME"] {
            let text = format!("fn f() {{ env::var(\"{name}\"); }}");
            let expected = format!("src/cli/a.rs:1: \"{name}\": no environment variable moves the clock");
            assert_lines(&environment_faults(&Source::new("src/cli/a.rs", &text)), &[&expected]);
        }
        assert_none(&environment_faults(&Source::new(
            "src/cli/a.rs",
            "const HEADS: [&str; 2] = [\"TIME\", \"GIT_DIR\"];",
        )));
        let changing = Source::new("src/cli/a.rs", "fn f() { env::set_var(a, b) }");
        assert_lines(
            &environment_faults(&changing),
            &["src/cli/a.rs:1: `env::set_var`: the environment is never changed"],
        );
    }

    #[test]
    fn a_second_clock_is_found() {
        let text = "fn f() { chrono::Utc::now() }";
        let expected = "src/commands/a.rs:1: `chrono::Utc::now`: the time comes from the clock's port";
        assert_lines(&clock_faults(&Source::new("src/commands/a.rs", text)), &[expected]);
        assert_none(&clock_faults(&Source::new("src/adapters/clock.rs", text)));
        let both = "fn f() { env::var(name); SystemTime::now() }";
        assert_lines(
            &clock_faults(&Source::new("src/adapters/clock.rs", both)),
            &["src/adapters/clock.rs:1: `SystemTime::now`: a file that asks the time reads no environment"],
        );
    }
}
