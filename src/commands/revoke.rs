//! `jit revoke`: takes back a token of one's own.

use crate::cli::client::Client;
use crate::cli::client_key::OwnKey;
use crate::cli::client_signing::SigningArgs;
use crate::cli::{Context, Exit, Failure, client_token, safe};
use crate::domain::approval::{Kind, SignedToken};

/// The fewest digits by which a token is known; fewer could be made to mean another.
const FEWEST: usize = 8;

/// Takes back a token of your own: an approval, a rejection, an attestation.
///
/// An approval that was rejected or revoked does not come back: sign again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The token's id, as `jit tokens` shows it; the first 8 digits suffice if no other token begins with them
    #[arg(value_name = "TOKEN-ID")]
    id: String,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Does what `args` say.
///
/// JSON: `tokens` (the revocation, whose `revokes` is the token's id), `sent`.
///
/// # Errors
/// [`Failure`] for a token that is not there, or somebody else's.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let mut client = args.signing.open(cx)?;
    let revoked = find(&client, &args.id)?;
    let own = args.signing.own_key(&client)?;
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
    let token = client_token::revocation(&client, revoked.id, args.signing.reason.clone())?;
    args.signing.sign_alone("revoke it?", token, &format!("revoked {what}"), &own, &mut client, cx)
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
        (0, _) | (_, None) => Err(Failure::new(Exit::Denied, format!("no token to take back begins with {prefix}"))
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
    let noun = match &signed.token.kind {
        Kind::Approve => "approval",
        Kind::Reject => "rejection",
        Kind::Revoke(_) => "revocation",
        Kind::Attest { .. } => "attestation",
        Kind::Override(_) => "override",
        Kind::Review(_) => "review",
        Kind::Delegate { .. } => "delegation",
    };
    let of = signed.token.subject.map(|id| format!(" of {}", id.hex())).unwrap_or_default();
    let target = signed.token.target.as_ref().map(|target| format!(" for {}", safe(target.to_string().as_bytes())));
    let detail = signed.token.kind.detail().map(|detail| format!(" ({detail})"));
    format!("the {noun} {}{of}{}{}", signed.id, target.unwrap_or_default(), detail.unwrap_or_default())
}
