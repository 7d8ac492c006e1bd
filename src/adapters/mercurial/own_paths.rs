//! At which paths changesets differ of their own accord (docs/spec/semantics.md, 5), from manifests alone.
//!
//! The list of files in a changeset is never looked at: it is the client's word, and a false one passes all of Mercurial's checks.
//! Whole manifests are dear, so each is made from its parent's by a patch, parents first, some hundred at a time, and
//! forgotten when no later changeset needs it.

use super::MercurialError;
use super::manifest::{Change, Manifest};
use super::own_lines::{self, Own};
use super::request::Request;
use crate::domain::change::{Changeset, ChangesetId, RepoPath};
use crate::ports::history::{Need, OwnPaths};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Write};
use std::rc::Rc;

/// Changesets whose patches are asked for at once, at most.
const BATCH: usize = 512;
/// Bytes of manifests that one batch may make, and that are kept for the next ones.
const MOST_MANIFEST_BYTES: usize = 96 * 1024 * 1024;
/// Bytes of all paths that are handed out together.
const MOST_PATH_BYTES: usize = 512 * 1024 * 1024;
/// Where the largefiles extension keeps its stand-ins.
const STAND_INS: &[u8] = b".hglf/";

/// Finds own paths, and remembers the manifests that it came across.
#[derive(Debug)]
pub(super) struct Paths {
    manifests: HashMap<ChangesetId, Rc<Manifest>>,
    has_largefiles: bool,
    path_bytes: usize,
}

impl Paths {
    /// Starts with nothing. A largefiles stand-in counts as the file that it stands for; as itself too, unless `has_largefiles`:
    /// where nobody serves large files it may be anything.
    pub(super) fn new(has_largefiles: bool) -> Self {
        Self { manifests: HashMap::new(), has_largefiles, path_bytes: 0 }
    }

