//! The trailers of a message (`Severity: critical`), read as `git interpret-trailers --parse --unfold` reads them.
//!
//! Where the trailers stand is found in two walks. From the front: the text ends at a line `---`, at Git's scissors, or where only
//! comments, empty lines and a list of conflicts are left. From the back: the last paragraph holds the trailers if each of its lines is
//! one or goes on with one, or if Git wrote one of its lines and at least a quarter of them are trailers. The first paragraph is the title
//! and never holds any. A repository's own settings (other separators, known keys) change what Git shows there, and nothing here.

/// The longest block of trailers that is read, in bytes.
const LONGEST_BLOCK: usize = 64 * 1024;
/// The line that `git commit --verbose` puts before the diff.
const SCISSORS: &[u8] = b"# ------------------------ >8 ------------------------";
/// Lines that Git writes itself begin so.
const BY_GIT: [&[u8]; 2] = [b"Signed-off-by: ", b"(cherry picked from commit "];

/// One trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// The key as written: letters, digits and `-`; compared without ASCII case.
    pub key: Vec<u8>,
    /// The value, on one line, without blanks at its ends; may be empty.
    pub value: Vec<u8>,
}

/// Returns the trailers of `message`, in the order in which they stand.
///
/// `None` where readers would not agree on them: a message with a NUL byte, which Git takes for its end and others do not, and a block of
/// more than 64 KiB.
pub fn trailers(message: &[u8]) -> Option<Vec<Trailer>> {
    if message.contains(&0) {
        return None;
    }
    let text = &message[..start_of(message, is_divider)];
    let text = &text[..end_of_body(text)];
    let block = &text[start_of_block(text)..];
    if block.len() > LONGEST_BLOCK {
        return None;
    }
    let mut found: Vec<Trailer> = Vec::new();
    let mut open = false;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        if let (true, Some(last)) = (open && is_blank(line[0]), found.last_mut()) {
            last.value.extend_from_slice(line);
            continue;
        }
        let end = key_end(line);
        open = end.is_some();
        if let Some(end) = end {
            found.push(Trailer { key: trimmed(&line[..end]).to_vec(), value: line[end + 1..].to_vec() });
        }
    }
    for trailer in &mut found {
        trailer.value = unfolded(trimmed(&trailer.value));
    }
    Some(found)
}

/// Blanks in Git's sense: others, such as form feeds, are text.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_blank_line(line: &[u8]) -> bool {
    line.iter().all(|byte| is_blank(*byte))
}

fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b"#")
}

/// The line after which a patch follows in an e-mail.
fn is_divider(line: &[u8]) -> bool {
    line.strip_prefix(b"---").is_some_and(|rest| rest.first().is_none_or(|byte| is_blank(*byte)))
}

/// The line without its end, which the last one may lack.
fn whole(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

/// Makes one line: each line end becomes one space, together with the blanks that follow it.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        line.extend_from_slice(&rest[..end]);
        line.push(b' ');
        let after = &rest[end..];
        rest = &after[after.iter().take_while(|byte| is_blank(**byte)).count()..];
    }
    line.extend_from_slice(rest);
    line
}

/// Returns where the first line for which `found` holds begins, or the length of `text`.
fn start_of(text: &[u8], found: impl Fn(&[u8]) -> bool) -> usize {
    let before = text.split_inclusive(|byte| *byte == b'\n').take_while(|line| !found(line));
    before.map(<[u8]>::len).sum()
}

/// Returns where the comments, empty lines and lists of conflicts at the end of `text` begin.
fn end_of_body(text: &[u8]) -> usize {
    let cut = start_of(text, |line| whole(line) == SCISSORS);
    // Such lines at the very front do not count as an end: Git takes place 0 for "none yet".
    let mut end = 0;
    let mut at = 0;
    let mut in_conflicts = false;
    for line in text[..cut].split_inclusive(|byte| *byte == b'\n') {
        let begins_conflicts = whole(line) == b"Conflicts:";
        if is_comment(line) || whole(line).is_empty() || begins_conflicts {
            in_conflicts |= begins_conflicts;
            end = if end == 0 { at } else { end };
        } else if end != 0 && !(in_conflicts && line.starts_with(b"\t")) {
            (end, in_conflicts) = (0, false);
        }
        at += line.len();
    }
    if end == 0 { cut } else { end }
}

