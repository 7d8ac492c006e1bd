//! What to do about the warnings on a policy.

use super::faults::Said;
use crate::domain::policy::Warning;
use annotate_snippets::Level;

impl Said for Warning {
    const LEVEL: Level<'static> = Level::WARNING;

    fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::OwnWork(_) => "add people to the role, ask for fewer, or let them count with `self_approval = true`",
            Self::NobodyLeft(_) => "add people to the role, or give those who stay a later `valid_until`",
            Self::MatchesNothing { what: "branch" | "tag" | "bookmark", .. } => {
                "write the short name as it is there; what is still to come is warned of until it is there"
            }
            Self::EndsSoon { .. } => {
                "from then on nothing that they signed counts; give a later `valid_until` if they stay"
            }
            Self::LeftToDefault { .. } => {
                "let a rule name these actions (none named means all), or set `default = \"deny\"`"
            }
            Self::Avoidable { key: "labels", .. } => {
                "whoever leaves the label out is asked nothing: let the rule add to one that always holds"
            }
            Self::Avoidable { key: "larger_than", .. } => {
                "whoever splits the push is asked nothing: let the rule add to one that always holds"
            }
            Self::Avoidable { .. } => "whoever waits is asked nothing: let the rule add to one that always holds",
            _ => return None,
        };
        Some(advice.to_owned())
    }
}
