//! Tokens that were signed in a clone and not yet sent, as plain files: `<jit folder>/waiting/<token id>-<key>`.
//!
//! Nothing in them is trusted: what is not a token with a valid signature under its own name is passed over.

use super::folder::create;
use crate::domain::approval::{MAX_TEXT, SignedToken, without_line_end};
use crate::ports::approval_store::{Added, StoreError};
use data_encoding::HEXLOWER;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The `waiting` folder of a clone.
#[derive(Debug, Clone)]
pub struct WaitingTokens {
    root: PathBuf,
}

impl WaitingTokens {
    /// Names the store in the folder `jit` of a clone; it is made when the first token comes.
    pub fn in_folder(jit: &Path) -> Self {
        Self { root: jit.join("waiting") }
    }

    /// Returns all tokens that wait, by id.
    ///
    /// # Errors
    /// [`StoreError`] if the folder cannot be read.
    pub fn all(&self) -> Result<Vec<SignedToken>, StoreError> {
        let mut names = match fs::read_dir(&self.root) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<io::Result<Vec<_>>>()
                .map_err(|cause| self.failed("read", cause))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(self.failed("read", error)),
        };
        names.sort();
        let token = |name: &std::ffi::OsString| {
            let signed = read(&self.root.join(name))?;
            (name_of(&signed).as_str() == name).then_some(signed)
        };
        Ok(names.iter().filter_map(token).collect())
    }

    /// Keeps a token; when this returns, it survives a power cut. Adding it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add(&self, signed: &SignedToken) -> Result<Added, StoreError> {
        fs::create_dir_all(&self.root).map_err(|cause| self.failed("create", cause))?;
        let path = self.root.join(name_of(signed));
        match create(&path, format!("{}\n", signed.text).as_bytes(), 0o644) {
            Ok(()) => Ok(Added::New),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && read(&path).as_ref() == Some(signed) => {
                Ok(Added::Known)
            }
            Err(error) => Err(self.failed("write", error)),
        }
    }

    /// Takes tokens away; those that do not wait are passed over.
    ///
    /// # Errors
    /// [`StoreError`]; some may be gone.
    pub fn forget(&self, sent: &[SignedToken]) -> Result<(), StoreError> {
        for signed in sent {
            match fs::remove_file(self.root.join(name_of(signed))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed("remove", error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn failed(&self, action: &'static str, cause: io::Error) -> StoreError {
        StoreError::Io { action, path: self.root.clone(), cause }
    }
}

/// A message may be signed with two keys: both wait.
fn name_of(signed: &SignedToken) -> String {
    format!("{}-{}", signed.id, HEXLOWER.encode(signed.key.as_bytes()))
}

fn read(path: &Path) -> Option<SignedToken> {
    let mut bytes = Vec::new();
    let file = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).and_then(|_| File::open(path).ok())?;
    // A line end may follow.
    file.take(MAX_TEXT as u64 + 2).read_to_end(&mut bytes).ok()?;
    SignedToken::parse(without_line_end(str::from_utf8(&bytes).ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::approval::{Kind, PublicKey, RoleChoice, Token, TokenId, signed_bytes};
    use crate::domain::time::Timestamp;
    use ed25519_dalek::{Signer as _, SigningKey};

    fn sign(seed: u8, nonce: u8) -> SignedToken {
        let token = Token {
            kind: Kind::Revoke(TokenId([7; 32])),
            repository: "payments@5f0c".to_owned(),
            subject: None,
            target: None,
            action: None,
            base: vec![],
            content: None,
            role: RoleChoice::Any,
            not_before: Timestamp::parse("2026-11-21T12:00:00Z").expect("a time"),
            not_after: None,
            nonce: [nonce; 16],
            reason: String::new(),
        };
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let key = PublicKey::new(secret.verifying_key().to_bytes()).expect("an honest key");
        let signature = secret.sign(&signed_bytes(token.message().expect("a message").as_bytes())).to_bytes();
        SignedToken::from_parts(token, key, signature).expect("a token")
    }

    #[test]
    fn a_token_waits_until_it_is_forgotten() {
        let jit = tempfile::tempdir().expect("a folder");
        let waiting = WaitingTokens::in_folder(jit.path());
        assert_eq!(waiting.all().expect("read"), []);
        waiting.forget(&[sign(b'a', 1)]).expect("nothing to do");
        let tokens = [sign(b'a', 1), sign(b'b', 1), sign(b'a', 2)];
        for token in &tokens {
            assert_eq!(waiting.add(token).expect("kept"), Added::New);
            assert_eq!(waiting.add(token).expect("kept"), Added::Known);
        }
        assert_eq!(waiting.all().expect("read").len(), 3);
        waiting.forget(&tokens[..2]).expect("gone");
        assert_eq!(waiting.all().expect("read"), tokens[2..]);
    }

    #[test]
    fn what_is_no_token_under_its_own_name_is_passed_over() {
        let jit = tempfile::tempdir().expect("a folder");
        let waiting = WaitingTokens::in_folder(jit.path());
        let good = sign(b'a', 1);
        waiting.add(&good).expect("kept");
        let folder = jit.path().join("waiting");
        let other = sign(b'a', 2);
        fs::write(folder.join("other-name"), &other.text).expect("written");
        fs::write(folder.join(name_of(&other)), "jit1.x.y").expect("written");
        fs::write(folder.join("long"), vec![b'x'; 1_000_000]).expect("written");
        fs::write(folder.join("bytes"), [0xff]).expect("written");
        std::os::unix::fs::symlink(folder.join(name_of(&good)), folder.join("link")).expect("linked");
        assert_eq!(waiting.all().expect("read"), [good]);
        assert!(waiting.add(&other).is_err(), "what stands in its place is not taken for it");
    }
}
