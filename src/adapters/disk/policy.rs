//! Reads the files of a policy from a folder (docs/spec/policy.md, "Files"). It does not look into them.

use crate::domain::policy::{Policy, PolicyFile, limits, load};
use crate::ports::policy_source::{PolicySource, PolicyUnavailable};
use rustix::fs::OFlags;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The policy that installation writes where none was given: everything is let in, one rule only observes.
pub const STARTER_POLICY: &str = include_str!("../../../policies/starter/policy.toml");

/// Why a folder gives no policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFolderError {
    /// The folder cannot be listed.
    #[error("cannot list the policy folder {path:?}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read the policy file {path:?}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A link points out of the folder: who may write there is not known.
    #[error("the policy file {path:?} is a link that leads out of its folder")]
    LeadsOut {
        /// The link.
        path: PathBuf,
    },
    /// A pipe, a device, a socket.
    #[error("the policy file {path:?} is not a regular file")]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// Reports, log entries and what clients fetch could not name the file.
    #[error("the name of the policy file {path:?} is not made of letters, digits, `.`, `_` and `-`")]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// There is no `*.toml` file.
    #[error("no `*.toml` file stands in the policy folder {path:?}")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// A folder that holds a policy.
#[derive(Debug)]
pub struct PolicyFolder {
    dir: PathBuf,
}

impl PolicySource for PolicyFolder {
    fn load(&self) -> Result<Policy, PolicyUnavailable> {
        let files = Self::read(&self.dir).map_err(|error| PolicyUnavailable::Unreadable(Box::new(error)))?;
        load(&files).map_err(PolicyUnavailable::Faulty)
    }
}

impl PolicyFolder {
    /// Names the folder; it is read anew each time that the policy is loaded.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Returns the `*.toml` files that stand directly in `dir`, sorted by the bytes of their names.
    ///
    /// Subfolders and files whose names begin with a dot are left out. Of a file that is too large, and of too many
    /// files, one byte and one file more than allowed are read, which is enough to be refused when the policy loads.
    ///
    /// # Errors
    /// [`PolicyFolderError`]: nothing is left out because it could not be read.
    pub fn read(dir: &Path) -> Result<Vec<PolicyFile>, PolicyFolderError> {
        let failed = |source| PolicyFolderError::Folder { path: dir.to_owned(), source };
        let root = fs::canonicalize(dir).map_err(failed)?;
        let mut paths = Vec::new();
        for entry in fs::read_dir(&root).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if name.as_bytes().ends_with(b".toml") && !name.as_bytes().starts_with(b".") {
                paths.push(dir.join(name));
            }
        }
        paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        let mut files = Vec::new();
        for path in paths {
            files.extend(read_file(&root, path)?);
            if files.len() > limits::FILES {
                break;
            }
        }
        if files.is_empty() { Err(PolicyFolderError::Empty { path: dir.to_owned() }) } else { Ok(files) }
    }
}

