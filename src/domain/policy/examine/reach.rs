//! Patterns that match nothing of what the repository holds.

use super::warn;
use crate::domain::change::{Target, TargetKind};
use crate::domain::policy::draft::{Draft, EntryDraft};
use crate::domain::policy::fault::Fault;
use crate::domain::policy::{Contents, Warning, pattern};

pub(super) fn check(draft: &Draft, contents: &Contents, found: &mut Vec<Fault<Warning>>) {
    let environments = draft.environments.iter().flat_map(|one| &one.entries);
    let entries: Vec<&EntryDraft> = draft.rules.iter().flat_map(|one| &one.entries).chain(environments).collect();
    let of_kind = |wanted: TargetKind| -> Vec<&[u8]> {
        let named = contents.targets.iter().map(Target::kind_and_name);
        named.filter(|(kind, _)| *kind == wanted).map(|(_, name)| name).collect()
    };
    let refs: Vec<&[u8]> = contents.targets.iter().filter_map(Target::as_git_ref).collect();
    let paths: Vec<&[u8]> = contents.paths.iter().map(|path| path.as_bytes()).collect();
    let lists = [
        ("branch", &["branches", "promoted_from"][..], of_kind(TargetKind::Branch)),
        ("tag", &["tags"], of_kind(TargetKind::Tag)),
        ("bookmark", &["bookmarks"], of_kind(TargetKind::Bookmark)),
        ("ref", &["refs"], refs),
        ("path", &["paths"], paths),
    ];
    for (what, keys, names) in lists {
        let of_key: Vec<&EntryDraft> = entries.iter().filter(|entry| keys.contains(&entry.key)).copied().collect();
        // An empty repository says nothing about what it will hold.
        if contents.targets.is_empty() || (what == "path" && names.is_empty()) {
            continue;
        }
        let patterns: Vec<&str> = of_key.iter().map(|entry| bare(&entry.pattern.value)).collect();
        let matches = pattern::which_match(&patterns, &names);
        for (entry, _) in of_key.iter().zip(matches).filter(|(_, matches)| !matches) {
            let pattern = entry.pattern.value.clone();
            let warning = match (&contents.tip, what) {
                (Some(tip), "path") => Warning::NoPath { pattern, tip: tip.clone() },
                _ => Warning::MatchesNothing { pattern, what },
            };
            warn(found, &entry.pattern.place, warning);
        }
    }
}

/// Takes away what an entry takes away with.
fn bare(entry: &str) -> &str {
    entry.strip_prefix('!').unwrap_or(entry)
}
