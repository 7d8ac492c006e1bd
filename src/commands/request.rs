//! `jit request`: sends commits where approvers can fetch them before they may land.

use crate::cli::client::Client;
use crate::cli::client_target::{Proposal, TargetArgs};
use crate::cli::local_clone::System;
use crate::cli::{Context, Exit, Failure, Format, safe};
use crate::domain::change::ChangesetId;
use crate::domain::request::{Request, RequestId};
use serde_json::json;

/// Sends a commit where approvers can fetch it before it may land.
///
/// Approvers then type `jit sign r-…`. Asking twice for the same commit and target is the same request.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The commit
    #[arg(value_name = "REV", required_unless_present = "cancel")]
    rev: Option<String>,
    /// Take back a request of your own instead
    #[arg(long, value_name = "r-…", value_parser = super::show::request_id, conflicts_with_all = ["rev", "reason", "TargetArgs"])]
    cancel: Option<RequestId>,
    #[command(flatten)]
    target: TargetArgs,
    /// Why it should land; everybody can read it
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    reason: String,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
}

/// Does what `args` say.
///
/// JSON: `request` (its id), `subject`, `target`, `action`, `base` (null where the target does not exist; several heads are joined by commas), `new` (false if it was there already), `command`; with `--cancel`: `request`, `cancelled`.
///
/// # Errors
/// [`Failure`] where there is nothing to ask for, or the server does not take it.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let named = args.target.named(System::here()?)?;
    let client = Client::open(args.remote.as_deref(), cx)?;
    if let Some(id) = &args.cancel {
        return cancel(id, &client, cx);
    }
    let proposal = Proposal::find(&client, args.rev.as_deref(), named, None)?;
    let target = safe(proposal.target.to_string().as_bytes());
    if proposal.has_landed(&client)? {
        return Err(Failure::new(Exit::Denied, format!("{target} has {} already", proposal.subject.hex())));
    }
    let update = client.update(proposal.supposed(None))?;
    let request = Request {
        target: proposal.target.clone(),
        action: update.action().clone(),
        base: proposal.base.clone(),
        reason: args.reason.clone(),
    };
    let message = request.message();
    Request::parse(message.as_bytes())
        .map_err(|error| Failure::from_error(Exit::Usage, &error).context("the request cannot be written"))?;
    let id = request.id(&client.published.repository, &proposal.subject);
    let known = client.local.has_request(&id)?;
    if !known {
        client.local.send_request(&id, &proposal.subject, &request)?;
    }
    report(&id, &proposal, &request, known, cx);
    Ok(Exit::Done)
}

/// Takes a request back; the server lets nobody but its requester.
fn cancel(id: &RequestId, client: &Client, cx: &Context) -> Result<Exit, Failure> {
    if !client.local.has_request(id)? {
        return Err(Failure::new(Exit::Denied, format!("the server has no request {id}"))
            .hint("one whose commits it does not keep ends by itself"));
    }
    client.local.cancel_request(id)?;
    match cx.format {
        Format::Json => cx.terminal.answer_json(&json!({ "request": id.to_string(), "cancelled": true })),
        Format::Text => cx.terminal.answer(&format!("request {id} is cancelled\n")),
    }
    Ok(Exit::Done)
}

fn report(id: &RequestId, proposal: &Proposal, request: &Request, known: bool, cx: &Context) {
    let command = format!("jit sign {id}");
    match cx.format {
        Format::Json => cx.terminal.answer_json(&json!({
            "request": id.to_string(),
            "subject": proposal.subject.to_string(),
            "target": proposal.target.to_string(),
            "action": request.action.to_string(),
            "base": (!proposal.base.is_empty()).then(|| ids(&proposal.base)),
            "new": !known,
            "command": command,
        })),
        Format::Text => {
            let target = safe(proposal.target.to_string().as_bytes());
            let what = if known { "is there already" } else { "sent" };
            cx.terminal.answer(&format!(
                "request {id} {what}: {} {target} to {}\napprovers can run `{command}`\n",
                request.action,
                proposal.subject.hex()
            ));
        }
    }
}

fn ids(base: &[ChangesetId]) -> String {
    base.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
