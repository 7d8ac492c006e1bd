//! A central Mercurial repository (docs/mercurial.md).

use super::Central;
use super::sibling::Sibling;
use crate::adapters::disk::folder::replace;
use crate::adapters::mercurial::{
    APPROVALS_BRANCH, ApprovalsHead, Bundle, Closed, HOOK_SCRIPTS, HOOKS, Hg, HgError, Hgrc, HookLines,
    PolicyDescription, Script, unsupported,
};
use crate::cli::{Exit, Failure, IntoFailure, ServerParts};
use crate::commands::findings::Findings;
use crate::commands::publish::published_files;
use crate::domain::audit::System;
use crate::domain::change::{ChangesetId, Target};
use crate::ports::history::History as _;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much longer than a decision may take the script waits, so that the program can still say why.
const GRACE: Duration = Duration::from_secs(10);

pub(super) struct HgCentral(pub(super) Hg);

impl HgCentral {
    /// Returns the lines of the hooks.
    fn lines(&self, parts: &ServerParts) -> HookLines {
        HookLines {
            script: script(parts),
            binary: parts.settings.binary.clone(),
            folder: parts.folder.root().to_owned(),
            timeout: parts.settings.deadline + GRACE,
        }
    }

    fn hgrc(&self) -> Hgrc {
        Hgrc::of(self.0.dot_hg())
    }

    /// Returns the policy that clients see, and the changeset that shows it.
    fn published(&self) -> Result<Option<(ChangesetId, Vec<u8>)>, Failure> {
        let heads = self.0.talk_here().and_then(|mut talk| talk.approvals()).map_err(hg_failure)?;
        // Each has the one before as its parent, so there is one head.
        Ok(heads.into_iter().find_map(|head| match head {
            ApprovalsHead::Other { id, description } if PolicyDescription::is_meant(&description) => {
                Some((id, description))
            }
            _ => None,
        }))
    }

    /// Compares what Mercurial takes from all its configuration files with what installation wrote.
    fn examine_settings(&self, parts: &ServerParts, findings: &mut Findings) {
        let (lines, hgrc) = (self.lines(parts), self.hgrc().path());
        match self.hgrc().is_installed(&lines) {
            Ok(true) => findings.ok(format!("hook lines in {}", hgrc.display())),
            Ok(false) => findings.fail(format!(
                "the hook lines in {} are missing or changed (`jit install` again mends it)",
                hgrc.display()
            )),
            Err(error) => return findings.failed("hook lines", &error),
        }
        let seen = match self.settings(&["hooks", "jit"]) {
            Ok(seen) => seen,
            Err(error) => return findings.failure("hg config", &hg_failure(error)),
        };
        for (key, expected) in expected_settings(&lines) {
            match seen.get(&key) {
                Some(value) if *value == expected => {}
                Some(_) => findings.fail(format!("another configuration file gives {key} another value")),
                None => {
                    return findings.fail(format!(
                        "Mercurial does not read {}: it refuses every push (`[trusted]`, docs/mercurial.md)",
                        hgrc.display()
                    ));
                }
            }
        }
        findings.ok("Mercurial reads the hook lines");
    }

    /// Returns what Mercurial takes from all its configuration files for these sections and settings (`section.name`).
    fn settings(&self, wanted: &[&str]) -> Result<BTreeMap<String, String>, HgError> {
        let arguments = [&["config", "--template", r"{name}\0{value}\0", "--"], wanted].concat();
        let output = self.0.run(arguments)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut fields = text.split('\0').map(str::to_owned);
        Ok(std::iter::from_fn(|| fields.next().zip(fields.next())).collect())
    }

