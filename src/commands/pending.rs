//! `jit pending`: the requests that wait, and what for.

use crate::cli::requests::{RequestView, Requests, rows, view_json};
use crate::cli::{Context, Exit, Failure, Format};
use crate::domain::name::{PrincipalId, RoleName};
use serde_json::json;
use std::path::PathBuf;

/// Lists the requests that wait, oldest first.
///
/// In a clone those that you could sign, if your key tells who you are; in a central repository all. Everything else ends them: `--ended` lists
/// what has landed, was cancelled, superseded, or waited for too long.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The central repository [default: the one of the current folder, or the server of this clone]
    repo: Option<PathBuf>,
    /// Those that you could sign
    #[arg(long)]
    mine: bool,
    /// Those that lack an approval by this role
    #[arg(long, value_name = "ROLE", conflicts_with = "mine")]
    role: Option<String>,
    /// All of them
    #[arg(long, conflicts_with_all = ["mine", "role"])]
    all: bool,
    /// Also those that have ended, of the last weeks; together with `--all` every one
    #[arg(long)]
    ended: bool,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME", conflicts_with = "repo")]
    remote: Option<String>,
}

/// Whose requests are listed.
enum Choice {
    All,
    Of(PrincipalId),
    Lacking(RoleName),
}

/// Does what `args` say.
///
/// JSON: `viewer` (null where nobody knows), `requests`, each as `jit show` gives it without commits and files.
///
/// # Errors
/// [`Failure`] where the requests cannot be read, and a usage failure for `--mine` where nobody knows who you are.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let requests = Requests::open(args.repo.as_deref(), args.remote.as_deref(), cx)?;
    let viewer = requests.viewer();
    let choice = choose(args, &requests, viewer.clone())?;
    let mut views = requests.list(args.ended)?;
    views.retain(|view| choice.includes(view));
    if cx.format == Format::Json {
        let list: Vec<_> = views.iter().map(view_json).collect();
        cx.terminal.answer_json(&json!({ "viewer": viewer.as_ref().map(PrincipalId::as_str), "requests": list }));
        return Ok(Exit::Done);
    }
    if views.is_empty() {
        cx.terminal.say(match choice {
            Choice::Of(_) => "nothing waits for you (`--all` lists what waits for others)",
            Choice::All | Choice::Lacking(_) => "nothing waits",
        });
    } else {
        cx.terminal.answer(&rows(&views));
    }
    Ok(Exit::Done)
}

fn choose(args: &Args, requests: &Requests, viewer: Option<PrincipalId>) -> Result<Choice, Failure> {
    if let Some(name) = &args.role {
        let policy = requests.place().policy();
        return crate::cli::client_token::known_role(policy, name).map(Choice::Lacking);
    }
    match viewer {
        _ if args.all => Ok(Choice::All),
        Some(who) => Ok(Choice::Of(who)),
        None if args.mine => Err(Failure::usage("nobody knows who you are here: no key tells")
            .hint("`--role ROLE` lists what waits for a role, `--all` everything")),
        None => Ok(Choice::All),
    }
}

impl Choice {
    fn includes(&self, view: &RequestView) -> bool {
        match self {
            Self::All => true,
            Self::Of(who) => view.waits_for(who),
            Self::Lacking(role) => view.lacks().contains(role),
        }
    }
}
