//! A repository in memory: commits, refs, and a push that wants to move some.

use super::world::Steps;
use crate::support::{changesets, id, ids, target};
use jit::domain::change::{self, Action, Changeset, ChangesetId, Leaf, RefUpdate, RepoPath, Room, Target, TipChange};
use jit::ports::history::{ClaimRefusal, History, HistoryError, Need, OwnPaths};
use jit::ports::incoming::{Carried, CarriedToken, Incoming, OwnRefusal};
use std::collections::{BTreeMap, BTreeSet};

/// The repository, and what is pushed to it.
pub struct Repository {
    /// Every commit, children before parents.
    pub commits: Vec<Changeset>,
    /// Where the refs are.
    pub refs: BTreeMap<Target, Vec<ChangesetId>>,
    /// What the push wants: the target, and its new value.
    pub claims: Vec<(Target, Vec<ChangesetId>)>,
    /// The tokens that the push brings.
    pub carried: Vec<CarriedToken>,
    /// What another push moves as soon as the values that this one is judged by are read.
    pub meanwhile: Option<(Target, Vec<ChangesetId>)>,
    /// What does not work: the name of a step.
    pub broken: Option<&'static str>,
    /// What was called.
    pub steps: Steps,
}

impl Repository {
    /// A repository with these commits and refs (`refs/heads/main` and a letter).
    pub fn new(commits: &str, refs: &[(&str, &str)], steps: Steps) -> Self {
        let refs = refs.iter().map(|(name, value)| (target(name), ids(value))).collect();
        Self {
            commits: changesets(commits),
            refs,
            claims: vec![],
            carried: vec![],
            meanwhile: None,
            broken: None,
            steps,
        }
    }

    /// Moves a ref; to nothing: deletes it.
    pub fn set(&mut self, target: &Target, value: &[ChangesetId]) {
        match value {
            [] => self.refs.remove(target),
            _ => self.refs.insert(target.clone(), value.to_vec()),
        };
    }

    fn step(&self, name: &'static str, what: &str) -> Result<(), HistoryError> {
        self.steps.push(format!("{name} {what}").trim_end().to_owned());
        match self.broken {
            Some(broken) if broken == name => Err(HistoryError::Missing { object: "61".repeat(20) }),
            _ => Ok(()),
        }
    }

    fn reached(&self, from: &[ChangesetId]) -> BTreeSet<ChangesetId> {
        let mut reached: BTreeSet<ChangesetId> = from.iter().copied().collect();
        for commit in &self.commits {
            if reached.contains(&commit.id) {
                reached.extend(&commit.parents);
            }
        }
        reached
    }

    /// The paths that some commit changes that one side reaches and the other does not: enough of a difference for tests.
    fn differing(&self, one: &ChangesetId, other: &[ChangesetId]) -> Vec<RepoPath> {
        let (one, other) = (self.reached(&[*one]), self.reached(other));
        let apart: BTreeSet<&ChangesetId> = one.symmetric_difference(&other).collect();
        let changed = self.commits.iter().filter(|commit| apart.contains(&commit.id));
        changed.flat_map(|commit| commit.own_paths.clone().unwrap_or_default()).collect()
    }
}

