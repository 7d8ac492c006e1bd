//! The conversation with the hook's script: what it begins with, what can be asked, how it ends (docs/spec/hg-request.md).
//!
//! The script only gathers. What it passes on comes from the pusher's client, so everything is checked again that can be: changesets
//! against their nodes, manifests line by line, each answer for being about what was asked.

use super::MercurialError;
use super::changelog::Read as ReadChangeset;
use super::manifest::{self, BadLines, Change, Entry};
use super::reply::Reply;
use super::wire::{Fields, NODE, Record, Records};
use crate::domain::change::ChangesetId;
use data_encoding::HEXLOWER;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What every request begins with.
pub const PREFACE: &[u8] = b"jit-hg-request/v3\n";
/// How many paths one question names.
const MOST_PATHS: usize = 10_000;
/// How many changesets one answer may hold.
pub const MOST_CHANGESETS: usize = 2_000_000;

/// What the script says of itself and the transaction before anything is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// The hook that runs: `pretxnchangegroup`, `pretxnclose`, `txnclose`, `txnabort`.
    pub hook: Vec<u8>,
    /// The repository's `jit` folder.
    pub folder: PathBuf,
    /// The repository's root.
    pub repository: PathBuf,
    /// The transaction's name, see [`super::Treatment`]; absent where Mercurial gives none.
    pub name: Option<Vec<u8>>,
    /// The transaction's id, `TXN:` and hex digits: the same in all hooks of one transaction.
    pub id: Option<Vec<u8>>,
    /// `serve`, `push`, `unbundle`, `pull`; absent for whatever does not bring changesets in one of these ways.
    pub source: Option<Vec<u8>>,
    /// Where the push comes from; see [`super::url_login`].
    pub url: Option<Vec<u8>>,
    /// What the reply that allowed the transaction gave for later; see [`Reply::Allow`].
    pub later: Option<Vec<u8>>,
    /// What `hg push --pushvars` brought, by its name in upper case.
    pub pushvars: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A conversation with the script.
#[derive(Debug)]
pub struct Request<R, W> {
    /// What it began with.
    pub header: Header,
    records: Records<R>,
    output: W,
}

impl<R: Read, W: Write> Request<R, W> {
    /// Reads the beginning of a request. `input` should be buffered; `output` is flushed after each question.
    ///
    /// # Errors
    /// [`MercurialError`].
    pub fn open(input: R, output: W, deadline: Option<Instant>) -> Result<Self, MercurialError> {
        let mut records = Records::new(input, deadline);
        records.literal(PREFACE)?;
        let mut values = BTreeMap::new();
        while let Some(Record { tag, payload }) = records.next()? {
            if tag != b'H' {
                return Err(MercurialError::bad("an unknown record"));
            }
            let mut fields = Fields::of(&payload);
            let (key, value) = (fields.field()?.to_vec(), fields.field()?.to_vec());
            fields.end()?;
            if values.insert(key, value).is_some() {
                return Err(MercurialError::bad("a key occurs twice"));
            }
        }
        Ok(Self { header: header(values)?, records, output })
    }

    /// Ends the conversation with an answer.
    ///
    /// # Errors
    /// [`MercurialError::BrokenOff`]: the script then takes the answer as a denial.
    pub fn reply(mut self, reply: &Reply) -> Result<(), MercurialError> {
        let written = self.output.write_all(&reply.to_bytes()).and_then(|()| self.output.flush());
        written.map_err(MercurialError::BrokenOff)
    }

    /// Asks, and hands each record with the tag `tag` to `take`.
    pub(super) fn ask(
        &mut self,
        question: &str,
        tags: &[u8],
        mut take: impl FnMut(u8, &[u8]) -> Result<(), MercurialError>,
    ) -> Result<(), MercurialError> {
        let line = format!("{question}\n");
        let sent = self.output.write_all(line.as_bytes()).and_then(|()| self.output.flush());
        sent.map_err(MercurialError::BrokenOff)?;
        while let Some(Record { tag, payload }) = self.records.next()? {
            if !tags.contains(&tag) {
                return Err(MercurialError::bad("an unknown record"));
            }
            take(tag, &payload)?;
        }
        Ok(())
    }

