//! `jit request`: sends commits where approvers can fetch them before they may land.

use crate::adapters::git::{Pushed, RequestCommitError};
use crate::cli::client::Client;
use crate::cli::client_errors::{git_failure, lines, remote_failure};
use crate::cli::client_target::{Proposal, TargetArgs};
use crate::cli::{Context, Exit, Failure, Format, IntoFailure, safe};
use crate::domain::change::{ChangesetId, Target};
use crate::domain::request::{Request, RequestId};
use serde_json::json;

/// Sends a commit where approvers can fetch it before it may land.
///
/// Approvers then type `jit sign r-…`. Asking twice for the same commit and target is the same request.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The commit
    #[arg(value_name = "REV")]
    rev: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Why it should land; everybody can read it
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    reason: String,
    /// The server, by the name or URL that git knows
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
}

/// Does what `args` say.
///
/// JSON: `request` (its id), `subject`, `target`, `action`, `base` (null where the target does not exist), `new` (false if it was there already), `command`.
///
/// # Errors
/// [`Failure`] where there is nothing to ask for, or the server does not take it.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let named = args.target.named()?;
    let client = Client::open(args.remote.as_deref(), cx)?;
    let proposal = Proposal::find(&client, &args.rev, named)?;
    let target = safe(proposal.target.to_string().as_bytes());
    if proposal.has_landed(&client)? {
        return Err(Failure::new(Exit::Denied, format!("{target} has {} already", proposal.subject.hex())));
    }
    let update = client.update(proposal.claim(false))?;
    let request = Request {
        target: proposal.target.clone(),
        action: update.action().clone(),
        base: proposal.base.into_iter().collect(),
        reason: args.reason.clone(),
    };
    let message = request.message();
    Request::parse(message.as_bytes())
        .map_err(|error| Failure::from_error(Exit::Usage, &error).context("the request cannot be written"))?;
    let id = request.id(&client.published.repository, &proposal.subject);
    let refname = format!("refs/jit/requests/{id}");
    let known = Target::git_ref(refname.as_bytes()).is_ok_and(|name| client.listing.contains_key(&name));
    if !known {
        send(&client, &proposal.subject, &request, &refname)?;
    }
    report(&id, &proposal, &request, known, cx);
    Ok(Exit::Done)
}

fn send(client: &Client, subject: &ChangesetId, request: &Request, refname: &str) -> Result<(), Failure> {
    let ident = client.checkout.committer().or_fail()?;
    let commit = client.checkout.repository().write_request(subject, request, &ident).map_err(|error| match error {
        RequestCommitError::NoIdentity => {
            Failure::from_error(Exit::Usage, &error).hint("`git config user.name` and `git config user.email` set them")
        }
        RequestCommitError::Git(error) => git_failure(&error),
    })?;
    let pushed = client.remote.push(&client.checkout, &commit, refname);
    match pushed.map_err(|error| remote_failure(&error, Some(&client.remote)))? {
        Pushed::Done => Ok(()),
        Pushed::Rejected { why, said } => {
            // Somebody may have sent the same request in this moment: then there is nothing left to do.
            let listing = client.remote.list(&client.checkout);
            let listing = listing.map_err(|error| remote_failure(&error, Some(&client.remote)))?;
            if Target::git_ref(refname.as_bytes()).is_ok_and(|name| listing.contains_key(&name)) {
                return Ok(());
            }
            let mut failure = Failure::new(Exit::Denied, "the server did not take the request");
            failure.chain.extend(lines(&why));
            failure.chain.extend(lines(&said));
            Err(failure)
        }
    }
}

fn report(id: &RequestId, proposal: &Proposal, request: &Request, known: bool, cx: &Context) {
    let command = format!("jit sign {id}");
    match cx.format {
        Format::Json => cx.terminal.answer_json(&json!({
            "request": id.to_string(),
            "subject": proposal.subject.to_string(),
            "target": proposal.target.to_string(),
            "action": request.action.to_string(),
            "base": proposal.base.map(|base| base.to_string()),
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
