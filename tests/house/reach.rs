//! No file of code is forgotten: each Rust file is part of something that Cargo builds.
//!
//! Cargo looks for tests by itself only where `autotests` is on; here it is off, so a test file that no `mod` line names, or a
//! folder that no `[[test]]` names, would never run and never fail. From the roots that the manifests name every `mod` line
//! is followed; what was not met is forgotten.

use crate::fault::Fault;
use crate::source::Source;
use crate::token::{Kind, Token};
use std::collections::BTreeSet;

/// A Cargo.toml: its path relative to the repository, and its text.
pub type Manifest<'a> = (&'a str, &'a str);

/// Returns the files that no manifest and no `mod` line reaches, the roots that do not exist, and the `mod` lines that lead
/// nowhere.
pub fn faults(manifests: &[Manifest<'_>], sources: &[Source]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut reached = BTreeSet::new();
    for (path, text) in manifests {
        for root in roots(path, text) {
            match sources.iter().find(|source| source.path == root) {
                Some(source) => follow(source, sources, &mut reached, &mut faults),
                None => faults.push(Fault::new(path, 1, format!("it registers {root}, which is missing"))),
            }
        }
    }
    for source in sources.iter().filter(|source| !reached.contains(source.path.as_str())) {
        let what = if source.path.starts_with("tests/") && source.path.ends_with("/main.rs") {
            "no [[test]] of Cargo.toml registers it: it never runs"
        } else {
            "no `mod` line and no manifest reaches it: it is never built"
        };
        faults.push(Fault::new(&source.path, 1, what));
    }
    faults
}

/// Returns the files that a manifest has Cargo build: those that it names, and for a package `src/lib.rs` and `src/main.rs`.
fn roots(path: &str, text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{path} is not TOML: {error}"));
    let folder = path.strip_suffix("Cargo.toml").expect("a manifest is named Cargo.toml");
    let mut roots = Vec::new();
    for kind in ["test", "bench", "bin", "example"] {
        let targets = table.get(kind).and_then(toml::Value::as_array).into_iter().flatten();
        let named = targets.filter_map(|target| target.get("path").and_then(toml::Value::as_str));
        roots.extend(named.map(|name| format!("{folder}{name}")));
    }
    if folder.is_empty() {
        roots.extend(["src/lib.rs".to_owned(), "src/main.rs".to_owned()]);
    }
    roots
}

fn follow<'a>(root: &'a Source, sources: &'a [Source], reached: &mut BTreeSet<&'a str>, faults: &mut Vec<Fault>) {
    let mut open = vec![(root, true)];
    // Beside a root, and a file that a path names, stand the files of its modules; of others, in a folder of its name.
    while let Some((source, is_beside)) = open.pop() {
        if !reached.insert(&source.path) {
            continue;
        }
        for (line, is_named, candidates) in children(source, is_beside) {
            let child = sources.iter().find(|child| candidates.contains(&child.path));
            match child {
                Some(child) => open.push((child, is_named)),
                None => {
                    let what = format!("this `mod` line leads to no file ({})", candidates.join(" or "));
                    faults.push(Fault::new(&source.path, line, what));
                }
            }
        }
    }
}

/// Returns for each `mod name;` its line, whether it names a path, and the files that it may mean.
fn children(source: &Source, is_beside: bool) -> Vec<(usize, bool, Vec<String>)> {
    let (folder, name) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let own_folder = is_beside || name == "mod.rs";
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let base = if own_folder { folder.to_owned() } else { format!("{folder}/{stem}") };
    let mut children = Vec::new();
    for (at, three) in source.tokens.windows(3).enumerate() {
        let [keyword, name, end] = three else { continue };
        if let (Some("mod"), Some(module), true) = (keyword.word(), name.word(), end.is(';')) {
            let named = path_attribute(&source.tokens[..at]);
            let candidates = match named {
                Some(path) => vec![joined(folder, path)],
                None => vec![format!("{base}/{module}.rs"), format!("{base}/{module}/mod.rs")],
            };
            children.push((keyword.line, named.is_some(), candidates));
        }
    }
    children
}

