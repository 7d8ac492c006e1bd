//! Our lines in a repository's `.hg/hgrc`: written, replaced and taken away; all else stays as it is, byte for byte.
//!
//! The lines stand in a block between two comments, at the end, so that they win over earlier ones. A running web server reads its
//! configuration again only when the repository changes; hence the changelog is touched after each write, or the next push
//! would go past the hooks.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The hooks that the script has, in the order in which they run.
pub const HOOKS: [&str; 5] = ["pretxnopen", "pretxnchangegroup", "pretxnclose", "txnclose", "txnabort"];

const BEGIN: &[u8] = b"# jit begin: written by `jit install`, taken away by `jit uninstall`\n";
/// The same, where the line before had no end: taking the block away takes that end away too.
const BEGIN_JOINED: &[u8] =
    b"# jit begin: written by `jit install`, taken away by `jit uninstall` (the line above had no end)\n";
const END: &[u8] = b"# jit end\n";

/// What the block says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookLines {
    /// The script; absolute.
    pub script: PathBuf,
    /// The program; absolute.
    pub binary: PathBuf,
    /// The repository's `jit` folder; absolute.
    pub folder: PathBuf,
    /// How long the script waits for the program: longer than a decision may take. In whole seconds, at least one.
    pub timeout: Duration,
}

/// What the block says in a clone, which asks before it pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourtesyLines {
    /// The script of clones; absolute.
    pub script: PathBuf,
    /// The program; absolute.
    pub binary: PathBuf,
}

