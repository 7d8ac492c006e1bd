//! Reads the lines of one segment, whatever stands in them.

use crate::domain::audit::MAX_LINE;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::path::Path;

/// How many entries a segment has.
pub const SEGMENT: u64 = 65_536;

/// One line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Where the next one begins.
    pub end: u64,
    /// Its bytes without the newline; of a line that is too long the first [`MAX_LINE`] + 1.
    pub bytes: &'a [u8],
    /// Whether a newline ends it, or it is too long for any frame. Otherwise the file ends first: the line is torn.
    pub whole: bool,
}

/// The lines of a file from some offset on.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<Take<File>>,
    offset: u64,
    buffer: Vec<u8>,
}

impl Lines {
    /// Opens a segment at a line's start; bytes from `until` on are not read. `None` if there is no such file.
    pub fn open(path: &Path, from: u64, until: u64) -> io::Result<Option<Self>> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        file.seek(SeekFrom::Start(from))?;
        let reader = BufReader::with_capacity(1 << 16, file.take(until.saturating_sub(from)));
        Ok(Some(Self { reader, offset: from, buffer: Vec::new() }))
    }

    /// Returns the next line.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let most = MAX_LINE as u64 + 1;
        let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.buffer)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += read;
        let ended = self.buffer.last() == Some(&b'\n');
        if ended {
            self.buffer.pop();
        }
        Ok(Some(Line { offset, end: self.offset, bytes: &self.buffer, whole: ended || read == most }))
    }
}
