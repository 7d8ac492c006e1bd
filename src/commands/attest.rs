//! `jit attest`: says how a check of a commit ended.

use crate::cli::client_signing::SigningArgs;
use crate::cli::client_target::find_subject;
use crate::cli::{Context, Exit, Failure, client_token, safe};
use crate::domain::approval::{Kind, Status, Token};
use crate::domain::name::CheckName;
use crate::domain::time::Span;

/// How long an attestation counts where nothing else is said.
const USUAL: Span = Span::days(30);

/// Says how a check of a commit ended, for rules that name it in `checks`.
///
/// The newest attestation by somebody who holds the check's role decides, whichever branch the commit is for. It travels like an
/// approval, to `refs/jit/approvals` or the branch `jit-approvals`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The commit: any name that git or hg knows, a full id, or a request `r-…`
    #[arg(value_name = "REV")]
    rev: String,
    /// The check, as the policy names it
    #[arg(long, value_name = "NAME")]
    check: String,
    /// How it ended: passed or failed
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Status,
    /// For how long it counts, such as `8h` or `2d` [default: 30 days]
    #[arg(long, value_name = "TIME", value_parser = client_token::parse_span)]
    ttl: Option<Span>,
    #[command(flatten)]
    signing: SigningArgs,
}

fn status(word: &str) -> Result<Status, String> {
    Status::parse(word).ok_or_else(|| "it is `passed` or `failed`".to_owned())
}

/// Does what `args` say.
///
/// JSON: `tokens` (the attestation), `sent`.
///
/// # Errors
/// [`Failure`] for a check that the policy does not have, a key whose owner may not attest it, or a commit that nobody knows.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let mut client = args.signing.open(cx)?;
    let subject = find_subject(&client, &args.rev)?;
    let known = CheckName::new(&args.check).ok().and_then(|name| client.policy.checks.get_key_value(&name));
    let Some((check, role)) = known.map(|(check, role)| (check.clone(), role.clone())) else {
        let known: Vec<&str> = client.policy.checks.keys().map(CheckName::as_str).collect();
        let has = if known.is_empty() { "it has none".to_owned() } else { format!("it has: {}", known.join(", ")) };
        return Err(Failure::usage(format!("the policy has no check `{}`", safe(args.check.as_bytes()))).hint(has));
    };
    let own = args.signing.own_key(&client)?;
    if !client.policy.holds_role(&own.who, &role) {
        return Err(Failure::new(Exit::Denied, format!("{} does not hold `{role}`, which attests `{check}`", own.who)));
    }
    let token = Token {
        kind: Kind::Attest { check: check.clone(), status: args.status },
        subject: Some(subject),
        not_after: Some(client.now.plus(args.ttl.unwrap_or(USUAL))),
        ..client_token::bare(&client, args.signing.reason.clone())?
    };
    let what = format!("`{check}` {} for {}", args.status.word(), subject.hex());
    cx.terminal.say(&format!("{} attests, with the key {}: {what}", own.who, own.key));
    args.signing.sign_alone("attest this?", token, &format!("attested {what}"), &own, &mut client, cx)
}
