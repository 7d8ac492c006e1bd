//! Who fills which place (docs/spec/semantics.md, 7).
//!
//! The naive way walks the requirements and takes, for each, the first people that hold the role. It fails when
//! alice could fill either of two places and bob only one of them: whoever comes first decides whether the quorum is
//! met. Filling places with people is a maximum matching in a bipartite graph, so Kuhn's algorithm answers it: a
//! person who is needed elsewhere moves on if another place will have them. A quorum is small (places times people),
//! so the cubic worst case does not matter.
//!
//! People are counted, never keys or tokens. With `distinct` one person fills one place over the whole rule; without
//! it each entry is filled on its own, and still no person fills two places of one entry.

use crate::domain::name::{PrincipalId, RoleName};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// So many people of a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The role.
    pub role: RoleName,
    /// How many people; a policy that loads has at least 1, and at most as many as the role has.
    pub approvals: usize,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.approvals == 1 { "approval" } else { "approvals" };
        write!(f, "{} {noun} from `{}`", self.approvals, self.role)
    }
}

/// One entry of a quorum with the people who fill it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filled {
    /// What is asked.
    pub requirement: Requirement,
    /// Who fills its places; never more than `requirement.approvals`.
    pub people: Vec<PrincipalId>,
}

impl Filled {
    /// Returns how many places are empty.
    pub fn missing(&self) -> usize {
        self.requirement.approvals - self.people.len()
    }
}

impl fmt::Display for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; has {}", self.requirement, self.people.len())?;
        if self.people.is_empty() {
            return Ok(());
        }
        let people: Vec<&str> = self.people.iter().map(PrincipalId::as_str).collect();
        write!(f, " ({})", people.join(", "))
    }
}

/// The roles that each person's approvals can stand for.
pub type Available = BTreeMap<PrincipalId, BTreeSet<RoleName>>;

/// Fills `require` and, if there are any, the alternative of `any_of` that leaves the fewest places empty.
///
/// The quorum is met when no entry of the result has places missing. Of alternatives that leave equally many places
/// empty the first is taken.
pub fn fill(
    require: &[Requirement],
    any_of: &[Vec<Requirement>],
    available: &Available,
    distinct: bool,
) -> Vec<Filled> {
    let with = |alternative: &[Requirement]| {
        let entries: Vec<Requirement> = require.iter().chain(alternative).cloned().collect();
        if distinct { fill_distinct(&entries, available) } else { fill_apart(&entries, available) }
    };
    any_of
        .iter()
        .map(|alternative| with(alternative))
        .min_by_key(|filled| filled.iter().map(Filled::missing).sum::<usize>())
        .unwrap_or_else(|| with(&[]))
}

/// Fills each entry on its own.
fn fill_apart(entries: &[Requirement], available: &Available) -> Vec<Filled> {
    let fill_one = |entry: &Requirement| Filled {
        requirement: entry.clone(),
        people: available
            .iter()
            .filter(|(_, roles)| roles.contains(&entry.role))
            .map(|(person, _)| person.clone())
            .take(entry.approvals)
            .collect(),
    };
    entries.iter().map(fill_one).collect()
}

/// Fills all places at once, each person in one place.
fn fill_distinct(entries: &[Requirement], available: &Available) -> Vec<Filled> {
    let people: Vec<(&PrincipalId, &BTreeSet<RoleName>)> = available.iter().collect();
    // An entry needs no more places than there are people; a hostile threshold would only cost memory.
    let places: Vec<usize> = entries
        .iter()
        .enumerate()
        .flat_map(|(entry, requirement)| std::iter::repeat_n(entry, requirement.approvals.min(people.len())))
        .collect();
    let fits = |person: usize, place: usize| people[person].1.contains(&entries[places[place]].role);
    let mut taken: Vec<Option<usize>> = vec![None; places.len()];
    for person in 0..people.len() {
        let mut tried = vec![false; places.len()];
        seat(person, &fits, &mut taken, &mut tried);
    }
    let mut filled: Vec<Filled> =
        entries.iter().map(|entry| Filled { requirement: entry.clone(), people: Vec::new() }).collect();
    for (place, person) in taken.iter().enumerate() {
        if let Some(person) = person {
            filled[places[place]].people.push(people[*person].0.clone());
        }
    }
    filled
}

