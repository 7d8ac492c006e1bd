//! Requests: how a pusher puts commits where approvers can fetch them before they may land.
//!
//! A request is a commit whose only parent is the subject and whose message is this text:
//!
//! ```text
//! jit-request/v1
//! target refs/heads/main
//! action update
//! base git-sha1:77aa01e…
//! reason percent-encoded%20UTF-8
//! ```

mod ledger;
#[cfg(test)]
mod ledger_tests;
mod limits;
mod state;
mod writer;

pub use ledger::{Asked, Ended, Ledger, Wanted};
pub use limits::Limits;
pub use state::{Clocks, Finding, State, ends};
pub use writer::{asked_by, written_for};

use crate::domain::change::{Action, ChangesetId, Target};
use crate::domain::text;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};

/// The longest message of a request in bytes.
pub const LONGEST: usize = 16 * 1024;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What should move.
    pub target: Target,
    /// How.
    pub action: Action,
    /// The target's value that the requester saw; none if it did not exist.
    pub base: Vec<ChangesetId>,
    /// Why; may be empty.
    pub reason: String,
}

/// The short name of a request: `r-` and 12 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 6]);

/// Why a text is not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Longer than [`LONGEST`].
    #[error("a request has at most {LONGEST} bytes")]
    TooLong,
    /// A line is missing, out of order or not in its one spelling.
    #[error("not a well-formed request: `{0}` is missing or malformed")]
    Line(&'static str),
    /// Not `r-` and 12 lowercase hex digits.
    #[error("a request's id is r- and 12 lowercase hex digits")]
    Id,
}

impl Request {
    /// Writes the message.
    pub fn message(&self) -> String {
        format!(
            "jit-request/v1\ntarget {}\naction {}\nbase {}\nreason {}\n",
            self.target,
            self.action,
            list(&self.base),
            or_dash(text::encode(self.reason.as_bytes(), b"")),
        )
    }

    /// Reads a message; only what [`Request::message`] writes is accepted.
    ///
    /// # Errors
    /// [`RequestError`] names the first line that is wrong.
    pub fn parse(message: &[u8]) -> Result<Self, RequestError> {
        if message.len() > LONGEST {
            return Err(RequestError::TooLong);
        }
        let written = std::str::from_utf8(message).map_err(|_| RequestError::Line("jit-request/v1"))?;
        let mut lines = written.lines();
        if lines.next() != Some("jit-request/v1") {
            return Err(RequestError::Line("jit-request/v1"));
        }
        let mut value = |key: &'static str| {
            lines.next().and_then(|line| line.strip_prefix(key)?.strip_prefix(' ')).ok_or(RequestError::Line(key))
        };
        let target = Target::parse(value("target")?).map_err(|_| RequestError::Line("target"))?;
        let action = Action::parse(value("action")?).map_err(|_| RequestError::Line("action"))?;
        let base = match value("base")? {
            "-" => Vec::new(),
            ids => ids
                .split(',')
                .map(ChangesetId::parse)
                .collect::<Result<_, _>>()
                .map_err(|_| RequestError::Line("base"))?,
        };
        let reason = match value("reason")? {
            "-" => Vec::new(),
            words => text::decode(words, b"").map_err(|_| RequestError::Line("reason"))?,
        };
        let reason = String::from_utf8(reason).map_err(|_| RequestError::Line("reason"))?;
        let request = Self { target, action, base, reason };
        if request.message().as_bytes() == message { Ok(request) } else { Err(RequestError::Line("reason")) }
    }

    /// Returns the id of this request for `subject` in `repository` (`name@id`).
    pub fn id(&self, repository: &str, subject: &ChangesetId) -> RequestId {
        RequestId::of_action(repository, &self.target, &self.action, subject)
    }
}

impl RequestId {
    /// Derives an id: SHA-256 over repository, target and subject, each followed by a newline.
    pub fn of(repository: &str, target: &Target, subject: &ChangesetId) -> Self {
        Self::of_line(repository, target, subject)
    }

