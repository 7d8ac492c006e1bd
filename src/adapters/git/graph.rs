//! Which commits reach which: what an update brings in, whether it goes forward, where two sides forked.
//!
//! The dates in commits are the pusher's word, and every quick walk through a graph goes by dates. So the walks here take the
//! newest first only to be quick on honest histories, and never let a date decide an answer that opens something:
//! - [`descends`] and [`merge_bases`] go on until nothing is left that could change the answer. They are exact.
//! - [`between`] gives every commit that it must. Where dates lie it may stop before it has seen that the hidden side reaches
//!   one of them too, and then lists it although it is old: somebody is asked once more than needed.
//! - [`reached`] only finds what is truly reached.

use super::GitError;
use super::commit::Node;
use crate::domain::change::ChangesetId;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

/// How many commits are looked at beyond the point at which dates say that nothing can change any more: honest clocks
/// differ a little, so that a child is sometimes older than its parent.
const SLACK: usize = 64;
/// How many commits are looked at because a listed one claims to be old. A forged date shall not cost a whole history.
const PATIENCE: usize = 4096;

/// Where commits come from.
pub(super) trait Commits {
    /// Returns the commit `id`.
    fn node(&self, id: &ChangesetId) -> Result<Arc<Node>, GitError>;
}

const ONE: u8 = 1;
const TWO: u8 = 2;
const STALE: u8 = 4;

/// Commits with marks that flow to their parents, taken newest first.
struct Painting<'c, C> {
    commits: &'c C,
    marks: HashMap<ChangesetId, (u8, bool)>,
    queue: BinaryHeap<(i64, ChangesetId)>,
    /// A commit in the queue with this mark changes nothing any more.
    idle: u8,
    busy: usize,
}

impl<'c, C: Commits> Painting<'c, C> {
    fn new(commits: &'c C, idle: u8) -> Self {
        Self { commits, marks: HashMap::new(), queue: BinaryHeap::new(), idle, busy: 0 }
    }

    /// Adds `marks` to `id`, and sees to it that they reach its ancestors.
    fn paint(&mut self, id: &ChangesetId, marks: u8) -> Result<(), GitError> {
        let (had, queued) = self.marks.get(id).copied().unwrap_or((0, false));
        let has = had | marks;
        if has == had {
            return Ok(());
        }
        if !queued {
            let time = self.commits.node(id)?.time;
            self.queue.push((time, *id));
        }
        let was_busy = queued && had & self.idle == 0;
        let is_busy = has & self.idle == 0;
        self.busy = self.busy + usize::from(is_busy) - usize::from(was_busy);
        self.marks.insert(*id, (has, true));
        Ok(())
    }

    /// Takes the newest commit from the queue.
    fn take(&mut self) -> Option<(ChangesetId, u8)> {
        let (_, id) = self.queue.pop()?;
        let (marks, queued) = self.marks.get_mut(&id).expect("what is queued was painted");
        *queued = false;
        self.busy -= usize::from(*marks & self.idle == 0);
        Some((id, *marks))
    }

    fn has(&self, id: &ChangesetId, mark: u8) -> bool {
        self.marks.get(id).is_some_and(|(marks, _)| marks & mark != 0)
    }
}

/// Returns the commits that `from` reaches and `hidden` does not, children before parents.
pub(super) fn between<C: Commits>(
    commits: &C,
    from: &[ChangesetId],
    hidden: &[ChangesetId],
) -> Result<Vec<ChangesetId>, GitError> {
    let mut painting = Painting::new(commits, TWO);
    for id in from {
        painting.paint(id, ONE)?;
    }
    for id in hidden {
        painting.paint(id, TWO)?;
    }
    let mut found = Vec::new();
    let mut oldest = i64::MAX;
    let (mut slack, mut patience) = (SLACK, PATIENCE);
    let mut proven = 0;
    while let Some((newest, _)) = painting.queue.peek() {
        if painting.busy == 0 {
            if let [old] = hidden
                && found.len() > proven
            {
                proven = found.len();
                if let Some(sorted) = all_above(commits, &found, old)? {
                    return Ok(sorted);
                }
            }
            let left = if *newest < oldest { &mut slack } else { &mut patience };
            if found.is_empty() || *left == 0 {
                break;
            }
            *left -= 1;
        }
        let Some((id, marks)) = painting.take() else { break };
        let node = commits.node(&id)?;
        let passed_on = if marks & TWO == 0 {
            found.push(id);
            oldest = oldest.min(node.time);
            ONE
        } else {
            TWO
        };
        for parent in &node.parents {
            painting.paint(parent, passed_on)?;
        }
    }
    found.retain(|id| !painting.has(id, TWO));
    children_first(commits, &found)
}

