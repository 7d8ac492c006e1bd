//! What stands in a changeset: the text whose hash is its node.
//!
//! ```text
//! <40 hex digits of the manifest>
//! <user>
//! <seconds> <zone>[ <extra>]
//! <file>                             one line for each; the client's claim, never looked at
//!
//! <description>
//! ```

use super::MercurialError;
use crate::domain::change::{Changeset, ChangesetId, IdKind, co_author_emails};
use crate::domain::time::Timestamp;
use data_encoding::HEXLOWER;
use sha1::{Digest as _, Sha1};

/// The named branch whose changesets are approvals.
pub const APPROVALS_BRANCH: &str = "jit-approvals";
/// What the third line of an approval has after the date: its branch, and that it closes it.
pub(super) const APPROVAL_EXTRA: &[u8] = b"branch:jit-approvals\0close:1";
/// Of a description's first line, at most this many bytes are kept.
const LONGEST_SUMMARY: usize = 200;
/// The longest approval, in bytes; a token has a few hundred.
pub const LONGEST_TOKEN: usize = 16 * 1024;

/// The hash of `text` with these parents: Mercurial's id for any revision of anything.
pub(super) fn node_of(parents: [[u8; 20]; 2], text: &[u8]) -> [u8; 20] {
    let [one, two] = parents;
    let mut hash = Sha1::new();
    hash.update(one.min(two));
    hash.update(one.max(two));
    hash.update(text);
    hash.finalize().into()
}

/// The null node as bytes, or the others.
pub(super) fn bytes_of(id: Option<&ChangesetId>) -> [u8; 20] {
    id.and_then(|id| id.as_bytes().try_into().ok()).unwrap_or_default()
}

/// A changeset whose text was checked against its node.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// Its node.
    pub(super) id: ChangesetId,
    /// First and second parent, null ones too.
    pub(super) parents: [Option<ChangesetId>; 2],
    text: Vec<u8>,
    /// Where the description begins, and its lines before.
    description: usize,
}

impl Read {
    /// Checks and splits the text of a changeset.
    ///
    /// # Errors
    /// [`MercurialError::BadChangeset`].
    pub(super) fn new(id: ChangesetId, parents: [Option<ChangesetId>; 2], text: &[u8]) -> Result<Self, MercurialError> {
        let bad = |problem| MercurialError::BadChangeset { changeset: id, problem };
        if id.kind() != IdKind::HgSha1
            || node_of([bytes_of(parents[0].as_ref()), bytes_of(parents[1].as_ref())], text) != id.as_bytes()
        {
            return Err(bad("its text has another hash"));
        }
        let end = text.windows(2).position(|pair| pair == b"\n\n").ok_or(bad("it has no description"))?;
        let read = Self { id, parents, text: text.to_vec(), description: end + 2 };
        let has_manifest = |line: &[u8]| HEXLOWER.decode(line).is_ok_and(|node| node.len() == 20);
        if !read.lines().next().is_some_and(has_manifest) {
            return Err(bad("it has no manifest"));
        }
        if read.lines().count() < 3 {
            return Err(bad("it has no user or no date"));
        }
        Ok(read)
    }

    /// The lines before the description.
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text[..self.description - 2].split(|byte| *byte == b'\n')
    }

    pub(super) fn description(&self) -> &[u8] {
        &self.text[self.description..]
    }

    /// Returns who made it and when, by its own words; 1970 where these say nothing.
    pub(super) fn user_and_time(&self) -> (Vec<u8>, Timestamp) {
        let mut lines = self.lines().skip(1);
        let user = lines.next().unwrap_or_default().to_vec();
        let seconds = lines.next().and_then(|date| date.split(|byte| *byte == b' ').next());
        let seconds = seconds.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        (user, seconds.and_then(Timestamp::from_unix).unwrap_or(Timestamp::EPOCH))
    }

    /// Returns the parents that are there; one that is named twice counts once.
    fn real_parents(&self) -> Vec<ChangesetId> {
        let mut parents: Vec<ChangesetId> = self.parents.iter().flatten().copied().collect();
        parents.dedup();
        parents
    }

    /// Returns what evaluation wants to know; own paths, their lines and trailers stay open.
    pub(super) fn to_changeset(&self) -> Changeset {
        let mut authors = vec![address(self.lines().nth(1).unwrap_or_default())];
        for co_author in co_author_emails(self.description()) {
            if !authors.contains(&co_author) {
                authors.push(co_author);
            }
        }
        let first = self.description().trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
        Changeset {
            id: self.id,
            parents: self.real_parents(),
            authors,
            committer: None,
            summary: first[..first.len().min(LONGEST_SUMMARY)].trim_ascii_end().to_vec(),
            own_paths: None,
            lines: None,
            trailers: None,
        }
    }

    /// Returns the approval that this changeset carries.
    ///
    /// Strict, and not by Mercurial's own reading of the extra fields (which knows escapes): whatever is not exactly what `jit sign` writes
    /// carries nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn token(&self) -> Result<String, TokenFault> {
        if self.parents != [None, None] {
            return Err(TokenFault::Parents);
        }
        let mut lines = self.lines();
        if lines.next().is_none_or(|manifest| manifest.iter().any(|digit| *digit != b'0')) {
            return Err(TokenFault::Files);
        }
        let date = lines.nth(1).unwrap_or_default();
        if lines.next().is_some() {
            return Err(TokenFault::Files);
        }
        let extra = date.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
        if extra != APPROVAL_EXTRA {
            return Err(TokenFault::Extra);
        }
        let text = self.description();
        let plain = text.len() <= LONGEST_TOKEN && text.iter().all(u8::is_ascii_graphic);
        let text = str::from_utf8(text).ok().filter(|text| plain && text.starts_with("jit1."));
        text.map(str::to_owned).ok_or(TokenFault::Text)
    }
}

