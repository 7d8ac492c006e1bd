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
        /// Index of the decision that refused it.
        of: u64,
    },
    /// Its requester took it back.
    Cancelled,
    /// Its commits are kept no longer.
    Removed {
        /// Why not.
        why: Removal,
    },
    /// A token for it came, it should have landed by itself, and it did not.
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

/// Why a request did not land by itself.
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

/// A request whose commits the server keeps. What a cancelled or removed one said stands in the entry that kept it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRequest {
    /// The request.
    pub id: RequestId,
    /// What should move.
    pub target: Target,
    /// The tip that should land.
    pub subject: ChangesetId,
    /// How it should move.
    pub action: Action,
    /// The target's value that the requester saw.
    pub base: Vec<ChangesetId>,
    /// Who asks.
    #[serde(with = "PusherText")]
    pub requester: Pusher,
    /// Since when it is kept.
    pub since: Timestamp,
    /// How much it brought, in bytes.
    pub bytes: u64,
    /// What brought it: the index of the refused push's decision, or of the entry by which it was sent.
    pub push: u64,
    /// Why it did not land by itself, if it should have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
}

impl KeptRequest {
    /// Returns what is kept from `time` on because of `step`, the entry `index`, if it is one that keeps something.
    pub fn of(index: u64, time: Timestamp, step: &RequestStep) -> Option<Self> {
        let (bytes, push) = match step.step {
            Step::Sent { bytes } => (bytes, index),
            Step::Parked { bytes, of } => (bytes, of),
            Step::Cancelled | Step::Removed { .. } | Step::NotLanded { .. } => return None,
        };
        let RequestStep { id, target, subject, action, base, requester, .. } = step.clone();
        Some(Self { id, target, subject, action, base, requester, since: time, bytes, push, obstacle: None })
    }

    /// Tells whether `other` takes its place: of the same requester for the same target, by a later push, with another subject.
    ///
    /// Who is not known is nobody's predecessor.
    pub fn is_superseded_by(&self, other: &Self) -> bool {
        let same = self.requester.login.is_some() && self.requester.login == other.requester.login;
        let same_target = self.target == other.target && self.action.gate() == other.action.gate();
        same && same_target && self.subject != other.subject && self.push < other.push
    }

    /// Returns the entry that says `step` of it.
    pub fn step(&self, step: Step) -> RequestStep {
        let Self { id, target, subject, action, base, requester, .. } = self.clone();
        RequestStep { id, target, subject, action, base, reason: None, requester, step }
    }
}

/// Applies the step that is the entry `index` to what is kept.
pub(super) fn take(kept: &mut Vec<KeptRequest>, index: u64, time: Timestamp, step: &RequestStep) {
    if let Step::NotLanded { why } = step.step {
        kept.iter_mut().filter(|one| one.id == step.id).for_each(|one| one.obstacle = Some(why));
        return;
    }
    kept.retain(|one| one.id != step.id);
    kept.extend(KeptRequest::of(index, time, step));
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

    #[test]
    fn why_a_request_is_no_longer_kept_is_said_in_words() {
        let words =
            [Removal::Landed, Removal::Superseded, Removal::Expired, Removal::Damaged].map(|why| why.to_string());
        let expected = [
            "it has landed",
            "a newer request takes its place",
            "it waited for too long",
            "its commits are gone or damaged",
        ];
        assert_eq!(words, expected);
    }

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
            (Step::Parked { bytes: 7, of: 3 }, r#""step":"parked","bytes":7,"of":3}"#),
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
    fn only_a_later_request_of_the_same_person_for_the_same_target_takes_the_place_of_one() {
        let kept = |who: Option<&str>, target: &str, action: &str, subject: u8, push: u64| KeptRequest {
            id: RequestId::parse("r-0123456789ab").expect("an id"),
            target: Target::parse(target).expect("a target"),
            subject: ChangesetId::from_bytes(IdKind::GitSha1, &[subject; 20]).expect("an id"),
            action: Action::parse(action).expect("an action"),
            base: Vec::new(),
            requester: Pusher { login: who.map(str::to_owned), source: "env".into() },
            since: Timestamp::from_unix(0).expect("a time"),
            bytes: 5,
            push,
            obstacle: None,
        };
        let (main, dev) = ("refs/heads/main", "refs/heads/dev");
        let one = kept(Some("bob"), main, "update", 7, 3);
        let cases = [
            ("a later one", kept(Some("bob"), main, "update", 8, 4), true),
            ("that does something else to it", kept(Some("bob"), main, "rewrite", 8, 4), true),
            ("itself", one.clone(), false),
            ("of the same push", kept(Some("bob"), main, "update", 8, 3), false),
            ("an earlier one", kept(Some("bob"), main, "update", 8, 2), false),
            ("of the same changeset", kept(Some("bob"), main, "update", 7, 4), false),
            ("of somebody else", kept(Some("mallory"), main, "update", 8, 4), false),
            ("of nobody known", kept(None, main, "update", 8, 4), false),
            ("for another target", kept(Some("bob"), dev, "update", 8, 4), false),
        ];
        for (what, other, takes) in cases {
            assert_eq!(one.is_superseded_by(&other), takes, "{what}");
        }
        let (nobody, gate) =
            (kept(None, main, "update", 7, 3), kept(Some("bob"), "env:production", "gate:deploy", 7, 3));
        assert!(!nobody.is_superseded_by(&kept(None, main, "update", 8, 4)));
        assert!(gate.is_superseded_by(&kept(Some("bob"), "env:production", "gate:deploy", 8, 4)));
        assert!(!gate.is_superseded_by(&kept(Some("bob"), "env:production", "gate:migrate", 8, 4)));
    }

    #[test]
    fn what_kept_a_request_from_landing_is_said_of_that_one_only() {
        let steps = [
            (7, Step::Sent { bytes: 5 }),
            (8, Step::Sent { bytes: 6 }),
            (8, Step::NotLanded { why: Obstacle::Refused }),
        ];
        let mut standing = Standing::default();
        for (second, (subject, step)) in (1..).zip(steps) {
            standing.apply(u64::from(second), &entry(second, subject, step)).expect("it may follow");
        }
        let obstacles: Vec<_> = standing.kept.iter().map(|kept| (kept.bytes, kept.obstacle)).collect();
        assert_eq!(obstacles, [(5, None), (6, Some(Obstacle::Refused))]);
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
        assert_eq!(kept(2, 8, Step::Parked { bytes: 6, of: 1 }), [pair("07", 5), pair("08", 6)]);
        assert_eq!(kept(3, 7, Step::Parked { bytes: 9, of: 2 }), [pair("08", 6), pair("07", 9)], "once each");
        assert_eq!(kept(4, 8, Step::NotLanded { why: Obstacle::Moved }), [pair("08", 6), pair("07", 9)]);
        assert_eq!(kept(5, 8, Step::Cancelled), [pair("07", 9)]);
        assert_eq!(kept(6, 7, Step::Removed { why: Removal::Expired }), []);
    }
}
