//! Trailers against `git interpret-trailers --parse --unfold`: a table of messages that look like something else, and random ones.

use jit::domain::change::trailers;
use proptest::prelude::*;
use proptest::sample::select;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// What Git prints of the message.
fn by_git(message: &str) -> String {
    let mut git = Command::new("git")
        .args(["interpret-trailers", "--parse", "--unfold"])
        .current_dir(std::env::temp_dir())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git");
    git.stdin.take().expect("a pipe").write_all(message.as_bytes()).expect("written");
    let said = git.wait_with_output().expect("git");
    assert!(said.status.success(), "{message:?}");
    String::from_utf8(said.stdout).expect("text")
}

/// What is read here, in the same form.
fn by_us(message: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let found = trailers(message.as_bytes()).expect("no NUL");
    found.iter().map(|one| format!("{}: {}\n", text(&one.key), text(&one.value))).collect()
}

/// Messages, and how many trailers they have.
const MESSAGES: [(&str, usize); 44] = [
    ("", 0),
    ("\n", 0),
    ("subject", 0),
    ("Severity: critical", 0),
    ("Severity: critical\n\n", 0),
    ("\n\nSeverity: critical\n", 1),
    ("subject\n\nSeverity: critical", 1),
    ("subject\n\nSeverity: critical\n\n\n \n", 1),
    ("subject\n\nseverity:critical\nSEVERITY : high\nSeverity\t:\tlow\n", 3),
    ("subject\n\nSeverity: a\n\nSeverity: b\n\nSeverity: c\n", 1),
    ("subject\n\nSeverity: a\n \nSeverity: b\n", 1),
    ("subject\n\nSeverity: critical\n\nbody that ends it\n", 0),
    ("subject\n\nbody\nSeverity: critical\n", 0),
    ("subject\n\nSeverity: critical\nbody\n", 0),
    ("subject\n\nSeverity: critical,\n  high,\n\tlow\n", 1),
    ("subject\n\n folded from nothing\nSeverity: critical\n", 0),
    ("subject\n\n folded\nSigned-off-by: A <a@b>\nSeverity: critical\n", 2),
    ("subject\n\nSeverity:\n critical\n", 1),
    ("subject\n\nSeverity: \n\n", 1),
    ("subject\n\nSeverity: a\n---\nSeverity: b\n", 1),
    ("subject\n\nbody\n---\n\nSeverity: b\n", 0),
    ("subject\n\nSeverity: a\n---x\n", 0),
    ("subject\n\nSeverity: a\n--- a/file\n+++ b/file\n", 1),
    ("---\n\nSeverity: a\n", 0),
    ("subject\n\nSeverity: a\n---", 1),
    ("subject\n\none\ntwo\nthree\nSigned-off-by: A <a@b>\n", 1),
    ("subject\n\none\ntwo\nthree\nfour\nSigned-off-by: A <a@b>\n", 0),
    ("subject\n\none\ntwo\nthree\nfour\nSeverity: a\nSigned-off-by: A <a@b>\n", 2),
    ("subject\n\nsigned-off-by: A <a@b>\none\n", 0),
    ("subject\n\n(cherry picked from commit 1234)\none\nSeverity: a\n", 1),
    ("subject\n\nSeverity: a\n# Severity: b\n", 1),
    ("subject\n\n# Severity: b\nSeverity: a\n#\n", 1),
    ("# comment\n\nSeverity: a\n", 1),
    ("subject\n\nSeverity: a\n# ------------------------ >8 ------------------------\nSeverity: b\n", 1),
    ("subject\n\nSeverity: a\n\nConflicts:\n\tfile\n\nother\n", 0),
    ("subject\n\nSeverity: a\n\nConflicts:\n\tfile\n\tSeverity: b\n", 1),
    ("subject\n\nSeverity: a\n\nConflicts:\n\tfile\n# comment\n", 1),
    ("subject\n\nSeverity: a\n# comment\n folded\n", 0),
    ("subject\n\nbody\n folded\nSeverity: a\n", 0),
    ("subject\n\nbody\n folded\n\ttwice\nSeverity: a\n", 0),
    ("subject\r\n\r\nSeverity: a\r\n b\r\n", 1),
    ("subject\n\nhttps://example.com/x\n", 1),
    ("subject\n\nSeverity is: a\n", 0),
    ("subject\n\nS\u{e9}verit\u{e9}: a\nSeverity: caf\u{e9} \u{a0}\u{c}\n", 0),
];

#[test]
fn messages_that_look_like_something_else_are_read_as_git_reads_them() {
    for (message, count) in MESSAGES {
        let read = by_us(message);
        assert_eq!(read, by_git(message), "{message:?}");
        assert_eq!(read.lines().count(), count, "{message:?}");
    }
}

/// Lines that matter to one of the rules.
const LINES: [&str; 22] = [
    "",
    "",
    " ",
    "subject",
    "Severity: a",
    "Severity :b",
    "severity:",
    " folded",
    "\tfolded: x",
    "Signed-off-by: A",
    "signed-off-by: A",
    "(cherry picked from commit 1)",
    "# comment: x",
    "#",
    "---",
    "--- a",
    "---a",
    "Conflicts:",
    "\tfile",
    "# ------------------------ >8 ------------------------",
    "Change-Id: \r",
    ": a",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_messages_are_read_as_git_reads_them(
        lines in prop::collection::vec(select(&LINES[..]), 0..12),
        ended in any::<bool>(),
    ) {
        let message = format!("{}{}", lines.join("\n"), if ended { "\n" } else { "" });
        prop_assert_eq!(by_us(&message), by_git(&message), "{:?}", message);
    }
}
