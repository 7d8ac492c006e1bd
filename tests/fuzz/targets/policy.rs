//! A policy of one or two files, of any bytes: it loads, or every fault points into it.
#![no_main]

use jit::domain::policy::{PolicyFile, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The files are parted by a NUL, which no TOML holds.
    let parts = bytes.splitn(2, |byte| *byte == 0);
    let name = |number: usize| format!("{number}.toml");
    let files: Vec<PolicyFile> =
        parts.enumerate().map(|(number, text)| PolicyFile { name: name(number), text: text.to_vec() }).collect();
    match load(&files) {
        Ok(policy) => {
            let backwards: Vec<PolicyFile> = files.into_iter().rev().collect();
            assert_eq!(load(&backwards).map(|again| again.digest).ok(), Some(policy.digest));
        }
        Err(faults) => {
            assert!(!faults.list().is_empty(), "refused for no reason");
            for place in faults.list().iter().filter_map(|fault| fault.place.as_ref()) {
                let (line, column) = faults.line_and_column(place);
                assert!(line > 0 && column > 0 && !faults.file_name(place).is_empty());
            }
        }
    }
});
