//! What a pipeline is told, in each form: for people, as JSON, for test reports (JUnit), and for the log of a GitHub workflow.

use crate::cli::{Exit, Told, Written, safe};
use crate::domain::change::Gate;
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use crate::enforcement::{GateAnswer, GateState, Over};
use serde_json::{Value, json};

/// How a gate stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It opened.
    Opened,
    /// It waits for approval.
    Waits,
    /// It does not open.
    Refused,
    /// A newer request of the same asker takes its place.
    Superseded,
    /// It waited for too long.
    Expired,
    /// It was taken back, or opened for somebody else.
    Gone,
    /// The policy knows no such gate.
    Unknown,
    /// It could not be decided.
    Undecided,
}

impl Word {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Opened,
        Self::Waits,
        Self::Refused,
        Self::Superseded,
        Self::Expired,
        Self::Gone,
        Self::Unknown,
        Self::Undecided,
    ];

    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Waits => "waits",
            Self::Refused => "refused",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
            Self::Undecided => "undecided",
        }
    }

    /// How the command ends if this is the last word.
    pub fn exit(self) -> Exit {
        match self {
            Self::Opened => Exit::Done,
            Self::Waits => Exit::Pending,
            Self::Refused | Self::Superseded | Self::Expired | Self::Gone => Exit::Denied,
            Self::Unknown => Exit::Usage,
            Self::Undecided => Exit::Undecided,
        }
    }
}

/// What a pipeline is told at one moment. The lines are escaped, and have no `jit: ` in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How the gate stands.
    pub word: Word,
    /// The gate.
    pub gate: Gate,
    /// The request by which it is asked for.
    pub request: RequestId,
    /// Until when it waits, if it does.
    pub until: Option<Timestamp>,
    /// Why it stands so.
    pub reason: Vec<String>,
    /// What to do now.
    pub hints: Vec<String>,
    /// What else there is to know, such as where it stands in the log.
    pub notes: Vec<String>,
}

impl Report {
    /// Puts what a server answered into words.
    pub fn of(gate: &Gate, found: &GateAnswer) -> Self {
        let Told { mut reason, notes, hints } = Told::of(&found.answer);
        let (word, until) = match &found.state {
            GateState::Opened => (Word::Opened, None),
            GateState::Waits { until } => (Word::Waits, Some(*until)),
            GateState::Refused => (Word::Refused, None),
            GateState::Over(Over::Superseded { by }) => {
                reason = vec![format!("the same asker asks for another commit by {by}")];
                (Word::Superseded, None)
            }
            GateState::Over(Over::Expired) => {
                reason = vec!["nobody approved it in time".to_owned()];
                (Word::Expired, None)
            }
            GateState::Over(Over::Gone) => {
                reason = vec!["it was taken back, or opened already for somebody who asked for the same".to_owned()];
                (Word::Gone, None)
            }
            GateState::Unknown => {
                reason =
                    vec![format!("the policy has no environment `{}` with a gate `{}`", gate.environment, gate.name)];
                (Word::Unknown, None)
            }
            GateState::Undecided => (Word::Undecided, None),
        };
        // Waiting is no denial, and what is waited for stands in the headline.
        reason.retain(|line| word != Word::Waits || !line.starts_with("denied: "));
        let hints = if matches!(word, Word::Waits | Word::Refused) { hints } else { Vec::new() };
        Self { word, gate: gate.clone(), request: found.id.clone(), until, reason, hints, notes }
    }

    /// Says in a line how the gate stands.
    pub fn headline(&self) -> String {
        let Gate { environment, name, subject } = &self.gate;
        let what = format!("gate {name} of {environment} for {}", subject.hex());
        match (self.word, self.until) {
            (Word::Waits, Some(until)) => format!("waits: {what}, request {}, until {until}", self.request),
            (word, _) => format!("{}: {what}, request {}", word.as_str(), self.request),
        }
    }

    /// The lines for people.
    pub fn lines(&self) -> Vec<String> {
        let hints = self.hints.iter().map(|hint| format!("hint: {hint}"));
        let resume = (self.word == Word::Waits).then(|| format!("hint: `{}` waits on", self.resume()));
        let reason = self.reason.iter().map(|line| format!("  {}", line.trim_start_matches("denied: ")));
        [self.headline()].into_iter().chain(reason).chain(hints).chain(resume).chain(self.notes.clone()).collect()
    }

    /// What to type to wait on.
    fn resume(&self) -> String {
        format!("jit gate --request {}", self.request)
    }

    /// JSON: `state`, `environment`, `gate`, `subject`, `request`, `until` (null where it does not wait), `reason`, `hints`, `notes` (lines), `exit`.
    pub fn json(&self) -> Value {
        json!({
            "state": self.word.as_str(),
            "environment": self.gate.environment.as_str(),
            "gate": self.gate.name.as_str(),
            "subject": self.gate.subject.to_string(),
            "request": self.request.to_string(),
            "until": self.until.map(|until| until.to_string()),
            "reason": self.reason,
            "hints": self.hints,
            "notes": self.notes,
            "exit": self.word.exit().code(),
        })
    }

    /// A JUnit report with one case: passed if the gate opened, skipped while it waits, an error where nothing was decided, and else failed.
    pub fn junit(&self) -> String {
        let Gate { environment, name, .. } = &self.gate;
        let (failures, errors, skipped, tag) = match self.word.exit() {
            Exit::Done => (0, 0, 0, None),
            Exit::Denied => (1, 0, 0, Some("failure")),
            Exit::Pending => (0, 0, 1, Some("skipped")),
            Exit::Usage | Exit::Undecided => (0, 1, 0, Some("error")),
        };
        let said = xml(&self.lines().join("\n"));
        let inside = match tag {
            None => format!("<system-out>{said}</system-out>"),
            Some(tag) => format!("<{tag} message=\"{}\">{said}</{tag}>", xml(&self.headline())),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuite name=\"jit gate\" tests=\"1\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\
             <testcase classname=\"{environment}\" name=\"{name}\">{inside}</testcase></testsuite>\n"
        )
    }

    /// A workflow command of GitHub Actions: a notice if the gate opened, a warning while it waits, else an error.
    pub fn github(&self) -> String {
        let command = match self.word.exit() {
            Exit::Done => "notice",
            Exit::Pending => "warning",
            _ => "error",
        };
        let text = self.lines().join("\n");
        let data = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
        format!("::{command} title=jit gate {}::{data}\n", self.gate.name)
    }

    /// The report in the form that was asked for.
    pub fn written(&self, form: Written) -> String {
        match form {
            Written::Json => format!("{}\n", self.json()),
            Written::Junit => self.junit(),
            Written::Github => self.github(),
            Written::Text | Written::Csv | Written::OpenMetrics => {
                self.lines().iter().map(|line| format!("{line}\n")).collect()
            }
        }
    }
}

/// Escapes text for XML, in which control characters cannot stand at all.
fn xml(text: &str) -> String {
    let plain: String = text.split('\n').map(|line| safe(line.as_bytes())).collect::<Vec<_>>().join("\n");
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
