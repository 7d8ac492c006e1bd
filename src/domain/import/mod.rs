//! Policies from files by which other programs say who reviews what, who may push, and whose keys are trusted.
//!
//! Such a file is text from outside: whatever it holds ends up as a TOML string, or, where a policy cannot say the same, escaped in a
//! comment with the number of its line. What is printed loads. Rules need people with keys, which these files seldom have: a key that
//! nobody holds stands in their place, so that nothing is let in until it is replaced.

mod allowed_signers;
mod codeowners;
mod glob;
mod hg_acl;
mod hgrc;
mod owners;
mod people;
mod written;

pub use allowed_signers::allowed_signers;
pub use codeowners::codeowners;
pub use hg_acl::hg_acl;

use super::policy::limits;

/// Why no policy can be made of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The policy would be larger than one that loads.
    #[error("the policy would have more than {} bytes, or more than {} rules", limits::FILE_BYTES, limits::RULES)]
    TooLarge,
}

/// Returns the lines of a file with their numbers, from 1; a byte order mark and carriage returns are taken away.
fn lines(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let bare = |line| <[u8]>::strip_suffix(line, b"\r").unwrap_or(line);
    text.split(|byte| *byte == b'\n').map(bare).enumerate().map(|(at, line)| (at + 1, line))
}

#[cfg(test)]
mod tests;
