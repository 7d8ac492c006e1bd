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
