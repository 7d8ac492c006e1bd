//! The `decision` entry: everything that a verdict rests on, so that it can be judged again later.

use super::merkle::Hash;
use super::spelling::{ModeText, PusherText};
use crate::domain::approval::TokenId;
use crate::domain::change::{Action, ChangesetId, ContentId, Pusher, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::policy::Mode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a push was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may land.
    Allow,
    /// It may not.
    Deny,
}

/// One verdict over one push. Texts are already in the form of [`crate::domain::text`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Name and id of the repository.
    pub repository: String,
    /// Who pushed and how that was known.
    #[serde(with = "PusherText")]
    pub pusher: Pusher,
    /// The answer.
    pub verdict: Verdict,
    /// Each ref update with what was asked of it.
    pub updates: Vec<UpdateRecord>,
    /// The texts of the tokens that counted.
    pub tokens: BTreeMap<TokenId, String>,
    /// Digest of the policy that judged; `None` if it did not load.
    pub policy: Option<Hash>,
    /// Why the policy did not load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_error: Option<String>,
    /// Why the push as a whole was refused.
    pub reasons: Vec<String>,
    /// From the start of the hook to the answer, in milliseconds.
    pub duration_ms: u64,
    /// Of an allowed Mercurial transaction its id, by which its outcome is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// Set in the short form of a denial that equals the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// Set in the short form of a decision that is too long for a leaf: names the blob with the whole entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<Hash>,
}

/// One ref update of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// What was to move.
    pub target: Target,
    /// How, in the order of [`Action`].
    pub actions: Vec<Action>,
    /// The value before; empty if there was none.
    pub old: Vec<ChangesetId>,
    /// The value asked for; empty for a deletion.
    pub new: Vec<ChangesetId>,
    /// The target's whole value after the push, if that is not `new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<ChangesetId>>,
    /// The value that the repository had, if that is not the one that the log last recorded. Empty: the target was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Vec<ChangesetId>>,
    /// The contents of the tokens that counted, sorted: once the update is made, they are spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<ContentId>,
    /// The tips for which a refusal opens requests: somebody's token could still let them in. Their ids follow from repository, target
    /// and tip.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested: Vec<ChangesetId>,
    /// Each rule that matched.
    pub rules: Vec<RuleRecord>,
    /// Why it was refused whatever the rules say.
    pub refused: Vec<String>,
}

impl UpdateRecord {
    /// Returns the target's whole value after the push.
    pub fn value_after(&self) -> &[ChangesetId] {
        self.after.as_ref().unwrap_or(&self.new)
    }
}

/// What one rule asked of an update and what it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// The rule.
    pub name: RuleName,
    /// Whether it denies.
    #[serde(with = "ModeText")]
    pub mode: Mode,
    /// Whether it was satisfied.
    pub met: bool,
    /// What was missing, a sentence each.
    pub unmet: Vec<String>,
    /// What was asked for, a sentence each.
    pub required: Vec<String>,
    /// How many changesets it matched.
    pub matched: u64,
    /// The tokens that counted, and for whom.
    pub counted: Vec<Counted>,
    /// The tokens that did not.
    pub not_counted: Vec<NotCounted>,
    /// The overrides that passed it although it was unmet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Counted>,
}

/// A token that counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The token; its text stands in [`Decision::tokens`].
    pub token: TokenId,
    /// Who signed it.
    pub principal: PrincipalId,
    /// The role that it filled a place of.
    pub role: RoleName,
    /// Whose place it was, if not the signer's own.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub stands_in_for: Option<PrincipalId>,
    /// By which delegation; its text stands in [`Decision::tokens`] too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<TokenId>,
}

/// A token that did not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCounted {
    /// The token.
    pub token: TokenId,
    /// Who signed it, if the policy knows.
    pub principal: Option<PrincipalId>,
    /// Why it did not count.
    pub why: String,
}

/// Which denial is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Index of the first of them, which has all the details.
    pub of: u64,
    /// How many there are now, the first included; at least 2.
    pub count: u64,
}

impl Again {
    /// Returns what one more repetition says.
    #[must_use]
    pub fn next(self) -> Self {
        Self { count: self.count.saturating_add(1), ..self }
    }
}

impl Decision {
    /// Returns a digest that two decisions share if they differ at most in their duration.
    pub fn sameness(&self) -> Hash {
        let plain = Self { duration_ms: 0, ..self.clone() };
        Hash::of(&serde_json::to_vec(&plain).expect("a decision holds nothing that JSON cannot"))
    }

    /// Returns the short form of a denial that equals the one at `again.of`.
    #[must_use]
    pub fn repeated(&self, again: Again) -> Self {
        let mut short = self.clone();
        short.clear_updates();
        Self { again: Some(again), ..short }
    }

    /// Makes this the short form of the decision that stands whole in the blob `whole`.
    pub(super) fn shorten(&mut self, whole: Hash, all: bool) {
        if all {
            self.clear_updates();
        } else {
            self.clear_rules();
        }
        self.blob = Some(whole);
    }

    /// Takes away what is long in every decision: the rules' details and the tokens' texts.
    fn clear_rules(&mut self) {
        self.tokens.clear();
        for update in &mut self.updates {
            update.rules.clear();
            update.refused.clear();
        }
    }

    /// Takes away everything whose length a push decides.
    fn clear_updates(&mut self) {
        self.updates.clear();
        self.tokens.clear();
        self.reasons.clear();
        self.policy_error = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Event};
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn of_a_long_decision_the_leaf_says_what_moves_and_the_blob_all() {
        let text = serde_json::json!({
            "repository": "payments@5f0c", "pusher": { "login": "bob", "source": "env REMOTE_USER" }, "verdict": "deny",
            "updates": [{
                "target": "refs/heads/main", "actions": ["delete"], "old": [], "new": [], "refused": ["no ".repeat(30_000)],
                "rules": [{ "name": "r", "mode": "enforce", "met": false, "unmet": ["never"], "required": [], "matched": 0,
                            "counted": [], "not_counted": [] }],
            }],
            "tokens": { "07".repeat(32): "jit1.x.y" }, "policy": null, "reasons": [], "duration_ms": 1,
        });
        let decision: Decision = serde_json::from_value(text).expect("a decision");
        let time = Timestamp::from_unix(1).expect("a time");
        let whole = Entry { time, event: Event::Decision(Box::new(decision.clone())) };
        let fitted = whole.fit().expect("it fits");
        assert_eq!(fitted.blob, Some(whole.encode()));

        let Event::Decision(short) = Entry::parse(&fitted.leaf).expect("a leaf").event else { panic!("a decision") };
        let update = UpdateRecord { rules: Vec::new(), refused: Vec::new(), ..decision.updates[0].clone() };
        let blob = Some(Hash::of(&whole.encode()));
        let expected = Decision { updates: vec![update], tokens: BTreeMap::new(), blob, ..decision };
        assert_eq!(*short, expected);
    }
}
