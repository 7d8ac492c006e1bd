//! Entries: what the log records, and how a long one is kept out of the leaf (docs/spec/audit-log.md, "Entries").

use super::decision::{Again, Decision, Verdict};
use super::events::{Genesis, GenesisRefs, Outcome, Override, PolicyChange, Recovery, Review, Uninstall};
use super::gate::Gate;
use super::merkle::Hash;
use super::request::RequestStep;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most bytes of a leaf: what C2SP tlog-tiles can bundle.
pub const MAX_LEAF: usize = 65_535;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written, by the server's clock.
    pub time: Timestamp,
    /// What is recorded.
    #[serde(flatten)]
    pub event: Event,
}

/// What an entry records; its name is the entry's `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// The log begins.
    Genesis(Genesis),
    /// A push was judged.
    Decision(Box<Decision>),
    /// What became of an allowed push.
    Outcome(Outcome),
    /// Something was done with a request.
    Request(RequestStep),
    /// A gate was judged: it opened, or was refused for good.
    Gate(Box<Gate>),
    /// An allowed push passed a rule in an emergency.
    Override(Override),
    /// Somebody looked at an override.
    Review(Review),
    /// A policy came into force.
    Policy(PolicyChange),
    /// The log went on after damage.
    Recovery(Recovery),
    /// The hooks were taken out.
    Uninstall(Uninstall),
}

/// Why bytes are no entry, or an entry cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Even its short form is longer than [`MAX_LEAF`].
    #[error("the entry's short form has {length} bytes, more than a leaf can hold")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Not JSON, or not the fields that its kind has.
    #[error("the leaf is not an entry")]
    Malformed(#[source] serde_json::Error),
    /// A kind that this version does not know.
    #[error("the entry is of the kind `{kind}`, which this version does not know")]
    UnknownKind {
        /// The kind.
        kind: String,
    },
}

/// An entry as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The whole entry, if the leaf is only its short form. It is kept under its SHA-256, which the leaf names.
    pub blob: Option<Vec<u8>>,
}

impl Entry {
    /// Writes the entry as compact JSON with its fields in their fixed order, whatever its length.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an entry holds nothing that JSON cannot")
    }

    /// Reads a leaf, or the blob that a leaf names.
    ///
    /// # Errors
    /// [`EntryError::UnknownKind`] for what a later version wrote, [`EntryError::Malformed`] for everything else.
    pub fn parse(json: &[u8]) -> Result<Self, EntryError> {
        let header = Header::parse(json)?;
        Self::of(header.time, header.kind, json)
    }

    /// As [`Entry::parse`], of what was read from the header of `json` before.
    ///
    /// # Errors
    /// As [`Entry::parse`].
    pub fn of(time: Timestamp, kind: &str, json: &[u8]) -> Result<Self, EntryError> {
        // By its kind at once: serde would first put every field of a tagged value aside, which takes four times as long.
        let event = match kind {
            "genesis" => fields(json).map(Event::Genesis),
            "decision" => fields(json).map(Event::Decision),
            "outcome" => fields(json).map(Event::Outcome),
            "request" => fields(json).map(Event::Request),
            "gate" => fields(json).map(Event::Gate),
            "override" => fields(json).map(Event::Override),
            "review" => fields(json).map(Event::Review),
            "policy" => fields(json).map(Event::Policy),
            "recovery" => fields(json).map(Event::Recovery),
            "uninstall" => fields(json).map(Event::Uninstall),
            kind => Err(EntryError::UnknownKind { kind: kind.to_owned() }),
        };
        Ok(Self { time, event: event? })
    }

    /// Gives the leaf, and if that is only a short form, the blob with the whole.
    ///
    /// First the details of rules and the texts of tokens move out; if that is not enough, everything
    /// whose length a push decides. The blob always holds the whole entry, so a reader needs one rule:
    /// where a leaf names a blob, the blob is the entry.
    ///
    /// # Errors
    /// [`EntryError::TooLong`] if what cannot move out is too long, such as a login of 70,000 bytes.
    pub fn fit(&self) -> Result<Fitted, EntryError> {
        let whole = self.encode();
        if whole.len() <= MAX_LEAF {
            return Ok(Fitted { leaf: whole, blob: None });
        }
        let blob = Hash::of(&whole);
        let mut length = whole.len();
        for all in [false, true] {
            let leaf = self.short(blob, all).encode();
            length = leaf.len();
            if length <= MAX_LEAF {
                return Ok(Fitted { leaf, blob: Some(whole) });
            }
        }
        Err(EntryError::TooLong { length })
    }

    /// Returns the digest of the blob that holds the whole entry, if this is a short form.
    pub fn blob(&self) -> Option<Hash> {
        match &self.event {
            Event::Decision(decision) => decision.blob,
            Event::Gate(gate) => gate.decision.blob,
            Event::Outcome(outcome) => outcome.blob,
            Event::Override(overriding) => overriding.blob,
            Event::Policy(policy) => policy.blob,
            Event::Genesis(_) | Event::Request(_) | Event::Review(_) | Event::Recovery(_) | Event::Uninstall(_) => None,
        }
    }

    fn short(&self, whole: Hash, all: bool) -> Self {
        let mut short = self.clone();
        match &mut short.event {
            Event::Decision(decision) => decision.shorten(whole, all),
            Event::Gate(gate) => gate.decision.shorten(whole, all),
            Event::Outcome(outcome) => {
                outcome.applied.clear();
                outcome.blob = Some(whole);
            }
            Event::Override(overriding) => {
                overriding.subjects.clear();
                overriding.overriders.clear();
                overriding.barred.clear();
                overriding.blob = Some(whole);
            }
            Event::Policy(policy) => {
                policy.changed.clear();
                policy.blob = Some(whole);
            }
            Event::Genesis(_) | Event::Request(_) | Event::Review(_) | Event::Recovery(_) | Event::Uninstall(_) => {}
        }
        short
    }
}

