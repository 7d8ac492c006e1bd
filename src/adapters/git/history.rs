//! [`History`] of a Git push.

use super::claims::{self, Followed, Standing};
use super::graph;
use super::receive::Claim;
use super::repository::{GitRepository, RefValue};
use super::{GitError, content, tag, walk};
use crate::domain::change::{Action, ChangesetId, RefUpdate, Target};
use crate::ports::history::{History, HistoryError, Need, OwnPaths, Selection};
use git2::ObjectType;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Refs of this program's own: what lies there was never judged, so it hides nothing.
const OWN_REFS: &[u8] = b"refs/jit/";

/// A Git push, with the repository that it goes to.
#[derive(Debug)]
pub struct GitHistory {
    repo: GitRepository,
    claims: Vec<Claim>,
    standing: Standing,
    targets: Option<BTreeMap<Target, Vec<ChangesetId>>>,
}

impl GitHistory {
    /// The push that `repo` receives; the claimed old values are held against its refs.
    pub fn receiving(repo: GitRepository, claims: Vec<Claim>) -> Self {
        Self { repo, claims, standing: Standing::Receiving, targets: None }
    }

    /// A push to somewhere else, or one that is only supposed: the claimed old values are believed.
    ///
    /// For a client's courtesy and for dry runs; never decides on a server.
    pub fn supposing(repo: GitRepository, claims: Vec<Claim>) -> Self {
        Self { repo, claims, standing: Standing::Supposed, targets: None }
    }

    /// Takes `targets` for those that exist where the push goes, in place of the repository's own refs. Values that are not here
    /// are left out.
    ///
    /// # Errors
    /// [`GitError`] if the objects cannot be looked up.
    pub fn among(mut self, targets: BTreeMap<Target, ChangesetId>) -> Result<Self, GitError> {
        let mut known = BTreeMap::new();
        for (target, value) in targets {
            if self.repo.kind_of(&value)?.is_some() {
                known.insert(target, vec![value]);
            }
        }
        self.targets = Some(known);
        Ok(self)
    }

    /// Returns the repository.
    pub fn repository(&self) -> &GitRepository {
        &self.repo
    }

    /// The commits of the existing targets that `selection` picks, without this program's own.
    fn heads_of(&mut self, selection: &Selection<'_>) -> Result<Vec<ChangesetId>, GitError> {
        if self.targets.is_none() {
            self.targets = Some(list(&self.repo)?);
        }
        let all = self.targets.iter().flatten();
        let own = |target: &Target| target.as_git_ref().is_some_and(|name| name.starts_with(OWN_REFS));
        let picked = all.filter(|(target, _)| !own(target) && (selection.picks)(target));
        let values: BTreeSet<ChangesetId> = picked.flat_map(|(_, values)| values).copied().collect();
        let mut heads = tag::commits(&self.repo, &values.into_iter().collect::<Vec<_>>())?;
        heads.sort();
        heads.dedup();
        Ok(heads)
    }

