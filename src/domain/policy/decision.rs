//! What evaluation answers: allow or deny, with everything that led there (docs/spec/semantics.md, 15).
//!
//! "Needs approval" is a denial whose reasons name the remedy, so that no caller can take it for success.

use super::{Checked, DefaultAnswer, Mode, ReasonRule};
use crate::domain::approval::TokenId;
use crate::domain::approval::quorum::{Filled, Requirement};
use crate::domain::change::{Action, ChangesetId, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::text;
use crate::domain::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::fmt;

/// The two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The push may land.
    Allow,
    /// It may not.
    Deny,
}

/// The answer to a whole push. Its updates stand or fall together.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// Each ref update, in the order of the push.
    pub updates: Vec<UpdateDecision>,
}

impl Decision {
    /// Returns the answer; a push without any update is denied, for nothing was decided.
    pub fn verdict(&self) -> Verdict {
        if !self.updates.is_empty() && self.updates.iter().all(|update| update.verdict() == Verdict::Allow) {
            Verdict::Allow
        } else {
            Verdict::Deny
        }
    }
}

/// The answer to one ref update.
#[derive(Debug, Clone)]
pub struct UpdateDecision {
    /// What moves.
    pub target: Target,
    /// The action that a token must name: the first of `actions`.
    pub action: Action,
    /// All that the update does.
    pub actions: Vec<Action>,
    /// The value before.
    pub old: Vec<ChangesetId>,
    /// The value asked for.
    pub new: Vec<ChangesetId>,
    /// The whole value after the push.
    pub after: Vec<ChangesetId>,
    /// Every rule that matched, in the policy's order.
    pub rules: Vec<RuleOutcome>,
    /// The policy's default, where no enforcing rule is known to match.
    pub default: Option<DefaultAnswer>,
}

impl UpdateDecision {
    /// Returns the answer to this update.
    pub fn verdict(&self) -> Verdict {
        let refused = self.rules.iter().any(|rule| rule.mode == Mode::Enforce && !rule.is_met());
        match self.default {
            _ if refused => Verdict::Deny,
            Some(DefaultAnswer::Deny) => Verdict::Deny,
            Some(DefaultAnswer::Allow) => Verdict::Allow,
            None => Verdict::Allow,
        }
    }

    /// Tells whether the update is refused and somebody's token could still change that, for all that its rules say.
    pub fn awaits_tokens(&self) -> bool {
        let mut unmet = self.rules.iter().filter(|rule| rule.mode == Mode::Enforce && !rule.is_met());
        self.verdict() == Verdict::Deny
            && self.default != Some(DefaultAnswer::Deny)
            && unmet.all(RuleOutcome::awaits_tokens)
    }
}

/// How one rule judged one update.
#[derive(Debug, Clone)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: RuleName,
    /// Whether it denies.
    pub mode: Mode,
    /// What the policy says when it is unmet.
    pub message: Option<String>,
    /// What it asks of everyone together, and of one of these lists.
    pub require: Vec<Requirement>,
    /// The alternatives.
    pub any_of: Vec<Vec<Requirement>>,
    /// What the reason of each approval must be.
    pub reason: Option<ReasonRule>,
    /// The changesets, and tips, that it matched.
    pub matched: Vec<ChangesetId>,
    /// Why it is unmet; empty when it is met.
    pub unmet: Vec<Unmet>,
    /// How each check that it names stands for each tip.
    pub checks: Vec<Checked>,
    /// The approvals that fill a place for at least one matched changeset.
    pub counted: Vec<Counted>,
    /// The tokens that do not count, or not for every matched changeset, and why.
    pub not_counted: Vec<NotCounted>,
    /// Who could still fill an empty place.
    pub could_sign: BTreeSet<PrincipalId>,
    /// How far it is passed in an emergency; `None` where it is met otherwise, or nobody may pass it.
    pub overriding: Option<Overriding>,
}

/// How far an unmet rule is passed in an emergency.
#[derive(Debug, Clone)]
pub struct Overriding {
    /// Whether that is enough.
    pub passes: bool,
    /// Who is asked.
    pub requirement: Requirement,
    /// How soon it is to be reviewed.
    pub review_within: Span,
    /// The overrides that count.
    pub counted: Vec<Counted>,
    /// Who could still sign one.
    pub could_sign: BTreeSet<PrincipalId>,
}

