//! What stands in a commit object, read by ourselves.
//!
//! Anybody can write a commit that libgit2 refuses to parse while Git accepts it (dates that are no dates, an author without
//! an address, two authors). Such a commit must neither block a push by an error nor be taken for somebody's whom it
//! does not name, so only what the graph needs is demanded here: a tree and parents in the places where Git looks for them.

use crate::domain::change::{ChangesetId, IdKind, co_author_emails};

/// Of a message's first line, at most this many bytes are kept.
const LONGEST_SUMMARY: usize = 200;

/// A commit's place in the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Its root tree.
    pub(super) tree: ChangesetId,
    /// Its parents, in order.
    pub(super) parents: Vec<ChangesetId>,
    /// When it says that it was committed, in seconds since 1970; 0 where that cannot be read. Forged as easily as written: it
    /// may only ever decide what is looked at first.
    pub(super) time: i64,
}

/// Who made a commit, and what they say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    /// Authors and co-authors.
    pub(super) authors: Vec<Vec<u8>>,
    /// The committer.
    pub(super) committer: Vec<u8>,
    /// The first line of the message, at most 200 bytes.
    pub(super) summary: Vec<u8>,
}

/// Reads tree, parents and time from the bytes of a commit object.
///
/// As in Git: the tree is the first line, the parents are the lines right after it; a `parent` further down means nothing.
///
/// # Errors
/// What is wrong with it.
pub(super) fn node(kind: IdKind, object: &[u8]) -> Result<Node, &'static str> {
    let mut lines = headers(object);
    let tree = lines.next().and_then(|line| line.strip_prefix(b"tree ")).ok_or("it does not begin with a tree")?;
    let tree = id(kind, tree).ok_or("its tree is not an id")?;
    let mut parents = Vec::new();
    let mut time = 0;
    let mut among_parents = true;
    for line in lines {
        match line.strip_prefix(b"parent ") {
            Some(parent) if among_parents => parents.push(id(kind, parent).ok_or("a parent is not an id")?),
            _ => among_parents = false,
        }
        if let Some(committer) = line.strip_prefix(b"committer ") {
            time = seconds(committer);
            break;
        }
    }
    Ok(Node { tree, parents, time })
}

/// Reads who made a commit. Never fails: what is not well formed becomes an address that belongs to nobody.
///
/// Every `author` header counts, not only the first: a claim of authorship only ever takes approvals away.
pub(super) fn signature(object: &[u8]) -> Signature {
    let of = |key: &[u8]| -> Vec<Vec<u8>> {
        headers(object).filter_map(|line| line.strip_prefix(key)?.strip_prefix(b" ")).map(address).collect()
    };
    let message = message(object);
    let mut authors = of(b"author");
    if authors.is_empty() {
        // Somebody made it, and nobody is known to have: the empty address is nobody's.
        authors.push(Vec::new());
    }
    for co_author in co_author_emails(message) {
        if !authors.contains(&co_author) {
            authors.push(co_author);
        }
    }
    let first = message.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let summary = first[..first.len().min(LONGEST_SUMMARY)].trim_ascii_end().to_vec();
    Signature { authors, committer: of(b"committer").pop().unwrap_or_default(), summary }
}

/// Reads who committed (`Name <mail>`), and when in seconds since 1970: 0 where that cannot be read.
pub(super) fn committer(object: &[u8]) -> (Vec<u8>, i64) {
    let line = headers(object).find_map(|line| line.strip_prefix(b"committer ")).unwrap_or_default();
    let name = line.iter().rposition(|byte| *byte == b'>').map_or(line, |end| &line[..=end]);
    (name.to_vec(), seconds(line))
}

/// Returns the bytes after the first empty line.
pub(super) fn message(object: &[u8]) -> &[u8] {
    match object.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => &object[end + 2..],
        None => &[],
    }
}

/// The lines before the first empty one. Lines that go on an earlier one (signatures) begin with a space and so match no key.
fn headers(object: &[u8]) -> impl Iterator<Item = &[u8]> {
    object.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty())
}

