//! Each fault of a window, and of the rules that name one.

use crate::support::{check, check_rule, with_people};

const DAILY: &str = "days = [\"mon\"]\nfrom = \"09:00\"\nto = \"17:00\"\ntimezone = \"UTC\"";

/// A window with one line of [`DAILY`] replaced.
fn daily(key: &str, value: &str) -> String {
    let line = |line: &str| match line.starts_with(&format!("{key} =")) {
        true => format!("{key} = {value}"),
        false => line.to_owned(),
    };
    format!("[windows.w]\n{}", DAILY.lines().map(line).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_weekly_window_has_days_and_times_of_day() {
    let from = "with `days`, `from` takes a time from \"00:00\" to \"23:59\"";
    let to = "with `days`, `to` takes a time from \"00:00\" to \"23:59\", or \"24:00\"";
    let cases = [
        ("days", "[]", "`days` is an empty list"),
        ("days", "[\"monday\"]", "`monday` is not a day: mon, tue, wed, thu, fri, sat, sun"),
        ("from", "\"9:00\"", from),
        ("from", "\"24:00\"", from),
        ("from", "\"09:60\"", from),
        ("from", "\"0a:00\"", from),
        ("from", "\"a0:00\"", from),
        ("from", "\"09:0 \"", from),
        ("from", "\"09:00:00\"", from),
        ("from", "09:00:00", from),
        ("from", "9", from),
        ("to", "\"24:01\"", to),
        ("to", "\"\"", to),
        ("to", "\"09:00\"", "the window does not end after it begins"),
        ("timezone", "\"Europe/Wien\"", "`Europe/Wien` is not a time zone"),
        ("timezone", "\"europe/vienna\"", "`europe/vienna` is not a time zone"),
        ("timezone", "\"+01:00\"", "`+01:00` is not a time zone"),
        ("timezone", "1", "`timezone` takes a string, not an integer"),
    ];
    for (key, value, what) in cases {
        let underlined = value.trim_start_matches('[').trim_end_matches(']');
        let underlined = if key == "days" && value != "[]" { underlined } else { value };
        check(&[(&daily(key, value), &[(what, underlined)])]);
    }
    check(&[
        (
            "[windows.w]",
            &[("a window needs `from`", "w"), ("a window needs `timezone`", "w"), ("a window needs `to`", "w")],
        ),
        (&format!("{}\nuntil = 1", daily("", "")), &[("a window has no key `until`", "until")]),
        ("windows.w = 1", &[("`windows` takes a table, not an integer", "1")]),
        (
            &format!("[windows.W]\n{DAILY}"),
            &[("a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit", "W")],
        ),
    ]);
}

#[test]
fn a_window_that_is_once_has_local_times() {
    let once = |from: &str, to: &str| format!("[windows.w]\nfrom = {from}\nto = {to}\ntimezone = \"UTC\"");
    let local = |key: &str| format!("without `days`, `{key}` takes a date and time without offset, in whole seconds");
    let good = "2027-01-01T00:00:00";
    let cases = [
        ("2026-12-31T00:00:00Z", good, local("from"), "2026-12-31T00:00:00Z"),
        ("2026-12-31", good, local("from"), "2026-12-31"),
        ("\"09:00\"", good, local("from"), "\"09:00\""),
        ("2026-12-31T00:00:00.5", good, local("from"), "2026-12-31T00:00:00.5"),
        (good, "2027-01-02T00:00:00+01:00", local("to"), "2027-01-02T00:00:00+01:00"),
        (good, good, "the window does not end after it begins".to_owned(), good),
        (good, "2026-12-31T23:59:59", "the window does not end after it begins".to_owned(), "2026-12-31T23:59:59"),
    ];
    for (from, to, what, underlined) in cases {
        check(&[(&once(from, to), &[(&what, underlined)])]);
    }
    with_people(&once("2026-12-31T23:59:59", good)).expect("it loads");
}

#[test]
fn a_rule_names_one_window_that_there_is() {
    let asks = "pushers = \"known\"\n";
    check_rule(&[
        (&format!("{asks}during = \"w\""), &[("there is no window `w`", "\"w\"")]),
        (
            &format!("{asks}outside = \"W\""),
            &[("a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit", "\"W\"")],
        ),
        (&format!("{asks}during = [\"w\"]"), &[("`during` takes a string, not a list", "[\"w\"]")]),
        (
            &format!("{asks}during = \"w\"\noutside = \"w\"\n[windows.w]\n{DAILY}"),
            &[("`during` and `outside` exclude each other", "outside")],
        ),
        (
            &format!("{asks}during = \"w\"\n[windows.w]\nfrom = 1"),
            &[
                ("a window needs `timezone`", "w"),
                ("a window needs `to`", "w"),
                ("without `days`, `from` takes a date and time without offset, in whole seconds", "1"),
            ],
        ),
    ]);
    let text = format!("[windows.w]\n{DAILY}\n[[rule]]\nname = \"r\"\n{asks}outside = \"w\"");
    let policy = with_people(&text).expect("it loads");
    assert_eq!(policy.windows.values().map(ToString::to_string).collect::<Vec<_>>(), ["mon 09:00 to 17:00 UTC"]);
}
