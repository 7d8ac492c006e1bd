//! The hooks of a Mercurial repository: the other end of the conversation with the script (docs/spec/hg-request.md).

use super::afterwards::{self, Afterwards};
use crate::adapters::disk::folder::Folder;
use crate::adapters::mercurial::{
    Header, HgParking, MercurialHistory, Reply, Request, Treatment, sibling_of, url_login,
};
use crate::cli::{Context, Exit, Failure, IntoFailure, ServerParts, Told};
use crate::commands::notify;
use crate::domain::change::Pusher;
use crate::domain::policy::Verdict;
use crate::enforcement::{Answer, Arrived, Stage, Unjudged};
use crate::ports::incoming::Incoming as _;
use std::ffi::OsString;
use std::io::{BufReader, Stdin, Stdout, Write as _, stdin};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::time::Instant;

type Conversation = MercurialHistory<BufReader<Stdin>, Stdout>;

/// Which hook is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// Changesets arrived; more may come.
    PreTxnChangegroup,
    /// All is there, and can still be refused.
    PreTxnClose,
    /// The transaction was made.
    TxnClose,
    /// The transaction was undone.
    TxnAbort,
}

impl Hook {
    /// Reads a hook's name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "pretxnchangegroup" => Self::PreTxnChangegroup,
            "pretxnclose" => Self::PreTxnClose,
            "txnclose" => Self::TxnClose,
            "txnabort" => Self::TxnAbort,
            _ => return None,
        })
    }
}

/// Holds the conversation. What goes wrong before anything was learned ends the program without an answer, which refuses as well.
pub(super) fn run(hook: Hook, cx: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let request = Request::open(BufReader::new(stdin()), cx.terminal.conversation(), None).or_fail()?;
    let mut conversation = MercurialHistory::new(request);
    let (reply, exit) = match answer(hook, &mut conversation, started, cx) {
        Ok(answered) => answered,
        Err(failure) => (refused(&failure), failure.exit),
    };
    conversation.reply(&reply).or_fail()?;
    Ok(exit)
}

fn answer(
    hook: Hook,
    conversation: &mut Conversation,
    started: Instant,
    cx: &Context,
) -> Result<(Reply, Exit), Failure> {
    let header = conversation.header().clone();
    if str::from_utf8(&header.hook).ok().and_then(Hook::of) != Some(hook) {
        return Err(Failure::undecided("the hook's script talks of another hook"));
    }
    let parts = parts(&header)?;
    let limit = parts.settings.deadline;
    // Whoever waits for the answer gets one: a denial, even in the middle of a question.
    let mut output = cx.terminal.conversation();
    super::watch(limit, move |why| {
        let reply = Reply::Deny { say: vec![], reason: prefixed([why.to_owned()]), hint: vec![] };
        let _nobody_listens = output.write_all(&reply.to_bytes()).and_then(|()| output.flush());
    });
    let judge = Judge { parts: &parts, header: &header, started, deadline: started + limit };
    if is_sibling(&header) {
        return judge.sibling(hook, conversation);
    }
    match (hook, Treatment::of(header.name.as_deref())) {
        (Hook::TxnClose, _) => judge.outcome(true),
        (Hook::TxnAbort, _) => judge.outcome(false),
        (Hook::PreTxnChangegroup, Treatment::Recorded) => Ok(allow(vec![])),
        (Hook::PreTxnClose, Treatment::Recorded) => judge.write_down(conversation),
        (Hook::PreTxnChangegroup, Treatment::Judged) => judge.decide(Stage::Early, conversation),
        (Hook::PreTxnClose, Treatment::Judged) => judge.decide(Stage::Transaction(judge.id()?), conversation),
    }
}

/// Opens the server side whose `jit` folder the script names.
fn parts(header: &Header) -> Result<ServerParts, Failure> {
    let repository = header.folder.parent().filter(|parent| Folder::of(parent).root() == header.folder);
    let repository = repository.filter(|folder| folder.is_absolute());
    ServerParts::open(repository.ok_or_else(|| Failure::undecided("the hook's script names no `jit` folder"))?)
}

/// Tells whether the transaction is in the repository where commits wait for the one that the `jit` folder belongs to.
fn is_sibling(header: &Header) -> bool {
    central_of(header).is_some_and(|central| {
        match (sibling_of(central).canonicalize(), header.repository.canonicalize()) {
            (Ok(sibling), Ok(here)) => sibling == here,
            _ => false,
        }
    })
}

/// The repository that the `jit` folder belongs to.
fn central_of(header: &Header) -> Option<&Path> {
    header.folder.parent().and_then(Path::parent)
}

struct Judge<'a> {
    parts: &'a ServerParts,
    header: &'a Header,
    started: Instant,
    deadline: Instant,
}

