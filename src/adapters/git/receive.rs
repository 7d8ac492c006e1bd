//! What Git hands to a server's hooks: one line for each ref on standard input, push options in the environment.
//!
//! Ids and names are the client's words; `claims` holds them against the repository.

use crate::domain::change::{ChangesetId, IdKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Refs, and push options, that one push may name.
const MOST_LINES: usize = 10_000;
/// Bytes of a line: two ids of 64 digits and a name as long as a path may be.
const LONGEST_LINE: usize = 2 * 65 + 4096;

/// One line: this ref should move from here to there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The value before, as the client says; `None`: it does not exist.
    pub old: Option<ChangesetId>,
    /// The value after; `None`: it is to be deleted.
    pub new: Option<ChangesetId>,
    /// The full refname, as sent.
    pub refname: Vec<u8>,
}

/// Why the hook's input cannot be read. Git itself writes it, so this is no decision about the push.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// No line at all.
    #[error("the push names no ref")]
    Empty,
    /// More lines, or push options, than a push may have.
    #[error("the push names more than {limit} {what}")]
    TooMany {
        /// Refs or push options.
        what: &'static str,
        /// How many are read at most.
        limit: usize,
    },
    /// A line is not `old SP new SP refname LF` with full ids of the repository's hash.
    #[error("line {number} is not `old new refname`")]
    NotALine {
        /// Counted from 1.
        number: usize,
    },
    /// The environment announces push options that it does not hold.
    #[error("the push options in the environment do not match their number")]
    PushOptions,
}

/// Reads what a pre-receive or post-receive hook finds on its standard input.
///
/// # Errors
/// [`ReceiveError`].
pub fn read_claims(input: &[u8], kind: IdKind) -> Result<Vec<Claim>, ReceiveError> {
    let Some((b'\n', lines)) = input.split_last() else {
        return Err(if input.is_empty() {
            ReceiveError::Empty
        } else {
            ReceiveError::NotALine { number: input.iter().filter(|byte| **byte == b'\n').count() + 1 }
        });
    };
    let mut claims = Vec::new();
    for (place, line) in lines.split(|byte| *byte == b'\n').enumerate() {
        if place >= MOST_LINES {
            return Err(ReceiveError::TooMany { what: "refs", limit: MOST_LINES });
        }
        claims.push(read_claim(line, kind).ok_or(ReceiveError::NotALine { number: place + 1 })?);
    }
    Ok(claims)
}

fn read_claim(line: &[u8], kind: IdKind) -> Option<Claim> {
    let digits = kind.length() * 2;
    if line.len() > LONGEST_LINE {
        return None;
    }
    let (old, rest) = line.split_at_checked(digits)?;
    let (new, refname) = rest.strip_prefix(b" ")?.split_at_checked(digits)?;
    let refname = refname.strip_prefix(b" ")?;
    if refname.is_empty() || refname.contains(&0) {
        return None;
    }
    let id = |hex: &[u8]| -> Option<Option<ChangesetId>> {
        if hex.iter().all(|digit| *digit == b'0') {
            return Some(None);
        }
        ChangesetId::from_hex(kind, str::from_utf8(hex).ok()?).ok().map(Some)
    };
    Some(Claim { old: id(old)?, new: id(new)?, refname: refname.to_vec() })
}

