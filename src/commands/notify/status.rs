//! `jit notify status`: what waits for each place, what failed and why, what was given up.

use crate::adapters::disk::Job;
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, repository, safe};
use crate::domain::notify::retry;
use serde_json::json;
use std::path::PathBuf;

/// The arguments of `jit notify status`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The repository [default: the one of the current folder]
    repo: Option<PathBuf>,
}

/// Shows each place; exit 1 if anything was given up.
///
/// # Errors
/// A [`Failure`] if jit is not installed there, or the settings of the places do not hold.
pub(super) fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let parts = repository::server(args.repo.as_deref())?;
    let mut exit = Exit::Done;
    let mut places = Vec::new();
    for sink in super::sinks(&parts)? {
        let outbox = super::outbox(&parts, &sink);
        let state = outbox.state().unwrap_or_default();
        let files = outbox.jobs().or_fail()?;
        let jobs: Vec<Job> = files.iter().filter_map(|file| outbox.job(file)).collect();
        let given_up = outbox.given_up().or_fail()?.len();
        // A round that was killed has left only the notice's own.
        let error = jobs.iter().rev().find_map(|job| job.error.clone()).map(|own| state.error.unwrap_or(own));
        let paused = state.paused.filter(|until| !retry::is_due(*until, parts.now()));
        if given_up > 0 {
            exit = Exit::Denied;
        }
        places.push(json!({
            "sink": sink.name.to_string(),
            "entries_read": state.next,
            "waiting": files.len(),
            "oldest": jobs.iter().map(|job| job.since).min().map(|since| since.to_string()),
            "attempts": jobs.iter().map(|job| job.attempts).max().unwrap_or(0),
            "error": error,
            "paused_until": paused.map(|until| until.to_string()),
            "given_up": given_up,
        }));
    }
    match cx.format {
        Format::Json => cx.terminal.answer_json(&json!(places)),
        Format::Text => places.iter().for_each(|place| cx.terminal.answer(&shown(place))),
    }
    if places.is_empty() {
        cx.terminal.say("no notices are sent: config.toml has no `[[notify]]`");
    }
    if exit == Exit::Denied {
        cx.terminal.say("hint: `jit notify deliver --again` takes up what was given up");
    }
    Ok(exit)
}

fn shown(place: &serde_json::Value) -> String {
    let text = |key: &str| place[key].as_str().map(|text| safe(text.as_bytes()));
    let mut lines =
        format!("{}: {} waiting, {} given up\n", text("sink").unwrap_or_default(), place["waiting"], place["given_up"]);
    for (key, words) in [("oldest", "oldest since"), ("error", "last failure"), ("paused_until", "left alone until")] {
        if let Some(value) = text(key) {
            lines.push_str(&format!("  {words:<17}{value}\n"));
        }
    }
    lines
}
