//! `jit notify test|status|deliver`: tells people and programs what happened (docs/notify.md).

mod courier;
mod requests;
mod status;
mod trial;

use super::detached;
use super::findings::Findings;
use crate::adapters::clock::SystemClock;
use crate::adapters::disk::Outbox;
use crate::adapters::notify::{Sink, read};
use crate::cli::summary::counted;
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, ServerParts, advice, repository, safe};
use crate::domain::change::Action;
use crate::domain::notify::{Event, Notice};
use crate::domain::policy::Policy;
use crate::ports::policy_source::PolicySource as _;
use courier::{Courier, Ended};
use requests::Desk;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// For how long the process that a hook starts comes back to what was not taken.
const LINGERS: Duration = Duration::from_secs(300);

/// The arguments of `jit notify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check the places that notices go to, and send each a notice that says that it is a test
    Test(trial::Args),
    /// Show what waits, what failed and why, and what was given up
    Status(status::Args),
    /// Deliver what waits and what the log has to tell
    Deliver(DeliverArgs),
}

/// The arguments of `jit notify deliver`.
#[derive(Debug, clap::Args)]
struct DeliverArgs {
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
    /// Try everything at once, also what is to be left alone for a while
    #[arg(long)]
    now: bool,
    /// Take up again what was given up
    #[arg(long)]
    again: bool,
    /// Started by a hook, which does not wait
    #[arg(long, hide = true)]
    from_hook: bool,
}

/// Runs `jit notify …`.
///
/// # Errors
/// A [`Failure`] if jit is not installed there, or the settings of the places do not hold.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Test(args) => trial::run(args, cx),
        Command::Status(args) => status::run(args, cx),
        Command::Deliver(args) => deliver(args, cx),
    }
}

/// Starts a process that delivers what the hook has just caused, and does not wait for it.
///
/// What cannot be started now is told with the next push, or by the timer: it stands in the log. So this never fails.
pub fn start(parts: &ServerParts) {
    if parts.settings.notify.is_none() {
        return;
    }
    let folder = parts.folder.root().join("..");
    detached::start(parts, ["notify".into(), "deliver".into(), "--from-hook".into(), folder.into()]);
}

fn deliver(args: &DeliverArgs, cx: &Context) -> Result<Exit, Failure> {
    if args.from_hook {
        detached::leave();
    }
    let parts = repository::server(args.repo.as_deref())?;
    let sinks = sinks(&parts)?;
    let until = Instant::now() + if args.from_hook { LINGERS } else { Duration::ZERO };
    let desk = Desk::new(args.repo.as_deref(), cx);
    let ended: Vec<Result<Ended, Failure>> = thread::scope(|scope| {
        // Each place has its own thread, lock and outbox: one that hangs keeps no other from its notices.
        let (parts, desk) = (&parts, &desk);
        let start = |sink| scope.spawn(move || deliver_to(sink, parts, args, until, desk));
        let running: Vec<_> = sinks.iter().map(start).collect();
        let stopped = || Err(Failure::undecided("the courier stopped in the middle"));
        running.into_iter().map(|one| one.join().unwrap_or_else(|_| stopped())).collect()
    });
    let mut lines = Vec::new();
    let mut exit = Exit::Done;
    for (sink, ended) in sinks.iter().zip(ended) {
        let (delivered, waiting) = match ended {
            Ok(Ended::Done { delivered, waiting }) => (delivered, waiting),
            Ok(Ended::Busy) => {
                cx.terminal.say(&format!("{}: another process delivers there", sink.name));
                continue;
            }
            Err(failure) => {
                cx.terminal.fail(&failure.context(sink.name.to_string()));
                exit = Exit::Undecided;
                continue;
            }
        };
        if waiting > 0 && exit == Exit::Done {
            exit = Exit::Pending;
        }
        lines.push((sink.name.to_string(), delivered, waiting));
    }
    match cx.format {
        Format::Json => {
            let json = |(sink, delivered, waiting): &(String, usize, usize)| json!({ "sink": sink, "delivered": delivered, "waiting": waiting });
            cx.terminal.answer_json(&json!(lines.iter().map(json).collect::<Vec<_>>()));
        }
        Format::Text => {
            for (sink, delivered, waiting) in lines {
                let delivered = counted(delivered, "notice delivered", "notices delivered");
                cx.terminal.answer(&format!("{sink}: {delivered}, {waiting} waiting\n"));
            }
        }
    }
    Ok(exit)
}

