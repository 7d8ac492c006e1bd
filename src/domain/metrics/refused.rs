//! Why tokens did not count, in few words for counting.
//!
//! The log has a sentence for each. They are read here, so that logs of any age can be counted.

use serde::Serialize;

/// A kind of reason why a token did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Signed for another repository, or another copy of this one.
    WrongRepository,
    /// Signed for another target.
    WrongRef,
    /// Signed for another action.
    WrongAction,
    /// What it was signed for has moved on: a new push outdated it.
    Stale,
    /// It covers nothing that needs it.
    CoversNothing,
    /// Its time has not begun.
    NotYetValid,
    /// Its time is over.
    Expired,
    /// Taken back.
    Revoked,
    /// Its signer said no afterwards.
    Withdrawn,
    /// It acted already.
    Replay,
    /// The policy does not know the key.
    UnknownKey,
    /// Its signer's place in the policy ended.
    SignerEnded,
    /// It is not of a role that is asked for.
    WrongRole,
    /// Its reason is not what the rule wants.
    Reason,
    /// By who pushes or wrote it.
    #[serde(rename = "self")]
    Own,
    /// A sentence of another version.
    Other,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::WrongRepository,
        Self::WrongRef,
        Self::WrongAction,
        Self::Stale,
        Self::CoversNothing,
        Self::NotYetValid,
        Self::Expired,
        Self::Revoked,
        Self::Withdrawn,
        Self::Replay,
        Self::UnknownKey,
        Self::SignerEnded,
        Self::WrongRole,
        Self::Reason,
        Self::Own,
        Self::Other,
    ];

    /// Reads the sentence of a log entry.
    pub fn of(why: &str) -> Self {
        if let Some((_, inner)) = why.strip_prefix("stands in for ").and_then(|rest| rest.split_once(": ")) {
            return Self::of(inner);
        }
        // The targets and names in these sentences hold no spaces.
        if why.starts_with("signed for ") && why.contains(", this is ") {
            return Self::WrongAction;
        }
        let found = BEGINNINGS.iter().find(|(beginning, _)| why.starts_with(beginning));
        found.map_or(Self::Other, |(_, reason)| *reason)
    }

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::WrongRepository => "wrong_repository",
            Self::WrongRef => "wrong_ref",
            Self::WrongAction => "wrong_action",
            Self::Stale => "stale",
            Self::CoversNothing => "covers_nothing",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Withdrawn => "withdrawn",
            Self::Replay => "replay",
            Self::UnknownKey => "unknown_key",
            Self::SignerEnded => "signer_ended",
            Self::WrongRole => "wrong_role",
            Self::Reason => "reason",
            Self::Own => "self",
            Self::Other => "other",
        }
    }
}

/// How the sentences begin; of two that fit, the first holds.
const BEGINNINGS: [(&str, Refused); 22] = [
    ("signed for repository ", Refused::WrongRepository),
    ("signed for a changeset that is not the tip", Refused::CoversNothing),
    ("signed for ", Refused::WrongRef),
    ("signed when the target had another value", Refused::Stale),
    ("its base is not in the history", Refused::Stale),
    ("covers none", Refused::CoversNothing),
    ("not valid before ", Refused::NotYetValid),
    ("expired at ", Refused::Expired),
    ("older than ", Refused::Expired),
    ("revoked ", Refused::Revoked),
    ("its signer rejected ", Refused::Withdrawn),
    ("used already", Refused::Replay),
    ("spent: the target ", Refused::Stale),
    ("spent: ", Refused::Replay),
    ("signed with a key ", Refused::UnknownKey),
    ("its signer's place ", Refused::SignerEnded),
    ("its signer holds none ", Refused::WrongRole),
    ("meant for role ", Refused::WrongRole),
    ("its reason ", Refused::Reason),
    ("the target moved ", Refused::Stale),
    ("the pusher's own ", Refused::Own),
    ("its signer is an author ", Refused::Own),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{Action, ChangesetId, IdKind, Target};
    use crate::domain::name::{PrincipalId, RoleName};
    use crate::domain::policy::Why;
    use crate::domain::time::{Span, Timestamp};

    /// What each reason is counted as. A reason that is new does not compile until it stands here, and among the sentences below.
    fn counted_as(why: &Why) -> Refused {
        match why {
            Why::OtherRepository(_) => Refused::WrongRepository,
            Why::OtherTarget(_) => Refused::WrongRef,
            Why::OtherAction { .. } => Refused::WrongAction,
            Why::OtherBase | Why::UnknownBase | Why::Spent(_) | Why::NotUpToDate => Refused::Stale,
            Why::NotTheTip | Why::CoversNothing => Refused::CoversNothing,
            Why::NotYetValid(_) => Refused::NotYetValid,
            Why::Expired(_) | Why::TooOld { .. } => Refused::Expired,
            Why::Revoked => Refused::Revoked,
            Why::Rejected => Refused::Withdrawn,
            Why::Used | Why::Landed => Refused::Replay,
            Why::UnknownKey(_) => Refused::UnknownKey,
            Why::SignerExpired(_) => Refused::SignerEnded,
            Why::NoRole | Why::OtherRole(_) => Refused::WrongRole,
            Why::Reason => Refused::Reason,
            Why::StandsIn { why, .. } => counted_as(why),
            Why::Pusher | Why::Author(_) => Refused::Own,
        }
    }

    #[test]
    fn every_sentence_of_the_log_is_counted_as_what_it_says() {
        let at = Timestamp::EPOCH;
        let (role, id) = (RoleName::new("dba"), ChangesetId::from_bytes(IdKind::GitSha1, &[7; 20]));
        let whys = [
            Why::OtherRepository("payments@5f0c".to_owned()),
            Why::OtherTarget(Target::git_ref(b"refs/heads/a, this is b").expect("a ref")),
            Why::OtherTarget(Target::git_ref(b"refs/heads/repository x").expect("a ref")),
            Why::OtherAction { signed: Action::Create, asked: Action::Update },
            Why::OtherBase,
            Why::UnknownBase,
            Why::NotTheTip,
            Why::CoversNothing,
            Why::NotYetValid(at),
            Why::Expired(at),
            Why::TooOld { ttl: Span::days(1), since: at },
            Why::Revoked,
            Why::Rejected,
            Why::Used,
            Why::Spent(at),
            Why::Landed,
            Why::UnknownKey("ssh-ed25519 AAAA".to_owned()),
            Why::SignerExpired(at),
            Why::NoRole,
            Why::OtherRole(role.expect("a role")),
            Why::Reason,
            Why::NotUpToDate,
            Why::Pusher,
            Why::Author(id.expect("an id")),
        ];
        for why in whys {
            assert_eq!(Refused::of(&why.to_string()), counted_as(&why), "{why}");
            let from = PrincipalId::new("alice").expect("a name");
            let standing_in = Why::StandsIn { from, why: Box::new(why) };
            assert_eq!(Refused::of(&standing_in.to_string()), counted_as(&standing_in), "{standing_in}");
        }
        for other in ["", "something that a later version says", "stands in for nobody"] {
            assert_eq!(Refused::of(other), Refused::Other, "{other}");
        }
    }

    #[test]
    fn each_reason_has_one_word_in_every_format() {
        for reason in Refused::ALL {
            assert_eq!(serde_json::json!(reason), reason.word());
        }
    }
}
