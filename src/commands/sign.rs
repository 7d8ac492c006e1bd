//! `jit sign` and `jit reject`: shows a change, asks, signs a token for it, and sends it ([`crate::cli::signing`]).

use crate::cli::client::Client;
use crate::cli::client_signing::SigningArgs;
use crate::cli::client_target::{self, PlaceArgs, Proposal};
use crate::cli::local_clone::System;
use crate::cli::signing::{self, Ready};
use crate::cli::{Context, Exit, Failure, Format, client_token, safe};
use crate::domain::approval::Kind;
use crate::domain::change::Action;

/// Approves a change with your own SSH key.
///
/// Shows what is signed and asks first. Without a target it is about REV's branch in Mercurial; in Git about the target of the only
/// open request for REV, or else the branch that `@{push}` names. The token goes to the server: to `refs/jit/approvals`, or to
/// the branch `jit-approvals`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    wanted: Wanted,
    /// Reject instead: no push with this commit is let in until you revoke it, for 30 days at most
    #[arg(long, conflicts_with = "overridden")]
    reject: bool,
    /// Pass this rule in an emergency, with a `--reason`: once, and somebody else is to review it with `jit review`
    #[arg(long = "override", value_name = "RULE")]
    overridden: Option<String>,
}

/// Says no to a change: no push with this commit is let in until you revoke it, for 30 days at most.
#[derive(Debug, clap::Args)]
pub struct RejectArgs {
    #[command(flatten)]
    wanted: Wanted,
}

/// What both have in common.
#[derive(Debug, clap::Args)]
struct Wanted {
    /// The commit: any name that git or hg knows, a full id (fetched from the requests if it is not here), or a request `r-…`
    #[arg(value_name = "REV")]
    rev: String,
    #[command(flatten)]
    target: PlaceArgs,
    /// What may happen to the target: create, update, rewrite or delete; in Mercurial close, new-head and publish too; of an environment the gate, such as `deploy` [default: what moving it to REV does; `delete` must be said]
    #[arg(long, value_name = "ACTION", value_parser = client_target::action)]
    action: Option<Action>,
    /// For how long it counts, such as `8h` or `2d` [default and most: the shortest that the matching rules allow]
    #[arg(long, value_name = "TIME", value_parser = client_token::parse_span)]
    ttl: Option<crate::domain::time::Span>,
    /// Sign for this role only
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Reads the rule to override, which must say who may.
fn override_of(name: &str, reason: &str, client: &Client) -> Result<Kind, Failure> {
    let rules = || client.policy.rules.iter().filter(|rule| rule.overriding.is_some());
    let Some(rule) = rules().find(|rule| rule.name.as_str() == name) else {
        let known: Vec<&str> = rules().map(|rule| rule.name.as_str()).collect();
        let has = if known.is_empty() {
            "none of its rules can".to_owned()
        } else {
            format!("these can: {}", known.join(", "))
        };
        return Err(Failure::usage(format!(
            "the policy has no rule `{}` that can be overridden",
            safe(name.as_bytes())
        ))
        .hint(has));
    };
    if reason.trim().is_empty() {
        return Err(Failure::usage("an override needs a reason").hint("`--reason` says why; everybody can read it"));
    }
    Ok(Kind::Override(rule.name.clone()))
}

/// Approves, or with `--reject` rejects.
///
/// # Errors
/// [`Failure`] where there is nothing to sign, nobody to ask, or the token was not taken.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let client = args.wanted.signing.open(cx)?;
    let kind = match &args.overridden {
        Some(rule) => override_of(rule, &args.wanted.signing.reason, &client)?,
        None if args.reject => Kind::Reject,
        None => Kind::Approve,
    };
    sign(&args.wanted, kind, client, cx)
}

/// Rejects.
///
/// # Errors
/// As [`run`].
pub fn reject(args: &RejectArgs, cx: &Context) -> Result<Exit, Failure> {
    sign(&args.wanted, Kind::Reject, args.wanted.signing.open(cx)?, cx)
}

fn sign(args: &Wanted, kind: Kind, mut client: Client, cx: &Context) -> Result<Exit, Failure> {
    let named = args.target.named(System::here()?)?;
    let proposal = Proposal::find(&client, Some(&args.rev), named, args.action.as_ref())?;
    let wanted = signing::Wanted {
        kind,
        action: args.action.as_ref(),
        reason: args.signing.reason.clone(),
        ttl: args.ttl,
        role: args.role.as_deref(),
    };
    let ready = Ready::of(&client, &proposal, args.signing.own_key(&client)?, wanted)?;
    for note in &ready.notes {
        cx.terminal.say(&format!("note: {note}"));
    }
    cx.terminal.say(&ready.summary);
    let Some(signed) = args.signing.sign(&ready.question, &ready.tokens, &ready.own, &mut client, cx)? else {
        return Ok(Exit::Done);
    };
    let outcome = ready.outcome(&signed, &client)?;
    match cx.format {
        Format::Json => cx.terminal.answer_json(&outcome.json(args.signing.sends())),
        Format::Text => cx.terminal.answer(&outcome.text(&args.signing.whereabouts(&client))),
    }
    Ok(Exit::Done)
}
