//! `jit review`: says that somebody else looked at an override.

use crate::cli::client::Client;
use crate::cli::client_signing::SigningArgs;
use crate::cli::client_target::{PlaceArgs, find_subject};
use crate::cli::local_clone::System;
use crate::cli::{Context, Exit, Failure, advice, client_token, safe};
use crate::domain::approval::{Kind, SignedToken, Token};
use crate::domain::change::{Changeset, ChangesetId, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use std::collections::BTreeSet;

/// Says that you looked at what an override let in.
///
/// Whoever signed the override, pushed with it or wrote what it let in cannot; who can are those who hold a role that the rule asks for, or
/// its override's role. Until then it is a debt, which the server tells of once it is overdue.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The commit that was signed for, or the tip that landed with it
    #[arg(value_name = "REV")]
    rev: String,
    #[command(flatten)]
    target: PlaceArgs,
    /// The rule that was overridden [default: of the overrides of REV the only one]
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Does what `args` say.
///
/// JSON: `tokens` (the review), `sent`.
///
/// # Errors
/// [`Failure`] where it is not clear which override is meant, or the server does not take the review.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let named = args.target.named(System::here()?)?;
    let mut client = args.signing.open(cx)?;
    let subject = find_subject(&client, &args.rev)?;
    let (target, rule) = choose(&client, subject, named, args.rule.as_deref())?;
    let own = args.signing.own_key(&client)?;
    check_role(&client, &own.who, &rule)?;
    let overrides = overrides(&client, |token| {
        token.kind == Kind::Override(rule.clone()) && token.target.as_ref() == Some(&target)
    })?;
    for signed in overrides.iter().filter(|signed| signed.token.subject == Some(subject)) {
        let who = client.policy.holder(&signed.key);
        if who == Some(&own.who) {
            return Err(Failure::new(
                Exit::Denied,
                format!("{} signed the override: somebody else reviews it", own.who),
            ));
        }
        check_author(&client, &own.who, &signed.token)?;
        let who = who.map_or_else(|| signed.key.to_string(), ToString::to_string);
        cx.terminal.say(&format!("{who} overrode `{rule}`: \"{}\"", safe(signed.token.reason.as_bytes())));
    }
    cx.terminal.say("note: who pushed with it is not known here; the server takes no review of theirs");
    let token = Token {
        kind: Kind::Review(rule.clone()),
        subject: Some(subject),
        target: Some(target.clone()),
        ..client_token::bare(&client, args.signing.reason.clone())?
    };
    let what = format!("the override of `{rule}` for {} at {}", safe(target.to_string().as_bytes()), subject.hex());
    cx.terminal.say(&format!("{} reviews, with the key {}: {what}", own.who, own.key));
    args.signing.sign_alone("is it reviewed?", token, &format!("reviewed {what}"), &own, &mut client, cx)
}

/// Refuses a review by who wrote what was let in, as far as it is here.
fn check_author(client: &Client, own: &PrincipalId, overriding: &Token) -> Result<(), Failure> {
    let Some(subject) = overriding.subject else { return Ok(()) };
    // Whoever reviews what is not here is judged by the server alone.
    let brought = client.local.brought(&subject, &overriding.base).unwrap_or_default();
    let is_own = |commit: &&Changeset| {
        let mut mails = commit.authors.iter().chain(&commit.committer);
        mails.any(|mail| client.policy.owner_of_email(mail) == Some(own))
    };
    match brought.iter().find(is_own) {
        None => Ok(()),
        Some(commit) => {
            let what =
                format!("{own} wrote {}, which came with the override: somebody else reviews it", commit.id.hex());
            Err(Failure::new(Exit::Denied, what))
        }
    }
}

/// Refuses a review that the server would not take, as far as the policy tells.
fn check_role(client: &Client, own: &PrincipalId, rule: &RuleName) -> Result<(), Failure> {
    let written = client.policy.rules.iter().find(|written| written.name == *rule);
    let Some((written, overriding)) = written.and_then(|rule| Some((rule, rule.overriding.as_ref()?))) else {
        // The server remembers who could when it was overridden.
        return Ok(());
    };
    let roles: BTreeSet<&RoleName> = written.roles().into_iter().chain([&overriding.requirement.role]).collect();
    if roles.iter().any(|role| client.policy.holds_role(own, role)) {
        return Ok(());
    }
    let roles: Vec<String> = roles.into_iter().map(|role| format!("`{role}`")).collect();
    let what = format!("{own} holds none of {}, who review what overrides `{rule}`", roles.join(", "));
    Err(Failure::new(Exit::Denied, what))
}

