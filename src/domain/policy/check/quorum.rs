//! Judges whether the people that a policy knows could ever give what a rule asks.
//!
//! Entry by entry is not enough: two roles with the same single member can each give one approval, but one person
//! fills one place, so never both. Whether all places can be filled at once is a matching of places to people. It
//! grows place by place along augmenting paths (Berge): a place that finds only taken people asks, breadth first,
//! whether their holders could take others.

use super::roles::Resolved;
use crate::domain::name::RoleName;
use crate::domain::policy::draft::{At, Draft, RequirementDraft, RuleDraft};
use crate::domain::policy::fault::{Note, Place, Remark, Sink};
use crate::domain::policy::{FaultKind, Thing};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who could sign for which role.
pub(super) struct Quorums<'r> {
    roles: &'r BTreeMap<RoleName, Resolved>,
    /// By role: its members who have a key, as numbers.
    signers: BTreeMap<&'r RoleName, Vec<usize>>,
}

/// An entry: who can fill it, and how many places it has.
type Entry<'s> = (&'s [usize], usize);

impl<'r> Quorums<'r> {
    /// Numbers the people of `draft` and finds the signers of each role. A principal with a fault is taken as one who
    /// can sign.
    pub(super) fn new(draft: &Draft, roles: &'r BTreeMap<RoleName, Resolved>) -> Self {
        let able = draft.principals.iter().enumerate().filter(|(_, one)| !one.keys.is_empty() || !one.sound);
        let numbers: BTreeMap<_, _> = able.map(|(number, one)| (&one.name.value, number)).collect();
        let of =
            |resolved: &Resolved| resolved.role.members.iter().filter_map(|who| numbers.get(who).copied()).collect();
        Self { roles, signers: roles.iter().map(|(name, resolved)| (name, of(resolved))).collect() }
    }

    /// Notes unknown roles, thresholds above the number of members, and quorums that can never be met.
    pub(super) fn check(&self, rule: &RuleDraft, has_gaps: bool, sink: &mut Sink) {
        for role in rule.escalation.iter().flat_map(|one| &one.notify) {
            self.role(role, has_gaps, sink);
        }
        let require_holds = self.entries_hold(&rule.require, has_gaps, sink);
        let alternatives_hold: Vec<bool> =
            rule.any_of.iter().map(|one| self.entries_hold(&one.value, has_gaps, sink)).collect();
        let emergency = rule.overriding.as_ref().map(|one| &one.requirement);
        let override_holds = self.entries_hold(emergency, has_gaps, sink);
        if let (true, true, Some(place)) = (rule.sound, override_holds, rule.given.get("override")) {
            let entries: Vec<Entry<'_>> = emergency.into_iter().filter_map(|one| self.entry(one)).collect();
            fits("override", &entries, rule.rule.distinct_people, place, sink);
        }
        if !rule.sound || !require_holds {
            return;
        }
        let base: Vec<Entry<'_>> = rule.require.iter().filter_map(|one| self.entry(one)).collect();
        let key = rule.given.get("require");
        if key.is_some_and(|place| !fits("require", &base, rule.rule.distinct_people, place, sink)) {
            return;
        }
        for (alternative, _) in rule.any_of.iter().zip(alternatives_hold).filter(|(_, holds)| *holds) {
            let more = alternative.value.iter().filter_map(|one| self.entry(one));
            let both: Vec<Entry<'_>> = base.iter().copied().chain(more).collect();
            fits("any_of", &both, rule.rule.distinct_people, &alternative.place, sink);
        }
    }

    /// Notes a role that nothing defines, or of which nobody can sign.
    pub(super) fn check_signer(&self, role: &At<RoleName>, has_gaps: bool, sink: &mut Sink) {
        let Some(resolved) = self.role(role, has_gaps, sink) else { return };
        if resolved.sound && self.signers.get(&role.value).is_none_or(Vec::is_empty) {
            let defined = Note { place: resolved.place.clone(), remark: Remark::DefinedHere(role.value.to_string()) };
            sink.push_with(&role.place, FaultKind::NoSigner(role.value.to_string()), vec![defined]);
        }
    }

    /// Looks a role up; notes one that nothing defines.
    fn role(&self, role: &At<RoleName>, has_gaps: bool, sink: &mut Sink) -> Option<&Resolved> {
        let found = self.roles.get(&role.value);
        if found.is_none() && !has_gaps {
            let similar = sink.similar(role.value.as_str(), self.roles.keys().map(RoleName::as_str));
            let what = FaultKind::Unknown { what: Thing::Role, name: role.value.to_string(), similar };
            sink.push(&role.place, what);
        }
        found
    }

