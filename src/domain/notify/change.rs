//! What a request would change, as far as a notice tells it. All texts are as people read them: nothing in them breaks a line.

use crate::domain::change::{ChangeSize, ChangedFile, Changeset, ChangesetId};
use crate::domain::text::{safe, shortened};
use serde::{Deserialize, Serialize};

/// So many commits and files are listed, and so many authors of each.
const LISTED: usize = 20;
/// So many of them are shown in messages.
const SHOWN: usize = 10;
/// The most characters of a path, an address or a summary.
const LONGEST: usize = 400;
/// The most characters of a line in messages.
const LINE: usize = 160;
/// How many digits of an id are shown.
const DIGITS: usize = 12;

/// What a request would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The commits that its target would gain, children before parents; the first of them.
    pub commits: Vec<Commit>,
    /// How many there are.
    pub commit_count: usize,
    /// How many it would lose.
    pub lost_count: usize,
    /// The files that would change, in the order of their paths; the first of them.
    pub files: Vec<File>,
    /// How many there are.
    pub file_count: usize,
    /// Lines added in all files.
    pub added: usize,
    /// Lines removed in all files.
    pub removed: usize,
}

/// A commit that a target would gain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its full id.
    pub id: ChangesetId,
    /// E-mail addresses of author and co-authors.
    pub authors: Vec<String>,
    /// The first line of its message.
    pub summary: String,
}

/// A file that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its path.
    pub path: String,
    /// `A` added, `D` deleted, `M` changed, `T` another type.
    pub how: char,
    /// Lines added; none of a binary file.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
}

impl Change {
    /// Takes the beginning of what somebody outside decides the length of.
    pub fn of(commits: &[Changeset], lost: &[Changeset], size: &ChangeSize) -> Self {
        let commit = |one: &Changeset| Commit {
            id: one.id,
            authors: one.authors.iter().take(LISTED).map(|mail| text(mail)).collect(),
            summary: text(&one.summary),
        };
        let file =
            |one: &ChangedFile| File { path: text(&one.path), how: one.how, added: one.added, removed: one.removed };
        Self {
            commits: commits.iter().take(LISTED).map(commit).collect(),
            commit_count: commits.len(),
            lost_count: lost.len(),
            files: size.files.iter().take(LISTED).map(file).collect(),
            file_count: size.files.len(),
            added: size.added,
            removed: size.removed,
        }
    }

    /// Says it in lines, each with what it is about; nothing of what there is none of.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if self.commit_count > 0 {
            lines.push(("commits", self.commit_count.to_string()));
            let commit =
                |one: &Commit| format!("{} {} \"{}\"", &one.id.hex()[..DIGITS], one.authors.join(", "), one.summary);
            list(&mut lines, "commit", self.commit_count, self.commits.iter().map(commit));
        }
        if self.lost_count > 0 {
            lines.push(("commits lost", self.lost_count.to_string()));
        }
        if self.file_count > 0 {
            lines.push(("files", format!("{}, lines +{} -{}", self.file_count, self.added, self.removed)));
            let file = |one: &File| format!("{} {} +{} -{}", one.how, one.path, one.added, one.removed);
            list(&mut lines, "file", self.file_count, self.files.iter().map(file));
        }
        lines
    }
}

/// Adds the first of so many entries, with a word on how many more there are.
fn list(
    lines: &mut Vec<(&'static str, String)>,
    name: &'static str,
    count: usize,
    entries: impl Iterator<Item = String>,
) {
    let before = lines.len();
    lines.extend(entries.take(SHOWN).map(|entry| (name, shortened(&entry, LINE))));
    let more = count.saturating_sub(lines.len() - before);
    if more > 0 {
        lines.push((name, format!("and {more} more")));
    }
}

fn text(bytes: &[u8]) -> String {
    // No character has more than four bytes, so this loses none that is kept, and leaves one that is not.
    shortened(&safe(&bytes[..bytes.len().min(4 * (LONGEST + 1))]), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::IdKind;

    fn commit(summary: &[u8], authors: usize) -> Changeset {
        Changeset {
            id: ChangesetId::from_bytes(IdKind::GitSha1, &[2; 20]).expect("an id"),
            parents: Vec::new(),
            authors: vec![b"bob@example.com".to_vec(); authors],
            committer: None,
            summary: summary.to_vec(),
            own_paths: None,
            lines: None,
            trailers: None,
        }
    }

    fn file(path: &[u8]) -> ChangedFile {
        ChangedFile { path: path.to_vec(), how: 'A', added: 3, removed: 0 }
    }

    #[test]
    fn a_change_is_said_with_who_wrote_it_and_how_large_it_is() {
        let size = ChangeSize { files: vec![file(b"db/1.sql")], added: 3, removed: 0 };
        let change = Change::of(&[commit(b"a table", 1)], &[commit(b"b", 1)], &size);
        let expected = [
            ("commits", "1"),
            ("commit", "020202020202 bob@example.com \"a table\""),
            ("commits lost", "1"),
            ("files", "1, lines +3 -0"),
            ("file", "A db/1.sql +3 -0"),
        ];
        let lines = change.lines();
        assert_eq!(lines.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>(), expected);
        assert_eq!(Change::of(&[], &[], &ChangeSize::default()).lines(), []);
    }

    #[test]
    fn nobody_outside_decides_how_long_it_is_or_what_a_line_is() {
        let size = ChangeSize { files: vec![file(&[0xff; 5000]); 30_000], added: 1, removed: 1 };
        let change = Change::of(&vec![commit(&"\u{1f980}\n".repeat(9000).into_bytes(), 500); 300], &[], &size);
        assert_eq!((change.commits.len(), change.commit_count), (20, 300));
        assert_eq!((change.files.len(), change.file_count), (20, 30_000));
        let json = serde_json::to_string(&change).expect("JSON");
        assert!(json.len() < 64 * 1024, "{}", json.len());
        let lines = change.lines();
        assert_eq!(lines.len(), 2 * 12);
        assert_eq!((lines[11].1.as_str(), lines[23].1.as_str()), ("and 290 more", "and 29990 more"));
        assert!(lines.iter().all(|(_, line)| line.chars().count() <= 160 && !line.contains('\n')), "{lines:?}");
    }

    #[test]
    fn a_text_keeps_four_hundred_characters_however_long_each_is() {
        for character in ["a", "\u{e9}", "\u{1f980}"] {
            let kept = |count: usize| text(character.repeat(count).as_bytes());
            assert_eq!(kept(400), character.repeat(400));
            assert_eq!(kept(401), format!("{}…", character.repeat(399)));
        }
    }
}
