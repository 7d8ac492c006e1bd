//! `jit sign` and `jit reject`: shows a change, asks, signs a token for it, and sends it.

use crate::cli::client::Client;
use crate::cli::client_key::OwnKey;
use crate::cli::client_signing::SigningArgs;
use crate::cli::client_target::{Proposal, TargetArgs};
use crate::cli::local_clone::{Step, System};
use crate::cli::summary::Summary;
use crate::cli::{Context, Exit, Failure, Format, answer, client_json, client_token, safe};
use crate::domain::approval::{Kind, SignedToken};
use crate::domain::change::{Action, Target};
use crate::domain::policy::{UpdateDecision, Verdict};
use serde_json::json;
use std::collections::BTreeSet;

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
    target: TargetArgs,
    /// What may happen to the target: create, update, rewrite or delete; in Mercurial close, new-head and publish too [default: what moving it to REV does; `delete` must be said]
    #[arg(long, value_name = "ACTION", value_parser = Action::parse)]
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
    let proposal = Proposal::find(&client, Some(&args.rev), named)?;
    check_possible(&client, &proposal, args.action.as_ref())?;
    let supposed = proposal.supposed(args.action.as_ref());
    let update = client.update(supposed.clone())?;
    if supposed.step == Step::Delete && update.tips != [proposal.subject] {
        let target = safe(proposal.target.to_string().as_bytes());
        return Err(Failure::usage(format!("{target} is not at {} on the server", proposal.subject.hex()))
            .hint("to delete it, sign for what it holds now"));
    }
    if let Some(asked) = args.action.as_ref().filter(|asked| *asked != update.action()) {
        let target = safe(proposal.target.to_string().as_bytes());
        return Err(Failure::usage(format!("moving {target} to {} is not {asked} but {}", args.rev, update.action()))
            .hint("leave `--action` away to sign for what it is"));
    }
    let own = args.signing.own_key(&client)?;
    let wishes = client_token::Wishes {
        kind,
        action: update.action().clone(),
        reason: args.signing.reason.clone(),
        ttl: args.ttl,
        role: args.role.as_deref(),
    };
    let draft = client_token::draft(&client, &proposal, &own, wishes)?;
    for note in &draft.notes {
        cx.terminal.say(&format!("note: {note}"));
    }
    let unsigned: Vec<SignedToken> = draft.tokens.iter().map(|token| client_token::supposed(token, own.key)).collect();
    let assessment = client.assess(std::slice::from_ref(&supposed), None, &unsigned)?;
    let decision = first(&assessment.decision.updates)?;
    let effect = client.local.effect(&update)?;
    let main = unsigned.last().ok_or_else(|| Failure::undecided("nothing to sign"))?;
    let summary = Summary {
        who: &own.who,
        key: own.key.to_string(),
        request: proposal.request.as_ref(),
        token: &main.token,
        id: main.id,
        commits: &update.changesets,
        lost: &effect.lost,
        size: &effect.size,
        decision,
    };
    cx.terminal.say(&summary.text());
    let verb = match main.token.kind {
        Kind::Reject => "reject",
        Kind::Override(_) => "override the rule for",
        _ => "approve",
    };
    let question = format!("{verb} this?");
    let Some(signed) = args.signing.sign(&question, &draft.tokens, &own, &mut client, cx)? else {
        return Ok(Exit::Done);
    };
    let after = client.assess(&[supposed], None, &[])?;
    report(&signed, &own, first(&after.decision.updates)?, &after.push, &args.signing, &client, cx);
    Ok(Exit::Done)
}

/// Refuses what would sign for nothing.
fn check_possible(client: &Client, proposal: &Proposal, action: Option<&Action>) -> Result<(), Failure> {
    let target = safe(proposal.target.to_string().as_bytes());
    let subject = proposal.subject.hex();
    if action == Some(&Action::Delete) {
        return if proposal.base.is_empty() {
            Err(Failure::new(Exit::Denied, format!("{target} does not exist on the server")))
        } else {
            Ok(())
        };
    }
    let stays = !matches!(action, Some(Action::Rewrite | Action::Publish));
    if stays && proposal.has_landed(client)? {
        return Err(Failure::new(
            Exit::Denied,
            format!("{target} has {subject} already: there is nothing to sign for"),
        )
        .hint(match proposal.target {
            Target::Branch(_) => "`--action publish` signs for making drafts of it public",
            _ => "`--action rewrite` signs for setting it back, `--action delete` for deleting it",
        }));
    }
    Ok(())
}

fn first(updates: &[UpdateDecision]) -> Result<&UpdateDecision, Failure> {
    updates.first().ok_or_else(|| Failure::undecided("the move comes to nothing"))
}

/// Says what was done, and what is missing now. JSON: `tokens`, `sent`, `update` (how a push by somebody else would be judged now).
fn report(
    signed: &[SignedToken],
    own: &OwnKey,
    decision: &UpdateDecision,
    push: &crate::domain::change::Push,
    signing: &SigningArgs,
    client: &Client,
    cx: &Context,
) {
    if cx.format == Format::Json {
        let tokens: Vec<_> = signed.iter().map(|one| client_json::token(one, Some(&own.who))).collect();
        let update = client_json::update(decision);
        cx.terminal.answer_json(&json!({ "tokens": tokens, "sent": signing.sends(), "update": update }));
        return;
    }
    let mut text = String::new();
    for one in signed {
        let what = match &one.token.kind {
            Kind::Revoke(id) => format!("revoked {id}"),
            Kind::Reject => "rejected".to_owned(),
            Kind::Override(rule) => format!("`{rule}` overridden"),
            _ => "approved".to_owned(),
        };
        text.push_str(&format!("{what} by {}: token {}\n", own.who, one.id));
    }
    text.push_str(&signing.whereabouts(client));
    let target = safe(decision.target.to_string().as_bytes());
    match decision.verdict() {
        Verdict::Allow => {
            let counted = decision.rules.iter().flat_map(|rule| &rule.counted);
            let names: BTreeSet<&str> = counted.map(|one| one.who.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            text.push_str(&match &names[..] {
                [] => format!("nothing is missing for {target}\n"),
                names => format!(
                    "nothing is missing for {target} (unless it is pushed by {}: nobody's approval counts for their own push)\n",
                    names.join(" or ")
                ),
            });
        }
        Verdict::Deny => {
            text.push_str(&format!("still missing for {target}:\n"));
            // The first line is the verdict on a push that nobody makes.
            for line in answer::update_lines(push, decision).lines().skip(1) {
                text.push_str(&format!("{line}\n"));
            }
        }
    }
    cx.terminal.answer(&text);
}
