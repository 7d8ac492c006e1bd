//! A notice: the facts of one event, in the form in which webhooks and commands get them (docs/spec/notify-webhook.md).

use super::change::Change;
use super::event::Event;
use crate::domain::audit::{Checkpoint, Hash};
use crate::domain::change::{Action, ChangesetId, Target};
use crate::domain::name::RuleName;
use crate::domain::text::shortened;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of a notice's form. It grows when a field changes its meaning or goes; new fields may come without.
pub const SCHEMA: &str = "jit-notice/1";

/// The most entries of a list, and the most characters of a sentence: a notice is read, and its file is no longer than others.
const MOST_ENTRIES: usize = 100;
const MOST_CHARACTERS: usize = 1000;

/// What two notices share if and only if they tell of the same event: 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoticeId(String);

/// The text is not 32 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the id of a notice is 32 lowercase hex digits")]
pub struct NotANoticeId;

impl NoticeId {
    /// Derives an id: the first half of SHA-256 over repository, event and what tells this one from others of its kind, each
    /// followed by a newline.
    pub fn of(repository: &str, event: Event, which: &str) -> Self {
        let digest = Hash::of(format!("{repository}\n{event}\n{which}\n").as_bytes()).to_string();
        Self(digest[..32].to_owned())
    }
}

impl TryFrom<String> for NoticeId {
    type Error = NotANoticeId;

    fn try_from(text: String) -> Result<Self, NotANoticeId> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 32 && text.bytes().all(hex) { Ok(Self(text)) } else { Err(NotANoticeId) }
    }
}

impl From<NoticeId> for String {
    fn from(id: NoticeId) -> Self {
        id.0
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One event, with everything that a message says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// [`SCHEMA`].
    pub schema: String,
    /// The same however often it is delivered.
    pub id: NoticeId,
    /// What happened.
    pub event: Event,
    /// When, by the server's clock.
    pub time: Timestamp,
    /// Name and id of the repository.
    pub repository: String,
    /// Index of the log entry that tells of it, if there is one.
    pub entry: Option<u64>,
    /// The id of the request that it is about, `r-…`.
    pub request: Option<String>,
    /// What should move or has moved.
    pub about: Option<About>,
    /// The login of who asked for that, as far as the server knows; arbitrary text.
    pub requester: Option<String>,
    /// Who did what happened: names of principals, or of an administrator's account.
    pub by: Vec<String>,
    /// The rules that asked.
    pub rules: Vec<RuleNotice>,
    /// What it would change, where that is told and known.
    pub change: Option<Change>,
    /// What there is to know beside all that, a sentence each.
    pub details: Vec<String>,
    /// When that ends which the event is about, such as the time for a review.
    pub until: Option<Timestamp>,
    /// What somebody can type now.
    pub commands: Vec<String>,
    /// The log's head that was the newest when this was written.
    pub checkpoint: Option<Seen>,
}

/// What should move or has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The target.
    pub target: Target,
    /// How it moves, in the order of [`Action`].
    pub actions: Vec<Action>,
    /// Its value before.
    pub old: Vec<ChangesetId>,
    /// Its value after; empty for a deletion.
    pub new: Vec<ChangesetId>,
}

/// What a rule asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleNotice {
    /// Its name.
    pub name: RuleName,
    /// What the policy says when it is unmet.
    pub message: Option<String>,
    /// What it asks for, a sentence each.
    pub required: Vec<String>,
    /// What is missing, a sentence each; empty when nothing is.
    pub missing: Vec<String>,
}

/// A checkpoint of the log, for whoever wants to compare later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How many entries the log had.
    pub size: u64,
    /// The root over them, in hex.
    pub root: String,
    /// Both, signed by the log's key, as a C2SP signed note.
    pub note: String,
}

impl Seen {
    /// Takes a checkpoint and the note that says it.
    pub fn of(checkpoint: &Checkpoint, note: &str) -> Self {
        Self { size: checkpoint.size, root: checkpoint.root.to_string(), note: note.to_owned() }
    }
}

impl Notice {
    /// Begins a notice that says only what happened, when and where; `which` tells it from others of its kind.
    pub fn new(repository: &str, event: Event, which: &str, time: Timestamp) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            id: NoticeId::of(repository, event, which),
            event,
            time,
            repository: repository.to_owned(),
            entry: None,
            request: None,
            about: None,
            requester: None,
            by: Vec::new(),
            rules: Vec::new(),
            change: None,
            details: Vec::new(),
            until: None,
            commands: Vec::new(),
            checkpoint: None,
        }
    }

    /// Cuts every list and sentence whose length somebody outside decides: 100 entries of 1,000 characters at most.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.rules.truncate(MOST_ENTRIES);
        for rule in &mut self.rules {
            cut(&mut rule.required);
            cut(&mut rule.missing);
        }
        cut(&mut self.by);
        cut(&mut self.details);
        if let Some(about) = &mut self.about {
            about.old.truncate(MOST_ENTRIES);
            about.new.truncate(MOST_ENTRIES);
        }
        self
    }

    /// Writes the JSON that webhooks and commands get, without a newline at its end.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a notice holds nothing that JSON cannot")
    }
}

/// Cuts sentences, and what there are too many of, with a word on how many.
fn cut(sentences: &mut Vec<String>) {
    let more = sentences.len().saturating_sub(MOST_ENTRIES);
    sentences.truncate(MOST_ENTRIES);
    for sentence in sentences.iter_mut() {
        *sentence = shortened(sentence, MOST_CHARACTERS);
    }
    if more > 0 {
        sentences.push(format!("and {more} more"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_has_one_id_and_no_two_share_one() {
        let of = NoticeId::of;
        let id = of("payments@00", Event::Opened, "3:0");
        assert_eq!(id, of("payments@00", Event::Opened, "3:0"));
        let others = [
            of("payments@01", Event::Opened, "3:0"),
            of("payments@00", Event::Denied, "3:0"),
            of("payments@00", Event::Opened, "3:1"),
        ];
        assert!(others.iter().all(|other| *other != id));
        assert_eq!(NoticeId::try_from(id.to_string()), Ok(id), "it is shown as it is read");
        for bad in ["", "../../../../etc/passwd-0000000000", "ABCDEF00000000000000000000000000"] {
            assert_eq!(NoticeId::try_from(bad.to_owned()), Err(NotANoticeId), "{bad}");
        }
    }

    #[test]
    fn no_push_makes_a_notice_endless() {
        let rule = RuleNotice {
            name: RuleName::new("review").expect("a name"),
            message: None,
            required: vec!["é".repeat(50_000); 500],
            missing: Vec::new(),
        };
        let notice = Notice {
            rules: vec![rule; 3],
            details: vec!["short".to_owned(); 102],
            by: vec!["alice".to_owned(); 100],
            ..Notice::new("payments@00", Event::Opened, "7", Timestamp::EPOCH)
        };
        let bounded = notice.bounded();
        assert_eq!(bounded.details.last().map(String::as_str), Some("and 2 more"));
        assert_eq!(bounded.by, vec!["alice".to_owned(); 100], "as many as there may be");
        assert_eq!(bounded.rules[0].required[0].chars().count(), 1000);
        assert!(bounded.json().len() < 1 << 20);
    }

    #[test]
    fn a_notice_is_read_as_it_is_written() {
        let notice = Notice {
            requester: Some("bob\n<b>".to_owned()),
            by: vec!["alice".to_owned()],
            ..Notice::new("payments@00", Event::Denied, "7", Timestamp::EPOCH)
        };
        assert_eq!(serde_json::from_str::<Notice>(&notice.json()).ok(), Some(notice));
    }
}
