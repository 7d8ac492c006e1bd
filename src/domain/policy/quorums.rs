//! How far one rule's quorum is filled for each changeset that it is about (docs/spec/semantics.md, 6 and 7).

use super::coverage::Graph;
use super::standing::{Delegation, Standing, Worth};
use super::units::Units;
use super::{Policy, Requirement, Rule, Why};
use crate::domain::approval::SignedToken;
use crate::domain::approval::quorum::{Available, Filled, fill};
use crate::domain::change::{Changeset, ChangesetId};
use crate::domain::name::PrincipalId;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::slice;

/// An approval that can fill a place, with what it covers.
pub struct Usable<'a> {
    /// The token.
    pub signed: &'a SignedToken,
    /// Whose it is, and the places that it can fill.
    pub worth: Worth,
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
        self.signed.token.subject.as_ref() == Some(tip)
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

    /// Returns which tokens cover together, the places that they fill, and the delegations by which they may.
    pub fn shapes(&self) -> impl Iterator<Item = (&[bool], &[Filled], Vec<&'q Delegation>)> {
        let used = |shape: &Shape| seated(self.usable, shape).used;
        self.by_shape.iter().map(move |(shape, quorum)| (&shape.tokens[..], &quorum.filled[..], used(shape)))
    }

    fn quorum(&mut self, unit: &ChangesetId, reaches: impl Fn(&Usable<'_>) -> bool) -> &mut Quorum {
        let tokens: Vec<bool> = self.usable.iter().map(reaches).collect();
        let selves = (self.selves)(unit);
        for (token, _) in self.usable.iter().zip(&tokens).filter(|(_, covers)| **covers) {
            if let Some(why) = excludes(&token.worth, &selves) {
                self.excluded.entry(token.worth.who.clone()).or_insert(why);
            }
        }
        let shape = Shape { tokens, excluded: selves.into_keys().collect() };
        match self.by_shape.entry(shape) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let (rule, available) = (self.rule, seated(self.usable, free.key()).available);
                let filled = fill(&rule.require, &rule.any_of, &available, rule.distinct_people);
                free.insert(Quorum { filled, lacking: false })
            }
        }
    }

    /// Returns who could fill an empty place for one of the unmet units at least, in `require` or in any alternative.
    pub fn could_sign(&self) -> BTreeSet<PrincipalId> {
        let mut able = BTreeSet::new();
        for (shape, _) in self.by_shape.iter().filter(|(_, quorum)| quorum.lacking) {
            let available = seated(self.usable, shape).available;
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

/// The people whose tokens cover units of a shape, with the roles that these stand for.
struct Seated<'q> {
    available: Available,
    /// The delegations by which roles are among them that their signers do not hold.
    used: Vec<&'q Delegation>,
}

/// Finds who can fill places for units of `shape`, themselves or for others; the excluded neither fill a place nor have theirs filled.
///
/// Whoever stands in for others fills one place all the same. And one place of somebody is filled once: by themselves if they signed, else
/// by one of those who stand in for them. Which of these is settled before places are filled, so that this stays a matching of people and
/// places: one whom nothing else of the rule lets in comes first, then the newest delegation.
fn seated<'q>(usable: &'q [Usable<'_>], shape: &Shape) -> Seated<'q> {
    let counts = |who: &PrincipalId| !shape.excluded.contains(who);
    let signed = || usable.iter().zip(&shape.tokens).filter(|(token, covers)| **covers && counts(&token.worth.who));
    let mut available = Available::new();
    for (token, _) in signed() {
        available.entry(token.worth.who.clone()).or_default().extend(token.worth.roles.iter().cloned());
    }
    let mut offers: Vec<(&Delegation, bool)> = Vec::new();
    for (token, _) in signed() {
        let holds_one = available.get(&token.worth.who).is_some_and(|roles| !roles.is_empty());
        let free = token.worth.delegated.iter().filter(|one| counts(&one.from) && !available.contains_key(&one.from));
        offers.extend(free.map(|one| (one, holds_one)));
    }
    offers.sort_by(|(one, one_holds), (other, other_holds)| one_holds.cmp(other_holds).then(other.cmp(one)));
    let mut used: Vec<&Delegation> = Vec::new();
    for (offer, _) in offers {
        // Several roles of one person may go to the same other.
        if used.iter().all(|taken| taken.from != offer.from || taken.to == offer.to) {
            used.push(offer);
            available.entry(offer.to.clone()).or_default().insert(offer.role.clone());
        }
    }
    Seated { available, used }
}

/// Returns why an approval fills no place for a unit: its signer is excluded, or all for whom they stand in are.
fn excludes(worth: &Worth, selves: &BTreeMap<PrincipalId, Why>) -> Option<Why> {
    if let Some(why) = selves.get(&worth.who) {
        return Some(why.clone());
    }
    let of_others = || worth.delegated.iter().map(|one| (&one.from, selves.get(&one.from)));
    let (from, why) =
        of_others().next().filter(|_| worth.roles.is_empty() && of_others().all(|(_, why)| why.is_some()))?;
    why.map(|why| Why::StandsIn { from: from.clone(), why: Box::new(why.clone()) })
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