/// The target and the rule: what is named, and for the rest the only override of `subject` that is known here.
fn choose(
    client: &Client,
    subject: ChangesetId,
    named: Option<Target>,
    rule: Option<&str>,
) -> Result<(Target, RuleName), Failure> {
    let rule = match rule {
        None => None,
        Some(name) => {
            let read = RuleName::new(name);
            Some(read.map_err(|_| Failure::usage(format!("`{}` is not the name of a rule", safe(name.as_bytes()))))?)
        }
    };
    if let (Some(target), Some(rule)) = (&named, &rule) {
        return Ok((target.clone(), rule.clone()));
    }
    let known = overrides(client, |token| token.subject == Some(subject))?;
    let mut found: BTreeSet<(Target, RuleName)> = known.into_iter().filter_map(|signed| about(&signed.token)).collect();
    found.retain(|(target, name)| {
        named.as_ref().is_none_or(|named| named == target) && rule.as_ref().is_none_or(|rule| rule == name)
    });
    let choices: Vec<String> =
        found.iter().map(|(target, rule)| format!("{} --rule {rule}", advice::target_flag(target))).collect();
    match (found.len(), found.pop_first()) {
        (1, Some(only)) => Ok(only),
        (0, _) | (_, None) => Err(Failure::usage(format!("no override of {} is known here", subject.hex()))
            .hint("`--branch B --rule RULE` says which is meant; `jit tokens` lists what is known")),
        _ => Err(Failure::usage(format!("{} was overridden more than once", subject.hex()))
            .hint(format!("add one of: {}", choices.join(", ")))),
    }
}

/// Says of each override for `target` that has landed, as far as is known here, that nobody has reviewed it in time.
///
/// Only the server's log knows for certain: an override may have landed without being needed.
///
/// # Errors
/// [`Failure`] where tokens or history cannot be read.
pub(super) fn overdue(client: &Client, target: &Target, value: &[ChangesetId]) -> Result<Vec<String>, Failure> {
    let reviews: Vec<Token> = client.local.known_tokens()?.into_iter().map(|known| known.signed.token).collect();
    let mut lines = Vec::new();
    for signed in overrides(client, |token| token.target.as_ref() == Some(target))? {
        let (Some((_, name)), Some(subject)) = (about(&signed.token), signed.token.subject) else { continue };
        let rule = client.policy.rules.iter().find(|rule| rule.name == name);
        let Some(written) = rule.and_then(|rule| rule.overriding.as_ref()) else { continue };
        let due = signed.token.not_before.plus(written.review_within);
        let is_review = |token: &Token| {
            token.kind == Kind::Review(name.clone())
                && token.target.as_ref() == Some(target)
                && token.not_before >= signed.token.not_before
        };
        if client.now < due || reviews.iter().any(is_review) || !client.local.reaches(value, &subject)? {
            continue;
        }
        let who = client.policy.holder(&signed.key).map_or_else(|| signed.key.to_string(), ToString::to_string);
        let (rev, flag) = (subject.hex(), advice::target_flag(target));
        lines.push(format!(
            "{who} overrode `{name}`, and no review is known here; it was due {due}: `jit review {rev} --rule {name} {flag}`"
        ));
    }
    Ok(lines)
}

fn about(token: &Token) -> Option<(Target, RuleName)> {
    match (&token.kind, &token.target) {
        (Kind::Override(rule), Some(target)) => Some((target.clone(), rule.clone())),
        _ => None,
    }
}

/// The overrides of this repository that are known here and `wanted`.
fn overrides(client: &Client, wanted: impl Fn(&Token) -> bool) -> Result<Vec<SignedToken>, Failure> {
    let all = client.local.known_tokens()?.into_iter().map(|known| known.signed);
    let here = all.filter(|signed| signed.token.repository == client.published.repository);
    Ok(here.filter(|signed| about(&signed.token).is_some() && wanted(&signed.token)).collect())
}
