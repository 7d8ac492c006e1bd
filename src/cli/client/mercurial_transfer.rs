//! What a Mercurial clone exchanges with its server: tokens, and requests with the server's sibling. All of it is sent from bundles, so
//! that the clone gains nothing by it.

use super::mercurial::MercurialClone;
use super::mercurial_errors::{bundle_failure, failure};
use crate::adapters::mercurial::{Bundle, Closed, HgError, MOST_TOKENS, REQUESTS_BRANCH};
use crate::cli::client_errors::refused;
use crate::cli::local_clone::KeptRequest;
use crate::cli::{Exit, Failure, IntoFailure as _, safe};
use crate::domain::approval::SignedToken;
use crate::domain::change::ChangesetId;
use crate::domain::request::{Request, RequestId};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Output;

/// What the sibling's URL has after the server's.
const SIBLING: &str = "-requests";

impl MercurialClone {
    /// Sends tokens, as changesets that have nothing in common with any other: whoever else sends some is not in the way.
    pub(super) fn push_tokens(&self, tokens: &[SignedToken]) -> Result<(), Failure> {
        let url = self.url()?;
        for some in self.tokens().unpublished(tokens).chunks(MOST_TOKENS) {
            let texts: Vec<&str> = some.iter().map(|signed| signed.text.as_str()).collect();
            let bundle = Bundle::of_tokens(&texts, self.user(), Self::now()).map_err(|error| bundle_failure(&error))?;
            let output = self.push_bundle(&bundle, &url)?;
            if !output.status.success() {
                return Err(not_taken("token", "send the token", output));
            }
        }
        self.tokens().sent(tokens)
    }

    /// Pushes the changesets of a bundle and what they stand on, and nothing else of the clone.
    fn push_bundle(&self, bundle: &Bundle, url: &str) -> Result<Output, Failure> {
        let file = bundle.to_file().map_err(|error| failure(&error))?;
        let mut arguments: Vec<OsString> = vec!["push".into(), "--force".into(), "--repository".into()];
        arguments.push(file.path().into());
        arguments.extend(bundle.ids.iter().flat_map(|id| ["--rev".into(), id.hex().into()]));
        arguments.extend(["--".into(), url.into()]);
        self.hg.run(arguments).map_err(|error| failure(&error))
    }

    fn sibling(&self) -> Result<String, Failure> {
        Ok(format!("{}{SIBLING}", self.url()?.trim_end_matches('/')))
    }

    /// Returns the server's requests by their names; other names are none.
    pub(super) fn listed_requests(&self) -> Result<BTreeMap<RequestId, ChangesetId>, Failure> {
        let listed = self.ask(|talk| talk.requests()).map_err(no_sibling)?;
        Ok(listed.into_iter().filter_map(|(name, id)| Some((RequestId::parse(&name).ok()?, id))).collect())
    }

    /// Reads one request, whose subject is pulled if it is not here, or all.
    pub(super) fn read_requests(&self, only: Option<&RequestId>) -> Result<Vec<KeptRequest>, Failure> {
        let mut found = Vec::new();
        for (id, node) in self.listed_requests()?.into_iter().filter(|(id, _)| only.is_none_or(|only| only == id)) {
            let read = self.ask(|talk| talk.request(&node))?;
            // Mercurial keeps no line end at the end.
            let message = [&read.description[..], b"\n"].concat();
            if let (Some(subject), Ok(request)) = (read.subject, Request::parse(&message)) {
                let by = String::from_utf8_lossy(&read.by).into_owned();
                found.push(KeptRequest { id, subject, request, by, time: read.time });
            }
        }
        if let (Some(_), [kept]) = (only, &found[..])
            && self.ask(|talk| talk.resolve(&kept.subject.hex()))?.is_none()
        {
            let subject = kept.subject;
            self.pull_requested(&subject)?;
        }
        Ok(found)
    }

