//! Each way in which a policy that loads may do other than its author thinks, in words.

use super::Thing;
use crate::domain::change::{Action, Target};
use crate::domain::name::PrincipalId;
use crate::domain::time::Timestamp;

/// What is doubtful. Texts are quoted as the file has them: escape them before they reach a terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// Without these people, each for themselves, too few are left to fill the rule's places.
    #[error("what {} pushes or writes can never meet this rule: too few others could approve it", any(.0))]
    OwnWork(Vec<PrincipalId>),
    /// Too few of the people whom the rule asks still have a place in the policy.
    #[error("this rule can no longer be met: the time of {} is over", any(.0))]
    NobodyLeft(Vec<PrincipalId>),
    /// Nothing refers to it.
    #[error("no rule asks for the {what} `{name}`")]
    Unused {
        /// What kind of thing.
        what: Thing,
        /// Its name.
        name: String,
    },
    /// The pattern matches nothing that exists.
    #[error("`{pattern}` matches no {what} of the repository")]
    MatchesNothing {
        /// As it is written.
        pattern: String,
        /// "branch", "tag", "bookmark" or "ref".
        what: &'static str,
    },
    /// The pattern matches no path that is tracked.
    #[error("`{pattern}` matches no path at the tip of {tip}")]
    NoPath {
        /// As it is written.
        pattern: String,
        /// Whose paths were looked at.
        tip: Target,
    },
    /// The principal's time is over.
    #[error("the time of `{who}` is over since {at}")]
    Ended {
        /// Who.
        who: PrincipalId,
        /// When it ended.
        at: Timestamp,
    },
    /// The principal's time is nearly over.
    #[error("the time of `{who}` ends at {at}")]
    EndsSoon {
        /// Who.
        who: PrincipalId,
        /// When it ends.
        at: Timestamp,
    },
    /// A target that enforcing rules name can undergo something that none of them is about.
    #[error("no enforcing rule is about {} of {target}: `default` lets it in", either(.actions))]
    LeftToDefault {
        /// The target, or one that the pattern matches.
        target: Target,
        /// What it can undergo.
        actions: Vec<Action>,
    },
    /// All that guards a target can be passed by.
    #[error("nothing but rules with `{key}` guards {} of {target}", either(.actions))]
    Avoidable {
        /// The key.
        key: &'static str,
        /// The target, or one that the pattern matches.
        target: Target,
        /// What is so guarded.
        actions: Vec<Action>,
    },
}

fn any(people: &[PrincipalId]) -> String {
    people.iter().map(|who| format!("`{who}`")).collect::<Vec<_>>().join(" or ")
}

fn either(actions: &[Action]) -> String {
    actions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
