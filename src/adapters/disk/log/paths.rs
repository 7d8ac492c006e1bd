//! Where each part of the log stands.

use crate::domain::audit::{Hash, Origin};
use crate::domain::change::{ContentId, Target};
use std::path::PathBuf;

/// The three places that belong to one repository's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPaths {
    /// The log: `jit/audit/` in the common Git folder, or in `.hg/`.
    pub audit_dir: PathBuf,
    /// The private key that signs it: `jit/key`.
    pub key_file: PathBuf,
    /// The server's state folder outside all repositories; its `anchors/` remember the newest heads.
    pub state_dir: PathBuf,
}

impl AuditPaths {
    pub(super) fn format(&self) -> PathBuf {
        self.audit_dir.join("FORMAT")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.audit_dir.join("lock")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.audit_dir.join("journal")
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.journal().join(format!("{number:08}.jsonl"))
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.audit_dir.join("blobs")
    }

    pub(super) fn blob(&self, digest: Hash) -> PathBuf {
        self.blobs().join(digest.to_string())
    }

    pub(super) fn hashes(&self) -> PathBuf {
        self.audit_dir.join("hashes")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.audit_dir.join("index")
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.audit_dir.join("checkpoint")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.audit_dir.join("state")
    }

    pub(super) fn targets(&self) -> PathBuf {
        self.audit_dir.join("targets")
    }

    /// Returns the folder number (its name is two hex digits) and the file of a target's state.
    pub(super) fn target(&self, target: &Target) -> (u8, PathBuf) {
        self.below_targets(&target.to_string())
    }

    /// As [`AuditPaths::target`], of the file that says when a content landed there.
    pub(super) fn landing(&self, target: &Target, content: &ContentId) -> (u8, PathBuf) {
        // No target's name has a space.
        self.below_targets(&format!("{target} {content}"))
    }

    fn below_targets(&self, text: &str) -> (u8, PathBuf) {
        let name = Hash::of(text.as_bytes());
        let (folder, file) = (name.0[0], name.to_string());
        (folder, self.targets().join(&file[..2]).join(&file[2..]))
    }

    pub(super) fn aside(&self) -> PathBuf {
        self.audit_dir.join("aside")
    }

    /// Where a bad last line waits for its recovery entry.
    pub(super) fn aside_pending(&self) -> PathBuf {
        self.aside().join("pending")
    }

    pub(super) fn anchors(&self) -> PathBuf {
        self.state_dir.join("anchors")
    }

    pub(super) fn anchor(&self, origin: &Origin) -> PathBuf {
        self.anchors().join(Hash::of(origin.as_str().as_bytes()).to_string())
    }
}
