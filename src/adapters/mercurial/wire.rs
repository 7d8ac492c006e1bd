//! Records as the hook's script writes them, and the fields in them (docs/spec/hg-request.md, "Records").
//!
//! A length is a claim until that many bytes have come: nothing is reserved by it, and each has a limit.

use super::MercurialError;
use crate::domain::change::{ChangesetId, IdKind};
use std::io::{self, Read};
use std::time::Instant;

/// The longest payload of one record, in bytes: more than any manifest that a server could work with.
pub const LONGEST_RECORD: u32 = 256 * 1024 * 1024;
/// The most records of one answer.
pub const MOST_RECORDS: u32 = 20_000_000;
/// Bytes of one whole conversation.
pub const LONGEST_CONVERSATION: u64 = 16 * 1024 * 1024 * 1024;
/// How many records pass between two looks at the clock.
const RECORDS_PER_LOOK: u32 = 64;
/// The length of a node in bytes.
pub(super) const NODE: usize = 20;

/// One record.
#[derive(Debug)]
pub(super) struct Record {
    /// What it is.
    pub(super) tag: u8,
    /// What it holds.
    pub(super) payload: Vec<u8>,
}

/// Reads records from the hook's script.
#[derive(Debug)]
pub(super) struct Records<R> {
    input: R,
    left: u64,
    in_answer: u32,
    deadline: Option<Instant>,
}

impl<R: Read> Records<R> {
    /// Reads from `input`, until `deadline` if there is one. The deadline is looked at between records: a read that blocks must be
    /// ended by somebody else (the script ends a program that takes too long).
    pub(super) fn new(input: R, deadline: Option<Instant>) -> Self {
        Self { input, left: LONGEST_CONVERSATION, in_answer: 0, deadline }
    }

    /// Reads exactly the bytes `expected`.
    pub(super) fn literal(&mut self, expected: &[u8]) -> Result<(), MercurialError> {
        let mut found = vec![0; expected.len()];
        match self.input.read_exact(&mut found) {
            Ok(()) if found == expected => Ok(()),
            Ok(()) => Err(MercurialError::NotARequest),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(MercurialError::NotARequest),
            Err(error) => Err(MercurialError::BrokenOff(error)),
        }
    }

    /// Returns the next record of the answer; `None` after its last.
    pub(super) fn next(&mut self) -> Result<Option<Record>, MercurialError> {
        if self.in_answer.is_multiple_of(RECORDS_PER_LOOK) && self.deadline.is_some_and(|end| Instant::now() >= end) {
            return Err(MercurialError::DeadlinePassed);
        }
        let mut head = [0; 5];
        self.input.read_exact(&mut head).map_err(MercurialError::BrokenOff)?;
        let [tag, length @ ..] = head;
        let length = u32::from_be_bytes(length);
        if length > LONGEST_RECORD {
            return Err(MercurialError::TooLarge { what: "bytes in a record", limit: LONGEST_RECORD.into() });
        }
        let too_long = MercurialError::TooLarge { what: "bytes in a request", limit: LONGEST_CONVERSATION };
        self.left = self.left.checked_sub(u64::from(length) + 5).ok_or(too_long)?;
        let mut payload = Vec::new();
        let read = self.input.by_ref().take(length.into()).read_to_end(&mut payload);
        if read.map_err(MercurialError::BrokenOff)? as u64 != u64::from(length) {
            return Err(MercurialError::BrokenOff(io::ErrorKind::UnexpectedEof.into()));
        }
        if tag == b'E' {
            let count = std::mem::take(&mut self.in_answer);
            return if payload == count.to_be_bytes() { Ok(None) } else { Err(MercurialError::bad("a wrong count")) };
        }
        self.in_answer += 1;
        if self.in_answer > MOST_RECORDS {
            return Err(MercurialError::TooLarge { what: "records in an answer", limit: MOST_RECORDS.into() });
        }
        Ok(Some(Record { tag, payload }))
    }
}

