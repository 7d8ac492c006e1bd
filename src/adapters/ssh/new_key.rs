//! Makes a new Ed25519 key and writes it as `ssh-keygen` would. Nothing that exists is ever overwritten.

use super::{Ask, with_pub};
use crate::domain::approval::{KeyError, PublicKey};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Cipher, Kdf, LineEnding, PrivateKey};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How often bcrypt runs to make guessing slow: what OpenSSH 9.4 and later use.
const ROUNDS: u32 = 24;
const TRIES: u32 = 3;

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NewKeyError {
    /// A file of that name exists.
    #[error("{path:?} exists already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The comment has a line end or another control character.
    #[error("the comment has control characters")]
    Comment,
    /// Nobody gave a passphrase.
    #[error("no passphrase was given")]
    NoPassphrase(#[source] io::Error),
    /// The passphrase has no characters.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The passphrase was never typed twice alike.
    #[error("the passphrases differ")]
    PassphrasesDiffer,
    /// The system has no random bytes.
    #[error("no random bytes")]
    Random(#[source] getrandom::Error),
    /// The key could not be put into OpenSSH's format.
    #[error("cannot encode the key")]
    Encode(#[source] ssh_key::Error),
    /// The new key is one that nobody may sign with.
    #[error("the new key may not sign")]
    Key(#[source] KeyError),
    /// A file or folder failed.
    #[error("cannot write {path:?}")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// Asks for a new passphrase twice, up to three times over.
///
/// # Errors
/// [`NewKeyError::EmptyPassphrase`] for an empty one, and those for no answer and for answers that differ.
pub fn ask_new_passphrase(ask: Ask<'_>) -> Result<Zeroizing<String>, NewKeyError> {
    for _ in 0..TRIES {
        let first = ask("new passphrase: ").map_err(NewKeyError::NoPassphrase)?;
        if first.is_empty() {
            return Err(NewKeyError::EmptyPassphrase);
        }
        if ask("the same again: ").map_err(NewKeyError::NoPassphrase)? == first {
            return Ok(first);
        }
    }
    Err(NewKeyError::PassphrasesDiffer)
}

/// Tells whether a key could be made at `path`, before anybody is asked for a passphrase.
///
/// # Errors
/// [`NewKeyError::Exists`] if the name, or the one with `.pub` after it, is taken.
pub fn is_free(path: &Path) -> Result<(), NewKeyError> {
    // A link to nowhere takes a name as well.
    match [path.to_owned(), with_pub(path)].into_iter().find(|name| name.symlink_metadata().is_ok()) {
        Some(path) => Err(NewKeyError::Exists { path }),
        None => Ok(()),
    }
}

/// Makes a key and writes it to `path` (mode 0600) and, with `.pub` after the name, its public half (mode 0644).
///
/// Without a passphrase the private file is plain. The folder is made (mode 0700) if only it is missing.
///
/// # Errors
/// [`NewKeyError`]; after one, neither file is left behind.
pub fn create(path: &Path, comment: &str, passphrase: Option<&str>) -> Result<PublicKey, NewKeyError> {
    if comment.chars().any(char::is_control) {
        return Err(NewKeyError::Comment);
    }
    let public_path = with_pub(path);
    let seed = random::<32>()?;
    let pair = Ed25519Keypair::from_seed(&seed);
    let public = PublicKey::new(pair.public.0).map_err(NewKeyError::Key)?;
    let mut key = PrivateKey::new(KeypairData::Ed25519(pair), comment).map_err(NewKeyError::Encode)?;
    if let Some(passphrase) = passphrase {
        let kdf = Kdf::Bcrypt { salt: random::<16>()?.to_vec(), rounds: ROUNDS };
        let check = u32::from_le_bytes(*random::<4>()?);
        key = key.encrypt_with(Cipher::Aes256Ctr, kdf, check, passphrase).map_err(NewKeyError::Encode)?;
    }
    let private_text = key.to_openssh(LineEnding::LF).map_err(NewKeyError::Encode)?;
    let gap = if comment.is_empty() { "" } else { " " };
    let public_text = format!("{}{gap}{comment}\n", public.openssh());

    let folder = folder_of(path);
    make_folder(folder)?;
    // Both names are claimed before either file is written, so that a clash leaves nothing half done.
    let private_file = claim(path, 0o600)?;
    let written = claim(&public_path, 0o644).and_then(|public_file| {
        let filled = fill(private_file, path, private_text.as_bytes())
            .and_then(|()| fill(public_file, &public_path, public_text.as_bytes()))
            .and_then(|()| sync_folder(folder));
        if filled.is_err() {
            discard(&public_path);
        }
        filled
    });
    if written.is_err() {
        discard(path);
    }
    written.map(|()| public)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, NewKeyError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut bytes[..]).map_err(NewKeyError::Random)?;
    Ok(bytes)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn make_folder(folder: &Path) -> Result<(), NewKeyError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(unwritable(folder)(cause)),
        _ => Ok(()),
    }
}

/// Creates a file that must not exist, not even as a link to nowhere.
fn claim(path: &Path, mode: u32) -> Result<File, NewKeyError> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => NewKeyError::Exists { path: path.to_owned() },
        _ => unwritable(path)(cause),
    })
}