    /// The commits of a creation, and what each rule sees of them.
    fn created(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<Vec<ChangesetId>, GitError> {
        let mut scopes_by_heads: HashMap<Vec<ChangesetId>, BTreeSet<ChangesetId>> = HashMap::new();
        let mut seen = BTreeSet::new();
        for selection in &need.hidden {
            let heads = self.heads_of(selection)?;
            if !scopes_by_heads.contains_key(&heads) {
                let scope = graph::between(&self.repo, &update.tips, &heads)?;
                seen.extend(scope.iter().copied());
                scopes_by_heads.insert(heads.clone(), scope.into_iter().collect());
            }
            let scope = scopes_by_heads.get(&heads).cloned().unwrap_or_default();
            update.scopes.insert(selection.rule.clone(), scope);
        }
        if need.whole {
            return graph::between(&self.repo, &update.tips, &[]);
        }
        graph::children_first(&self.repo, &seen.into_iter().collect::<Vec<_>>())
    }
}

impl History for GitHistory {
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        claims::check(&self.repo, &self.claims, self.standing)
    }

    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError> {
        let old_heads = tag::commits(&self.repo, &update.old)?;
        let action = update.action().clone();
        update.scopes.clear();
        update.promoted.clear();
        let ids = match action {
            Action::Delete => Vec::new(),
            Action::Create => self.created(update, need)?,
            _ => graph::between(&self.repo, &update.tips, &old_heads)?,
        };
        for selection in &need.promoted {
            let mut before = self.heads_of(selection)?;
            before.extend(&old_heads);
            let fresh: HashSet<ChangesetId> = if ids.is_empty() {
                HashSet::new()
            } else {
                graph::between(&self.repo, &update.tips, &before)?.into_iter().collect()
            };
            let promoted = ids.iter().filter(|id| !fresh.contains(*id)).copied().collect();
            update.promoted.insert(selection.rule.clone(), promoted);
        }
        update.changesets = walk::changesets(&self.repo, &ids, need)?;
        update.tip_changes = match action {
            Action::Rewrite if need.own_paths != OwnPaths::Unneeded => {
                walk::tip_changes(&self.repo, &update.tips, &old_heads, need)?
            }
            _ => Vec::new(),
        };
        Ok(())
    }

    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError> {
        let heads = tag::commits(&self.repo, &update.old)?;
        let mut wanted = HashSet::new();
        for base in bases {
            if self.repo.kind_of(base)? == Some(ObjectType::Commit) {
                wanted.insert(*base);
            }
        }
        let mut found = graph::reached(&self.repo, &heads, &wanted)?;
        // A tag's value is a tag object: no commit reaches it, but it is what the signer saw.
        found.extend(update.old.iter().filter(|old| bases.contains(*old)));
        update.reachable_bases = found;
        Ok(())
    }

    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError> {
        update.contents = content::contents(&self.repo, &update.changesets)?;
        Ok(())
    }

    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError> {
        let heads = tag::commits(&self.repo, &update.old)?;
        let mut held = BTreeSet::new();
        for id in ids {
            if self.repo.kind_of(id)? != Some(ObjectType::Commit) {
                continue;
            }
            for head in &heads {
                if graph::descends(&self.repo, head, id)? {
                    held.insert(*id);
                    break;
                }
            }
        }
        Ok(held)
    }

    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError> {
        let Some(name) = target.as_git_ref() else {
            return Err(HistoryError::ForeignTarget { target: target.clone() });
        };
        match str::from_utf8(name) {
            Ok(name) => Ok(value_of(&self.repo, name)?.into_iter().collect()),
            // libgit2 looks refs up by text only, but lists all.
            Err(_) => Ok(list(&self.repo)?.remove(target).unwrap_or_default()),
        }
    }

    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError> {
        Ok(list(&self.repo)?)
    }
}

fn value_of(repo: &GitRepository, name: &str) -> Result<Option<ChangesetId>, GitError> {
    Ok(match claims::follow(repo, name)? {
        Followed::Value { value, .. } => value,
        Followed::Nowhere { .. } => None,
    })
}

/// Every ref with its value; a symbolic ref has the value of what it leads to, one that leads nowhere is left out.
fn list(repo: &GitRepository) -> Result<BTreeMap<Target, Vec<ChangesetId>>, GitError> {
    let mut all = BTreeMap::new();
    for (name, held) in repo.all_refs()? {
        let value = match (held, str::from_utf8(&name)) {
            (RefValue::Object(id), _) => Some(id),
            (RefValue::Symbolic(_), Ok(name)) => value_of(repo, name)?,
            (RefValue::Symbolic(_), Err(_)) => None,
        };
        if let (Some(value), Ok(target)) = (value, Target::git_ref(&name)) {
            all.insert(target, vec![value]);
        }
    }
    Ok(all)
}
