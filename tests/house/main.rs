//! The house rules: what the floors may use, where outside things are named, how files are kept.
//!
//! Each file holds one rule or a few that look at the same thing. Each rule is a function from sources to faults, has a test
//! that the repository as it stands has none, and a test that a small bad text is found out. A fault names file and line.

mod fault;
mod files;
mod floors;
mod glossary;
mod lints;
mod named_paths;
mod outside;
mod prose;
mod reach;
mod source;
mod threats;
mod token;
mod tree;
