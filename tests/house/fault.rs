//! A breach of a house rule, and the one way to demand that there is none.

use std::fmt;

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, relative to the repository.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what the rule asks.
    pub what: String,
}

impl Fault {
    /// Names a fault.
    pub fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Fails with every fault, one a line.
#[track_caller]
pub fn assert_none(faults: &[Fault]) {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(faults.is_empty(), "\n{}\n", lines.join("\n"));
}

/// Fails unless the faults are exactly these, as they are printed.
#[track_caller]
pub fn assert_lines(faults: &[Fault], expected: &[&str]) {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert_eq!(lines, expected);
}
