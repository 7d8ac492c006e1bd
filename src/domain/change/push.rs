//! A push as evaluation sees it: who, which ref updates, which changesets.

use super::{Action, Changeset, ChangesetId, ContentId, RepoPath, Target};
use crate::domain::approval::TokenId;
use crate::domain::name::RuleName;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Who pushes, as the transport proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pusher {
    /// The authenticated login; `None` where the transport gave no identity of its own.
    pub login: Option<String>,
    /// How it was known, for the log: `env REMOTE_USER`, `hg url`.
    pub source: String,
}

/// All ref updates of one push. They stand or fall together.
#[derive(Debug, Clone)]
pub struct Push {
    /// The repository's name and id, as tokens write it: `payments@5f0c…`.
    pub repository: String,
    /// Who pushes.
    pub pusher: Pusher,
    /// Whether a rule may count approvals although nobody knows who pushes (`unknown_pusher = "allow"`).
    pub unknown_pusher_allowed: bool,
    /// The updates, in the order in which the client sent them.
    pub updates: Vec<RefUpdate>,
}

/// The difference between an old head and a tip that does not descend from it.
#[derive(Debug, Clone)]
pub struct TipChange {
    /// The new value.
    pub tip: ChangesetId,
    /// Where its tree differs from the old head's, sorted; `None`: nobody looked, every path is taken as touched.
    pub paths: Option<Vec<RepoPath>>,
    /// How many lines are removed and added there, as in [`Changeset::lines`].
    pub lines: Option<usize>,
}

/// Where changes that somebody may have signed for under other ids stand in an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    /// The last changeset of their line.
    pub end: ChangesetId,
    /// When the same changes last landed on the target with approvals, as far as the log knows.
    pub landed_at: Option<Timestamp>,
}

/// One target's move, with the changesets that it brings in.
#[derive(Debug, Clone)]
pub struct RefUpdate {
    /// What moves.
    pub target: Target,
    /// What the update does, in the order of [`Action`]; one for Git, at least one for Mercurial.
    pub actions: Vec<Action>,
    /// The value before the push: none if the target did not exist; Mercurial branches: all open heads, sorted.
    pub old: Vec<ChangesetId>,
    /// The value that is asked for: none for a deletion; Mercurial branches: the heads gained.
    pub new: Vec<ChangesetId>,
    /// The target's whole value after the push, sorted: for Git, bookmarks and tags the same as [`RefUpdate::new`]; Mercurial
    /// branches: all open heads. Several updates of one target have the same.
    pub after: Vec<ChangesetId>,
    /// The commits that [`RefUpdate::new`] (for a deletion: `old`) stand for: tags peeled. Empty where none is a commit.
    pub tips: Vec<ChangesetId>,
    /// The changesets of the update, children before parents.
    pub changesets: Vec<Changeset>,
    /// For a creation: the rules for which only some changesets are new, and these (docs/spec/semantics.md, 4).
    /// A rule that is absent sees all of [`RefUpdate::changesets`].
    pub scopes: BTreeMap<RuleName, BTreeSet<ChangesetId>>,
    /// For a rule with `promoted_from`: the changesets that were already on those branches.
    pub promoted: BTreeMap<RuleName, BTreeSet<ChangesetId>>,
    /// For a rewrite and a new head, and a gate that does not go forward: how each tip differs from each old head.
    pub tip_changes: Vec<TipChange>,
    /// Of the bases that tokens name: those reachable from an old value.
    pub reachable_bases: BTreeSet<ChangesetId>,
    /// The contents of the update ([`super::contents`]), where a rule is bound to them and somebody looked.
    pub contents: BTreeMap<ContentId, Landing>,
    /// Of the subjects that tokens of such a content name: those that an old value reaches, itself included.
    pub held: BTreeSet<ChangesetId>,
    /// When the target was last rewritten or deleted, as far as the log knows.
    pub rewritten_at: Option<Timestamp>,
    /// The overrides with which the target has moved, and the tokens with which its gates opened, as far as the log knows.
    pub used: BTreeSet<TokenId>,
}

impl RefUpdate {
    /// Returns the update of `target` from `old` to `new`, which is the whole value afterwards and the tips. Nothing else is known of it yet.
    pub fn new(target: Target, actions: Vec<Action>, old: Vec<ChangesetId>, new: Vec<ChangesetId>) -> Self {
        let (changesets, scopes, promoted, tip_changes) = Default::default();
        let (reachable_bases, contents, held, rewritten_at, used) = Default::default();
        Self {
            target,
            actions,
            old,
            after: new.clone(),
            tips: new.clone(),
            new,
            changesets,
            scopes,
            promoted,
            tip_changes,
            reachable_bases,
            contents,
            held,
            rewritten_at,
            used,
        }
    }

    /// Returns the action that a token must name: the first in the order of [`Action`].
    pub fn action(&self) -> &Action {
        self.actions.iter().min().expect("an update does at least one thing")
    }

    /// Tells whether the update only moves its target forward, so that tokens for parts of it may count.
    pub fn is_plain_update(&self) -> bool {
        match self.action() {
            Action::Update => !self.changesets.is_empty(),
            Action::Gate(_) => !self.changesets.is_empty() && self.tip_changes.is_empty(),
            _ => false,
        }
    }

    /// Tells whether old heads give way or stay beside, so that each tip is held against them.
    pub fn compares_tips(&self) -> bool {
        self.actions.iter().any(|action| match action {
            Action::Rewrite | Action::NewHead => true,
            Action::Gate(_) => !self.tip_changes.is_empty(),
            _ => false,
        })
    }
}
