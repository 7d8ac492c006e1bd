//! What a transaction changes apart from changesets, and what was there before it (docs/spec/hg-request.md, "State" and "Targets").

use super::MercurialError;
use super::request::Request;
use super::wire::Fields;
use crate::domain::change::{ChangesetId, Target};
use crate::domain::text;
use crate::ports::history::ClaimRefusal;
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// A named branch whose visible heads change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BranchMove {
    pub(super) name: Box<[u8]>,
    /// Whether public changesets arrive on it.
    pub(super) is_public: bool,
    /// Heads before: open, closed.
    pub(super) old: [Vec<ChangesetId>; 2],
    /// Heads after: open, closed.
    pub(super) new: [Vec<ChangesetId>; 2],
}

/// A bookmark or an effective tag that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) name: Box<[u8]>,
    pub(super) old: Option<ChangesetId>,
    pub(super) new: Option<ChangesetId>,
    /// Whether `new` descends from `old`.
    pub(super) is_forward: bool,
    /// The branch of `new`.
    pub(super) branch: Vec<u8>,
}

/// What a transaction changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct State {
    pub(super) has_largefiles: bool,
    pub(super) branches: Vec<BranchMove>,
    pub(super) bookmarks: Vec<Move>,
    pub(super) tags: Vec<Move>,
    /// By branch: what was visible before and becomes public.
    pub(super) published: BTreeMap<Box<[u8]>, Vec<ChangesetId>>,
    /// New markers: what they make obsolete, and the branch of that where it is here.
    pub(super) markers: Vec<(Option<ChangesetId>, Vec<u8>)>,
    /// What arrives obsolete and is visible all the same.
    pub(super) obsolete: Vec<ChangesetId>,
}

impl State {
    /// Asks for the state.
    pub(super) fn ask<R: Read, W: Write>(request: &mut Request<R, W>) -> Result<Self, MercurialError> {
        let mut state = Self::default();
        request.ask("state", b"ULBKTPOX", |tag, payload| state.take(tag, Fields::of(payload)))?;
        Ok(state)
    }

    fn take(&mut self, tag: u8, mut fields: Fields<'_>) -> Result<(), MercurialError> {
        match tag {
            b'U' => return Err(MercurialError::Unsupported { requirement: text::encode(fields.rest(), b"") }),
            b'L' => self.has_largefiles = true,
            b'B' => {
                let name = fields.field()?.into();
                let is_public = fields.flag()?;
                let old = [fields.nodes()?, fields.nodes()?];
                let new = [fields.nodes()?, fields.nodes()?];
                self.branches.push(BranchMove { name, is_public, old, new });
            }
            b'K' => self.bookmarks.push(moved(&mut fields)?),
            b'T' => self.tags.push(moved(&mut fields)?),
            b'X' => self.obsolete.push(fields.node()?),
            b'P' => {
                let node = fields.node()?;
                self.published.entry(name(&mut fields)?).or_default().push(node);
            }
            _ => {
                let node = fields.maybe_node()?;
                self.markers.push((node, fields.field()?.to_vec()));
            }
        }
        fields.end()
    }

    /// Returns the refusals of branches, bookmarks and tags that change and are called what Mercurial does not keep.
    ///
    /// It keeps names in files of lines, and takes white space off when it reads them: what is written as `stable` and a blank is `stable`
    /// afterwards, and was judged as something else.
    pub(super) fn odd_names(&self) -> Vec<ClaimRefusal> {
        let branches = self.branches.iter().map(|moved| Target::Branch(moved.name.clone()));
        let bookmarks = self.bookmarks.iter().map(|moved| Target::Bookmark(moved.name.clone()));
        let tags = self.tags.iter().map(|moved| Target::Tag(moved.name.clone()));
        let odd = branches.chain(bookmarks).chain(tags).filter(|target| !is_kept(target.kind_and_name().1));
        odd.map(|target| ClaimRefusal::OddName { target }).collect()
    }
}

/// Asks for everything that existed before the transaction.
pub(super) fn targets<R: Read, W: Write>(
    request: &mut Request<R, W>,
) -> Result<BTreeMap<Target, Vec<ChangesetId>>, MercurialError> {
    let mut all = BTreeMap::new();
    request.ask("targets", b"V", |_, payload| {
        let mut fields = Fields::of(payload);
        let kind = fields.byte()?;
        let name = name(&mut fields)?;
        let target = match kind {
            b'b' => Target::Branch(name),
            b'k' => Target::Bookmark(name),
            b't' => Target::Tag(name),
            _ => return Err(MercurialError::bad("an unknown kind of target")),
        };
        let mut value = fields.nodes()?;
        fields.end()?;
        value.sort_unstable();
        if value.is_empty() || all.insert(target, value).is_some() {
            return Err(MercurialError::bad("a target without a value, or twice"));
        }
        Ok(())
    })?;
    Ok(all)
}

fn moved(fields: &mut Fields<'_>) -> Result<Move, MercurialError> {
    let name = fields.field()?.into();
    let (old, new) = (fields.maybe_node()?, fields.maybe_node()?);
    if old == new {
        return Err(MercurialError::bad("a move from a place to the same"));
    }
    Ok(Move { name, old, new, is_forward: fields.flag()?, branch: fields.field()?.to_vec() })
}

/// Takes a name that a target can have.
fn name(fields: &mut Fields<'_>) -> Result<Box<[u8]>, MercurialError> {
    let name = fields.field()?;
    if name.is_empty() || name.iter().any(|byte| matches!(byte, 0 | b'\n')) {
        return Err(MercurialError::bad("an impossible name"));
    }
    Ok(name.into())
}

/// Tells whether Mercurial reads this name back as it was written.
fn is_kept(name: &[u8]) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let ends = [name.first(), name.last()];
    ends.iter().all(|end| end.is_some_and(|byte| !is_blank(byte))) && !name.iter().any(|byte| matches!(byte, 0 | b'\n'))
}