    /// Fills `own_paths` and `lines` of those of `changesets` (children before parents) for which `need` asks for them.
    pub(super) fn fill<R: Read, W: Write>(
        &mut self,
        request: &mut Request<R, W>,
        changesets: &mut [Changeset],
        need: &Need<'_>,
    ) -> Result<(), MercurialError> {
        let wanted = |changeset: &Changeset| match need.own_paths {
            OwnPaths::Unneeded => false,
            OwnPaths::Merges => changeset.parents.len() > 1,
            OwnPaths::All => true,
        };
        let mut open: Vec<&mut Changeset> = changesets.iter_mut().rev().filter(|c| wanted(c)).collect();
        let mut rest = &mut open[..];
        let mut size = 1;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at_mut(size.min(rest.len()));
            self.fill_batch(request, batch, need.lines)?;
            let needed: HashSet<ChangesetId> = later.iter().flat_map(|c| c.parents.iter().copied()).collect();
            size = self.forget(|id| needed.contains(id));
            rest = later;
        }
        self.manifests.clear();
        Ok(())
    }

    /// Keeps what is `needed`, as far as there is room, and returns how many changesets the next batch may have.
    fn forget(&mut self, needed: impl Fn(&ChangesetId) -> bool) -> usize {
        let longest = self.manifests.values().map(|manifest| manifest.len()).max().unwrap_or(0);
        self.manifests.retain(|id, _| needed(id));
        if self.manifests.values().map(|manifest| manifest.len()).sum::<usize>() > MOST_MANIFEST_BYTES {
            self.manifests.clear();
        }
        (MOST_MANIFEST_BYTES / longest.max(1)).clamp(1, BATCH)
    }

    fn fill_batch<R: Read, W: Write>(
        &mut self,
        request: &mut Request<R, W>,
        batch: &mut [&mut Changeset],
        lines: Option<usize>,
    ) -> Result<(), MercurialError> {
        let mut pairs = Vec::new();
        let (mut whole, mut made) = (Vec::new(), HashSet::new());
        for changeset in batch.iter() {
            if changeset.parents.is_empty() {
                whole.push(changeset.id);
            }
            for parent in &changeset.parents {
                if !made.contains(parent) {
                    whole.push(*parent);
                }
                pairs.push((*parent, changeset.id));
            }
            made.insert(changeset.id);
        }
        self.load(request, &whole)?;
        let mut changes: HashMap<(ChangesetId, ChangesetId), Vec<Change>> = HashMap::new();
        request.deltas(&pairs, |(parent, id), patch| {
            let missing = MercurialError::bad("a manifest before that of its parent");
            let base = self.manifests.get(&parent).ok_or(missing)?;
            let bad = |problem| MercurialError::BadChangeset { changeset: id, problem };
            let (new, found) = base.patched(patch).map_err(bad)?;
            match self.manifests.get(&id) {
                Some(known) if **known != new => return Err(bad("two patches make different manifests of it")),
                Some(_) => {}
                None => {
                    self.manifests.insert(id, Rc::new(new));
                }
            }
            changes.insert((parent, id), found);
            Ok(())
        })?;
        let merges: Vec<(ChangesetId, ChangesetId)> = batch
            .iter()
            .filter_map(|changeset| match changeset.parents[..] {
                [one, two] => Some((one, two)),
                _ => None,
            })
            .collect();
        let mut bases = request.bases(&merges)?.into_iter();
        for changeset in batch.iter_mut() {
            let mut of = |parent: &ChangesetId| changes.remove(&(*parent, changeset.id)).unwrap_or_default();
            let own = match &changeset.parents[..] {
                [] => self.known(&changeset.id)?.all().into_iter().map(own_of_one).collect(),
                [one] => of(one).into_iter().map(own_of_one).collect(),
                [one, two] => {
                    let sides = [of(one), of(two)];
                    let bases = bases.next().ok_or(MercurialError::bad("a merge without an answer"))?;
                    self.load(request, &bases)?;
                    let bases = bases.iter().map(|base| self.known(base)).collect::<Result<Vec<_>, _>>()?;
                    own_of_merge(sides, &bases)
                }
                _ => return Err(MercurialError::bad("more than two parents")),
            };
            changeset.lines = counted(request, &own, lines)?;
            changeset.own_paths = Some(self.finish(own.into_iter().map(|own| own.path).collect())?);
        }
        Ok(())
    }

    /// Returns the paths at which the manifests of two changesets differ, and by how many lines, if somebody counts so far.
    pub(super) fn difference<R: Read, W: Write>(
        &mut self,
        request: &mut Request<R, W>,
        old: ChangesetId,
        new: ChangesetId,
        lines: Option<usize>,
    ) -> Result<(Vec<RepoPath>, Option<usize>), MercurialError> {
        let (_, changes) = self.step(request, old, new)?;
        self.forget(|_| true);
        let own: Vec<Own> = changes.into_iter().map(own_of_one).collect();
        let lines = counted(request, &own, lines)?;
        Ok((self.finish(own.into_iter().map(|own| own.path).collect())?, lines))
    }

    /// Returns what stands at each path at which a changeset differs from its one parent, by path. Quick along a line, from the first
    /// changeset on.
    pub(super) fn changes<R: Read, W: Write>(
        &mut self,
        request: &mut Request<R, W>,
        parent: ChangesetId,
        id: ChangesetId,
    ) -> Result<Vec<Change>, MercurialError> {
        let (manifest, changes) = self.step(request, parent, id)?;
        self.manifests.clear();
        self.manifests.insert(id, Rc::new(manifest));
        Ok(changes)
    }

    /// Makes the manifest of `new` from that of `old`, and tells where they differ.
    fn step<R: Read, W: Write>(
        &mut self,
        request: &mut Request<R, W>,
        old: ChangesetId,
        new: ChangesetId,
    ) -> Result<(Manifest, Vec<Change>), MercurialError> {
        self.load(request, &[old])?;
        let base = self.known(&old)?;
        let mut made = Default::default();
        request.deltas(&[(old, new)], |(_, id), patch| {
            let bad = |problem| MercurialError::BadChangeset { changeset: id, problem };
            made = base.patched(patch).map_err(bad)?;
            Ok(())
        })?;
        Ok(made)
    }

    /// Gets whole manifests that are not here yet.
    fn load<R: Read, W: Write>(
        &mut self,
        request: &mut Request<R, W>,
        ids: &[ChangesetId],
    ) -> Result<(), MercurialError> {
        let mut seen = HashSet::new();
        let absent = |id: &&ChangesetId| !self.manifests.contains_key(*id) && seen.insert(**id);
        let missing: Vec<ChangesetId> = ids.iter().filter(absent).copied().collect();
        request.manifests(&missing, |id, text| {
            let parsed = Manifest::parse(text.to_vec());
            let bad = |problem| MercurialError::BadChangeset { changeset: id, problem };
            self.manifests.insert(id, Rc::new(parsed.map_err(bad)?));
            Ok(())
        })
    }

    fn known(&self, id: &ChangesetId) -> Result<Rc<Manifest>, MercurialError> {
        self.manifests.get(id).cloned().ok_or(MercurialError::bad("a manifest is missing"))
    }

    /// Makes sorted paths without repetition.
    fn finish(&mut self, paths: Vec<Vec<u8>>) -> Result<Vec<RepoPath>, MercurialError> {
        // 32: what keeping a path costs besides its bytes.
        self.path_bytes += paths.iter().map(|path| path.len() + 32).sum::<usize>();
        if self.path_bytes > MOST_PATH_BYTES {
            let limit = MOST_PATH_BYTES as u64;
            return Err(MercurialError::TooLarge { what: "bytes of paths", limit });
        }
        let mut paths: Vec<RepoPath> = paths.into_iter().map(RepoPath::new).collect();
        let real = |path: &RepoPath| {
            path.as_bytes().strip_prefix(STAND_INS).filter(|real| !real.is_empty()).map(RepoPath::new)
        };
        let real_paths: Vec<RepoPath> = paths.iter().filter_map(real).collect();
        if self.has_largefiles {
            paths.retain(|path| real(path).is_none());
        }
        paths.extend(real_paths);
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }
}

