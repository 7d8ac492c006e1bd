//! The `gate` entry: a pipeline asked to go on, and was answered (docs/spec/gate.md).

use super::decision::{Decision, Verdict};
use super::standing::TargetChange;
use crate::domain::approval::TokenId;
use crate::domain::policy::Mode;
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A gate that was judged: it opened, or was refused for good. That it waits is no entry of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The request by which it was asked for.
    pub id: RequestId,
    /// The judgement; its one update is what the environment would get.
    #[serde(flatten)]
    pub decision: Decision,
}

impl Gate {
    /// Returns what the entry, written at `time`, does to its environment; nothing if it did not open.
    pub(super) fn changes(&self, time: Timestamp) -> Vec<TargetChange> {
        if self.decision.verdict == Verdict::Deny {
            return Vec::new();
        }
        let opened = self.decision.updates.iter().filter_map(|update| {
            let action = update.actions.iter().find(|action| action.gate().is_some())?.clone();
            let enforcing = update.rules.iter().filter(|rule| rule.mode == Mode::Enforce);
            let spent: BTreeSet<TokenId> =
                enforcing.flat_map(|rule| rule.counted.iter().chain(&rule.overridden)).map(|one| one.token).collect();
            Some(TargetChange {
                target: update.target.clone(),
                value: update.new.clone(),
                rewritten: None,
                landed: BTreeMap::new(),
                used: spent,
                gate: Some((action, time)),
            })
        });
        opened.collect()
    }
}
