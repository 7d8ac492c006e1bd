//! By what requests are told apart.

use crate::domain::change::Target;
use crate::domain::name::RuleName;
use crate::domain::policy::{Policy, Rule};
use std::collections::BTreeSet;

/// By what requests are told apart. One can belong to several groups, or to none, which is [`Key::NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Each rule that refused or let them in.
    Rule,
    /// Each role whose approvals these rules count.
    Role,
    /// Each environment that their target belongs to.
    Environment,
    /// Each label that these rules are about.
    Label,
    /// Their target.
    Branch,
}

impl Key {
    /// The group of those that belong to no other.
    pub const NONE: &str = "(none)";

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Role => "role",
            Self::Environment => "environment",
            Self::Label => "label",
            Self::Branch => "branch",
        }
    }

    /// Returns the groups of a request for `target` to which `rules` had something to say, by the policy that is in force when it ends.
    pub(super) fn groups(
        self,
        target: &Target,
        rules: &BTreeSet<&RuleName>,
        policy: Option<&Policy>,
    ) -> BTreeSet<String> {
        let known = policy.into_iter().flat_map(|policy| &policy.rules).filter(|rule| rules.contains(&rule.name));
        let mut groups: BTreeSet<String> = match self {
            Self::Rule => rules.iter().map(ToString::to_string).collect(),
            Self::Role => known.flat_map(Rule::roles).map(ToString::to_string).collect(),
            Self::Label => known.flat_map(labels).collect(),
            Self::Branch => BTreeSet::from([target.to_string()]),
            Self::Environment => {
                let of = |policy: &Policy| -> Vec<String> {
                    let holding = policy.environments.keys().filter(|name| policy.holds(name, target));
                    holding.map(ToString::to_string).collect()
                };
                policy.map(of).unwrap_or_default().into_iter().collect()
            }
        };
        if groups.is_empty() {
            groups.insert(Self::NONE.to_owned());
        }
        groups
    }
}

/// The labels that a rule is about, as it writes them: `severity=critical`.
fn labels(rule: &Rule) -> Vec<String> {
    let of = |(key, list): (&String, &crate::domain::policy::Patterns)| -> Vec<String> {
        list.written().iter().map(|value| format!("{key}={value}")).collect()
    };
    rule.labels.iter().flat_map(of).collect()
}
