//! Holds graph and paths against naive readings of their definitions, on small random histories with lying dates.

use super::GitError;
use super::commit::Node;
use super::graph::{self, Commits};
use super::paths;
use super::testing::TestRepo;
use crate::domain::change::{ChangesetId, IdKind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

const PATHS: [&str; 7] = ["a", "a-b", "a/x", "a/y/z", "a/y", "b/c", "d"];

/// A commit by numbers: parents are earlier ones; files are a path, a content and whether it can be run.
#[derive(Debug, Clone)]
struct Model {
    parents: Vec<usize>,
    time: i64,
    files: BTreeMap<&'static str, (u8, bool)>,
}

type Leaf = Option<(u8, bool)>;

/// Most commits start from a parent's files, as real ones do, so that sides agree and disagree in interesting ways.
fn history(size: usize) -> impl Strategy<Value = Vec<Model>> {
    let edits = prop::collection::vec((0..PATHS.len(), prop::option::weighted(0.7, (0..3u8, any::<bool>()))), 0..4);
    let commit = (prop::collection::vec(any::<prop::sample::Index>(), 0..4), 0..4i64, edits, 0..4usize);
    prop::collection::vec(commit, 1..size).prop_map(|drawn| {
        let mut all: Vec<Model> = Vec::new();
        for (number, (picks, time, edits, like)) in drawn.into_iter().enumerate() {
            let mut parents: Vec<usize> = Vec::new();
            for pick in picks {
                // Near ones, so that histories are deep and criss-cross.
                let near = number.min(4);
                let parent = number.wrapping_sub(1 + pick.index(near.max(1)));
                if number > 0 && !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
            let mut files = parents.get(like).or(parents.first()).map(|p| all[*p].files.clone()).unwrap_or_default();
            for (path, content) in edits {
                let path = PATHS[path];
                match content {
                    None => drop(files.remove(path)),
                    Some(content) => {
                        let below = |one: &str, two: &str| two.strip_prefix(one).is_some_and(|r| r.starts_with('/'));
                        files.retain(|other, _| !below(path, other) && !below(other, path));
                        files.insert(path, content);
                    }
                }
            }
            all.push(Model { parents, time, files });
        }
        all
    })
}

fn reach(all: &[Model], from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([from]);
    for number in (0..=from).rev() {
        if found.contains(&number) {
            found.extend(&all[number].parents);
        }
    }
    found
}

fn best_common(all: &[Model], one: usize, two: usize) -> BTreeSet<usize> {
    let common: BTreeSet<usize> = reach(all, one).intersection(&reach(all, two)).copied().collect();
    common
        .iter()
        .filter(|id| !common.iter().any(|other| other != *id && reach(all, *other).contains(id)))
        .copied()
        .collect()
}

/// The definition of docs/spec/semantics.md, 5, read aloud.
fn own(all: &[Model], commit: usize) -> BTreeSet<&'static str> {
    let leaf = |number: usize, path: &str| -> Leaf { all[number].files.get(path).copied() };
    let parents = &all[commit].parents;
    let is_own = |path: &str| {
        let result = leaf(commit, path);
        if parents.is_empty() {
            return result.is_some();
        }
        let [one, two] = parents[..] else { return parents.iter().any(|parent| leaf(*parent, path) != result) };
        let (left, right) = (leaf(one, path), leaf(two, path));
        if left == right {
            return result != left;
        }
        let mut bases: Vec<Leaf> = best_common(all, one, two).iter().map(|base| leaf(*base, path)).collect();
        if bases.is_empty() {
            bases.push(None);
        }
        match (!bases.contains(&left), !bases.contains(&right)) {
            (true, false) => result != left,
            (false, true) => result != right,
            _ => true,
        }
    };
    PATHS.into_iter().filter(|path| is_own(path)).collect()
}

struct InMemory<'m>(&'m [Model]);

fn name(number: usize) -> ChangesetId {
    // Scattered, so that the order of ids says nothing about the order of commits.
    let mut bytes = [0xff; 20];
    bytes[..8].copy_from_slice(&(number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8] = number as u8;
    ChangesetId::from_bytes(IdKind::GitSha1, &bytes).expect("20 bytes")
}

impl Commits for InMemory<'_> {
    fn node(&self, id: &ChangesetId) -> Result<Arc<Node>, GitError> {
        let model = &self.0[usize::from(id.as_bytes()[8])];
        Ok(Arc::new(Node { tree: *id, parents: model.parents.iter().copied().map(name).collect(), time: model.time }))
    }
}

/// A history of which nothing below a commit can be read.
struct CutBelow<'m>(InMemory<'m>, usize);

impl Commits for CutBelow<'_> {
    fn node(&self, id: &ChangesetId) -> Result<Arc<Node>, GitError> {
        if usize::from(id.as_bytes()[8]) < self.1 { Err(GitError::Missing { object: *id }) } else { self.0.node(id) }
    }
}

