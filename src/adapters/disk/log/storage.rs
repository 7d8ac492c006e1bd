//! The system calls whose failure decides what is on disk, behind a trait, so that tests can make each of them fail.

use crate::ports::log::LogError;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Files are for the service account alone, whatever its umask says.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The calls that change what is on disk. Reading is not among them: a failed read changes nothing.
pub trait Storage: Send + Sync {
    /// Creates a file that must not exist (`O_EXCL`), mode 0600.
    ///
    /// # Errors
    /// What the system says; `AlreadyExists` among it.
    fn create(&self, path: &Path) -> io::Result<File>;

    /// Writes at an offset with one `pwrite` and returns how many bytes were taken.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes a file's content and length durable (`fdatasync`). After an error the content is undefined.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Makes the names in a folder durable (`fsync` on it).
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Sets a file's length.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&self, file: &File, length: u64) -> io::Result<()>;

    /// Puts a file in another's place.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
}

/// The real system calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)?;
        // The umask may have taken bits away from the mode above.
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
        Ok(file)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}

/// Says what was being done, with what, when the system refused.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Io { action, path, source }
}

/// Writes all of `bytes` with one call; fewer bytes are an error.
pub(super) fn write_whole(
    storage: &dyn Storage,
    file: &File,
    path: &Path,
    bytes: &[u8],
    offset: u64,
) -> Result<(), LogError> {
    let written = storage.write_at(file, bytes, offset).map_err(failed("writing", path))?;
    if written == bytes.len() {
        return Ok(());
    }
    Err(LogError::ShortWrite { path: path.to_owned(), written, wanted: bytes.len() })
}

/// Whether a new content must survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    /// create, write, fdatasync, rename, fsync of the folder.
    Yes,
    /// create, write, fdatasync, rename: after a power cut the old content or the new one is there, whole.
    Either,
    /// create, write, rename: whole or not at all for other processes, nothing promised after a power cut.
    No,
}

/// Puts `bytes` in the place of `path`, whole or not at all. The caller holds the lock that protects `path`.
pub(super) fn replace(storage: &dyn Storage, path: &Path, bytes: &[u8], durable: Durable) -> Result<(), LogError> {
    replace_through(storage, &path.with_file_name("new"), path, bytes, durable)
}

/// As [`replace`], by way of a file of the caller's choice in the same folder.
pub(super) fn replace_through(
    storage: &dyn Storage,
    temporary: &Path,
    path: &Path,
    bytes: &[u8],
    durable: Durable,
) -> Result<(), LogError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    remove(temporary)?;
    let file = storage.create(temporary).map_err(failed("creating", temporary))?;
    write_whole(storage, &file, temporary, bytes, 0)?;
    if durable != Durable::No {
        storage.sync(&file).map_err(failed("syncing", temporary))?;
    }
    storage.rename(temporary, path).map_err(failed("renaming to", path))?;
    if durable == Durable::Yes {
        storage.sync_folder(folder).map_err(failed("syncing", folder))?;
    }
    Ok(())
}

/// Bytes that the system copies into a file at once: a signal, even one that kills, is heeded before or after them.
const PAGE: usize = 4096;

/// Puts `bytes` in the place of `path`, a derived file that is protected by the caller's lock and by a checksum of its own.
///
/// In place, for a rename over a file makes ext4 write the new content to the disk first, and the pusher wait for it. A process that is
/// killed leaves the old content or the new one, with perhaps the end of a longer old one behind it. Where that cannot be
/// promised, because `bytes` are too many, it is done as [`replace`] does.
pub(super) fn overwrite(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> Result<(), LogError> {
    if bytes.len() > PAGE {
        return replace(storage, path, bytes, Durable::No);
    }
    let file = open_or_create(storage, path)?;
    write_whole(storage, &file, path, bytes, 0)?;
    let length = file.metadata().map_err(failed("reading", path))?.len();
    if length > bytes.len() as u64 {
        storage.truncate(&file, bytes.len() as u64).map_err(failed("truncating", path))?;
    }
    Ok(())
}

/// Opens a file for reading and writing; what is not there begins empty.
pub(super) fn open_or_create(storage: &dyn Storage, path: &Path) -> Result<File, LogError> {
    let opened = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => storage.create(path),
        opened => opened,
    };
    opened.map_err(failed("opening", path))
}

/// Removes a file; that it is not there is no error.
pub(super) fn remove(path: &Path) -> Result<(), LogError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removing", path)(error)),
        _ => Ok(()),
    }
}

/// Makes a folder with mode 0700 unless it is there; missing folders above it are made alike.
pub(super) fn make_folder(storage: &dyn Storage, path: &Path) -> Result<(), LogError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Path::new("/"));
    make_folder(storage, above)?;
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE)))
            .map_err(failed("making", path))?,
    }
    storage.sync_folder(above).map_err(failed("syncing", above))
}

/// Reads a file whole, at most `limit` bytes of it; `None` if it is not there.
pub(super) fn read_whole(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, LogError> {
    use std::io::Read;
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed("opening", path))?,
    };
    // Most files fit, and are read in one go.
    let mut bytes = Vec::with_capacity(PAGE);
    file.take(limit).read_to_end(&mut bytes).map_err(failed("reading", path))?;
    Ok(Some(bytes))
}
