//! In what a case is tried, and how its words are translated.

use crate::support::MAIN;

/// In what a case is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Branches and tags of Git.
    Git,
    /// Named branches and tags of Mercurial; its `main` is called `default`.
    Named,
    /// Bookmarks of Mercurial in the place of branches, on the named branch `default` that no rule guards.
    Bookmarks,
}

impl Form {
    /// What stands in this form for the targets that `text` calls `refs/heads/…` and `refs/tags/…`.
    pub fn words(self, text: &str) -> String {
        match self {
            Self::Git => text.to_owned(),
            Self::Named => {
                text.replace(MAIN, "branch:default").replace("refs/heads/", "branch:").replace("refs/tags/", "tag:")
            }
            Self::Bookmarks => text.replace("refs/heads/", "bookmark:").replace("refs/tags/", "tag:"),
        }
    }

    /// The same rules in this form.
    pub(super) fn rules(self, rules: &str) -> String {
        match self {
            Self::Git => rules.to_owned(),
            Self::Named => rules.replace("\"main\"", "\"default\""),
            Self::Bookmarks => rules.replace("branches =", "bookmarks ="),
        }
    }
}
