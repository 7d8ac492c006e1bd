//! `jit policy coverage`: what of a repository no certain rule protects (docs/spec/policy.md, "Coverage").

use crate::cli::chosen_policy::chosen_policy;
use crate::cli::contents::contents;
use crate::cli::summary::counted;
use crate::cli::{Context, Exit, Failure, Format, Style, repository, safe};
use crate::domain::policy::{Contents, DefaultAnswer, Guard, Policy, Rule, Share, branches, shares};
use crate::domain::text;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Branches that are listed before the rest is only counted.
const SHOWN: usize = 50;

/// `jit policy coverage`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that holds the policy's *.toml files [default: the policy in force, or in a clone the one that its server publishes]
    dir: Option<PathBuf>,
    /// The repository [default: the one of the current folder]
    #[arg(long, value_name = "REPO")]
    repository: Option<PathBuf>,
}

/// Shows the shares of paths and what guards each branch.
///
/// JSON: `tip`, `protected`, `total`, `shares` (each with `path`, `protected`, `total`), `branches` (each with `target`, `guarded`:
/// `"whole"`, `"paths"` or `"nothing"`, and `rules`), `default`.
///
/// # Errors
/// A [`Failure`] if the policy or the repository cannot be read.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let policy = chosen_policy(args.dir.as_deref(), args.repository.as_deref(), cx)?;
    let contents = contents(&repository::find(args.repository.as_deref())?, None)?;
    match cx.format {
        Format::Json => cx.terminal.answer_json(&json(&policy, &contents)),
        Format::Text => cx.terminal.answer(&text(&policy, &contents, cx)),
    }
    Ok(Exit::Done)
}

fn word(guard: Guard) -> &'static str {
    match guard {
        Guard::Whole => "whole",
        Guard::Paths => "paths",
        Guard::Nothing => "nothing",
    }
}

fn default_word(policy: &Policy) -> &'static str {
    if policy.default == DefaultAnswer::Allow { "allow" } else { "deny" }
}

fn json(policy: &Policy, contents: &Contents) -> Value {
    let shares = shares(policy, contents);
    let one = |share: &Share| json!({ "path": text::encode(&share.path, b""), "protected": share.protected, "total": share.total });
    let branches: Vec<Value> = branches(policy, contents)
        .into_iter()
        .map(|(target, guard, rules)| {
            json!({ "target": target.to_string(), "guarded": word(guard), "rules": names(&rules) })
        })
        .collect();
    json!({
        "tip": contents.tip.as_ref().map(ToString::to_string),
        "protected": shares.first().map_or(0, |all| all.protected),
        "total": shares.first().map_or(0, |all| all.total),
        "shares": shares.iter().skip(1).map(one).collect::<Vec<_>>(),
        "branches": branches,
        "default": default_word(policy),
    })
}

fn names<'r>(rules: &[&'r Rule]) -> Vec<&'r str> {
    rules.iter().map(|rule| rule.name.as_str()).collect()
}

fn text(policy: &Policy, contents: &Contents, cx: &Context) -> String {
    let mut lines = Vec::new();
    let shares = shares(policy, contents);
    match (&contents.tip, shares.split_first()) {
        (Some(tip), Some((all, rest))) => {
            let percent = (all.protected * 100).checked_div(all.total).unwrap_or(0);
            let tip = safe(tip.to_string().as_bytes());
            let paths = counted(all.total, "path", "paths");
            lines.push(format!("{tip}: {} of {paths} protected ({percent}%)", all.protected));
            lines.extend(rest.iter().map(|share| row(share, cx)));
        }
        _ => lines.push("nothing is tracked yet".to_owned()),
    }
    let branches = branches(policy, contents);
    for (target, guard, rules) in branches.iter().take(SHOWN) {
        let rules = names(rules).join("`, `");
        let how = match guard {
            Guard::Whole => format!("guarded by `{rules}`"),
            Guard::Paths => format!("only paths of `{rules}`"),
            Guard::Nothing => cx.terminal.styled(Style::Bad, "no rule"),
        };
        lines.push(format!("{}: {how}", safe(target.to_string().as_bytes())));
    }
    if branches.len() > SHOWN {
        lines.push(format!("and {} more", counted(branches.len() - SHOWN, "branch", "branches")));
    }
    lines.push(format!("what no rule protects: `default` is {}", default_word(policy)));
    lines.join("\n") + "\n"
}

fn row(share: &Share, cx: &Context) -> String {
    let mut path = safe(&share.path);
    if !share.path.ends_with(b"/") && share.total > 1 {
        path += &format!(" and {}", counted(share.total - 1, "more file", "more files"));
    }
    let figures = format!("{} of {}", share.protected, share.total);
    let figures = if share.protected == 0 { cx.terminal.styled(Style::Bad, &figures) } else { figures };
    format!("{}{path}  {figures}", "  ".repeat(share.depth))
}
