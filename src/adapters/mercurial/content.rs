//! The contents of an update: what its changesets change, whatever their ids (docs/spec/token.md, "Content").

use super::MercurialError;
use super::manifest::{Change, Entry};
use super::own_lines;
use super::request::Request;
use crate::domain::change::{self, Changeset, ContentId, Landing, Leaf, Line, Room};
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// Returns the contents of `changesets` (children before parents), as far as there is room.
pub(super) fn contents<R: Read, W: Write>(
    request: &mut Request<R, W>,
    changesets: &[Changeset],
) -> Result<BTreeMap<ContentId, Landing>, MercurialError> {
    change::contents(changesets, Room::ALL, |changeset, line| {
        let [parent] = changeset.parents[..] else { return Ok(false) };
        let changes = request.differences(&[(Some(parent), changeset.id)])?.concat();
        if !line.has_room(changes.len()) {
            return Ok(false);
        }
        for change in &changes {
            if !add(request, change, line)? {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Adds what one changeset does at a path; false where the bytes cannot be had, or there is no room for them.
fn add<R: Read, W: Write>(
    request: &mut Request<R, W>,
    change: &Change,
    line: &mut Line,
) -> Result<bool, MercurialError> {
    let found = own_lines::contents(request, &change.path, change.new.as_ref(), &[change.old.as_ref()])?;
    let Some(found) = found else { return Ok(false) };
    let [old] = &found.olds[..] else { return Ok(false) };
    let leaf = |entry: &Option<Entry>, bytes: &[u8]| entry.as_ref().map(|entry| Leaf::new(mode(entry), bytes));
    Ok(line.add(&change.path, leaf(&change.old, old).as_ref(), leaf(&change.new, &found.new).as_ref()))
}

/// The mode that Git has for a manifest's flag.
fn mode(entry: &Entry) -> u32 {
    match entry.last() {
        Some(b'x') => Leaf::EXECUTABLE,
        Some(b'l') => Leaf::LINK,
        _ => Leaf::FILE,
    }
}
