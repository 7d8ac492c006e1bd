//! What a ref's value comes to: the commit behind it, through annotated tags.

use super::GitError;
use super::repository::GitRepository;
use crate::domain::change::ChangesetId;
use git2::ObjectType;

/// Tags of tags that are followed.
const LONGEST_CHAIN: usize = 32;

/// What stands at the end of a chain of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peeled {
    /// A commit.
    Commit(ChangesetId),
    /// A tree or a blob.
    Other,
    /// A malformed or dangling tag, or too long a chain.
    Nothing,
    /// Not even the first object is there.
    Missing,
}

impl Peeled {
    /// Returns the commit, if it is one.
    pub(super) fn commit(self) -> Option<ChangesetId> {
        match self {
            Self::Commit(id) => Some(id),
            _ => None,
        }
    }
}

/// Follows `id` through annotated tags. The types are those of the objects, not what the tags say of them.
pub(super) fn peel(repo: &GitRepository, id: &ChangesetId) -> Result<Peeled, GitError> {
    let mut at = *id;
    for _ in 0..LONGEST_CHAIN {
        match repo.kind_of(&at)? {
            Some(ObjectType::Commit) => return Ok(Peeled::Commit(at)),
            Some(ObjectType::Tag) => {}
            Some(_) => return Ok(Peeled::Other),
            None if at == *id => return Ok(Peeled::Missing),
            None => return Ok(Peeled::Nothing),
        }
        let named = repo.with_object(&at, ObjectType::Tag, |bytes| {
            let first = bytes.split(|byte| *byte == b'\n').next()?;
            ChangesetId::from_hex(repo.id_kind(), str::from_utf8(first.strip_prefix(b"object ")?).ok()?).ok()
        })?;
        match named {
            Some(next) => at = next,
            None => return Ok(Peeled::Nothing),
        }
    }
    Ok(Peeled::Nothing)
}

/// Returns the commits behind `values`, without those that come to none.
pub(super) fn commits(repo: &GitRepository, values: &[ChangesetId]) -> Result<Vec<ChangesetId>, GitError> {
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        found.extend(peel(repo, value)?.commit());
    }
    Ok(found)
}