/// Takes fields off the front of a payload.
#[derive(Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], MercurialError> {
        let cut_off = MercurialError::bad("a record is cut off");
        let (taken, rest) = self.0.split_at_checked(length).ok_or(cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<usize, MercurialError> {
        let bytes = self.take(4)?;
        let number = u32::from_be_bytes(bytes.try_into().expect("four bytes were taken"));
        usize::try_from(number).map_err(|_| MercurialError::bad("an impossible number"))
    }

    /// Takes one byte that is 0 or 1.
    pub(super) fn flag(&mut self) -> Result<bool, MercurialError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(MercurialError::bad("a flag is neither 0 nor 1")),
        }
    }

    /// Takes one byte.
    pub(super) fn byte(&mut self) -> Result<u8, MercurialError> {
        Ok(self.take(1)?[0])
    }

    /// Takes bytes with their length before them.
    pub(super) fn field(&mut self) -> Result<&'a [u8], MercurialError> {
        let length = self.number()?;
        self.take(length)
    }

    /// Takes a node; the null node is `None`.
    pub(super) fn maybe_node(&mut self) -> Result<Option<ChangesetId>, MercurialError> {
        // Twenty bytes are an id unless all of them are zero.
        Ok(ChangesetId::from_bytes(IdKind::HgSha1, self.take(NODE)?).ok())
    }

    /// Takes a node that is not null.
    pub(super) fn node(&mut self) -> Result<ChangesetId, MercurialError> {
        self.maybe_node()?.ok_or(MercurialError::bad("a null node"))
    }

    /// Takes nodes with their number before them.
    pub(super) fn nodes(&mut self) -> Result<Vec<ChangesetId>, MercurialError> {
        let count = self.number()?;
        let cut_off = || MercurialError::bad("a record is cut off");
        let bytes = self.take(count.checked_mul(NODE).ok_or_else(cut_off)?)?;
        bytes.chunks_exact(NODE).map(|node| Fields(node).node()).collect()
    }

    /// Tells whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Fails unless everything was taken.
    pub(super) fn end(self) -> Result<(), MercurialError> {
        if self.0.is_empty() { Ok(()) } else { Err(MercurialError::bad("a record is too long")) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes an answer as the script does.
    pub(in super::super) fn answer(records: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let count = u32::try_from(records.len()).expect("few records").to_be_bytes().to_vec();
        for (tag, payload) in records.iter().chain(&[(b'E', count)]) {
            bytes.push(*tag);
            bytes.extend_from_slice(&u32::try_from(payload.len()).expect("short").to_be_bytes());
            bytes.extend_from_slice(payload);
        }
        bytes
    }

    #[test]
    fn an_answer_is_read_to_its_end_mark() {
        let bytes = answer(&[(b'A', b"one".to_vec()), (b'B', vec![])]);
        let mut records = Records::new(&bytes[..], None);
        let first = records.next().expect("a record").expect("not the end");
        assert_eq!((first.tag, first.payload), (b'A', b"one".to_vec()));
        assert!(records.next().is_ok_and(|record| record.is_some()));
        assert!(records.next().is_ok_and(|record| record.is_none()));
        assert!(matches!(records.next(), Err(MercurialError::BrokenOff(_))));
    }

    #[test]
    fn cut_off_answers_and_lying_lengths_are_refused() {
        let whole = answer(&[(b'A', b"one".to_vec())]);
        for length in 0..whole.len() {
            let mut records = Records::new(&whole[..length], None);
            let outcome: Result<(), MercurialError> = (|| {
                while records.next()?.is_some() {}
                Ok(())
            })();
            assert!(outcome.is_err(), "{length}");
        }
        let cases: [&[u8]; 4] = [
            b"A\xff\xff\xff\xff",
            b"A\x0f\xff\xff\xffshort",
            b"E\x00\x00\x00\x04\x00\x00\x00\x01",
            b"E\x00\x00\x00\x00",
        ];
        for bytes in cases {
            assert!(Records::new(bytes, None).next().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn fields_do_not_reach_beyond_their_record() {
        assert!(Fields::of(b"\x00\x00\x00\x05four").field().is_err());
        assert!(Fields::of(b"\xff\xff\xff\xff").nodes().is_err());
        assert!(Fields::of(&[0; 19]).maybe_node().is_err());
        assert!(Fields::of(&[0; 20]).maybe_node().is_ok_and(|node| node.is_none()));
        assert!(Fields::of(&[0; 20]).node().is_err());
        assert!(Fields::of(b"\x02").flag().is_err());
        assert!(Fields::of(b"x").end().is_err());
    }

    #[test]
    fn a_passed_deadline_ends_the_reading() {
        let bytes = answer(&[]);
        let mut records = Records::new(&bytes[..], Some(Instant::now()));
        assert!(matches!(records.next(), Err(MercurialError::DeadlinePassed)));
    }
}
