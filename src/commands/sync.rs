//! `jit sync`: fetches policy, approvals and checkpoint, and checks that the log is the one that it was.

use crate::adapters::disk::Seen;
use crate::cli::client::{Client, shown};
use crate::cli::summary::counted;
use crate::cli::{Context, Exit, Failure, Format, safe};
use serde_json::json;
use std::fmt::Write as _;

/// Fetches the server's policy and approvals, and checks its log.
///
/// Remembers the highest checkpoint that the log has shown, and fails if the log has shrunk, forked or changed its key since. Every
/// command that talks to a server does this first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server, by its name or URL [default: `jit.remote` in git config or hgrc, or where a push would go]
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Send the tokens that were signed with `--local`, or could not be sent
    #[arg(long)]
    send: bool,
}

/// Does what `args` say.
///
/// JSON: `remote`, `repository`, `origin`, `key`, `checkpoint` (`size`, `root`; null where the server shows none), `log` (`new`, `same`,
/// `grown`), `rules`, `tokens`, `waiting` (tokens not sent), `sent` (ids).
///
/// # Errors
/// [`Failure`]; exit 1 where the log cannot be trusted.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let mut client = Client::open(args.remote.as_deref(), cx)?;
    let sent = if args.send { client.send_waiting()? } else { Vec::new() };
    client.local.forget_gone_requests()?;
    let tokens = client.local.known_tokens()?;
    let waiting = tokens.iter().filter(|token| token.waiting).count();
    let log = match &client.seen {
        Seen::First(_) => "new",
        Seen::Same(_) => "same",
        Seen::Grown { .. } => "grown",
    };
    let checkpoint = shown(&client.seen);
    if cx.format == Format::Json {
        cx.terminal.answer_json(&json!({
            "remote": client.local.remote(),
            "repository": client.published.repository,
            "origin": client.published.key.origin().as_str(),
            "key": client.published.key.to_string(),
            "checkpoint": checkpoint.map(|shown| json!({ "size": shown.size, "root": shown.root.base64() })),
            "log": log,
            "rules": client.policy.rules.len(),
            "tokens": tokens.len(),
            "waiting": waiting,
            "sent": sent.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    let mut field = |name: &str, value: String| {
        writeln!(text, "{name:<11}{value}").expect("a String takes everything");
    };
    field("remote", safe(client.local.remote().as_bytes()));
    field("repository", safe(client.published.repository.as_bytes()));
    field("log", client.published.key.to_string());
    field(
        "checkpoint",
        match (&client.seen, checkpoint) {
            (_, None) => "none shown yet".to_owned(),
            (Seen::First(_), Some(now)) => {
                format!("{} entries, root {} (first seen: remembered)", now.size, now.root.base64())
            }
            (Seen::Grown { from, .. }, Some(now)) => {
                format!("{} entries, root {} ({from} before)", now.size, now.root.base64())
            }
            (Seen::Same(_), Some(now)) => format!("{} entries, root {} (as before)", now.size, now.root.base64()),
        },
    );
    let rules = counted(client.policy.rules.len(), "rule", "rules");
    field("policy", format!("{rules}, {}", counted(client.policy.principals.len(), "principal", "principals")));
    field("tokens", tokens.len().to_string());
    if !sent.is_empty() {
        field("sent", sent.len().to_string());
    }
    if waiting > 0 {
        field("waiting", format!("{waiting} not sent"));
    }
    cx.terminal.answer(&text);
    Ok(Exit::Done)
}