impl RuleOutcome {
    /// Tells whether nothing is missing, or what is missing is overridden.
    pub fn is_met(&self) -> bool {
        self.unmet.is_empty() || !self.overridden_by().is_empty()
    }

    /// Returns the overrides that pass it in an emergency; none if it is met otherwise, or not at all.
    pub fn overridden_by(&self) -> &[Counted] {
        self.overriding.as_ref().filter(|one| one.passes).map_or(&[], |one| &one.counted)
    }

    /// Tells whether tokens could meet it: those that it lacks, the revocation of a rejection, or an override.
    fn awaits_tokens(&self) -> bool {
        let is_token =
            |unmet: &Unmet| matches!(unmet, Unmet::Approvals { .. } | Unmet::Check(_) | Unmet::Rejected { .. });
        self.overriding.is_some() || self.unmet.iter().all(is_token)
    }

    /// Returns every token on which the rule's answer rests: approvals that fill places, attestations of checks that hold.
    pub fn relied_on(&self) -> Vec<Counted> {
        let attestation = |checked: &Checked| {
            let attested = checked.newest.as_ref().filter(|_| checked.holds())?;
            Some(Counted {
                token: attested.token,
                who: attested.by.clone(),
                role: checked.role.clone(),
                stands_in: None,
            })
        };
        self.counted.iter().cloned().chain(self.checks.iter().filter_map(attestation)).collect()
    }
}

/// An approval that fills a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The token.
    pub token: TokenId,
    /// Who signed it.
    pub who: PrincipalId,
    /// The role whose place it fills.
    pub role: RoleName,
    /// Whose place it is, if not the signer's own, and by which delegation.
    pub stands_in: Option<(PrincipalId, TokenId)>,
}

/// A token that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCounted {
    /// The token.
    pub token: TokenId,
    /// Who signed it, if the policy knows the key.
    pub who: Option<PrincipalId>,
    /// Why not.
    pub why: Why,
}

/// Why an approval does not count toward a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// It was signed for another repository, or another copy of this one.
    #[error("signed for repository {0}")]
    OtherRepository(String),
    /// It was signed for another branch, tag or bookmark.
    #[error("signed for {0}")]
    OtherTarget(Target),
    /// It was signed for another action.
    #[error("signed for {signed}, this is {asked}")]
    OtherAction {
        /// What the token names.
        signed: Action,
        /// What the update does.
        asked: Action,
    },
    /// This action needs the exact value that the target has now.
    #[error("signed when the target had another value")]
    OtherBase,
    /// The base is neither in the target's history nor in the update.
    #[error("its base is not in the history of the target")]
    UnknownBase,
    /// The subject is not the tip that this action needs.
    #[error("signed for a changeset that is not the tip")]
    NotTheTip,
    /// It covers none of the changesets that the rule matched.
    #[error("covers none of the changesets that need it")]
    CoversNothing,
    /// Its time has not begun.
    #[error("not valid before {0}")]
    NotYetValid(Timestamp),
    /// Its time is over.
    #[error("expired at {0}")]
    Expired(Timestamp),
    /// It is older than the rule's `ttl`.
    #[error("older than the {ttl} that the rule allows, since {since}")]
    TooOld {
        /// The rule's limit.
        ttl: Span,
        /// When the limit was reached.
        since: Timestamp,
    },
    /// Its signer took it back.
    #[error("revoked by its signer")]
    Revoked,
    /// Its signer rejected the same change later, or at the same moment.
    #[error("its signer rejected the change afterwards")]
    Rejected,
    /// An override that passed a rule already.
    #[error("used already: an override passes a rule once")]
    Used,
    /// The target was rewritten or deleted since.
    #[error("spent: the target was rewritten or deleted at {0}")]
    Spent(Timestamp),
    /// It was signed for changesets of the same content, and that has landed since.
    #[error("spent: the same changes landed after it was signed")]
    Landed,
    /// The policy does not know the key.
    #[error("signed with a key that the policy does not know ({0})")]
    UnknownKey(String),
    /// The principal's time is over.
    #[error("its signer's place in the policy ended at {0}")]
    SignerExpired(Timestamp),
    /// The signer holds none of the roles that are asked for.
    #[error("its signer holds none of the roles asked for")]
    NoRole,
    /// The token names a role that is not asked for, or that its signer does not hold.
    #[error("meant for role `{0}`")]
    OtherRole(RoleName),
    /// The rule wants a reason of a certain form.
    #[error("its reason is not what the rule asks for")]
    Reason,
    /// The target moved on since.
    #[error("the target moved since it was signed, and the rule wants approvals that are up to date")]
    NotUpToDate,
    /// The signer stands in for somebody whose own approval would not count.
    #[error("stands in for {from}: {why}")]
    StandsIn {
        /// For whom.
        from: PrincipalId,
        /// Why theirs would not count.
        why: Box<Why>,
    },
    /// The signer pushes.
    #[error("the pusher's own approval")]
    Pusher,
    /// The signer wrote or committed this changeset.
    #[error("its signer is an author or committer of {}", short(.0))]
    Author(ChangesetId),
}

