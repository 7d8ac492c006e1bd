//! `jit doctor`: looks at everything that an installation stands on, and says what would let a push around it.

use super::central::{Central, central};
use super::findings::Findings;
use super::notify;
use crate::adapters::disk::folder::Folder;
use crate::adapters::disk::ownership;
use crate::adapters::git::hooks::{CLIENT_HOOKS, Hooks};
use crate::cli::repository::{self, Found, Repository};
use crate::cli::summary::counted;
use crate::cli::{Context, Exit, Failure, ServerParts, debt_words};
use crate::domain::policy::Mode;
use crate::ports::log::LogStore as _;
use crate::ports::policy_source::PolicySource as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The arguments of `jit doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
}

/// Checks the repository; exit 1 if anything is wrong.
///
/// # Errors
/// A [`Failure`] if there is no repository.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let found = repository::find(args.repo.as_deref())?;
    let mut findings = Findings::default();
    match &found.repository {
        _ if Folder::of(&found.common_dir).config().exists() => server(found, &mut findings),
        Repository::Git(git) => client(&found.common_dir, git.is_bare(), &mut findings),
        Repository::Mercurial(_) => findings.fail("jit is not installed here: every push lands (`jit install`)"),
    }
    Ok(findings.show(cx))
}

fn client(common_dir: &Path, is_bare: bool, findings: &mut Findings) {
    let hooks = match Hooks::of(common_dir) {
        Ok(hooks) => hooks,
        Err(error) => return findings.failed("hooks", &error),
    };
    if is_bare {
        findings.fail("jit is not installed here: every push lands (`jit install`)");
        return;
    }
    let binary = std::env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_default();
    for hook in CLIENT_HOOKS {
        match hooks.fault(hook, &binary) {
            None => findings.ok(format!("{} asks before each push", hook.name())),
            Some("is missing") => findings.note("this clone does not ask before a push (`jit install` makes it)"),
            Some(fault) => findings.note(format!("{} {fault}", hooks.path(hook).display())),
        }
    }
}

fn server(found: Found, findings: &mut Findings) {
    let common_dir = found.common_dir.clone();
    let parts = match ServerParts::open(&common_dir) {
        Ok(parts) => parts,
        Err(failure) => return findings.fail(failure.chain.join(": ")),
    };
    findings.ok(format!("settings of {}", parts.settings.repository));
    let central = central(found);
    central.examine(&parts, findings);
    check_ownership(&*central, &parts, findings);
    check_policy(&parts, findings);
    check_log(&parts, findings);
    notify::examine(&parts, findings);
    let pusher = central.pusher(&parts);
    findings.note(format!(
        "pushers are known by {pusher}; the transport must set it and clear what clients send (docs/operations.md)"
    ));
}

fn check_ownership(central: &dyn Central, parts: &ServerParts, findings: &mut Findings) {
    let folder = &parts.folder;
    let (mut paths, perhaps) = central.guarded();
    // One that is missing was reported as such.
    paths.extend(perhaps.into_iter().filter(|path| path.symlink_metadata().is_ok()));
    paths.extend([folder.root().to_owned(), folder.config(), folder.policies(), folder.audit(), folder.key()]);
    paths.extend(files_in(&folder.policies()));
    paths.extend([parts.settings.state_dir.clone(), parts.settings.binary.clone()]);
    let faults = ownership::check(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    for fault in &faults {
        findings.fail(fault.to_string());
    }
    if faults.is_empty() {
        findings.ok("nobody but the service account can write what decisions depend on");
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}

fn check_policy(parts: &ServerParts, findings: &mut Findings) {
    match parts.policy().load() {
        Ok(policy) => {
            let observed = policy.rules.iter().filter(|rule| rule.mode == Mode::Observe).count();
            findings.ok(format!("policy: {}", counted(policy.rules.len(), "rule", "rules")));
            if observed == policy.rules.len() {
                findings.note("the policy only observes: it refuses nothing");
            } else if observed > 0 {
                findings.note(format!("{observed} of its rules only observe"));
            }
        }
        Err(error) => findings.failed("policy: every push is denied", &error),
    }
}

fn check_log(parts: &ServerParts, findings: &mut Findings) {
    match parts.log.open(Instant::now() + parts.settings.deadline) {
        Ok(log) => {
            findings.ok(format!("log {}: {} entries", log.head().checkpoint.origin, log.size()));
            for debt in log.debts().iter().filter(|debt| debt.overriding.due <= parts.now()) {
                findings.note(debt_words(debt));
            }
            if let Some(newest) = log.newest_time().filter(|newest| *newest > parts.now()) {
                findings.note(format!("the clock stands before the log's newest entry of {newest}"));
            }
        }
        Err(error) => findings.failed("log: every push is denied", &error),
    }
}