fn fill(mut file: File, path: &Path, bytes: &[u8]) -> Result<(), NewKeyError> {
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(unwritable(path))
}

fn sync_folder(folder: &Path) -> Result<(), NewKeyError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable(folder))
}

/// Takes back a file that was claimed a moment ago.
fn discard(path: &Path) {
    // The error that brought us here is the one to report.
    let _left_behind = std::fs::remove_file(path);
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> NewKeyError {
    move |cause| NewKeyError::Unwritable { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::ssh::{load, read_public};
    use crate::ports::signer::Signer as _;
    use std::cell::RefCell;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use tempfile::TempDir;

    fn keygen(options: &[&str], path: &Path) -> String {
        let out = Command::new("ssh-keygen").args(options).arg("-f").arg(path).output().expect("ssh-keygen runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("UTF-8")
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("a file").permissions().mode() & 0o7777
    }

    #[test]
    fn ssh_keygen_reads_what_was_made() {
        let home = TempDir::new().expect("a folder");
        let path = home.path().join(".ssh").join("id_ed25519");
        for passphrase in [None, Some("correct horse")] {
            let key = create(&path, "alice@laptop", passphrase).expect("made");
            assert_eq!((mode(&path), mode(&home.path().join(".ssh"))), (0o600, 0o700));
            assert_eq!(mode(&with_pub(&path)) & 0o133, 0);
            assert_eq!(read_public(&with_pub(&path)).expect("read"), (key, "alice@laptop".to_owned()));
            assert!(keygen(&["-l"], &path).contains(&key.to_string()));
            let public = keygen(&["-y", "-P", passphrase.unwrap_or_default()], &path);
            assert_eq!(public.trim_end(), format!("{} alice@laptop", key.openssh()));
            let ask = |_: &str| Ok(Zeroizing::new(passphrase.unwrap_or_default().to_owned()));
            assert_eq!(load(&path, &ask).expect("opened").public_key(), key);
            for file in [&path, &with_pub(&path)] {
                std::fs::remove_file(file).expect("removed");
            }
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_done_is_left() {
        for taken in ["key", "key.pub"] {
            let folder = TempDir::new().expect("a folder");
            let path = folder.path().join("key");
            std::fs::write(folder.path().join(taken), "precious").expect("written");
            let refused = create(&path, "", None);
            assert!(matches!(refused, Err(NewKeyError::Exists { .. })), "{refused:?}");
            assert_eq!(std::fs::read_to_string(folder.path().join(taken)).expect("still there"), "precious");
            assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1);
        }
        let folder = TempDir::new().expect("a folder");
        std::os::unix::fs::symlink("/nowhere/at/all", folder.path().join("key")).expect("linked");
        assert!(matches!(create(&folder.path().join("key"), "", None), Err(NewKeyError::Exists { .. })));
        assert!(matches!(create(&folder.path().join("a/b/key"), "", None), Err(NewKeyError::Unwritable { .. })));
    }

    #[test]
    fn a_comment_cannot_hold_a_second_line() {
        let folder = TempDir::new().expect("a folder");
        let refused = create(&folder.path().join("key"), "alice\nssh-ed25519 AAAA mallory", None);
        assert!(matches!(refused, Err(NewKeyError::Comment)), "{refused:?}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0);
    }

    #[test]
    fn a_new_passphrase_is_typed_twice_alike() {
        let ask_all = |answers: &[&str]| {
            let left = RefCell::new(answers.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
            ask_new_passphrase(&|_| {
                let mut left = left.borrow_mut();
                if left.is_empty() { Err(io::Error::other("asked too often")) } else { Ok(left.remove(0).into()) }
            })
            .map(|passphrase| passphrase.to_string())
        };
        assert_eq!(ask_all(&["x", "x"]).expect("alike"), "x");
        assert_eq!(ask_all(&["x", "y", "z", "z"]).expect("alike at last"), "z");
        assert!(matches!(ask_all(&[""]), Err(NewKeyError::EmptyPassphrase)));
        assert!(matches!(ask_all(&["a", "b", "a", "b", "a", "b"]), Err(NewKeyError::PassphrasesDiffer)));
        assert!(matches!(ask_all(&["a"]), Err(NewKeyError::NoPassphrase(_))));
    }
}
