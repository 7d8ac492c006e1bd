//! `jit uninstall`: takes the hooks away. The log, the tokens and the policy stay.

use crate::adapters::disk::folder::Folder;
use crate::adapters::disk::ownership;
use crate::adapters::git::hooks::{CLIENT_HOOKS, GitHook, Hooks, SERVER_HOOKS};
use crate::adapters::mercurial::{Hg, Hgrc};
use crate::cli::repository::{self, Found, Repository};
use crate::cli::{Context, Exit, Failure, IntoFailure, ServerParts};
use crate::domain::audit::{Entry, Event, Uninstall};
use crate::ports::log::LogStore as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The arguments of `jit uninstall`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
}

/// Takes the hooks away and records it.
///
/// # Errors
/// A [`Failure`]; the hooks are taken away even if that could not be recorded.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let Found { common_dir, repository } = repository::find(args.repo.as_deref())?;
    ownership::keep_others_out();
    let server = Folder::of(&common_dir).config().exists();
    let removed = match repository {
        Repository::Git(_) => remove_from_git(&common_dir, if server { &SERVER_HOOKS } else { &CLIENT_HOOKS })?,
        Repository::Mercurial(hg) => remove_from_mercurial(&hg)?,
    };
    if !removed {
        cx.terminal.say("there are no hooks of jit here: nothing was changed");
        return Ok(Exit::Done);
    }
    if !server {
        cx.terminal.say("uninstalled: pushes from this clone are no longer checked beforehand");
        return Ok(Exit::Done);
    }
    let parts = ServerParts::open(&common_dir)?;
    let mut log = parts.log.open(Instant::now() + parts.settings.deadline).or_fail()?;
    let by = super::publish::whoami();
    let time = parts.entry_time(log.as_ref());
    log.append(&Entry { time, event: Event::Uninstall(Uninstall { by }) }).or_fail()?;
    log.renew_anchor().or_fail()?;
    cx.terminal.say(&format!("uninstalled: pushes to {} are no longer judged", common_dir.display()));
    cx.terminal.say(&format!("hint: the log and the tokens stay in {}", parts.folder.root().display()));
    Ok(Exit::Done)
}

/// Takes our lines away, also from where commits wait; tells whether there were any.
fn remove_from_mercurial(hg: &Hg) -> Result<bool, Failure> {
    let sibling = hg.sibling_root().join(".hg");
    if Folder::of(hg.dot_hg()).config().exists() && sibling.is_dir() {
        Hgrc::of(&sibling).uninstall().or_fail()?;
    }
    Hgrc::of(hg.dot_hg()).uninstall().or_fail()
}

/// Takes `installed` away; tells whether there was anything.
fn remove_from_git(common_dir: &Path, installed: &[GitHook]) -> Result<bool, Failure> {
    let mut hooks = Hooks::of(common_dir).or_fail()?;
    let any = hooks.are_installed(installed);
    if any {
        hooks.remove(installed).or_fail()?;
    }
    Ok(any)
}
