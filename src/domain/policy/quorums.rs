//! How far one rule's quorum is filled for each changeset that it is about (docs/spec/semantics.md, 6 and 7).

use super::coverage::Graph;
use super::standing::Standing;
use super::units::Units;
use super::{Policy, Requirement, Rule, Why};
use crate::domain::approval::SignedToken;
use crate::domain::approval::quorum::{Available, Filled, fill};
use crate::domain::change::{Changeset, ChangesetId};
use crate::domain::name::{PrincipalId, RoleName};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::slice;

/// An approval that can fill a place, with what it covers.
pub struct Usable<'a> {
    /// The token.
    pub signed: &'a SignedToken,
    /// Who signed it.
    pub who: PrincipalId,
    /// The roles of the rule that it can stand for.
    pub roles: BTreeSet<RoleName>,
    /// The changeset up to which it speaks: its subject, or where the same changes end.
    pub end: ChangesetId,
    /// By position of the update's changesets; empty where the subject is a tip outside them.
    pub covers: Vec<bool>,
}

impl Usable<'_> {
    /// Tells whether the token covers `unit`, which stands at `at` if it is one of the update's changesets.
    pub fn covers(&self, unit: &ChangesetId, at: Option<usize>) -> bool {
        match at {
            Some(at) => self.covers.get(at) == Some(&true),
            None => self.is_for(unit),
        }
    }

    fn is_for(&self, tip: &ChangesetId) -> bool {
        self.end == *tip
    }
}

/// Units with the same covering tokens and the same excluded people share one quorum.
#[derive(PartialEq, Eq, Hash)]
struct Shape {
    tokens: Vec<bool>,
    excluded: Vec<PrincipalId>,
}

/// What the units of one shape have.
struct Quorum {
    filled: Vec<Filled>,
    /// Whether some unit of the shape is unmet; a merge that leans on its parents is not.
    lacking: bool,
}

/// Who does not count for a changeset, and why.
type Selves<'q> = &'q dyn Fn(&ChangesetId) -> BTreeMap<PrincipalId, Why>;

/// The quorums of one rule over one update.
pub struct Quorums<'q, 'a> {
    policy: &'a Policy,
    rule: &'a Rule,
    graph: &'a Graph<'a>,
    standing: &'a Standing<'a>,
    usable: &'q [Usable<'a>],
    selves: Selves<'q>,
    by_shape: HashMap<Shape, Quorum>,
    excluded: BTreeMap<PrincipalId, Why>,
}

