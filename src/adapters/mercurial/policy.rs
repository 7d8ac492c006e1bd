//! The policy in force as the description of a changeset on the branch of approvals (docs/spec/published.md).
//!
//! ```text
//! jit-policy/v1
//! {
//!   "policies/rules.toml": "version = 1\n…",
//!   "repository.toml": "version = 1\n…"
//! }
//! ```

use std::collections::BTreeMap;

/// The first line.
const PREFACE: &str = "jit-policy/v1\n";

/// The files of a policy, and of what a server says of itself, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDescription(pub BTreeMap<String, Vec<u8>>);

/// Why a description is no policy, or a policy no description.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyDescriptionError {
    /// It does not begin as one of a version that is known here.
    #[error("not a policy of the version `jit-policy/v1`")]
    Version,
    /// Below the first line stands no JSON object from paths to texts.
    #[error("the policy's description is malformed")]
    Malformed(#[source] serde_json::Error),
    /// A file is not UTF-8.
    #[error("{path} is not UTF-8")]
    NotUtf8 {
        /// Its path.
        path: String,
    },
}

impl PolicyDescription {
    /// Tells whether a description means to be a policy, of whatever version.
    pub fn is_meant(description: &[u8]) -> bool {
        description.starts_with(b"jit-policy/")
    }

    /// Writes the description. The same files always give the same one.
    ///
    /// # Errors
    /// [`PolicyDescriptionError::NotUtf8`].
    pub fn write(&self) -> Result<String, PolicyDescriptionError> {
        let mut texts = BTreeMap::new();
        for (path, bytes) in &self.0 {
            let text = str::from_utf8(bytes).map_err(|_| PolicyDescriptionError::NotUtf8 { path: path.clone() })?;
            texts.insert(path, text);
        }
        let json = serde_json::to_string_pretty(&texts).map_err(PolicyDescriptionError::Malformed)?;
        Ok(format!("{PREFACE}{json}"))
    }

    /// Reads a description.
    ///
    /// # Errors
    /// [`PolicyDescriptionError`].
    pub fn read(description: &[u8]) -> Result<Self, PolicyDescriptionError> {
        let json = description.strip_prefix(PREFACE.as_bytes()).ok_or(PolicyDescriptionError::Version)?;
        let texts: BTreeMap<String, String> =
            serde_json::from_slice(json).map_err(PolicyDescriptionError::Malformed)?;
        Ok(Self(texts.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_is_written() {
        let files = [("policies/a.toml", "version = 1\r\n# \u{1b}[31m \"ä\"\t\n"), ("repository.toml", "")];
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let policy = PolicyDescription(files.into_iter().collect());
        let written = policy.write().expect("UTF-8");
        assert!(PolicyDescription::is_meant(written.as_bytes()));
        assert_eq!(written.trim(), written);
        assert_eq!(PolicyDescription::read(written.as_bytes()).expect("well formed"), policy);
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let odd = PolicyDescription([("a".to_owned(), vec![0xff])].into_iter().collect());
        assert!(matches!(odd.write(), Err(PolicyDescriptionError::NotUtf8 { .. })));
        for text in [
            "",
            "jit1.a.b",
            "jit-policy/v2\n{}",
            "jit-policy/v1\n",
            "jit-policy/v1\n{\"a\": 1}",
            "jit-policy/v1\n{} {}",
        ] {
            assert!(PolicyDescription::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
