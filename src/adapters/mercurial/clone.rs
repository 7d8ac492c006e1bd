//! What a clone and its server hold, as the script `jit_clone.py` tells it (docs/spec/hg-request.md, "Clones").

use super::MercurialError;
use super::changelog::Read as ReadChangeset;
use super::history::MercurialHistory;
use super::program::{HgError, Process};
use super::request::{Header, Request, nodes};
use super::wire::Fields;
use crate::domain::change::{ChangeSize, ChangedFile, Changeset, ChangesetId};
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use data_encoding::HEXLOWER;
use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};

/// A conversation with an `hg` that this program started.
pub type Talk = CloneTalk<BufReader<ChildStdout>, ChildStdin>;

/// A conversation about a clone and its server.
///
/// [`CloneTalk::history`] holds what the server has before a push, and the push that was supposed last.
#[derive(Debug)]
pub struct CloneTalk<R, W> {
    // Dropped in this order: the process ends when its pipes do.
    history: MercurialHistory<R, W>,
    process: Option<Process>,
}

/// A push that is only supposed; everything else stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supposed {
    /// A branch gains these heads, with all on it that they bring.
    Branch(Box<[u8]>, Vec<ChangesetId>),
    /// A bookmark moves, or goes.
    Bookmark(Box<[u8]>, Option<ChangesetId>),
    /// An effective tag moves, or goes.
    Tag(Box<[u8]>, Option<ChangesetId>),
    /// Drafts of a branch, up to these, become public.
    Publish(Box<[u8]>, Vec<ChangesetId>),
}

/// A head of the server's branch of approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalsHead {
    /// An approval; its signature was not looked at.
    Token(String),
    /// Something that only the server can have put there, such as its policy.
    Other {
        /// The changeset.
        id: ChangesetId,
        /// Its description.
        description: Vec<u8>,
    },
}

/// A changeset of the server's requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestChangeset {
    /// Its only parent; `None` if it has none or several.
    pub subject: Option<ChangesetId>,
    /// Its description.
    pub description: Vec<u8>,
    /// Who made it, by its own words.
    pub by: Vec<u8>,
    /// When, by its own words; 1970 where they say nothing.
    pub time: Timestamp,
}

impl Talk {
    /// Begins a conversation with a process whose pipes these are.
    pub(super) fn begin(
        input: BufReader<ChildStdout>,
        output: ChildStdin,
        mut process: Process,
        doing: &'static str,
    ) -> Result<Self, HgError> {
        match Request::open(input, output, None) {
            Ok(request) => Ok(Self { history: MercurialHistory::new(request), process: Some(process) }),
            // Nothing comes where `hg` has ended.
            Err(MercurialError::BrokenOff(_) | MercurialError::NotARequest) => {
                Err(HgError::Failed { doing, said: process.said() })
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl<R: Read, W: Write> CloneTalk<R, W> {
    /// Takes over a request that the clone's own hook began.
    pub fn over(request: Request<R, W>) -> Self {
        Self { history: MercurialHistory::new(request), process: None }
    }

    /// Returns what the script said in the beginning; its URL is the server's.
    pub fn header(&self) -> &Header {
        self.history.header()
    }

    /// Returns the history, in which the supposed push has not happened yet.
    pub fn history(&mut self) -> &mut MercurialHistory<R, W> {
        &mut self.history
    }

    /// Takes the history out, to give the hook its reply.
    pub fn into_history(self) -> MercurialHistory<R, W> {
        self.history
    }

    /// Supposes a push, in place of any that was supposed before.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn suppose(&mut self, supposed: &Supposed) -> Result<(), HgError> {
        let (kind, name, heads): (_, _, &[ChangesetId]) = match supposed {
            Supposed::Branch(name, heads) => ("b", name, heads),
            Supposed::Publish(name, heads) => ("p", name, heads),
            Supposed::Bookmark(name, node) => ("k", name, node.as_slice()),
            Supposed::Tag(name, node) => ("t", name, node.as_slice()),
        };
        let question = format!("suppose {kind} {} {}", HEXLOWER.encode(name), nodes(heads));
        self.ask("suppose a push", &question, b"", |_, _| Ok(()))
    }

    /// Returns the changeset that `revision` names in the clone; one that only the server has is named by its full id.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn resolve(&mut self, revision: &str) -> Result<Option<ChangesetId>, HgError> {
        let mut found = None;
        let question = format!("resolve {}", HEXLOWER.encode(revision.as_bytes()));
        self.ask("look up a revision", &question, b"I", |_, payload| {
            let mut fields = Fields::of(payload);
            found = Some(fields.node()?);
            fields.end()
        })?;
        Ok(found)
    }

    /// Returns the named branch of a changeset that is here or on the server.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn branch_of(&mut self, id: &ChangesetId) -> Result<Box<[u8]>, HgError> {
        let mut branch = Vec::new();
        self.ask("look up a branch", &format!("branch {}", id.hex()), b"S", |_, payload| {
            branch = payload.to_vec();
            Ok(())
        })?;
        if branch.is_empty() {
            Err(MercurialError::bad("a changeset without a branch").into())
        } else {
            Ok(branch.into())
        }
    }

    /// Tells which of `wanted` the changesets `heads` reach, themselves included.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn reached(&mut self, wanted: &[ChangesetId], heads: &[ChangesetId]) -> Result<Vec<ChangesetId>, HgError> {
        let found = self.history.request.reached(wanted, heads);
        found.map_err(|error| self.explained("look at the history", error))
    }