/// Returns where the paragraph of trailers begins, or the length of `text` if the last paragraph is none.
fn start_of_block(text: &[u8]) -> usize {
    let (mut trailers, mut others, mut folded) = (0_usize, 0_usize, 0_usize);
    let (mut by_git, mut seen) = (false, false);
    let mut at = text.len();
    for line in text.split_inclusive(|byte| *byte == b'\n').rev() {
        at -= line.len();
        if is_comment(line) {
            others += std::mem::take(&mut folded);
        } else if is_blank_line(line) {
            if !seen {
                continue;
            }
            others += folded;
            let is_block = others == 0 || (by_git && trailers * 3 >= others);
            return if is_block { at + line.len() } else { text.len() };
        } else {
            seen = true;
            let written_by_git = BY_GIT.iter().any(|start| line.starts_with(start));
            by_git |= written_by_git;
            if written_by_git || key_end(line).is_some() {
                trailers += 1;
                folded = 0;
            } else if is_blank(line[0]) {
                // It goes on with a trailer above it, or with something else: that line tells.
                folded += 1;
            } else {
                others += 1 + std::mem::take(&mut folded);
            }
        }
    }
    text.len()
}

/// Returns where the colon after a key stands, if `line` begins with one: letters, digits and `-`, then perhaps blanks.
fn key_end(line: &[u8]) -> Option<usize> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let key = line[..colon].iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(colon);
    let plain = line[..key].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let blanks = line[key..colon].iter().all(|byte| matches!(byte, b' ' | b'\t'));
    (key > 0 && plain && blanks).then_some(colon)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `key=value` for each trailer, joined by `|`.
    fn read(message: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |trailer: &Trailer| format!("{}={}", text(&trailer.key), text(&trailer.value));
        trailers(message.as_bytes()).expect("no NUL").iter().map(one).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn trailers_stand_in_the_last_paragraph() {
        let cases = [
            ("subject\n\nSeverity: critical\n", "Severity=critical"),
            ("subject\n\nbody\n\nSeverity: a\nSeverity:b\n\n", "Severity=a|Severity=b"),
            ("Severity: critical\n", ""),
            ("subject\n\nSeverity: a\n\nSeverity: b\n", "Severity=b"),
            ("subject\n\nSeverity: critical\n\nbody\n", ""),
            ("subject\n\nso\nSeverity: critical\n", ""),
            ("subject\n\nso\nSeverity: a\nSigned-off-by: A <a@b>\n", "Severity=a|Signed-off-by=A <a@b>"),
            ("subject\n\none\ntwo\nthree\nfour\nSigned-off-by: A\n", ""),
            ("subject\n\nSeverity: a\n folded\n  twice\n", "Severity=a folded twice"),
            ("subject\n\nSeverity: a\n---\nSeverity: b\n", "Severity=a"),
            ("subject\r\n\r\nSeverity: a\r\n", "Severity=a"),
            ("subject\n\nSeverity :\n", "Severity="),
            ("subject\n\nSeverity: a\n\nConflicts:\n\tfile\n# comment\n", "Severity=a"),
            ("subject\n\nSeverity: a\n# comment\n folded\n", ""),
            ("subject\n\nbody\n folded\nSeverity: a\n", ""),
            ("subject\n\nbody\n folded\n\ttwice\nSeverity: a\n", ""),
        ];
        for (message, expected) in cases {
            assert_eq!(read(message), expected, "{message:?}");
        }
    }

    #[test]
    fn what_readers_disagree_on_is_not_read() {
        assert_eq!(trailers(b"subject\n\nSeverity: a\0\n"), None);
        let long = |length: usize| format!("subject\n\nSeverity: {}\n", "x".repeat(length));
        assert_eq!(LONGEST_BLOCK, 65_536, "docs/spec/semantics.md");
        assert_eq!(trailers(long(LONGEST_BLOCK).as_bytes()), None);
        assert!(trailers(long(LONGEST_BLOCK - 11).as_bytes()).is_some_and(|found| found.len() == 1));
    }
}
