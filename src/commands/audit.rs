//! `jit audit show|verify|accept-restore`: reads the log, audits it, and lets it go on after a restored back-up.

mod screen;

use crate::adapters::clock::SystemClock;
use crate::adapters::disk::log::{Clock, Depth, DiskLogStore, LogReader, StoredEntry, Verified};
use crate::cli::repository;
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, safe};
use crate::domain::audit::{Entry, Event, Verdict};
use crate::domain::change::Target;
use crate::ports::clock::Clock as _;
use crate::ports::log::{LogError, LogStore};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::adapters::disk::log::AuditPaths;

/// How many entries a screen shows unless told otherwise.
const SCREEN: usize = 20;
/// How long accepting a restored log may take; it may have to read the whole of it.
const ACCEPT_WAIT: Duration = Duration::from_secs(600);

/// The arguments of `jit audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show entries, the newest last
    Show {
        /// The repository [default: the one of the current folder]
        repo: Option<PathBuf>,
        #[command(flatten)]
        args: ShowArgs,
    },
    /// Check every line, root, signature and blob, and that nothing was removed
    Verify {
        /// The repository [default: the one of the current folder]
        repo: Option<PathBuf>,
        #[command(flatten)]
        args: VerifyArgs,
    },
    /// Go on with a restored back-up or a corrected clock, visibly
    AcceptRestore {
        /// The repository [default: the one of the current folder]
        repo: Option<PathBuf>,
        #[command(flatten)]
        args: AcceptRestoreArgs,
    },
}

/// Runs `jit audit …` on the log of a repository of this machine.
///
/// # Errors
/// A [`Failure`] if jit is not installed there, and those of the subcommands.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let paths = |repo: &Option<PathBuf>| repository::server(repo.as_deref()).map(|parts| parts.audit_paths());
    match &args.command {
        Command::Show { repo, args } => show(args, &paths(repo)?, cx),
        Command::Verify { repo, args } => verify(args, &paths(repo)?, cx),
        Command::AcceptRestore { repo, args } => {
            accept_restore(args, &paths(repo)?, Arc::new(|| SystemClock.now()), cx)
        }
    }
}

/// Shows entries, the newest last.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Show at most this many, the newest; 0 shows all [default: 20, with --format json all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Only what was asked of or happened to this target, such as refs/heads/main or branch:default
    #[arg(long)]
    target: Option<String>,
    /// Only denials
    #[arg(long)]
    denied: bool,
}

/// Checks every line, root, signature and blob of the log, and that nothing was removed.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Of the signatures check only the newest, which stands for all entries before it
    #[arg(long)]
    head: bool,
    /// A file with a signed checkpoint that the log must contain; can be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
}

/// Goes on with a log that was restored from a back-up, or after the clock was wrong, and records that.
#[derive(Debug, clap::Args)]
pub struct AcceptRestoreArgs {
    /// Why the log is shorter than remembered, or its times run back
    #[arg(long)]
    reason: String,
}

/// Runs `jit audit show`.
///
/// # Errors
/// A target that is none, no log, a log that cannot be read.
pub fn show(args: &ShowArgs, paths: &AuditPaths, cx: &Context) -> Result<Exit, Failure> {
    let target = args.target.as_deref().map(Target::parse).transpose();
    let target = target.map_err(|error| Failure::usage(error.to_string()))?;
    let default = if cx.format == Format::Json { 0 } else { SCREEN };
    let limit = args.limit.unwrap_or(default);
    let wanted = |entry: &Entry| {
        target.as_ref().is_none_or(|target| is_about(entry, target)) && (!args.denied || is_denial(entry))
    };
    let filtered = target.is_some() || args.denied;
    let limit = if limit == 0 { usize::MAX } else { limit };
    let entries = newest(paths, limit, filtered, wanted).or_fail()?;
    let text = match cx.format {
        Format::Json => as_json(&entries),
        Format::Text => entries.iter().map(|(stored, whole)| screen::entry(stored, whole.as_ref(), cx)).collect(),
    };
    cx.terminal.answer(&text);
    Ok(Exit::Done)
}