fn id(kind: IdKind, hex: &[u8]) -> Option<ChangesetId> {
    ChangesetId::from_hex(kind, str::from_utf8(hex).ok()?).ok()
}

/// The address in `NAME <ADDRESS> SECONDS ZONE`, or all of it where more or fewer brackets leave a choice.
fn address(person: &[u8]) -> Vec<u8> {
    let place = |wanted: u8| {
        let mut places = person.iter().enumerate().filter(|(_, byte)| **byte == wanted).map(|(place, _)| place);
        places.next().filter(|_| places.next().is_none())
    };
    match (place(b'<'), place(b'>')) {
        (Some(open), Some(close)) if open < close => person[open + 1..close].trim_ascii().to_vec(),
        _ => person.to_vec(),
    }
}

fn seconds(person: &[u8]) -> i64 {
    let after = person.rsplit(|byte| *byte == b'>').next().unwrap_or_default();
    let digits = after.trim_ascii_start().split(|byte| *byte == b' ').next().unwrap_or_default();
    str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n";
    const ONE: &str = "parent 1111111111111111111111111111111111111111\n";
    const TWO: &str = "parent 2222222222222222222222222222222222222222\n";

    #[test]
    fn parents_count_only_where_git_looks_for_them() {
        let cases = [
            (format!("{TREE}{ONE}{TWO}author a <a> 5 +0000\ncommitter c <c> 7 +0000\n\nm"), Some((2, 7))),
            (format!("{TREE}{ONE}author a <a> 5 +0000\n{TWO}committer c <c> x\n\nm"), Some((1, 0))),
            (format!("{TREE}\n{ONE}"), Some((0, 0))),
            (format!("{TREE}committer c <c> 99999999999999999999 +0000\n"), Some((0, 0))),
            (format!("{TREE}parent 11\n\nm"), None),
            (format!("{ONE}{TREE}\nm"), None),
            ("tree \n".to_owned(), None),
            (String::new(), None),
        ];
        for (object, expected) in cases {
            let read = node(IdKind::GitSha1, object.as_bytes()).ok();
            assert_eq!(read.map(|node| (node.parents.len(), node.time)), expected, "{object}");
        }
    }

    #[test]
    fn an_address_is_one_that_the_commit_names_or_nobodys() {
        let cases: [(&str, &[&str]); 8] = [
            ("author Alice <alice@example.com> 1 +0000", &["alice@example.com"]),
            ("author Alice < alice@example.com > 1 +0000", &["alice@example.com"]),
            ("author a <a@b> 1 +0\nauthor c <c@d> 1 +0", &["a@b", "c@d"]),
            ("author m <m@x> <alice@example.com> 1 +0", &["m <m@x> <alice@example.com> 1 +0"]),
            ("author alice@example.com 1 +0", &["alice@example.com 1 +0"]),
            ("author >alice@example.com< 1", &[">alice@example.com< 1"]),
            ("gpgsig x\n author alice <alice@example.com> 1 +0", &[""]),
            ("authority a <a@b> 1 +0", &[""]),
        ];
        for (header, expected) in cases {
            let object = format!("{TREE}{header}\ncommitter Bob <bob@example.com> 1 +0000\n\nm");
            let read = signature(object.as_bytes());
            assert_eq!(read.authors, expected.iter().map(|a| a.as_bytes().to_vec()).collect::<Vec<_>>(), "{header}");
            assert_eq!(read.committer, b"bob@example.com");
        }
    }

    #[test]
    fn co_authors_are_authors_and_the_summary_is_short() {
        let long = "x".repeat(300);
        let object = format!("{TREE}author a <a@b> 1 +0\n\n\n{long}\n\nCo-authored-by: Bob <bob@example.com>\n");
        let read = signature(object.as_bytes());
        assert_eq!(read.authors, [b"a@b".to_vec(), b"bob@example.com".to_vec()]);
        assert_eq!(read.summary, "x".repeat(200).as_bytes());
        assert_eq!(read.committer, b"");
    }
}
