//! A folder on a file system of its own, which is small, full or read-only.

use crate::support::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own at a folder, which goes away with the value. Only root can mount.
pub struct Mounted(PathBuf);

impl Mounted {
    fn tmpfs(at: &Path, size: &str) -> Self {
        mount(&["-t", "tmpfs", "-o", &format!("size={size},mode=0755"), "tmpfs"], at);
        Self(at.to_owned())
    }

    /// Forbids or allows writing to it.
    pub fn read_only(&self, yes: bool) {
        mount(&["-o", if yes { "remount,ro" } else { "remount,rw" }], &self.0);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let mut umount = Command::new("umount");
        umount.arg("--lazy").arg(&self.0);
        assert!(run(umount, b"").succeeded(), "{} stays mounted", self.0.display());
    }
}

fn mount(arguments: &[&str], at: &Path) {
    let mut mount = Command::new("mount");
    mount.args(arguments).arg(at);
    let said = run(mount, b"");
    assert!(said.succeeded(), "{}", said.err);
}

/// Moves a folder to a file system of 1 MB.
pub fn on_small_disk(at: &Path) -> Mounted {
    let kept = at.with_extension("aside");
    fs::rename(at, &kept).expect("moved");
    fs::create_dir(at).expect("made");
    let mounted = Mounted::tmpfs(at, "1m");
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(kept.join(".")).arg(at);
    assert!(run(copy, b"").succeeded());
    fs::remove_dir_all(kept).expect("removed");
    mounted
}

/// Writes until nothing more fits, then takes `room` bytes away again.
pub fn fill(folder: &Path, room: u64) -> PathBuf {
    let path = folder.join("filler");
    let mut fill = Command::new("dd");
    fill.args(["if=/dev/zero", "bs=512"]).arg(format!("of={}", path.display()));
    assert!(run(fill, b"").err.contains("No space left"));
    let file = fs::OpenOptions::new().write(true).open(&path).expect("the filler");
    let length = file.metadata().expect("a length").len();
    file.set_len(length - room).expect("room");
    path
}
