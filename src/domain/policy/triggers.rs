//! Which paths and labels make a rule match a changeset, for people to see.

use super::Rule;
use crate::domain::change::{ChangesetId, RefUpdate};

/// Returns the paths of a changeset, or of the difference to a tip, that `rule` is about, sorted; none where it names no paths.
pub fn touched(rule: &Rule, update: &RefUpdate, id: &ChangesetId) -> Vec<Vec<u8>> {
    let Some(patterns) = &rule.paths else { return Vec::new() };
    let own = update.changesets.iter().filter(|commit| commit.id == *id).filter_map(|commit| commit.own_paths.as_ref());
    let differences =
        update.tip_changes.iter().filter(|change| change.tip == *id).filter_map(|change| change.paths.as_ref());
    let all = own.chain(differences).flatten().map(|path| path.as_bytes());
    let mut touched: Vec<Vec<u8>> = all.filter(|path| patterns.matches(path)).map(<[u8]>::to_vec).collect();
    touched.sort();
    touched.dedup();
    touched
}

/// Returns the trailers of a changeset that `rule` is about, each as `Key: value`.
pub fn carried(rule: &Rule, update: &RefUpdate, id: &ChangesetId) -> Vec<Vec<u8>> {
    let commit = update.changesets.iter().find(|commit| commit.id == *id);
    let trailers = commit.and_then(|commit| commit.trailers.as_ref()).into_iter().flatten();
    let is_meant = |key: &[u8], value: &[u8]| {
        let lower = key.to_ascii_lowercase();
        rule.labels.iter().any(|(name, list)| name.as_bytes() == lower && list.matches(value))
    };
    let meant = trailers.filter(|trailer| is_meant(&trailer.key, &trailer.value));
    meant.map(|trailer| [&trailer.key[..], b": ", &trailer.value[..]].concat()).collect()
}