impl<'q, 'a> Quorums<'q, 'a> {
    /// Takes the approvals that can fill places; `selves` gives who does not count for a changeset.
    pub fn new(
        policy: &'a Policy,
        rule: &'a Rule,
        graph: &'a Graph<'a>,
        standing: &'a Standing<'a>,
        usable: &'q [Usable<'a>],
        selves: Selves<'q>,
    ) -> Self {
        let (by_shape, excluded) = (HashMap::new(), BTreeMap::new());
        Self { policy, rule, graph, standing, usable, selves, by_shape, excluded }
    }

    /// Returns the units whose quorum is not met, with how far it is filled.
    ///
    /// Parents come before children, so that a merge without own changes can lean on its parents.
    pub fn unmet_units(&mut self, units: &Units<'_>) -> Vec<(ChangesetId, Vec<Filled>)> {
        let graph = self.graph;
        let mut met = vec![true; graph.update().changesets.len()];
        let mut unmet = Vec::new();
        let placed = |changeset: &Changeset| graph.position(&changeset.id).expect("units are changesets of the update");
        for changeset in &units.changesets {
            met[placed(changeset)] = false;
        }
        for changeset in units.changesets.iter().rev() {
            let at = placed(changeset);
            let quorum = self.quorum(&changeset.id, |token| token.covers(&changeset.id, Some(at)));
            let leans = leans_on_parents(changeset) && graph.parents(at).iter().all(|p| met[*p]);
            met[at] = is_full(&quorum.filled) || leans;
            if !met[at] {
                quorum.lacking = true;
                unmet.push((changeset.id, quorum.filled.clone()));
            }
        }
        unmet.reverse();
        for tip in &units.tips {
            let quorum = self.quorum(tip, |token| token.is_for(tip));
            if !is_full(&quorum.filled) {
                quorum.lacking = true;
                if unmet.iter().all(|(unit, _)| unit != tip) {
                    unmet.push((*tip, quorum.filled.clone()));
                }
            }
        }
        unmet
    }

    /// Returns everyone who was excluded from a unit that their token covers, with the first reason.
    pub fn excluded(&self) -> &BTreeMap<PrincipalId, Why> {
        &self.excluded
    }

    /// Returns which tokens cover together, and the places that they fill.
    pub fn shapes(&self) -> impl Iterator<Item = (&[bool], &[Filled])> {
        self.by_shape.iter().map(|(shape, quorum)| (&shape.tokens[..], &quorum.filled[..]))
    }

    fn quorum(&mut self, unit: &ChangesetId, reaches: impl Fn(&Usable<'_>) -> bool) -> &mut Quorum {
        let tokens: Vec<bool> = self.usable.iter().map(reaches).collect();
        let selves = (self.selves)(unit);
        for (token, _) in self.usable.iter().zip(&tokens).filter(|(_, covers)| **covers) {
            if let Some(why) = selves.get(&token.who) {
                self.excluded.entry(token.who.clone()).or_insert_with(|| why.clone());
            }
        }
        let shape = Shape { tokens, excluded: selves.into_keys().collect() };
        match self.by_shape.entry(shape) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let (rule, available) = (self.rule, available(self.usable, free.key()));
                let filled = fill(&rule.require, &rule.any_of, &available, rule.distinct_people);
                free.insert(Quorum { filled, lacking: false })
            }
        }
    }

    /// Returns who could fill an empty place for one of the unmet units at least, in `require` or in any alternative.
    pub fn could_sign(&self) -> BTreeSet<PrincipalId> {
        let mut able = BTreeSet::new();
        for (shape, _) in self.by_shape.iter().filter(|(_, quorum)| quorum.lacking) {
            let available = available(self.usable, shape);
            if self.rule.any_of.is_empty() {
                self.add_candidates(&mut able, shape, &available, &[]);
            }
            for alternative in &self.rule.any_of {
                self.add_candidates(&mut able, shape, &available, slice::from_ref(alternative));
            }
        }
        able
    }

    /// Adds the holders of keys who are not excluded, do not sit already, and fit into an open entry.
    fn add_candidates(
        &self,
        able: &mut BTreeSet<PrincipalId>,
        shape: &Shape,
        available: &Available,
        alternative: &[Vec<Requirement>],
    ) {
        let distinct = self.rule.distinct_people;
        let filled = fill(&self.rule.require, alternative, available, distinct);
        let sits = |who: &PrincipalId| distinct && filled.iter().any(|entry| entry.people.contains(who));
        for entry in open_entries(&filled, available, distinct) {
            let Some(role) = self.policy.roles.get(&entry.requirement.role) else { continue };
            let free = role.members.iter().filter(|who| {
                !entry.people.contains(who)
                    && !sits(who)
                    && !shape.excluded.contains(who)
                    && self.standing.can_sign(who)
            });
            able.extend(free.cloned());
        }
    }
}

/// Returns the people whose tokens cover units of `shape`, without the excluded, with the roles that their tokens stand for.
fn available(usable: &[Usable<'_>], shape: &Shape) -> Available {
    let mut available = Available::new();
    for (token, _) in usable.iter().zip(&shape.tokens).filter(|(_, covers)| **covers) {
        if !shape.excluded.contains(&token.who) {
            available.entry(token.who.clone()).or_default().extend(token.roles.iter().cloned());
        }
    }
    available
}

/// Returns the entries in which one more person would help: those with empty places, and, where people fill one place each,
/// those whose people could move to an open one.
fn open_entries<'f>(filled: &'f [Filled], available: &Available, distinct: bool) -> Vec<&'f Filled> {
    let (mut open, mut rest): (Vec<&Filled>, Vec<&Filled>) = filled.iter().partition(|entry| entry.missing() > 0);
    while distinct && !open.is_empty() {
        let fits = |who: &PrincipalId| {
            available.get(who).is_some_and(|roles| open.iter().any(|entry| roles.contains(&entry.requirement.role)))
        };
        let (freed, kept): (Vec<&Filled>, Vec<&Filled>) = rest.iter().partition(|entry| entry.people.iter().any(fits));
        if freed.is_empty() {
            break;
        }
        open.extend(freed);
        rest = kept;
    }
    open
}

fn is_full(filled: &[Filled]) -> bool {
    filled.iter().all(|entry| entry.missing() == 0)
}

/// A merge that changes nothing of its own asks nobody again: its parents' approvals stand for it.
fn leans_on_parents(changeset: &Changeset) -> bool {
    changeset.parents.len() > 1 && changeset.own_paths.as_ref().is_some_and(Vec::is_empty)
}