    /// Returns the changesets that `heads` reach and `hidden` do not, children before parents.
    pub(super) fn between(
        &mut self,
        heads: &[ChangesetId],
        hidden: &[ChangesetId],
    ) -> Result<Vec<ReadChangeset>, MercurialError> {
        self.changesets_of(&format!("between {} {}", nodes(heads), nodes(hidden)))
    }

    /// Returns these changesets, children before parents.
    pub(super) fn changesets(&mut self, ids: &[ChangesetId]) -> Result<Vec<ReadChangeset>, MercurialError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let read = self.changesets_of(&format!("changesets {}", nodes(ids)))?;
        let asked: HashSet<&ChangesetId> = ids.iter().collect();
        if read.len() != asked.len() || read.iter().any(|read| !asked.contains(&read.id)) {
            return Err(MercurialError::bad("other changesets than those asked for"));
        }
        Ok(read)
    }

    pub(super) fn changesets_of(&mut self, question: &str) -> Result<Vec<ReadChangeset>, MercurialError> {
        let mut found = Vec::new();
        self.ask(question, b"C", |_, payload| {
            if found.len() == MOST_CHANGESETS {
                let limit = MOST_CHANGESETS as u64;
                return Err(MercurialError::TooLarge { what: "changesets", limit });
            }
            let mut fields = Fields::of(payload);
            let id = fields.node()?;
            let parents = [fields.maybe_node()?, fields.maybe_node()?];
            found.push(ReadChangeset::new(id, parents, fields.rest())?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns the ids of what [`Request::between`] would return.
    pub(super) fn ids(
        &mut self,
        heads: &[ChangesetId],
        hidden: &[ChangesetId],
    ) -> Result<Vec<ChangesetId>, MercurialError> {
        self.listed(&format!("ids {} {}", nodes(heads), nodes(hidden)))
    }

    /// Returns those of `wanted` that are among `heads` or their ancestors. Those that are not there at all are not.
    pub(super) fn reached(
        &mut self,
        wanted: &[ChangesetId],
        heads: &[ChangesetId],
    ) -> Result<Vec<ChangesetId>, MercurialError> {
        if wanted.is_empty() || heads.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.listed(&format!("reached {} {}", nodes(wanted), nodes(heads)))?;
        let asked: HashSet<&ChangesetId> = wanted.iter().collect();
        if found.iter().any(|id| !asked.contains(id)) {
            return Err(MercurialError::bad("other changesets than those asked for"));
        }
        Ok(found)
    }

    fn listed(&mut self, question: &str) -> Result<Vec<ChangesetId>, MercurialError> {
        let mut found = Vec::new();
        self.ask(question, b"I", |_, payload| {
            let mut fields = Fields::of(payload);
            for _ in 0..payload.len() / NODE {
                found.push(fields.node()?);
            }
            fields.end()
        })?;
        Ok(found)
    }

    /// Has what `heads` bring written to `file`, which stays as it is if that is nothing; returns what it stands on.
    pub(super) fn bundle(&mut self, file: &Path, heads: &[ChangesetId]) -> Result<Vec<ChangesetId>, MercurialError> {
        let path = HEXLOWER.encode(file.as_os_str().as_bytes());
        self.listed(&format!("bundle {path} {}", nodes(heads)))
    }

    /// Returns the heads of the common ancestors of each pair.
    pub(super) fn bases(
        &mut self,
        pairs: &[(ChangesetId, ChangesetId)],
    ) -> Result<Vec<Vec<ChangesetId>>, MercurialError> {
        let mut found = Vec::new();
        if !pairs.is_empty() {
            self.ask(
                &format!("bases {}", list(pairs.iter().map(|(one, two)| format!("{}:{}", one.hex(), two.hex())))),
                b"A",
                |_, payload| {
                    let mut fields = Fields::of(payload);
                    found.push(fields.nodes()?);
                    fields.end()
                },
            )?;
        }
        if found.len() != pairs.len() {
            return Err(MercurialError::bad("more or fewer answers than questions"));
        }
        Ok(found)
    }

    /// Returns for each pair the paths at which the manifest of the second differs from that of the first; of `None`, from an empty one.
    pub(super) fn differences(&mut self, pairs: &[Pair]) -> Result<Vec<Vec<Change>>, MercurialError> {
        let mut found = Vec::new();
        if pairs.is_empty() {
            return Ok(found);
        }
        let mut open = pairs.iter();
        let null = "0".repeat(2 * NODE);
        let hex = |one: &Option<ChangesetId>| one.map_or_else(|| null.clone(), |one| one.hex());
        let names = list(pairs.iter().map(|(one, two)| format!("{}:{}", hex(one), two.hex())));
        self.ask(&format!("differences {names}"), b"D", |_, payload| {
            let mut fields = Fields::of(payload);
            let changeset = fields.node()?;
            if open.next().is_none_or(|(_, asked)| *asked != changeset) {
                return Err(MercurialError::bad("the manifest of another changeset"));
            }
            found.push(manifest::changes(fields.rest()).map_err(|bad| match bad {
                BadLines::Record(error) => error,
                BadLines::Manifest(problem) => MercurialError::BadChangeset { changeset, problem },
            })?);
            Ok(())
        })?;
        if found.len() == pairs.len() {
            Ok(found)
        } else {
            Err(MercurialError::bad("more or fewer answers than questions"))
        }
    }

    /// Returns what stands at each of `paths` in the manifest of a changeset.
    pub(super) fn entries(
        &mut self,
        changeset: ChangesetId,
        paths: &[&[u8]],
    ) -> Result<Vec<Option<Entry>>, MercurialError> {
        let mut found = Vec::new();
        for some in paths.chunks(MOST_PATHS) {
            let mut open = some.iter();
            let names = list(some.iter().map(|path| HEXLOWER.encode(path)));
            self.ask(&format!("entries {} {names}", changeset.hex()), b"L", |_, line| {
                let path = open.next().ok_or(MercurialError::bad("more or fewer answers than questions"))?;
                let entry = manifest::entry(path, line);
                found.push(entry.map_err(|problem| MercurialError::BadChangeset { changeset, problem })?);
                Ok(())
            })?;
        }
        if found.len() == paths.len() {
            Ok(found)
        } else {
            Err(MercurialError::bad("more or fewer answers than questions"))
        }
    }
}

/// Two changesets; the first may be none.
pub(super) type Pair = (Option<ChangesetId>, ChangesetId);

pub(super) fn nodes(ids: &[ChangesetId]) -> String {
    if ids.is_empty() { "-".to_owned() } else { list(ids.iter().map(ChangesetId::hex)) }
}

fn list(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(",")
}

fn header(mut values: BTreeMap<Vec<u8>, Vec<u8>>) -> Result<Header, MercurialError> {
    let required = MercurialError::bad("a required key is missing");
    let mut take = |key: &str| values.remove(key.as_bytes());
    let (hook, folder, repository) = (take("hook"), take("folder"), take("repository"));
    let (Some(hook), Some(folder), Some(repository)) = (hook, folder, repository) else { return Err(required) };
    let (name, id, source, url) = (take("txnname"), take("txnid"), take("source"), take("url"));
    let later = take("later");
    let mut pushvars = BTreeMap::new();
    for (key, value) in values {
        let name = key.strip_prefix(b"uservar:").ok_or(MercurialError::bad("an unknown key"))?;
        pushvars.insert(name.to_vec(), value);
    }
    Ok(Header { hook, folder: path(folder), repository: path(repository), name, id, source, url, later, pushvars })
}

fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// A request whose answers are already there: what was recorded is read as if it were asked now.
impl<R: Read> Request<R, io::Sink> {
    /// Opens a recorded conversation. Questions go nowhere; the answers are taken in the order in which they stand.
    ///
    /// # Errors
    /// [`MercurialError`].
    pub fn replay(input: R) -> Result<Self, MercurialError> {
        Self::open(input, io::sink(), None)
    }
}
