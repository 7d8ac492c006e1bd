//! A push from a Mercurial clone, judged before it is made, in the conversation that the clone's own hook began.

use super::mercurial_errors::failure;
use super::mercurial_server::{Approvals, Tokens, remember};
use super::{cannot_judge, compare_log, read_policy, supposed_push};
use crate::adapters::clock::SystemClock;
use crate::adapters::mercurial::CloneTalk;
use crate::cli::client_errors::history_failure;
use crate::cli::client_key::likely_login;
use crate::cli::local_clone::System;
use crate::cli::{Context, Failure};
use crate::enforcement::assess::{Assessment, NO_LOG, assess};
use crate::ports::clock::Clock as _;
use crate::ports::history::History as _;
use std::io::{Read, Write};

/// Judges the push that the hook tells of, as the server would with what is known here. `None`: it moves nothing that is judged.
///
/// # Errors
/// [`Failure`] where it cannot be judged; [`crate::cli::Exit::Denied`] for a server or log that is another than before.
pub fn preview<R: Read, W: Write>(talk: &mut CloneTalk<R, W>, cx: &Context) -> Result<Option<Assessment>, Failure> {
    let header = talk.header().clone();
    let nowhere = || Failure::undecided("the hook's script names no `jit` folder");
    let dot_hg = header.folder.parent().filter(|folder| folder.is_absolute()).ok_or_else(nowhere)?;
    // The hook knows the server by its URL alone.
    let url = String::from_utf8_lossy(&header.url.unwrap_or_default()).into_owned();
    let heads = talk.approvals().map_err(|error| failure(&error))?;
    let Approvals { files, tokens } = Approvals::read(heads, &url)?;
    remember(dot_hg, &url, &files.published)?;
    compare_log(&files)?;
    let policy = read_policy(&files.policies, cx)?;
    let tokens = Tokens::of(dot_hg, tokens)?;
    let history = talk.history();
    let mut updates = history.ref_updates().map_err(|error| history_failure(&error))?;
    // Approvals are no matter of the policy.
    updates.retain(|update| !update.target.is_own());
    if updates.is_empty() {
        return Ok(None);
    }
    let login = likely_login(&policy, System::Mercurial, None);
    let push = supposed_push(&files.published, login.as_deref(), updates);
    let judged = assess(&policy, push, history, &&tokens, &NO_LOG, SystemClock.now());
    judged.map(Some).map_err(|error| cannot_judge(&error))
}