    fn examine_files(&self, parts: &ServerParts, findings: &mut Findings) {
        let is_ours = |(name, text): &Script| Ok(fs::read(parts.folder.root().join(name))? == text.as_bytes());
        match HOOK_SCRIPTS.iter().map(is_ours).collect::<io::Result<Vec<bool>>>() {
            Ok(ours) if !ours.contains(&false) => findings.ok("the hooks' scripts are this version's"),
            Ok(_) => findings.fail("the hooks' scripts are not this version's (`jit install` again mends it)"),
            Err(error) => findings.failed("the hooks' scripts: every push is denied", &error),
        }
        match unsupported(self.0.dot_hg()) {
            Ok(features) if features.is_empty() => {}
            Ok(features) => findings.fail(format!("every push is denied: {}", cannot_judge(&features))),
            Err(error) => findings.failed("the list of the repository's features", &error),
        }
        let requires = fs::read_to_string(self.0.dot_hg().join("requires")).unwrap_or_default();
        if !requires.lines().any(|line| line == "share-safe") {
            findings.note("shares of this repository do not read its hooks (no `share-safe`; docs/mercurial.md)");
        }
    }

    fn examine_published(&self, parts: &ServerParts, findings: &mut Findings) {
        let wanted = published_files(parts).and_then(|files| PolicyDescription(files).write().or_fail());
        match (self.published(), wanted) {
            (Ok(Some((_, shown))), Ok(wanted)) if shown == wanted.as_bytes() => {
                findings.ok("clients can fetch the policy");
            }
            (Ok(Some(_)), Ok(_)) => {
                findings.fail("clients see another policy than the one in force (`jit install` again)")
            }
            (Ok(None), _) => findings.fail("clients cannot see the policy: the branch jit-approvals has none"),
            (Err(failure), _) | (_, Err(failure)) => findings.failure("the published policy", &failure),
        }
    }
}

impl Central for HgCentral {
    fn system(&self) -> System {
        System::Hg
    }

    fn place(&self) -> &Path {
        self.0.root()
    }

