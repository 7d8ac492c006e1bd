//! What a server tells its clients of itself: `repository.toml`, beside the policy's files (docs/spec/published.md).

use super::request_settings::span_text;
use crate::domain::audit::{Origin, OriginError, VerifierKey, VerifierKeyError};
use crate::domain::time::Span;
use serde::{Deserialize, Serialize};

/// The repository's name, how to verify its log, and how long requests wait there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Name and id, as tokens write it.
    pub repository: String,
    /// The key that signs the log; it names the log's origin.
    pub key: VerifierKey,
    /// How long a request may wait.
    pub keep: Span,
}

/// The file as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    repository: String,
    origin: String,
    key: String,
    #[serde(with = "span_text")]
    keep: Span,
}

/// Why a text is not a `repository.toml`.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// Not TOML, or other keys.
    #[error("repository.toml is malformed")]
    Malformed(#[source] Box<toml::de::Error>),
    /// A later version of the format.
    #[error("repository.toml has version {0}, this program knows 1")]
    Version(u32),
    /// Not `name@id` in printable characters.
    #[error("repository.toml names no valid repository")]
    Repository,
    /// Not a name that a log can have.
    #[error("repository.toml names no valid origin")]
    Origin(#[source] OriginError),
    /// Not a key line, or the key of another log than `origin`.
    #[error("repository.toml names no valid key")]
    Key(#[source] VerifierKeyError),
    /// The key line names another log.
    #[error("repository.toml names the key of another log")]
    OtherLog,
}

impl Published {
    /// The file's name in the published tree.
    pub const FILE: &str = "repository.toml";

    /// The folder of the policy's files in the published tree.
    pub const POLICIES: &str = "policies";

    /// Writes the file.
    pub fn to_toml(&self) -> String {
        let written = Written {
            version: 1,
            repository: self.repository.clone(),
            origin: self.key.origin().to_string(),
            key: self.key.to_string(),
            keep: self.keep,
        };
        toml::to_string(&written).expect("five plain values are TOML")
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`PublishedError`].
    pub fn parse(text: &str) -> Result<Self, PublishedError> {
        let written: Written = toml::from_str(text).map_err(|error| PublishedError::Malformed(Box::new(error)))?;
        if written.version != 1 {
            return Err(PublishedError::Version(written.version));
        }
        let origin = Origin::new(&written.origin).map_err(PublishedError::Origin)?;
        let key = VerifierKey::parse(&written.key).map_err(PublishedError::Key)?;
        if *key.origin() != origin {
            return Err(PublishedError::OtherLog);
        }
        let printable = written.repository.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || !written.repository.contains('@') {
            return Err(PublishedError::Repository);
        }
        Ok(Self { repository: written.repository, key, keep: written.keep })
    }

    /// Tells whether both are of the same repository with the same log. What else a server says of itself may change.
    pub fn is_same(&self, other: &Self) -> bool {
        self.repository == other.repository && self.key == other.key
    }
}
