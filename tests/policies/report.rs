//! How faults look.

use crate::support::{file, with_people};
use jit::cli::{faults_json, faults_plain, faults_report};
use jit::domain::policy::{Faults, load};

const WRONG: &str = "version = 1\ndefault = \"deny\"\n[[rule]]\nname = \"r\"\nbranch = [\"main\"]\ndeny = true\n\tpaths = [\n  \"a\",\n  \"docs/\",\n]\n";

fn bare(faults: &Faults) -> String {
    anstream::adapter::strip_str(&faults_report(faults)).to_string()
}

#[test]
fn the_report_shows_the_line_the_place_and_the_advice() {
    let faults = load(&[
        file("main.toml", WRONG),
        file("more.toml", "version = 1\n[[rule]]\nname = \"r\"\npushers = \"known\""),
    ]);
    let expected = r#"error: a rule has no key `branch`
 --> main.toml:5:1
  |
5 | branch = ["main"]
  | ^^^^^^
  |
  = help: did you mean `branches`?

error: no path can match `docs/`
 --> main.toml:9:3
  |
9 |   "docs/",
  |   ^^^^^^^
  |
  = help: write `docs/**` for everything below the folder

error: the rule `r` is defined twice
 --> more.toml:3:8
  |
3 | name = "r"
  |        ^^^
  |
 ::: main.toml:4:8
  |
4 | name = "r"
  |        --- first defined here

the policy has 3 faults
"#;
    assert_eq!(bare(&faults.expect_err("faults")), expected);
}

#[test]
fn hooks_get_a_line_for_each_fault() {
    let faults = load(&[
        file("main.toml", WRONG),
        file("more.toml", "version = 1\n[[rule]]\nname = \"r\"\npushers = \"known\""),
    ]);
    let expected = "\
main.toml:5:1: a rule has no key `branch`
  help: did you mean `branches`?
main.toml:9:3: no path can match `docs/`
  help: write `docs/**` for everything below the folder
more.toml:3:8: the rule `r` is defined twice (first defined here: main.toml:4:8)
the policy has 3 faults
";
    assert_eq!(faults_plain(&faults.expect_err("faults")), expected);
}

#[test]
fn programs_get_all_faults_as_data() {
    let faults =
        with_people("[roles.leads]\nmembers = [\"alica\"]\n[roles.dev]\nmembers = [\"bob\"]").expect_err("faults");
    let expected = serde_json::json!([
        {
            "file": "a.toml", "line": 3, "column": 12, "underlined": "\"alica\"", "message": "there is no principal `alica`",
            "help": "did you mean `alice`?", "notes": [],
        },
        {
            "file": "a.toml", "line": 4, "column": 8, "underlined": "dev", "message": "the role `dev` is defined twice",
            "help": null,
            "notes": [
                { "file": "0-people.toml", "line": 12, "column": 8, "underlined": "dev", "message": "first defined here" },
            ],
        },
    ]);
    assert_eq!(faults_json(&faults), expected);
}

#[test]
fn text_from_a_policy_cannot_steer_the_terminal_and_is_still_underlined() {
    let faults = load(&[file(
        "a\u{1b}.toml",
        "version = 1\ndefault = \"\u{202e}deny\u{9b}\" # \u{1b}[31m \u{fffd} wide 漢字\r\n",
    )])
    .expect_err("faults");
    let expected = "\
error: not TOML: invalid comment character, expected printable characters
 --> a\\u{1b}.toml:2:22
  |
2 | default = \"\u{fffd}deny\u{fffd}\" # \u{fffd}[31m \u{fffd} wide 漢字
  |                      ^

the policy has 1 fault
";
    assert_eq!(bare(&faults), expected);
}

#[test]
fn a_file_that_is_not_utf8_is_drawn_with_its_position() {
    let faults = load(&[file("a.toml", b"version = 1\n# \xffx caf\xe9\n")]).expect_err("faults");
    let expected = "\
error: the file is not UTF-8
 --> a.toml:2:3
  |
2 | # \u{fffd}x caf\u{fffd}
  |   ^

the policy has 1 fault
";
    assert_eq!(bare(&faults), expected);
}

#[test]
fn a_byte_order_mark_and_carriage_returns_move_no_underline() {
    let text = "\u{feff}version = 1\r\ndefault = \"deny\"\r\nwrong = 1\r\n";
    let expected = "\
error: a policy has no key `wrong`
 --> a.toml:3:1
  |
3 | wrong = 1
  | ^^^^^

the policy has 1 fault
";
    assert_eq!(bare(&load(&[file("a.toml", text)]).expect_err("faults")), expected);
}

#[test]
fn of_a_place_of_many_lines_the_first_is_drawn() {
    let list = "\n  \"a\",".repeat(8);
    let report = bare(&with_people(&format!("[environments]\ne = [{list}\n]")).expect_err("faults"));
    let expected = "\
error: `environments` takes a table, not a list
 --> a.toml:3:5
  |
3 | e = [
  |     ^

the policy has 1 fault
";
    assert_eq!(report, expected);
}

#[test]
fn a_line_too_long_to_draw_gives_its_position() {
    let text = format!("version = 1\ndefault = \"deny\"\nx{} = 1", "y".repeat(3_000));
    let report = bare(&load(&[file("a.toml", text)]).expect_err("faults"));
    assert!(report.contains(" a.toml:3:1\n"), "{report}");
}

#[test]
fn fifty_faults_are_shown_and_the_rest_is_counted() {
    let faults = with_people(&(0..60).map(|n| format!("x{n} = 1\n")).collect::<String>()).expect_err("faults");
    for report in [bare(&faults), faults_plain(&faults)] {
        assert_eq!(report.matches("a policy has no key").count(), 50);
        assert!(report.ends_with("and 10 more: the policy has 60 faults\n"), "{report}");
    }
    assert_eq!(faults_json(&faults).as_array().map(Vec::len), Some(60));
}
