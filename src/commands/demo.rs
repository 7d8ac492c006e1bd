//! `jit demo`: a throwaway central repository and three people, with real pushes. Every step shows the command that it runs.

mod git;
mod hg;
mod stage;

use crate::cli::{Context, Exit, Failure, IntoFailure};
use stage::Stage;
use std::fs;
use std::path::{Path, PathBuf};

/// The arguments of `jit demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose pushes to show [default: both, Mercurial only if there is an `hg`]
    #[arg(value_enum)]
    system: Option<System>,
    /// Keep everything in this folder, which must not exist yet [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum System {
    /// A bare Git repository
    Git,
    /// A Mercurial repository
    Hg,
}

/// Plays the demonstration.
///
/// # Errors
/// A [`Failure`] if a step does not end as it should, with what it printed.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let temporary = tempfile::tempdir().or_fail()?;
    let root = match &args.keep {
        Some(dir) => {
            fs::create_dir(dir).or_fail().map_err(|failure| failure.context("--keep wants a new folder"))?;
            dir.canonicalize().or_fail()?
        }
        None => temporary.path().canonicalize().or_fail()?,
    };
    match args.system {
        Some(system) => play(system, &root, cx)?,
        None => {
            play(System::Git, &root.join("git"), cx)?;
            if stage::runs("hg") {
                play(System::Hg, &root.join("hg"), cx)?;
            } else {
                cx.terminal.say("the same with Mercurial is left out: there is no `hg` to run");
                cx.terminal.say(&format!("hint: {HOW_TO_GET_HG}"));
            }
        }
    }
    if args.keep.is_some() {
        cx.terminal.say(&format!("everything is kept in {}", root.display()));
    }
    Ok(Exit::Done)
}

/// Where `hg` comes from.
const HOW_TO_GET_HG: &str = "`pip install mercurial` or your system's package `mercurial` brings it (6.3 or later)";

fn play(system: System, root: &Path, cx: &Context) -> Result<(), Failure> {
    fs::create_dir_all(root).or_fail()?;
    let (program, hint) = match system {
        System::Git => ("git", "install Git 2.29 or later"),
        System::Hg => ("hg", HOW_TO_GET_HG),
    };
    if !stage::runs(program) {
        return Err(Failure::undecided(format!("there is no `{program}` to run")).hint(hint));
    }
    let stage = Stage::new(root.to_owned(), cx)?;
    match system {
        System::Git => git::play(&stage),
        System::Hg => hg::play(&stage),
    }
}
