//! One commit or changeset of a push, with what the rules may ask of it.

use super::{ChangesetId, RepoPath, Trailer};

/// A commit (Git) or changeset (Mercurial) that an update brings in.
#[derive(Debug, Clone)]
pub struct Changeset {
    /// Its full id.
    pub id: ChangesetId,
    /// Its parents, in the order in which it names them; also those outside the update.
    pub parents: Vec<ChangesetId>,
    /// E-mail addresses of author and co-authors, as written.
    pub authors: Vec<Vec<u8>>,
    /// E-mail address of the committer, as written; Mercurial has none.
    pub committer: Option<Vec<u8>>,
    /// The first line of its message.
    pub summary: Vec<u8>,
    /// The paths at which it differs of its own accord (docs/spec/semantics.md, 5), sorted; both paths of a rename.
    ///
    /// `None`: nobody looked. Evaluation then takes every path as touched, so that a fact that is
    /// missing can only deny.
    pub own_paths: Option<Vec<RepoPath>>,
    /// How many lines its own changes remove and add; a count that goes beyond what anybody asks may stop there.
    ///
    /// `None`: nobody counted. Evaluation then takes them to be more than any limit.
    pub lines: Option<usize>,
    /// The trailers of its message ([`super::trailers`]), in the order in which they stand.
    ///
    /// `None`: nobody looked, or readers would not agree. Evaluation then takes it to carry every label.
    pub trailers: Option<Vec<Trailer>>,
}

/// Finds the e-mail addresses of the `Co-authored-by:` lines in a message.
///
/// Any line counts, not only the trailers at the end: a claim of co-authorship only ever takes
/// approvals away from somebody, so the wider reading is the safe one.
pub fn co_author_emails(message: &[u8]) -> Vec<Vec<u8>> {
    message
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let (key, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
            if !key.trim_ascii().eq_ignore_ascii_case(b"co-authored-by") {
                return None;
            }
            let open = value.iter().rposition(|byte| *byte == b'<')?;
            let mail = &value[open + 1..];
            let close = mail.iter().position(|byte| *byte == b'>')?;
            Some(mail[..close].trim_ascii().to_vec())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn co_authors_are_found_wherever_they_stand() {
        let message = b"subject\n\nCo-Authored-By: Bob <bob@example.com>\n\nbody\n  co-authored-by: c <carol@example.com> \nco-authored-by: nobody\n";
        let found = co_author_emails(message);
        assert_eq!(found, [b"bob@example.com".to_vec(), b"carol@example.com".to_vec()]);
    }
}
