//! A line of the log of any bytes: what is read is what would be written, and so is the entry in it.
#![no_main]

use jit::domain::audit::{Entry, Frame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = Frame::parse(bytes) {
        assert_eq!(frame.write(), [bytes, b"\n"].concat());
        if let Ok(entry) = Entry::parse(frame.leaf) {
            assert_eq!(Entry::parse(&entry.encode()).ok(), Some(entry));
        }
    }
});
