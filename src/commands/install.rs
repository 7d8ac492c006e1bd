//! `jit install`: makes a central repository ask before anything lands, or a clone ask before it pushes.

use super::central::{Central, central};
use super::publish;
use crate::adapters::disk::RequestSettings;
use crate::adapters::disk::folder::{
    DEFAULT_DEADLINE, DEFAULT_PUSHER_ENV, Folder, Settings, UnknownPusher, create, replace,
};
use crate::adapters::disk::log::NewLog;
use crate::adapters::disk::ownership;
use crate::adapters::disk::{PolicyFolder, STARTER_POLICY};
use crate::adapters::git::hooks::{CLIENT_HOOKS, Hooks};
use crate::adapters::mercurial::{CLONE_SCRIPTS, CourtesyLines, Hgrc};
use crate::cli::local_clone::System as CloneSystem;
use crate::cli::repository;
use crate::cli::{Context, Exit, Failure, IntoFailure, ServerParts, safe};
use crate::domain::audit::{Origin, System};
use crate::domain::name::EnvironmentName;
use crate::ports::log::LogError;
use crate::ports::policy_source::PolicySource as _;
use data_encoding::HEXLOWER;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The arguments of `jit install`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
    /// Install the client side: a courtesy hook that asks before a push
    #[arg(long, conflicts_with = "server")]
    client: bool,
    /// Install the server side, also into a repository that looks like a clone
    #[arg(long)]
    server: bool,
    /// The repository's name in tokens [default: its folder's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The log's name, as others will know it [default: this host and the repository's name]
    #[arg(long, value_name = "HOST/NAME")]
    origin: Option<String>,
    /// Copy the policy from this folder [default: a commented starter that only observes]
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// The environment variable in which the transport gives the pusher's login
    /// [default: REMOTE_USER]
    #[arg(long, value_name = "VAR", verbatim_doc_comment)]
    pusher_env: Option<String>,
    /// Where the log's anchor is kept, outside the repository [default: the account's state folder]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

/// Installs.
///
/// # Errors
/// A [`Failure`] that says what the repository lacks; it is then as it was, but for what an earlier step had finished.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let found = repository::find(args.repo.as_deref())?;
    let common_dir = found.common_dir.clone();
    let central = central(found);
    if args.client || (!args.server && central.is_a_clone()?) {
        return match central.system() {
            System::Git => install_client(&common_dir, cx),
            System::Hg => install_mercurial_clone(&common_dir, cx),
        };
    }
    install_server(args, &common_dir, &*central, cx)
}

/// The program's own file, for the hooks.
fn own_binary() -> Result<PathBuf, Failure> {
    std::env::current_exe().and_then(|path| path.canonicalize()).or_fail()
}

fn install_client(common_dir: &Path, cx: &Context) -> Result<Exit, Failure> {
    let mut hooks = Hooks::of(common_dir).or_fail()?;
    hooks.write(&CLIENT_HOOKS, &own_binary()?).or_fail()?;
    Ok(asks_before_pushes(CloneSystem::Git, cx))
}

fn install_mercurial_clone(dot_hg: &Path, cx: &Context) -> Result<Exit, Failure> {
    let folder = Folder::of(dot_hg);
    if folder.config().exists() {
        return Err(Failure::usage("this repository has the server side installed: it asks at every push to it")
            .hint("`jit install --server` renews that; `jit uninstall` takes it away"));
    }
    fs::create_dir_all(folder.root()).or_fail()?;
    for (name, text) in CLONE_SCRIPTS {
        replace(&folder.root().join(name), text.as_bytes(), 0o644).or_fail()?;
    }
    let script = folder.root().join(CLONE_SCRIPTS[0].0);
    Hgrc::of(dot_hg).install_courtesy(&CourtesyLines { script, binary: own_binary()? }).or_fail()?;
    Ok(asks_before_pushes(CloneSystem::Mercurial, cx))
}

