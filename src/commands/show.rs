//! `jit show`: everything about one request.

use crate::cli::requests::{Requests, details_json, details_lines};
use crate::cli::{Context, Exit, Failure, Format};
use crate::domain::request::RequestId;
use std::path::PathBuf;

/// Shows who asks for what, what it changes, what its rules ask and have, who can still sign, and until when.
///
/// Fetches the request's commits if they are not here.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The request
    #[arg(value_name = "r-…", value_parser = request_id)]
    id: RequestId,
    /// Show what it changes as well, through your pager
    #[arg(long)]
    diff: bool,
    /// The central repository [default: the one of the current folder, or the server of this clone]
    #[arg(long, value_name = "PATH")]
    repo: Option<PathBuf>,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME", conflicts_with = "repo")]
    remote: Option<String>,
}

/// Reads a request's id from the command line.
///
/// # Errors
/// What is wrong with it.
pub fn request_id(text: &str) -> Result<RequestId, String> {
    RequestId::parse(text).map_err(|error| error.to_string())
}

/// Does what `args` say.
///
/// JSON: the request with commits, files and what made its rules match; with `--diff` also `diff`, a patch in which what could steer a terminal is escaped.
///
/// # Errors
/// [`Failure`] where there is no such request, or it cannot be read.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let requests = Requests::open(args.repo.as_deref(), args.remote.as_deref(), cx)?;
    let view = requests.find(&args.id)?;
    let details = requests.details(&view)?;
    let patch = if args.diff { Some(requests.diff(&details)?) } else { None };
    match cx.format {
        Format::Json => {
            let mut value = details_json(&view, &details);
            if let Some(patch) = patch {
                value["diff"] = patch.into();
            }
            cx.terminal.answer_json(&value);
        }
        Format::Text => {
            let mut text = details_lines(&view, &details);
            match patch {
                None => cx.terminal.answer(&text),
                Some(patch) => {
                    text.push('\n');
                    text.push_str(&patch);
                    cx.terminal.page(&text, &requests.place().pager());
                }
            }
        }
    }
    Ok(Exit::Done)
}
