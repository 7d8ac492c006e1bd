//! Files in, checked policy or every fault out. Needs no clock: a policy that loads today loads tomorrow.

use super::draft::Draft;
use super::examine::{self, Known};
use super::fault::{Faults, PolicyFile, Sink, Warnings};
use super::{FaultKind, Policy, check, document, limits};
use sha2::{Digest, Sha256};

/// Reads and checks a policy. The order of `files` makes no difference.
///
/// # Errors
/// [`Faults`]: everything that is wrong in any file. Nothing of a policy with a fault may be used.
pub fn load(files: &[PolicyFile]) -> Result<Policy, Faults> {
    read(files).map(|(_, _, policy)| policy)
}

/// As [`load`], and says what is doubtful in a policy that loads, given what is `known` around it.
///
/// # Errors
/// As [`load`].
pub fn examine(files: &[PolicyFile], known: &Known<'_>) -> Result<(Policy, Warnings), Faults> {
    let (sorted, draft, policy) = read(files)?;
    let found = examine::warnings(&draft, &policy, known);
    Ok((policy, Faults::new(sorted, found)))
}

/// Returns the files as they are numbered, what is written in them, and what it means.
fn read(files: &[PolicyFile]) -> Result<(Vec<PolicyFile>, Draft, Policy), Faults> {
    let mut sorted: Vec<PolicyFile> = files.to_vec();
    sorted.sort_by(|a, b| (a.name.as_bytes(), &a.text).cmp(&(b.name.as_bytes(), &b.text)));
    let mut sink = Sink::default();
    if !within_limits(&sorted, &mut sink) {
        return Err(Faults::new(sorted, sink.list));
    }
    let mut draft = Draft::default();
    for (index, file) in sorted.iter().enumerate() {
        document::read(index, file, &mut draft, &mut sink);
    }
    let policy = check::check(&draft, digest(&sorted), &mut sink);
    if sink.list.is_empty() { Ok((sorted, draft, policy)) } else { Err(Faults::new(sorted, sink.list)) }
}

/// Notes what keeps the files from being read at all.
fn within_limits(sorted: &[PolicyFile], sink: &mut Sink) -> bool {
    if sorted.is_empty() {
        sink.push_whole(FaultKind::NoFiles);
    }
    if sorted.len() > limits::FILES {
        sink.push_whole(FaultKind::TooMany { what: "files", limit: limits::FILES });
    }
    if sorted.iter().map(|file| file.text.len()).sum::<usize>() > limits::POLICY_BYTES {
        sink.push_whole(FaultKind::PolicyTooLarge);
    }
    for pair in sorted.windows(2).filter(|pair| pair[0].name == pair[1].name) {
        sink.push_whole(FaultKind::FileTwice(pair[0].name.clone()));
    }
    sink.list.is_empty()
}

/// SHA-256 over name, NUL, length in decimal, NUL, content of each file.
fn digest(sorted: &[PolicyFile]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for file in sorted {
        hash.update(file.name.as_bytes());
        hash.update([0]);
        hash.update(file.text.len().to_string().as_bytes());
        hash.update([0]);
        hash.update(&file.text);
    }
    hash.finalize().into()
}
