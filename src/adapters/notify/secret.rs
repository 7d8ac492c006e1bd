//! Secrets: read from a file or the environment when they are needed, kept in memory that is wiped, and shown nowhere.

use crate::ports::notifier::SecretError;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The most bytes of a secret.
const MOST: u64 = 4096;

/// Where a secret, or an address that is one, comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// It stands in the settings, and is none.
    Plain(String),
    /// The first line of this file, which only its owner may read.
    File(PathBuf),
    /// This environment variable.
    Variable(String),
}

/// Looks up an environment variable.
pub type Variables = fn(&str) -> Option<OsString>;

impl Secret {
    /// Reads it.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn read(&self, variables: Variables) -> Result<Zeroizing<String>, SecretError> {
        match self {
            Self::Plain(text) => Ok(Zeroizing::new(text.clone())),
            Self::File(path) => from_file(path),
            Self::Variable(name) => {
                let value = variables(name).and_then(|value| value.into_string().ok()).map(Zeroizing::new);
                value.filter(|value| is_line(value)).ok_or_else(|| SecretError::Variable { name: name.clone() })
            }
        }
    }
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let malformed = || SecretError::Malformed { path: path.to_owned() };
    // A pipe would be waited for.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(malformed());
    }
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Open { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MOST + 1).read_to_string(&mut text).map_err(unreadable)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.len() as u64 <= MOST && is_line(line) { Ok(Zeroizing::new(line.to_owned())) } else { Err(malformed()) }
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_one_line_that_only_its_owner_can_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let read = |text: &[u8], mode| {
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
            Secret::File(path.clone()).read(|_| None)
        };
        assert_eq!(read(b"s3cret\n", 0o600).expect("read").as_str(), "s3cret");
        assert_eq!(read(b"s3cret", 0o400).expect("read").as_str(), "s3cret");
        for mode in [0o640, 0o604, 0o666, 0o620] {
            assert!(matches!(read(b"s3cret\n", mode), Err(SecretError::Open { mode: found, .. }) if found == mode));
        }
        for text in [&b""[..], b"\n", b"two\nlines\n", b"a\r\n", &[b'x'; 5000]] {
            assert!(matches!(read(text, 0o600), Err(SecretError::Malformed { .. })));
        }
        assert!(matches!(read(b"\xff", 0o600), Err(SecretError::Unreadable { .. })));
        assert!(matches!(Secret::File(folder.path().into()).read(|_| None), Err(SecretError::Malformed { .. })));
    }

    #[test]
    fn a_variable_holds_one_line() {
        let of = |variables: Variables| Secret::Variable("SMTP".to_owned()).read(variables);
        assert_eq!(of(|name| (name == "SMTP").then(|| "x".into())).expect("read").as_str(), "x");
        for bad in [(|_| None) as Variables, |_| Some("".into()), |_| Some("a\nb".into())] {
            assert!(matches!(of(bad), Err(SecretError::Variable { .. })));
        }
    }
}
