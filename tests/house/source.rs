//! A Rust file of the repository: its text, its tokens, and which module it is.

use crate::token::{Token, tokens};

/// A Rust file.
pub struct Source {
    /// Its path relative to the repository, with slashes.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

impl Source {
    /// Takes a text as the file `path`.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), tokens: tokens(text) }
    }

    /// Returns the path of its module below the crate's root: `src/domain/change/push.rs` is `domain`, `change`, `push`.
    pub fn module(&self) -> Vec<&str> {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let mut names: Vec<&str> = below.strip_suffix(".rs").unwrap_or(below).split('/').collect();
        if names.last() == Some(&"mod") || names == ["lib"] || names == ["main"] {
            names.pop();
        }
        names
    }

    /// Tells whether it is part of the program or library.
    pub fn is_product(&self) -> bool {
        self.path.starts_with("src/")
    }

    /// Tells whether it stands in `folder`, directly or deeper.
    pub fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

#[test]
fn a_file_is_the_module_that_its_path_names() {
    let cases: [(&str, &[&str]); 5] = [
        ("src/lib.rs", &[]),
        ("src/main.rs", &[]),
        ("src/enforcement.rs", &["enforcement"]),
        ("src/domain/mod.rs", &["domain"]),
        ("src/domain/change/push.rs", &["domain", "change", "push"]),
    ];
    for (path, module) in cases {
        assert_eq!(Source::new(path, "").module(), module, "{path}");
    }
}
