//! Asks for gates over ssh, and waits: one connection, which the server answers when something changes (docs/spec/gate-server.md).
//!
//! Where the connection breaks while the gate waits, it is made again and waits on by the request's id.

use super::desk::{Wish, pause};
use super::report::{Report, Word};
use super::wire::{self, Answer, Question, WireError};
use crate::cli::{Exit, Failure, safe};
use std::ffi::OsString;
use std::io::{BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// A server that says nothing for so long is taken to be gone: it speaks four times as often.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest pause before a connection is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A repository on a server that ssh reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: Option<u16>,
    path: String,
}

impl Address {
    /// Reads `ssh://[USER@]HOST[:PORT]/PATH`, or Git's `[USER@]HOST:PATH`.
    ///
    /// # Errors
    /// A usage [`Failure`] for anything else.
    pub fn parse(url: &str) -> Result<Self, Failure> {
        let bad = || {
            Failure::usage(format!("`{}` is not the address of a server that ssh reaches", safe(url.as_bytes())))
                .hint("such as `ssh://git@git.example.com/srv/git/payments.git`")
        };
        let (host, port, path) = match url.strip_prefix("ssh://") {
            Some(rest) => {
                let (host, path) = rest.split_once('/').ok_or_else(bad)?;
                let named = host.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
                let (host, port) = named.map_or((host, None), |(host, port)| (host, Some(port)));
                // In a Mercurial URL a path from the root has two slashes, and one is what Git's has.
                (host, port, format!("/{}", path.trim_start_matches('/')))
            }
            None => {
                // With two slashes it is an address of another kind.
                let parts = url.split_once(':').filter(|(_, path)| !path.starts_with("//"));
                let (host, path) = parts.ok_or_else(bad)?;
                (host, None, path.to_owned())
            }
        };
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':');
        let is_host = !host.is_empty() && !host.starts_with('-') && !host.contains(odd);
        let is_path = !path.trim_matches('/').is_empty() && !path.contains(char::is_control);
        if is_host && is_path { Ok(Self { host: host.to_owned(), port, path }) } else { Err(bad()) }
    }

    /// What ssh is given: options, the host, and what the server should run if the key does not say it.
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["-T", "-o", "ServerAliveInterval=15"].map(OsString::from).to_vec();
        if let Some(port) = self.port {
            arguments.extend(["-p".into(), port.to_string().into()]);
        }
        let path = self.path.replace('\'', r"'\''");
        arguments.extend([self.host.clone().into(), format!("jit gate-server '{path}'").into()]);
        arguments
    }

    /// Starts ssh as Git would: by `GIT_SSH_COMMAND`, which a shell reads, or as `ssh`.
    fn connect(&self) -> Result<Child, Failure> {
        let mut command = match std::env::var("GIT_SSH_COMMAND").ok().filter(|command| !command.trim().is_empty()) {
            Some(own) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{own} \"$@\""), "ssh"]);
                shell
            }
            None => Command::new("ssh"),
        };
        command.args(self.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().map_err(|error| Failure::from_error(Exit::Undecided, &error).context("cannot start ssh"))
    }

    /// Asks, and waits for `limit` at most. `each` is called with each report while the gate waits, and `lost` where the server went away
    /// and is asked again.
    ///
    /// # Errors
    /// A [`Failure`]: the server's own, or that it cannot be reached.
    pub fn wait(
        &self,
        mut wish: Wish,
        limit: Duration,
        each: &mut dyn FnMut(&Report),
        lost: &mut dyn FnMut(&Failure),
    ) -> Result<Report, Failure> {
        let begun = Instant::now();
        let mut tries = 0_u32;
        loop {
            let mut asked = None;
            let left = limit.saturating_sub(begun.elapsed());
            let heard = self.ask(&Question { wish: wish.clone(), wait: left }, &mut |report| {
                asked = Some(report.request.clone());
                each(report);
            });
            let failure = match heard? {
                Ok(report) => return Ok(report),
                Err(failure) => failure,
            };
            if let Some(id) = asked {
                (wish, tries) = (Wish::Resume(id), 0);
            }
            if matches!(wish, Wish::Ask { .. }) || begun.elapsed() >= limit {
                let hint = match &wish {
                    Wish::Resume(id) => format!("`jit gate --request {id}` waits on"),
                    Wish::Ask { .. } => "nothing may have been asked for; asking again joins what was".to_owned(),
                };
                return Err(failure.hint(hint));
            }
            lost(&failure);
            tries += 1;
            let slower = pause() * 2_u32.saturating_pow(tries.min(5));
            thread::sleep(slower.min(LONGEST_PAUSE).min(limit.saturating_sub(begun.elapsed())));
        }
    }

    /// Asks once. The outer failure is an answer, the inner one that there was none.
    fn ask(&self, question: &Question, each: &mut dyn FnMut(&Report)) -> Result<Result<Report, Failure>, Failure> {
        let mut line = Line(self.connect()?);
        let gone = |error: &WireError| {
            Failure::from_error(Exit::Undecided, error)
                .context(format!("the server {} went away", safe(self.host.as_bytes())))
        };
        let answers = match line.begin(question) {
            Ok(answers) => answers,
            Err(error) => return Ok(Err(gone(&error))),
        };
        let mut last = None;
        loop {
            match answers.recv_timeout(SILENCE).unwrap_or(Err(WireError::BrokenOff)) {
                Ok(Answer::Still) => {}
                Ok(Answer::Report(report)) => {
                    if report.word == Word::Waits {
                        each(&report);
                    }
                    last = Some(report);
                }
                Ok(Answer::Failed(exit, chain, hints)) => return Err(Failure { exit, chain, hints }),
                Ok(Answer::Over) => return Ok(last.ok_or_else(|| gone(&WireError::BrokenOff))),
                // What is the last word needs no farewell.
                Err(error) => {
                    let ended = last.filter(|report| report.word != Word::Waits);
                    return Ok(ended.ok_or_else(|| gone(&error)));
                }
            }
        }
    }
}

