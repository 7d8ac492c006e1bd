//! Which gates a policy knows: nothing opens by a slip of the pen (docs/spec/gate.md, "Asking").

use super::{Policy, Rule};
use crate::domain::change::{Gate, Target};
use crate::domain::name::EnvironmentName;
use std::collections::BTreeSet;

impl Policy {
    /// Tells whether the policy has the environment of `gate`, and a rule that is about this step there.
    pub fn knows_gate(&self, gate: &Gate) -> bool {
        let is_about = |rule: &Rule| self.names_target(rule, &gate.target()) && rule.names_action(&gate.action());
        self.environments.contains_key(&gate.environment) && self.rules.iter().any(is_about)
    }

    /// Returns every gate that the policy knows: the environment, and the step.
    pub fn gates(&self) -> BTreeSet<(EnvironmentName, EnvironmentName)> {
        let steps = |rule: &Rule| {
            let actions = rule.actions.iter().flatten().filter_map(|action| action.gate().cloned());
            actions.collect::<Vec<_>>()
        };
        let of = |environment: &EnvironmentName| {
            let target = Target::Environment(environment.clone());
            let rules = self.rules.iter().filter(|rule| self.names_target(rule, &target));
            rules.flat_map(steps).map(|step| (environment.clone(), step)).collect::<Vec<_>>()
        };
        self.environments.keys().flat_map(of).collect()
    }
}