#[test]
fn nothing_below_the_old_value_is_read_where_all_that_is_new_descends_from_it() {
    let commit = |parents: &[usize], time| Model { parents: parents.to_vec(), time, files: BTreeMap::new() };
    // 2 forks into 3 and 4, and 5 joins them.
    let parents: [&[usize]; 6] = [&[], &[0], &[1], &[2], &[2], &[3, 4]];
    let all: Vec<Model> = parents.into_iter().zip(0..).map(|(parents, time)| commit(parents, time)).collect();
    let cut = CutBelow(InMemory(&all), 2);
    let listed = graph::between(&cut, &[name(5)], &[name(2)]).expect("a walk");
    assert_eq!(numbers(&listed), BTreeSet::from([3, 4, 5]));
    assert!(graph::between(&cut, &[name(5)], &[name(3)]).is_err(), "4 could be below 3");
}

fn numbers<'i>(ids: impl IntoIterator<Item = &'i ChangesetId>) -> BTreeSet<usize> {
    ids.into_iter().map(|id| usize::from(id.as_bytes()[8])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_walks_agree_with_sets_of_ancestors_whatever_the_dates(
        all in history(24),
        picks in prop::array::uniform4(any::<prop::sample::Index>()),
    ) {
        let commits = InMemory(&all);
        let [one, two, three, four] = picks.map(|pick| pick.index(all.len()));
        let two_reach: BTreeSet<usize> = reach(&all, three).union(&reach(&all, four)).copied().collect();
        let from: BTreeSet<usize> = reach(&all, one).union(&reach(&all, two)).copied().collect();

        let listed = graph::between(&commits, &[name(one), name(two)], &[name(three), name(four)]).expect("a walk");
        prop_assert_eq!(numbers(&listed), from.difference(&two_reach).copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(listed.iter().collect::<HashSet<_>>().len(), listed.len());
        let place: HashMap<&ChangesetId, usize> = listed.iter().enumerate().map(|(place, id)| (id, place)).collect();
        for id in &listed {
            for parent in &commits.node(id).expect("a commit").parents {
                prop_assert!(place.get(parent).is_none_or(|below| *below > place[id]));
            }
        }

        let above = graph::between(&commits, &[name(one)], &[name(three)]).expect("a walk");
        let expected: BTreeSet<usize> = reach(&all, one).difference(&reach(&all, three)).copied().collect();
        prop_assert_eq!(numbers(&above), expected);

        prop_assert_eq!(graph::descends(&commits, &name(one), &name(two)).expect("a walk"), reach(&all, one).contains(&two));
        let bases = graph::merge_bases(&commits, &name(one), &name(two)).expect("a walk");
        prop_assert_eq!(numbers(&bases), best_common(&all, one, two));

        let wanted: HashSet<ChangesetId> = [three, four].map(name).into();
        let found = graph::reached(&commits, &[name(one), name(two)], &wanted).expect("a walk");
        let expected: BTreeSet<usize> = [three, four].into_iter().filter(|number| from.contains(number)).collect();
        prop_assert_eq!(numbers(&found), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn own_paths_are_those_of_the_definition_over_flat_trees(all in history(40), sha256 in any::<bool>()) {
        let git = TestRepo::new(if sha256 { IdKind::GitSha256 } else { IdKind::GitSha1 });
        let mut stream = Vec::new();
        for (number, model) in all.iter().enumerate() {
            let time = model.time * 1000 + 1_000_000;
            let mut lines = format!("reset refs/c/{number}\n\ncommit refs/c/{number}\nmark :{}\n", number + 1);
            // Each has a message of its own: two commits that agree in everything are one.
            lines += &format!("committer Alice <alice@example.com> {time} +0000\ndata 2\n{number:02}\n");
            for (place, parent) in model.parents.iter().enumerate() {
                lines += &format!("{} :{}\n", if place == 0 { "from" } else { "merge" }, parent + 1);
            }
            lines += "deleteall\n";
            for (path, (content, runs)) in &model.files {
                lines += &format!("M {} inline {path}\ndata 1\n{content}\n", if *runs { "100755" } else { "100644" });
            }
            stream.extend_from_slice(lines.as_bytes());
            stream.push(b'\n');
        }
        git.git_with(&["fast-import", "--quiet", "--force"], &stream);
        let refs = git.git(&["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/c"]);
        let repo = git.open();
        for line in str::from_utf8(&refs).expect("text").lines() {
            let (number, hex) = line.split_once(' ').expect("two words");
            let number: usize = number.parse().expect("a number");
            let id = git.id_of(hex.as_bytes());
            let found = paths::own_paths(&repo, &id).expect("paths");
            let found: Vec<&str> = found.iter().map(|path| str::from_utf8(path.as_bytes()).expect("text")).collect();
            prop_assert!(found.is_sorted_by(|one, two| one < two));
            let expected: Vec<&str> = own(&all, number).into_iter().collect();
            prop_assert_eq!(&found, &expected, "commit {}", number);
            if all[number].parents.len() < 2 {
                let arguments = ["diff-tree", "-z", "-r", "--root", "--no-renames", "--no-commit-id", "--name-only", hex];
                let mut said: Vec<String> = git.git(&arguments).split(|byte| *byte == 0)
                    .filter(|path| !path.is_empty()).map(|path| String::from_utf8_lossy(path).into_owned()).collect();
                said.sort();
                prop_assert_eq!(&found, &said);
            }
        }
    }
}
