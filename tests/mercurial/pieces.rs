//! What the script makes of patches that cut lines anywhere, against a plain comparison of whole manifests.

use crate::hg::{python, text};
use std::fs;
use std::process::Command;

use jit::adapters::mercurial::HOOK_SCRIPTS;

#[test]
fn patches_that_cut_lines_are_told_in_whole_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in HOOK_SCRIPTS {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mercurial/pieces.py");
    let ran =
        Command::new(python()).arg(script).arg(folder.path()).args(["20261122", "4000"]).output().expect("starts");
    assert_eq!(text(&ran.stdout), "ok\n", "{}", text(&ran.stderr));
}