/// A connection, which ends with this value.
struct Line(Child);

impl Line {
    /// Sends the question. What the server says is read by another thread, so that its silence can be noticed.
    fn begin(&mut self, question: &Question) -> Result<Receiver<Result<Answer, WireError>>, WireError> {
        let (Some(mut input), Some(output)) = (self.0.stdin.take(), self.0.stdout.take()) else {
            return Err(WireError::BrokenOff);
        };
        // Whoever does not take the question may still say why.
        let _taken = input.write_all(question.write().as_bytes()).and_then(|()| input.flush());
        let (said, answers) = mpsc::channel();
        thread::spawn(move || {
            // The server takes the end of this pipe for the end of the client.
            let _open = input;
            let mut output = BufReader::new(output);
            let mut read = wire::greeted(&mut output).map(|()| Answer::Still);
            while said.send(read).is_ok() {
                read = Answer::read(&mut output);
            }
        });
        Ok(answers)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_git_and_mercurial_take_for_one() {
        let cases = [
            ("ssh://git@host/srv/git/a.git", Some("git@host jit gate-server '/srv/git/a.git'")),
            ("ssh://host:2222/a", Some("-p 2222 host jit gate-server '/a'")),
            ("ssh://host//srv/hg/a", Some("host jit gate-server '/srv/hg/a'")),
            ("git@host:/srv/git/a.git", Some("git@host jit gate-server '/srv/git/a.git'")),
            ("host:it's", Some(r"host jit gate-server 'it'\''s'")),
            ("ssh://-oProxyCommand=x/a", None),
            ("-oProxyCommand=x:a", None),
            ("ssh://host", None),
            ("ssh://host/", None),
            ("ssh:///a", None),
            ("https://host/a", None),
            ("/srv/git/a.git", None),
            ("host:a\nb", None),
            ("", None),
        ];
        for (url, expected) in cases {
            let words = Address::parse(url).map(|address| {
                let words = address.arguments();
                words[3..].iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(words.ok().as_deref(), expected, "{url}");
        }
    }
}
