//! The log's private key: one line `jit-log-key-1 BASE64` with the 32 bytes of an Ed25519 seed, mode 0600.

use super::storage::{Durable, Storage, failed, replace_through};
use crate::domain::text::decode_base64;
use crate::ports::log::{KeyFault, LogError};
use data_encoding::BASE64;
use ed25519_dalek::SigningKey;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

const FIRST_WORD: &str = "jit-log-key-1 ";

/// Reads the key.
///
/// # Errors
/// [`LogError::Key`] if group or others have any permission on the file, or it is in another form.
pub(super) fn read(path: &Path) -> Result<SigningKey, LogError> {
    let refuse = |fault| LogError::Key { path: path.to_owned(), fault };
    let file = File::open(path).map_err(failed("opening", path))?;
    let mode = file.metadata().map_err(failed("reading", path))?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(refuse(KeyFault::Open { mode }));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(200).read_to_string(&mut text).map_err(failed("reading", path))?;
    let base64 = text.strip_prefix(FIRST_WORD).and_then(|rest| rest.strip_suffix('\n'));
    let seed = base64.and_then(|base64| decode_base64(base64.as_bytes())).map(Zeroizing::new);
    let seed = seed.and_then(|seed| <[u8; 32]>::try_from(&seed[..]).ok()).map(Zeroizing::new);
    Ok(SigningKey::from_bytes(&*seed.ok_or_else(|| refuse(KeyFault::Malformed))?))
}

/// Writes a new key, whole or not at all: create, pwrite, fdatasync, rename, fsync of the folder.
pub(super) fn write(storage: &dyn Storage, path: &Path, key: &SigningKey) -> Result<(), LogError> {
    let text = Zeroizing::new(format!("{FIRST_WORD}{}\n", BASE64.encode(&*Zeroizing::new(key.to_bytes()))));
    replace_through(storage, &path.with_extension("new"), path, text.as_bytes(), Durable::Yes)
}

/// Makes a new key from the system's random numbers.
pub(super) fn generate() -> Result<SigningKey, LogError> {
    let source = Path::new("/dev/urandom");
    let mut seed = Zeroizing::new([0; 32]);
    File::open(source).and_then(|mut file| file.read_exact(&mut *seed)).map_err(failed("reading", source))?;
    Ok(SigningKey::from_bytes(&seed))
}