/// Why the lines cannot be written or taken away.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HgrcError {
    /// Mercurial would read another path from the line: it is relative, or has a control character, a `$`, or a blank at an end.
    #[error("{path:?} cannot stand in Mercurial's configuration")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The block has no end, or there are several: somebody edited it.
    #[error("{path:?} has our lines in disorder")]
    Disorder {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error("cannot change {path:?}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A repository's configuration.
#[derive(Debug, Clone)]
pub struct Hgrc {
    repository: PathBuf,
}

impl Hgrc {
    /// Names the configuration of the repository whose `.hg` is `folder` (the one that holds the store).
    pub fn of(folder: &Path) -> Self {
        Self { repository: folder.to_owned() }
    }

    /// Returns the file.
    pub fn path(&self) -> PathBuf {
        self.repository.join("hgrc")
    }

    /// Puts the lines in place, and tells whether that changed anything.
    ///
    /// # Errors
    /// [`HgrcError`]; the file is then as it was.
    pub fn install(&self, lines: &HookLines) -> Result<bool, HgrcError> {
        let block = lines.block()?;
        self.edit(|old| with(old, &block))
    }

    /// Puts the lines of a clone in place, and tells whether that changed anything.
    ///
    /// # Errors
    /// [`HgrcError`]; the file is then as it was.
    pub fn install_courtesy(&self, lines: &CourtesyLines) -> Result<bool, HgrcError> {
        let block = lines.block()?;
        self.edit(|old| with(old, &block))
    }

    /// Takes the lines away, and tells whether there were any.
    ///
    /// # Errors
    /// [`HgrcError`]; the file is then as it was.
    pub fn uninstall(&self) -> Result<bool, HgrcError> {
        self.edit(without)
    }

    /// Tells whether the lines stand there exactly as [`Hgrc::install`] would write them.
    ///
    /// # Errors
    /// [`HgrcError`].
    pub fn is_installed(&self, lines: &HookLines) -> Result<bool, HgrcError> {
        let old = self.read()?;
        let block = lines.block()?;
        Ok(with(&old, &block).ok_or_else(|| HgrcError::Disorder { path: self.path() })? == old)
    }

    fn read(&self) -> Result<Vec<u8>, HgrcError> {
        match fs::read(self.path()) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(HgrcError::File { path: self.path(), source }),
        }
    }

    fn edit(&self, change: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Result<bool, HgrcError> {
        let path = self.path();
        let old = self.read()?;
        let new = change(&old).ok_or_else(|| HgrcError::Disorder { path: path.clone() })?;
        let written = if new == old { Ok(()) } else { replace(&path, &new) };
        let touched = written.and_then(|()| self.touch_changelog());
        touched.map_err(|source| HgrcError::File { path, source })?;
        Ok(new != old)
    }

    /// Makes running web servers look at the configuration again.
    fn touch_changelog(&self) -> io::Result<()> {
        match File::options().append(true).open(self.repository.join("store/00changelog.i")) {
            Ok(file) => file.set_modified(SystemTime::now()),
            // Nothing was ever recorded here, so nobody has read anything yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl HookLines {
    fn block(&self) -> Result<Vec<u8>, HgrcError> {
        let mut block = b"[hooks]\n".to_vec();
        let script = clean(&self.script)?;
        for hook in HOOKS {
            block.extend_from_slice(format!("{hook}.jit = python:").as_bytes());
            block.extend_from_slice(script);
            block.extend_from_slice(format!(":{hook}\n").as_bytes());
        }
        block.extend_from_slice(b"[jit]\n");
        for (key, path) in [("binary", &self.binary), ("folder", &self.folder)] {
            block.extend_from_slice(format!("{key} = ").as_bytes());
            block.extend_from_slice(clean(path)?);
            block.push(b'\n');
        }
        block.extend_from_slice(format!("timeout = {}\n", self.timeout.as_secs().max(1)).as_bytes());
        Ok(block)
    }
}

impl CourtesyLines {
    fn block(&self) -> Result<Vec<u8>, HgrcError> {
        let (script, binary) = (clean(&self.script)?, clean(&self.binary)?);
        Ok([b"[hooks]\npre-push.jit = python:", script, b":prepush\n[jit]\nbinary = ", binary, b"\n"].concat())
    }
}

/// Returns the bytes of a path that Mercurial reads back as it is: it strips blanks and expands variables.
fn clean(path: &Path) -> Result<&[u8], HgrcError> {
    let bytes = OsStr::as_bytes(path.as_os_str());
    let odd = bytes.iter().any(|byte| byte.is_ascii_control() || *byte == b'$');
    if odd || !path.is_absolute() || bytes.trim_ascii() != bytes {
        return Err(HgrcError::Path { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Finds the block: its bytes from the first comment to the last, and whether the line before had no end. `None`: disorder.
fn find(text: &[u8]) -> Option<Option<(usize, usize, bool)>> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    let (mut begin, mut found) = (None, None);
    for (start, line) in lines {
        let ends = line == END || [line, b"\n"].concat() == END;
        match (line == BEGIN || line == BEGIN_JOINED, ends, begin) {
            (true, _, None) if found.is_none() => begin = Some((start, line == BEGIN_JOINED)),
            (false, true, Some((from, joined))) => {
                found = Some((from, start + line.len(), joined));
                begin = None;
            }
            (false, false, _) => {}
            _ => return None,
        }
    }
    if begin.is_some() { None } else { Some(found) }
}

fn with(text: &[u8], block: &[u8]) -> Option<Vec<u8>> {
    let found = find(text)?;
    let (before, after, joined) = match found {
        Some((from, to, joined)) => (&text[..from], &text[to..], joined),
        None => (text, &b""[..], false),
    };
    let (newline, begin) = match (before.last(), joined) {
        (_, true) => (&b""[..], BEGIN_JOINED),
        (None | Some(b'\n'), _) => (&b""[..], BEGIN),
        _ => (&b"\n"[..], BEGIN_JOINED),
    };
    Some([before, newline, begin, block, END, after].concat())
}

fn without(text: &[u8]) -> Option<Vec<u8>> {
    let Some((from, to, joined)) = find(text)? else { return Some(text.to_vec()) };
    // Lines that somebody put after the block need the end of the line before it.
    let kept = if joined && to == text.len() { from.saturating_sub(1) } else { from };
    Some([&text[..kept], &text[to..]].concat())
}

/// Writes a new file, syncs it, and renames it over the old one, whose mode it takes. A link stays one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let real = if path.exists() { path.canonicalize()? } else { path.to_owned() };
    let folder = real.parent().ok_or_else(|| io::Error::other("a file stands in a folder"))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    let mode = match fs::metadata(&real) {
        Ok(data) => data.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    file.as_file().set_permissions(mode)?;
    file.as_file().sync_all()?;
    file.persist(&real)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> HookLines {
        HookLines {
            script: "/srv/repo/.hg/jit/jit_hook.py".into(),
            binary: "/usr/local/bin/jit".into(),
            folder: "/srv/repo/.hg/jit".into(),
            timeout: Duration::from_secs(40),
        }
    }

    #[test]
    fn what_was_there_comes_back_byte_for_byte() {
        let block = lines().block().expect("clean paths");
        for old in ["", "\n", "[web]\nallow_push = *\n", "[web]\nallow_push = *", "# ä\r\n[x]\ny=1\n\n\n", "# jit"] {
            let new = with(old.as_bytes(), &block).expect("in order");
            assert!(new.windows(block.len()).any(|window| window == block));
            assert_eq!(with(&new, &block), Some(new.clone()), "twice is once: {old:?}");
            assert_eq!(without(&new).as_deref(), Some(old.as_bytes()), "{old:?}");
            let other = HookLines { binary: "/opt/jit".into(), ..lines() }.block().expect("clean paths");
            let changed = with(&new, &other).expect("in order");
            assert!(!changed.windows(block.len()).any(|window| window == block));
            assert_eq!(without(&changed).as_deref(), Some(old.as_bytes()), "{old:?}");
            let more = [&new[..], b"[ui]\n"].concat();
            assert_eq!(with(&more, &block), Some(more.clone()));
            let kept = without(&more).expect("in order");
            assert!(kept.ends_with(b"[ui]\n") && kept.starts_with(old.as_bytes()), "{old:?}");
        }
    }

    #[test]
    fn a_block_in_disorder_is_left_alone() {
        let (begin, end) = (String::from_utf8_lossy(BEGIN), String::from_utf8_lossy(END));
        let cases = [
            begin.to_string(),
            end.to_string(),
            format!("{end}{begin}"),
            format!("{begin}{begin}{end}"),
            format!("{begin}{end}{begin}{end}"),
        ];
        for text in cases {
            assert_eq!(with(text.as_bytes(), b""), None, "{text}");
            assert_eq!(without(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn paths_that_mercurial_would_read_otherwise_are_refused() {
        for path in ["jit", "/srv/$HOME/jit", "/srv/a\nb", "/srv/jit ", "~/jit"] {
            let lines = HookLines { folder: path.into(), ..lines() };
            assert!(matches!(lines.block(), Err(HgrcError::Path { .. })), "{path}");
        }
    }

    #[test]
    fn the_file_is_changed_once_and_the_changelog_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let changelog = folder.path().join("store/00changelog.i");
        fs::create_dir(folder.path().join("store")).expect("a folder");
        fs::write(&changelog, "x").expect("a file");
        let old = SystemTime::UNIX_EPOCH;
        File::options().append(true).open(&changelog).and_then(|file| file.set_modified(old)).expect("touched");
        let hgrc = Hgrc::of(folder.path());
        assert!(!hgrc.uninstall().expect("nothing to do"));
        assert!(!hgrc.is_installed(&lines()).expect("readable"));
        assert!(hgrc.install(&lines()).expect("written"));
        assert!(!hgrc.install(&lines()).expect("nothing to do"));
        assert!(hgrc.is_installed(&lines()).expect("readable"));
        assert!(fs::metadata(&changelog).and_then(|data| data.modified()).expect("a time") > old);
        assert_eq!(fs::read(&changelog).expect("a file"), b"x");
        assert!(hgrc.uninstall().expect("taken away"));
        assert_eq!(fs::read(hgrc.path()).expect("a file"), b"");
    }
}
