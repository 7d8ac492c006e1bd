//! `jit policy test`: does a policy decide as its cases say (docs/spec/policy.md, "Cases").

mod case;

use crate::adapters::disk::PolicyFolder;
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, Style, faults_report, safe};
use crate::domain::policy::{Decision, Mode, Policy, RuleOutcome, Unmet, Verdict, load};
use case::{Case, CaseFile, Expected};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// `jit policy test`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that holds the policy's *.toml files; its cases stand in cases/*.toml [default: policies]
    dir: Option<PathBuf>,
}

/// Judges every case and tells those that come out otherwise.
///
/// # Errors
/// A [`Failure`] if a file cannot be read, the policy does not load, or a case makes no sense.
pub fn run(args: &Args, default_dir: &Path, cx: &Context) -> Result<Exit, Failure> {
    let dir = args.dir.as_deref().unwrap_or(default_dir);
    let policy = match load(&PolicyFolder::read(dir).or_fail()?) {
        Ok(policy) => case::with_known_keys(policy),
        Err(faults) => {
            cx.terminal.raw(&faults_report(&faults));
            return Err(Failure::undecided("the policy does not load"));
        }
    };
    let (mut count, mut differing) = (0_usize, Vec::new());
    for file in PolicyFolder::read(&dir.join("cases")).or_fail()? {
        let text = String::from_utf8_lossy(&file.text);
        let in_file = |error: &dyn std::error::Error| Failure::from_error(Exit::Undecided, error).context(&*file.name);
        let cases: CaseFile = toml::from_str(&text).map_err(|error| in_file(&error))?;
        for case in &cases.case {
            count += 1;
            let place = format!("{}: {}", file.name, safe(case.name.as_bytes()));
            let decision = case
                .decide(&policy)
                .map_err(|error| Failure::from_error(Exit::Undecided, &error).context(place.as_str()))?;
            let differences = differences(case, &policy, &decision);
            if !differences.is_empty() {
                differing.push((place, differences));
            }
        }
    }
    answer(count, &differing, cx);
    Ok(if differing.is_empty() { Exit::Done } else { Exit::Denied })
}

/// Says what came out otherwise, with every reason.
fn differences(case: &Case, policy: &Policy, decision: &Decision) -> Vec<String> {
    let mut lines = Vec::new();
    let found = if decision.verdict() == Verdict::Allow { Expected::Allow } else { Expected::Deny };
    if found != case.expect {
        lines.push(format!("expected {}, found {}", word(case.expect), word(found)));
    }
    let rules = || decision.updates.iter().flat_map(|update| &update.rules);
    let names = |rules: &mut dyn Iterator<Item = &RuleOutcome>| -> BTreeSet<String> {
        rules.map(|outcome| outcome.rule.to_string()).collect()
    };
    let unmet = names(&mut rules().filter(|outcome| outcome.mode == Mode::Enforce && !outcome.is_met()));
    lines.extend(set_difference("unmet", &case.unmet, &unmet));
    if let Some(expected) = &case.matched {
        lines.extend(set_difference("matched", expected, &names(&mut rules())));
    }
    let known: BTreeSet<&str> = policy.rules.iter().map(|rule| rule.name.as_str()).collect();
    let named = case.unmet.iter().chain(case.matched.iter().flatten()).filter(|name| !known.contains(name.as_str()));
    lines.extend(named.map(|name| format!("there is no rule `{}`", safe(name.as_bytes()))));
    if !lines.is_empty() {
        let reasons = |outcome: &RuleOutcome| -> Vec<String> {
            outcome.unmet.iter().map(|unmet: &Unmet| format!("`{}` {unmet}", outcome.rule)).collect()
        };
        lines.extend(rules().flat_map(reasons));
        let refused = rules().flat_map(|outcome| &outcome.not_counted);
        lines.extend(refused.map(|not| {
            let who = not.who.as_ref().map_or_else(|| "somebody".to_owned(), ToString::to_string);
            format!("not counted: {who}, {}", not.why)
        }));
    }
    lines
}

fn word(expected: Expected) -> &'static str {
    match expected {
        Expected::Allow => "allow",
        Expected::Deny => "deny",
    }
}

fn set_difference(what: &str, expected: &BTreeSet<String>, found: &BTreeSet<String>) -> Option<String> {
    let list = |names: &BTreeSet<String>| -> String {
        let names: Vec<String> = names.iter().map(|name| format!("`{}`", safe(name.as_bytes()))).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    (expected != found).then(|| format!("{what}: expected {}, found {}", list(expected), list(found)))
}

fn answer(count: usize, differing: &[(String, Vec<String>)], cx: &Context) {
    if cx.format == Format::Json {
        let failed: Vec<_> =
            differing.iter().map(|(case, lines)| json!({ "case": case, "differences": lines })).collect();
        cx.terminal.answer_json(&json!({ "cases": count, "differ": failed }));
        return;
    }
    let mut text = String::new();
    for (case, lines) in differing {
        text.push_str(&format!("{}: {case}\n", cx.terminal.styled(Style::Bad, "differs")));
        lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    let (style, mark) = if differing.is_empty() { (Style::Good, "ok") } else { (Style::Bad, "failed") };
    let mark = cx.terminal.styled(style, mark);
    text.push_str(&format!("{mark}: {} of {count} cases come out as expected\n", count - differing.len()));
    cx.terminal.answer(&text);
}
