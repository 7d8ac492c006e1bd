//! Why a rule matches a push, or does not.

use crate::domain::change::{Action, ChangesetId, RefUpdate};
use crate::domain::policy::{Measure, Policy, Rule, RuleOutcome, UpdateDecision, When, carried, new_to, touched};
use crate::domain::text;
use crate::enforcement::assess::Assessment;
use serde_json::{Value, json};

/// Why a rule matches, or does not.
pub(super) struct Reason<'a> {
    pub(super) rule: &'a Rule,
    pub(super) outcome: Option<&'a RuleOutcome>,
    pub(super) because: String,
    /// What it matches.
    pub(super) commits: Vec<Matched>,
}

/// A commit, or a tip, that a rule matches.
pub(super) struct Matched {
    pub(super) id: ChangesetId,
    /// The paths that make it so.
    pub(super) paths: Vec<Vec<u8>>,
    /// The labels that do, each as `Key: value`.
    pub(super) labels: Vec<Vec<u8>>,
}

impl<'a> Reason<'a> {
    pub(super) fn of(
        policy: &Policy,
        rule: &'a Rule,
        assessment: &Assessment,
        update: &'a RefUpdate,
        decision: &'a UpdateDecision,
    ) -> Self {
        let outcome = decision.rules.iter().find(|outcome| outcome.rule == rule.name);
        let fresh = new_to(rule, update);
        let measures = rule.larger_than.map(|limits| limits.measures(update, &fresh)).unwrap_or_default();
        let is_small = measures.iter().all(|one| one.is_whole && one.least <= one.limit);
        let because = if !policy.names_target(rule, &update.target) {
            "it is not about this target".to_owned()
        } else if !update.actions.iter().any(|action| rule.names_action(action)) {
            format!("it is not about the action {}", update.action())
        } else if outcome.is_none() && !policy.in_force(rule, assessment.now) {
            format!("it is not in force now ({})", rule.when.as_ref().map(window).unwrap_or_default())
        } else if outcome.is_none() && !measures.is_empty() && is_small {
            format!("the update is not larger than its limits ({})", sizes(&measures))
        } else if outcome.is_none() && !rule.picks_commits() {
            "no commit of the push is new to it".to_owned()
        } else if outcome.is_none() {
            format!("no commit {}", picked(rule, ["touches its paths", "carries its labels"]))
        } else {
            let every = || picked(rule, ["touches every path", "carries every label"]);
            let what = if rule.picks_commits() && *update.action() == Action::Delete {
                format!("a deletion {}", every())
            } else if rule.picks_commits() && update.changesets.is_empty() && update.action().gate().is_some() {
                format!("what is not compared with anything {}", every())
            } else if rule.picks_commits() {
                format!("these commits {}", picked(rule, ["touch its paths", "carry its labels"]))
            } else {
                "it is about every commit of this target".to_owned()
            };
            let size =
                (!measures.is_empty()).then(|| format!("the update is larger than a limit ({})", sizes(&measures)));
            [Some(what), size, rule.when.as_ref().map(window)].into_iter().flatten().collect::<Vec<_>>().join("; ")
        };
        let matched = outcome.map_or(&[][..], |outcome| &outcome.matched[..]);
        let one =
            |id: &ChangesetId| Matched { id: *id, paths: touched(rule, update, id), labels: carried(rule, update, id) };
        Self { rule, outcome, because, commits: matched.iter().map(one).collect() }
    }

    pub(super) fn json(&self) -> Value {
        let encoded = |list: &[Vec<u8>]| list.iter().map(|one| text::encode(one, b"")).collect::<Vec<_>>();
        let one = |commit: &Matched| json!({ "id": commit.id.to_string(), "paths": encoded(&commit.paths), "labels": encoded(&commit.labels) });
        json!({
            "rule": self.rule.name.as_str(),
            "matches": self.outcome.is_some(),
            "because": self.because,
            "commits": self.commits.iter().map(one).collect::<Vec<_>>(),
        })
    }
}

fn window(when: &When) -> String {
    match when {
        When::During(name) => format!("during `{name}`"),
        When::Outside(name) => format!("outside `{name}`"),
    }
}

/// Writes each limit with what was counted: `3 of 50 files`.
fn sizes(measures: &[Measure]) -> String {
    let one = |measure: &Measure| {
        let or_more = if measure.is_whole { "" } else { " or more" };
        format!("{}{or_more} {}, limit {}", measure.least, measure.what, measure.limit)
    };
    measures.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Joins what is said of paths and of labels, as far as `rule` names them.
fn picked(rule: &Rule, [paths, labels]: [&str; 2]) -> String {
    let said = [(rule.paths.is_some(), paths), (!rule.labels.is_empty(), labels)];
    said.iter().filter(|(is_asked, _)| *is_asked).map(|(_, words)| *words).collect::<Vec<_>>().join(" and ")
}
