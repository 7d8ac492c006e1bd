//! What names the changes of commits, once more from what git and hg print (docs/spec/token.md, "Content").

use super::Central;
use crate::support::{Guarded as _, Person};
use jit::domain::approval::{Token, TokenId};
use jit::domain::change::{ChangesetId, ContentId};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// What one commit does at a path: mode and bytes before and after.
pub struct Changed {
    pub path: String,
    pub old: Option<Side>,
    pub new: Option<Side>,
}

/// The mode in Git's digits, and the bytes.
pub type Side = (String, Vec<u8>);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text grows");
        text
    })
}

fn side(side: &Option<Side>) -> String {
    side.as_ref().map_or("- -".to_owned(), |(mode, bytes)| format!("{mode} {}", hex(&Sha256::digest(bytes))))
}

impl Central {
    /// The content of `commits`, each the only parent of the next.
    pub fn content(&self, commits: &[ChangesetId]) -> ContentId {
        let mut text = String::new();
        for commit in commits {
            text.push_str("commit\n");
            let mut changed = self.system.changed(*commit);
            changed.sort_by(|one, other| one.path.cmp(&other.path));
            for Changed { path, old, new } in changed {
                text.push_str(&format!("{} {}\0{path}\0", side(&old), side(&new)));
            }
        }
        ContentId(Sha256::digest(text).into())
    }

    /// The message that approves the last of `commits`, with the content of all.
    pub fn approval_of(&self, commits: &[ChangesetId], refname: &str) -> Token {
        let subject = *commits.last().expect("a commit");
        Token { content: Some(self.content(commits)), ..self.approval(subject, refname) }
    }

    /// Lets `who` approve the last of `commits`, with the content of all; the token stands in the server's store then.
    pub fn approve_all(&self, who: Person, commits: &[ChangesetId], refname: &str) -> TokenId {
        self.keep(who, self.approval_of(commits, refname))
    }
}