/// Reads the fields of an entry's kind, or of its header.
fn fields<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, EntryError> {
    // As text: bytes would be looked through string by string, for whether they are UTF-8.
    let read = str::from_utf8(json).map_or_else(|_| serde_json::from_slice(json), serde_json::from_str);
    read.map_err(EntryError::Malformed)
}

/// The few fields of a leaf that tie it to its neighbours and to blobs, of any kind, read without copying.
/// No later kind may use these names for anything else.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Header<'a> {
    /// When.
    pub time: Timestamp,
    /// What.
    pub kind: &'a str,
    /// The answer of a decision or a gate.
    pub verdict: Option<Verdict>,
    /// The decision that an outcome, an override or a parked request is about.
    pub of: Option<u64>,
    /// The override that a review is about.
    pub debt: Option<u64>,
    /// The denial that is repeated.
    pub again: Option<Again>,
    /// The blob with the whole entry.
    pub blob: Option<Hash>,
    /// The blob with a policy's files.
    pub files: Option<Hash>,
    /// The blob with the refs at the beginning.
    pub refs: Option<GenesisRefs>,
    /// The log's name, at the beginning.
    pub origin: Option<String>,
    /// The log's key, at the beginning.
    pub key: Option<String>,
    /// What a recovery was.
    pub what: Option<&'a str>,
}

impl<'a> Header<'a> {
    /// Reads the header of a leaf, and with it checks that the leaf is one JSON object.
    ///
    /// # Errors
    /// [`EntryError::Malformed`] if it is not, or has no time or kind.
    pub fn parse(leaf: &'a [u8]) -> Result<Self, EntryError> {
        fields(leaf)
    }

    /// Tells whether time may go back to this entry: an administrator said so.
    pub fn resets_clock(&self) -> bool {
        self.kind == "recovery" && self.what == Some("accept-restore")
    }

    /// Returns the digests of all blobs that the entry names.
    pub fn blobs(&self) -> impl Iterator<Item = Hash> {
        [self.blob, self.files, self.refs.map(|refs| refs.blob)].into_iter().flatten()
    }
}
