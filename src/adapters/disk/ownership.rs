//! Who may write what the decision depends on. Anyone who can write the repository, its settings, hooks, policies or key
//! can let anything in, so nobody but the service account may.

use rustix::fs::Mode;
use rustix::process::umask;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Why a path is not safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipFault {
    /// Somebody else owns it.
    #[error("{} belongs to user {owner}, the hooks run as user {expected}", path.display())]
    OtherOwner {
        /// The path.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
        /// The number of the user who runs this.
        expected: u32,
    },
    /// The permission bits let a group or everyone write it.
    #[error("{} can be written by others (mode {mode:04o})", path.display())]
    Writable {
        /// The path.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
    },
    /// It is missing or cannot be looked at.
    #[error("{} cannot be looked at", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
    },
}

/// Sees to it that nothing which this process makes from here on can be written by others, whatever the umask was.
///
/// For the whole process: not for hooks, which start hooks of others.
pub fn keep_others_out() {
    let before = umask(Mode::WGRP | Mode::WOTH);
    umask(before | Mode::WGRP | Mode::WOTH);
}

/// Makes `folder` and those above it that are missing; others cannot write them, whatever the umask is.
///
/// # Errors
/// What the file system says.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)
}

/// Checks that each of `paths` belongs to the user who runs this (or to the superuser) and that nobody else may write it.
pub fn check(paths: &[&Path]) -> Vec<OwnershipFault> {
    let expected = rustix::process::geteuid().as_raw();
    paths.iter().filter_map(|path| check_one(path, expected)).collect()
}

fn check_one(path: &Path, expected: u32) -> Option<OwnershipFault> {
    let path = path.to_owned();
    let Ok(found) = fs::metadata(&path) else { return Some(OwnershipFault::Unreadable { path }) };
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    if owner != expected && owner != 0 {
        return Some(OwnershipFault::OtherOwner { path, owner, expected });
    }
    (mode & 0o022 != 0).then_some(OwnershipFault::Writable { path, mode })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_others_can_write_is_found() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("config");
        fs::write(&file, "x").expect("written");
        for (mode, safe) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
            assert_eq!(check(&[&file]).is_empty(), safe, "{mode:o}");
        }
        assert!(matches!(check(&[&home.path().join("absent")])[..], [OwnershipFault::Unreadable { .. }]));
    }
}
