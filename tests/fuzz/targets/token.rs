//! A token of any text: what is read is what would be written.
#![no_main]

use jit::domain::approval::{SignedToken, Token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(token) = Token::parse_message(bytes) {
        assert_eq!(token.message().expect("it was read").as_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(signed) = SignedToken::parse(text) {
        assert_eq!(signed.text, text);
    }
});
