//! Signs with an OpenSSH private key file, plain or protected by a passphrase.
//!
//! Only Ed25519 is taken, only files that nobody else can read, and the passphrase comes from whoever is asked:
//! this module neither knows a terminal nor reads the environment.

use crate::domain::approval::{KeyError, PublicKey};
use crate::ports::signer::{Signer, SignerError};
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::{Algorithm, PrivateKey};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Asks a person for a passphrase, without showing what is typed; the argument is the question.
pub type Ask<'a> = &'a dyn Fn(&str) -> io::Result<Zeroizing<String>>;

/// No Ed25519 key, however it is protected, comes near this many bytes.
const MAX_FILE: u64 = 65_536;
const TRIES: u32 = 3;

/// Why a file does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
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
    #[error("{path:?} is not a private key file")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Its group or everybody may read, write or run it.
    #[error("{path:?} is open to other people (mode {mode:04o})")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not in OpenSSH's format, or damaged.
    #[error("{path:?} is not an OpenSSH private key")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        cause: ssh_key::Error,
    },
    /// It holds a key of another algorithm.
    #[error("{path:?} holds a key of another algorithm than ssh-ed25519")]
    Algorithm {
        /// The file.
        path: PathBuf,
    },
    /// Nobody gave a passphrase.
    #[error("no passphrase for {path:?}")]
    NoPassphrase {
        /// The file.
        path: PathBuf,
        /// Why the question had no answer.
        #[source]
        cause: io::Error,
    },
    /// No passphrase opened it.
    #[error("none of {TRIES} passphrases opens {path:?}")]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// Its public half is one that nobody may sign with.
    #[error("{path:?} holds a key that may not sign")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        why: KeyError,
    },
}

/// A private key in memory; wiped when dropped.
pub struct FileSigner {
    secret: SigningKey,
    public: PublicKey,
}

impl Signer for FileSigner {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], SignerError> {
        let signature = self.secret.sign(bytes).to_bytes();
        // A faulty signature can give the private key away; it must not leave.
        self.public.verify(bytes, &signature).map_err(|_| SignerError::Faulty)?;
        Ok(signature)
    }
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSigner").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Opens the private key file at `path`; if it is protected, asks up to three times.
///
/// # Errors
/// [`KeyFileError`] for files that are missing, open to others, of another algorithm, damaged, or stay locked.
pub fn load(path: &Path, ask: Ask<'_>) -> Result<FileSigner, KeyFileError> {
    let stored = read(path)?;
    let key = if stored.is_encrypted() { unlock(path, &stored, ask)? } else { stored };
    let pair = key.key_data().ed25519().ok_or_else(|| other_algorithm(path))?;
    let secret = SigningKey::from_bytes(&Zeroizing::new(pair.private.to_bytes()));
    let public = checked(path, secret.verifying_key().to_bytes())?;
    // The parser has compared the halves too; signing for another public key than one's own gives the secret away.
    if pair.public.0 != *public.as_bytes() {
        return Err(KeyFileError::Malformed { path: path.to_owned(), cause: ssh_key::Error::PublicKey });
    }
    Ok(FileSigner { secret, public })
}

/// Reads the public half of the private key file at `path`; it is never protected.
///
/// # Errors
/// As [`load`], but for passphrases.
pub fn public_half(path: &Path) -> Result<PublicKey, KeyFileError> {
    let stored = read(path)?;
    let key = stored.public_key().key_data().ed25519().ok_or_else(|| other_algorithm(path))?;
    checked(path, key.0)
}

fn read(path: &Path) -> Result<PrivateKey, KeyFileError> {
    let unreadable = |cause| KeyFileError::Unreadable { path: path.to_owned(), cause };
    // Looked at before it is opened (opening a pipe would wait for a writer), and again once it is open.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(KeyFileError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() || facts.len() > MAX_FILE {
        return Err(KeyFileError::NotAFile { path: path.to_owned() });
    }
    let mode = facts.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { path: path.to_owned(), mode });
    }
    // Room for all of it at once: a vector that grows would leave copies behind that nothing wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(unreadable)?;
    let key = PrivateKey::from_openssh(&*bytes).map_err(|cause| match cause {
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => other_algorithm(path),
        cause => KeyFileError::Malformed { path: path.to_owned(), cause },
    })?;
    if key.algorithm() == Algorithm::Ed25519 { Ok(key) } else { Err(other_algorithm(path)) }
}

fn unlock(path: &Path, stored: &PrivateKey, ask: Ask<'_>) -> Result<PrivateKey, KeyFileError> {
    for _ in 0..TRIES {
        let passphrase = ask(&format!("passphrase for {path:?}: "))
            .map_err(|cause| KeyFileError::NoPassphrase { path: path.to_owned(), cause })?;
        match stored.decrypt(passphrase.as_bytes()) {
            Ok(key) => return Ok(key),
            // A wrong passphrase shows as garbage after decryption.
            Err(ssh_key::Error::Crypto | ssh_key::Error::Encoding(_) | ssh_key::Error::FormatEncoding) => {}
            Err(cause) => return Err(KeyFileError::Malformed { path: path.to_owned(), cause }),
        }
    }
    Err(KeyFileError::WrongPassphrase { path: path.to_owned() })
}

