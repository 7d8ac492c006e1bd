//! Sends tokens: on top of what the server has, again if somebody else was faster.

use super::client::Client;
use super::client_errors::{git_failure, lines, remote_failure};
use super::{Exit, Failure};
use crate::adapters::git::{APPROVALS_REF, Pushed};
use crate::domain::approval::{SignedToken, TokenId};
use crate::ports::approval_store::ApprovalStore as _;
use std::time::Duration;

/// How often the server's approvals may change under our hands before we give up.
const TRIES: u32 = 20;
/// The longest wait before the first retry; it grows with each.
const WAIT: Duration = Duration::from_millis(100);

/// Keeps `tokens` here among those that wait to be sent.
///
/// # Errors
/// [`Failure`] if they cannot be written.
pub fn keep(client: &Client, tokens: &[SignedToken]) -> Result<(), Failure> {
    for signed in tokens {
        client.approvals().add(signed, client.now).map_err(|error| {
            Failure::from_error(Exit::Undecided, &error).context("the token could not be kept in this clone")
        })?;
    }
    Ok(())
}

/// Sends all tokens for this repository that wait and that the server can take; returns their ids.
///
/// Tokens that have expired, and those of keys that the policy no longer lists, stay behind: the server would refuse them and all
/// others with them.
///
/// # Errors
/// [`Failure`]: nothing was sent; the tokens wait on.
pub fn send(client: &mut Client) -> Result<Vec<TokenId>, Failure> {
    let mut waiting = client.approvals().waiting(&client.published.repository).map_err(|error| git_failure(&error))?;
    waiting.retain(|signed| {
        client.policy.holder(&signed.key).is_some() && signed.token.not_after.is_none_or(|end| client.now < end)
    });
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    send_all(client, &waiting).map_err(|failure| {
        failure
            .hint("the token is kept here, in `refs/jit/local/approvals`; `jit sync --send` sends it, and so does the next `jit sign`")
    })?;
    client.approvals().forget_waiting(&waiting, client.now).map_err(|error| git_failure(&error))?;
    Ok(waiting.iter().map(|signed| signed.id).collect())
}

fn send_all(client: &mut Client, tokens: &[SignedToken]) -> Result<(), Failure> {
    let kept = client.remote.kept("approvals");
    for attempt in 1..=TRIES {
        let before = client.approvals().fetched().map_err(|error| git_failure(&error))?;
        let addition = client.approvals().addition(before, tokens, client.now).map_err(|error| git_failure(&error))?;
        let Some(commit) = addition else { return Ok(()) };
        let pushed = client.remote.push(&client.checkout, &commit, APPROVALS_REF);
        match pushed.map_err(|error| remote_failure(&error, Some(&client.remote)))? {
            Pushed::Done => {
                return client.checkout.repository().keep(&kept, Some(&commit)).map_err(|error| git_failure(&error));
            }
            Pushed::Rejected { why, said } => {
                client.refresh()?;
                let after = client.approvals().fetched().map_err(|error| git_failure(&error))?;
                if after == before && !is_race(&why) {
                    return Err(refused(&why, &said));
                }
                pause(attempt);
            }
        }
    }
    Err(Failure::undecided(format!("{APPROVALS_REF} changed {TRIES} times while the token was being sent")))
}

/// Tells whether git's words are about two writers at the same time; its words for a hook's refusal are others.
fn is_race(why: &[u8]) -> bool {
    let words = String::from_utf8_lossy(why);
    ["fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update ref", "incorrect old value"]
        .iter()
        .any(|race| words.contains(race))
}

fn refused(why: &[u8], said: &[u8]) -> Failure {
    let mut failure = Failure::new(Exit::Denied, "the server did not take the token");
    failure.chain.extend(lines(why));
    failure.chain.extend(lines(said));
    failure
}

/// Waits a little, by chance more or less, so that those who collided do not collide again.
fn pause(attempt: u32) {
    let mut byte = [0];
    // Without randomness everybody waits the same: worse, not wrong.
    let share = getrandom::fill(&mut byte).map_or(128, |()| u32::from(byte[0]));
    std::thread::sleep(WAIT * attempt * (share + 1) / 256);
}
