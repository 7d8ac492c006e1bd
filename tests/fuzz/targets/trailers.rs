//! A commit message of any bytes: each trailer is a plain key and one line, and written plainly they are read as the same.
#![no_main]

use jit::domain::change::{Trailer, trailers};
use libfuzzer_sys::fuzz_target;

/// Longer blocks of trailers are not read.
const LONGEST: usize = 64 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let Some(found) = trailers(bytes) else {
        assert!(bytes.contains(&0) || bytes.len() > LONGEST, "refused for no reason");
        return;
    };
    let mut plain = b"title\n\n".to_vec();
    for Trailer { key, value } in &found {
        assert!(!key.is_empty() && key.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-'));
        assert!(!value.contains(&b'\n'));
        plain.extend([&key[..], b": ", value, b"\n"].concat());
    }
    if plain.len() <= LONGEST {
        assert_eq!(trailers(&plain), Some(found));
    }
});
