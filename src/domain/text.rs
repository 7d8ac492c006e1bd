//! How arbitrary bytes are written in tokens, log entries and paths on disk (docs/spec/token.md, "Values").
//!
//! Printable ASCII stands as it is; a space, `%` and every other byte become `%XX` with uppercase digits.
//! There is exactly one spelling of each byte string: [`decode`] refuses all others, and so does [`decode_base64`]. What people read is
//! written by [`safe`] instead, which nobody reads back.

use data_encoding::{BASE64_NOPAD, HEXLOWER};
use std::fmt;

/// Escapes what could move a cursor, hide or reorder text: control characters, line separators and
/// direction changes become `\u{…}`; bytes that are not UTF-8 become `\xNN`.
pub fn safe(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if hostile(c) { text.extend(c.escape_unicode()) } else { text.push(c) }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Keeps the beginning of a text, with an ellipsis for the rest: so many characters at most.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// As [`safe`], of a text that has lines and tabs: these stay.
pub fn safe_lines(bytes: &[u8]) -> String {
    let columns = |line: &[u8]| line.split(|byte| *byte == b'\t').map(safe).collect::<Vec<_>>().join("\t");
    bytes.split(|byte| *byte == b'\n').map(columns).collect::<Vec<_>>().join("\n")
}

/// Tells of control characters, and of the format characters that reorder or hide text (Unicode TR36, "Bidirectional text
/// spoofing").
pub fn hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Encodes `bytes` as printable ASCII without spaces; bytes in `also` are escaped too.
pub fn encode(bytes: &[u8], also: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    write_encoded(&mut text, bytes, also).expect("a string takes everything");
    text
}

/// As [`encode`], to where somebody writes.
///
/// # Errors
/// Those of `to`.
pub fn write_encoded(to: &mut dyn fmt::Write, bytes: &[u8], also: &[u8]) -> fmt::Result {
    let mut rest = bytes;
    while let Some(escaped) = rest.iter().position(|byte| !stands(*byte, also)) {
        let (plain, tail) = rest.split_at(escaped);
        write!(to, "{}%{:02X}", ascii(plain), tail[0])?;
        rest = &tail[1..];
    }
    to.write_str(ascii(rest))
}

/// Bytes of which each [`stands`].
fn ascii(plain: &[u8]) -> &str {
    str::from_utf8(plain).unwrap_or_default()
}

/// Why a text is not the one encoding of any bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not in percent-encoded form: `{0}`")]
pub struct NotEncoded(pub String);

/// Decodes what [`encode`] wrote with the same `also`.
///
/// # Errors
/// [`NotEncoded`] for bytes that should have been escaped, escapes that were not needed, and lowercase digits.
pub fn decode(text: &str, also: &[u8]) -> Result<Vec<u8>, NotEncoded> {
    let refuse = || NotEncoded(encode(text.as_bytes(), b""));
    if text.bytes().all(|byte| stands(byte, also)) {
        return Ok(text.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, is_escaped, after) = match first {
            b'%' => {
                let (digits, after) = tail.split_at_checked(2).ok_or_else(refuse)?;
                (data_encoding::HEXUPPER.decode(digits).map_err(|_| refuse())?[0], true, after)
            }
            plain => (*plain, false, tail),
        };
        if stands(byte, also) == is_escaped {
            return Err(refuse());
        }
        bytes.push(byte);
        rest = after;
    }
    Ok(bytes)
}

/// Tells whether a byte is written as it is.
fn stands(byte: u8, also: &[u8]) -> bool {
    byte.is_ascii_graphic() && byte != b'%' && !also.contains(&byte)
}

/// Decodes padded base64 (RFC 4648 section 4); `None` for every text but the one that encoding gives.
///
/// The library takes padding in the middle of a text as the end of a part, so that some bytes have several spellings.
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    BASE64_NOPAD.decode(without_padding(text)?).ok()
}

/// As [`decode_base64`], of exactly so many bytes.
pub fn base64_array<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (digits, mut bytes) = (without_padding(text)?, [0; N]);
    let fits = BASE64_NOPAD.decode_len(digits.len()) == Ok(N);
    (fits && BASE64_NOPAD.decode_mut(digits, &mut bytes).is_ok()).then_some(bytes)
}

/// Takes off the padding, if it fills the last group of four.
fn without_padding(text: &[u8]) -> Option<&[u8]> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    text.len().is_multiple_of(4).then_some(digits)
}

/// Decodes exactly so many bytes in lowercase hex digits.
pub fn hex_array<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    (digits.len() == 2 * N && HEXLOWER.decode_mut(digits.as_bytes(), &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;
    use proptest::prelude::*;

    #[test]
    fn every_byte_survives_a_round_trip() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all, b""), b"").as_deref(), Ok(&all[..]));
        assert_eq!(decode(&encode(&all, b","), b",").as_deref(), Ok(&all[..]));
    }

    #[test]
    fn lines_and_tabs_stay_and_nothing_else_that_steers_a_terminal() {
        let text = b"+\ta\x1b[2J\n-\xffb\r\n\n";
        assert_eq!(safe_lines(text), "+\ta\\u{1b}[2J\n-\\xffb\\u{d}\n\n");
    }

    #[test]
    fn only_one_spelling_is_accepted() {
        for text in ["a b", "a%2", "a%", "%zz", "%41", "%2f", "%c3%a9", "é", "a\nb"] {
            assert!(decode(text, b"").is_err(), "{text}");
        }
        assert!(decode("a,b", b",").is_err());
        assert_eq!(decode_base64(b"YWJjZA=="), Some(b"abcd".to_vec()));
        for text in ["YWI=Y2Q=", "YQ==YmNk", "YWJjZA", "YWJjZB==", "YWJj\nZA==", "YWJjZA==\n", "YWJjZA==="] {
            assert_eq!(decode_base64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(base64_array(b"YWJjZA=="), Some(*b"abcd"));
        for text in ["YWJjZB==", "YWJj", "YWJjZGU="] {
            assert_eq!(base64_array::<4>(text.as_bytes()), None, "{text}");
        }
        assert_eq!(hex_array("0aff"), Some([10, 255]));
        for text in ["0aFf", "0af", "0afff", "0aff00", "0agf", ""] {
            assert_eq!(hex_array::<2>(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn base64_is_read_as_it_is_written(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode_base64(BASE64.encode(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn base64_that_is_read_would_be_written_so(text in "[AQgw9/+=]{0,16}") {
            if let Some(bytes) = decode_base64(text.as_bytes()) {
                prop_assert_eq!(BASE64.encode(&bytes), text);
            }
        }
    }
}
