//! `jit metrics`: how long approval takes, what waits, and what was refused.

use crate::adapters::disk::folder::replace;
use crate::cli::figures::{Question, csv, gather, json, openmetrics, table};
use crate::cli::{Context, Exit, Failure, IntoFailure, Moment, Written};
use crate::domain::metrics::Key;
use std::path::{Path, PathBuf};

/// Who may read the file: a collector is somebody else.
const MODE: u32 = 0o644;

/// Tells how long approval takes, what waits, and what was refused, from the logs of central repositories.
///
/// Of fewer than five requests no mean and no percentile is told. docs/metrics.md says what each figure is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The central repositories [default: the one of the current folder]
    repo: Vec<PathBuf>,
    /// Count only what ended or happened since, as `2026-11-01T00:00:00Z` or for `30d`
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// Tell requests apart
    #[arg(long, value_name = "KEY", value_parser = key_parser())]
    by: Option<Key>,
    /// How they are written
    #[arg(long, value_parser = Written::of_figures(), default_value = "table", value_name = "FORMAT")]
    format: Written,
    /// Write to this file instead, in one step
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn key_parser() -> impl clap::builder::TypedValueParser<Value = Key> {
    use clap::builder::TypedValueParser as _;
    const KEYS: [Key; 5] = [Key::Rule, Key::Role, Key::Environment, Key::Label, Key::Branch];
    let parser = clap::builder::PossibleValuesParser::new(KEYS.map(Key::word));
    parser.map(|word| KEYS.into_iter().find(|key| key.word() == word).unwrap_or(Key::Rule))
}

/// Does what `args` say.
///
/// # Errors
/// [`Failure`] where jit is not installed, a log cannot be read, or the file not be written. A log that is not sound is an answer; the exit
/// code tells.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let found = gather(&args.repo, Question { since: args.since, key: args.by })?;
    let text = match args.format {
        Written::Json if args.output.is_none() => {
            cx.terminal.answer_json(&json(&found));
            String::new()
        }
        Written::Text | Written::Junit | Written::Github => table(&found),
        Written::Json => format!("{}\n", json(&found)),
        Written::Csv => csv(&json(&found)),
        Written::OpenMetrics => openmetrics(&found),
    };
    match &args.output {
        Some(path) => write(path, text.as_bytes())?,
        None => cx.terminal.answer(&text),
    }
    found.faults.iter().for_each(|fault| cx.terminal.say(fault));
    Ok(if found.faults.is_empty() { Exit::Done } else { Exit::Denied })
}

/// Puts a file that everybody may read in the place of what stands there, in one step.
///
/// # Errors
/// A [`Failure`] that names the file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let whole = std::path::absolute(path).or_fail()?;
    replace(&whole, bytes, MODE)
        .or_fail()
        .map_err(|failure| failure.context(format!("cannot write {}", path.display())))
}
