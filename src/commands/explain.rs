//! `jit explain`: a dry run that says of every rule whether it matches, and why.

mod reason;

use super::status::assumed_login;
use crate::cli::client_target::{self, PlaceArgs, Proposal, find_gate};
use crate::cli::local_clone::{Move, Step, System};
use crate::cli::summary::needs;
use crate::cli::supposing::Place;
use crate::cli::{Context, Exit, Failure, Format, answer, client_json, safe};
use crate::domain::change::{Action, ChangesetId, Gate, Push, Target};
use crate::domain::name::PrincipalId;
use crate::domain::policy::{Mode, UpdateDecision, Verdict};
use reason::Reason;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Commits, and paths of one, that are named.
const SHOWN: usize = 5;

/// Says of every rule whether it matches a push, or a gate, and why, what counted and what did not.
///
/// A dry run: nothing is sent or recorded. In a clone it is judged by what the server publishes, in a central repository by what decides
/// there. Ends with 0 if the push would be let in or the gate open, with 1 if not.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: PlaceArgs,
    /// Of an environment its gate, such as `deploy` [default: the only one that the policy knows]
    #[arg(long, value_name = "STEP", value_parser = client_target::action)]
    action: Option<Action>,
    /// What the target holds before [default: what it holds on the server]; of a gate, in a clone, what it opened for last
    #[arg(long, value_name = "REV")]
    old: Option<String>,
    /// What it should hold, or the gate open for [default: HEAD, or in Mercurial `.`]
    #[arg(long, value_name = "REV")]
    new: Option<String>,
    /// Judge the deletion of the target instead
    #[arg(long, conflicts_with_all = ["new", "environment"])]
    delete: bool,
    /// Who pushes or asks, by login [default: you, if your key and the policy tell]
    #[arg(long = "as", value_name = "LOGIN")]
    login: Option<String>,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME", conflicts_with = "repository")]
    remote: Option<String>,
    /// The central repository [default: the one of the current folder, if it is one]
    #[arg(long, value_name = "REPO")]
    repository: Option<PathBuf>,
}

/// Does what `args` say.
///
/// JSON: `pusher`, `verdict`, `updates` (as in `jit status`), `rules` (each with `rule`, `matches`, `because`,
/// `commits`: `id`, `paths`, `labels`).
///
/// # Errors
/// [`Failure`] where the push cannot be judged.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let place = Place::open(args.repository.as_deref(), args.remote.as_deref(), cx)?;
    let Some(target) = args.target.named(place.system())? else {
        let any = match place.system() {
            System::Git => "--ref REFNAME",
            System::Mercurial => "--bookmark NAME",
        };
        return Err(Failure::usage(format!("which target? add `--branch B`, `--tag T`, `{any}` or `--environment E`")));
    };
    if args.action.is_some() && !matches!(target, Target::Environment(_)) {
        return Err(Failure::usage("`--action` says which gate of an environment: add `--environment E`"));
    }
    let supposed = supposed(args, &place, target)?;
    let login = match &place {
        Place::Clone(client) => assumed_login(args.login.as_deref(), client),
        Place::Central(..) => args.login.clone(),
    };
    let assessment = place.assess(supposed, login.as_deref())?;
    let verdict = assessment.decision.verdict();
    let (Some(update), Some(decision)) = (assessment.push.updates.first(), assessment.decision.updates.first()) else {
        return Err(Failure::undecided("the move comes to nothing"));
    };
    let reasons: Vec<Reason<'_>> = place
        .policy()
        .rules
        .iter()
        .map(|rule| Reason::of(place.policy(), rule, &assessment, update, decision))
        .collect();
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

fn supposed(args: &Args, place: &Place, target: Target) -> Result<Move, Failure> {
    let resolve = |rev: &str| -> Result<ChangesetId, Failure> {
        let found = place.resolve(rev)?;
        found.ok_or_else(|| Failure::usage(format!("`{}` is not a commit here", safe(rev.as_bytes()))))
    };
    let rev = args.new.as_deref().unwrap_or(place.system().current_revision());
    if let Target::Environment(environment) = &target {
        let old = args.old.as_deref().map(resolve).transpose()?;
        let gate = find_gate(place.policy(), environment, resolve(rev)?, args.action.as_ref())?;
        return opened(place, gate, old);
    }
    let old = match &args.old {
        Some(rev) => vec![resolve(rev)?],
        None => place.value(&target)?,
    };
    let step = if args.delete { Step::Delete } else { Step::To(resolve(rev)?) };
    if old == Vec::from_iter(step.new_value()) {
        let target = safe(target.to_string().as_bytes());
        return Err(Failure::new(Exit::Denied, format!("{target} would not move")));
    }
    Ok(Move { target, old, step })
}

/// What the gate opened for last, the log of a central repository says; a clone knows only what a request says, or the user.
fn opened(place: &Place, gate: Gate, old: Option<ChangesetId>) -> Result<Move, Failure> {
    let step = Step::Open(gate.name.clone(), gate.subject);
    match (place, old) {
        (Place::Clone(client), None) => Ok(Proposal::of_gate(client, gate)?.supposed(None)),
        (Place::Central(..), Some(_)) => {
            Err(Failure::usage("what a gate opened for last, the log says: leave `--old` out here"))
        }
        (_, old) => Ok(Move { target: gate.target(), old: Vec::from_iter(old), step }),
    }
}

fn text(reasons: &[Reason<'_>], push: &Push, decision: &UpdateDecision, login: Option<&str>) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("a String takes everything");
    let does = if decision.action.gate().is_some() { "asked" } else { "pushed" };
    line(match login {
        Some(login) => format!("as if `{}` {does}:", safe(login.as_bytes())),
        None => format!("as if somebody {does} who has approved nothing:"),
    });
    for reason in reasons {
        let verb = if reason.outcome.is_some() { "matches" } else { "does not match" };
        line(format!("rule `{}` {verb}: {}", reason.rule.name, reason.because));
        for commit in reason.commits.iter().take(SHOWN) {
            let paths = commit.paths.iter().take(SHOWN).map(|path| safe(path));
            let why: Vec<String> = paths.chain(commit.labels.iter().map(|label| safe(label))).collect();
            let why = if why.is_empty() { String::new() } else { format!(" {}", why.join(", ")) };
            line(format!("  {}{why}", commit.id.hex()));
        }
        if reason.commits.len() > SHOWN {
            line(format!("  and {} more", reason.commits.len() - SHOWN));
        }
        if let Some(outcome) = reason.outcome {
            let mode = if outcome.mode == Mode::Observe { "; it only observes" } else { "" };
            line(format!("  it asks for {}{mode}", needs(outcome)));
            if !outcome.is_met() && !outcome.could_sign.is_empty() {
                let people: Vec<&str> = outcome.could_sign.iter().map(PrincipalId::as_str).collect();
                line(format!("  could still sign: {}", people.join(", ")));
            }
        }
    }
    text + &answer::update_lines(push, decision)
}
