//! What an approval token says (docs/spec/token.md).

use super::{MessageError, PublicKey, message};
use crate::domain::change::{Action, ChangesetId, ContentId, Target};
use crate::domain::name::{CheckName, PrincipalId, RoleName, RuleName};
use crate::domain::time::Timestamp;
use data_encoding::HEXLOWER;
use std::fmt;

/// SHA-256 of a token's message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub [u8; 32]);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a token does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Counts toward the rules that match.
    Approve,
    /// Makes unmet every rule that its signer could approve.
    Reject,
    /// Takes back one earlier token of the same person.
    Revoke(TokenId),
    /// States how a check of the changeset ended, whatever it may move.
    Attest {
        /// The check.
        check: CheckName,
        /// How it ended.
        status: Status,
    },
    /// Passes this rule in an emergency.
    Override(RuleName),
    /// States that its signer looked at an override of this rule.
    Review(RuleName),
    /// Lets somebody else stand in for the signer for some time.
    Delegate {
        /// In this role only.
        role: RoleName,
        /// Who stands in.
        to: PrincipalId,
    },
}

/// How a check ended. Of two statements of one moment the greater stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All is well.
    Passed,
    /// It is not.
    Failed,
}

impl Status {
    /// Returns the word that stands in the message.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }

    /// Reads the word of a status.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Passed, Self::Failed].into_iter().find(|status| status.word() == word)
    }
}

impl Kind {
    /// Returns the word that stands in the message.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Revoke(_) => "revoke",
            Self::Attest { .. } => "attest",
            Self::Override(_) => "override",
            Self::Review(_) => "review",
            Self::Delegate { .. } => "delegate",
        }
    }

    /// Returns what the message says in `detail`: of an attestation the check and its status, of an override and a review the rule, of a
    /// delegation the role and who stands in.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Approve | Self::Reject | Self::Revoke(_) => None,
            Self::Attest { check, status } => Some(format!("{check} {}", status.word())),
            Self::Override(rule) | Self::Review(rule) => Some(rule.to_string()),
            Self::Delegate { role, to } => Some(format!("{role} {to}")),
        }
    }
}

/// The role that a token is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleChoice {
    /// `*`: any role that its signer holds.
    Any,
    /// This one only.
    Only(RoleName),
}

/// The message of a token: what its signer states.
///
/// Approve, reject and override have a subject, a target, an action, a base and a last moment; a revocation has none of these, an
/// attestation the subject and the last moment, a review the subject and the target, a delegation the last moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it does.
    pub kind: Kind,
    /// Name and id of the repository.
    pub repository: String,
    /// The changeset; `None` for a revocation and a delegation.
    pub subject: Option<ChangesetId>,
    /// What the subject may move; `None` for a revocation, an attestation and a delegation.
    pub target: Option<Target>,
    /// How it may move it; `None` as before, and for a review.
    pub action: Option<Action>,
    /// The target's value that the signer saw; sorted, several only for Mercurial branches, none for a target that did not exist.
    pub base: Vec<ChangesetId>,
    /// What names the changes of the commits, if there is such a name.
    pub content: Option<ContentId>,
    /// The role that it is meant for.
    pub role: RoleChoice,
    /// The first moment at which it counts.
    pub not_before: Timestamp,
    /// The moment from which it no longer counts; `None` for a revocation and a review.
    pub not_after: Option<Timestamp>,
    /// 128 random bits.
    pub nonce: [u8; 16],
    /// What the signer has to say; may be empty.
    pub reason: String,
}

impl Token {
    /// Writes the message: the lines that are signed, in ASCII (docs/spec/token.md, "Message").
    ///
    /// # Errors
    /// [`MessageError`] for a token that breaks the table of fields, or whose reason is too long.
    pub fn message(&self) -> Result<String, MessageError> {
        message::encode(self)
    }

    /// Reads a message, in its one accepted spelling only.
    ///
    /// # Errors
    /// [`MessageError`] says what is wrong; it never quotes the message.
    pub fn parse_message(message: &[u8]) -> Result<Self, MessageError> {
        message::decode(message)
    }
}

/// A token whose signature was checked.
///
/// Made by [`SignedToken::parse`] and [`SignedToken::from_parts`], which check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedToken {
    /// What it says.
    pub token: Token,
    /// SHA-256 of its message.
    pub id: TokenId,
    /// The key that signed it.
    pub key: PublicKey,
    /// The whole token as text, `jit1.….…`.
    pub text: String,
}
