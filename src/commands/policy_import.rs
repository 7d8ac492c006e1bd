//! `jit policy import`: prints a policy that says what another program's file says (docs/spec/policy.md, "Importing").

use crate::adapters::clock::SystemClock;
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, faults_report};
use crate::domain::import::{allowed_signers, codeowners, hg_acl};
use crate::domain::policy::{PatternError, Patterns, PolicyFile, limits, load};
use crate::ports::clock::Clock as _;
use serde_json::json;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// The most bytes of a file that are read.
const LARGEST: u64 = 4 * limits::FILE_BYTES as u64;

/// `jit policy import`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the file is
    #[arg(value_enum)]
    kind: Kind,
    /// The file
    file: PathBuf,
    /// With codeowners: the branches on which owners are asked, a pattern; can be given several times
    #[arg(long, value_name = "PATTERN", default_value = "main", value_parser = pattern)]
    branch: Vec<String>,
}

/// What can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// CODEOWNERS of GitHub or GitLab
    Codeowners,
    /// An hgrc with Mercurial's acl sections
    HgAcl,
    /// OpenSSH's allowed signers: people and their keys
    AllowedSigners,
}

fn pattern(text: &str) -> Result<String, PatternError> {
    Patterns::check(text).map(|()| text.to_owned())
}

/// Prints the policy; JSON: `policy`, its text.
///
/// # Errors
/// A [`Failure`] if the file cannot be read, or is too large for a policy.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let named = |failure: Failure| failure.context(args.file.display().to_string());
    let mut file = Vec::new();
    let read = File::open(&args.file).and_then(|open| open.take(LARGEST + 1).read_to_end(&mut file));
    read.or_fail().map_err(named)?;
    if file.len() as u64 > LARGEST {
        return Err(named(Failure::undecided(format!("more than {LARGEST} bytes"))));
    }
    let written = match args.kind {
        Kind::Codeowners => codeowners(&file, &args.branch),
        Kind::HgAcl => hg_acl(&file),
        Kind::AllowedSigners => allowed_signers(&file, SystemClock.now()),
    };
    let text = written.or_fail().map_err(named)?;
    if let Err(faults) = load(&[PolicyFile { name: "imported.toml".to_owned(), text: text.clone().into_bytes() }]) {
        cx.terminal.raw(&faults_report(&faults));
        return Err(named(Failure::undecided("the policy that this makes does not load")));
    }
    match cx.format {
        Format::Json => cx.terminal.answer_json(&json!({ "policy": text })),
        Format::Text => cx.terminal.answer(&text),
    }
    Ok(Exit::Done)
}
