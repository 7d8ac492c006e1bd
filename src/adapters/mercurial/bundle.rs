//! Approvals as a Mercurial bundle, written without Mercurial (docs/spec/published.md).
//!
//! An approval is the description of a changeset without parents, whose manifest is empty and which closes its branch. So it conflicts
//! with nothing, adds no file, and the server's hook has its text in hand. `hg push -f -R token.hg URL` sends it from the file:
//! nothing is added to the approver's clone.
//!
//! The file is a bundle2 (`HG20`): one `CHANGEGROUP` part in version 02, in which each revision is its node, parents, the
//! base of its delta, the changeset that it belongs to, and the delta. All numbers are big-endian.

use super::changelog::{APPROVAL_EXTRA, LONGEST_TOKEN, node_of};
use crate::domain::change::{ChangesetId, IdKind};
use crate::domain::time::Timestamp;

/// The most approvals in one bundle.
pub const MOST_TOKENS: usize = 1000;
const NULL: [u8; 20] = [0; 20];

/// Why no bundle can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A changeset's user is one line, and not an empty one.
    #[error("a changeset's user is one line of text")]
    User,
    /// A text is not a token: printable ASCII without spaces that begins with `jit1.`, of a limited length.
    #[error("not a token")]
    Token,
    /// There is nothing to send, too much, or the same twice.
    #[error("a bundle holds from one to {MOST_TOKENS} different tokens")]
    Count,
}

/// A bundle with approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBundle {
    /// The changesets that it holds, in the order of the tokens: what `hg push -r` and the server's answer name.
    pub ids: Vec<ChangesetId>,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

impl TokenBundle {
    /// Writes a changeset for each of `tokens`, with `user` and `time` in it. Both are for people to read: who signed is
    /// in the token.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn new(tokens: &[&str], user: &str, time: Timestamp) -> Result<Self, BundleError> {
        if user.trim().is_empty() || user.chars().any(char::is_control) {
            return Err(BundleError::User);
        }
        if tokens.is_empty() || tokens.len() > MOST_TOKENS {
            return Err(BundleError::Count);
        }
        let (mut ids, mut group) = (Vec::new(), Vec::new());
        for token in tokens {
            let text = changeset(token, user, time)?;
            let node = node_of([NULL, NULL], &text);
            let id = ChangesetId::from_bytes(IdKind::HgSha1, &node).map_err(|_| BundleError::Token)?;
            if ids.contains(&id) {
                return Err(BundleError::Count);
            }
            ids.push(id);
            revision(&mut group, node, &text);
        }
        // The ends of the changesets, of no manifests, and of no files.
        group.extend_from_slice(&[0; 12]);
        Ok(Self { ids, bytes: bundle2(&group, tokens.len()) })
    }
}

fn changeset(token: &str, user: &str, time: Timestamp) -> Result<Vec<u8>, BundleError> {
    let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain || !token.starts_with("jit1.") || token.len() > LONGEST_TOKEN {
        return Err(BundleError::Token);
    }
    let mut text = format!("{}\n{}\n{} 0 ", "0".repeat(40), user.trim(), time.unix()).into_bytes();
    text.extend_from_slice(APPROVAL_EXTRA);
    text.extend_from_slice(b"\n\n");
    text.extend_from_slice(token.as_bytes());
    Ok(text)
}

/// Adds one revision: a length that counts itself, the five ids, and a delta that replaces nothing by the whole text.
fn revision(group: &mut Vec<u8>, node: [u8; 20], text: &[u8]) {
    let length = number(text.len());
    let ids = [node, NULL, NULL, NULL, node].concat();
    let delta = [&[0; 8], &length[..], text].concat();
    group.extend_from_slice(&number(4 + ids.len() + delta.len()));
    group.extend_from_slice(&ids);
    group.extend_from_slice(&delta);
}

fn bundle2(group: &[u8], count: usize) -> Vec<u8> {
    let count = count.to_string();
    let parameters = [("version", "02"), ("nbchanges", count.as_str())];
    let kind = b"CHANGEGROUP";
    let mut header = vec![short(kind.len())];
    header.extend_from_slice(kind);
    header.extend_from_slice(&number(0)); // the part's id
    header.extend_from_slice(&[1, 1]); // one parameter that must be understood, one that need not be
    header.extend(parameters.iter().flat_map(|(key, value)| [short(key.len()), short(value.len())]));
    header.extend(parameters.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]).flatten());

    let mut bytes = b"HG20".to_vec();
    bytes.extend_from_slice(&number(0)); // no parameters of the stream
    bytes.extend_from_slice(&number(header.len()));
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&number(group.len()));
    bytes.extend_from_slice(group);
    bytes.extend_from_slice(&[0; 8]); // no more of this part, no more parts
    bytes
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("a thousand tokens stay far below four gigabytes").to_be_bytes()
}

fn short(length: usize) -> u8 {
    u8::try_from(length).expect("the words of the format are short")
}

#[cfg(test)]
mod tests {
    use super::super::changelog::Read;
    use super::*;

    fn time() -> Timestamp {
        Timestamp::parse("2026-11-21T20:00:00Z").expect("a time")
    }

    #[test]
    fn what_is_written_is_read_as_a_token() {
        let bundle = TokenBundle::new(&["jit1.a.b", "jit1.c.d"], "Alice <alice@example.com>", time()).expect("written");
        let text = changeset("jit1.a.b", "Alice <alice@example.com>", time()).expect("a changeset");
        let read = Read::new(bundle.ids[0], [None, None], &text).expect("well formed");
        assert_eq!(read.token(), Ok("jit1.a.b".to_owned()));
        assert!(bundle.bytes.windows(text.len()).any(|window| window == text));
        assert_eq!(bundle.ids.len(), 2);
    }

    #[test]
    fn what_no_server_would_take_is_not_written() {
        let long = format!("jit1.{}", "a".repeat(LONGEST_TOKEN));
        let cases: [(&[&str], &str, BundleError); 9] = [
            (&[], "alice", BundleError::Count),
            (&["jit1.a", "jit1.a"], "alice", BundleError::Count),
            (&["jit1.a"], "", BundleError::User),
            (&["jit1.a"], "alice\nbob", BundleError::User),
            (&["jit1.a"], "alice\0", BundleError::User),
            (&["jit2.a"], "alice", BundleError::Token),
            (&["jit1.a b"], "alice", BundleError::Token),
            (&["jit1.ä"], "alice", BundleError::Token),
            (&[&long], "alice", BundleError::Token),
        ];
        for (tokens, user, error) in cases {
            assert_eq!(TokenBundle::new(tokens, user, time()), Err(error), "{user:?}");
        }
    }
}
