//! Changesets that say something and change nothing, as a Mercurial bundle, written without Mercurial (docs/spec/published.md).
//!
//! Approvals, policies and requests are the descriptions of changesets whose manifest is empty and which close their branch. So they
//! conflict with nothing, add no file, and the server's hook has their text in hand. `hg push -f -R FILE URL` sends them from the file:
//! nothing is added to the sender's clone.
//!
//! The file is a bundle2 (`HG20`): one `CHANGEGROUP` part in version 02, in which each revision is its node, parents, the
//! base of its delta, the changeset that it belongs to, and the delta. All numbers are big-endian.

use super::changelog::{APPROVALS_BRANCH, LONGEST_TOKEN, bytes_of, node_of};
use crate::domain::change::{ChangesetId, IdKind};
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;

/// The most changesets in one bundle.
pub const MOST_TOKENS: usize = 1000;
/// The longest description of a changeset that is written, in bytes: a policy's files and their escapes.
const LONGEST_DESCRIPTION: usize = 64 * 1024 * 1024;
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
    /// A description is empty, begins or ends with white space, or is too long: Mercurial would not keep it as it is.
    #[error("not a description that Mercurial keeps")]
    Description,
    /// There is nothing to send, too much, or the same twice.
    #[error("a bundle holds from one to {MOST_TOKENS} different changesets")]
    Count,
}

/// A changeset with an empty manifest that closes its branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed<'t> {
    /// Its named branch: plain letters, digits and dashes.
    pub branch: &'t str,
    /// Its only parent, if it has one.
    pub parent: Option<ChangesetId>,
    /// Who wrote it, for people to read.
    pub user: &'t str,
    /// When, for people to read.
    pub time: Timestamp,
    /// What it says.
    pub description: &'t str,
}

/// A bundle of such changesets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The changesets that it holds, in the order given: what `hg push -r` and the server's answer name.
    pub ids: Vec<ChangesetId>,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

impl Bundle {
    /// Writes a changeset for each of `tokens`, with `user` and `time` in it. Both are for people to read: who signed is
    /// in the token.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn of_tokens(tokens: &[&str], user: &str, time: Timestamp) -> Result<Self, BundleError> {
        let is_token = |text: &&str| {
            text.starts_with("jit1.") && text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !tokens.iter().all(is_token) {
            return Err(BundleError::Token);
        }
        let closed = |description| Closed { branch: APPROVALS_BRANCH, parent: None, user, time, description };
        Self::new(&tokens.iter().copied().map(closed).collect::<Vec<_>>(), false)
    }

    /// Writes `changesets`; a parent stands in the repository already. With `public` they are public wherever the bundle is read.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn new(changesets: &[Closed<'_>], public: bool) -> Result<Self, BundleError> {
        let (ids, mut parts) = changegroup(changesets)?;
        if public {
            let public_head = |id: &ChangesetId| [&number(0)[..], id.as_bytes()].concat();
            parts.push(part("phase-heads", 1, &[], &ids.iter().flat_map(public_head).collect::<Vec<_>>()));
        }
        Ok(Self { ids, bytes: bundle2(&parts) })
    }

    /// Writes `changeset` and sets the bookmark `name` on it.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn named(changeset: &Closed<'_>, name: &RequestId) -> Result<Self, BundleError> {
        let (ids, mut parts) = changegroup(std::slice::from_ref(changeset))?;
        let name = name.to_string();
        let length = [0, short(name.len())];
        let bookmark = |id: &ChangesetId| [id.as_bytes(), &length, name.as_bytes()].concat();
        parts.push(part("BOOKMARKS", 1, &[], &ids.iter().flat_map(bookmark).collect::<Vec<_>>()));
        Ok(Self { ids, bytes: bundle2(&parts) })
    }
}

