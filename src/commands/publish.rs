//! What the server records and shows of its policy; used by `jit install` and `jit policy apply`.

use super::central::Central;
use crate::adapters::disk::PolicyFolder;
use crate::adapters::disk::published::Published;
use crate::cli::{Failure, IntoFailure, ServerParts};
use crate::domain::audit::{Entry, Event, Hash, PolicyChange};
use crate::domain::policy::{PolicyFile, load};
use crate::ports::log::LogStore as _;
use std::collections::BTreeMap;
use std::time::Instant;

/// Records the policy that stands in the repository's folder as the one in force.
///
/// # Errors
/// A [`Failure`] if the log does not take the entry.
pub fn record_policy(parts: &ServerParts, changed: &[String], by: &str) -> Result<(), Failure> {
    let files = PolicyFolder::read(&parts.folder.policies()).or_fail()?;
    let mut log = parts.log.open(Instant::now() + parts.settings.deadline).or_fail()?;
    let change = policy_change(log.as_mut(), &files, changed, by)?;
    let time = parts.entry_time(log.as_ref());
    log.append(&Entry { time, event: Event::Policy(change) }).or_fail()?;
    log.renew_anchor().or_fail()
}

/// Keeps the texts of `files` and returns the entry that says they are in force.
///
/// # Errors
/// A [`Failure`] if they are no valid policy, or cannot be kept.
pub fn policy_change(
    log: &mut dyn crate::ports::log::Log,
    files: &[PolicyFile],
    changed: &[String],
    by: &str,
) -> Result<PolicyChange, Failure> {
    let policy = load(files).map_err(|faults| Failure::undecided(faults.to_string()))?;
    let texts: BTreeMap<&str, String> =
        files.iter().map(|file| (file.name.as_str(), String::from_utf8_lossy(&file.text).into_owned())).collect();
    let blob = serde_json::to_vec(&texts).or_fail()?;
    Ok(PolicyChange {
        digest: Hash(policy.digest),
        files: log.keep_blob(&blob).or_fail()?,
        by: by.to_owned(),
        changed: changed.to_vec(),
        blob: None,
    })
}

/// Shows clients the policy in force, and what they must know of the repository (docs/spec/published.md).
///
/// # Errors
/// A [`Failure`] if that cannot be written.
pub fn publish_policy(parts: &ServerParts, central: &dyn Central) -> Result<(), Failure> {
    central.publish(published_files(parts)?, parts)
}

/// What clients are shown: files by their paths.
///
/// # Errors
/// A [`Failure`] if the policy or the log's key cannot be read.
pub fn published_files(parts: &ServerParts) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let files = PolicyFolder::read(&parts.folder.policies()).or_fail()?;
    let (repository, keep) = (parts.settings.repository.clone(), parts.settings.requests.keep);
    let published = Published { repository, key: parts.verifier_key()?, keep };
    let mut tree: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    tree.insert(Published::FILE.to_owned(), published.to_toml().into_bytes());
    for file in files {
        tree.insert(format!("{}/{}", Published::POLICIES, file.name), file.text);
    }
    Ok(tree)
}

/// Who runs this command, for the log: the system's user number.
pub fn whoami() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}
