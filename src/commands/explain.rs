//! `jit explain`: a dry run that says of every rule whether it matches, and why.

use super::status::assumed_login;
use crate::cli::client::Client;
use crate::cli::client_target::TargetArgs;
use crate::cli::local_clone::{Move, Step, System};
use crate::cli::summary::needs;
use crate::cli::{Context, Exit, Failure, Format, answer, client_json, safe};
use crate::domain::change::{Action, ChangesetId, Push, RefUpdate, Target};
use crate::domain::policy::{Mode, Policy, Rule, RuleOutcome, UpdateDecision, Verdict};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Commits, and paths of one, that are named.
const SHOWN: usize = 5;

/// Says of every rule whether it matches a push and why, what counted and what did not.
///
/// A dry run: nothing is sent. Ends with 0 if the push would be let in, with 1 if not.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// What the target holds before [default: what it holds on the server]
    #[arg(long, value_name = "REV")]
    old: Option<String>,
    /// What it should hold [default: HEAD, or in Mercurial `.`]
    #[arg(long, value_name = "REV")]
    new: Option<String>,
    /// Judge the deletion of the target instead
    #[arg(long, conflicts_with = "new")]
    delete: bool,
    /// Who pushes, by login [default: you, if your key and the policy tell]
    #[arg(long = "as", value_name = "LOGIN")]
    login: Option<String>,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
}

/// Does what `args` say.
///
/// JSON: `pusher`, `verdict`, `updates` (as in `jit status`), `rules` (each with `rule`, `matches`, `because`, `commits`: `id`, `paths`).
///
/// # Errors
/// [`Failure`] where the push cannot be judged.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let system = System::here()?;
    let Some(target) = args.target.named(system)? else {
        let any = match system {
            System::Git => "--ref REFNAME",
            System::Mercurial => "--bookmark NAME",
        };
        return Err(Failure::usage(format!("which target? add `--branch B`, `--tag T` or `{any}`")));
    };
    let client = Client::open(args.remote.as_deref(), cx)?;
    let supposed = supposed(args, &client, target)?;
    let login = assumed_login(args.login.as_deref(), &client);
    let assessment = client.assess(&[supposed], login.as_deref(), &[])?;
    let verdict = assessment.decision.verdict();
    let (Some(update), Some(decision)) = (assessment.push.updates.first(), assessment.decision.updates.first()) else {
        return Err(Failure::undecided("the move comes to nothing"));
    };
    let reasons: Vec<Reason<'_>> =
        client.policy.rules.iter().map(|rule| Reason::of(&client.policy, rule, update, decision)).collect();
    if cx.format == Format::Json {
        let updates: Vec<Value> = assessment.decision.updates.iter().map(client_json::update).collect();
        let rules: Vec<Value> = reasons.iter().map(Reason::json).collect();
        cx.terminal.answer_json(&json!({
            "pusher": login, "verdict": client_json::verdict(verdict), "updates": updates, "rules": rules,
        }));
    } else {
        cx.terminal.answer(&text(&reasons, &assessment.push, decision, login.as_deref()));
    }
    Ok(if verdict == Verdict::Allow { Exit::Done } else { Exit::Denied })
}

fn supposed(args: &Args, client: &Client, target: Target) -> Result<Move, Failure> {
    let resolve = |rev: &str| -> Result<ChangesetId, Failure> {
        let found = client.local.resolve(rev)?;
        found.ok_or_else(|| Failure::usage(format!("`{}` is not a commit here", safe(rev.as_bytes()))))
    };
    let old = match &args.old {
        Some(rev) => vec![resolve(rev)?],
        None => client.local.value(&target)?,
    };
    let rev = args.new.as_deref().unwrap_or(client.local.system().current_revision());
    let step = if args.delete { Step::Delete } else { Step::To(resolve(rev)?) };
    if old == Vec::from_iter(step.new_value()) {
        let target = safe(target.to_string().as_bytes());
        return Err(Failure::new(Exit::Denied, format!("{target} would not move")));
    }
    Ok(Move { target, old, step })
}

