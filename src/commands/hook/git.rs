//! The hooks of a Git repository.

use crate::adapters::git::{
    Claim, GitHistory, GitParking, GitPush, GitRepository, PublishError, Quarantine, REQUESTS, TOKEN_OPTION,
    push_options, read_claims,
};
use crate::cli::{Context, Exit, Failure, IntoFailure, ServerParts, Told};
use crate::commands::notify;
use crate::domain::approval::{SignedToken, place};
use crate::domain::audit::SignedCheckpoint;
use crate::domain::change::{ChangesetId, Target};
use crate::domain::policy::Verdict;
use crate::enforcement::{Arrived, Landed};
use crate::ports::history::History as _;
use crate::ports::incoming::Incoming as _;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The most bytes that a hook reads from its standard input.
const MOST_INPUT: u64 = 64 << 20;

/// How often others may be faster at moving one of jit's own refs.
const PUBLISH_TRIES: usize = 10;

pub(super) fn pre_receive(cx: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let repo = GitRepository::for_hook().or_fail()?;
    let common_dir = repo.common_dir().to_owned();
    let parts = ServerParts::open(&common_dir)?;
    let deadline = started + parts.settings.deadline;
    super::watch(parts.settings.deadline, |why| Context::default().terminal.say(why));
    let input = read_input()?;
    if let Some(exit) = call_kept(&parts.folder.kept_hooks(), "pre-receive", &input)?
        && exit != Exit::Done
    {
        cx.terminal.say("denied: a hook that stood here before jit refused the push");
        return Ok(exit);
    }
    repo.set_deadline(Some(deadline));
    let claims = read_claims(&input, repo.id_kind()).or_fail()?;
    let environment: BTreeMap<OsString, OsString> = env::vars_os().collect();
    let options = push_options(&environment).or_fail()?;
    let history = GitHistory::receiving(repo, claims);
    let mut push =
        GitPush::new(history, parts.settings.repository.clone(), options, Some(Quarantine::of(&environment)));
    let mut answer = parts.server().decide(&mut push, parts.pusher(), started, deadline);
    if parts.settings.requests.park && !answer.requests.is_empty() {
        match GitParking::open(&common_dir, &environment, parts.settings.pusher_env.clone()).or_fail() {
            Ok(mut parking) => parts.server().park(&mut answer, &mut parking, super::before(deadline)),
            Err(failure) => cx.terminal.say(&failure.context("what the push brought is not kept").lines()),
        }
    }
    let Told { reason, notes, hints } = Told::of(&answer);
    let hints = hints.iter().map(|hint| format!("hint: {hint}"));
    cx.terminal.say(&reason.into_iter().chain(hints).chain(notes).collect::<Vec<_>>().join("\n"));
    if answer.verdict() == Verdict::Deny {
        // What was let in is told once it has landed.
        notify::start(&parts);
    }
    // Whoever does not read what is said to them holds this process up, and would choose the moment of the landing.
    let late = Instant::now() >= deadline;
    Ok(if late { Exit::Undecided } else { super::exit_of(&answer) })
}

pub(super) fn post_receive(cx: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let input = read_input()?;
    // What was pushed has left quarantine, so one handle serves for reading and for publishing.
    let mut repo = GitRepository::at(Path::new(".")).or_fail()?;
    let parts = ServerParts::open(repo.common_dir())?;
    let claims = read_claims(&input, repo.id_kind()).or_fail()?;
    let (mut landed, mut has_requests) = (Vec::new(), false);
    for claim in &claims {
        let value: Vec<ChangesetId> = claim.new.into_iter().collect();
        let targets = repo.moved_with(&claim.refname).or_fail()?;
        landed.extend(targets.into_iter().map(|target| Landed { target, value: value.clone() }));
    }
    let mut published = Ok(());
    let publish = |head: &SignedCheckpoint| published = publish_checkpoint(&mut repo, &parts, head);
    match parts.server().record_outcome(&landed, started + parts.settings.deadline, publish) {
        Ok(outcome) => has_requests = outcome.kept > 0,
        Err(error) => {
            let failure = Failure::from_error(Exit::Undecided, &error);
            let what = "the push landed; what could not be recorded of it is made up for by the next push";
            cx.terminal.say(&failure.context(what).lines());
        }
    }
    if let Err(error) = published {
        cx.terminal.say(&error.context("the push landed; its checkpoint is not published").lines());
    }
    if let Err(error) = publish_offers(&repo, &parts) {
        cx.terminal
            .say(&error.context("the push landed; its tokens are kept, but clients do not see them yet").lines());
    }
    let kept = call_kept(&parts.folder.kept_hooks(), "post-receive", &input);
    if has_requests || repo.common_dir().join(REQUESTS).is_dir() {
        let moved: Vec<Target> = landed.into_iter().map(|one| one.target).collect();
        if let Err(failure) = go_on(repo, &parts, claims, &moved, cx) {
            cx.terminal.say(&failure.context("the push landed; requests that wait were not looked at").lines());
        }
    }
    notify::start(&parts);
    kept.map(|_| Exit::Done)
}

