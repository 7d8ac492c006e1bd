//! Which rules hold whatever a pusher does, and what each kind of target can undergo.

use super::{Mode, Rule, When};
use crate::domain::audit::System;
use crate::domain::change::{Action, Target, TargetKind};

impl Rule {
    /// Returns the keys by which a push can pass the rule by without changing less: who leaves a label out, splits an update or
    /// waits is asked nothing.
    pub fn ways_around(&self) -> Vec<&'static str> {
        let when = self.when.as_ref().map(|when| match when {
            When::During(_) => "during",
            When::Outside(_) => "outside",
        });
        let labels = (!self.labels.is_empty()).then_some("labels");
        let size = self.larger_than.map(|_| "larger_than");
        labels.into_iter().chain(size).chain(when).collect()
    }

    /// Tells whether the rule refuses what does not meet it, at all times and however it is cut up and labelled.
    pub fn is_certain(&self) -> bool {
        self.mode == Mode::Enforce && self.ways_around().is_empty()
    }
}

/// Returns what a push can do to `target` in a repository of `system`.
pub fn actions_on(target: &Target, system: System) -> Vec<Action> {
    match (target.kind_and_name().0, system) {
        (TargetKind::Tag, _) => vec![Action::Create, Action::Rewrite, Action::Delete],
        (TargetKind::Branch, System::Hg) => {
            vec![Action::Create, Action::Update, Action::Rewrite, Action::Close, Action::NewHead, Action::Publish]
        }
        _ => vec![Action::Create, Action::Update, Action::Rewrite, Action::Delete],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_target_has_its_actions() {
        let moves = "create update rewrite delete";
        let cases = [
            ("refs/heads/main", System::Git, moves),
            ("refs/notes/x", System::Git, moves),
            ("refs/tags/v1", System::Git, "create rewrite delete"),
            ("branch:default", System::Hg, "create update rewrite close new-head publish"),
            ("bookmark:@", System::Hg, moves),
            ("tag:v1", System::Hg, "create rewrite delete"),
        ];
        for (target, system, actions) in cases {
            let found = actions_on(&Target::parse(target).expect("a target"), system);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), actions, "{target}");
        }
    }
}