fn own_of_one(change: Change) -> Own {
    Own { path: change.path, new: change.new, old: vec![change.old] }
}

fn counted<R: Read, W: Write>(
    request: &mut Request<R, W>,
    own: &[Own],
    most: Option<usize>,
) -> Result<Option<usize>, MercurialError> {
    most.map_or(Ok(None), |most| own_lines::changed(request, own, most))
}

/// Returns the paths at which a merge is not what a three-way merge of the entries gives.
///
/// Where the result equals both parents there is nothing to tell, so only the paths at which it differs from either are looked at.
/// Parents that agree there give what they agree on, and the result differs. Else it must be the side, and the only one,
/// that no merge base has. Without a merge base the base is empty.
fn own_of_merge(sides: [Vec<Change>; 2], bases: &[Rc<Manifest>]) -> Vec<Own> {
    let mut entries = BTreeMap::new();
    for (side, changes) in sides.into_iter().enumerate() {
        for change in changes {
            // Where a side is not listed it has what the merge has.
            let sides = entries.entry(change.path).or_insert((change.new, [change.new; 2]));
            sides.1[side] = change.old;
        }
    }
    let is_own = |path: &[u8], result: &Option<_>, [one, two]: &[Option<_>; 2]| {
        let differs = |side: &Option<_>| match bases {
            [] => side.is_some(),
            bases => bases.iter().all(|base| base.find(path) != *side),
        };
        match (one == two, differs(one), differs(two)) {
            (true, ..) => true,
            (false, true, false) => result != one,
            (false, false, true) => result != two,
            (false, ..) => true,
        }
    };
    let own = entries.into_iter().filter(|(path, (result, sides))| is_own(path, result, sides));
    own.map(|(path, (new, sides))| Own { path, new, old: sides.to_vec() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(digit: char) -> Option<super::super::manifest::Entry> {
        let mut entry = [0; 41];
        entry[..40].fill(u8::try_from(digit).ok()?);
        (digit != '-').then_some(entry)
    }

    #[test]
    fn a_merge_owns_what_a_three_way_merge_does_not_give() {
        // Result, first parent, second parent, bases; whether the path is the merge's own.
        let cases = [
            ("1", "2", "2", "2", true),
            ("2", "1", "2", "1", false),
            ("2", "2", "1", "1", false),
            ("1", "1", "2", "1", true),
            ("1", "2", "1", "1", true),
            ("3", "1", "2", "1", true),
            ("1", "1", "2", "3", true),
            ("2", "1", "2", "3", true),
            ("3", "1", "2", "3", true),
            ("-", "-", "1", "1", false),
            ("-", "1", "-", "1", false),
            ("1", "1", "-", "1", true),
            ("1", "1", "-", "-", false),
            ("-", "1", "-", "-", true),
            ("1", "1", "-", "", false),
            ("1", "1", "2", "", true),
            ("-", "1", "-", "", true),
            // Criss-cross: both sides stand in some base, so neither is the only one that is new.
            ("1", "1", "2", "12", true),
            ("2", "1", "2", "13", false),
            ("1", "1", "2", "13", true),
            ("2", "1", "2", "11", false),
        ];
        for (result, one, two, bases, own) in cases {
            let read = |text: &str| text.chars().next().and_then(entry);
            let side = |side: &str| match (read(side), read(result)) {
                (old, new) if old == new => vec![],
                (old, new) => vec![Change { path: b"p".to_vec(), old, new }],
            };
            let manifest = |digit: char| {
                let line = format!("p\0{}\n", digit.to_string().repeat(40));
                Rc::new(Manifest::parse(if digit == '-' { vec![] } else { line.into_bytes() }).expect("a manifest"))
            };
            let bases: Vec<Rc<Manifest>> = bases.chars().map(manifest).collect();
            let found = own_of_merge([side(one), side(two)], &bases);
            assert_eq!(!found.is_empty(), own, "{result} from {one} and {two}, bases {bases:?}");
        }
    }

    #[test]
    fn a_stand_in_counts_as_its_large_file_where_there_are_large_files() {
        let paths = || vec![b".hglf/a".to_vec(), b"a".to_vec(), b".hglf/".to_vec()];
        let named = |paths: Vec<RepoPath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(Paths::new(true).finish(paths()).map(named).expect("short"), [".hglf/", "a"]);
        assert_eq!(Paths::new(false).finish(paths()).map(named).expect("short"), [".hglf/", ".hglf/a", "a"]);
        let alone = vec![b".hglf/b".to_vec()];
        assert_eq!(Paths::new(false).finish(alone).map(named).expect("short"), [".hglf/b", "b"]);
    }
}
