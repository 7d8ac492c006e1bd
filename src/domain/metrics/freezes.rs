//! How long nothing could land whatever was signed: rules that say never, and only at some times.

use crate::domain::change::{Action, Target};
use crate::domain::policy::{Mode, Policy, Rule, When};
use crate::domain::time::Timestamp;
use std::sync::Arc;

/// The policies that were in force, as far as they freeze anything.
#[derive(Debug, Default)]
pub(super) struct Freezes {
    /// Since when which one is; `None` where it freezes nothing, or did not load.
    eras: Vec<(Timestamp, Option<Arc<Policy>>)>,
}

impl Freezes {
    /// Takes note that `policy` is in force from `since` on.
    pub fn put_in_force(&mut self, since: Timestamp, policy: Option<&Arc<Policy>>) {
        let freezing = policy.filter(|policy| policy.rules.iter().any(freezes));
        self.eras.push((since, freezing.cloned()));
    }

    /// Counts the seconds from `from` to `until` in which `action` on `target` was frozen.
    pub fn seconds(&self, target: &Target, action: &Action, from: Timestamp, until: Timestamp) -> u64 {
        let ends = self.eras.iter().skip(1).map(|(since, _)| *since).chain([until]);
        let eras = self.eras.iter().zip(ends);
        let of_era = |((since, policy), end): (&(Timestamp, Option<Arc<Policy>>), Timestamp)| {
            let (from, until) = (from.max(*since), until.min(end));
            policy.as_ref().filter(|_| from < until).map_or(0, |policy| within(policy, target, action, from, until))
        };
        eras.map(of_era).sum()
    }
}

/// Tells whether the rule is a freeze: it enforces "never" for whole targets, at some times.
pub(super) fn freezes(rule: &Rule) -> bool {
    let whole = !rule.picks_commits() && rule.larger_than.is_none();
    rule.deny && rule.mode == Mode::Enforce && rule.when.is_some() && whole
}

fn within(policy: &Policy, target: &Target, action: &Action, from: Timestamp, until: Timestamp) -> u64 {
    let names = |rule: &&Rule| freezes(rule) && policy.names_target(rule, target) && rule.names_action(action);
    let rules: Vec<&Rule> = policy.rules.iter().filter(names).collect();
    if rules.is_empty() {
        return 0;
    }
    let windows = rules.iter().filter_map(|rule| match &rule.when {
        Some(When::During(name) | When::Outside(name)) => policy.windows.get(name),
        None => None,
    });
    let mut edges: Vec<Timestamp> = windows.flat_map(|window| window.edges(from, until)).chain([from, until]).collect();
    edges.sort();
    // Between two edges each rule is in force throughout or not at all.
    let frozen = edges.windows(2).filter(|pair| rules.iter().any(|rule| policy.in_force(rule, pair[0])));
    frozen.map(|pair| pair[1].since(pair[0]).as_seconds()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metrics::history::policy;

    #[test]
    fn a_freeze_enforces_never_for_whole_targets_at_some_times() {
        let cases = [
            ("during = \"noon\"\ndeny = true", true),
            ("outside = \"noon\"\ndeny = true", true),
            ("during = \"noon\"\ndeny = true\nmode = \"observe\"", false),
            ("deny = true", false),
            ("during = \"noon\"\nrequire = [{ role = \"dba\", approvals = 1 }]", false),
            ("during = \"noon\"\ndeny = true\npaths = [\"db/**\"]", false),
            ("during = \"noon\"\ndeny = true\nlarger_than = { files = 5 }", false),
        ];
        for (rest, expected) in cases {
            let policy = policy(&format!("[[rule]]\nname = \"last\"\n{rest}\n"));
            assert_eq!(policy.rules.last().map(freezes), Some(expected), "{rest}");
        }
    }
}
