//! What a repository holds, as far as the patterns of a policy can name it.

use crate::domain::audit::System;
use crate::domain::change::{RepoPath, Target};

/// The names in a repository.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Which system keeps it.
    pub system: System,
    /// Every target that exists, but jit's own.
    pub targets: Vec<Target>,
    /// The target whose tip has the paths; `None` if there is none yet.
    pub tip: Option<Target>,
    /// The paths that are tracked there, sorted.
    pub paths: Vec<RepoPath>,
}
