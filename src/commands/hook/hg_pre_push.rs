//! `jit hook hg-pre-push`: the same courtesy in a Mercurial clone, over the conversation with the script (docs/spec/hg-request.md).

use super::mercurial::prefixed;
use crate::adapters::mercurial::{CloneTalk, Reply, Request};
use crate::cli::client::preview;
use crate::cli::local_clone::System;
use crate::cli::{Context, Exit, Failure, IntoFailure as _, safe};
use crate::commands::pre_push::Objection;
use std::io::{BufReader, stdin};

/// Judges the push that the script tells of. Lets it go on wherever it cannot be judged here.
///
/// # Errors
/// [`Failure`] where there is no conversation: the script lets the push go on.
pub(super) fn run(cx: &Context) -> Result<Exit, Failure> {
    let request = Request::open(BufReader::new(stdin()), cx.terminal.conversation(), None).or_fail()?;
    let mut talk = CloneTalk::over(request);
    let (reply, exit) = match preview(&mut talk, cx) {
        Ok(assessment) => match assessment.and_then(|assessment| Objection::of(&assessment, System::Mercurial)) {
            None => (Reply::Allow { say: vec![], publish: vec![], name: vec![], later: String::new() }, Exit::Done),
            Some(Objection { reason, hints }) => deny(reason, hints),
        },
        // Another server, or a log that has shrunk or forked: whoever pushes now should know.
        Err(failure) if failure.exit == Exit::Denied => {
            deny(failure.lines().lines().map(str::to_owned).collect(), vec![])
        }
        Err(failure) => {
            let why = failure.chain.first().map_or("", String::as_str);
            let note = format!("note: this push cannot be judged here; the server will ({})", safe(why.as_bytes()));
            (Reply::Allow { say: prefixed([note]), publish: vec![], name: vec![], later: String::new() }, Exit::Done)
        }
    };
    talk.into_history().reply(&reply).or_fail()?;
    Ok(exit)
}

fn deny(reason: Vec<String>, hints: Vec<String>) -> (Reply, Exit) {
    (Reply::Deny { say: vec![], reason: prefixed(reason), hint: prefixed(hints) }, Exit::Denied)
}