    /// Brings a changeset and what it stands on from the requests into the clone: an approver wants to look at it. Tells whether they have it.
    ///
    /// By way of a file that holds changesets and nothing else: whoever may ask for approval may set bookmarks, phases and markers there, and a
    /// pull would take these over.
    pub(super) fn pull_requested(&self, changeset: &ChangesetId) -> Result<bool, Failure> {
        let sibling = self.sibling()?;
        let folder = tempfile::tempdir().or_fail()?;
        let file = folder.path().join("request.hg").into_os_string();
        let hex = changeset.hex();
        let mut incoming: Vec<OsString> = ["incoming", "--quiet", "--bundle"].map(OsString::from).to_vec();
        incoming.extend([file.clone(), "--rev".into(), hex.into(), "--".into(), sibling.into()]);
        let found = self.hg.run(incoming).map_err(|error| failure(&error))?;
        match found.status.code() {
            Some(0) => {
                let added = self.hg.must("take in the request", ["unbundle".into(), "--quiet".into(), file]);
                added.map_err(|error| failure(&error))?;
                self.reopen()?;
            }
            // There is nothing that is not here.
            Some(1) => {}
            _ if contains(&found.stderr, b"unknown revision") => return Ok(false),
            _ => {
                let error = HgError::Failed { doing: "fetch from the requests", said: found.stderr };
                return Err(no_sibling(failure(&error)));
            }
        }
        Ok(self.ask(|talk| talk.resolve(&changeset.hex()))? == Some(*changeset))
    }

    /// Writes the request's changeset on top of its subject and pushes both to the sibling, which names it.
    pub(super) fn push_request(&self, id: &RequestId, subject: &ChangesetId, request: &Request) -> Result<(), Failure> {
        self.demand_not_secret(subject)?;
        let message = request.message();
        let closed = Closed {
            branch: REQUESTS_BRANCH,
            parent: Some(*subject),
            user: self.user(),
            time: Self::now(),
            description: message.trim_end(),
        };
        let bundle = Bundle::new(&[closed], false).map_err(|error| bundle_failure(&error))?;
        let sibling = self.sibling()?;
        let output = self.push_bundle(&bundle, &sibling)?;
        if !output.status.success() {
            return Err(no_sibling(not_taken("request", "send the request", output)));
        }
        if self.listed_requests()?.contains_key(id) {
            return Ok(());
        }
        // It was there before, without its name: taken back, and not stripped yet.
        let named = match bundle.ids.first() {
            Some(node) => self.ask(|talk| talk.name_request(id, node)).map_err(no_sibling)?,
            None => false,
        };
        if named { Ok(()) } else { Err(refused("request", &[])) }
    }

    /// Takes the request's name away in the sibling.
    pub(super) fn take_back_request(&self, id: &RequestId) -> Result<(), Failure> {
        let Some(node) = self.listed_requests()?.remove(id) else { return Ok(()) };
        let gone = self.ask(|talk| talk.take_back_request(id, &node)).map_err(no_sibling)?;
        if gone { Ok(()) } else { Err(refused("cancellation", &[])) }
    }

    /// Mercurial never sends secret changesets, nor what stands on them.
    fn demand_not_secret(&self, subject: &ChangesetId) -> Result<(), Failure> {
        let question = format!("first(secret() and ::{})", subject.hex());
        let found = self.hg.must("look at phases", ["log", "--template", "{node}", "--rev", &question]);
        let found = found.map_err(|error| failure(&error).hint("`hg pull` brings what only the server has"))?;
        if found.is_empty() {
            return Ok(());
        }
        let secret = safe(&found);
        let what = if found == subject.hex().as_bytes() { "it is".to_owned() } else { format!("{secret} below it is") };
        Err(Failure::new(Exit::Denied, format!("{} cannot be sent: {what} secret", subject.hex()))
            .hint(format!("`hg phase --draft {secret}` lets others see it")))
    }
}

/// A push that failed: refused where the server's hook speaks, else not done for another reason.
fn not_taken(what: &'static str, doing: &'static str, output: Output) -> Failure {
    if contains(&output.stderr, b"jit:") {
        refused(what, &[&output.stderr])
    } else {
        failure(&HgError::Failed { doing, said: output.stderr })
    }
}

pub(super) fn no_sibling(failure: Failure) -> Failure {
    failure.hint("requests stand in a repository of their own beside the server's, with `-requests` after its name; `jit install` there makes it")
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}
