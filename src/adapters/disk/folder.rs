//! Where things stand in a repository's `jit` folder, and the settings in its `config.toml`.
//!
//! The folder is `<common git dir>/jit` or `.hg/jit`. Everything in it is plain files: nothing there depends on the
//! repository's own storage, so a refused push can take nothing of it away.

use super::request_settings::RequestSettings;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// The `jit` folder of a repository.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Names the folder `jit` below `repository`, the common git dir or `.hg`.
    pub fn of(repository: &Path) -> Self {
        Self { root: repository.join("jit") }
    }

    /// Returns the folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the settings' file.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// Returns the policy's folder.
    pub fn policies(&self) -> PathBuf {
        self.root.join("policies")
    }

    /// Returns the log's folder.
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit")
    }

    /// Returns the file with the log's private key.
    pub fn key(&self) -> PathBuf {
        self.root.join("key")
    }

    /// Returns the folder for hooks that stood there before installation.
    pub fn kept_hooks(&self) -> PathBuf {
        self.root.join("kept-hooks")
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let path = self.config();
        let text =
            fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
        toml::from_str(&text).map_err(|source| ConfigError::Malformed { path, source: Box::new(source) })
    }

    /// Writes the settings durably: a new file, synced, renamed over the old one, and the folder synced.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_settings(&self, settings: &Settings) -> io::Result<()> {
        let text = toml::to_string(settings).map_err(io::Error::other)?;
        replace(&self.config(), text.as_bytes(), 0o644)
    }
}

/// Replaces `path` by `bytes` in one step: temporary file, `fsync`, `rename`, `fsync` of the folder.
///
/// # Errors
/// What the file system says; `path` is then as it was.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file stands in a folder"))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(folder)?.sync_all()
}

/// Writes `bytes` to a file that must not exist yet, durably.
///
/// # Errors
/// `AlreadyExists`, or what the file system says.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not TOML, or has other keys or values than [`Settings`].
    #[error("{path} is not a valid configuration")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

/// What happens where nobody knows who pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownPusher {
    /// Rules that exclude the pusher's own approval are unmet.
    #[default]
    Deny,
    /// They count every approval.
    Allow,
}

/// `config.toml`, written by installation. Hooks read nothing else to find their way: neither HOME nor PATH.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name and 128-bit id: `payments@5f0c…`.
    pub repository: String,
    /// The log's origin: `git.example.com/payments`.
    pub origin: String,
    /// The program that the hooks start; absolute.
    pub binary: PathBuf,
    /// The folder for what must stand outside the repository: the log's anchors; absolute.
    pub state_dir: PathBuf,
    /// The environment variable in which the transport gives the authenticated login.
    #[serde(default = "default_pusher_env")]
    pub pusher_env: String,
    /// What happens where that variable is empty.
    #[serde(default)]
    pub unknown_pusher: UnknownPusher,
    /// How long a decision may take: `30s`.
    #[serde(default = "default_deadline", with = "duration_text")]
    pub deadline: Duration,
    /// The places that notices go to, unread: what is wrong with them keeps no push in or out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<toml::Value>,
    /// How much may wait for approval.
    #[serde(default)]
    pub requests: RequestSettings,
}

/// The name of the variable that web servers set for an authenticated user.
pub const DEFAULT_PUSHER_ENV: &str = "REMOTE_USER";

/// How long a decision may take unless `config.toml` says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

fn default_pusher_env() -> String {
    DEFAULT_PUSHER_ENV.to_owned()
}

fn default_deadline() -> Duration {
    DEFAULT_DEADLINE
}

mod duration_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::time::Duration;

    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&humantime::format_duration(*duration).to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        let duration = humantime::parse_duration(&text).map_err(D::Error::custom)?;
        if duration.is_zero() { Err(D::Error::custom("a deadline is longer than nothing")) } else { Ok(duration) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            repository: "payments@5f0c".into(),
            origin: "git.example.com/payments".into(),
            binary: "/usr/local/bin/jit".into(),
            state_dir: "/var/lib/jit".into(),
            pusher_env: "REMOTE_USER".into(),
            unknown_pusher: UnknownPusher::Deny,
            deadline: Duration::from_secs(30),
            notify: None,
            requests: RequestSettings::default(),
        }
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::of(home.path());
        fs::create_dir(folder.root()).expect("a folder");
        folder.write_settings(&settings()).expect("written");
        assert_eq!(folder.settings().expect("read"), settings());
    }

    #[test]
    fn unknown_keys_and_bad_values_are_refused() {
        let good = toml::to_string(&settings()).expect("TOML");
        for bad in [
            format!("{good}unknown = 1\n"),
            good.replace("\"deny\"", "\"maybe\""),
            good.replace("\"30s\"", "\"0s\""),
            good.replace("\"30s\"", "\"soon\""),
            good.replace("origin", "origins"),
        ] {
            assert!(toml::from_str::<Settings>(&bad).is_err(), "{bad}");
        }
    }
}
