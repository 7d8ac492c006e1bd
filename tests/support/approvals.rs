//! Brings tokens to the server in the ways that a pusher has: a push option, and `refs/jit/approvals`.

use super::git::{command, run};
use super::people::ALICE;
use super::repo::TestRepo;
use jit::domain::approval::{SignedToken, place};
use jit::domain::change::ChangesetId;

pub const APPROVALS: &str = "refs/jit/approvals";

/// The push option that carries a token.
pub fn option(signed: &SignedToken) -> String {
    format!("jit-token={}", signed.text)
}

/// The path and the content of a token in the tree of `refs/jit/approvals`.
pub fn token_file(signed: &SignedToken) -> (String, String) {
    (place(signed), format!("{}\n", signed.text))
}

impl TestRepo {
    /// Adds `files` (paths and contents) to the tree of the clone's `refs/jit/approvals`, in a commit.
    pub fn commit_approvals(&self, files: &[(String, String)]) -> ChangesetId {
        let mut listing = match self.approvals_tip() {
            Some(tip) => self.git(&["ls-tree", "-r", "--full-tree", &tip]) + "\n",
            None => String::new(),
        };
        for (path, text) in files {
            let blob = self.git_with(&["hash-object", "-w", "--stdin"], text.as_bytes());
            listing += &format!("100644 blob {blob}\t{path}\n");
        }
        self.commit_listing(&listing)
    }

    /// Commits the tree that `listing` describes, in the form of `git ls-tree -r`, to the clone's `refs/jit/approvals`.
    pub fn commit_listing(&self, listing: &str) -> ChangesetId {
        let index = self.path("approvals-index");
        let _absent = std::fs::remove_file(&index);
        let git = |arguments: &[&str], input: &str| {
            let mut git = command("git", &self.path("home"), ALICE, 1);
            git.current_dir(self.work()).env("GIT_INDEX_FILE", &index).args(arguments);
            let said = run(git, input.as_bytes());
            assert!(said.succeeded(), "git {arguments:?}: {}", said.err);
            said.text()
        };
        git(&["update-index", "--add", "--index-info"], listing);
        let tree = git(&["write-tree"], "");
        let mut arguments = vec!["commit-tree", "-m", "approvals", &tree];
        let parent = self.approvals_tip();
        if let Some(parent) = &parent {
            arguments.extend(["-p", parent]);
        }
        let commit = git(&arguments, "");
        self.git(&["update-ref", APPROVALS, &commit]);
        self.id(&commit)
    }

    fn approvals_tip(&self) -> Option<String> {
        let found = self.git(&["for-each-ref", "--format=%(objectname)", APPROVALS]);
        (!found.is_empty()).then_some(found)
    }
}
