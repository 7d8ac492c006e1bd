//! What `jit doctor` finds, and how it is shown.

use crate::cli::{Context, Exit, Failure, Format, Style, safe};
use serde_json::json;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Note,
    Fail,
}

/// What was looked at, and what was found.
struct Finding {
    state: State,
    what: String,
}

/// Everything that was found.
#[derive(Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Something is as it should be.
    pub fn ok(&mut self, what: impl Into<String>) {
        self.0.push(Finding { state: State::Ok, what: what.into() });
    }

    /// Something is worth knowing.
    pub fn note(&mut self, what: impl Into<String>) {
        self.0.push(Finding { state: State::Note, what: what.into() });
    }

    /// Something lets a push around, or keeps every push out.
    pub fn fail(&mut self, what: impl Into<String>) {
        self.0.push(Finding { state: State::Fail, what: what.into() });
    }

    /// A check could not be made.
    pub fn failed(&mut self, what: &str, error: &dyn std::error::Error) {
        self.failure(what, &Failure::from_error(Exit::Denied, error));
    }

    /// As [`Findings::failed`].
    pub fn failure(&mut self, what: &str, failure: &Failure) {
        self.fail(format!("{what}: {}", failure.chain.join(": ")));
    }

    /// Shows everything, and says how the command ends.
    pub fn show(&self, cx: &Context) -> Exit {
        let word = |state: State| match state {
            State::Ok => "ok",
            State::Note => "note",
            State::Fail => "FAIL",
        };
        if cx.format == Format::Json {
            let json = |f: &Finding| json!({ "state": word(f.state).to_lowercase(), "what": f.what });
            cx.terminal.answer_json(&json!(self.0.iter().map(json).collect::<Vec<_>>()));
        } else {
            for finding in &self.0 {
                let style = match finding.state {
                    State::Ok => Style::Good,
                    State::Note => Style::Hint,
                    State::Fail => Style::Bad,
                };
                let word = cx.terminal.styled(style, &format!("{:4}", word(finding.state)));
                cx.terminal.answer(&format!("{word}  {}\n", safe(finding.what.as_bytes())));
            }
        }
        let bad = self.0.iter().any(|finding| finding.state == State::Fail);
        if bad { Exit::Denied } else { Exit::Done }
    }
}
