//! Which requests a refused push opens (docs/spec/request.md, "Opening").

use super::Answer;
use crate::domain::change::{Action, ChangesetId, Target};
use crate::domain::request::RequestId;

/// A request that a refused push opens, or asks for once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub id: RequestId,
    /// The number of the update in the answer's decision, from 0.
    pub update: usize,
    /// What should move.
    pub target: Target,
    /// The tip that should land; of a deletion the one that goes.
    pub subject: ChangesetId,
    /// How it should move.
    pub action: Action,
    /// The value that the target has.
    pub base: Vec<ChangesetId>,
}

impl Answer {
    /// Returns a request for each tip of each update that waits for somebody's token.
    ///
    /// None for a push that is refused as a whole, or that the rules would let in: no token changes that.
    pub fn opened(&self) -> Vec<Opened> {
        let Some(push) = self.push.as_ref().filter(|_| self.refusals.is_empty()) else { return Vec::new() };
        // Each update of the push was decided, in their order; jit's own come after them.
        let decided = push.updates.iter().zip(&self.decision.updates).enumerate();
        let waiting = decided.filter(|(_, (_, decision))| decision.awaits_tokens());
        let requests = waiting.flat_map(|(number, (update, decision))| {
            update.tips.iter().map(move |subject| Opened {
                id: RequestId::of(&push.repository, &update.target, subject),
                update: number,
                target: update.target.clone(),
                subject: *subject,
                action: decision.action.clone(),
                base: update.old.clone(),
            })
        });
        requests.collect()
    }
}
