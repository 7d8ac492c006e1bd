//! `jit report`: the figures of `jit metrics` as a page for people.

use super::metrics::write;
use crate::cli::figures::{Question, cell, gather, json};
use crate::cli::report_page::{Plot, page, plots};
use crate::cli::{Context, Exit, Failure, IntoFailure, Moment};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Writes a page on how long approval takes, what waits, and what was refused.
///
/// It stands for itself: it fetches nothing and runs nothing. The figures are those of `jit metrics`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The central repositories [default: the one of the current folder]
    repo: Vec<PathBuf>,
    /// The page
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
    /// Write the figures behind each plot into this folder as well
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
    /// Count only what ended or happened since, as `2026-11-01T00:00:00Z` or for `30d`
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
}

/// Does what `args` say.
///
/// # Errors
/// [`Failure`] where jit is not installed, a log cannot be read, or a file not be written. A log that is not sound is an answer; the exit
/// code tells.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let found = gather(&args.repo, Question { since: args.since, key: None })?;
    if let Some(folder) = &args.csv {
        let unwritable = |failure: Failure| failure.context(format!("cannot make {}", folder.display()));
        std::fs::create_dir_all(folder).or_fail().map_err(unwritable)?;
        for plot in plots(&json(&found)) {
            write(&folder.join(format!("{}.csv", plot.id)), table(&plot).as_bytes())?;
        }
    }
    write(&args.html, page(&found).or_fail()?.as_bytes())?;
    found.faults.iter().for_each(|fault| cx.terminal.say(fault));
    cx.terminal.say(&format!("{} is written", args.html.display()));
    Ok(if found.faults.is_empty() { Exit::Done } else { Exit::Denied })
}

/// The figures of a plot, in its own units: seconds, or how many.
fn table(plot: &Plot) -> String {
    let mut text = format!("{},{}\n", plot.category, plot.series.join(","));
    for (name, numbers) in &plot.rows {
        let numbers: Vec<String> = numbers.iter().map(|n| n.map_or(String::new(), |n| n.to_string())).collect();
        writeln!(text, "{},{}", cell(name), numbers.join(",")).expect("a String grows");
    }
    text
}
