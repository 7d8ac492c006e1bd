//! Messages whose lines are missing, doubled, out of order or not lines at all.

use super::{APPROVAL, Vector, bad, signed, with};

pub fn vectors() -> Vec<Vector> {
    let without = |field: &str| -> String {
        APPROVAL
            .lines()
            .filter(|line| !line.starts_with(&format!("{field} ")))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let swapped = APPROVAL.replace("action update\n", "").replace("target ", "action update\ntarget ");
    let doubled = APPROVAL.replace("role *\n", "role *\nrole dba\n");
    vec![
        bad("message-empty", "no message", signed(""), "the message does not begin with `jit-token/v1`"),
        bad(
            "message-version",
            "another version",
            signed(APPROVAL.replace("/v1", "/v2")),
            "the message does not begin with `jit-token/v1`",
        ),
        bad(
            "message-crlf",
            "Windows line ends",
            signed(APPROVAL.replace('\n', "\r\n")),
            "the message has bytes other than printable ASCII",
        ),
        bad(
            "message-tab",
            "a tab for a space",
            signed(APPROVAL.replace("role *", "role\t*")),
            "the message has bytes other than printable ASCII",
        ),
        bad(
            "message-utf8",
            "a letter that is not escaped",
            signed(with(APPROVAL, "reason", "caf\u{e9}")),
            "the message has bytes other than printable ASCII",
        ),
        bad(
            "message-nul",
            "a NUL in a reason",
            signed(with(APPROVAL, "reason", "a\0b")),
            "the message has bytes other than printable ASCII",
        ),
        bad(
            "message-not-utf8",
            "bytes that are no text",
            signed(b"\xff\xfe"),
            "the message has bytes other than printable ASCII",
        ),
        bad(
            "message-no-last-newline",
            "the last line does not end",
            signed(APPROVAL.trim_end()),
            "the line of `reason` does not end",
        ),
        bad(
            "message-blank-line",
            "an empty line at the end",
            signed(format!("{APPROVAL}\n")),
            "the message goes on after `reason`",
        ),
        bad(
            "message-more",
            "a field of tomorrow",
            signed(format!("{APPROVAL}ticket JIRA-1\n")),
            "the message goes on after `reason`",
        ),
        bad(
            "message-two",
            "two messages",
            signed(format!("{APPROVAL}{APPROVAL}")),
            "the message goes on after `reason`",
        ),
        bad("message-order", "two lines in the wrong order", signed(swapped), "expected the line of `target`"),
        bad("message-double", "a line twice", signed(doubled), "expected the line of `detail`"),
        bad(
            "message-case",
            "a field in capitals",
            signed(APPROVAL.replace("role *", "Role *")),
            "expected the line of `role`",
        ),
        bad(
            "message-no-value",
            "a field without a value",
            signed(APPROVAL.replace("role *", "role")),
            "expected the line of `role`",
        ),
        bad("message-no-kind", "a line is missing", signed(without("kind")), "expected the line of `kind`"),
        bad("message-no-repo", "a line is missing", signed(without("repo")), "expected the line of `repo`"),
        bad("message-no-detail", "a line is missing", signed(without("detail")), "expected the line of `detail`"),
        bad("message-no-reason", "a line is missing", signed(without("reason")), "expected the line of `reason`"),
    ]
}
