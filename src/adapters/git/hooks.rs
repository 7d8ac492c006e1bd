//! The hook scripts that installation writes into a Git repository, and the settings that go with them.
//!
//! Hooks that stood there before are moved to `jit/kept-hooks/` and called; uninstallation moves them back.

use crate::adapters::disk::folder::{Folder, replace};
use git2::{Config, Repository};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// A hook that jit writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitHook {
    /// Judges on the server.
    PreReceive,
    /// Records on the server what landed.
    PostReceive,
    /// Warns on the client.
    PrePush,
}

/// The hooks of a server.
pub const SERVER_HOOKS: [GitHook; 2] = [GitHook::PreReceive, GitHook::PostReceive];

/// How a server receives.
const RECEIVING: [(&str, bool); 2] = [("receive.advertisePushOptions", true), ("receive.shallowUpdate", false)];

/// The hooks of a client.
pub const CLIENT_HOOKS: [GitHook; 1] = [GitHook::PrePush];

impl GitHook {
    /// Returns the file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreReceive => "pre-receive",
            Self::PostReceive => "post-receive",
            Self::PrePush => "pre-push",
        }
    }

    /// Returns the script that starts `binary`: by itself where its first line can say so, else by way of a shell.
    ///
    /// A shell in between costs as much time as the start of the program. Whoever reads the script with a shell all the
    /// same, because the first line means nothing to them, finds the same command below it.
    pub fn script(self, binary: &Path) -> String {
        let template = match self {
            Self::PreReceive => include_str!("../../../hooks/git/pre-receive"),
            Self::PostReceive => include_str!("../../../hooks/git/post-receive"),
            Self::PrePush => include_str!("../../../hooks/git/pre-push"),
        };
        let quoted = format!("'{}'", binary.to_string_lossy().replace('\'', "'\\''"));
        let script = template.replace("@BINARY@", &quoted);
        match first_line(binary) {
            Some(line) => script.replacen("#!/bin/sh\n", &line, 1),
            None => script,
        }
    }
}