fn text(reasons: &[Reason<'_>], push: &Push, decision: &UpdateDecision, login: Option<&str>) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("a String takes everything");
    line(match login {
        Some(login) => format!("as if `{}` pushed:", safe(login.as_bytes())),
        None => "as if somebody pushed who has approved nothing:".to_owned(),
    });
    for reason in reasons {
        let verb = if reason.outcome.is_some() { "matches" } else { "does not match" };
        line(format!("rule `{}` {verb}: {}", reason.rule.name, reason.because));
        for (id, paths) in reason.commits.iter().take(SHOWN) {
            let paths: Vec<String> = paths.iter().take(SHOWN).map(|path| safe(path)).collect();
            let paths = if paths.is_empty() { String::new() } else { format!(" {}", paths.join(", ")) };
            line(format!("  {}{paths}", id.hex()));
        }
        if reason.commits.len() > SHOWN {
            line(format!("  and {} more", reason.commits.len() - SHOWN));
        }
        if let Some(outcome) = reason.outcome {
            let mode = if outcome.mode == Mode::Observe { "; it only observes" } else { "" };
            line(format!("  it asks for {}{mode}", needs(outcome)));
        }
    }
    text + &answer::update_lines(push, decision)
}

/// Why a rule matches, or does not.
struct Reason<'a> {
    rule: &'a Rule,
    outcome: Option<&'a RuleOutcome>,
    because: String,
    /// What it matches: commits with the paths that make it so.
    commits: Vec<(ChangesetId, Vec<Vec<u8>>)>,
}

impl<'a> Reason<'a> {
    fn of(policy: &Policy, rule: &'a Rule, update: &'a RefUpdate, decision: &'a UpdateDecision) -> Self {
        let outcome = decision.rules.iter().find(|outcome| outcome.rule == rule.name);
        let because = if !policy.names_target(rule, &update.target) {
            "it is not about this target".to_owned()
        } else if !update.actions.iter().any(|action| rule.names_action(action)) {
            format!("it is not about the action {}", update.action())
        } else if outcome.is_none() && rule.when.is_some() {
            "it is not in force now, or the update has nothing that it is about".to_owned()
        } else if outcome.is_none() && rule.larger_than.is_some() {
            "the update is not larger than its limits, or has nothing that it is about".to_owned()
        } else if outcome.is_none() && !rule.picks_commits() {
            "no commit of the push is new to it".to_owned()
        } else if outcome.is_none() {
            format!("no commit {}", picked(rule, ["touches its paths", "carries its labels"]))
        } else if rule.picks_commits() && *update.action() == Action::Delete {
            format!("a deletion {}", picked(rule, ["touches every path", "carries every label"]))
        } else if rule.picks_commits() {
            format!("these commits {}", picked(rule, ["touch its paths", "carry its labels"]))
        } else {
            "it is about every commit of this target".to_owned()
        };
        let matched = outcome.map_or(&[][..], |outcome| &outcome.matched[..]);
        let commits = matched.iter().map(|id| (*id, touched(rule, update, id))).collect();
        Self { rule, outcome, because, commits }
    }

    fn json(&self) -> Value {
        let commits: Vec<Value> = self
            .commits
            .iter()
            .map(|(id, paths)| {
                let paths: Vec<String> = paths.iter().map(|path| crate::domain::text::encode(path, b"")).collect();
                json!({ "id": id.to_string(), "paths": paths })
            })
            .collect();
        json!({
            "rule": self.rule.name.as_str(),
            "matches": self.outcome.is_some(),
            "because": self.because,
            "commits": commits,
        })
    }
}

/// Joins what is said of paths and of labels, as far as `rule` names them.
fn picked(rule: &Rule, [paths, labels]: [&str; 2]) -> String {
    let said = [(rule.paths.is_some(), paths), (!rule.labels.is_empty(), labels)];
    said.iter().filter(|(is_asked, _)| *is_asked).map(|(_, words)| *words).collect::<Vec<_>>().join(" and ")
}

/// The paths of a commit, or of the difference to a tip, that `rule` is about.
fn touched(rule: &Rule, update: &RefUpdate, id: &ChangesetId) -> Vec<Vec<u8>> {
    let Some(patterns) = &rule.paths else { return Vec::new() };
    let own = update.changesets.iter().filter(|commit| commit.id == *id).filter_map(|commit| commit.own_paths.as_ref());
    let differences =
        update.tip_changes.iter().filter(|change| change.tip == *id).filter_map(|change| change.paths.as_ref());
    let all = own.chain(differences).flatten().map(|path| path.as_bytes());
    let mut touched: Vec<Vec<u8>> = all.filter(|path| patterns.matches(path)).map(<[u8]>::to_vec).collect();
    touched.sort();
    touched.dedup();
    touched
}
