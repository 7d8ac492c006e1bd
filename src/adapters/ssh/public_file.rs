//! One OpenSSH public key file, as `ssh-keygen` writes it: a line, and nothing else that matters.

use crate::domain::approval::{KeyLineError, PublicKey};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No public key of any algorithm comes near this many bytes.
const MAX_FILE: u64 = 16_384;

/// Why a file holds no public key that may sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicFileError {
    /// It cannot be read.
    #[error("cannot read {path:?}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It is a folder, a pipe or a device, or far longer than any key.
    #[error("{path:?} is not a public key file")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Its first line is refused.
    #[error("{path:?} holds no key that can sign")]
    Line {
        /// The file.
        path: PathBuf,
        /// What is wrong with the line.
        #[source]
        why: KeyLineError,
    },
}

/// Reads the key and the comment in a public key file.
///
/// # Errors
/// [`PublicFileError`] for everything but an Ed25519 key that is fit to sign.
pub fn read_public(path: &Path) -> Result<(PublicKey, String), PublicFileError> {
    let unreadable = |cause| PublicFileError::Unreadable { path: path.to_owned(), cause };
    // Looked at before it is opened: opening a pipe would wait for a writer.
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    if !facts.is_file() || facts.len() > MAX_FILE {
        return Err(PublicFileError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes)).map_err(unreadable)?;
    // Comments may be in any encoding; the key is ASCII and survives.
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next().unwrap_or_default().trim_end();
    let (key, comment) =
        PublicKey::parse_openssh(line).map_err(|why| PublicFileError::Line { path: path.to_owned(), why })?;
    Ok((key, comment.to_owned()))
}

/// Returns the name of the public file beside a private one: the same with `.pub` after it.
pub fn with_pub(private: &Path) -> PathBuf {
    let mut name = private.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}
