//! The entries beside decisions: how the log began, what became of a push, and what was done to the installation.

use super::decision::Counted;
use super::merkle::Hash;
use crate::domain::approval::TokenId;
use crate::domain::change::{ChangesetId, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Which system keeps the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// Git.
    Git,
    /// Mercurial.
    Hg,
}

/// The first entry of every log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Name and id of the repository.
    pub repository: String,
    /// The log's name.
    pub origin: String,
    /// What keeps the repository.
    pub system: System,
    /// The log's verifier key line.
    pub key: String,
    /// The refs that existed.
    pub refs: GenesisRefs,
    /// The version of the program that wrote this.
    pub version: String,
}

/// The refs that existed when the log began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisRefs {
    /// The blob with the map from target to ids.
    pub blob: Hash,
    /// How many there were.
    pub count: u64,
}

/// Whether anything of an allowed push took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// At least one update did.
    Applied,
    /// None did.
    NotApplied,
}

/// What became of an allowed push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Index of the decision.
    pub of: u64,
    /// The updates that took effect.
    pub applied: Vec<Applied>,
    /// Whether there are any.
    pub how: OutcomeKind,
    /// Whether this was concluded later from the refs' values, because no hook reported it.
    pub settled: bool,
    /// Names the blob with the whole entry, in the short form of a long one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Hash>,
}

/// One update that took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// What moved.
    pub target: Target,
    /// Its value now; empty if it is gone.
    pub value: Vec<ChangesetId>,
}

/// An allowed push passed a rule in an emergency; somebody else is to look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Index of the decision.
    pub of: u64,
    /// What was to move.
    pub target: Target,
    /// The rule.
    pub rule: RuleName,
    /// The changesets by which a review may name it: the tips, and what was signed for.
    pub subjects: Vec<ChangesetId>,
    /// The overrides that counted, and for whom.
    pub overriders: Vec<Counted>,
    /// Whoever holds one of these may review it,
    pub roles: Vec<RoleName>,
    /// but for these: who signed, who pushed, who wrote it.
    pub barred: Vec<PrincipalId>,
    /// Until when.
    pub due: Timestamp,
    /// Names the blob with the whole entry, in the short form of a long one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Hash>,
}

/// Somebody looked at an override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Index of the override's entry.
    pub debt: u64,
    /// Who did.
    pub by: PrincipalId,
    /// The token that says so.
    pub token: TokenId,
    /// Its text.
    pub text: String,
}

/// A policy came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// The policy's digest, as decisions name it.
    pub digest: Hash,
    /// The blob with the map from file name to text.
    pub files: Hash,
    /// Who put it in force.
    pub by: String,
    /// The names of rules, roles, principals and settings that differ from the policy before.
    pub changed: Vec<String>,
    /// Names the blob with the whole entry, in the short form of a long one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Hash>,
}

/// Why the log went on although something was not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryKind {
    /// A last line that a power cut had spoilt was moved aside.
    BadTail,
    /// An administrator accepted a restored back-up or a corrected clock.
    AcceptRestore,
}

/// The log went on after damage, a restored back-up or a clock that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// What happened.
    pub what: RecoveryKind,
    /// How many entries the log had then.
    pub size: u64,
    /// The size that the anchor remembered, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchored: Option<u64>,
    /// The file in `aside/` that holds the bytes that were moved away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<String>,
    /// What the administrator had to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The hooks were taken out; what lands from here on is not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uninstall {
    /// Who did it.
    pub by: String,
}
