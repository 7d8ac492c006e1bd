//! The blob with the refs that existed at the beginning: a JSON object that is also a sorted list of lines.
//!
//! `{`, then one line `"target":["id",…]` for each target in bytewise order, all but the last with a
//! comma, then `}`. So any JSON reader reads it, and one target of 100,000 is found by halving, without
//! reading the rest.

use crate::domain::change::{ChangesetId, Target};
use std::collections::BTreeMap;

/// No line is longer, in bytes: a refname of a file system's longest path, or a Mercurial branch with thousands of heads.
const MAX_LINE: u64 = 4 << 20;

/// Why a target cannot be found in the list.
#[derive(Debug, thiserror::Error)]
pub enum RefsError<E: std::error::Error + 'static> {
    /// The list cannot be read.
    #[error("the list of refs cannot be read")]
    Read(#[source] E),
    /// It is not in the form that [`encode_refs`] gives.
    #[error("the list of refs is damaged at byte {offset}")]
    Damaged {
        /// Where the line begins that is not one.
        offset: u64,
    },
}

/// Writes the list.
pub fn encode_refs(refs: &BTreeMap<Target, Vec<ChangesetId>>) -> Vec<u8> {
    let mut lines: Vec<(String, &Vec<ChangesetId>)> = refs.iter().map(|(key, ids)| (key.to_string(), ids)).collect();
    lines.sort();
    let mut text = b"{\n".to_vec();
    for (at, (target, ids)) in lines.iter().enumerate() {
        let json = |value: Result<Vec<u8>, _>| value.expect("texts are JSON");
        text.extend(json(serde_json::to_vec(target)));
        text.push(b':');
        text.extend(json(serde_json::to_vec(ids)));
        text.extend(if at + 1 < lines.len() { &b",\n"[..] } else { b"\n" });
    }
    text.extend(b"}\n");
    text
}