    /// Returns the changesets that `heads` reach and `hidden` do not, children before parents, without their paths.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn between(&mut self, heads: &[ChangesetId], hidden: &[ChangesetId]) -> Result<Vec<Changeset>, HgError> {
        let found = self.history.request.between(heads, hidden);
        let read = found.map_err(|error| self.explained("look at the history", error))?;
        Ok(read.iter().map(ReadChangeset::to_changeset).collect())
    }

    /// Returns where `new` left `old`: a newest common ancestor; `None` where they have nothing in common.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn fork_point(&mut self, old: &ChangesetId, new: &ChangesetId) -> Result<Option<ChangesetId>, HgError> {
        let found = self.history.request.bases(&[(*old, *new)]);
        let found = found.map_err(|error| self.explained("look at the history", error))?;
        Ok(found.first().and_then(|heads| heads.first().copied()))
    }

    /// Returns what stands on the server's branch of approvals.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn approvals(&mut self) -> Result<Vec<ApprovalsHead>, HgError> {
        let heads = self.changesets("read the approvals", "approvals")?;
        let head = |read: ReadChangeset| match read.token() {
            Ok(text) => ApprovalsHead::Token(text),
            Err(_) => ApprovalsHead::Other { id: read.id, description: read.description().to_vec() },
        };
        Ok(heads.into_iter().map(head).collect())
    }

    /// Measures how the files of `new` differ from those of `old`; from none, where there is no `old`.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn size(&mut self, old: Option<&ChangesetId>, new: &ChangesetId) -> Result<ChangeSize, HgError> {
        let mut size = ChangeSize::default();
        let question = format!("size {} {}", nodes(old.map_or(&[], std::slice::from_ref)), new.hex());
        self.ask("compare two changesets", &question, b"G", |_, payload| {
            let mut fields = Fields::of(payload);
            let how = char::from(fields.byte()?);
            let (added, removed) = (fields.number()?, fields.number()?);
            size.added += added;
            size.removed += removed;
            size.files.push(ChangedFile { path: fields.rest().to_vec(), how, added, removed });
            Ok(())
        })?;
        size.files.sort_by(|one, two| one.path.cmp(&two.path));
        Ok(size)
    }

    /// Returns how the files of `new` differ from those of `old`, as a patch in Git's form; from none, where there is no `old`.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn diff(&mut self, old: Option<&ChangesetId>, new: &ChangesetId) -> Result<Vec<u8>, HgError> {
        let mut patch = Vec::new();
        let question = format!("diff {} {}", nodes(old.map_or(&[], std::slice::from_ref)), new.hex());
        self.ask("write a patch", &question, b"S", |_, payload| {
            patch.extend_from_slice(payload);
            Ok(())
        })?;
        Ok(patch)
    }

    /// Returns the requests that the server keeps, by their names; anybody may have made them.
    ///
    /// # Errors
    /// [`HgError`], also where the server keeps no requests.
    pub fn requests(&mut self) -> Result<BTreeMap<String, ChangesetId>, HgError> {
        let mut found = BTreeMap::new();
        self.ask("ask for the server's requests", "requests", b"V", |_, payload| {
            let mut fields = Fields::of(payload);
            fields.byte()?;
            let name = fields.field()?.to_vec();
            let value = fields.nodes()?;
            if let (Ok(name), [id]) = (String::from_utf8(name), &value[..]) {
                found.insert(name, *id);
            }
            fields.end()
        })?;
        Ok(found)
    }

    /// Returns a changeset that [`CloneTalk::requests`] named. It is not pulled.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn request(&mut self, id: &ChangesetId) -> Result<RequestChangeset, HgError> {
        let doing = "fetch a request";
        let mut found = self.changesets(doing, &format!("request {}", id.hex()))?;
        let read = found.pop().filter(|read| read.id == *id && found.is_empty());
        let read = read.ok_or(MercurialError::bad("another changeset than the one asked for"))?;
        let subject = match read.parents {
            [Some(only), None] => Some(only),
            _ => None,
        };
        let (by, time) = read.user_and_time();
        Ok(RequestChangeset { subject, description: read.description().to_vec(), by, time })
    }

    /// Names the changeset `id` of the server's requests. Tells whether that was done: something may have the name already.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn name_request(&mut self, name: &RequestId, id: &ChangesetId) -> Result<bool, HgError> {
        self.was_done("name the request", &format!("name {name} {}", id.hex()))
    }

    /// Takes the name away from the changeset `id` of the server's requests. Tells whether that was done.
    ///
    /// # Errors
    /// [`HgError`].
    pub fn take_back_request(&mut self, name: &RequestId, id: &ChangesetId) -> Result<bool, HgError> {
        self.was_done("take the request back", &format!("unname {name} {}", id.hex()))
    }

    fn was_done(&mut self, doing: &'static str, question: &str) -> Result<bool, HgError> {
        let mut done = false;
        self.ask(doing, question, b"S", |_, _| {
            done = true;
            Ok(())
        })?;
        Ok(done)
    }

    fn changesets(&mut self, doing: &'static str, question: &str) -> Result<Vec<ReadChangeset>, HgError> {
        let read = self.history.request.changesets_of(question);
        read.map_err(|error| self.explained(doing, error))
    }

    fn ask(
        &mut self,
        doing: &'static str,
        question: &str,
        tags: &[u8],
        take: impl FnMut(u8, &[u8]) -> Result<(), MercurialError>,
    ) -> Result<(), HgError> {
        let answered = self.history.request.ask(question, tags, take);
        answered.map_err(|error| self.explained(doing, error))
    }

    /// Puts what `hg` said in place of the bare fact that it ended.
    fn explained(&mut self, doing: &'static str, error: MercurialError) -> HgError {
        match (&mut self.process, error) {
            (Some(process), MercurialError::BrokenOff(_)) => HgError::Failed { doing, said: process.said() },
            (_, error) => error.into(),
        }
    }
}