/// Finds `person` a place, moving others along an augmenting path where that helps.
fn seat(person: usize, fits: &dyn Fn(usize, usize) -> bool, taken: &mut [Option<usize>], tried: &mut [bool]) -> bool {
    for place in 0..taken.len() {
        if tried[place] || !fits(person, place) {
            continue;
        }
        tried[place] = true;
        let free = match taken[place] {
            None => true,
            Some(other) => seat(other, fits, taken, tried),
        };
        if free {
            taken[place] = Some(person);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn role(name: &str) -> RoleName {
        RoleName::new(name).expect(name)
    }

    fn ask(entries: &[(&str, usize)]) -> Vec<Requirement> {
        entries.iter().map(|(name, approvals)| Requirement { role: role(name), approvals: *approvals }).collect()
    }

    fn people(list: &[(&str, &[&str])]) -> Available {
        list.iter()
            .map(|(who, roles)| (PrincipalId::new(who).expect(who), roles.iter().map(|r| role(r)).collect()))
            .collect()
    }

    fn missing(filled: &[Filled]) -> usize {
        filled.iter().map(Filled::missing).sum()
    }

    #[test]
    fn the_assignment_that_satisfies_most_is_used() {
        let available = people(&[("alice", &["dba", "lead"]), ("bob", &["lead"])]);
        for entries in [ask(&[("dba", 1), ("lead", 1)]), ask(&[("lead", 1), ("dba", 1)])] {
            assert_eq!(missing(&fill(&entries, &[], &available, true)), 0);
        }
    }

    #[test]
    fn one_person_fills_one_place_however_many_roles_they_hold() {
        let alice = people(&[("alice", &["dba", "lead"])]);
        let entries = ask(&[("dba", 1), ("lead", 1)]);
        assert_eq!(missing(&fill(&entries, &[], &alice, true)), 1);
        assert_eq!(missing(&fill(&entries, &[], &alice, false)), 0);
        assert_eq!(missing(&fill(&ask(&[("dba", 2)]), &[], &alice, false)), 1);
    }

    #[test]
    fn an_alternative_is_filled_together_with_what_is_required() {
        let require = ask(&[("dba", 1)]);
        let any_of = [ask(&[("director", 1)]), ask(&[("lead", 2)])];
        let leads = people(&[("alice", &["dba", "lead"]), ("bob", &["lead"])]);
        assert_eq!(missing(&fill(&require, &any_of, &leads, true)), 1);
        let three = people(&[("alice", &["dba", "lead"]), ("bob", &["lead"]), ("carol", &["lead"])]);
        assert_eq!(missing(&fill(&require, &any_of, &three, true)), 0);
    }

    /// Tries every way to seat people: the definition itself.
    fn most_seated(places: &[&RoleName], people: &[&BTreeSet<RoleName>]) -> usize {
        let Some((first, rest)) = places.split_first() else { return 0 };
        let mut best = most_seated(rest, people);
        for (at, roles) in people.iter().enumerate() {
            if roles.contains(*first) {
                let mut others = people.to_vec();
                others.remove(at);
                best = best.max(1 + most_seated(rest, &others));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn matching_agrees_with_brute_force(
            entries in prop::collection::vec((0..4usize, 1..3usize), 1..4),
            held in prop::collection::vec(prop::collection::btree_set(0..4usize, 0..4), 0..6),
        ) {
            let names = ["r0", "r1", "r2", "r3"];
            let require: Vec<Requirement> =
                entries.iter().map(|(r, n)| Requirement { role: role(names[*r]), approvals: *n }).collect();
            let available: Available = held
                .iter()
                .enumerate()
                .map(|(at, roles)| {
                    let who = PrincipalId::new(&format!("p{at}")).expect("a name");
                    (who, roles.iter().map(|r| role(names[*r])).collect())
                })
                .collect();
            let filled = fill(&require, &[], &available, true);
            let seated: usize = filled.iter().map(|f| f.people.len()).sum();
            let places: Vec<&RoleName> =
                require.iter().flat_map(|r| std::iter::repeat_n(&r.role, r.approvals)).collect();
            prop_assert_eq!(seated, most_seated(&places, &available.values().collect::<Vec<_>>()));
            // Nobody sits twice, and nobody sits where they do not fit.
            let mut seen = BTreeSet::new();
            for entry in &filled {
                for person in &entry.people {
                    prop_assert!(seen.insert(person.clone()));
                    prop_assert!(available[person].contains(&entry.requirement.role));
                }
            }
        }
    }
}