fn short(id: &ChangesetId) -> String {
    id.hex()[..12].to_owned()
}

/// Why a rule is unmet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmet {
    /// The rule says never.
    Never,
    /// Places are empty for these changesets.
    Approvals {
        /// The changesets that share this state.
        changesets: Vec<ChangesetId>,
        /// The entries with the people who fill them; at least one has places missing.
        filled: Vec<Filled>,
    },
    /// A check does not hold.
    Check(Checked),
    /// Somebody who could approve has rejected.
    Rejected {
        /// Who.
        by: PrincipalId,
        /// With which token.
        token: TokenId,
        /// Which changeset.
        subject: ChangesetId,
        /// What they had to say.
        reason: String,
        /// When the rejection ends by itself.
        until: Timestamp,
    },
    /// Nobody knows who pushes, so that nobody's approval can be told from the pusher's own.
    UnknownPusher,
    /// The rule wants a pusher whom the policy knows.
    PusherNotKnown(Option<String>),
    /// The rule wants a pusher whom the policy knows, and this one's place in it ended.
    PusherEnded {
        /// Who pushes.
        login: String,
        /// When it ended.
        at: Timestamp,
    },
    /// The rule wants authors whom the policy knows.
    AuthorsNotKnown(Vec<(ChangesetId, Vec<u8>)>),
    /// The new value is no commit, so that nothing can be approved.
    NotACommit,
}

impl fmt::Display for Unmet {
    /// Writes the whole of it, for the log; text from outside is percent-encoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = |list: &[ChangesetId]| list.iter().map(ChangesetId::hex).collect::<Vec<_>>().join(", ");
        match self {
            Self::Never => f.write_str("never"),
            Self::Approvals { changesets, filled } => {
                let lacking = filled.iter().filter(|entry| entry.missing() > 0).map(Filled::to_string);
                write!(f, "needs {}, for {}", lacking.collect::<Vec<_>>().join(", and "), ids(changesets))
            }
            Self::Check(checked) => write!(f, "{checked}"),
            Self::Rejected { by, token, subject, reason, until } => {
                let reason = text::encode(reason.as_bytes(), b"");
                write!(f, "{} was rejected by {by} until {until} (token {token}): {reason}", subject.hex())
            }
            Self::UnknownPusher => f.write_str("nobody knows who pushes"),
            Self::PusherNotKnown(None) => f.write_str("the pusher must be a principal, and nobody knows who pushes"),
            Self::PusherNotKnown(Some(login)) => {
                write!(f, "the pusher must be a principal, {} is none", text::encode(login.as_bytes(), b""))
            }
            Self::PusherEnded { login, at } => {
                let login = text::encode(login.as_bytes(), b"");
                write!(f, "the pusher must be a principal, the place of {login} in the policy ended at {at}")
            }
            Self::AuthorsNotKnown(strangers) => {
                let stranger =
                    |(id, mail): &(ChangesetId, Vec<u8>)| format!("{} of {}", text::encode(mail, b""), id.hex());
                let list: Vec<String> = strangers.iter().map(stranger).collect();
                write!(f, "authors must be principals; not so: {}", list.join(", "))
            }
            Self::NotACommit => f.write_str("the new value is no commit"),
        }
    }
}
