//! `jit gate-server`: answers one question about a gate on standard input, for `jit gate --server` at the other end of an ssh connection
//! (docs/spec/gate-server.md).

use super::notify;
use crate::cli::gate::{Answer, Desk, Question, Report, VERSION, WireError};
use crate::cli::{Context, Exit, Failure};
use std::io::{BufReader, Stdout, Write as _, stdin};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long the client may take to ask.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers a pipeline that comes over ssh: it asks for gates of one repository, and can do nothing else.
///
/// Meant as the forced command of the pipeline's key, with the login in the variable that `pusher_env` names.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The central repository
    repo: PathBuf,
}

/// Answers one question.
///
/// # Errors
/// A [`Failure`] if there is nobody to answer; the client is told of everything else.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let mut client = Client { output: cx.terminal.conversation(), told: None };
    client.line(&format!("{VERSION}\n"))?;
    let answered = question().and_then(|question| {
        let desk = Desk::open(Some(&args.repo), notify::start)?;
        desk.wait(desk.find(&question.wish)?, question.wait, &mut |report| client.waits(report))
    });
    let last = answered.map_or_else(|failure| Answer::failed(&failure), Answer::Report);
    client.line(&(last.write() + &Answer::Over.write()))?;
    Ok(Exit::Done)
}

/// Reads what the client asks, who gets some time for that.
fn question() -> Result<Question, Failure> {
    let (asked, asks) = mpsc::channel();
    thread::spawn(move || asked.send(Question::read(&mut BufReader::new(stdin()))));
    let question = asks.recv_timeout(PATIENCE).unwrap_or(Err(WireError::BrokenOff));
    question.map_err(|error| Failure::from_error(Exit::Usage, &error).context("that is no question"))
}

/// Who asked, and what they were told last.
struct Client {
    output: Stdout,
    told: Option<Report>,
}

impl Client {
    /// Tells the client that the gate waits, and us whether it is still there: no gate opens for who has gone away.
    fn waits(&mut self, report: &Report) -> bool {
        let answer = if self.told.as_ref() == Some(report) { Answer::Still } else { Answer::Report(report.clone()) };
        self.told = Some(report.clone());
        self.line(&answer.write()).is_ok()
    }

    fn line(&mut self, text: &str) -> Result<(), Failure> {
        let written = self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush());
        written.map_err(|error| Failure::from_error(Exit::Undecided, &error).context("the client has gone away"))
    }
}
