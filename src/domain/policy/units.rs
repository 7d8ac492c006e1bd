//! Which changesets and tips of an update a rule is about (docs/spec/semantics.md, 4 to 6).

use super::pattern::SortedPaths;
use super::{Policy, Rule};
use crate::domain::change::{Action, Changeset, ChangesetId, RefUpdate};
use crate::domain::time::Timestamp;

/// What a rule is about in one update.
pub struct Units<'a> {
    /// Whether the rule matches at all.
    pub matches: bool,
    /// Whether that is known; if not, the rule is only taken to match, for want of a fact.
    pub certain: bool,
    /// The matched changesets, children before parents.
    pub changesets: Vec<&'a Changeset>,
    /// The tips that are judged as such, whether or not they are among the changesets.
    pub tips: Vec<ChangesetId>,
}

/// Whether something matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    No,
    /// Nobody looked: it is taken to match.
    Unknown,
    Yes,
}

impl From<bool> for Known {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

/// Returns the changesets of `update` that `rule` has not judged before.
pub fn new_to<'u>(rule: &Rule, update: &'u RefUpdate) -> Vec<&'u Changeset> {
    update.changesets.iter().filter(|changeset| is_new_to(rule, update, changeset)).collect()
}

fn is_new_to(rule: &Rule, update: &RefUpdate, changeset: &Changeset) -> bool {
    update.scopes.get(&rule.name).is_none_or(|ids| ids.contains(&changeset.id))
}

/// An update with the paths that it touches, in the form in which each rule looks through them.
pub struct Touched<'a> {
    update: &'a RefUpdate,
    /// Of each changeset; `None`: nobody looked.
    changesets: Vec<Option<SortedPaths<'a>>>,
    /// Of each of the tips' differences.
    tips: Vec<Option<SortedPaths<'a>>>,
}

impl<'a> Touched<'a> {
    /// Sorts what is not sorted yet.
    pub fn by(update: &'a RefUpdate) -> Self {
        let changesets = update.changesets.iter().map(|one| one.own_paths.as_deref().map(SortedPaths::of)).collect();
        let tips = update.tip_changes.iter().map(|one| one.paths.as_deref().map(SortedPaths::of)).collect();
        Self { update, changesets, tips }
    }
}

/// Paths and labels must match on the same changeset.
fn of_changeset(rule: &Rule, changeset: &Changeset, paths: &Option<SortedPaths<'_>>) -> Known {
    let labelled = match &changeset.trailers {
        _ if rule.labels.is_empty() => Known::Yes,
        None => Known::Unknown,
        Some(trailers) => rule.labelled(trailers).into(),
    };
    labelled.min(of_paths(rule, paths))
}

fn of_paths(rule: &Rule, paths: &Option<SortedPaths<'_>>) -> Known {
    match (&rule.paths, paths) {
        (None, _) => Known::Yes,
        (Some(_), None) => Known::Unknown,
        (Some(patterns), Some(paths)) => patterns.matches_any(paths).into(),
    }
}

impl Policy {
    /// Tells whether some rule that matches `update` at `now` follows contents, so that these must be known.
    pub fn asks_content(&self, update: &RefUpdate, now: Timestamp) -> bool {
        let asks = |rule: &&Rule| rule.follows_content() && self.in_force(rule, now);
        let mut asking = self.rules_for(update).filter(asks).peekable();
        if asking.peek().is_none() {
            return false;
        }
        let touched = Touched::by(update);
        asking.any(|rule| Units::of(rule, &touched).matches)
    }
}

impl<'a> Units<'a> {
    /// Finds what `rule` is about in an update.
    pub fn of(rule: &Rule, touched: &Touched<'a>) -> Self {
        let update = touched.update;
        let fresh = new_to(rule, update);
        let large = rule.larger_than.map_or(Known::Yes, |limits| limits.is_exceeded(update, &fresh));
        if large == Known::No {
            return Self { matches: false, certain: false, changesets: Vec::new(), tips: Vec::new() };
        }
        let mut certain = !rule.picks_commits();
        let mut is_matched = |known: Known| {
            certain |= known == Known::Yes;
            known != Known::No
        };
        let with_paths = update.changesets.iter().zip(&touched.changesets).filter(|(c, _)| is_new_to(rule, update, c));
        let matched = with_paths.filter(|(c, paths)| is_matched(of_changeset(rule, c, paths)));
        let changesets: Vec<&Changeset> = matched.map(|(changeset, _)| changeset).collect();
        let does = |wanted: [Action; 2]| update.actions.iter().any(|action| wanted.contains(action));
        // Where old heads give way or stay beside, each tip is compared with them; labels are of commits, not of differences.
        let compared = update.compares_tips();
        let judges_all =
            !rule.picks_commits() || does([Action::Delete, Action::Close]) || (compared && rule.paths.is_none());
        let tips = if update.is_plain_update() {
            Vec::new()
        } else if judges_all {
            certain |= !update.tips.is_empty();
            update.tips.clone()
        } else {
            // If nobody compared them, all is touched.
            let differs = |tip: &&ChangesetId| {
                let of_tip = || update.tip_changes.iter().zip(&touched.tips).filter(|(change, _)| change.tip == **tip);
                let touched = of_tip().filter(|(_, paths)| is_matched(of_paths(rule, paths))).count();
                touched > 0 || (compared && of_tip().next().is_none())
            };
            update.tips.iter().filter(differs).copied().collect()
        };
        // Where no tip is a commit there is nothing to look into: the rule is taken to match.
        let matches = update.tips.is_empty() || !changesets.is_empty() || !tips.is_empty();
        Self { matches, certain: certain && large == Known::Yes, changesets, tips }
    }

    /// Returns the changesets, then the tips that are not among them.
    pub fn ids(&self) -> Vec<ChangesetId> {
        let mut ids: Vec<ChangesetId> = self.changesets.iter().map(|c| c.id).collect();
        ids.extend(self.tips.iter().filter(|tip| self.changesets.iter().all(|c| c.id != **tip)));
        ids
    }
}
