//! Derived files that carry a checksum, and the sum over those of `targets/`.
//!
//! A file is its JSON, a newline, the JSON's SHA-256, a newline; what a killed process left behind them means nothing.

use super::storage::read_whole;
use crate::domain::audit::Hash;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

/// No derived file is believed to be longer: a push of 100,000 refs that was not settled fits.
pub(super) const MAX_FILE: u64 = 256 << 20;

/// A file's bytes, and the checksum in them.
pub(super) struct Checked {
    pub bytes: Vec<u8>,
    pub hash: Hash,
}

impl Checked {
    /// Writes `value` down.
    pub fn of<T: Serialize>(value: &T) -> Self {
        let mut bytes = serde_json::to_vec(value).expect("derived state holds nothing that JSON cannot");
        let hash = Hash::of(&bytes);
        bytes.extend(format!("\n{hash}\n").bytes());
        Self { bytes, hash }
    }
}

/// Returns the JSON of a file and its checksum; `None` if the file is spoilt.
pub(super) fn uncheck(bytes: &[u8]) -> Option<(&[u8], Hash)> {
    let (json, rest) = bytes.split_at_checked(bytes.iter().position(|byte| *byte == b'\n')?)?;
    let hash = Hash::of(json);
    rest.starts_with(format!("\n{hash}\n").as_bytes()).then_some((json, hash))
}

/// Reads what [`Checked::of`] wrote; `None` if the file is spoilt.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(uncheck(bytes)?.0).ok()
}

/// The exclusive or of the checksums of all files. No two are alike, for each names what it is about; so if one is lost, or is again what
/// it was before, the sum is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sum(Hash);

impl Sum {
    /// The sum of no files.
    pub const EMPTY: Self = Self(Hash([0; 32]));

    /// Adds the checksum of a file, or takes it away.
    pub fn toggle(&mut self, hash: &Hash) {
        self.0.0.iter_mut().zip(hash.0).for_each(|(byte, other)| *byte ^= other);
    }

    /// Adds up what stands in the folders of `targets`; `None` if something there cannot be read or is spoilt.
    ///
    /// It gives up, with `None`, when half of the time to `deadline` is over: the rest is for reading the journal instead.
    pub fn of_files(targets: &Path, deadline: Instant) -> Option<Self> {
        let now = Instant::now();
        let until = now + deadline.saturating_duration_since(now) / 2;
        let mut sum = Self::EMPTY;
        let folders = match fs::read_dir(targets) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(sum),
            listed => listed.ok()?,
        };
        for folder in folders {
            for file in fs::read_dir(folder.ok()?.path()).ok()? {
                let bytes = read_whole(&file.ok()?.path(), MAX_FILE).ok()??;
                sum.toggle(&uncheck(&bytes).filter(|_| Instant::now() < until)?.1);
            }
        }
        Some(sum)
    }
}
