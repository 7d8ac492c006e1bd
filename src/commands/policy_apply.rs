//! `jit policy apply`: puts another policy in force, in one step, with an entry in the log.

mod effect;
mod replay;
mod waiting;

use super::central::central;
use super::publish;
use crate::adapters::disk::PolicyFolder;
use crate::adapters::disk::folder::create;
use crate::adapters::disk::ownership;
use crate::cli::repository;
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, ServerParts, faults_report, safe};
use crate::domain::audit::{Entry, Event};
use crate::domain::policy::{Policy, PolicyFile, diff, load};
use crate::ports::log::LogStore as _;
use effect::Effect;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `jit policy apply`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that holds the new policy's *.toml files
    dir: PathBuf,
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only show what would differ, and what it would change
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// Loads `files`, or reports every fault.
///
/// # Errors
/// A [`Failure`] if the policy does not load; the faults are on the terminal then.
pub fn must_load(files: &[PolicyFile], cx: &Context) -> Result<Policy, Failure> {
    load(files).map_err(|faults| {
        cx.terminal.raw(&faults_report(&faults));
        Failure::new(Exit::Denied, "the policy does not load; nothing was changed")
    })
}

/// Checks the new policy, shows what differs and what that would have changed, swaps, records and publishes.
///
/// JSON: `same`, `changed`, `effect` (of `pushes` and of `requests`: `refused`, `let_in`, `same`, `unjudged`; null where the policy is the same).
///
/// # Errors
/// A [`Failure`]; unless it says otherwise the old policy is still in force.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let found = repository::find(args.repo.as_deref())?;
    ownership::keep_others_out();
    let parts = repository::server_of(&found)?;
    let files = PolicyFolder::read(&args.dir).or_fail()?;
    let new = must_load(&files, cx)?;
    let old = PolicyFolder::read(&parts.folder.policies()).ok().and_then(|files| load(&files).ok());
    let changed = match &old {
        Some(old) => diff(old, &new),
        None => vec!["the policy in force does not load; this one replaces it".to_owned()],
    };
    let same = old.as_ref().is_some_and(|old| old.digest == new.digest);
    let effect = if same { None } else { Some(Effect::of(&parts, &found, old.as_ref(), &new)?) };
    show(&changed, effect.as_ref(), cx);
    if same || args.dry_run {
        return Ok(Exit::Done);
    }
    if !args.yes {
        if !cx.terminal.can_ask() {
            return Err(Failure::usage("nobody can be asked here").hint("`--yes` applies without asking"));
        }
        if !cx.terminal.confirm("put this policy in force?") {
            return Err(Failure::new(Exit::Denied, "nothing was changed"));
        }
    }
    swap(&parts, &files, &changed)?;
    publish::publish_policy(&parts, &*central(found))
        .map_err(|failure| failure.context("the policy is in force, but clients do not see it yet"))?;
    cx.terminal.say("applied: the next push is judged by this policy");
    Ok(Exit::Done)
}

fn show(changed: &[String], effect: Option<&Effect>, cx: &Context) {
    if cx.format == Format::Json {
        let told = effect.map(Effect::json);
        cx.terminal.answer_json(&json!({ "same": effect.is_none(), "changed": changed, "effect": told }));
        return;
    }
    let Some(effect) = effect else {
        cx.terminal.answer("this policy is in force already\n");
        return;
    };
    if changed.is_empty() {
        cx.terminal.answer("the rules stay as they are; only the files differ\n");
    } else {
        let lines: Vec<String> = changed.iter().map(|line| safe(line.as_bytes())).collect();
        cx.terminal.answer(&format!("{}\n", lines.join("\n")));
    }
    cx.terminal.answer(&effect.text());
}

/// Records the policy and swaps the folders while the log is locked, so that no push is judged in between.
///
/// In this order: write the new folder beside the old one and sync it; append the entry; exchange the two names, which the
/// file system does in one step; remove the old. A crash before the exchange leaves the old policy in force and an entry
/// that says otherwise; every decision names the digest of the policy that judged it, and applying again mends it.
fn swap(parts: &ServerParts, files: &[PolicyFile], changed: &[String]) -> Result<(), Failure> {
    let (current, staged) = (parts.folder.policies(), parts.folder.root().join("policies.new"));
    let mut log = parts.log.open(Instant::now() + parts.settings.deadline).or_fail()?;
    if staged.exists() {
        fs::remove_dir_all(&staged).or_fail()?;
    }
    fs::create_dir(&staged).or_fail()?;
    for file in files {
        create(&staged.join(&file.name), &file.text, 0o644).or_fail()?;
    }
    sync_folder(&staged)?;
    let change = publish::policy_change(log.as_mut(), files, changed, &publish::whoami())?;
    let time = parts.entry_time(log.as_ref());
    log.append(&Entry { time, event: Event::Policy(change) }).or_fail()?;
    renameat_with(CWD, &staged, CWD, &current, RenameFlags::EXCHANGE).or_fail()?;
    sync_folder(parts.folder.root())?;
    log.renew_anchor().or_fail()?;
    fs::remove_dir_all(&staged).or_fail()
}

fn sync_folder(folder: &Path) -> Result<(), Failure> {
    fs::File::open(folder).and_then(|open| open.sync_all()).or_fail()
}
