//! Tokens in push variables (docs/spec/published.md, "Push variables").

use std::collections::BTreeMap;

/// The name of the variable, alone or followed by `_` and a number.
const NAME: &[u8] = b"JIT_TOKEN";
/// What every token begins with.
const BEGIN: &[u8] = b"jit1.";

/// Puts together the tokens that `pushvars` offer; names are in upper case.
///
/// Mercurial limits a value to 255 bytes, so a token comes in pieces. They follow each other by number; the name alone counts as 0.
/// A value that begins as a token does begins another one.
pub(super) fn offers(pushvars: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<Vec<u8>> {
    let mut pieces: Vec<(u64, &Vec<u8>)> =
        pushvars.iter().filter_map(|(name, value)| Some((number(name)?, value))).collect();
    // Stable: of `_1` and `_01` the first by name comes first.
    pieces.sort_by_key(|(number, _)| *number);
    let mut offers: Vec<Vec<u8>> = Vec::new();
    for (_, piece) in pieces {
        match offers.last_mut() {
            Some(last) if !piece.starts_with(BEGIN) => last.extend_from_slice(piece),
            _ => offers.push(piece.clone()),
        }
    }
    offers
}

fn number(name: &[u8]) -> Option<u64> {
    match name.strip_prefix(NAME)? {
        [] => Some(0),
        [b'_', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => str::from_utf8(digits).ok()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_together_by_number() {
        /// The variables, and the tokens in them.
        type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str]);
        let cases: [Case<'_>; 7] = [
            (&[], &[]),
            (&[("JIT_TOKEN", "jit1.a.b")], &["jit1.a.b"]),
            (
                &[("JIT_TOKEN", "jit1.a"), ("JIT_TOKEN_1", ".b"), ("JIT_TOKEN_10", "d"), ("JIT_TOKEN_2", "c")],
                &["jit1.a.bcd"],
            ),
            (&[("JIT_TOKEN_1", "jit1.a"), ("JIT_TOKEN_2", "jit1.b"), ("JIT_TOKEN_3", "c")], &["jit1.a", "jit1.bc"]),
            (&[("JIT_TOKEN_1", "x"), ("JIT_TOKEN_2", "jit1.b")], &["x", "jit1.b"]),
            (&[("JIT_TOKEN_01", "jit1.a"), ("JIT_TOKEN_1", "b")], &["jit1.ab"]),
            (&[("JIT_TOKENS", "jit1.a"), ("JIT_TOKEN_", "jit1.b"), ("JIT_TOKEN_X", "jit1.c"), ("DEBUG", "1")], &[]),
        ];
        for (pushvars, expected) in cases {
            let given = pushvars.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
            let expected: Vec<Vec<u8>> = expected.iter().map(|text| text.as_bytes().to_vec()).collect();
            assert_eq!(offers(&given.collect()), expected, "{pushvars:?}");
        }
    }
}