/// Runs `jit audit verify`.
///
/// # Errors
/// No log, or one that cannot be read. A log that is not sound is an answer, not an error.
pub fn verify(args: &VerifyArgs, paths: &AuditPaths, cx: &Context) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| Failure::usage(format!("{}: {error}", safe(path.as_os_str().as_encoded_bytes()))))
    };
    let remembered = args.checkpoint.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let depth = if args.head { Depth::Head } else { Depth::Full };
    let found = crate::adapters::disk::log::verify(paths, depth, &remembered).or_fail()?;
    match cx.format {
        Format::Json => cx.terminal.answer(&verified_json(&found, depth, remembered.len())),
        Format::Text => cx.terminal.answer(&screen::verified(&found, depth, remembered.len(), cx)),
    }
    Ok(if found.fault.is_none() { Exit::Done } else { Exit::Denied })
}

/// Runs `jit audit accept-restore`.
///
/// # Errors
/// An empty reason, no log, a damaged log, a lock that is not given up.
pub fn accept_restore(
    args: &AcceptRestoreArgs,
    paths: &AuditPaths,
    clock: Clock,
    cx: &Context,
) -> Result<Exit, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty"));
    }
    let reason = crate::domain::text::encode(args.reason.trim().as_bytes(), b"");
    let store = DiskLogStore::new(paths.clone(), clock);
    let appended = store.accept_restore(Instant::now() + ACCEPT_WAIT, &reason).or_fail()?;
    match cx.format {
        Format::Json => {
            let json = serde_json::json!({ "index": appended.index, "checkpoint": appended.head.note });
            cx.terminal.answer(&format!("{json}\n"));
        }
        Format::Text => cx.terminal.answer(&format!(
            "the log goes on: entry {} records why; the anchor remembers {} entries\n",
            appended.index, appended.head.checkpoint.size
        )),
    }
    Ok(Exit::Done)
}

/// An entry, and its whole content if this version knows its kind.
pub(super) type Shown = (StoredEntry, Option<Entry>);

/// Collects the newest entries that are wanted, oldest first, reading no more segments than that takes.
///
/// What a later version wrote is shown too, unless `filtered`: nobody can see what it is about.
pub(super) fn newest(
    paths: &AuditPaths,
    limit: usize,
    filtered: bool,
    wanted: impl Fn(&Entry) -> bool,
) -> Result<VecDeque<Shown>, LogError> {
    let reader = LogReader::open(paths)?;
    let mut found: VecDeque<Shown> = VecDeque::new();
    for number in (0..reader.segments()).rev() {
        let room = limit - found.len();
        let mut here: VecDeque<Shown> = VecDeque::new();
        reader.segment(number, |stored| {
            let whole = match stored.whole(paths) {
                Err(LogError::Unreadable { .. }) => None,
                read => Some(read?),
            };
            if whole.as_ref().map_or(!filtered, &wanted) {
                here.push_back((stored, whole));
            }
            if here.len() > room {
                here.pop_front();
            }
            Ok(())
        })?;
        here.append(&mut found);
        found = here;
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

fn is_about(entry: &Entry, target: &Target) -> bool {
    match &entry.event {
        Event::Decision(decision) => decision.updates.iter().any(|update| update.target == *target),
        Event::Outcome(outcome) => outcome.applied.iter().any(|applied| applied.target == *target),
        Event::Gate(gate) => gate.decision.updates.iter().any(|update| update.target == *target),
        Event::Request(step) => step.target == *target,
        Event::Override(used) => used.target == *target,
        _ => false,
    }
}

fn is_denial(entry: &Entry) -> bool {
    match &entry.event {
        Event::Decision(decision) => decision.verdict == Verdict::Deny,
        Event::Gate(gate) => gate.decision.verdict == Verdict::Deny,
        _ => false,
    }
}

/// Gives the leaves as they stand in the log, as one JSON array.
fn as_json(entries: &VecDeque<Shown>) -> String {
    let leaves: Vec<_> = entries.iter().map(|(stored, _)| String::from_utf8_lossy(&stored.leaf)).collect();
    format!("[{}]\n", leaves.join(",\n"))
}

fn verified_json(found: &Verified, depth: Depth, checkpoints: usize) -> String {
    let head = found.head.as_ref();
    let json = serde_json::json!({
        "sound": found.fault.is_none(),
        "entries": found.entries,
        "origin": head.map(|head| head.origin.to_string()),
        "root": head.map(|head| head.root.base64()),
        "newest": found.newest.map(|newest| newest.to_string()),
        "signatures": if depth == Depth::Full { "all" } else { "head" },
        "blobs": found.blobs,
        "anchored": found.anchored,
        "checkpoints": checkpoints,
        "fault": found.fault.as_ref().map(|fault| fault.to_string()),
        "index": found.fault.as_ref().and_then(crate::adapters::disk::log::Fault::index),
    });
    format!("{json}\n")
}
