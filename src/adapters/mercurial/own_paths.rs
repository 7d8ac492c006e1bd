//! At which paths changesets differ of their own accord (docs/spec/semantics.md, 5), from manifests alone.
//!
//! The list of files in a changeset is never looked at: it is the client's word, and a false one passes all of Mercurial's checks.
//! The script tells how a changeset's manifest differs from each parent's, parents first, some hundred at a time.

use super::MercurialError;
use super::manifest::{Change, Entry};
use super::own_lines::{self, Own};
use super::request::Request;
use crate::domain::change::{Changeset, ChangesetId, RepoPath};
use crate::ports::history::{Need, OwnPaths};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};

/// Changesets whose differences are asked for at once, at most.
const BATCH: usize = 512;
/// Bytes of all paths that are handed out together.
const MOST_PATH_BYTES: usize = 512 * 1024 * 1024;
/// Where the largefiles extension keeps its stand-ins.
const STAND_INS: &[u8] = b".hglf/";

/// Finds own paths.
#[derive(Debug)]
pub(super) struct Paths {
    has_largefiles: bool,
    path_bytes: usize,
}

impl Paths {
    /// Starts with nothing. A largefiles stand-in counts as the file that it stands for; as itself too, unless `has_largefiles`:
    /// where nobody serves large files it may be anything.
    pub(super) fn new(has_largefiles: bool) -> Self {
        Self { has_largefiles, path_bytes: 0 }
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
        for batch in open.chunks_mut(BATCH) {
            self.fill_batch(request, batch, need.lines)?;
        }
        Ok(())
    }

    fn fill_batch<R: Read, W: Write>(
        &mut self,
        request: &mut Request<R, W>,
        batch: &mut [&mut Changeset],
        lines: Option<usize>,
    ) -> Result<(), MercurialError> {
        let of_parents = |changeset: &Changeset| match &changeset.parents[..] {
            [] => vec![(None, changeset.id)],
            parents => parents.iter().map(|parent| (Some(*parent), changeset.id)).collect(),
        };
        let pairs: Vec<_> = batch.iter().flat_map(|changeset| of_parents(changeset)).collect();
        let mut changes: HashMap<_, Vec<Change>> = pairs.iter().copied().zip(request.differences(&pairs)?).collect();
        let merges: Vec<_> = batch
            .iter()
            .filter_map(|changeset| match changeset.parents[..] {
                [one, two] => Some((one, two)),
                _ => None,
            })
            .collect();
        let mut bases = request.bases(&merges)?.into_iter();
        for changeset in batch.iter_mut() {
            let mut of = |parent: Option<ChangesetId>| changes.remove(&(parent, changeset.id)).unwrap_or_default();
            let own = match changeset.parents[..] {
                [] => of(None).into_iter().map(own_of_one).collect(),
                [one] => of(Some(one)).into_iter().map(own_of_one).collect(),
                [one, two] => {
                    let merge = Merge::new([of(Some(one)), of(Some(two))]);
                    let disputed = merge.disputed();
                    let mut in_bases = Vec::new();
                    for base in bases.next().ok_or(MercurialError::bad("a merge without an answer"))? {
                        in_bases.push(request.entries(base, &disputed)?);
                    }
                    merge.own(&in_bases)
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
        let changes = request.differences(&[(Some(old), new)])?;
        let own: Vec<Own> = changes.into_iter().flatten().map(own_of_one).collect();
        let lines = counted(request, &own, lines)?;
        Ok((self.finish(own.into_iter().map(|own| own.path).collect())?, lines))
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

/// What stands at a path in a merge, and in each of its parents.
type Versions = (Option<Entry>, [Option<Entry>; 2]);

/// The paths at which a merge differs from either parent. Where it equals both there is nothing to tell.
struct Merge {
    entries: BTreeMap<Vec<u8>, Versions>,
}

impl Merge {
    /// Takes how the merge differs from each parent.
    fn new(sides: [Vec<Change>; 2]) -> Self {
        let mut entries = BTreeMap::new();
        for (side, changes) in sides.into_iter().enumerate() {
            for change in changes {
                // Where a side is not listed it has what the merge has.
                let sides = entries.entry(change.path).or_insert((change.new, [change.new; 2]));
                sides.1[side] = change.old;
            }
        }
        Self { entries }
    }

    /// Returns the paths at which the parents disagree, sorted.
    fn disputed(&self) -> Vec<&[u8]> {
        self.entries.iter().filter(|(_, (_, [one, two]))| one != two).map(|(path, _)| &**path).collect()
    }

    /// Returns the paths at which the merge is not what a three-way merge of the entries gives. `bases` has for each merge base what stands
    /// at the disputed paths.
    ///
    /// Parents that agree give what they agree on, and the result differs. Else it must be the side, and the only one,
    /// that no merge base has. Without a merge base the base is empty.
    fn own(&self, bases: &[Vec<Option<Entry>>]) -> Vec<Own> {
        let mut places = 0..;
        let mut is_own = |result: &Option<Entry>, [one, two]: &[Option<Entry>; 2]| {
            if one == two {
                return true;
            }
            let place = places.next().unwrap_or(usize::MAX);
            let differs = |side: &Option<Entry>| match bases {
                [] => side.is_some(),
                bases => bases.iter().all(|base| base.get(place) != Some(side)),
            };
            match (differs(one), differs(two)) {
                (true, false) => result != one,
                (false, true) => result != two,
                _ => true,
            }
        };
        let own = self.entries.iter().filter(|(_, (result, sides))| is_own(result, sides));
        own.map(|(path, (new, sides))| Own { path: path.clone(), new: *new, old: sides.to_vec() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(digit: char) -> Option<Entry> {
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
            let merge = Merge::new([side(one), side(two)]);
            let bases: Vec<_> = bases.chars().map(|digit| vec![entry(digit); merge.disputed().len()]).collect();
            let found = merge.own(&bases);
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
