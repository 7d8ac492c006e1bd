//! How much may wait for approval, and for how long (`[requests]` in config.toml).

use crate::domain::time::Span;

/// What a server keeps for approvers to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whether what a refused push brought is kept.
    pub park: bool,
    /// How long a request may wait.
    pub keep: Span,
    /// How many requests of one pusher are kept.
    pub max_count: u64,
    /// How much they may have brought together, in bytes.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { park: false, keep: Span::days(7), max_count: 200, max_bytes: 200_000_000 }
    }
}
