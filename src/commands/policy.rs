//! `jit policy …`: policies before they are in force, and putting them there.

use super::{policy_apply, policy_check, policy_coverage, policy_import, policy_show, policy_test};
use crate::cli::{Context, Exit, Failure};
use crate::domain::policy::schema;
use std::path::Path;

/// `jit policy`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Load a policy, and report everything that is wrong or doubtful in it
    Check(policy_check::Args),
    /// Judge the cases in a policy's folder cases/ and tell which come out otherwise
    Test(policy_test::Args),
    /// Show which tracked paths and branches no rule protects
    Coverage(policy_coverage::Args),
    /// Show the rules that a path meets on its way to a branch, and who can sign
    Show(policy_show::Args),
    /// Print a policy that says what another program's file says
    Import(policy_import::Args),
    /// Print the JSON Schema of a policy's files, for editors
    Schema,
    /// Put another policy in force
    Apply(policy_apply::Args),
}

/// Runs `jit policy …`; `default_dir` is the folder where none is named.
///
/// # Errors
/// The [`Failure`] of the subcommand.
pub fn run(args: &Args, default_dir: &Path, cx: &Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check(args) => policy_check::run(args, default_dir, cx),
        Command::Test(args) => policy_test::run(args, default_dir, cx),
        Command::Coverage(args) => policy_coverage::run(args, cx),
        Command::Show(args) => policy_show::run(args, cx),
        Command::Import(args) => policy_import::run(args, cx),
        Command::Schema => {
            cx.terminal.answer(&format!("{:#}\n", schema()));
            Ok(Exit::Done)
        }
        Command::Apply(args) => policy_apply::run(args, cx),
    }
}
