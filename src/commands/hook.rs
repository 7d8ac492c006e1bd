//! `jit hook NAME`: what the hooks start. Whatever goes wrong here refuses the push.

use crate::adapters::git::{GitHistory, GitPush, GitRepository, PublishError, TOKEN_OPTION, push_options, read_claims};
use crate::cli::{Context, Exit, Failure, IntoFailure, ServerParts, advice, answer, faults_plain};
use crate::domain::approval::{SignedToken, place};
use crate::domain::audit::SignedCheckpoint;
use crate::domain::change::ChangesetId;
use crate::domain::policy::Verdict;
use crate::enforcement::{Answer, Landed, Refusal};
use crate::ports::policy_source::PolicyUnavailable;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

/// The most bytes that a hook reads from its standard input.
const MOST_INPUT: u64 = 64 << 20;

/// How long the hook waits at its deadline for somebody to read why it ends.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How often others may be faster at moving one of jit's own refs.
const PUBLISH_TRIES: usize = 10;

/// The arguments of `jit hook`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which hook is running: pre-receive, post-receive or pre-push
    name: String,
    /// What the system hands to the hook
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Runs the hook.
///
/// # Errors
/// A [`Failure`] for a name that is no hook, and for everything that keeps it from deciding.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    match args.name.as_str() {
        "pre-receive" => pre_receive(cx),
        "post-receive" => post_receive(cx),
        "pre-push" => super::pre_push::run(&args.rest, cx),
        other => Err(Failure::usage(format!("there is no hook `{}`", crate::cli::safe(other.as_bytes())))),
    }
}

fn pre_receive(cx: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let repo = GitRepository::for_hook().or_fail()?;
    let parts = ServerParts::open(repo.common_dir())?;
    let deadline = started + parts.settings.deadline;
    watch(parts.settings.deadline);
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
    let mut push = GitPush::new(history, parts.settings.repository.clone(), options);
    let answer = parts.server().decide(&mut push, parts.pusher(), started, deadline);
    say(&answer, cx);
    Ok(match answer.verdict() {
        // Whoever does not read what is said to them holds this process up, and would choose the moment of the landing.
        Verdict::Allow if Instant::now() >= deadline => Exit::Undecided,
        Verdict::Allow => Exit::Done,
        Verdict::Deny if answer.is_undecided() => Exit::Undecided,
        Verdict::Deny => Exit::Denied,
    })
}

fn post_receive(cx: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let input = read_input()?;
    // What was pushed has left quarantine, so one handle serves for reading and for publishing.
    let repo = GitRepository::at(Path::new(".")).or_fail()?;
    let parts = ServerParts::open(repo.common_dir())?;
    let claims = read_claims(&input, repo.id_kind()).or_fail()?;
    let mut landed = Vec::new();
    for claim in &claims {
        let value: Vec<ChangesetId> = claim.new.into_iter().collect();
        let targets = repo.moved_with(&claim.refname).or_fail()?;
        landed.extend(targets.into_iter().map(|target| Landed { target, value: value.clone() }));
    }
    match parts.server().record_outcome(&landed, started + parts.settings.deadline) {
        Ok(outcome) => {
            if let Err(error) = publish_checkpoint(&repo, &parts, &outcome.head) {
                cx.terminal.say(&error.context("the push landed; its checkpoint is not published").lines());
            }
        }
        Err(error) => {
            let failure = Failure::from_error(Exit::Undecided, &error);
            let what = "the push landed; its outcome will be recorded with the next push";
            cx.terminal.say(&failure.context(what).lines());
        }
    }
    if let Err(error) = publish_offers(&repo, &parts) {
        cx.terminal
            .say(&error.context("the push landed; its tokens are kept, but clients do not see them yet").lines());
    }
    call_kept(&parts.folder.kept_hooks(), "post-receive", &input)?;
    Ok(Exit::Done)
}

/// Shows the newest checkpoint to clients. The log is not locked any more, so another push may have shown a newer one.
fn publish_checkpoint(repo: &GitRepository, parts: &ServerParts, head: &SignedCheckpoint) -> Result<(), Failure> {
    let key = parts.verifier_key()?;
    let is_newer = |present: &[u8]| {
        let present = std::str::from_utf8(present).ok().and_then(|note| SignedCheckpoint::open(note, &key).ok());
        present.is_some_and(|present| present.size > head.checkpoint.size)
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

/// Ends the process once `limit` is over: nothing that takes too long may let a push in.
///
/// Saying so may take forever where nobody reads, so the end does not wait for it.
fn watch(limit: Duration) {
    thread::spawn(move || {
        thread::sleep(limit);
        thread::spawn(move || {
            let limit = humantime::format_duration(limit);
            Context::default().terminal.say(&format!("denied: no decision within {limit} (`deadline` in config.toml)"));
            std::process::exit(3);
        });
        thread::sleep(LAST_WORDS);
        std::process::exit(3);
    });
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

/// Tells the pusher what was decided.
fn say(answer: &Answer, cx: &Context) {
    let terminal = &cx.terminal;
    let denied = answer.verdict() == Verdict::Deny;
    for refusal in &answer.refusals {
        terminal.say(&refusal_lines(refusal));
    }
    let mut hints = Vec::new();
    if let Some(push) = &answer.push {
        for update in &answer.decision.updates {
            let worth_saying = !update.rules.is_empty() || update.verdict() == Verdict::Deny;
            if worth_saying && (!denied || update.verdict() == Verdict::Deny) {
                terminal.say(&answer::update_lines(push, update));
                if denied {
                    hints.extend(advice::hints(update));
                }
            }
        }
    }
    for declined in &answer.intake.declined {
        let why = Failure::from_error(Exit::Denied, declined).chain.join(": ");
        terminal.say(&format!("a token of the push is not kept: {}", crate::cli::safe(why.as_bytes())));
    }
    if denied && answer.intake.new > 0 {
        terminal.say(&format!("{} new tokens are kept all the same", answer.intake.new));
    }
    hints.dedup();
    for hint in hints {
        terminal.say(&format!("hint: {hint}"));
    }
    match &answer.recorded {
        Ok(appended) => {
            let checkpoint = &appended.head.checkpoint;
            terminal.say(&format!(
                "recorded: entry {}, checkpoint {} {}",
                appended.index,
                checkpoint.size,
                checkpoint.root.base64()
            ));
        }
        Err(error) => {
            let failure = Failure::from_error(Exit::Undecided, error);
            terminal.say(&failure.context("denied: the decision could not be recorded").lines());
        }
    }
}

fn refusal_lines(refusal: &Refusal) -> String {
    let failure = Failure::from_error(Exit::Denied, refusal);
    let mut lines = String::new();
    for (depth, what) in failure.chain.iter().enumerate() {
        let lead = if depth == 0 { "denied: " } else { "  " };
        lines.push_str(&format!("{lead}{}\n", crate::cli::safe(what.as_bytes())));
    }
    if let Refusal::Policy(PolicyUnavailable::Faulty(faults)) = refusal {
        for line in faults_plain(faults).lines() {
            lines.push_str(&format!("  {line}\n"));
        }
    }
    lines
}
