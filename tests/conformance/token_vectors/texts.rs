//! Texts that are cut, padded, joined or encoded wrongly.

use super::{APPROVAL, Repeat, Vector, bad, signed, with};

pub fn vectors() -> Vec<Vector> {
    let shape = "a token is `jit1.`, a message, `.` and a signature";
    let message = "the message is not base64url without padding";
    let signature = "the signature is not base64url without padding";
    let good = signed(APPROVAL);
    let (head, tail) = good.rsplit_once('.').expect("two dots");
    let body = head.strip_prefix("jit1.").expect("a prefix");
    // One byte over a multiple of three, so that the last character has unused bits.
    let uneven = signed(of_length(601));
    let (uneven_head, uneven_tail) = uneven.rsplit_once('.').expect("two dots");
    let loose_bits = format!("{}.{uneven_tail}", trailing_bits(uneven_head));
    let mut huge = bad(
        "text-huge",
        "a megabyte is refused before it is read",
        "jit1.".to_owned(),
        "the token has 1048581 bytes, 8192 are allowed",
    );
    huge.repeat = Some(Repeat { text: "A", times: 1_048_576 });
    let long = signed(with(APPROVAL, "reason", &"%FF".repeat(2_000)));
    vec![
        super::good("longest-text", "8,192 bytes", &of_length(6_042)),
        huge,
        bad(
            "text-too-long",
            "one byte more than the longest message",
            signed(of_length(6_043)),
            "the token has 8194 bytes, 8192 are allowed",
        ),
        bad(
            "text-long",
            "a reason of 2,000 bytes that all need an escape",
            long,
            "the token has 8615 bytes, 8192 are allowed",
        ),
        bad("text-empty", "nothing", String::new(), shape),
        bad("text-prefix", "another version", good.replacen("jit1.", "jit2.", 1), shape),
        bad("text-upper-prefix", "the prefix is lowercase", good.replacen("jit1.", "JIT1.", 1), shape),
        bad("text-no-signature", "the message alone", head.to_owned(), shape),
        bad(
            "text-empty-signature",
            "nothing after the second dot",
            format!("{head}."),
            "the signature part has 0 bytes, not 97",
        ),
        bad("text-third-part", "something after the signature", format!("{good}.AAAA"), shape),
        bad("text-last-dot", "a dot at the end", format!("{good}."), shape),
        bad("text-swapped", "the parts in the wrong order", format!("jit1.{tail}.{body}"), "unknown kind of key: 106"),
        bad("text-newline", "a file's line end is taken off by its reader", format!("{good}\n"), signature),
        bad("text-space", "white space in front", format!(" {good}"), shape),
        bad("text-inner-space", "white space within", good.replacen("jit1.", "jit1. ", 1), message),
        bad("text-non-ascii", "a letter that looks like `a`", good.replacen("jit1.a", "jit1.\u{430}", 1), message),
        bad("text-padding", "base64 padding", format!("{good}=="), signature),
        bad("text-padded-message", "base64 padding within", format!("{}=.{tail}", head), message),
        bad("text-standard-alphabet", "`/` is base64, not base64url", format!("{head}./{}", &tail[1..]), signature),
        bad("text-trailing-bits", "unused bits are not zero", format!("{head}.{}", trailing_bits(tail)), signature),
        bad("text-message-trailing-bits", "unused bits are not zero", loose_bits, message),
        bad("text-cut", "the last character is missing", good[..good.len() - 1].to_owned(), signature),
        bad(
            "text-cut-more",
            "the last two characters are missing",
            good[..good.len() - 2].to_owned(),
            "the signature part has 96 bytes, not 97",
        ),
    ]
}

/// A good message of so many bytes.
fn of_length(bytes: usize) -> String {
    let short = with(APPROVAL, "repo", "x");
    with(&short, "repo", &"x".repeat(bytes - short.len() + 1))
}

/// Replaces the last character by the next of the alphabet: the unused bits below it change, the bytes do not.
fn trailing_bits(part: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = part.split_at(part.len() - 1);
    let at = alphabet.find(last).expect("base64url");
    format!("{head}{}", &alphabet[at + 1..at + 2])
}