fn asks_before_pushes(system: CloneSystem, cx: &Context) -> Exit {
    cx.terminal.say("installed: before each push this clone asks what the server would say");
    let skip = system.unchecked_push();
    cx.terminal.say(&format!("hint: the server decides; this hook only saves a round trip (`{skip}` skips it)"));
    Exit::Done
}

fn install_server(args: &Args, common_dir: &Path, central: &dyn Central, cx: &Context) -> Result<Exit, Failure> {
    ownership::keep_others_out();
    let binary = own_binary()?;
    let folder = Folder::of(common_dir);
    central.admit()?;
    let again = folder.config().exists();
    let asked = [args.name.is_some(), args.origin.is_some(), args.state_dir.is_some(), args.pusher_env.is_some()];
    if again && asked.contains(&true) {
        return Err(Failure::usage(
            "jit is installed already, with its name, origin, state folder and pusher's variable",
        )
        .hint(format!("they stand in {}", folder.config().display())));
    }
    let settings =
        if again { folder.settings().or_fail()? } else { new_settings(args, common_dir, &central.name(), &binary)? };
    let settings = Settings { binary: binary.clone(), ..settings };
    demand_ownership(central, &folder, &settings)?;
    let files = match &args.policies {
        Some(dir) if !again => PolicyFolder::read(dir).or_fail()?,
        Some(_) => {
            return Err(Failure::usage("jit is installed already").hint("change the policy with `jit policy apply`"));
        }
        None => Vec::new(),
    };
    if !files.is_empty() {
        super::policy_apply::must_load(&files, cx)?;
    }
    fs::create_dir_all(folder.policies()).or_fail()?;
    if !again || PolicyFolder::read(&folder.policies()).is_err() {
        write_policy(&folder, &files)?;
    }
    fs::create_dir_all(&settings.state_dir).or_fail()?;
    folder.write_settings(&settings).or_fail()?;
    let parts = ServerParts::of(folder, settings);
    let begun = begin_log(&parts, central)?;
    if begun || !central.is_judging(&parts) {
        publish::record_policy(&parts, &[], "install")?;
    }
    publish::publish_policy(&parts, central)?;
    // Last: from here on pushes are judged, and everything that judging needs is in place.
    central.hook_up(&parts)?;
    report(&parts, central, again, cx);
    Ok(Exit::Done)
}

fn new_settings(args: &Args, common_dir: &Path, folder_name: &str, binary: &Path) -> Result<Settings, Failure> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => folder_name.to_lowercase(),
    };
    EnvironmentName::new(&name).map_err(|error| {
        Failure::usage(format!("`{}`: {error}", safe(name.as_bytes()))).hint("give one with --name")
    })?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let origin = args.origin.clone().unwrap_or_else(|| format!("{host}/{name}"));
    Origin::new(&origin).map_err(|error| Failure::usage(format!("--origin: {error}")))?;
    let state_dir = match &args.state_dir {
        Some(dir) => std::path::absolute(dir).or_fail()?,
        None => default_state_dir()?,
    };
    if state_dir.starts_with(common_dir) {
        return Err(Failure::usage(
            "--state-dir must be outside the repository: it remembers the log when the repository is rolled back",
        ));
    }
    // A client can send headers (`HTTP_…`) and settings (`GIT_…`); no transport proves anything in these.
    let pusher_env = args.pusher_env.as_deref().unwrap_or(DEFAULT_PUSHER_ENV);
    if ["HTTP_", "GIT_"].iter().any(|claimed| pusher_env.starts_with(claimed)) {
        let name = safe(pusher_env.as_bytes());
        return Err(Failure::usage(format!("--pusher-env {name}: a client can set this variable")));
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| Failure::undecided(format!("no random numbers: {error}")))?;
    Ok(Settings {
        repository: format!("{name}@{}", HEXLOWER.encode(&id)),
        origin,
        binary: binary.to_owned(),
        state_dir,
        pusher_env: pusher_env.to_owned(),
        unknown_pusher: UnknownPusher::Deny,
        deadline: DEFAULT_DEADLINE,
        notify: None,
        requests: RequestSettings::default(),
    })
}