/// Why a changeset on the approvals' branch carries no approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It has a parent.
    #[error("it has a parent")]
    Parents,
    /// It has files, or says that it touches some.
    #[error("it has files")]
    Files,
    /// It does not close its branch, or has other extra fields.
    #[error("it is not a closed changeset of that branch alone")]
    Extra,
    /// Its description is no token.
    #[error("its description is not a token")]
    Text,
}

/// The address in `NAME <ADDRESS>`, or all of it where brackets leave a choice.
fn address(user: &[u8]) -> Vec<u8> {
    let place = |wanted: u8| {
        let mut places = user.iter().enumerate().filter(|(_, byte)| **byte == wanted).map(|(place, _)| place);
        places.next().filter(|_| places.next().is_none())
    };
    match (place(b'<'), place(b'>')) {
        (Some(open), Some(close)) if open < close => user[open + 1..close].trim_ascii().to_vec(),
        _ => user.trim_ascii().to_vec(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Makes a changeset with the node that its text has.
    pub(in super::super) fn made(parents: [Option<ChangesetId>; 2], text: &[u8]) -> Result<Read, MercurialError> {
        let node = node_of([bytes_of(parents[0].as_ref()), bytes_of(parents[1].as_ref())], text);
        Read::new(ChangesetId::from_bytes(IdKind::HgSha1, &node).expect("not null"), parents, text)
    }

    fn id(byte: u8) -> ChangesetId {
        ChangesetId::from_bytes(IdKind::HgSha1, &[byte; 20]).expect("not null")
    }

    const NULL: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn a_node_is_the_hash_of_sorted_parents_and_text() {
        let text = format!("{NULL}\nalice\n0 0\n\nm");
        let one = made([Some(id(1)), Some(id(2))], text.as_bytes()).expect("well formed");
        let two = made([Some(id(2)), Some(id(1))], text.as_bytes()).expect("well formed");
        assert_eq!(one.id, two.id);
        assert!(Read::new(one.id, [Some(id(1)), None], text.as_bytes()).is_err());
        assert!(Read::new(one.id, [Some(id(1)), Some(id(2))], &text.as_bytes()[1..]).is_err());
    }

    #[test]
    fn a_text_without_its_parts_is_refused() {
        for text in [
            String::new(),
            "\n\n".into(),
            format!("{NULL}\n\nm"),
            format!("{NULL}\nalice\n\nm"),
            format!("{NULL}\nalice\n0 0\n"),
            format!("{}\nalice\n0 0\n\nm", &NULL[1..]),
            format!("{}\nalice\n0 0\n\nm", NULL.replace('0', "A")),
        ] {
            assert!(made([None, None], text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn people_are_those_whom_the_changeset_names() {
        let cases: [(&str, &[&str]); 5] = [
            ("Alice <alice@example.com>", &["alice@example.com", "bob@example.com"]),
            ("alice@example.com", &["alice@example.com", "bob@example.com"]),
            ("m <m@x> <alice@example.com>", &["m <m@x> <alice@example.com>", "bob@example.com"]),
            (">alice@example.com<", &[">alice@example.com<", "bob@example.com"]),
            ("Bob <bob@example.com>", &["bob@example.com"]),
        ];
        for (user, expected) in cases {
            let text = format!("{NULL}\n{user}\n0 0 branch:x\na\n\n\nsubject \n\nCo-authored-by: B <bob@example.com>");
            let changeset = made([Some(id(1)), None], text.as_bytes()).expect("well formed").to_changeset();
            let expected: Vec<Vec<u8>> = expected.iter().map(|mail| mail.as_bytes().to_vec()).collect();
            assert_eq!(changeset.authors, expected, "{user}");
            assert_eq!(changeset.summary, b"subject");
            assert_eq!(changeset.parents, [id(1)]);
        }
    }

    #[test]
    fn only_what_signing_writes_carries_a_token() {
        let good = format!("{NULL}\nalice\n0 0 branch:jit-approvals\0close:1\n\njit1.abc");
        assert_eq!(made([None, None], good.as_bytes()).expect("well formed").token(), Ok("jit1.abc".to_owned()));
        let long = format!("jit1.{}", "a".repeat(LONGEST_TOKEN));
        let cases = [
            (good.replacen('0', "1", 1), TokenFault::Files),
            (good.replace(":1\n", ":1\na\n"), TokenFault::Files),
            (good.replace("\0close:1", ""), TokenFault::Extra),
            (good.replace("branch:jit-approvals\0", ""), TokenFault::Extra),
            (good.replace(":1\n", ":1\0topic:x\n"), TokenFault::Extra),
            (good.replace("approvals\0", "approv\\x61ls\0"), TokenFault::Extra),
            (good.replace("jit1.abc", "jit1.abc\n"), TokenFault::Text),
            (good.replace("jit1.abc", "jit1.a b"), TokenFault::Text),
            (good.replace("jit1.abc", "policy"), TokenFault::Text),
            (good.replace("jit1.abc", &long), TokenFault::Text),
        ];
        for (text, fault) in cases {
            assert_eq!(made([None, None], text.as_bytes()).expect("well formed").token(), Err(fault), "{text}");
        }
        for parents in [[Some(id(1)), None], [None, Some(id(1))]] {
            let read = made(parents, good.as_bytes()).expect("well formed");
            assert_eq!(read.token(), Err(TokenFault::Parents));
        }
    }
}