    fn name(&self) -> String {
        self.0.root().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn is_a_clone(&self) -> Result<bool, Failure> {
        Ok(!self.settings(&["paths.default"]).map_err(hg_failure)?.is_empty())
    }

    fn admit(&self) -> Result<(), Failure> {
        if self.0.is_share() {
            let (root, source) =
                (self.0.root().display(), self.0.dot_hg().parent().unwrap_or(Path::new("/")).display());
            return Err(Failure::undecided(format!("{root} is a share: the history stands in {source}"))
                .hint(format!("`jit install {source}` protects it; docs/mercurial.md says what shares need")));
        }
        let features = unsupported(self.0.dot_hg()).or_fail()?;
        if !features.is_empty() {
            return Err(Failure::undecided(cannot_judge(&features)));
        }
        let targets = self.targets()?;
        let root = self.0.root().display();
        if targets.is_empty() {
            return Err(Failure::undecided(format!(
                "{root} has no changeset: a first push would be of an unrelated history"
            ))
            .hint("push or commit a first changeset, then install"));
        }
        let checked_out = [Target::Branch((*b"default").into()), Target::Bookmark((*b"@").into())];
        if !checked_out.iter().any(|target| targets.contains_key(target)) {
            return Err(Failure::undecided(format!(
                "{root} has neither an open branch `default` nor a bookmark `@`: a clone would check out {APPROVALS_BRANCH}"
            ))
            .hint("`hg bookmark -r REV @` makes the bookmark"));
        }
        Sibling::of(&self.0).admit()
    }

    fn guarded(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let at = |name: &str| self.0.dot_hg().join(name);
        (
            vec![at(""), at("store"), at("requires")],
            ["hgrc", "store/00changelog.i", "store/requires"]
                .map(at)
                .into_iter()
                .chain(HOOK_SCRIPTS.map(|(name, _)| at("jit").join(name)))
                .collect(),
        )
    }

    fn targets(&self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, Failure> {
        let mut talk = self.0.talk_here().map_err(hg_failure)?;
        talk.history().all_targets().or_fail()
    }

    fn publish(&self, files: BTreeMap<String, Vec<u8>>, parts: &ServerParts) -> Result<(), Failure> {
        let description = PolicyDescription(files).write().or_fail()?;
        let before = self.published()?;
        if before.as_ref().is_some_and(|(_, shown)| shown == description.as_bytes()) {
            return Ok(());
        }
        let parent = before.map(|(id, _)| id);
        let (time, description) = (parts.now(), &*description);
        let closed = Closed { branch: APPROVALS_BRANCH, parent, user: "jit", time, description };
        let bundle = Bundle::new(&[closed], true).or_fail()?;
        self.0.add(&bundle).map_err(hg_failure)
    }

    fn is_judging(&self, parts: &ServerParts) -> bool {
        self.hgrc().is_installed(&self.lines(parts)).unwrap_or(false)
    }

    fn hook_up(&self, parts: &ServerParts) -> Result<(), Failure> {
        Sibling::of(&self.0).make()?;
        for (name, text) in HOOK_SCRIPTS {
            replace(&parts.folder.root().join(name), text.as_bytes(), 0o644).or_fail()?;
        }
        let lines = self.lines(parts);
        Sibling::of(&self.0).hook_up(&lines)?;
        self.hgrc().install(&lines).or_fail().map(drop)
    }

    fn pusher(&self, parts: &ServerParts) -> String {
        format!("the login that the web server proved, or the variable {} over ssh", parts.settings.pusher_env)
    }

    /// On a publishing server the next push makes public whatever is a draft there, which would be judged as part of that push.
    fn advice(&self) -> Option<String> {
        let drafts = self.0.run(["log", "--rev", "first(draft())", "--template", "{node}"]).ok()?;
        if drafts.stdout.is_empty() {
            return None;
        }
        let settings = self.settings(&["phases.publish"]).ok()?;
        let publishes = settings
            .get("phases.publish")
            .is_none_or(|value| !matches!(&*value.to_lowercase(), "false" | "no" | "off" | "0" | "never"));
        publishes.then(|| {
            "there are drafts here, which the next push will make public, so it will need approvals for them: `hg phase --public 'draft()'` does it now"
                .to_owned()
        })
    }

    fn examine(&self, parts: &ServerParts, findings: &mut Findings) {
        if self.0.is_share() {
            findings.note(format!("{} is a share; the hooks stand with its source", self.0.root().display()));
        }
        self.examine_settings(parts, findings);
        self.examine_files(parts, findings);
        self.examine_published(parts, findings);
        Sibling::of(&self.0).examine(&self.lines(parts), findings);
    }
}

fn script(parts: &ServerParts) -> PathBuf {
    parts.folder.root().join(HOOK_SCRIPTS[0].0)
}

/// What `hg config` must say.
fn expected_settings(lines: &HookLines) -> Vec<(String, String)> {
    let script = lines.script.display();
    let hooks = HOOKS.map(|hook| (format!("hooks.{hook}.jit"), format!("python:{script}:{hook}")));
    let own = [
        ("jit.binary".to_owned(), lines.binary.display().to_string()),
        ("jit.folder".to_owned(), lines.folder.display().to_string()),
        ("jit.timeout".to_owned(), lines.timeout.as_secs().to_string()),
    ];
    hooks.into_iter().chain(own).collect()
}

fn cannot_judge(features: &[&str]) -> String {
    format!("the repository needs `{}`, whose manifests do not tell all paths", features.join("`, `"))
}

/// An error of `hg`, with what it said and how to get it.
pub(super) fn hg_failure(error: HgError) -> Failure {
    let mut failure = Failure::from_error(Exit::Undecided, &error);
    match error {
        HgError::NotStarted(_) => {
            failure.hint("install Mercurial (`apt install mercurial`, `pip install mercurial`), or put `hg` in PATH")
        }
        HgError::Failed { said, .. } => {
            failure.chain.extend(String::from_utf8_lossy(&said).lines().map(str::to_owned));
            failure
        }
        _ => failure,
    }
}
