//! The `request` entry: what was done with a request, and which requests the server keeps because of it
//! (docs/spec/audit-log.md, "Entries").

use super::spelling::{PusherText, outside};
use crate::domain::change::{Action, ChangesetId, Pusher, Target};
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something was done with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestStep {
    /// The request.
    pub id: RequestId,
    /// What should move.
    pub target: Target,
    /// The tip that should land; of a deletion the one that goes.
    pub subject: ChangesetId,
    /// How it should move.
    pub action: Action,
    /// The target's value that the requester saw; empty if it did not exist.
    pub base: Vec<ChangesetId>,
    /// Why, if the requester said so.
    #[serde(with = "outside")]
    pub reason: Option<String>,
    /// Who asks, and how that was known.
    #[serde(with = "PusherText")]
    pub requester: Pusher,
    /// What was done.
    #[serde(flatten)]
    pub step: Step,
}

/// What was done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Its requester sent it.
    Sent {
        /// How much it brought, in bytes.
        bytes: u64,
    },
    /// The server kept what a refused push brought.
    Parked {
        /// How much that was, in bytes.
        bytes: u64,
    },
    /// Its requester took it back.
    Cancelled,
    /// Its commits are kept no longer.
    Removed {
        /// Why not.
        why: Removal,
    },
    /// It was approved and should have landed by itself, and could not.
    NotLanded {
        /// What was in the way.
        why: Obstacle,
    },
}

/// Why the commits of a request are kept no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// The target holds the subject.
    Landed,
    /// Its requester asks for another subject.
    Superseded,
    /// It waited for too long.
    Expired,
    /// What was kept is gone or damaged.
    Damaged,
}

/// Why an approved request did not land by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The target is no longer where the subject could follow it.
    Moved,
    /// Its push was refused.
    Refused,
    /// Its push could not be made.
    Failed,
}

/// A request whose commits the server keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRequest {
    /// The request.
    pub id: RequestId,
    /// What should move.
    pub target: Target,
    /// The tip that should land.
    pub subject: ChangesetId,
    /// Who asks.
    #[serde(with = "PusherText")]
    pub requester: Pusher,
    /// Since when it is kept.
    pub since: Timestamp,
    /// How much it brought, in bytes.
    pub bytes: u64,
}

impl KeptRequest {
    /// Returns what is kept from `time` on because of `step`, if it is one that keeps something.
    pub fn of(time: Timestamp, step: &RequestStep) -> Option<Self> {
        let (Step::Sent { bytes } | Step::Parked { bytes }) = step.step else { return None };
        let RequestStep { id, target, subject, requester, .. } = step.clone();
        Some(Self { id, target, subject, requester, since: time, bytes })
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Landed => "it has landed",
            Self::Superseded => "a newer request takes its place",
            Self::Expired => "it waited for too long",
            Self::Damaged => "its commits are gone or damaged",
        })
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moved => "its target has moved on",
            Self::Refused => "its push was refused",
            Self::Failed => "its push could not be made",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{Entry, Event, Standing};
    use crate::domain::change::IdKind;

    fn entry(second: u8, subject: u8, step: Step) -> Entry {
        let target = Target::parse("refs/heads/main").expect("a target");
        let subject = ChangesetId::from_bytes(IdKind::GitSha1, &[subject; 20]).expect("an id");
        let step = RequestStep {
            id: RequestId::of("payments@5f0c", &target, &subject),
            target,
            subject,
            action: Action::Update,
            base: vec![subject],
            reason: Some("needs a dba\u{1b}".into()),
            requester: Pusher { login: Some("bob".into()), source: "env".into() },
            step,
        };
        let time = Timestamp::parse(&format!("2026-11-21T20:00:{second:02}Z")).expect("a time");
        Entry { time, event: Event::Request(step) }
    }

    #[test]
    fn a_step_has_one_spelling() {
        let head = concat!(
            r#"{"time":"2026-11-21T20:00:01Z","kind":"request","id":"r-74206515232c","target":"refs/heads/main","#,
            r#""subject":"git-sha1:0707070707070707070707070707070707070707","action":"update","#,
            r#""base":["git-sha1:0707070707070707070707070707070707070707"],"reason":"needs%20a%20dba%1B","#,
            r#""requester":{"login":"bob","source":"env"},"#
        );
        let steps = [
            (Step::Sent { bytes: 7 }, r#""step":"sent","bytes":7}"#),
            (Step::Parked { bytes: 7 }, r#""step":"parked","bytes":7}"#),
            (Step::Cancelled, r#""step":"cancelled"}"#),
            (Step::Removed { why: Removal::Landed }, r#""step":"removed","why":"landed"}"#),
            (Step::NotLanded { why: Obstacle::Moved }, r#""step":"not-landed","why":"moved"}"#),
        ];
        for (step, tail) in steps {
            let entry = entry(1, 7, step);
            let written = String::from_utf8(entry.encode()).expect("ASCII");
            assert_eq!(written, format!("{head}{tail}"));
            assert_eq!(Entry::parse(written.as_bytes()).expect("an entry"), entry);
            for missing in ["bytes", "why"] {
                if written.contains(missing) {
                    assert!(Entry::parse(written.replace(missing, "other").as_bytes()).is_err(), "{written}");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_follows_from_the_steps() {
        let mut standing = Standing::default();
        let mut kept = |second, subject, step| {
            standing.apply(u64::from(second), &entry(second, subject, step)).expect("it may follow");
            standing.kept.iter().map(|kept| (kept.subject.hex()[..2].to_owned(), kept.bytes)).collect::<Vec<_>>()
        };
        let pair = |subject: &str, bytes| (subject.to_owned(), bytes);
        assert_eq!(kept(1, 7, Step::Sent { bytes: 5 }), [pair("07", 5)]);
        assert_eq!(kept(2, 8, Step::Parked { bytes: 6 }), [pair("07", 5), pair("08", 6)]);
        assert_eq!(kept(3, 7, Step::Parked { bytes: 9 }), [pair("08", 6), pair("07", 9)], "once each");
        assert_eq!(kept(4, 8, Step::NotLanded { why: Obstacle::Moved }), [pair("08", 6), pair("07", 9)]);
        assert_eq!(kept(5, 8, Step::Cancelled), [pair("07", 9)]);
        assert_eq!(kept(6, 7, Step::Removed { why: Removal::Expired }), []);
    }
}
