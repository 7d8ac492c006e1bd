//! The lines that `jit gate` and `jit gate-server` exchange (docs/spec/gate-server.md). Whatever is not exactly as it is written here is refused.

use super::desk::Wish;
use super::report::{Report, Word};
use crate::cli::{Exit, Failure, safe};
use crate::domain::change::{ChangesetId, Gate};
use crate::domain::name::EnvironmentName;
use crate::domain::request::RequestId;
use crate::domain::text;
use crate::domain::time::Timestamp;
use std::io::{self, BufRead, Read as _};
use std::time::Duration;

/// The first line of either side.
pub const VERSION: &str = "jit-gate/v1";
/// The longest line in bytes, with its end.
pub const LONGEST_LINE: usize = 16 * 1024;
/// The most lines of one message.
const MOST_LINES: usize = 500;
/// The longest wait that can be asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of one word of text before they are escaped; a line has room for three times as many.
const LONGEST_TEXT: usize = 4 * 1024;

/// Why lines are no message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The other side ended the conversation, before a message or in the middle of one.
    #[error("the conversation broke off")]
    BrokenOff,
    /// It could not be read.
    #[error("the conversation cannot be read")]
    Unreadable(#[from] io::Error),
    /// A line is longer than 16 KiB, or a message has too many.
    #[error("a message is longer than it may be")]
    TooLong,
    /// Another version, or something else altogether.
    #[error("the other side does not speak {VERSION}")]
    Version,
    /// A line is missing, out of order or not in its one spelling.
    #[error("`{0}` is missing or malformed")]
    Line(&'static str),
}

/// What a client asks, in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it wants.
    pub wish: Wish,
    /// How long it waits, in whole seconds; a day at most.
    pub wait: Duration,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing has changed; the server is still there.
    Still,
    /// How the gate stands.
    Report(Report),
    /// The question could not be answered: the exit code, what failed with its causes, and advice.
    Failed(Exit, Vec<String>, Vec<String>),
    /// The conversation is over: what was said last stands.
    Over,
}

impl Question {
    /// Writes the message.
    pub fn write(&self) -> String {
        let what = match &self.wish {
            Wish::Ask { environment, name, rev, reason } => {
                format!("ask {environment} {name}\nrev {}\nreason {}\n", coded(rev), coded(reason))
            }
            Wish::Resume(id) => format!("resume {id}\n"),
        };
        format!("{VERSION}\n{what}wait {}\n", self.wait.as_secs())
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(from: &mut dyn BufRead) -> Result<Self, WireError> {
        if line(from)? != VERSION {
            return Err(WireError::Version);
        }
        let what = line(from)?;
        let wish = if let Some(id) = what.strip_prefix("resume ") {
            Wish::Resume(RequestId::parse(id).map_err(|_| WireError::Line("resume"))?)
        } else {
            let names =
                what.strip_prefix("ask ").and_then(|names| names.split_once(' ')).ok_or(WireError::Line("ask"))?;
            let name = |text: &str| EnvironmentName::new(text).map_err(|_| WireError::Line("ask"));
            let (environment, name) = (name(names.0)?, name(names.1)?);
            let rev = decoded(field(&line(from)?, "rev")?, "rev")?;
            Wish::Ask { environment, name, rev, reason: decoded(field(&line(from)?, "reason")?, "reason")? }
        };
        let wait = line(from)?;
        let digits = field(&wait, "wait")?;
        let seconds: u64 = digits.parse().map_err(|_| WireError::Line("wait"))?;
        let wait = Duration::from_secs(seconds);
        if wait > LONGEST_WAIT || seconds.to_string() != digits {
            return Err(WireError::Line("wait"));
        }
        Ok(Self { wish, wait })
    }
}

impl Answer {
    /// Says why a question could not be answered.
    pub fn failed(failure: &Failure) -> Self {
        Self::Failed(failure.exit, failure.chain.clone(), failure.hints.clone())
    }

    /// Writes the message.
    pub fn write(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Still => return "still\n".to_owned(),
            Self::Over => return "over\n".to_owned(),
            Self::Report(report) => {
                let Report { word, gate, request, until, reason, hints, notes } = report;
                let Gate { environment, name, subject } = gate;
                let until = until.map_or_else(|| "-".to_owned(), |until| until.to_string());
                text += &format!("state {} {environment} {name} {subject} {request} {until}\n", word.as_str());
                listed(&mut text, "reason", reason);
                listed(&mut text, "hint", hints);
                listed(&mut text, "note", notes);
            }
            Self::Failed(exit, chain, hints) => {
                text += &format!("failed {}\n", exit.code());
                listed(&mut text, "reason", chain);
                listed(&mut text, "hint", hints);
            }
        }
        text + "end\n"
    }