/// Returns the push options, from `GIT_PUSH_OPTION_COUNT` and `GIT_PUSH_OPTION_0` and so on in `environment`.
///
/// # Errors
/// [`ReceiveError::TooMany`], [`ReceiveError::PushOptions`].
pub fn push_options(environment: &BTreeMap<OsString, OsString>) -> Result<Vec<Vec<u8>>, ReceiveError> {
    let Some(count) = environment.get(&OsString::from("GIT_PUSH_OPTION_COUNT")) else { return Ok(Vec::new()) };
    let count: usize = count.to_str().and_then(|count| count.parse().ok()).ok_or(ReceiveError::PushOptions)?;
    if count > MOST_LINES {
        return Err(ReceiveError::TooMany { what: "push options", limit: MOST_LINES });
    }
    let option = |place: usize| {
        let value = environment.get(&OsString::from(format!("GIT_PUSH_OPTION_{place}")));
        value.cloned().map(OsStringExt::into_vec).ok_or(ReceiveError::PushOptions)
    };
    (0..count).map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    const A: &str = "1111111111111111111111111111111111111111";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn a_line_is_two_full_ids_and_a_name_of_any_bytes() {
        let mut input = format!("{ZERO} {A} refs/heads/main\n{A} {ZERO} refs/heads/a b").into_bytes();
        input.extend_from_slice(b"\xff\n");
        let claims = read_claims(&input, IdKind::GitSha1).expect("two lines");
        let id = ChangesetId::from_hex(IdKind::GitSha1, A).ok();
        assert_eq!(claims[0], Claim { old: None, new: id, refname: b"refs/heads/main".to_vec() });
        assert_eq!(claims[1], Claim { old: id, new: None, refname: b"refs/heads/a b\xff".to_vec() });
    }

    #[test]
    fn input_that_git_does_not_write_is_refused() {
        let good = format!("{A} {A} refs/x\n");
        let long = format!("{A} {A} refs/{}\n", "x".repeat(5000));
        let cases = [
            (String::new(), ReceiveError::Empty),
            (good.trim_end().to_owned(), ReceiveError::NotALine { number: 1 }),
            (format!("{good}{A}"), ReceiveError::NotALine { number: 2 }),
            (format!("{good}\n"), ReceiveError::NotALine { number: 2 }),
            (format!("{A} {A} \n"), ReceiveError::NotALine { number: 1 }),
            (format!("{A} {A} refs/a\0b\n"), ReceiveError::NotALine { number: 1 }),
            (format!("{A}  {A} refs/a\n"), ReceiveError::NotALine { number: 1 }),
            (format!("{} {A} refs/a\n", A.replace('1', "A")), ReceiveError::NotALine { number: 1 }),
            (format!("{}é{A} refs/a\n", &A[..39]), ReceiveError::NotALine { number: 1 }),
            (long, ReceiveError::NotALine { number: 1 }),
            (good.repeat(10_001), ReceiveError::TooMany { what: "refs", limit: 10_000 }),
        ];
        for (input, expected) in cases {
            assert_eq!(read_claims(input.as_bytes(), IdKind::GitSha1), Err(expected));
        }
        assert!(read_claims(good.as_bytes(), IdKind::GitSha256).is_err());
        assert_eq!(read_claims(good.repeat(10_000).as_bytes(), IdKind::GitSha1).map(|all| all.len()), Ok(10_000));
    }

    #[test]
    fn push_options_are_as_many_as_announced() {
        let environment = |pairs: &[(&str, &[u8])]| -> BTreeMap<OsString, OsString> {
            pairs.iter().map(|(key, value)| (key.into(), std::ffi::OsStr::from_bytes(value).into())).collect()
        };
        assert_eq!(push_options(&environment(&[])), Ok(vec![]));
        let two: [(&str, &[u8]); 3] =
            [("GIT_PUSH_OPTION_COUNT", b"2"), ("GIT_PUSH_OPTION_0", b"a\xff"), ("GIT_PUSH_OPTION_1", b"")];
        assert_eq!(push_options(&environment(&two)), Ok(vec![b"a\xff".to_vec(), vec![]]));
        assert_eq!(push_options(&environment(&two[..2])), Err(ReceiveError::PushOptions));
        for count in ["-1", "x", ""] {
            let environment = environment(&[("GIT_PUSH_OPTION_COUNT", count.as_bytes())]);
            assert_eq!(push_options(&environment), Err(ReceiveError::PushOptions));
        }
        let many = environment(&[("GIT_PUSH_OPTION_COUNT", b"10001")]);
        assert_eq!(push_options(&many), Err(ReceiveError::TooMany { what: "push options", limit: 10_000 }));
    }
}