/// Returns the line that has the system start `binary` for a script; `None` if some system could read it otherwise.
fn first_line(binary: &Path) -> Option<String> {
    let path = binary.to_str().filter(|path| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
    let line = format!("#!{} hook\n", path?);
    (line.len() <= LONGEST_FIRST_LINE).then_some(line)
}

/// Bytes of a script's first line that every Linux and macOS reads.
const LONGEST_FIRST_LINE: usize = 127;

/// The way from the folder of kept hooks back to that of hooks.
const BACK: &str = "../../hooks";

/// Why hooks could not be written or taken away.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// A forge writes the hooks of this repository itself and would overwrite ours.
    #[error("{0} manages the hooks of this repository and would overwrite them")]
    Forge(&'static str),
    /// The repository already takes its hooks from elsewhere.
    #[error("this repository takes its hooks from {} (core.hooksPath)", .0.display())]
    OtherFolder(PathBuf),
    /// The folder of hooks is a link, so that what is written there is written for others too.
    #[error("the hooks of this repository stand elsewhere: {} is a link to {}", link.display(), to.display())]
    Link {
        /// The repository's `hooks`.
        link: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// A hook that is not ours stands where one was already kept.
    #[error("{} is not jit's, and another hook of that name is already kept", .0.display())]
    KeptAlready(PathBuf),
    /// The settings could not be read or written.
    #[error("cannot {action} the repository's settings")]
    Settings {
        /// `read` or `write`.
        action: &'static str,
        /// Why.
        source: git2::Error,
    },
    /// A file or folder failed.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> HooksError {
    let path = path.to_owned();
    move |source| HooksError::Io { path, source }
}

/// Tells which forge manages the hooks of the repository at `common_dir`, if one does.
///
/// Their marks: gitolite's `gl-conf` and its own update hook, GitLab's `custom_hooks` or `[gitlab]` section, the `*.d` folders of
/// Gitea and Forgejo, and their names in a hook, in whatever case they write them.
pub fn forge(common_dir: &Path) -> Option<&'static str> {
    let has = |name: &str| common_dir.join(name).exists();
    let names = |file: &str, name: &str| {
        let text = fs::read(common_dir.join(file)).unwrap_or_default();
        String::from_utf8_lossy(&text).to_ascii_lowercase().contains(name)
    };
    if has("gl-conf") || names("hooks/update", "gitolite") {
        Some("gitolite")
    } else if has("custom_hooks") || names("config", "[gitlab]") || names("hooks/pre-receive", "gitlab") {
        Some("GitLab")
    } else if has("hooks/pre-receive.d/gitea") || names("hooks/pre-receive", "gitea") {
        Some("Gitea")
    } else if has("hooks/pre-receive.d/forgejo") || names("hooks/pre-receive", "forgejo") {
        Some("Forgejo")
    } else {
        None
    }
}

/// The place of a repository's hooks.
pub struct Hooks {
    folder: PathBuf,
    kept: PathBuf,
    settings: Config,
    /// What core.hooksPath says: relative to the repository where Git runs hooks in it, so that a repository that is moved keeps
    /// its hooks.
    setting: PathBuf,
}

impl Hooks {
    /// Finds the hooks of the repository whose common folder is `common_dir`.
    ///
    /// # Errors
    /// [`HooksError::Forge`], [`HooksError::OtherFolder`], [`HooksError::Link`], [`HooksError::Settings`].
    pub fn of(common_dir: &Path) -> Result<Self, HooksError> {
        if let Some(name) = forge(common_dir) {
            return Err(HooksError::Forge(name));
        }
        let read = |source| HooksError::Settings { action: "read", source };
        let repo = Repository::open(common_dir).map_err(read)?;
        let config = repo.config().map_err(read)?;
        let settings = config.open_level(git2::ConfigLevel::Local).map_err(read)?;
        let folder = common_dir.join("hooks");
        if let Ok(to) = fs::read_link(&folder) {
            return Err(HooksError::Link { link: folder, to });
        }
        let setting = if repo.is_bare() { PathBuf::from("hooks") } else { folder.clone() };
        match settings.get_path("core.hooksPath") {
            Ok(path) if path != folder && path != setting => Err(HooksError::OtherFolder(path)),
            _ => Ok(Self { folder, kept: Folder::of(common_dir).kept_hooks(), settings, setting }),
        }
    }

    /// Returns where `hook` stands.
    pub fn path(&self, hook: GitHook) -> PathBuf {
        self.folder.join(hook.name())
    }

    /// Writes `hooks`, keeping those that stand there, and points core.hooksPath at the repository's own folder, so that
    /// nobody's personal or system-wide setting can lead around them. Running it again changes nothing.
    ///
    /// # Errors
    /// [`HooksError`]; hooks that were written stay.
    pub fn write(&mut self, hooks: &[GitHook], binary: &Path) -> Result<(), HooksError> {
        fs::create_dir_all(&self.folder).map_err(io_at(&self.folder))?;
        for hook in hooks {
            let path = self.path(*hook);
            if path.symlink_metadata().is_ok() && !is_ours(&path) {
                self.keep(*hook, &path)?;
            }
            replace(&path, hook.script(binary).as_bytes(), 0o755).map_err(io_at(&path))?;
        }
        let folder = self.setting.to_string_lossy().into_owned();
        let write = |source| HooksError::Settings { action: "write", source };
        self.settings.set_str("core.hooksPath", &folder).map_err(write)
    }

    /// Lets pushers send tokens as push options, and nobody cut the history short: a repository that became shallow cannot
    /// be judged any more.
    ///
    /// # Errors
    /// [`HooksError::Settings`].
    pub fn set_receiving(&mut self) -> Result<(), HooksError> {
        for (key, value) in RECEIVING {
            let write = |source| HooksError::Settings { action: "write", source };
            self.settings.set_bool(key, value).map_err(write)?;
        }
        Ok(())
    }

    /// Tells whether there is something to take away: one of `hooks` that is jit's, one that was kept, or the setting.
    pub fn are_installed(&self, hooks: &[GitHook]) -> bool {
        let left =
            |hook: &GitHook| is_ours(&self.path(*hook)) || self.kept.join(hook.name()).symlink_metadata().is_ok();
        hooks.iter().any(left) || self.settings.get_path("core.hooksPath").is_ok()
    }

    /// Takes `hooks` away, puts kept ones back, and lets core.hooksPath go.
    ///
    /// # Errors
    /// [`HooksError`].
    pub fn remove(&mut self, hooks: &[GitHook]) -> Result<(), HooksError> {
        for hook in hooks {
            let path = self.path(*hook);
            if is_ours(&path) {
                fs::remove_file(&path).map_err(io_at(&path))?;
            }
            let kept = self.kept.join(hook.name());
            if kept.symlink_metadata().is_ok() && path.symlink_metadata().is_err() {
                let led = fs::read_link(&kept).ok();
                match led.as_deref().and_then(|to| to.strip_prefix(BACK).ok()) {
                    Some(to) => {
                        symlink(to, &path).map_err(io_at(&path))?;
                        fs::remove_file(&kept).map_err(io_at(&kept))?;
                    }
                    None => fs::rename(&kept, &path).map_err(io_at(&path))?,
                }
            }
        }
        for key in RECEIVING.map(|(key, _)| key).into_iter().chain(["core.hooksPath"]) {
            if self.settings.get_entry(key).is_ok() {
                self.settings.remove(key).map_err(|source| HooksError::Settings { action: "write", source })?;
            }
        }
        Ok(())
    }

    /// Returns the repository's settings that let pushes in past the hooks: `git cvsserver` moves refs without `pre-receive`.
    pub fn ways_around(&self) -> Vec<String> {
        let Ok(mut entries) = self.settings.entries(Some(r"^gitcvs\..*enabled$")) else { return Vec::new() };
        let mut ways = Vec::new();
        while let Some(Ok(entry)) = entries.next() {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            if self.settings.get_bool(&name).unwrap_or(true) {
                ways.push(name);
            }
        }
        ways
    }

    /// Says what is wrong with an installed hook; `None` if it will run and ask `binary`.
    pub fn fault(&self, hook: GitHook, binary: &Path) -> Option<&'static str> {
        let path = self.path(hook);
        let Ok(found) = path.symlink_metadata() else { return Some("is missing") };
        if !found.is_file() {
            return Some("is not a plain file");
        }
        if found.permissions().mode() & 0o111 == 0 {
            return Some("is not executable: Git skips it and lets every push in");
        }
        if fs::read(&path).ok().as_deref() != Some(hook.script(binary).as_bytes()) {
            return Some("is not the script that `jit install` writes");
        }
        let points_here = self.settings.get_path("core.hooksPath").is_ok_and(|path| path == self.setting);
        (!points_here).then_some("can be led around: core.hooksPath of the repository is not set")
    }

    fn keep(&self, hook: GitHook, path: &Path) -> Result<(), HooksError> {
        let kept = self.kept.join(hook.name());
        if kept.symlink_metadata().is_ok() {
            return Err(HooksError::KeptAlready(path.to_owned()));
        }
        fs::create_dir_all(&self.kept).map_err(io_at(&self.kept))?;
        match fs::read_link(path) {
            // Moved as it is, a relative link would lead nowhere.
            Ok(to) if to.is_relative() => {
                symlink(Path::new(BACK).join(to), &kept).map_err(io_at(&kept))?;
                fs::remove_file(path).map_err(io_at(path))
            }
            _ => fs::rename(path, &kept).map_err(io_at(&kept)),
        }
    }
}

fn is_ours(path: &Path) -> bool {
    fs::read(path).is_ok_and(|text| text.windows(24).any(|part| part == b"Written by `jit install`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_stands_between_only_where_a_first_line_cannot_name_the_program() {
        let long = format!("/{}", "x".repeat(LONGEST_FIRST_LINE));
        let cases = [
            ("/usr/local/bin/jit", "#!/usr/local/bin/jit hook\n", "exec '/usr/local/bin/jit' hook pre-receive\n"),
            ("/opt/our tools/jit", "#!/bin/sh\n", "exec '/opt/our tools/jit' hook pre-receive\n"),
            ("/opt/caf\u{e9}/jit", "#!/bin/sh\n", "exec '/opt/caf\u{e9}/jit' hook pre-receive\n"),
            ("bin/jit", "#!/bin/sh\n", "exec 'bin/jit' hook pre-receive\n"),
            (&long, "#!/bin/sh\n", " hook pre-receive\n"),
        ];
        for (binary, first, last) in cases {
            let script = GitHook::PreReceive.script(Path::new(binary));
            assert!(script.starts_with(first) && script.ends_with(last), "{script}");
        }
    }
}