    /// Reads a message; the version was read before. What a server says is escaped.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn read(from: &mut dyn BufRead) -> Result<Self, WireError> {
        let first = line(from)?;
        match first.as_str() {
            "still" => return Ok(Self::Still),
            "over" => return Ok(Self::Over),
            _ => {}
        }
        let kinds = ["reason", "hint", "note"];
        let (mut lines, mut kind) = (kinds.map(|_| Vec::new()), 0);
        loop {
            let next = line(from)?;
            if next == "end" {
                break;
            }
            let (key, words) = next.split_once(' ').ok_or(WireError::Line("end"))?;
            kind = (kind..kinds.len()).find(|kind| kinds[*kind] == key).ok_or(WireError::Line("end"))?;
            lines[kind].push(safe(decoded(words, "reason")?.as_bytes()));
            if lines.iter().map(Vec::len).sum::<usize>() > MOST_LINES {
                return Err(WireError::TooLong);
            }
        }
        let [reason, hints, notes] = lines;
        if let Some(code) = first.strip_prefix("failed ") {
            let exits = [Exit::Denied, Exit::Usage, Exit::Undecided];
            let exit = exits.into_iter().find(|exit| exit.code().to_string() == code);
            let exit = exit.filter(|_| notes.is_empty()).ok_or(WireError::Line("failed"))?;
            return Ok(Self::Failed(exit, reason, hints));
        }
        let (word, gate, request, until) = state(field(&first, "state")?).ok_or(WireError::Line("state"))?;
        Ok(Self::Report(Report { word, gate, request, until, reason, hints, notes }))
    }
}

/// Reads `WORD ENVIRONMENT STEP SUBJECT REQUEST UNTIL`.
fn state(fields: &str) -> Option<(Word, Gate, RequestId, Option<Timestamp>)> {
    let fields: Vec<&str> = fields.split(' ').collect();
    let [word, environment, name, subject, request, until] = fields[..] else { return None };
    let gate = Gate {
        environment: EnvironmentName::new(environment).ok()?,
        name: EnvironmentName::new(name).ok()?,
        subject: ChangesetId::parse(subject).ok()?,
    };
    let until = if until == "-" { None } else { Some(Timestamp::parse(until).ok()?) };
    let word = Word::ALL.into_iter().find(|known| known.as_str() == word)?;
    Some((word, gate, RequestId::parse(request).ok()?, until))
}

/// Reads the server's first line.
///
/// # Errors
/// [`WireError`].
pub fn greeted(from: &mut dyn BufRead) -> Result<(), WireError> {
    if line(from)? == VERSION { Ok(()) } else { Err(WireError::Version) }
}

/// Reads one line of printable ASCII, without its end.
fn line(from: &mut dyn BufRead) -> Result<String, WireError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
    from.take(limit).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(if bytes.len() + 1 >= LONGEST_LINE { WireError::TooLong } else { WireError::BrokenOff });
    }
    let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    String::from_utf8(bytes).ok().filter(|_| plain).ok_or(WireError::Line("line"))
}

fn field<'l>(line: &'l str, key: &'static str) -> Result<&'l str, WireError> {
    line.strip_prefix(key).and_then(|rest| rest.strip_prefix(' ')).ok_or(WireError::Line(key))
}

fn listed(text: &mut String, key: &str, lines: &[String]) {
    for line in lines.iter().take(MOST_LINES / 3) {
        *text += &format!("{key} {}\n", coded(line));
    }
}

/// Text in one word: `-` if there is none.
fn coded(words: &str) -> String {
    let mut end = words.len().min(LONGEST_TEXT);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    if end == 0 { "-".to_owned() } else { text::encode(&words.as_bytes()[..end], b"-") }
}