fn default_state_dir() -> Result<PathBuf, Failure> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/jit"));
    }
    let dirs = directories::BaseDirs::new()
        .ok_or_else(|| Failure::usage("this account has no home folder").hint("name a folder with --state-dir"))?;
    Ok(dirs.state_dir().unwrap_or(dirs.data_local_dir()).join("jit"))
}

/// Nothing can be enforced where others can write; see `ownership`.
fn demand_ownership(central: &dyn Central, folder: &Folder, settings: &Settings) -> Result<(), Failure> {
    let (needed, mut perhaps) = central.guarded();
    // What an earlier installation left must be as safe as what this one makes.
    perhaps.extend([folder.root().to_owned(), folder.config(), folder.policies(), folder.audit(), folder.key()]);
    perhaps.extend([folder.kept_hooks(), settings.state_dir.clone()]);
    let files = fs::read_dir(folder.policies()).into_iter().flatten().flatten().map(|entry| entry.path());
    perhaps.extend(files);
    perhaps.retain(|path| path.exists());
    let paths = needed.iter().chain(&perhaps).chain([&settings.binary]);
    let faults = ownership::check(&paths.map(PathBuf::as_path).collect::<Vec<_>>());
    let Some(first) = faults.first() else { return Ok(()) };
    let mut failure = Failure::from_error(Exit::Undecided, first)
        .context("cannot protect a repository that others can write")
        .hint("give the repository to one service account and take write permission from everyone else (docs/operations.md)");
    failure.chain.extend(faults.iter().skip(1).map(ToString::to_string));
    Err(failure)
}

fn write_policy(folder: &Folder, files: &[crate::domain::policy::PolicyFile]) -> Result<(), Failure> {
    if files.is_empty() {
        return create(&folder.policies().join("policy.toml"), STARTER_POLICY.as_bytes(), 0o644).or_fail();
    }
    for file in files {
        replace(&folder.policies().join(&file.name), &file.text, 0o644).or_fail()?;
    }
    Ok(())
}

/// Begins the log with the refs that exist; tells whether there was none.
fn begin_log(parts: &ServerParts, central: &dyn Central) -> Result<bool, Failure> {
    let new = NewLog {
        repository: parts.settings.repository.clone(),
        origin: Origin::new(&parts.settings.origin).or_fail()?,
        system: central.system(),
        refs: central.targets()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    match parts.log.create(&new, Instant::now() + parts.settings.deadline) {
        Ok(_) => Ok(true),
        Err(LogError::Exists(_)) => Ok(false),
        Err(error) => Err(Failure::from_error(Exit::Undecided, &error)),
    }
}

fn report(parts: &ServerParts, central: &dyn Central, again: bool, cx: &Context) {
    let (terminal, place) = (&cx.terminal, central.place().display());
    let word = if again { "renewed" } else { "installed" };
    terminal.say(&format!("{word}: every push to {place} is judged now"));
    terminal.say(&format!("  repository  {}", parts.settings.repository));
    terminal.say(&format!("  policy      {}", parts.folder.policies().display()));
    terminal.say(&format!("  log         {} as {}", parts.folder.audit().display(), parts.settings.origin));
    terminal.say(&format!("  pusher      {}", central.pusher(parts)));
    if let Ok(policy) = parts.policy().load() {
        let enforced = policy.rules.iter().any(|rule| rule.mode == crate::domain::policy::Mode::Enforce);
        if !enforced {
            terminal.say("hint: the policy only observes: it says what it would refuse, and lets it in");
        }
    }
    if let Some(advice) = central.advice() {
        terminal.say(&format!("hint: {advice}"));
    }
    terminal.say(&format!("hint: `jit doctor {place}` checks the installation"));
}
