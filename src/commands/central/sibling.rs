//! The repository beside a central one in which commits wait for approval (docs/spec/request.md): `<name>-requests`.

use super::mercurial::hg_failure;
use crate::adapters::mercurial::{HOOKS, Hg, Hgrc, HookLines};
use crate::cli::{Failure, IntoFailure};
use crate::commands::findings::Findings;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// What stands in its configuration: drafts stay drafts, so that nothing which waits counts as published.
const HGRC: &str = "# made by `jit install`: commits wait here for approval, and no rule is asked about them\n[phases]\npublish = False\n";

/// The sibling of a central repository.
pub(super) struct Sibling<'a> {
    central: &'a Hg,
    root: PathBuf,
}

impl<'a> Sibling<'a> {
    pub(super) fn of(central: &'a Hg) -> Self {
        Self { central, root: central.sibling_root() }
    }

    /// Refuses what stands in its place and is no sibling.
    pub(super) fn admit(&self) -> Result<(), Failure> {
        let root = self.root.display();
        match self.found()? {
            None if self.root.symlink_metadata().is_ok() => {
                Err(Failure::undecided(format!("{root} is no Mercurial repository, and requests belong there")))
            }
            Some(hg) if publishes(&hg)? => Err(Failure::undecided(format!("{root} publishes what is pushed to it"))
                .hint(format!("requests wait there: write `[phases]` and `publish = False` to {root}/.hg/hgrc"))),
            _ => Ok(()),
        }
    }

    /// Makes the sibling if there is none. It gets its name last, so that one which is only half made is not taken for one.
    pub(super) fn make(&self) -> Result<(), Failure> {
        if self.found()?.is_some() {
            return Ok(());
        }
        let new = self.root.with_added_extension("new");
        if new.exists() {
            fs::remove_dir_all(&new).or_fail()?;
        }
        let mut clone = vec![OsString::from("clone"), "--quiet".into(), "--noupdate".into()];
        for hook in HOOKS {
            clone.extend(["--config".into(), format!("hooks.{hook}.jit=").into()]);
        }
        clone.extend(["--".into(), self.central.root().into(), new.clone().into()]);
        self.central.must("copy the repository", clone).map_err(hg_failure)?;
        match fs::remove_file(new.join(".hg/bookmarks")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).or_fail()?,
            _ => {}
        }
        fs::write(new.join(".hg/hgrc"), HGRC).or_fail()?;
        fs::rename(&new, &self.root).or_fail()
    }

    /// Has its pushes judged by the central repository's `lines`.
    pub(super) fn hook_up(&self, lines: &HookLines) -> Result<(), Failure> {
        Hgrc::of(&self.root.join(".hg")).install(lines).or_fail().map(drop)
    }

    pub(super) fn examine(&self, lines: &HookLines, findings: &mut Findings) {
        let root = self.root.display();
        if self.root.is_dir() && !Hgrc::of(&self.root.join(".hg")).is_installed(lines).unwrap_or(false) {
            findings.fail(format!(
                "the hook lines in {root}/.hg/hgrc are missing or changed (`jit install` again mends it)"
            ));
        }
        match self.found().and_then(|hg| hg.map(|hg| publishes(&hg)).transpose()) {
            Ok(Some(false)) => findings.ok(format!("commits can wait in {root}")),
            Ok(Some(true)) => findings.fail(format!("{root} publishes what is pushed to it (`[phases] publish`)")),
            Ok(None) => {
                findings.fail(format!("{root} is missing: no commit can wait for approval (`jit install` again)"))
            }
            Err(failure) => findings.failure(&root.to_string(), &failure),
        }
    }

    fn found(&self) -> Result<Option<Hg>, Failure> {
        if !self.root.join(".hg").is_dir() {
            return Ok(None);
        }
        Hg::find(&self.root).map_err(hg_failure)
    }
}

fn publishes(hg: &Hg) -> Result<bool, Failure> {
    let output = hg.run(["config", "--", "phases.publish"]).map_err(hg_failure)?;
    let no = ["false", "no", "off", "0", "never"];
    let value = String::from_utf8_lossy(&output.stdout).trim().to_lowercase();
    Ok(!no.contains(&&*value))
}
