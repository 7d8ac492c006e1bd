//! What a pipeline asks for before it goes on (docs/spec/gate.md).

use super::{Action, ChangesetId, RefUpdate, Target};
use crate::domain::name::EnvironmentName;

/// A step that a pipeline wants to take with one changeset in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The environment.
    pub environment: EnvironmentName,
    /// The step, as the policy names it behind `gate:`.
    pub name: EnvironmentName,
    /// The changeset.
    pub subject: ChangesetId,
}

impl Gate {
    /// Returns the gate that `target`, `action` and `subject` are; `None`: they are none.
    pub fn of(target: &Target, action: &Action, subject: ChangesetId) -> Option<Self> {
        let Target::Environment(environment) = target else { return None };
        Some(Self { environment: environment.clone(), name: action.gate()?.clone(), subject })
    }

    /// Returns its target.
    pub fn target(&self) -> Target {
        Target::Environment(self.environment.clone())
    }

    /// Returns its action.
    pub fn action(&self) -> Action {
        Action::Gate(self.name.clone())
    }

    /// Returns the update that is judged: from `old`, for which the gate opened last, to the subject. No changesets yet.
    pub fn update(&self, old: Vec<ChangesetId>) -> RefUpdate {
        RefUpdate::new(self.target(), vec![self.action()], old, vec![self.subject])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{IdKind, TipChange};

    #[test]
    fn only_a_step_in_an_environment_is_a_gate() {
        let subject = ChangesetId::from_bytes(IdKind::GitSha1, &[7; 20]).expect("an id");
        let cases = [
            ("env:production", "gate:deploy", true),
            ("env:production", "update", false),
            ("refs/heads/main", "gate:deploy", false),
            ("refs/heads/main", "update", false),
        ];
        for (target, action, is_gate) in cases {
            let (target, action) = (Target::parse(target).expect(target), Action::parse(action).expect(action));
            let gate = Gate::of(&target, &action, subject);
            assert_eq!(gate.is_some(), is_gate, "{target} {action}");
            if let Some(gate) = gate {
                assert_eq!((gate.target(), gate.action(), gate.subject), (target, action, subject));
            }
        }
    }

    #[test]
    fn a_gate_of_which_nobody_knows_the_commits_is_judged_by_its_tip() {
        let subject = ChangesetId::from_bytes(IdKind::GitSha1, &[7; 20]).expect("an id");
        let gate = Gate::of(
            &Target::parse("env:production").expect("a target"),
            &Action::parse("gate:deploy").expect("an action"),
            subject,
        );
        let mut update = gate.expect("a gate").update(vec![]);
        assert!(!update.compares_tips());
        update.tip_changes = vec![TipChange { tip: subject, paths: None, lines: None }];
        assert!(update.compares_tips());
    }
}
