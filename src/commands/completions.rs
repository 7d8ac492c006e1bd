//! `jit completions SHELL` and `jit man`: what packagers install beside the program.

use crate::cli::{Context, Exit, Failure, IntoFailure};
use clap_complete::Shell;

/// The arguments of `jit completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to write completions for
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions of `program` for a shell.
///
/// # Errors
/// A [`Failure`] if they are no text, which they always are.
pub fn completions(args: &Args, mut program: clap::Command, cx: &Context) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut program, "jit", &mut text);
    cx.terminal.answer(&String::from_utf8(text).or_fail()?);
    Ok(Exit::Done)
}

/// Prints the manual pages of `program` and its subcommands, one after the other, in roff.
///
/// # Errors
/// A [`Failure`] if they cannot be written.
pub fn man(mut program: clap::Command, cx: &Context) -> Result<Exit, Failure> {
    program.build();
    let mut text = Vec::new();
    page(&program, &mut text)?;
    cx.terminal.answer(&String::from_utf8(text).or_fail()?);
    Ok(Exit::Done)
}

fn page(command: &clap::Command, text: &mut Vec<u8>) -> Result<(), Failure> {
    clap_mangen::Man::new(command.clone()).render(text).or_fail()?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        page(below, text)?;
    }
    Ok(())
}
