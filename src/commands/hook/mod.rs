//! `jit hook NAME`: what the hooks start. Whatever goes wrong here refuses the push.

mod afterwards;
mod git;
mod hg_pre_push;
mod mercurial;

use crate::cli::{Context, Exit, Failure, IntoFailure, ServerParts, safe};
use crate::domain::change::Target;
use crate::domain::policy::Verdict;
use crate::enforcement::{Answer, Arrived, Attempt};
use crate::ports::parking::Landing;
use std::ffi::OsString;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long the hook waits at its deadline for somebody to read why it ends.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The arguments of `jit hook`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which hook is running, or the path of its script: pre-receive, post-receive or pre-push; hg- and the name of a hook of Mercurial
    name: String,
    /// What the system hands to the hook
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

impl Args {
    /// Names the hook that is running, and what the system hands to it.
    pub fn new(name: String, rest: Vec<OsString>) -> Self {
        Self { name, rest }
    }
}

/// Runs the hook.
///
/// # Errors
/// A [`Failure`] for a name that is no hook, and for everything that keeps it from deciding.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let path = Path::new(&args.name);
    match path.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
        "pre-receive" => git::pre_receive(cx),
        "post-receive" => git::post_receive(cx),
        "pre-push" => super::pre_push::run(&args.rest, cx),
        "hg-pre-push" => hg_pre_push::run(cx),
        afterwards::NAME => afterwards::run(&args.rest, cx),
        name => match name.strip_prefix("hg-").and_then(mercurial::Hook::of) {
            Some(hook) => mercurial::run(hook, cx),
            None => Err(Failure::usage(format!("there is no hook `{}`", crate::cli::safe(name.as_bytes())))),
        },
    }
}

/// When to stop with what comes after the decision: some of the time until `deadline` is left for saying what was decided.
fn before(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) * 3 / 4
}

/// Lets those requests land that `arrived` may have made possible, says what came of it, and takes away what need not be kept any longer.
fn go_on(
    parts: &ServerParts,
    arrived: &Arrived,
    moved: &[Target],
    landing: &mut dyn Landing,
    deadline: Instant,
    cx: &Context,
) -> Result<(), Failure> {
    let server = parts.server();
    if !arrived.is_empty() {
        for attempt in server.land(arrived, landing, deadline).or_fail()? {
            cx.terminal.say(&attempt_words(&attempt));
        }
    }
    server.tidy(moved, landing, deadline).or_fail()
}

/// Says what came of letting a request land by itself.
fn attempt_words(Attempt { request, result }: &Attempt) -> String {
    let target = safe(request.target.to_string().as_bytes());
    let head = format!("request {} for {target}", request.id);
    match result {
        Ok(()) => format!("{head} landed by itself: {}", request.subject.hex()),
        Err(why) => {
            let who = request.requester.login.as_deref().map_or("its requester".to_owned(), |who| safe(who.as_bytes()));
            let why = Failure::from_error(Exit::Denied, why).lines();
            format!("{head} did not land by itself\n{why}\nhint: {who} can push it again, or anew on top of {target}")
        }
    }
}

/// How a hook ends that decided.
fn exit_of(answer: &Answer) -> Exit {
    match answer.verdict() {
        Verdict::Allow => Exit::Done,
        Verdict::Deny if answer.is_undecided() => Exit::Undecided,
        Verdict::Deny => Exit::Denied,
    }
}

/// Ends the process once `limit` is over: nothing that takes too long may let a push in.
///
/// Saying so may take forever where nobody reads, so the end does not wait for it.
fn watch(limit: Duration, say: impl FnOnce(&str) + Send + 'static) {
    thread::spawn(move || {
        thread::sleep(limit);
        thread::spawn(move || {
            let limit = humantime::format_duration(limit);
            say(&format!("denied: no decision within {limit} (`deadline` in config.toml)"));
            std::process::exit(3);
        });
        thread::sleep(LAST_WORDS);
        std::process::exit(3);
    });
}