/// Goes through the requests that wait: what the push brought may let some land, and some need not be kept any longer.
fn go_on(
    repo: GitRepository,
    parts: &ServerParts,
    claims: Vec<Claim>,
    moved: &[Target],
    cx: &Context,
) -> Result<(), Failure> {
    let environment: BTreeMap<OsString, OsString> = env::vars_os().collect();
    let mut parking = GitParking::open(repo.common_dir(), &environment, parts.settings.pusher_env.clone()).or_fail()?;
    let options = push_options(&environment).or_fail()?;
    let mut push = GitPush::new(GitHistory::supposing(repo, claims), parts.settings.repository.clone(), options, None);
    let updates = push.ref_updates().or_fail()?;
    let arrived = Arrived::of(&push.carried(&updates).or_fail()?);
    let deadline = Instant::now() + parts.settings.deadline;
    super::go_on(parts, &arrived, moved, &mut parking, deadline, cx)
}

/// Shows the newest checkpoint to clients, unless they are shown a newer one.
fn publish_checkpoint(repo: &mut GitRepository, parts: &ServerParts, head: &SignedCheckpoint) -> Result<(), Failure> {
    let is_newer = |present: &[u8]| {
        str::from_utf8(present).is_ok_and(|present| head.is_before(present, || parts.verifier_key().ok()))
    };
    until_first(|| repo.publish_checkpoint(head.note.as_bytes(), is_newer)).or_fail()
}

/// Tries again while others are faster.
fn until_first(publish: impl Fn() -> Result<(), PublishError>) -> Result<(), PublishError> {
    let mut published = publish();
    for _ in 1..PUBLISH_TRIES {
        if !matches!(published, Err(PublishError::Raced { .. })) {
            break;
        }
        published = publish();
    }
    published
}

/// Puts the tokens of push options that the server keeps where clients can fetch them.
fn publish_offers(repo: &GitRepository, parts: &ServerParts) -> Result<(), Failure> {
    let options = push_options(&env::vars_os().collect()).or_fail()?;
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for text in options.iter().filter_map(|option| option.strip_prefix(TOKEN_OPTION)) {
        let signed = std::str::from_utf8(text).ok().and_then(|text| SignedToken::parse(text).ok());
        if let Some(signed) = signed.filter(|signed| parts.keeps(signed)) {
            files.insert(place(&signed), signed.text.into_bytes());
        }
    }
    if files.is_empty() {
        return Ok(());
    }
    // Approvers add to the same ref; whoever comes second starts again from what the first wrote.
    until_first(|| repo.publish_approvals(&files, parts.now())).or_fail()
}

fn read_input() -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    io::stdin().lock().take(MOST_INPUT + 1).read_to_end(&mut input).or_fail()?;
    if input.len() as u64 > MOST_INPUT {
        return Err(Failure::undecided(format!("the hook was given more than {MOST_INPUT} bytes")));
    }
    Ok(input)
}

/// Runs a hook that stood there before installation, with the same input; `None` if there is none.
fn call_kept(folder: &Path, name: &str, input: &[u8]) -> Result<Option<Exit>, Failure> {
    let path: PathBuf = folder.join(name);
    // A link that leads nowhere is a hook that cannot run, not one that is missing.
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.or_fail()?,
    };
    let mut child = Command::new(&path).stdin(Stdio::piped()).spawn().or_fail()?;
    if let Some(mut pipe) = child.stdin.take() {
        match pipe.write_all(input) {
            // A hook need not read its input.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.or_fail()?,
        }
    }
    let status = child.wait().or_fail()?;
    Ok(Some(if status.success() { Exit::Done } else { Exit::Denied }))
}
