//! The repository as the rules see it: the Rust files, and every other text that people wrote.

use crate::source::Source;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders that hold what people wrote.
const FOLDERS: [&str; 8] = [".ci", "benches", "docs", "fuzz", "hooks", "policies", "src", "tests"];

/// Every file that people wrote.
pub struct Tree {
    /// The repository's folder.
    pub root: PathBuf,
    /// The Rust files below `src`, `tests`, `benches` and `fuzz`.
    pub sources: Vec<Source>,
    /// All text files: path relative to the repository and content, Rust files among them.
    pub texts: Vec<(String, String)>,
}

impl Tree {
    /// Reads the repository.
    pub fn read() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        // In a linked working copy `.git` is a file, and Git's own.
        let own = |path: &PathBuf| path.is_file() && path.file_name().is_some_and(|name| name != ".git");
        let mut paths: Vec<PathBuf> = listed(&root).into_iter().filter(own).collect();
        for folder in FOLDERS.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()) {
            collect(&folder, &mut paths);
        }
        paths.sort();
        let texts: Vec<(String, String)> = paths.iter().filter_map(|path| text_of(&root, path)).collect();
        let rust = texts.iter().filter(|(path, _)| path.ends_with(".rs"));
        let sources: Vec<Source> = rust.map(|(path, text)| Source::new(path, text)).collect();
        // A rule that looks at nothing finds nothing: the reader proves that it sees both ends of the tree.
        for file in ["src/lib.rs", "src/domain/policy/evaluate.rs", "tests/house/main.rs"] {
            assert!(sources.iter().any(|source| source.path == file), "{file} was not found below {}", root.display());
        }
        Self { root, sources, texts }
    }

    /// Returns the Rust files of the program and library.
    pub fn product(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.is_product())
    }

    /// Returns the text of a file.
    pub fn text(&self, path: &str) -> &str {
        let found = self.texts.iter().find(|(name, _)| name == path);
        found.map_or_else(|| panic!("{path} is missing"), |(_, text)| text)
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for path in listed(folder) {
        // Build products of nested crates and of tests are nobody's writing.
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target" && name != "__pycache__") {
            collect(&path, paths);
        } else if path.is_file() {
            paths.push(path);
        }
    }
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a folder that was opened can be read").path()).collect()
}

/// Returns path and content; nothing for what is not UTF-8, such as recorded bundles and deliberately broken vectors.
fn text_of(root: &Path, path: &Path) -> Option<(String, String)> {
    let name = path.strip_prefix(root).expect("a path below the repository").to_str()?.to_owned();
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("cannot read {name}: {error}"));
    String::from_utf8(bytes).ok().map(|text| (name, text))
}