/// The part with these changesets, and their ids.
fn changegroup(changesets: &[Closed<'_>]) -> Result<(Vec<ChangesetId>, Vec<Vec<u8>>), BundleError> {
    if changesets.is_empty() || changesets.len() > MOST_TOKENS {
        return Err(BundleError::Count);
    }
    let (mut ids, mut group) = (Vec::new(), Vec::new());
    for changeset in changesets {
        let text = changeset.text()?;
        let parent = bytes_of(changeset.parent.as_ref());
        let node = node_of([parent, NULL], &text);
        let id = ChangesetId::from_bytes(IdKind::HgSha1, &node).map_err(|_| BundleError::Description)?;
        if ids.contains(&id) {
            return Err(BundleError::Count);
        }
        ids.push(id);
        revision(&mut group, node, parent, &text);
    }
    // The ends of the changesets, of no manifests, and of no files.
    group.extend_from_slice(&[0; 12]);
    let count = changesets.len().to_string();
    Ok((ids, vec![part("CHANGEGROUP", 0, &[("version", "02"), ("nbchanges", &count)], &group)]))
}

impl Closed<'_> {
    /// Returns what stands in the changelog.
    fn text(&self) -> Result<Vec<u8>, BundleError> {
        let user = self.user.trim();
        if user.is_empty() || user.chars().any(char::is_control) {
            return Err(BundleError::User);
        }
        let (text, branch) = (self.description, self.branch);
        if text.is_empty() || text.trim() != text || text.len() > LONGEST_DESCRIPTION || text.contains('\0') {
            return Err(BundleError::Description);
        }
        let null = "0".repeat(40);
        let time = self.time.unix();
        Ok(format!("{null}\n{user}\n{time} 0 branch:{branch}\0close:1\n\n{text}").into_bytes())
    }
}

/// Adds one revision: a length that counts itself, the five ids, and a delta that replaces nothing by the whole text.
fn revision(group: &mut Vec<u8>, node: [u8; 20], parent: [u8; 20], text: &[u8]) {
    let length = number(text.len());
    let ids = [node, parent, NULL, NULL, node].concat();
    let delta = [&[0; 8], &length[..], text].concat();
    group.extend_from_slice(&number(4 + ids.len() + delta.len()));
    group.extend_from_slice(&ids);
    group.extend_from_slice(&delta);
}

/// Writes a part. The first parameter must be understood, the others need not be.
fn part(kind: &str, number_of_part: usize, parameters: &[(&str, &str)], content: &[u8]) -> Vec<u8> {
    let mut header = vec![short(kind.len())];
    header.extend_from_slice(kind.as_bytes());
    header.extend_from_slice(&number(number_of_part));
    let must = parameters.len().min(1);
    header.extend_from_slice(&[short(must), short(parameters.len() - must)]);
    header.extend(parameters.iter().flat_map(|(key, value)| [short(key.len()), short(value.len())]));
    header.extend(parameters.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]).flatten());
    // The content is one chunk, and an empty one ends it.
    [&number(header.len())[..], &header, &number(content.len()), content, &number(0)].concat()
}

fn bundle2(parts: &[Vec<u8>]) -> Vec<u8> {
    // No parameters of the stream before, no more parts behind.
    [b"HG20", &number(0)[..], &parts.concat(), &number(0)].concat()
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("what a bundle holds stays below four gigabytes").to_be_bytes()
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
        let bundle =
            Bundle::of_tokens(&["jit1.a.b", "jit1.c.d"], "Alice <alice@example.com>", time()).expect("written");
        let user = "Alice <alice@example.com>";
        let first = Closed { branch: APPROVALS_BRANCH, parent: None, user, time: time(), description: "jit1.a.b" };
        let text = first.text().expect("a changeset");
        let read = Read::new(bundle.ids[0], [None, None], &text).expect("well formed");
        assert_eq!(read.token(), Ok("jit1.a.b".to_owned()));
        assert!(bundle.bytes.windows(text.len()).any(|window| window == text));
        assert_eq!(bundle.ids.len(), 2);
    }

    #[test]
    fn a_changeset_says_what_it_was_given_or_is_not_written() {
        let bundle = Bundle::of_tokens(&["jit1.a.b"], "alice", time()).expect("written");
        let parent = Some(bundle.ids[0]);
        let closed = |description| Closed { branch: "jit-requests", parent, user: "alice", time: time(), description };
        let text = closed("two\nlines").text().expect("a changeset");
        let bundle = Bundle::new(&[closed("two\nlines")], true).expect("written");
        let read = Read::new(bundle.ids[0], [parent, None], &text).expect("well formed");
        assert_eq!(read.description(), b"two\nlines");
        for bad in ["", " a", "a\n", "a\0b"] {
            assert_eq!(Bundle::new(&[closed(bad)], false), Err(BundleError::Description), "{bad:?}");
        }
        assert_eq!(Bundle::new(&[closed("a"), closed("a")], false), Err(BundleError::Count));
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
            assert_eq!(Bundle::of_tokens(tokens, user, time()), Err(error), "{user:?}");
        }
    }
}
