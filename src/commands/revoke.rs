//! `jit revoke`: takes back a token of one's own.

use crate::cli::client::Client;
use crate::cli::client_key::OwnKey;
use crate::cli::{Context, Exit, Failure, Format, client_json, client_token, safe};
use crate::domain::approval::{Kind, SignedToken};
use serde_json::json;
use std::path::PathBuf;

/// The fewest digits by which a token is known; fewer could be made to mean another.
const FEWEST: usize = 8;

/// Takes back an approval or a rejection of your own.
///
/// An approval that was rejected or revoked does not come back: sign again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The token's id, as `jit tokens` shows it; the first 8 digits suffice if no other token begins with them
    #[arg(value_name = "TOKEN-ID")]
    id: String,
    /// Why; everybody can read it
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    reason: String,
    /// The private key file [default: `jit.key` in git config or hgrc, or the one in ~/.ssh that the policy lists]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Does what `args` say.
///
/// JSON: `revoked` (the token's id), `tokens` (the revocation), `sent`.
///
/// # Errors
/// [`Failure`] for a token that is not there, or somebody else's.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    if !args.yes && !cx.terminal.can_ask() {
        return Err(Failure::usage("there is no terminal to ask on").hint("`--yes` revokes without asking"));
    }
    let mut client = Client::open(args.remote.as_deref(), cx)?;
    let revoked = find(&client, &args.id)?;
    let own = OwnKey::choose(&client, args.key.as_deref())?;
    match client.policy.holder(&revoked.key) {
        Some(who) if *who == own.who => {}
        Some(who) => {
            return Err(Failure::new(
                Exit::Denied,
                format!("{} is {who}'s token, and you are {}", revoked.id, own.who),
            )
            .hint("`jit reject` says no to the change itself"));
        }
        None => {
            let what = format!("{} is signed with a key that the policy does not list ({})", revoked.id, revoked.key);
            return Err(Failure::new(Exit::Denied, what).hint("it does not count for anything"));
        }
    }
    let what = describe(&revoked);
    if own_revocation_exists(&client, &revoked, &own)? {
        cx.terminal.say(&format!("{what} is revoked already"));
        return Ok(Exit::Done);
    }
    cx.terminal.say(&format!("{} takes back {what}", own.who));
    if !args.yes && !cx.terminal.confirm("revoke it?") {
        return Err(Failure::new(Exit::Denied, "nothing was signed"));
    }
    let token = client_token::revocation(&client, revoked.id, args.reason.clone())?;
    let signed = client_token::sign(&token, &own.signer(cx)?)?;
    client.keep(std::slice::from_ref(&signed))?;
    client.send_waiting()?;
    match cx.format {
        Format::Json => cx.terminal.answer_json(&json!({
            "revoked": revoked.id.to_string(),
            "tokens": [client_json::token(&signed, Some(&own.who))],
            "sent": true,
        })),
        Format::Text => cx.terminal.answer(&format!("revoked {what}\ntoken {}\n", signed.id)),
    }
    Ok(Exit::Done)
}

fn find(client: &Client, prefix: &str) -> Result<SignedToken, Failure> {
    let hex = prefix.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !hex || !(FEWEST..=64).contains(&prefix.len()) {
        return Err(Failure::usage(format!("a token's id has 64 lowercase hex digits, of which {FEWEST} are needed")));
    }
    let all = client.local.known_tokens()?;
    let mut found: Vec<SignedToken> = all
        .into_iter()
        .map(|known| known.signed)
        .filter(|signed| signed.id.to_string().starts_with(prefix))
        .filter(|signed| !matches!(signed.token.kind, Kind::Revoke(_)))
        .collect();
    match (found.len(), found.pop()) {
        (1, Some(only)) => Ok(only),
        (0, _) | (_, None) => Err(Failure::new(Exit::Denied, format!("no approval or rejection begins with {prefix}"))
            .hint("`jit tokens` lists them")),
        (many, _) => Err(Failure::usage(format!("{many} tokens begin with {prefix}")).hint("give more digits")),
    }
}

fn own_revocation_exists(client: &Client, revoked: &SignedToken, own: &OwnKey) -> Result<bool, Failure> {
    let all = client.local.known_tokens()?;
    Ok(all.iter().any(|known| {
        !known.waiting
            && known.signed.token.kind == Kind::Revoke(revoked.id)
            && client.policy.holder(&known.signed.key) == Some(&own.who)
    }))
}

fn describe(signed: &SignedToken) -> String {
    let noun = if signed.token.kind == Kind::Reject { "rejection" } else { "approval" };
    let subject = signed.token.subject.map_or_else(String::new, |id| id.hex());
    let target = signed.token.target.as_ref().map_or_else(String::new, |target| safe(target.to_string().as_bytes()));
    format!("the {noun} {} of {subject} for {target}", signed.id)
}
