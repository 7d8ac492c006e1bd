//! Real Git repositories in temporary folders.

use super::GitRepository;
use crate::domain::change::{ChangesetId, IdKind};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A bare repository that goes away with the value.
pub(super) struct TestRepo {
    folder: TempDir,
    kind: IdKind,
}

impl TestRepo {
    pub(super) fn new(kind: IdKind) -> Self {
        let repo = Self { folder: TempDir::new().expect("a temporary folder"), kind };
        let format = if kind == IdKind::GitSha256 { "sha256" } else { "sha1" };
        repo.git(&["init", "--quiet", "--bare", "--initial-branch=main", &format!("--object-format={format}"), "."]);
        repo
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn open(&self) -> GitRepository {
        GitRepository::at(self.path()).expect("a repository")
    }

    pub(super) fn git(&self, arguments: &[&str]) -> Vec<u8> {
        self.git_with(arguments, b"")
    }

    pub(super) fn git_with(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let (output, said) = self.run(arguments, input);
        output.unwrap_or_else(|| panic!("git {arguments:?}: {said}"))
    }

    /// Runs Git in the repository, with nothing of the developer's own configuration; the output if it succeeds.
    fn run(&self, arguments: &[&str], input: &[u8]) -> (Option<Vec<u8>>, String) {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Alice")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "alice@example.com")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), "1000000000 +0000")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git runs");
        child.stdin.take().expect("a pipe").write_all(input).expect("git reads");
        let output = child.wait_with_output().expect("git ends");
        (output.status.success().then_some(output.stdout), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    pub(super) fn id_of(&self, output: &[u8]) -> ChangesetId {
        let hex = str::from_utf8(output).expect("hex").trim_end();
        ChangesetId::from_hex(self.kind, hex).expect("a full id")
    }

    pub(super) fn rev(&self, name: &str) -> ChangesetId {
        self.id_of(&self.git(&["rev-parse", "--verify", name]))
    }

    /// Stores an object without any check.
    pub(super) fn raw_object(&self, kind: &str, bytes: &[u8]) -> ChangesetId {
        self.id_of(&self.git_with(&["hash-object", "-t", kind, "--literally", "-w", "--stdin"], bytes))
    }

    /// Stores a tree of files, given as path and content.
    pub(super) fn tree(&self, files: &[(&str, &str)]) -> ChangesetId {
        let mut index = Vec::new();
        for (path, content) in files {
            let blob = self.raw_object("blob", content.as_bytes()).hex();
            index.extend_from_slice(format!("100644 {blob}\t{path}\n").as_bytes());
        }
        let file = self.file("index");
        if file.exists() {
            std::fs::remove_file(&file).expect("the index goes");
        }
        self.git_with(&["update-index", "--add", "--index-info"], &index);
        self.id_of(&self.git(&["write-tree"]))
    }

    /// Stores a commit.
    pub(super) fn commit(&self, tree: &ChangesetId, parents: &[&ChangesetId], message: &str) -> ChangesetId {
        let tree = tree.hex();
        let parents: Vec<String> = parents.iter().map(|parent| parent.hex()).collect();
        let mut arguments = vec!["commit-tree", "-m", message, &tree];
        for parent in &parents {
            arguments.extend(["-p", parent]);
        }
        self.id_of(&self.git(&arguments))
    }

    pub(super) fn set_ref(&self, name: &str, value: &ChangesetId) {
        self.git(&["update-ref", name, &value.hex()]);
    }
}
