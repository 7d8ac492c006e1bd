//! `jit status`: whether a push of REV to a branch would be let in now, and what is missing.

use crate::cli::client::Client;
use crate::cli::client_target::{self, PlaceArgs, Proposal};
use crate::cli::local_clone::System;
use crate::cli::{Context, Exit, Failure, Format, advice, answer, client_json, client_key, safe};
use crate::domain::change::Action;
use crate::domain::policy::Verdict;
use serde_json::json;

/// Tells whether a push would be let in now, and what is missing.
///
/// Ends with 0 if it would, with 1 if not. The server decides when the push comes: it may know more tokens, and another time.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The commit, or a request `r-…` [default: HEAD, or in Mercurial `.`]
    #[arg(value_name = "REV")]
    rev: Option<String>,
    #[command(flatten)]
    target: PlaceArgs,
    /// Judge the deletion of the target, which REV is the tip of; in Mercurial also the publication of drafts up to REV; of an environment its gate
    #[arg(long, value_name = "ACTION", value_parser = not_a_move)]
    action: Option<Action>,
    /// Who pushes, by login [default: you, if your key and the policy tell]
    #[arg(long = "as", value_name = "LOGIN")]
    login: Option<String>,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
}

fn not_a_move(text: &str) -> Result<Action, String> {
    match client_target::action(text) {
        Ok(action @ (Action::Delete | Action::Publish | Action::Gate(_))) => Ok(action),
        _ => Err("it is `delete`, `publish` or a gate; everything else follows from REV".to_owned()),
    }
}

/// Does what `args` say.
///
/// JSON: `pusher` (login, null where nobody is assumed), `verdict`, `updates`, `hints`, `overdue` (overrides without a review, in words).
///
/// # Errors
/// [`Failure`] where the push cannot be judged.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let named = args.target.named(System::here()?)?;
    let client = Client::open(args.remote.as_deref(), cx)?;
    let proposal = Proposal::find(&client, args.rev.as_deref(), named, args.action.as_ref())?;
    if args.action.is_none() && proposal.has_landed(&client)? {
        let target = safe(proposal.target.to_string().as_bytes());
        return Err(Failure::new(Exit::Denied, format!("{target} has {} already", proposal.subject.hex())));
    }
    let login = assumed_login(args.login.as_deref(), &client);
    if login.is_none() {
        cx.terminal.say("note: who would push is not known here; a rule does not count the pusher's own approval (`--as LOGIN` says who)");
    }
    let assessment = client.assess(&[proposal.supposed(args.action.as_ref())], login.as_deref(), &[])?;
    let overdue = super::review::overdue(&client, &proposal.target, &proposal.base)?;
    let verdict = assessment.decision.verdict();
    let hints: Vec<String> = match verdict {
        Verdict::Allow => Vec::new(),
        Verdict::Deny => assessment.decision.updates.iter().flat_map(|update| advice::hints(update, &[])).collect(),
    };
    if cx.format == Format::Json {
        let updates: Vec<_> = assessment.decision.updates.iter().map(client_json::update).collect();
        cx.terminal.answer_json(&json!({
            "pusher": login, "verdict": client_json::verdict(verdict), "updates": updates, "hints": hints, "overdue": overdue,
        }));
    } else {
        let lines = assessment.decision.updates.iter().map(|update| answer::update_lines(&assessment.push, update));
        cx.terminal.answer(&lines.collect::<String>());
        for line in overdue {
            cx.terminal.say(&format!("note: {line}"));
        }
        for hint in hints {
            cx.terminal.say(&format!("hint: {hint}"));
        }
    }
    Ok(if verdict == Verdict::Allow { Exit::Done } else { Exit::Denied })
}

/// Returns the login that a push is judged for: the one that is named, else the user's only one, if their key tells who they are.
pub(super) fn assumed_login(named: Option<&str>, client: &Client) -> Option<String> {
    let local = &client.local;
    let own = || client_key::likely_login(&client.policy, local.system(), local.key_setting());
    named.map(str::to_owned).or_else(own)
}
