//! `jit gate`: a pipeline asks whether it may go on, and waits for the approvals that it needs (docs/spec/gate.md).

use super::notify;
use crate::cli::gate::{Address, Desk, Progress, Report, Wish, Word, clone};
use crate::cli::{Context, Exit, Failure, Written, chosen_policy, repository};
use crate::domain::change::Action;
use crate::domain::name::EnvironmentName;
use crate::domain::request::RequestId;
use std::path::PathBuf;
use std::time::Duration;

/// Where nothing else does.
const OTHERWISE: &str = "`--server URL` or `--repo PATH` says where the server's repository is";

/// Asks whether a pipeline may go on, and waits until it may.
///
/// The rules with `actions = ["gate:ACTION"]` decide. Who can approve is told as with a push. Ends with 0 once the gate opened: each approval opens one gate. With 1 if it
/// was refused, 3 if nothing could be decided, 4 if it still waits; `--request` then waits on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The step, as the policy names it behind `gate:`, such as `deploy`
    #[arg(value_name = "ACTION", value_parser = name, required_unless_present = "request")]
    action: Option<EnvironmentName>,
    /// The environment
    #[arg(long, short = 'e', value_name = "NAME", value_parser = plain_name, required_unless_present = "request")]
    environment: Option<EnvironmentName>,
    /// What should go there: any name of a commit that the server knows
    #[arg(long, value_name = "REV", required_unless_present = "request")]
    rev: Option<String>,
    /// Wait on for a gate that was asked for
    #[arg(long, value_name = "r-…", value_parser = super::show::request_id, conflicts_with_all = ["action", "environment", "rev", "reason"])]
    request: Option<RequestId>,
    /// How long to wait; `0s` only asks
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Why; everybody can read it
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    reason: String,
    /// The server's repository, on this machine [default: the one of the current folder]
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,
    /// The server's repository, by ssh [default: where the clone in the current folder came from]
    #[arg(long, value_name = "URL", conflicts_with = "repo")]
    server: Option<String>,
    /// How the answer is written
    #[arg(long, value_parser = Written::of_gates(), default_value = "text", value_name = "FORMAT")]
    format: Written,
}

/// Reads the name of a step, with `gate:` in front or without.
fn name(text: &str) -> Result<EnvironmentName, String> {
    match Action::parse(text) {
        Ok(Action::Gate(name)) => Ok(name),
        _ => plain_name(text),
    }
}

fn plain_name(text: &str) -> Result<EnvironmentName, String> {
    EnvironmentName::new(text).map_err(|error| error.to_string())
}

/// Does what `args` say.
///
/// # Errors
/// [`Failure`] where it cannot be asked.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let wish = wish(args)?;
    let mut progress = Progress::new(&cx.terminal);
    let report = match server(args)? {
        None => {
            let desk = Desk::open(args.repo.as_deref(), notify::start)?;
            desk.wait(desk.find(&wish)?, args.wait, &mut |report| {
                progress.waits(report);
                true
            })?
        }
        Some(url) => {
            let mut lost = |failure: &Failure| cx.terminal.say(&failure.lines());
            let address = Address::parse(&url).map_err(|failure| failure.hint(OTHERWISE))?;
            address.wait(clone::resolved(wish), args.wait, &mut |report| progress.waits(report), &mut lost)?
        }
    };
    progress.end();
    Ok(answer(&report, args.format, cx))
}

/// Returns the address of the server; `None`: its repository is on this machine.
fn server(args: &Args) -> Result<Option<String>, Failure> {
    let here = || repository::find(None).is_ok_and(|found| chosen_policy::is_central(&found));
    match &args.server {
        Some(url) => Ok(Some(url.clone())),
        None if args.repo.is_some() || here() => Ok(None),
        None => clone::origin().map(Some).ok_or_else(|| {
            Failure::usage("this folder is neither a server's repository nor a clone of one").hint(OTHERWISE)
        }),
    }
}

fn wish(args: &Args) -> Result<Wish, Failure> {
    if let Some(id) = &args.request {
        return Ok(Wish::Resume(id.clone()));
    }
    match (&args.action, &args.environment, &args.rev) {
        (Some(name), Some(environment), Some(rev)) => Ok(Wish::Ask {
            environment: environment.clone(),
            name: name.clone(),
            rev: rev.clone(),
            reason: args.reason.clone(),
        }),
        _ => Err(Failure::usage("a gate needs ACTION, `--environment` and `--rev`, or `--request`")),
    }
}

/// Writes the report: the answer to standard output, and, where it is not for people, why to standard error as well.
fn answer(report: &Report, form: Written, cx: &Context) -> Exit {
    cx.terminal.answer(&report.written(form));
    if form != Written::Text && report.word != Word::Opened {
        cx.terminal.say(&report.lines().join("\n"));
    }
    report.word.exit()
}