/// Returns the text of `#[path = "…"]` if that stands right before, a visibility between at most.
fn path_attribute(before: &[Token]) -> Option<&str> {
    let end = before.iter().rposition(|token| token.is(']'))?;
    if !before[end + 1..]
        .iter()
        .all(|token| matches!(token.word(), Some("pub" | "crate" | "super")) || token.is('(') || token.is(')'))
    {
        return None;
    }
    match before[..end].last_chunk::<3>()? {
        [word, equals, Token { kind: Kind::Text(path), .. }] if word.word() == Some("path") && equals.is('=') => {
            Some(path)
        }
        _ => None,
    }
}

/// Joins a path with `..` in it to a folder.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn every_rust_file_is_built() {
        let tree = Tree::read();
        let all = tree.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        let manifests: Vec<Manifest<'_>> =
            all.filter(|(path, _)| *path == "Cargo.toml" || path.ends_with("/Cargo.toml")).collect();
        assert_none(&faults(&manifests, &tree.sources));
    }

    const MANIFEST: &str = "[[test]]\nname = \"a\"\npath = \"tests/a/main.rs\"\n";

    fn tree(files: &[(&str, &str)]) -> Vec<Source> {
        let fixed = [("src/lib.rs", "mod x;"), ("src/main.rs", ""), ("src/x/mod.rs", "")];
        fixed.iter().chain(files).map(|(path, text)| Source::new(path, text)).collect()
    }

    #[test]
    fn forgotten_files_and_dead_lines_are_found() {
        let good = ("tests/a/main.rs", "mod b;");
        let b = ("tests/a/b.rs", "");
        let cases: [(&[(&str, &str)], &str); 5] = [
            (
                &[good, b, ("tests/a/c.rs", "")],
                "tests/a/c.rs:1: no `mod` line and no manifest reaches it: it is never built",
            ),
            (
                &[good, b, ("tests/d/main.rs", "")],
                "tests/d/main.rs:1: no [[test]] of Cargo.toml registers it: it never runs",
            ),
            (&[good, b, ("src/y.rs", "")], "src/y.rs:1: no `mod` line and no manifest reaches it: it is never built"),
            (&[good], "tests/a/main.rs:1: this `mod` line leads to no file (tests/a/b.rs or tests/a/b/mod.rs)"),
            (&[], "Cargo.toml:1: it registers tests/a/main.rs, which is missing"),
        ];
        for (files, expected) in cases {
            assert_lines(&faults(&[("Cargo.toml", MANIFEST)], &tree(files)), &[expected]);
        }
    }

    #[test]
    fn a_mod_line_in_a_comment_or_a_string_reaches_nothing() {
        let files = [("tests/a/main.rs", "// mod b;\nconst T: &str = \"mod b;\";"), ("tests/a/b.rs", "")];
        let found = faults(&[("Cargo.toml", MANIFEST)], &tree(&files));
        assert_lines(&found, &["tests/a/b.rs:1: no `mod` line and no manifest reaches it: it is never built"]);
    }

    #[test]
    fn nested_shared_and_separate_files_are_reached() {
        let files = [
            (
                "tests/a/main.rs",
                "mod b; #[path = \"../support/mod.rs\"] pub(crate) mod support; #[path = \"../f/g.rs\"] mod g;",
            ),
            ("tests/f/g.rs", "mod h;"),
            ("tests/f/h.rs", ""),
            ("tests/a/b.rs", "mod c;"),
            ("tests/a/b/c.rs", ""),
            ("tests/support/mod.rs", "pub mod d;"),
            ("tests/support/d.rs", ""),
            ("tests/fuzz/targets/e.rs", ""),
        ];
        let nested = ("tests/fuzz/Cargo.toml", "[[bin]]\nname = \"e\"\npath = \"targets/e.rs\"\n");
        assert_none(&faults(&[("Cargo.toml", MANIFEST), nested], &tree(&files)));
    }
}
