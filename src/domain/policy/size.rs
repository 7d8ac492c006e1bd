//! Whether an update is larger than a rule's limits (docs/spec/semantics.md, 5).

use super::units::Known;
use crate::domain::change::{Action, Changeset, RefUpdate, RepoPath};
use std::collections::HashSet;

/// The limits of `larger_than`; an update that is over any of them is larger. At least one is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LargerThan {
    /// Different paths that its changesets change of their own accord.
    pub files: Option<usize>,
    /// Lines that these changes remove and add.
    pub lines: Option<usize>,
    /// Changesets.
    pub commits: Option<usize>,
}

/// What is known of a number.
struct Count {
    least: usize,
    is_whole: bool,
}

impl Count {
    fn is_over(&self, limit: Option<usize>) -> Known {
        match limit {
            None => Known::No,
            Some(limit) if self.least > limit => Known::Yes,
            Some(_) if self.is_whole => Known::No,
            Some(_) => Known::Unknown,
        }
    }
}

/// One limit, and what was counted against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// "files", "lines" or "commits".
    pub what: &'static str,
    /// How many there are at least.
    pub least: usize,
    /// Whether there are no more.
    pub is_whole: bool,
    /// The limit.
    pub limit: usize,
}

impl LargerThan {
    /// Tells whether somebody must look at the paths of changesets to know.
    pub fn looks_at_paths(&self) -> bool {
        self.files.is_some() || self.lines.is_some()
    }

    /// Holds the limits against the changesets of `update` that are new to the rule.
    ///
    /// Where a target vanishes, is closed or is no commit there is nothing to count: that is larger than anything. Where old heads give
    /// way or stay beside, the difference to each is counted as well.
    pub(super) fn is_exceeded<'u>(&self, update: &'u RefUpdate, changesets: &[&'u Changeset]) -> Known {
        let does = |wanted: [Action; 2]| update.actions.iter().any(|action| wanted.contains(action));
        if update.tips.is_empty() {
            return Known::Unknown;
        }
        if does([Action::Delete, Action::Close]) {
            return Known::Yes;
        }
        let (files, lines, commits) = Self::counts(update, changesets);
        files.is_over(self.files).max(lines.is_over(self.lines)).max(commits.is_over(self.commits))
    }

    /// Returns what the changesets of `update` that are new to the rule come to, limit by limit.
    pub fn measures<'u>(&self, update: &'u RefUpdate, changesets: &[&'u Changeset]) -> Vec<Measure> {
        let (files, lines, commits) = Self::counts(update, changesets);
        let counts = [("files", files, self.files), ("lines", lines, self.lines), ("commits", commits, self.commits)];
        let measure = |(what, count, limit): (&'static str, Count, Option<usize>)| {
            limit.map(|limit| Measure { what, least: count.least, is_whole: count.is_whole, limit })
        };
        counts.into_iter().filter_map(measure).collect()
    }

    /// Counts files, lines and commits.
    fn counts<'u>(update: &'u RefUpdate, changesets: &[&'u Changeset]) -> (Count, Count, Count) {
        let compared = update.compares_tips();
        let differences = || update.tip_changes.iter().filter(|_| compared);
        let are_compared = !compared || !update.tip_changes.is_empty();
        let own_paths = changesets.iter().map(|changeset| &changeset.own_paths);
        let files = distinct(own_paths.chain(differences().map(|change| &change.paths)), are_compared);
        let own_lines = changesets.iter().map(|changeset| changeset.lines);
        let lines = sum(own_lines.chain(differences().map(|change| change.lines)), are_compared);
        let commits = Count { least: changesets.len(), is_whole: true };
        (files, lines, commits)
    }
}

fn distinct<'u>(lists: impl Iterator<Item = &'u Option<Vec<RepoPath>>>, mut is_whole: bool) -> Count {
    let mut paths = HashSet::new();
    for list in lists {
        is_whole &= list.is_some();
        paths.extend(list.iter().flatten());
    }
    Count { least: paths.len(), is_whole }
}

fn sum(counts: impl Iterator<Item = Option<usize>>, mut is_whole: bool) -> Count {
    let mut least = 0_usize;
    for count in counts {
        is_whole &= count.is_some();
        least = least.saturating_add(count.unwrap_or(0));
    }
    Count { least, is_whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_looked_at_for_files_and_lines_only() {
        for (files, lines, commits, looks) in [
            (Some(1), None, None, true),
            (None, Some(1), None, true),
            (Some(1), Some(1), Some(1), true),
            (None, None, Some(1), false),
        ] {
            let size = LargerThan { files, lines, commits };
            assert_eq!(size.looks_at_paths(), looks, "{size:?}");
        }
    }
}