fn other_algorithm(path: &Path) -> KeyFileError {
    KeyFileError::Algorithm { path: path.to_owned() }
}

fn checked(path: &Path, bytes: [u8; 32]) -> Result<PublicKey, KeyFileError> {
    PublicKey::new(bytes).map_err(|why| KeyFileError::Key { path: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::ssh::with_pub;
    use std::cell::Cell;
    use std::fs::Permissions;
    use std::process::Command;
    use tempfile::TempDir;

    /// Makes a key with the real `ssh-keygen`.
    fn keygen(folder: &TempDir, options: &[&str], passphrase: &str) -> PathBuf {
        let path = folder.path().join("key");
        let done = Command::new("ssh-keygen")
            .args(["-q", "-C", "alice@laptop", "-N", passphrase, "-f"])
            .arg(&path)
            .args(options)
            .status()
            .expect("ssh-keygen runs");
        assert!(done.success());
        path
    }

    fn nobody(_: &str) -> io::Result<Zeroizing<String>> {
        Err(io::Error::other("nobody should be asked"))
    }

    #[test]
    fn a_plain_key_signs_and_nobody_is_asked() {
        let folder = TempDir::new().expect("a folder");
        let path = keygen(&folder, &["-t", "ed25519"], "");
        let signer = load(&path, &nobody).expect("a key");
        let line = std::fs::read_to_string(with_pub(&path)).expect("a public file");
        assert_eq!(PublicKey::parse_openssh(line.trim_end()), Ok((signer.public_key(), "alice@laptop")));
        assert_eq!(public_half(&path).expect("a public half"), signer.public_key());
        let signature = signer.sign(b"bytes").expect("a signature");
        assert_eq!(signer.public_key().verify(b"bytes", &signature), Ok(()));
        let shown = format!("{signer:?}");
        assert!(shown.contains("SHA256:") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_protected_key_opens_at_the_third_try_and_not_at_the_fourth() {
        let folder = TempDir::new().expect("a folder");
        let path = keygen(&folder, &["-t", "ed25519", "-a", "1"], "correct horse");
        for (right_at, opens) in [(1, true), (3, true), (4, false)] {
            let asked = Cell::new(0);
            let ask = |question: &str| {
                asked.set(asked.get() + 1);
                assert!(question.contains("key"), "{question}");
                Ok(Zeroizing::new(if asked.get() == right_at { "correct horse" } else { "wrong" }.to_owned()))
            };
            let loaded = load(&path, &ask);
            assert_eq!(asked.get(), right_at.min(3));
            if opens {
                assert_eq!(loaded.expect("opened").public_key(), public_half(&path).expect("a public half"));
            } else {
                assert!(matches!(loaded, Err(KeyFileError::WrongPassphrase { .. })), "{loaded:?}");
            }
        }
        assert!(matches!(load(&path, &nobody), Err(KeyFileError::NoPassphrase { .. })));
    }

    #[test]
    fn other_algorithms_are_refused_also_when_protected() {
        for (options, passphrase) in [
            (["-t", "ecdsa", "-a", "1"], ""),
            (["-t", "rsa", "-a", "1"], ""),
            (["-t", "rsa", "-a", "1"], "correct horse"),
        ] {
            let folder = TempDir::new().expect("a folder");
            let path = keygen(&folder, &options, passphrase);
            let refused = load(&path, &nobody);
            assert!(matches!(refused, Err(KeyFileError::Algorithm { .. })), "{options:?} {refused:?}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = TempDir::new().expect("a folder");
        let path = keygen(&folder, &["-t", "ed25519"], "");
        for bits in [0o640, 0o604, 0o620, 0o601, 0o777] {
            std::fs::set_permissions(&path, Permissions::from_mode(bits)).expect("changed");
            let refused = load(&path, &nobody);
            assert!(matches!(refused, Err(KeyFileError::TooOpen { mode, .. }) if mode == bits), "{refused:?}");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o400)).expect("changed");
        assert!(load(&path, &nobody).is_ok());
    }

    #[test]
    fn what_is_no_key_file_is_refused() {
        let folder = TempDir::new().expect("a folder");
        let path = keygen(&folder, &["-t", "ed25519"], "");
        let good = std::fs::read_to_string(&path).expect("a key");
        assert!(matches!(load(&folder.path().join("none"), &nobody), Err(KeyFileError::Unreadable { .. })));
        assert!(matches!(load(folder.path(), &nobody), Err(KeyFileError::NotAFile { .. })));
        let cases = [String::new(), "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(), good.replace("b3Bl", "b3Bm")];
        for text in cases {
            std::fs::write(&path, &text).expect("written");
            let refused = load(&path, &nobody);
            assert!(matches!(refused, Err(KeyFileError::Malformed { .. })), "{refused:?}");
        }
        std::fs::write(&path, "x".repeat(70_000)).expect("written");
        assert!(matches!(load(&path, &nobody), Err(KeyFileError::NotAFile { .. })));
    }
}
