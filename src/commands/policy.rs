//! `jit policy …`; here `jit policy check`: does a policy load, and if not, what is wrong with it.

use super::{policy_apply, policy_test};
use crate::adapters::disk::{PolicyFolder, PolicyFolderError};
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, Style, faults_json, faults_report};
use crate::domain::policy::{DefaultAnswer, Faults, Mode, Policy, load};
use data_encoding::HEXLOWER;
use serde_json::json;
use std::path::{Path, PathBuf};

/// `jit policy`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Load a policy and report everything that is wrong with it
    Check(CheckArgs),
    /// Judge the cases in a policy's folder cases/ and tell which come out otherwise
    Test(policy_test::Args),
    /// Put another policy in force
    Apply(policy_apply::Args),
}

/// `jit policy check`
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The folder that holds the policy's *.toml files [default: policies]
    dir: Option<PathBuf>,
}

/// Runs `jit policy …`; `default_dir` is the folder where none is named.
///
/// # Errors
/// A [`Failure`] if the folder cannot be read.
pub fn run(args: &Args, default_dir: &Path, cx: &Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check(args) => check(args, default_dir, cx),
        Command::Test(args) => policy_test::run(args, default_dir, cx),
        Command::Apply(args) => policy_apply::run(args, cx),
    }
}

/// Loads the policy and answers with a summary, or with every fault.
///
/// # Errors
/// A [`Failure`] if the folder cannot be read.
pub fn check(args: &CheckArgs, default_dir: &Path, cx: &Context) -> Result<Exit, Failure> {
    let dir = args.dir.as_deref().unwrap_or(default_dir);
    let files = PolicyFolder::read(dir);
    if args.dir.is_none() && matches!(files, Err(PolicyFolderError::Folder { .. } | PolicyFolderError::Empty { .. })) {
        return files
            .or_fail()
            .map(|_| Exit::Done)
            .map_err(|failure| failure.hint("name the folder: `jit policy check DIR`"));
    }
    match load(&files.or_fail()?) {
        Ok(policy) => {
            accepted(&policy, cx);
            Ok(Exit::Done)
        }
        Err(faults) => {
            refused(&faults, cx);
            Ok(Exit::Denied)
        }
    }
}

fn accepted(policy: &Policy, cx: &Context) {
    match cx.format {
        Format::Json => cx.terminal.answer_json(&summary_json(policy)),
        Format::Text => {
            let ok = cx.terminal.styled(Style::Good, "ok");
            cx.terminal.answer(&format!("{ok}: {}\n", summary(policy)));
        }
    }
}

fn observed(policy: &Policy) -> usize {
    policy.rules.iter().filter(|rule| rule.mode == Mode::Observe).count()
}

fn default_word(policy: &Policy) -> &'static str {
    if policy.default == DefaultAnswer::Allow { "allow" } else { "deny" }
}

fn summary_json(policy: &Policy) -> serde_json::Value {
    json!({
        "loads": true,
        "principals": policy.principals.len(),
        "roles": policy.roles.len(),
        "environments": policy.environments.len(),
        "rules": policy.rules.len(),
        "observed": observed(policy),
        "default": default_word(policy),
        "digest": HEXLOWER.encode(&policy.digest),
    })
}

fn summary(policy: &Policy) -> String {
    let listed = [
        counted(policy.principals.len(), "principal"),
        counted(policy.roles.len(), "role"),
        counted(policy.environments.len(), "environment"),
        counted(policy.rules.len(), "rule"),
    ];
    let note = match observed(policy) {
        0 => String::new(),
        count => format!(" ({count} in observe mode)"),
    };
    let digest = HEXLOWER.encode(&policy.digest[..6]);
    format!("{}{note}; default {}; digest {digest}", listed.join(", "), default_word(policy))
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn refused(faults: &Faults, cx: &Context) {
    match cx.format {
        Format::Json => {
            cx.terminal.answer_json(&json!({ "loads": false, "faults": faults_json(faults) }));
        }
        Format::Text => cx.terminal.raw(&faults_report(faults)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::disk::STARTER_POLICY;
    use crate::domain::policy::PolicyFile;

    #[test]
    fn the_summary_counts_what_the_policy_holds() {
        let file = PolicyFile { name: "policy.toml".to_owned(), text: STARTER_POLICY.into() };
        let policy = load(&[file]).expect("the starter");
        let digest = HEXLOWER.encode(&policy.digest);
        let expected = "0 principals, 0 roles, 0 environments, 1 rule (1 in observe mode); default allow; digest ";
        assert_eq!(summary(&policy), format!("{expected}{}", &digest[..12]));
        assert_eq!(summary_json(&policy)["digest"], digest);
        assert_eq!(summary_json(&policy)["observed"], 1);
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_a_failure_and_no_verdict() {
        let dir = tempfile::tempdir().expect("folder");
        let cx = Context::default();
        let named =
            check(&CheckArgs { dir: Some(dir.path().to_owned()) }, Path::new("unused"), &cx).expect_err("empty");
        assert_eq!((named.exit, named.hints.len()), (Exit::Undecided, 0));
        let default = check(&CheckArgs { dir: None }, dir.path(), &cx).expect_err("empty");
        assert_eq!((default.exit, default.hints.len()), (Exit::Undecided, 1));
    }
}