fn decoded(word: &str, key: &'static str) -> Result<String, WireError> {
    if word == "-" {
        return Ok(String::new());
    }
    let bytes = text::decode(word, b"-").map_err(|_| WireError::Line(key))?;
    String::from_utf8(bytes).ok().filter(|words| !words.is_empty()).ok_or(WireError::Line(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EnvironmentName {
        EnvironmentName::new(text).expect(text)
    }

    fn ask(rev: &str, reason: &str) -> Wish {
        let (rev, reason) = (rev.to_owned(), reason.to_owned());
        Wish::Ask { environment: name("production"), name: name("deploy"), rev, reason }
    }

    fn report(word: Word) -> Report {
        Report {
            word,
            gate: Gate {
                environment: name("production"),
                name: name("deploy"),
                subject: ChangesetId::parse(&format!("git-sha1:{}", "7".repeat(40))).expect("an id"),
            },
            request: RequestId::parse("r-0123456789ab").expect("an id"),
            until: Timestamp::parse("2026-11-29T10:00:00Z").ok().filter(|_| word == Word::Waits),
            reason: vec!["`deploy` needs 1 approval".to_owned(), "-".to_owned()],
            hints: vec!["bob can run `jit sign r-0123456789ab`".to_owned()],
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let id = RequestId::parse("r-0123456789ab").expect("an id");
        for wish in [ask("main", ""), ask("-", "-"), ask("v1 \n%é", "two words"), Wish::Resume(id)] {
            let question = Question { wish, wait: Duration::from_secs(1800) };
            let written = question.write();
            assert_eq!(Question::read(&mut written.as_bytes()).expect(&written), question, "{written}");
        }
        let failed = Answer::Failed(Exit::Usage, vec!["no".to_owned()], vec!["yes".to_owned()]);
        let reports = Word::ALL.map(|word| Answer::Report(report(word)));
        for answer in reports.into_iter().chain([Answer::Still, Answer::Over, failed]) {
            let written = answer.write();
            assert_eq!(Answer::read(&mut written.as_bytes()).expect(&written), answer, "{written}");
        }
    }

    #[test]
    fn what_is_not_exactly_so_is_refused() {
        let good = Question { wish: ask("main", "why"), wait: Duration::from_secs(60) }.write();
        let long = format!("{VERSION}\nask production deploy\nrev {}\n", "a".repeat(LONGEST_LINE));
        let questions: [(String, &str); 12] = [
            (String::new(), "the conversation broke off"),
            (good.replace("/v1", "/v2"), "the other side does not speak jit-gate/v1"),
            (good.replace('\n', "\r\n"), "`line` is missing or malformed"),
            (good.replace("ask", "take"), "`ask` is missing or malformed"),
            (good.replace("deploy", "Deploy"), "`ask` is missing or malformed"),
            (good.replace("rev main\n", ""), "`rev` is missing or malformed"),
            (good.replace("why", "two words"), "`reason` is missing or malformed"),
            (good.replace("why", "%FF"), "`reason` is missing or malformed"),
            (good.replace("60", "060"), "`wait` is missing or malformed"),
            (good.replace("60", "86401"), "`wait` is missing or malformed"),
            (good.trim_end().to_owned(), "the conversation broke off"),
            (long, "a message is longer than it may be"),
        ];
        for (text, why) in questions {
            let error = Question::read(&mut text.as_bytes()).expect_err(&text);
            assert_eq!(error.to_string(), why, "{text:.200}");
        }
        let good = Answer::Report(report(Word::Waits)).write();
        let endless = format!("{}{}", good.replace("end\n", ""), "note x\n".repeat(MOST_LINES + 1));
        let answers: [(String, &str); 10] = [
            (good.replace("state waits", "state sleeps"), "`state` is missing or malformed"),
            (good.replace(" r-", " s-"), "`state` is missing or malformed"),
            (good.replace("T10", "T99"), "`state` is missing or malformed"),
            (good.replace("hint ", "run "), "`end` is missing or malformed"),
            (good.replace("end\n", "reason late\nend\n"), "`end` is missing or malformed"),
            (good.replace("end\n", ""), "the conversation broke off"),
            ("failed 3\nnote x\nend\n".to_owned(), "`failed` is missing or malformed"),
            ("failed 0\nend\n".to_owned(), "`failed` is missing or malformed"),
            ("state waits\nend\n".to_owned(), "`state` is missing or malformed"),
            (endless, "a message is longer than it may be"),
        ];
        for (text, why) in answers {
            let error = Answer::read(&mut text.as_bytes()).expect_err(&text);
            assert_eq!(error.to_string(), why, "{text:.200}");
        }
    }

    #[test]
    fn what_a_server_says_cannot_steer_a_terminal() {
        let hostile = Answer::Report(Report { notes: vec!["\u{1b}[31mred".to_owned()], ..report(Word::Opened) });
        let Answer::Report(read) = Answer::read(&mut hostile.write().as_bytes()).expect("a report") else {
            panic!("a report");
        };
        assert_eq!(read.notes, ["\\u{1b}[31mred"]);
    }
}