/// Finds the value of `target` in a list of `length` bytes, reading about log2(length) pieces of it.
///
/// `read` fills the buffer from an offset, to the last byte.
///
/// # Errors
/// [`RefsError`], also for a list that is not in its order where it was looked at.
pub fn find_in_refs<E: std::error::Error + 'static>(
    length: u64,
    target: &Target,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<Option<Vec<ChangesetId>>, RefsError<E>> {
    // The lines stand between `{\n` and `}\n`. In each round the line that holds the middle byte is read.
    let wanted = target.to_string();
    let (mut low, mut high) = (2, length.checked_sub(2).ok_or(RefsError::Damaged { offset: 0 })?);
    while low < high {
        let middle = low + (high - low) / 2;
        let (start, line) = line_around(middle, low, high, &mut read)?;
        let end = start + line.len() as u64 + 1;
        let damaged = || RefsError::Damaged { offset: start };
        let text = line.strip_suffix(b",").unwrap_or(&line);
        let object = [b"{", text, b"}"].concat();
        let read: BTreeMap<String, Vec<ChangesetId>> = serde_json::from_slice(&object).map_err(|_| damaged())?;
        let (found, ids) = read.into_iter().next().ok_or_else(damaged)?;
        match found.cmp(&wanted) {
            std::cmp::Ordering::Equal => return Ok(Some(ids)),
            std::cmp::Ordering::Less => low = end,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    Ok(None)
}

/// Reads the line that holds byte `at`, between two line starts `low` and `high`; returns its start and text.
fn line_around<E: std::error::Error + 'static>(
    at: u64,
    low: u64,
    high: u64,
    read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<(u64, Vec<u8>), RefsError<E>> {
    let mut reach = 256;
    loop {
        let (from, to) = (at.saturating_sub(reach).max(low), at.saturating_add(reach).min(high));
        let mut bytes = vec![0; usize::try_from(to - from).map_err(|_| RefsError::Damaged { offset: at })?];
        read(from, &mut bytes).map_err(RefsError::Read)?;
        let middle = (at - from) as usize;
        let before = bytes[..middle].iter().rposition(|byte| *byte == b'\n').map(|newline| newline + 1);
        let start = before.or((from == low).then_some(0));
        let end = bytes[middle..].iter().position(|byte| *byte == b'\n').map(|newline| middle + newline);
        if let (Some(start), Some(end)) = (start, end) {
            return Ok((from + start as u64, bytes[start..end].to_vec()));
        }
        if reach >= MAX_LINE || (from == low && to == high) {
            return Err(RefsError::Damaged { offset: from });
        }
        reach *= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::IdKind;
    use std::convert::Infallible;

    type Found = Result<Option<Vec<ChangesetId>>, RefsError<Infallible>>;

    /// Looks for `target`; returns how often something was read as well, which is not more than `most` times.
    fn look(blob: &[u8], target: &Target, most: usize) -> (Found, usize) {
        let mut reads = 0;
        let read = |offset: u64, buffer: &mut [u8]| {
            reads += 1;
            assert!(reads <= most, "read {reads} times for {target}");
            let from = offset as usize;
            buffer.copy_from_slice(&blob[from..from + buffer.len()]);
            Ok(())
        };
        (find_in_refs(blob.len() as u64, target, read), reads)
    }

    fn find(blob: &[u8], target: &Target) -> Option<Vec<ChangesetId>> {
        look(blob, target, 100).0.expect("a sound list")
    }

    fn branch(name: &str) -> Target {
        Target::git_ref(format!("refs/heads/{name}").as_bytes()).expect("a ref")
    }

    fn id(byte: u8) -> ChangesetId {
        ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).expect("an id")
    }

    #[test]
    fn a_ref_among_many_is_found_by_few_reads() {
        let refs: BTreeMap<Target, Vec<ChangesetId>> =
            (1000..2000).map(|n| (branch(&n.to_string()), vec![id(7)])).collect();
        let blob = encode_refs(&refs);
        for target in refs.keys().chain([&branch("0"), &branch("15000"), &branch("9")]) {
            // A thousand lines are halved ten times; bytes, not lines, so that one or two rounds may be added.
            let (found, _) = look(&blob, target, 13);
            assert_eq!(found.expect("a sound list"), refs.get(target).cloned());
        }
    }

    #[test]
    fn a_line_of_any_length_is_found() {
        // Around 512 bytes, the first reach, the line ends at the reach or one byte before or after it.
        for length in 400..500 {
            let refs = BTreeMap::from([(branch(&"x".repeat(length)), vec![id(1)])]);
            let blob = encode_refs(&refs);
            for (target, ids) in &refs {
                assert_eq!(find(&blob, target).as_ref(), Some(ids), "{}", blob.len());
            }
        }
        let heads = |count: usize| vec![id(2); count];
        let refs = BTreeMap::from([(branch("a"), heads(1)), (branch("b"), heads(60_000)), (branch("c"), heads(2))]);
        let blob = encode_refs(&refs);
        for (target, ids) in &refs {
            let (found, _) = look(&blob, target, 30);
            assert_eq!(found.expect("a sound list").as_ref(), Some(ids), "{target}");
        }
    }

    #[test]
    fn a_list_without_lines_is_damaged_and_read_no_further_than_a_line_can_be_long() {
        for (length, most) in [(100, 1), (100_000, 5), (9 << 20, 8)] {
            let (found, reads) = look(&vec![b'x'; length], &branch("main"), most);
            assert!(matches!(found, Err(RefsError::Damaged { .. })), "{length}: {found:?}");
            assert_eq!(reads, most, "{length}");
        }
    }

    #[test]
    fn every_ref_is_found_and_no_other() {
        for count in [0_usize, 1, 2, 3, 100, 1000] {
            let target = |n: usize| Target::git_ref(format!("refs/heads/{n}{}", "x".repeat(n % 400)).as_bytes());
            let id = |n: usize| ChangesetId::from_bytes(IdKind::GitSha1, &[(n % 250) as u8 + 1; 20]).expect("an id");
            let refs: BTreeMap<Target, Vec<ChangesetId>> =
                (0..count).map(|n| (target(n).expect("a ref"), vec![id(n); n % 3])).collect();
            let blob = encode_refs(&refs);
            let read: BTreeMap<Target, Vec<ChangesetId>> = serde_json::from_slice(&blob).expect("JSON");
            assert_eq!(read, refs);
            for (target, ids) in &refs {
                assert_eq!(find(&blob, target).as_ref(), Some(ids));
            }
            for absent in ["refs/a", "refs/heads/5", "refs/heads/zz", "tag:v1"] {
                let absent = Target::parse(absent).expect("a target");
                assert_eq!(find(&blob, &absent), refs.get(&absent).cloned());
            }
        }
    }
}
