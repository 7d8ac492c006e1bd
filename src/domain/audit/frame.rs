//! One line of the journal: `{"leaf":L,"size":N,"root":"base64","sig":"base64"}`.
//!
//! Everything after the leaf has a fixed width or is a plain number, so a line is read from its end and
//! the leaf's exact bytes are what is left: they are hashed as they stand. Each part has one spelling,
//! therefore a line that is accepted is the line that [`Frame::write`] gives. Whether the leaf is JSON
//! is for [`super::Header`] to say; with that, the whole line is.

use super::entry::MAX_LEAF;
use super::merkle::Hash;
use crate::domain::text::base64_array;
use data_encoding::BASE64;

const LEAF: &[u8] = b"{\"leaf\":";
const SIZE: &[u8] = b",\"size\":";
const ROOT: &[u8] = b",\"root\":\"";
const SIG: &[u8] = b"\",\"sig\":\"";
const END: &[u8] = b"\"}";
const ROOT_CHARS: usize = 44;
const SIG_CHARS: usize = 88;
/// The most digits of a size.
const SIZE_DIGITS: usize = 19;

/// No line is longer, its newline not counted, in bytes.
pub const MAX_LINE: usize =
    LEAF.len() + MAX_LEAF + SIZE.len() + SIZE_DIGITS + ROOT.len() + ROOT_CHARS + SIG.len() + SIG_CHARS + END.len();

/// Why a line is not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than any frame.
    #[error("the line is longer than a frame can be")]
    TooLong,
    /// Not the four parts in their one spelling.
    #[error("the line is not a frame")]
    Malformed,
}

/// An entry's bytes with the checkpoint that it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The leaf's exact bytes, at most [`MAX_LEAF`].
    pub leaf: &'a [u8],
    /// How many entries the log has with this one.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The signature over the checkpoint of `size` and `root`.
    pub signature: [u8; 64],
}

impl<'a> Frame<'a> {
    /// Reads a line without its newline.
    ///
    /// # Errors
    /// [`FrameError`] for every line that [`Frame::write`] would not give.
    pub fn parse(line: &'a [u8]) -> Result<Self, FrameError> {
        if line.len() > MAX_LINE {
            return Err(FrameError::TooLong);
        }
        Self::read(line).ok_or(FrameError::Malformed)
    }

    fn read(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(LEAF)?.strip_suffix(END)?;
        let (rest, sig) = rest.split_at_checked(rest.len().checked_sub(SIG_CHARS)?)?;
        let rest = rest.strip_suffix(SIG)?;
        let (rest, root) = rest.split_at_checked(rest.len().checked_sub(ROOT_CHARS)?)?;
        let rest = rest.strip_suffix(ROOT)?;
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (rest, number) = rest.split_at(rest.len() - digits);
        let leaf = rest.strip_suffix(SIZE)?;
        let canonical = (1..=SIZE_DIGITS).contains(&digits) && number[0] != b'0';
        let object = leaf.len() <= MAX_LEAF && leaf.starts_with(b"{") && leaf.ends_with(b"}");
        if !canonical || !object || leaf.contains(&b'\n') {
            return None;
        }
        Some(Self {
            leaf,
            size: std::str::from_utf8(number).ok()?.parse().ok()?,
            root: Hash::from_base64(root)?,
            signature: base64_array(sig)?,
        })
    }

    /// Writes the line with its newline.
    pub fn write(&self) -> Vec<u8> {
        let size = self.size.to_string();
        let (root, sig) = (self.root.base64(), BASE64.encode(&self.signature));
        [LEAF, self.leaf, SIZE, size.as_bytes(), ROOT, root.as_bytes(), SIG, sig.as_bytes(), END, b"\n"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line() -> Vec<u8> {
        let frame = Frame { leaf: b"{\"a\":1}", size: 12, root: Hash::of(b"r"), signature: [7; 64] };
        let mut line = frame.write();
        assert_eq!(line.pop(), Some(b'\n'));
        assert_eq!(Frame::parse(&line), Ok(frame));
        line
    }

    #[test]
    fn a_frame_has_one_spelling() {
        let good = String::from_utf8(line()).expect("ASCII");
        for (from, to) in [
            ("{\"leaf\"", "{ \"leaf\""),
            ("\"size\":12", "\"size\":012"),
            ("\"size\":12", "\"size\":0"),
            ("\"size\":12", "\"size\": 12"),
            ("\"size\":12", "\"size\":"),
            ("\"size\":12", "\"size\":12345678901234567890"),
            ("\"size\":12,", "\"size\":12,\"size\":12,"),
            ("\"leaf\":{\"a\":1}", "\"leaf\":[1]"),
            ("\"leaf\":{\"a\":1}", "\"leaf\": {\"a\":1}"),
            ("\"leaf\":{\"a\":1}", "\"leaf\":{\"a\":1} "),
            ("\"leaf\":{\"a\":1}", "\"leaf\":{\"a\":\n1}"),
            ("==\"}", "==\" }"),
            ("==\"}", "==\"}\n"),
            ("==\"}", "B=\"}"),
            ("==\"}", "\"}"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "the case changes something");
            // A second size is part of no leaf: what is left then is not an object.
            assert_eq!(Frame::parse(bad.as_bytes()), Err(FrameError::Malformed), "{bad}");
        }
        assert_eq!(Frame::parse(&vec![b'x'; MAX_LINE + 1]), Err(FrameError::TooLong));
    }

    #[test]
    fn root_and_signature_have_one_spelling_of_their_length() {
        let good = String::from_utf8(line()).expect("ASCII");
        let (root, signature) = (Hash::of(b"r"), [7; 64]);
        let spellings = |bytes: &[u8], cut: usize| {
            let (begin, end) = bytes.split_at(cut);
            (BASE64.encode(bytes), BASE64.encode(begin) + &BASE64.encode(end))
        };
        for (one, other) in [spellings(&root.0, 2), spellings(&signature, 1)] {
            assert_eq!(one.len(), other.len());
            let bad = good.replacen(&one, &other, 1);
            assert_ne!(bad, good, "the case changes something");
            assert_eq!(Frame::parse(bad.as_bytes()), Err(FrameError::Malformed), "{bad}");
        }
    }

    #[test]
    fn the_longest_leaf_fits_and_one_byte_more_does_not() {
        for (length, fits) in [(MAX_LEAF, true), (MAX_LEAF + 1, false)] {
            let leaf = [b"{\"", &vec![b'x'; length - 6][..], b"\":1}"].concat();
            for size in [1, 9_999_999_999_999_999_999] {
                let frame = Frame { leaf: &leaf, size, root: Hash::of(b"r"), signature: [7; 64] };
                let line = frame.write();
                assert_eq!(Frame::parse(&line[..line.len() - 1]).is_ok(), fits, "{length} {size}");
                assert_eq!(line.len() - 1 == MAX_LINE, fits && size > 1, "{length} {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_what_would_be_written(at in 0..300_usize, byte: u8) {
            let mut line = line();
            let at = at % line.len();
            line[at] = byte;
            if let Ok(frame) = Frame::parse(&line) {
                let written = frame.write();
                prop_assert_eq!(&written[..written.len() - 1], &line[..]);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(line in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Frame::parse(&line);
        }
    }
}
