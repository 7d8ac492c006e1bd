//! `jit doctor`: looks at everything that an installation stands on, and says what would let a push around it.

use crate::adapters::disk::folder::Folder;
use crate::adapters::disk::ownership;
use crate::adapters::git::POLICY_REF;
use crate::adapters::git::hooks::{CLIENT_HOOKS, Hooks, SERVER_HOOKS};
use crate::cli::repository::{self, Found};
use crate::cli::summary::counted;
use crate::cli::{Context, Exit, Failure, Format, ServerParts, Style, safe};
use crate::domain::change::Target;
use crate::domain::policy::Mode;
use crate::ports::history::History as _;
use crate::ports::log::LogStore as _;
use crate::ports::policy_source::PolicySource as _;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The arguments of `jit doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Note,
    Fail,
}

/// What was looked at, and what was found.
struct Finding {
    state: State,
    what: String,
}

/// Everything that was found.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, what: impl Into<String>) {
        self.0.push(Finding { state: State::Ok, what: what.into() });
    }

    fn note(&mut self, what: impl Into<String>) {
        self.0.push(Finding { state: State::Note, what: what.into() });
    }

    fn fail(&mut self, what: impl Into<String>) {
        self.0.push(Finding { state: State::Fail, what: what.into() });
    }

    fn failed(&mut self, what: &str, error: &dyn std::error::Error) {
        let causes = Failure::from_error(Exit::Denied, error).chain.join(": ");
        self.fail(format!("{what}: {causes}"));
    }
}

/// Checks the repository; exit 1 if anything is wrong.
///
/// # Errors
/// A [`Failure`] if there is no repository.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let found = repository::find(args.repo.as_deref())?;
    let mut findings = Findings::default();
    if Folder::of(&found.common_dir).config().exists() {
        server(found, &mut findings);
    } else {
        client(&found, &mut findings);
    }
    show(&findings, cx);
    let bad = findings.0.iter().any(|finding| finding.state == State::Fail);
    Ok(if bad { Exit::Denied } else { Exit::Done })
}

fn client(found: &Found, findings: &mut Findings) {
    let hooks = match Hooks::of(&found.common_dir) {
        Ok(hooks) => hooks,
        Err(error) => return findings.failed("hooks", &error),
    };
    if found.git.is_bare() {
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
    check_hooks(&common_dir, &parts, findings);
    check_ownership(&common_dir, &parts, findings);
    check_policy(&parts, findings);
    check_log(&parts, findings);
    check_published(found, findings);
    findings.note(format!(
        "pushers are known by the variable {}; the transport must set it and clear what clients send (docs/operations.md)",
        parts.settings.pusher_env
    ));
}

fn check_hooks(common_dir: &Path, parts: &ServerParts, findings: &mut Findings) {
    let hooks = match Hooks::of(common_dir) {
        Ok(hooks) => hooks,
        Err(error) => return findings.failed("hooks", &error),
    };
    for setting in hooks.ways_around() {
        findings.fail(format!("{setting} lets `git cvsserver` move refs without asking: take it out of the settings"));
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

fn check_ownership(common_dir: &Path, parts: &ServerParts, findings: &mut Findings) {
    let folder = &parts.folder;
    let mut paths: Vec<PathBuf> = ["", "config", "hooks", "refs", "objects"].map(|name| common_dir.join(name)).to_vec();
    // One that is missing was reported as such.
    let hooks = SERVER_HOOKS.map(|hook| common_dir.join("hooks").join(hook.name()));
    paths.extend(hooks.into_iter().filter(|path| path.symlink_metadata().is_ok()));
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
            if let Some(newest) = log.newest_time().filter(|newest| *newest > parts.now()) {
                findings.note(format!("the clock stands before the log's newest entry of {newest}"));
            }
        }
        Err(error) => findings.failed("log: every push is denied", &error),
    }
}

fn check_published(found: Found, findings: &mut Findings) {
    let target = Target::git_ref(POLICY_REF.as_bytes()).expect("a refname");
    let mut history = crate::adapters::git::GitHistory::receiving(found.git, Vec::new());
    match history.value(&target) {
        Ok(value) if value.is_empty() => findings.fail("clients cannot see the policy: refs/jit/policy is missing"),
        Ok(_) => findings.ok("clients can fetch the policy"),
        Err(error) => findings.failed("refs/jit/policy", &error),
    }
}

fn show(findings: &Findings, cx: &Context) {
    let word = |state: State| match state {
        State::Ok => "ok",
        State::Note => "note",
        State::Fail => "FAIL",
    };
    if cx.format == Format::Json {
        let list: Vec<_> =
            findings.0.iter().map(|f| json!({ "state": word(f.state).to_lowercase(), "what": f.what })).collect();
        cx.terminal.answer_json(&json!(list));
        return;
    }
    for finding in &findings.0 {
        let style = match finding.state {
            State::Ok => Style::Good,
            State::Note => Style::Hint,
            State::Fail => Style::Bad,
        };
        let word = cx.terminal.styled(style, &format!("{:4}", word(finding.state)));
        cx.terminal.answer(&format!("{word}  {}\n", safe(finding.what.as_bytes())));
    }
}
