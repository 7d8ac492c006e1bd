//! How long a file may be, and how it opens.

use crate::fault::Fault;
use crate::source::Source;

/// The most lines of a file of code, tests included.
const LONGEST: usize = 400;

/// Where the scripts stand that Mercurial loads. A hook is one path, and what stands beside it has to be found and loaded by hand inside
/// Mercurial's process, so they are few files.
const SCRIPTS: &str = "hooks/mercurial/";

/// The most lines of one of them.
const LONGEST_SCRIPT: usize = 560;

/// Returns the fault of a file of code below `src`, `tests`, `hooks` or `benches` that is too long.
///
/// Code is Rust, Python and shell, and whatever has no extension: installed hooks have none.
pub fn length_fault(path: &str, text: &str) -> Option<Fault> {
    let (folder, name) = (path.split('/').next()?, path.rsplit('/').next()?);
    let code = name.rsplit_once('.').is_none_or(|(_, extension)| matches!(extension, "rs" | "py" | "sh"));
    let lines = text.lines().count();
    let counted = matches!(folder, "src" | "tests" | "hooks" | "benches") && code;
    let longest = if path.starts_with(SCRIPTS) { LONGEST_SCRIPT } else { LONGEST };
    (counted && lines > longest).then(|| {
        let what = format!("{lines} lines, at most {longest}: split it by noun (tests count too)");
        Fault::new(path, longest + 1, what)
    })
}

/// Returns the fault of a Rust file that does not open with `//!` and some words.
pub fn opening_fault(source: &Source) -> Option<Fault> {
    let first = source.text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty());
    (!says).then(|| Fault::new(&source.path, 1, "a file opens with `//!` and what it answers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn no_file_is_too_long() {
        let tree = Tree::read();
        assert_none(&tree.texts.iter().filter_map(|(path, text)| length_fault(path, text)).collect::<Vec<_>>());
    }

    #[test]
    fn every_rust_file_says_what_it_answers() {
        assert_none(&Tree::read().sources.iter().filter_map(opening_fault).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_that_is_too_long_is_found() {
        let (most, more) = ("x\n".repeat(LONGEST), "x\n".repeat(LONGEST + 1));
        for path in ["src/a.rs", "tests/a/b.rs", "hooks/git/a.py", "hooks/git/pre-receive", "benches/a.rs"] {
            assert_eq!(length_fault(path, &most), None, "{path}");
            let expected = format!("{path}:401: 401 lines, at most 400: split it by noun (tests count too)");
            assert_lines(&Vec::from_iter(length_fault(path, &more)), &[&expected]);
        }
        for path in ["docs/a.md", "tests/conformance/vectors/a.jsonl", "Cargo.lock"] {
            assert_eq!(length_fault(path, &more), None, "{path}");
        }
    }

    #[test]
    fn a_file_without_an_opening_is_found() {
        for text in ["", "use a::b;\n//! late", "// plain", "//!\n"] {
            let faults = Vec::from_iter(opening_fault(&Source::new("src/a.rs", text)));
            assert_lines(&faults, &["src/a.rs:1: a file opens with `//!` and what it answers"]);
        }
        assert_eq!(opening_fault(&Source::new("src/a.rs", "//! What it answers.\n")), None);
    }
}
