//! `jit policy check`: does a policy load, what is wrong with it if not, and what is doubtful in it if so.

use crate::adapters::clock::SystemClock;
use crate::adapters::disk::{PolicyFolder, PolicyFolderError};
use crate::cli::contents::contents;
use crate::cli::summary::counted;
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, Style, faults_json, faults_report, repository};
use crate::domain::policy::{DefaultAnswer, Faults, Known, Mode, Policy, Warnings, examine};
use crate::ports::clock::Clock as _;
use data_encoding::HEXLOWER;
use serde_json::json;
use std::path::{Path, PathBuf};

/// `jit policy check`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that holds the policy's *.toml files [default: policies]
    dir: Option<PathBuf>,
    /// Hold its patterns against this repository's branches, tags, bookmarks and paths
    #[arg(long, value_name = "REPO")]
    repository: Option<PathBuf>,
    /// End with 1 if there are warnings
    #[arg(long)]
    strict: bool,
}

/// Loads the policy and answers with a summary and warnings, or with every fault.
///
/// JSON: `loads`, and `faults`; or the summary's figures and `warnings`. Both lists as in `docs/spec/policy.md`, "Checking".
///
/// # Errors
/// A [`Failure`] if the folder or the repository cannot be read.
pub fn run(args: &Args, default_dir: &Path, cx: &Context) -> Result<Exit, Failure> {
    let dir = args.dir.as_deref().unwrap_or(default_dir);
    let files = PolicyFolder::read(dir);
    if args.dir.is_none() && matches!(files, Err(PolicyFolderError::Folder { .. } | PolicyFolderError::Empty { .. })) {
        return files
            .or_fail()
            .map(|_| Exit::Done)
            .map_err(|failure| failure.hint("name the folder: `jit policy check DIR`"));
    }
    let held_against = match &args.repository {
        Some(path) => Some(contents(&repository::find(Some(path))?, None)?),
        None => None,
    };
    let known = Known { now: SystemClock.now(), contents: held_against.as_ref() };
    match examine(&files.or_fail()?, &known) {
        Ok((policy, warnings)) => {
            accepted(&policy, &warnings, cx);
            Ok(if args.strict && !warnings.list().is_empty() { Exit::Denied } else { Exit::Done })
        }
        Err(faults) => {
            refused(&faults, cx);
            Ok(Exit::Denied)
        }
    }
}

fn accepted(policy: &Policy, warnings: &Warnings, cx: &Context) {
    match cx.format {
        Format::Json => {
            let mut answer = summary_json(policy);
            answer["warnings"] = faults_json(warnings);
            cx.terminal.answer_json(&answer);
        }
        Format::Text => {
            if !warnings.list().is_empty() {
                cx.terminal.raw(&faults_report(warnings));
            }
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
        counted(policy.principals.len(), "principal", "principals"),
        counted(policy.roles.len(), "role", "roles"),
        counted(policy.environments.len(), "environment", "environments"),
        counted(policy.rules.len(), "rule", "rules"),
    ];
    let note = match observed(policy) {
        0 => String::new(),
        count => format!(" ({count} in observe mode)"),
    };
    let digest = HEXLOWER.encode(&policy.digest[..6]);
    format!("{}{note}; default {}; digest {digest}", listed.join(", "), default_word(policy))
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
    use crate::domain::policy::{PolicyFile, load};

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
            run(&Args { dir: Some(dir.path().to_owned()), repository: None, strict: false }, Path::new("unused"), &cx)
                .expect_err("empty");
        assert_eq!((named.exit, named.hints.len()), (Exit::Undecided, 0));
        let default = run(&Args { dir: None, repository: None, strict: false }, dir.path(), &cx).expect_err("empty");
        assert_eq!((default.exit, default.hints.len()), (Exit::Undecided, 1));
    }
}
