//! A central Git repository.

use super::Central;
use crate::adapters::git::hooks::{Hooks, SERVER_HOOKS};
use crate::adapters::git::{GitHistory, GitRepository, POLICY_REF};
use crate::cli::{Failure, IntoFailure, ServerParts};
use crate::commands::findings::Findings;
use crate::domain::audit::System;
use crate::domain::change::{ChangesetId, Target};
use crate::ports::history::History as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) struct GitCentral {
    pub(super) common_dir: PathBuf,
    pub(super) git: GitRepository,
}

impl GitCentral {
    fn hooks(&self) -> Result<Hooks, Failure> {
        Hooks::of(&self.common_dir).or_fail()
    }

    fn history(&self) -> Result<GitHistory, Failure> {
        Ok(GitHistory::receiving(GitRepository::at(&self.common_dir).or_fail()?, Vec::new()))
    }

    fn examine_hooks(&self, parts: &ServerParts, findings: &mut Findings) {
        let hooks = match Hooks::of(&self.common_dir) {
            Ok(hooks) => hooks,
            Err(error) => return findings.failed("hooks", &error),
        };
        for setting in hooks.ways_around() {
            findings
                .fail(format!("{setting} lets `git cvsserver` move refs without asking: take it out of the settings"));
        }
        for hook in SERVER_HOOKS {
            match hooks.fault(hook, &parts.settings.binary) {
                None => findings.ok(format!("hook {}", hook.name())),
                Some(fault) => findings.fail(format!("hook {} {fault} (`jit install` again mends it)", hook.name())),
            }
            if parts.folder.kept_hooks().join(hook.name()).exists() {
                findings.note(format!("a {} that stood here before is kept and called", hook.name()));
            }
        }
    }

    fn examine_published(&self, findings: &mut Findings) {
        let target = Target::git_ref(POLICY_REF.as_bytes()).expect("a refname");
        let value = self.history().and_then(|mut history| history.value(&target).or_fail());
        match value {
            Ok(value) if value.is_empty() => {
                findings.fail("clients cannot see the policy: refs/jit/policy is missing");
            }
            Ok(_) => findings.ok("clients can fetch the policy"),
            Err(failure) => findings.fail(format!("refs/jit/policy: {}", failure.chain.join(": "))),
        }
    }
}

impl Central for GitCentral {
    fn system(&self) -> System {
        System::Git
    }

    fn place(&self) -> &Path {
        &self.common_dir
    }

    fn name(&self) -> String {
        let common_dir = &self.common_dir;
        let folder = if common_dir.ends_with(".git") { common_dir.parent() } else { Some(common_dir.as_path()) };
        let name = folder.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        name.strip_suffix(".git").unwrap_or(&name).to_owned()
    }

    fn is_a_clone(&self) -> Result<bool, Failure> {
        Ok(!self.git.is_bare())
    }

    fn admit(&self) -> Result<(), Failure> {
        self.hooks().map(drop)
    }

    fn guarded(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let needed = ["", "config", "refs", "objects"].map(|name| self.common_dir.join(name));
        let hooks = self.common_dir.join("hooks");
        let mut perhaps: Vec<PathBuf> = SERVER_HOOKS.iter().map(|hook| hooks.join(hook.name())).collect();
        perhaps.push(hooks);
        (needed.to_vec(), perhaps)
    }

    fn targets(&self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, Failure> {
        self.history()?.all_targets().or_fail()
    }

    fn publish(&self, files: BTreeMap<String, Vec<u8>>, parts: &ServerParts) -> Result<(), Failure> {
        GitRepository::at(&self.common_dir).or_fail()?.publish_policy(&files, parts.now()).or_fail()
    }

    fn is_judging(&self, _: &ServerParts) -> bool {
        self.hooks().is_ok_and(|hooks| SERVER_HOOKS.iter().all(|hook| hooks.path(*hook).exists()))
    }

    fn hook_up(&self, parts: &ServerParts) -> Result<(), Failure> {
        let mut hooks = self.hooks()?;
        hooks.write(&SERVER_HOOKS, &parts.settings.binary).or_fail()?;
        hooks.set_receiving().or_fail()
    }

    fn pusher(&self, parts: &ServerParts) -> String {
        format!("the variable {} of the transport", parts.settings.pusher_env)
    }

    fn advice(&self) -> Option<String> {
        None
    }

    fn examine(&self, parts: &ServerParts, findings: &mut Findings) {
        self.examine_hooks(parts, findings);
        self.examine_published(findings);
    }
}