/// Reads one file; `None` for a folder.
fn read_file(root: &Path, path: PathBuf) -> Result<Option<PolicyFile>, PolicyFolderError> {
    let failed = |source| PolicyFolderError::File { path: path.clone(), source };
    let target = fs::canonicalize(&path).map_err(failed)?;
    if !target.starts_with(root) {
        return Err(PolicyFolderError::LeadsOut { path });
    }
    // Without NONBLOCK the opening of a pipe waits for somebody to write into it, and with it the push.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).expect("open's flags are an int in C");
    let file = OpenOptions::new().read(true).custom_flags(flags).open(&target).map_err(failed)?;
    let kind = file.metadata().map_err(failed)?.file_type();
    if kind.is_dir() {
        return Ok(None);
    }
    if !kind.is_file() {
        return Err(PolicyFolderError::NotAFile { path });
    }
    let plain = |name: &&str| {
        !name.starts_with('-') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(plain).map(str::to_owned) else {
        return Err(PolicyFolderError::Name { path });
    };
    let mut text = Vec::new();
    file.take(limits::FILE_BYTES as u64 + 1).read_to_end(&mut text).map_err(failed)?;
    Ok(Some(PolicyFile { name, text }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;

    fn names(dir: &Path) -> Vec<String> {
        PolicyFolder::read(dir).expect("files").into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn only_toml_files_directly_in_the_folder_are_read_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().expect("folder");
        for name in ["b.toml", "a.toml", "B.toml", ".hidden.toml", "notes.md", "a.toml.bak"] {
            fs::write(dir.path().join(name), name).expect("file");
        }
        fs::create_dir_all(dir.path().join("cases/deep.toml")).expect("folder");
        fs::write(dir.path().join("cases/case.toml"), "").expect("file");
        fs::create_dir(dir.path().join("folder.toml")).expect("folder");
        assert_eq!(names(dir.path()), ["B.toml", "a.toml", "b.toml"]);
        let files = PolicyFolder::read(dir.path()).expect("files");
        assert_eq!(files[1].text, b"a.toml");
    }

    #[test]
    fn a_link_inside_the_folder_is_followed_and_one_that_leads_out_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let inside = dir.path().join("policies");
        fs::create_dir_all(inside.join("v1")).expect("folder");
        fs::write(inside.join("v1/real.toml"), "x").expect("file");
        fs::write(dir.path().join("outside.toml"), "x").expect("file");
        symlink("v1/real.toml", inside.join("a.toml")).expect("link");
        assert_eq!(names(&inside), ["a.toml"]);
        symlink("../outside.toml", inside.join("b.toml")).expect("link");
        assert!(matches!(PolicyFolder::read(&inside), Err(PolicyFolderError::LeadsOut { .. })));
    }

    #[test]
    fn nothing_is_left_out_because_it_cannot_be_read() {
        type Make = fn(&Path);
        type Is = fn(&PolicyFolderError) -> bool;
        let cases: [(&str, Make, Is); 7] = [
            (
                "no folder",
                |dir| fs::remove_dir_all(dir).expect("gone"),
                |e| matches!(e, PolicyFolderError::Folder { .. }),
            ),
            ("no files", |_| {}, |e| matches!(e, PolicyFolderError::Empty { .. })),
            (
                "a dangling link",
                |dir| symlink("nowhere", dir.join("a.toml")).expect("link"),
                |e| matches!(e, PolicyFolderError::File { .. }),
            ),
            (
                "a link to itself",
                |dir| symlink("a.toml", dir.join("a.toml")).expect("link"),
                |e| matches!(e, PolicyFolderError::File { .. }),
            ),
            (
                "a socket",
                |dir| drop(std::os::unix::net::UnixListener::bind(dir.join("a.toml")).expect("socket")),
                |e| matches!(e, PolicyFolderError::File { .. } | PolicyFolderError::NotAFile { .. }),
            ),
            (
                "a name with a space",
                |dir| fs::write(dir.join("my rules.toml"), "").expect("file"),
                |e| matches!(e, PolicyFolderError::Name { .. }),
            ),
            (
                "a name that is not UTF-8",
                |dir| fs::write(dir.join(OsStr::from_bytes(b"\xff.toml")), "").expect("file"),
                |e| matches!(e, PolicyFolderError::Name { .. }),
            ),
        ];
        for (what, make, is) in cases {
            let dir = tempfile::tempdir().expect("folder");
            let inside = dir.path().join("policies");
            fs::create_dir(&inside).expect("folder");
            make(&inside);
            let error = PolicyFolder::read(&inside).expect_err(what);
            assert!(is(&error), "{what}: {error:?}");
        }
    }

    #[test]
    fn a_pipe_does_not_hold_up_the_reader() {
        let dir = tempfile::tempdir().expect("folder");
        let pipe = dir.path().join("a.toml");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        assert!(matches!(PolicyFolder::read(dir.path()), Err(PolicyFolderError::NotAFile { .. })));
    }

    #[test]
    fn a_file_is_read_no_further_than_needed_to_refuse_it() {
        let dir = tempfile::tempdir().expect("folder");
        fs::write(dir.path().join("a.toml"), vec![b'#'; limits::FILE_BYTES + 5]).expect("file");
        let files = PolicyFolder::read(dir.path()).expect("files");
        assert_eq!(files[0].text.len(), limits::FILE_BYTES + 1);
        assert!(load(&files).is_err());
    }
}
