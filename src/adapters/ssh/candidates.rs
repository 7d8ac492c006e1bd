//! The keys that a person could sign with: what `~/.ssh/*.pub` holds.

use super::{PublicFileError, read_public};
use crate::domain::approval::PublicKey;
use std::io;
use std::path::{Path, PathBuf};

/// A public key on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The key.
    pub key: PublicKey,
    /// The comment in its file; may be empty.
    pub comment: String,
    /// The file that holds it.
    pub public_path: PathBuf,
    /// The private file beside it: the same name without `.pub`. `None` if there is none, as for keys in an agent.
    pub private_path: Option<PathBuf>,
}

/// A `.pub` file that offers no key.
#[derive(Debug)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why it offers none.
    pub why: PublicFileError,
}

/// What a folder of keys holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// The keys that can sign, in the order of their file names.
    pub candidates: Vec<Candidate>,
    /// The other `.pub` files, in the same order.
    pub skipped: Vec<Skipped>,
}

/// Looks through `<home>/.ssh`; a folder that does not exist holds nothing.
///
/// # Errors
/// What the system says when the folder cannot be listed.
pub fn list(home: &Path) -> io::Result<Listing> {
    let mut paths = match std::fs::read_dir(home.join(".ssh")) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
        Err(error) => return Err(error),
    };
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "pub"));
    paths.sort();
    let mut listing = Listing::default();
    for path in paths {
        match read_public(&path) {
            Ok((key, comment)) => {
                let beside = path.with_extension("");
                let private_path = beside.is_file().then_some(beside);
                listing.candidates.push(Candidate { key, comment, public_path: path, private_path });
            }
            Err(why) => listing.skipped.push(Skipped { path, why }),
        }
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::ssh::PublicFileError;
    use crate::domain::approval::KeyLineError;
    use tempfile::TempDir;

    #[test]
    fn every_public_file_is_a_candidate_or_skipped_for_a_reason() {
        let home = TempDir::new().expect("a folder");
        let ssh = home.path().join(".ssh");
        std::fs::create_dir(&ssh).expect("made");
        let line = crate::domain::approval::PublicKey::new(
            ed25519_dalek::SigningKey::from_bytes(&[b'a'; 32]).verifying_key().to_bytes(),
        )
        .expect("alice's key")
        .openssh();
        for (name, text) in [
            ("agent.pub", line.clone()),
            ("id_ed25519.pub", format!("{line} alice@laptop\r\nmore\n")),
            ("id_ed25519", "not read".to_owned()),
            ("known_hosts", line.clone()),
            ("rsa.pub", "ssh-rsa AAAA alice".to_owned()),
            ("weird.pub", "x".repeat(20_000)),
        ] {
            std::fs::write(ssh.join(name), text).expect("written");
        }
        std::fs::create_dir(ssh.join("z.pub")).expect("made");

        let listing = list(home.path()).expect("listed");

        let [agent, file] = &listing.candidates[..] else { panic!("{listing:?}") };
        assert_eq!((agent.private_path.as_deref(), agent.comment.as_str()), (None, ""));
        assert_eq!((file.private_path.clone(), file.comment.as_str()), (Some(ssh.join("id_ed25519")), "alice@laptop"));
        let [rsa, long, folder] = &listing.skipped[..] else { panic!("{listing:?}") };
        assert!(matches!(rsa.why, PublicFileError::Line { why: KeyLineError::Algorithm, .. }), "{rsa:?}");
        for skipped in [long, folder] {
            assert!(matches!(skipped.why, PublicFileError::NotAFile { .. }), "{skipped:?}");
        }
    }

    #[test]
    fn a_home_without_keys_has_no_candidates() {
        let home = TempDir::new().expect("a folder");
        assert!(list(home.path()).expect("listed").candidates.is_empty());
    }
}