impl Judge<'_> {
    /// The transaction's id, without which no outcome could be recorded.
    fn id(&self) -> Result<String, Failure> {
        let id = self.header.id.as_ref().and_then(|id| String::from_utf8(id.clone()).ok());
        id.ok_or_else(|| Failure::undecided("the transaction has no id"))
    }

    fn decide(&self, stage: Stage, conversation: &mut Conversation) -> Result<(Reply, Exit), Failure> {
        let (is_early, pusher) = (stage == Stage::Early, self.pusher());
        let mut answer = self.parts.server().decide_stage(stage, conversation, pusher, self.started, self.deadline);
        let unkept = self.park(&mut answer, conversation);
        let Told { reason, notes, hints } = Told::of(&answer);
        let exit = super::exit_of(&answer);
        Ok(match answer.verdict() {
            // Said once, where it is decided.
            Verdict::Allow if is_early => allow(vec![]),
            Verdict::Allow if Instant::now() >= self.deadline => {
                (refused(&Failure::undecided("the deadline passed")), Exit::Undecided)
            }
            Verdict::Allow => {
                let publish = conversation.tokens().iter().map(|(id, _)| *id).collect();
                let arrived = Arrived::of(&conversation.carried(&[]).or_fail()?);
                let moved = answer.decision.updates.iter().map(|update| update.target.clone()).collect();
                let later = Afterwards { arrived, moved, sweep: false }.to_text();
                (Reply::Allow { say: prefixed(reason.into_iter().chain(notes)), publish, name: vec![], later }, exit)
            }
            Verdict::Deny => {
                let notes = notes.into_iter().chain(unkept);
                notify::start(self.parts);
                let (say, reason, hint) = (prefixed(notes), prefixed(reason), prefixed(hints));
                (Reply::Deny { say, reason, hint }, exit)
            }
        })
    }

    /// Keeps what a refused push brought; returns what to say where that cannot even be tried.
    fn park(&self, answer: &mut Answer, conversation: &mut Conversation) -> Option<String> {
        if !self.parts.settings.requests.park || answer.requests.is_empty() {
            return None;
        }
        let deadline = super::before(self.deadline);
        match HgParking::open(conversation, &self.header.repository, self.parts.now(), deadline).or_fail() {
            Ok(mut parking) => {
                self.parts.server().park(answer, &mut parking, deadline);
                None
            }
            Err(failure) => Some(failure.context("what the push brought is not kept").lines()),
        }
    }

    /// Where commits wait, requests come and are taken back, and nothing else happens.
    fn sibling(&self, hook: Hook, conversation: &mut Conversation) -> Result<(Reply, Exit), Failure> {
        let is_judged = Treatment::of(self.header.name.as_deref()) == Treatment::Judged;
        if hook == Hook::TxnClose && self.header.later.is_some() {
            self.go_on();
        }
        if hook != Hook::PreTxnClose || !is_judged {
            return Ok(allow(vec![]));
        }
        let (carried, name) = conversation.sibling_carried(&self.parts.settings.repository).or_fail()?;
        let left = Afterwards { arrived: Arrived::of(&carried), moved: vec![], sweep: !carried.cancelled.is_empty() };
        let refusals = self.parts.server().take_requests(carried, &self.pusher(), self.deadline).or_fail()?;
        if refusals.is_empty() {
            return Ok((Reply::Allow { say: vec![], publish: vec![], name, later: left.to_text() }, Exit::Done));
        }
        let lines = refusals.iter().flat_map(|refusal| {
            let failure = Failure::from_error(Exit::Denied, refusal).context("denied");
            failure.lines().lines().map(str::to_owned).collect::<Vec<_>>()
        });
        Ok((Reply::Deny { say: vec![], reason: prefixed(lines), hint: vec![] }, Exit::Denied))
    }

    /// Records what is not judged. It is let be even where that fails: the next push notices what changed, and an administrator's
    /// repair that is refused halfway would leave the repository damaged.
    fn write_down(&self, conversation: &mut Conversation) -> Result<(Reply, Exit), Failure> {
        let name = self.header.name.clone().unwrap_or_default();
        let what = name.split(|byte| *byte == b'\n').next().map(String::from_utf8_lossy).unwrap_or_default();
        let id = self.id()?;
        let updates = conversation.unjudged_updates();
        let unjudged = Unjudged { what: &what, transaction: Some(&id), pusher: self.pusher(), updates };
        let server = self.parts.server();
        Ok(allow(match server.record_unjudged(unjudged, conversation, self.started, self.deadline) {
            Ok(_) => vec![],
            Err(error) => {
                let failure = Failure::from_error(Exit::Undecided, &error).context("this is not recorded");
                prefixed(failure.lines().lines().map(str::to_owned))
            }
        }))
    }

    fn outcome(&self, applied: bool) -> Result<(Reply, Exit), Failure> {
        // Without an id nothing was allowed.
        let Ok(id) = self.id() else { return Ok(allow(vec![])) };
        match self.parts.server().record_transaction(&id, applied, self.deadline) {
            Ok(outcome) => {
                notify::start(self.parts);
                if applied && outcome.kept > 0 {
                    self.go_on();
                }
                Ok(allow(vec![]))
            }
            Err(error) => Err(Failure::from_error(Exit::Undecided, &error)
                .context("what could not be recorded is made up for by the next push")),
        }
    }

    /// Has the requests that wait looked at, which what was decided of this transaction may let land, or end.
    fn go_on(&self) {
        let line = self.header.later.clone().map(OsString::from_vec).unwrap_or_default();
        if let Some(central) = central_of(self.header) {
            afterwards::start(self.parts, central, line);
        }
    }

    /// Who pushes, by what the transport proved (docs/mercurial.md, "Who pushes"): never by what the pusher's own process says.
    fn pusher(&self) -> Pusher {
        match self.header.url.as_deref() {
            Some(url) if url.starts_with(b"remote:http") => Pusher { login: url_login(url), source: "http".to_owned() },
            // Runs in the pusher's own process, with the environment that they like.
            Some(url) if url.starts_with(b"file:") && self.header.source.as_deref() == Some(b"push") => {
                Pusher { login: None, source: "local path".to_owned() }
            }
            _ => self.parts.pusher(),
        }
    }
}

fn allow(say: Vec<String>) -> (Reply, Exit) {
    (Reply::Allow { say, publish: vec![], name: vec![], later: String::new() }, Exit::Done)
}

fn refused(failure: &Failure) -> Reply {
    let reason = prefixed(failure.lines().lines().map(str::to_owned));
    Reply::Deny { say: vec![], reason, hint: vec![] }
}

pub(super) fn prefixed(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("jit: {line}")).collect()
}