    fn entry(&self, written: &RequirementDraft) -> Option<Entry<'_>> {
        self.signers.get(&written.role.value).map(|who| (&who[..], written.approvals.value))
    }

    /// Judges entries one by one; true if each can be judged and holds.
    fn entries_hold<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e RequirementDraft>,
        has_gaps: bool,
        sink: &mut Sink,
    ) -> bool {
        let before = sink.list.len();
        let mut known = true;
        for entry in entries {
            let name = &entry.role.value;
            let Some(resolved) = self.role(&entry.role, has_gaps, sink) else {
                known = false;
                continue;
            };
            known &= resolved.sound;
            let (approvals, members) = (entry.approvals.value, resolved.role.members.len());
            if resolved.sound && approvals > members {
                let defined = Note { place: resolved.place.clone(), remark: Remark::DefinedHere(name.to_string()) };
                let what = FaultKind::TooManyApprovals { role: name.to_string(), approvals, members };
                sink.push_with(&entry.approvals.place, what, vec![defined]);
            }
        }
        known && sink.list.len() == before
    }
}

/// Notes at `place` if `entries` cannot be filled together, or one by one if `distinct` is false.
fn fits(key: &'static str, entries: &[Entry<'_>], distinct: bool, place: &Place, sink: &mut Sink) -> bool {
    let (places, filled) = if distinct {
        (entries.iter().map(|(_, places)| places).sum(), filled(entries))
    } else {
        let short = entries.iter().find(|(who, places)| who.len() < *places);
        short.map_or((0, 0), |(who, places)| (*places, who.len()))
    };
    if filled < places {
        sink.push(place, FaultKind::NeverMet { key, places, filled });
    }
    filled == places
}

/// Returns how many places can be filled at once if nobody fills two.
fn filled(entries: &[Entry<'_>]) -> usize {
    let places: usize = entries.iter().map(|(_, places)| places).sum();
    // Wherever each entry finds enough people for all places, taking them in turn succeeds.
    if entries.iter().all(|(who, _)| who.len() >= places) {
        return places;
    }
    let mut holder: BTreeMap<usize, usize> = BTreeMap::new();
    let mut count = 0;
    for (entry, (_, places)) in entries.iter().enumerate() {
        count += (0..*places).take_while(|_| fill(entry, entries, &mut holder)).count();
    }
    count
}

/// Fills one more place of `entry`, moving others along if need be; false if that is impossible.
fn fill(entry: usize, entries: &[Entry<'_>], holder: &mut BTreeMap<usize, usize>) -> bool {
    // For an entry that was reached: the person whom it would give up, and to which entry.
    let mut given_up: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut reached = BTreeSet::from([entry]);
    let mut queue = VecDeque::from([entry]);
    while let Some(at) = queue.pop_front() {
        for &person in entries[at].0 {
            let Some(&other) = holder.get(&person) else {
                let (mut taker, mut taken) = (at, person);
                while let Some(&(lost, next)) = given_up.get(&taker) {
                    holder.insert(taken, taker);
                    (taker, taken) = (next, lost);
                }
                holder.insert(taken, taker);
                return true;
            };
            if reached.insert(other) {
                given_up.insert(other, (person, at));
                queue.push_back(other);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nobody_fills_two_places() {
        let cases: [(&[Entry<'_>], usize); 8] = [
            (&[], 0),
            (&[(&[1], 1), (&[1], 1)], 1),
            (&[(&[1, 2], 1), (&[1], 1)], 2),
            (&[(&[1, 2, 3], 2), (&[1, 2], 2)], 3),
            (&[(&[1, 2], 1), (&[2, 3], 1), (&[3, 1], 1)], 3),
            (&[(&[1, 2, 3, 4], 2), (&[1, 2], 2)], 4),
            (&[(&[], 1)], 0),
            (&[(&[1, 2], 1), (&[1, 2], 1), (&[1, 2], 1)], 2),
        ];
        for (entries, expected) in cases {
            assert_eq!(filled(entries), expected, "{entries:?}");
        }
    }

    /// Tries every person for every place.
    fn by_trial(places: &[&[usize]], taken: &mut BTreeSet<usize>) -> usize {
        let Some((first, rest)) = places.split_first() else { return 0 };
        let mut best = by_trial(rest, taken);
        for &person in *first {
            if taken.insert(person) {
                best = best.max(1 + by_trial(rest, taken));
                taken.remove(&person);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_matching_is_the_largest(entries in prop::collection::vec((prop::collection::btree_set(0_usize..5, 0..5), 1_usize..3), 0..4)) {
            let lists: Vec<(Vec<usize>, usize)> = entries.into_iter().map(|(who, places)| (who.into_iter().collect(), places)).collect();
            let asked: Vec<Entry<'_>> = lists.iter().map(|(who, places)| (&who[..], *places)).collect();
            let places: Vec<&[usize]> = asked.iter().flat_map(|(who, places)| std::iter::repeat_n(*who, *places)).collect();
            prop_assert_eq!(filled(&asked), by_trial(&places, &mut BTreeSet::new()));
        }
    }
}