fn deliver_to(
    sink: &Sink,
    parts: &ServerParts,
    args: &DeliverArgs,
    until: Instant,
    desk: &Desk<'_>,
) -> Result<Ended, Failure> {
    let outbox = outbox(parts, sink);
    if args.again
        && let Some(lock) = outbox.lock().or_fail()?
    {
        outbox.take_up_again(&lock, parts.now()).or_fail()?;
    }
    let (paths, clock) = (parts.audit_paths(), SystemClock);
    let courier = Courier {
        outbox,
        route: &sink.route,
        paths: &paths,
        repository: &parts.settings.repository,
        policy: &|| policy(parts),
        desk,
        remind: sink.remind,
        notifier: &|policy| sink.notifier(policy, |name| env::var_os(name), Arc::new(SystemClock)),
        clock: &clock,
        at_once: args.now,
    };
    courier.run(until).or_fail()
}

/// Says whether notices can be sent, and what became of those that were. Nothing of this bears on pushes.
pub(super) fn examine(parts: &ServerParts, findings: &mut Findings) {
    if parts.settings.notify.is_none() {
        return;
    }
    let sinks = match sinks(parts) {
        Ok(sinks) => sinks,
        Err(failure) => return findings.note(format!("nobody is told anything: {}", failure.chain.join("; "))),
    };
    findings.ok(format!("notices go to {}", counted(sinks.len(), "place", "places")));
    for sink in &sinks {
        let given_up = outbox(parts, sink).given_up().map_or(0, |files| files.len());
        if given_up > 0 {
            findings.note(format!(
                "{} gave up on {} (`jit notify status`)",
                sink.name,
                counted(given_up, "notice", "notices")
            ));
        }
    }
}

fn outbox(parts: &ServerParts, sink: &Sink) -> Outbox {
    Outbox::of(parts.folder.root(), &sink.name)
}

fn policy(parts: &ServerParts) -> Option<Arc<Policy>> {
    parts.policy().load().ok().map(Arc::new)
}

/// Reads the places that notices go to.
fn sinks(parts: &ServerParts) -> Result<Vec<Sink>, Failure> {
    let path = parts.folder.config();
    let text = fs::read_to_string(&path).or_fail()?;
    read(path, &text).map_err(|faults| {
        let lines = faults
            .found
            .iter()
            .map(|(line, what)| format!("{}:{line}: {}", faults.path.display(), safe(what.as_bytes())));
        Failure {
            exit: Exit::Undecided,
            chain: std::iter::once("the places that notices go to cannot be read".to_owned()).chain(lines).collect(),
            hints: vec!["docs/notify.md lists the keys of `[[notify]]`".to_owned()],
        }
    })
}

/// Returns what somebody can type who reads the notice.
fn commands_of(notice: &Notice) -> Vec<String> {
    let Some(about) = &notice.about else { return Vec::new() };
    let flag = advice::target_flag(&about.target);
    match notice.event {
        Event::Opened | Event::Approved | Event::Expiring | Event::Reminder | Event::Escalated => {
            let action = about.actions.first().unwrap_or(&Action::Update);
            let subjects = if about.new.is_empty() { &about.old } else { &about.new };
            subjects.iter().map(|id| advice::sign_command(id, &about.target, action)).collect()
        }
        Event::Overridden | Event::ReviewDue => {
            let rule = notice.rules.first().map(|rule| format!(" --rule {}", rule.name)).unwrap_or_default();
            about.new.iter().take(1).map(|id| format!("jit review {}{rule} {flag}", id.hex())).collect()
        }
        _ => Vec::new(),
    }
}