impl History for Repository {
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        self.step("ref updates", "")?;
        if self.broken == Some("claims") {
            let refused = ClaimRefusal::Twice { refname: b"refs/heads/main".to_vec() };
            return Err(HistoryError::Refused(vec![refused]));
        }
        let update = |(target, new): &(Target, Vec<ChangesetId>)| {
            let old = self.refs.get(target).cloned().unwrap_or_default();
            let forward = old.iter().all(|old| self.reached(new).contains(old));
            let action = match (old.is_empty(), new.is_empty()) {
                (_, true) => Action::Delete,
                (true, _) => Action::Create,
                _ if forward => Action::Update,
                _ => Action::Rewrite,
            };
            let tips = if new.is_empty() { old.clone() } else { new.clone() };
            RefUpdate { tips, ..RefUpdate::new(target.clone(), vec![action], old, new.clone()) }
        };
        let updates = self.claims.iter().map(update).collect();
        if let Some((target, value)) = self.meanwhile.take() {
            self.set(&target, &value);
        }
        Ok(updates)
    }

    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError> {
        self.step("load", &format!("{} {:?}", update.target, need.own_paths))?;
        let new = self.reached(&update.new);
        let heads = |picks: &dyn Fn(&Target) -> bool| -> Vec<ChangesetId> {
            let picked = self.refs.iter().filter(|(target, _)| !target.is_own() && picks(target));
            picked.flat_map(|(_, value)| value.clone()).collect()
        };
        let mut within = BTreeSet::new();
        if *update.action() == Action::Create {
            update.scopes = need
                .hidden
                .iter()
                .map(|hidden| {
                    let old = self.reached(&heads(&*hidden.picks));
                    (hidden.rule.clone(), new.difference(&old).copied().collect())
                })
                .collect();
            within.extend(update.scopes.values().flatten().copied());
            if need.whole {
                within.extend(&new);
            }
        } else {
            within.extend(new.difference(&self.reached(&update.old)));
        }
        let look = |commit: &Changeset| match need.own_paths {
            OwnPaths::Unneeded => false,
            OwnPaths::Merges => commit.parents.len() > 1,
            OwnPaths::All => true,
        };
        let seen = self.commits.iter().filter(|commit| within.contains(&commit.id)).map(|commit| Changeset {
            own_paths: commit.own_paths.clone().filter(|_| look(commit)),
            lines: commit.lines.filter(|_| look(commit) && need.lines.is_some()),
            trailers: commit.trailers.clone().filter(|_| need.trailers),
            ..commit.clone()
        });
        update.changesets = seen.collect();
        let promoted = need.promoted.iter().map(|promoted| {
            let before = self.reached(&heads(&*promoted.picks));
            (promoted.rule.clone(), within.intersection(&before).copied().collect())
        });
        update.promoted = promoted.collect();
        if *update.action() == Action::Rewrite && need.own_paths != OwnPaths::Unneeded {
            let change = |tip: &ChangesetId| {
                let paths = self.differing(tip, &update.old);
                TipChange { tip: *tip, lines: need.lines.and(Some(paths.len())), paths: Some(paths) }
            };
            update.tip_changes = update.tips.iter().map(change).collect();
        }
        Ok(())
    }

    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError> {
        self.step("bases", &update.target.to_string())?;
        update.reachable_bases = self.reached(&update.old).intersection(bases).copied().collect();
        Ok(())
    }

    /// A file holds its own path, and nothing before: commits that touch the same paths do the same.
    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError> {
        self.step("contents", &update.target.to_string())?;
        update.contents = change::contents(&update.changesets, Room::ALL, |commit, line| {
            let whole = self.commits.iter().find(|one| one.id == commit.id).expect("a commit of the repository");
            let mut paths = whole.own_paths.iter().flatten().map(RepoPath::as_bytes);
            Ok::<bool, HistoryError>(paths.all(|path| line.add(path, None, Some(&Leaf::new(Leaf::FILE, path)))))
        })?;
        Ok(())
    }

    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError> {
        self.step("held", &update.target.to_string())?;
        Ok(self.reached(&update.old).intersection(ids).copied().collect())
    }

    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError> {
        self.step("value", &target.to_string())?;
        Ok(self.refs.get(target).cloned().unwrap_or_default())
    }

    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError> {
        Ok(self.refs.clone())
    }
}

impl Incoming for Repository {
    fn carried(&mut self, _: &[RefUpdate]) -> Result<Carried, HistoryError> {
        self.step("carried", "")?;
        let refusals = match self.broken {
            Some("own") => vec![OwnRefusal::NotYours { target: target("refs/jit/policy") }],
            _ => vec![],
        };
        Ok(Carried { tokens: self.carried.clone(), refusals, ..Carried::default() })
    }
}

#[test]
fn the_repository_of_the_tests_tells_actions_apart() {
    let commits = "e<d; d<a; c<b; b<a; a<";
    let mut repository = Repository::new(commits, &[("refs/heads/main", "c")], Steps::default());
    let action = |repository: &mut Repository, name: &str, new: &str| {
        repository.claims = vec![(target(name), ids(new))];
        repository.ref_updates().expect("readable")[0].actions[0].to_string()
    };
    assert_eq!(action(&mut repository, "refs/heads/main", "e"), "rewrite");
    assert_eq!(action(&mut repository, "refs/heads/main", "b"), "rewrite");
    assert_eq!(action(&mut repository, "refs/heads/main", ""), "delete");
    assert_eq!(action(&mut repository, "refs/heads/dev", "e"), "create");
    repository.set(&target("refs/heads/main"), &[id('b')]);
    assert_eq!(action(&mut repository, "refs/heads/main", "c"), "update");
}