    /// As [`RequestId::of`]; one environment has many gates, so of a gate the action follows its target, after a space.
    pub fn of_action(repository: &str, target: &Target, action: &Action, subject: &ChangesetId) -> Self {
        match action {
            Action::Gate(_) => Self::of_line(repository, format_args!("{target} {action}"), subject),
            _ => Self::of(repository, target, subject),
        }
    }

    fn of_line(repository: &str, what: impl fmt::Display, subject: &ChangesetId) -> Self {
        let mut lines = String::with_capacity(256);
        writeln!(lines, "{repository}\n{what}\n{subject}").expect("a string takes everything");
        let [a, b, c, d, e, f, ..]: [u8; 32] = Sha256::digest(lines).into();
        Self([a, b, c, d, e, f])
    }

    /// Reads `r-` and 12 lowercase hex digits.
    ///
    /// # Errors
    /// [`RequestError::Id`].
    pub fn parse(written: &str) -> Result<Self, RequestError> {
        let digits = written.strip_prefix("r-").ok_or(RequestError::Id)?;
        text::hex_array(digits).map(Self).ok_or(RequestError::Id)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r-{}", HEXLOWER.encode_display(&self.0))
    }
}

fn list(ids: &[ChangesetId]) -> String {
    or_dash(ids.iter().map(ChangesetId::to_string).collect::<Vec<_>>().join(","))
}

fn or_dash(value: String) -> String {
    if value.is_empty() { "-".to_owned() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::IdKind;

    fn request(reason: &str) -> Request {
        Request {
            target: Target::parse("refs/heads/main").expect("a target"),
            action: Action::Update,
            base: vec![ChangesetId::from_bytes(IdKind::GitSha1, &[7; 20]).expect("an id")],
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn a_request_is_read_as_it_is_written() {
        for reason in ["", "needs a dba", "line\nbreak \u{1b}[31m é"] {
            let written = request(reason).message();
            assert_eq!(Request::parse(written.as_bytes()), Ok(request(reason)), "{written}");
        }
    }

    #[test]
    fn a_request_of_exactly_the_longest_length_is_read() {
        assert_eq!(LONGEST, 16_384, "docs/spec/request.md");
        let room = LONGEST - request("a").message().len() + 1;
        for (length, read) in [(room, Ok(request(&"a".repeat(room)))), (room + 1, Err(RequestError::TooLong))] {
            assert_eq!(Request::parse(request(&"a".repeat(length)).message().as_bytes()), read, "{length}");
        }
    }

    #[test]
    fn malformed_requests_are_refused() {
        let good = request("why").message();
        let bad = [
            good.replace("jit-request/v1", "jit-request/v2"),
            good.replace("refs/heads/main", "main"),
            good.replace("action update", "action push"),
            good.replace("why", "two words"),
            good.replace("reason why\n", ""),
            format!("{good}more\n"),
            good.trim_end().to_owned(),
            good.replace('\n', "\r\n"),
        ];
        for message in bad {
            assert!(Request::parse(message.as_bytes()).is_err(), "{message}");
        }
        assert_eq!(Request::parse(&vec![b'a'; LONGEST + 1]), Err(RequestError::TooLong));
    }

    #[test]
    fn an_id_depends_on_repository_target_and_subject() {
        let subject = ChangesetId::from_bytes(IdKind::GitSha1, &[9; 20]).expect("an id");
        let id = request("a").id("payments@00", &subject);
        assert_eq!(id, request("b").id("payments@00", &subject));
        assert_ne!(id, request("a").id("payments@01", &subject));
        assert_eq!(RequestId::parse(&id.to_string()), Ok(id));
        for bad in ["r-", "r-ABCDEF012345", "x-000000000000", "r-0000000000000", "r-../../../etc"] {
            assert_eq!(RequestId::parse(bad), Err(RequestError::Id), "{bad}");
        }
    }
}
