//! How many lines a changeset changes of its own accord, from the files' revisions.

use super::MercurialError;
use super::changelog::{bytes_of, node_of};
use super::manifest::Entry;
use super::request::Request;
use super::wire::Fields;
use crate::domain::change::{ChangesetId, IdKind, LONGEST_CONTENT, most_changed_lines};
use data_encoding::HEXLOWER;
use std::io::{Read, Write};

/// What stands between a file's metadata (where it was copied from) and its content.
const METADATA: &[u8] = b"\x01\n";

/// A path that a changeset changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// The path.
    pub(super) path: Vec<u8>,
    /// What stands there now.
    pub(super) new: Option<Entry>,
    /// What stood there, in each parent.
    pub(super) old: Vec<Option<Entry>>,
}

/// Counts the lines that `own` changes, not beyond `most` + 1; against the parent that differs most. `None` if some content cannot be
/// had: it is too long, censored, or kept elsewhere.
pub(super) fn changed<R: Read, W: Write>(
    request: &mut Request<R, W>,
    own: &[Own],
    most: usize,
) -> Result<Option<usize>, MercurialError> {
    let mut total = 0;
    for Own { path, new, old } in own {
        let new = new.as_ref();
        // A flag has no lines.
        let differ: Vec<_> = old.iter().map(Option::as_ref).filter(|old| revision(*old) != revision(new)).collect();
        if differ.is_empty() {
            continue;
        }
        let Some(Contents { olds, new }) = contents(request, path, new, &differ)? else { return Ok(None) };
        match most_changed_lines(&olds, &new, most) {
            Some(lines) => total += lines,
            None => return Ok(None),
        }
        if total > most {
            return Ok(Some(most + 1));
        }
    }
    Ok(Some(total))
}

/// What a file holds now, and what it held in the parents in question.
pub(super) struct Contents {
    pub(super) olds: Vec<Vec<u8>>,
    pub(super) new: Vec<u8>,
}

fn revision(entry: Option<&Entry>) -> Option<&[u8]> {
    entry.map(|entry| &entry[..40])
}

/// Returns the contents of `olds`, and that of `new`; nothing is empty. `None` if one of them cannot be had.
pub(super) fn contents<R: Read, W: Write>(
    request: &mut Request<R, W>,
    path: &[u8],
    new: Option<&Entry>,
    olds: &[Option<&Entry>],
) -> Result<Option<Contents>, MercurialError> {
    // Mercurial would look for such a file in odd places.
    if path.split(|byte| *byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
        return Ok(None);
    }
    let mut wanted = Vec::new();
    for entry in olds.iter().copied().chain([new]) {
        let hex = revision(entry).map(|digits| str::from_utf8(digits).unwrap_or_default());
        match hex.map(|hex| ChangesetId::from_hex(IdKind::HgSha1, hex)).transpose() {
            Ok(node) => wanted.push(node),
            Err(_) => return Ok(None),
        }
    }
    let nodes: Vec<String> = wanted.iter().flatten().map(ChangesetId::hex).collect();
    let mut open = wanted.iter().flatten();
    let mut found = Vec::new();
    request.ask(&format!("files {} {}", HEXLOWER.encode(path), nodes.join(",")), b"F", |_, payload| {
        let asked = open.next().ok_or(MercurialError::bad("more or fewer answers than questions"))?;
        found.push(content(asked, payload)?);
        Ok(())
    })?;
    if open.next().is_some() {
        return Err(MercurialError::bad("more or fewer answers than questions"));
    }
    let mut found = found.into_iter();
    let each = wanted.iter().map(|node| if node.is_some() { found.next().flatten() } else { Some(Vec::new()) });
    let mut all: Option<Vec<Vec<u8>>> = each.collect();
    let new = all.as_mut().and_then(Vec::pop);
    Ok(all.zip(new).map(|(olds, new)| Contents { olds, new }))
}

/// Reads one answer; `None` where the script has nothing, or what it has is not what the node stands for.
fn content(asked: &ChangesetId, payload: &[u8]) -> Result<Option<Vec<u8>>, MercurialError> {
    let mut fields = Fields::of(payload);
    if fields.node()? != *asked {
        return Err(MercurialError::bad("the content of another file"));
    }
    if !fields.flag()? {
        return fields.end().map(|()| None);
    }
    let parents = [bytes_of(fields.maybe_node()?.as_ref()), bytes_of(fields.maybe_node()?.as_ref())];
    let text = fields.rest();
    let is_sound = text.len() <= LONGEST_CONTENT && node_of(parents, text) == asked.as_bytes();
    Ok(without_metadata(text).filter(|_| is_sound).map(<[u8]>::to_vec))
}

/// Returns the file's bytes; `None` for metadata without an end, which Mercurial cannot read either.
fn without_metadata(text: &[u8]) -> Option<&[u8]> {
    let Some(rest) = text.strip_prefix(METADATA) else { return Some(text) };
    let end = rest.windows(METADATA.len()).position(|pair| pair == METADATA)?;
    Some(&rest[end + METADATA.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_counts_only_as_what_its_node_stands_for() {
        let text = b"\x01\ncopy: f\n\x01\nline\n";
        let node = node_of([[0; 20]; 2], text);
        let asked = ChangesetId::from_bytes(IdKind::HgSha1, &node).expect("not null");
        let found = |flag: u8, rest: &[u8]| content(&asked, &[&node[..], &[flag], rest].concat());
        let sound = [&[0; 40][..], text].concat();
        assert_eq!(found(1, &sound).expect("well formed"), Some(b"line\n".to_vec()));
        assert_eq!(found(1, &sound[..sound.len() - 1]).expect("well formed"), None, "another text");
        assert_eq!(found(1, &[&[7; 40][..], text].concat()).expect("well formed"), None, "other parents");
        assert_eq!(found(0, b"").expect("well formed"), None, "nothing there");
        for (flag, rest) in [(0, &b"x"[..]), (2, &sound), (1, &sound[..39])] {
            assert!(found(flag, rest).is_err(), "{flag} {rest:?}");
        }
        assert!(content(&asked, &[&[7; 20][..], &[0]].concat()).is_err(), "another file");
        assert_eq!(without_metadata(b"\x01\nno end"), None);
        assert_eq!(without_metadata(b"\x01\n\x01\n\x01\nan end"), Some(&b"\x01\nan end"[..]));
    }
}