/// Sorts `found` as [`children_first`] does if each of them descends from `old`; `None` if one does not.
///
/// What descends from a commit cannot be reached by it. So where all that waits is hidden, and the hidden side begins at one commit,
/// nothing has to be looked at beyond it: almost every push is of this kind.
fn all_above<C: Commits>(
    commits: &C,
    found: &[ChangesetId],
    old: &ChangesetId,
) -> Result<Option<Vec<ChangesetId>>, GitError> {
    let sorted = children_first(commits, found)?;
    let mut above = HashSet::from([*old]);
    for id in sorted.iter().rev() {
        if !commits.node(id)?.parents.iter().any(|parent| above.contains(parent)) {
            return Ok(None);
        }
        above.insert(*id);
    }
    Ok(Some(sorted))
}

/// Sorts `found` so that every commit stands before its parents, lines of history kept together.
pub(super) fn children_first<C: Commits>(commits: &C, found: &[ChangesetId]) -> Result<Vec<ChangesetId>, GitError> {
    let mut children: HashMap<ChangesetId, usize> = found.iter().map(|id| (*id, 0)).collect();
    for id in found {
        for parent in &commits.node(id)?.parents {
            if let Some(count) = children.get_mut(parent) {
                *count += 1;
            }
        }
    }
    let mut ready: Vec<ChangesetId> = found.iter().rev().filter(|id| children[*id] == 0).copied().collect();
    let mut sorted = Vec::with_capacity(found.len());
    while let Some(id) = ready.pop() {
        sorted.push(id);
        for parent in commits.node(&id)?.parents.iter().rev() {
            if let Some(count) = children.get_mut(parent) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*parent);
                }
            }
        }
    }
    Ok(sorted)
}

/// Tells whether `commit` is `ancestor` or descends from it.
pub(super) fn descends<C: Commits>(
    commits: &C,
    commit: &ChangesetId,
    ancestor: &ChangesetId,
) -> Result<bool, GitError> {
    let mut painting = Painting::new(commits, STALE);
    painting.paint(commit, ONE)?;
    painting.paint(ancestor, TWO)?;
    flow(&mut painting, |painting| painting.has(ancestor, ONE))?;
    Ok(painting.has(ancestor, ONE))
}

/// Returns the best common ancestors: those that no other common ancestor descends from. Empty for unrelated histories.
///
/// Marks flow down from both sides. Whoever has both is a common ancestor, and what lies below is stale. Every commit
/// on the way from a side to a best common ancestor is above all common ancestors, hence never stale: as long as one waits
/// the walk goes on, so each best one is found, whatever the dates say. Common ancestors that are not best may be found as well;
/// they are weeded out by asking of each whether another one reaches it.
pub(super) fn merge_bases<C: Commits>(
    commits: &C,
    one: &ChangesetId,
    two: &ChangesetId,
) -> Result<Vec<ChangesetId>, GitError> {
    let mut painting = Painting::new(commits, STALE);
    painting.paint(one, ONE)?;
    painting.paint(two, TWO)?;
    flow(&mut painting, |_| false)?;
    let both = |marks: u8| marks & (ONE | TWO | STALE) == ONE | TWO;
    let mut found: Vec<ChangesetId> =
        painting.marks.iter().filter(|(_, (marks, _))| both(*marks)).map(|(id, _)| *id).collect();
    found.sort();
    let mut best = Vec::new();
    for (place, id) in found.iter().enumerate() {
        let mut below = false;
        for (other_place, other) in found.iter().enumerate() {
            below = below || (other_place != place && descends(commits, other, id)?);
        }
        if !below {
            best.push(*id);
        }
    }
    Ok(best)
}

/// Lets the marks flow until only stale commits wait, or `done`.
fn flow<C: Commits>(painting: &mut Painting<'_, C>, done: impl Fn(&Painting<'_, C>) -> bool) -> Result<(), GitError> {
    while painting.busy > 0 && !done(painting) {
        let Some((id, marks)) = painting.take() else { break };
        let passed_on = if marks & (ONE | TWO) == ONE | TWO { ONE | TWO | STALE } else { marks };
        let node = painting.commits.node(&id)?;
        for parent in &node.parents {
            painting.paint(parent, passed_on)?;
        }
    }
    Ok(())
}

/// Returns those of `wanted` that are among `from` or their ancestors.
///
/// Where dates lie, one that lies far back may be missed; none is found that is not reached.
pub(super) fn reached<C: Commits>(
    commits: &C,
    from: &[ChangesetId],
    wanted: &HashSet<ChangesetId>,
) -> Result<BTreeSet<ChangesetId>, GitError> {
    let mut oldest = i64::MAX;
    for id in wanted {
        oldest = oldest.min(commits.node(id)?.time);
    }
    let mut painting = Painting::new(commits, STALE);
    for id in from {
        painting.paint(id, ONE)?;
    }
    let mut found = BTreeSet::new();
    let mut patience = PATIENCE;
    while found.len() < wanted.len() && patience > 0 {
        let Some((id, _)) = painting.take() else { break };
        let node = commits.node(&id)?;
        if wanted.contains(&id) {
            found.insert(id);
        }
        if node.time < oldest {
            patience -= 1;
        }
        for parent in &node.parents {
            painting.paint(parent, ONE)?;
        }
    }
    Ok(found)
}
