//! No bytes bring the loader or its report down.

use crate::support::{PEOPLE, file, seen, with_people};
use jit::cli::{faults_json, faults_plain, faults_report};
use jit::domain::policy::{limits, load};
use proptest::prelude::*;

/// Loads, and renders what is wrong in every form.
fn load_and_report(text: &[u8]) {
    if let Err(faults) = load(&[file("a.toml", text)]) {
        assert!(!faults.list().is_empty());
        for fault in faults.list() {
            let place = fault.place.iter().chain(fault.notes.iter().map(|note| &note.place));
            for place in place {
                assert!(place.span.start <= place.span.end && place.span.end <= text.len());
            }
        }
        let drawn = faults_report(&faults);
        let plain = faults_plain(&faults);
        let bare = anstream::adapter::strip_str(&drawn).to_string();
        for text in [&bare, &plain] {
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        }
        assert!(faults_json(&faults).is_array());
    }
}

/// Lines that make up policies, some of them wrong.
const LINES: [&str; 24] = [
    "version = 1",
    "default = \"allow\"",
    "[principals.alice]",
    "emails = [\"a@b\", \"A@B\"]",
    "[roles.r]",
    "members = [\"alice\"]",
    "members = [\"role:r\", \"role:s\"]",
    "[roles.s]",
    "[environments.e]",
    "tags = [\"v*\"]",
    "[[rule]]",
    "name = \"x\"",
    "branches = [\"main\"]",
    "require = [{ role = \"r\", approvals = 2 }]",
    "any_of = [[{ role = \"s\", approvals = 1 }]]",
    "deny = true",
    "paths = [\"a/\", \"!**\"]",
    "ttl = \"9y\"",
    "reason = \"(\"",
    "valid_until = 2020-01-01",
    "\u{202e}\u{1b}[31m = 1",
    "x = '''\n\u{9b}\n\n\n\n\n\n'''",
    "keys = [\"ssh-ed25519 AAAA\"]\r",
    "environments = [\"e\", \"f\"]",
];

proptest! {
    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        load_and_report(&bytes);
    }

    #[test]
    fn arbitrary_text_is_survived(text in "\\PC{0,200}|[\\[\\]{}=\"'.,#a-z0-9\\n\\r\\t -]{0,200}") {
        load_and_report(text.as_bytes());
    }

    #[test]
    fn shuffled_lines_of_policies_are_survived(lines in prop::collection::vec(prop::sample::select(&LINES[..]), 0..30)) {
        load_and_report(format!("version = 1\n{}", lines.join("\n")).as_bytes());
    }

    #[test]
    fn a_damaged_policy_is_survived(at in 0..PEOPLE.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut text = PEOPLE.as_bytes().to_vec();
        if cut { text.truncate(at) } else { text[at] = byte }
        load_and_report(&text);
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let deep = 100_000;
    for text in [
        format!("version = {}1{}", "[".repeat(deep), "]".repeat(deep)),
        format!("version = {}1{}", "{a=".repeat(deep), "}".repeat(deep)),
        format!("{}a = 1", "a.".repeat(deep)),
        format!("[{}a]", "a.".repeat(deep)),
        format!("[[{}a]]", "a.".repeat(deep)),
        format!("version = 1\n[[rule]]\nreason = \"{}\"", "(".repeat(deep)),
        format!("version = 1\n[[rule]]\npaths = [\"{}{}\"]", "{".repeat(deep), "}".repeat(deep)),
        "version = 1\n[[rule]]\nreason = \"((((a{99}){99}){99}){99})\"".to_owned(),
    ] {
        load_and_report(text.as_bytes());
        assert!(load(&[file("a.toml", &text)]).is_err());
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let one = |text: &[u8]| seen(&load(&[file("a.toml", text)]).expect_err("faults"))[0].0.clone();
    assert_eq!(one(&vec![b'#'; limits::FILE_BYTES + 1]), "the file is larger than 1048576 bytes");

    let many: Vec<_> = (0..=limits::FILES).map(|n| file(&format!("{n}.toml"), "version = 1")).collect();
    assert_eq!(load(&many).expect_err("faults").list()[0].what.to_string(), "more than 1000 files");

    let large: Vec<_> = (0..17).map(|n| file(&format!("{n}.toml"), vec![b'#'; limits::FILE_BYTES])).collect();
    let faults = load(&large).expect_err("faults");
    assert_eq!(faults.list()[0].what.to_string(), "the files are larger than 16777216 bytes together");

    let rules = "[[rule]]\nname = \"r\"\ndeny = true\n".repeat(limits::RULES + 1);
    let faults = with_people(&rules).expect_err("faults");
    assert!(faults.list().iter().any(|fault| fault.what.to_string() == "more than 10000 rules"));
    assert!(faults_plain(&faults).ends_with("more: the policy has 10000 faults\n"), "{}", faults.list().len());

    let entries = "{ role = \"dev\", approvals = 1 },".repeat(limits::ENTRIES + 1);
    let faults = with_people(&format!("[[rule]]\nname = \"r\"\nrequire = [{entries}]")).expect_err("faults");
    assert_eq!(faults.list()[0].what.to_string(), "more than 50 entries in `require`");
}

#[test]
fn patterns_that_are_too_much_together_are_refused() {
    let list = |count: usize| -> Vec<String> {
        (0..count).map(|n| format!("{n:03}{}", "?".repeat(limits::PATTERN_BYTES - 3))).collect()
    };
    let rule = |count: usize| format!("[[rule]]\nname = \"r\"\ndeny = true\npaths = {:?}", list(count));
    with_people(&rule(1)).expect("it loads");
    let found = seen(&with_people(&rule(300)).expect_err("a fault"));
    assert!(found.len() == 1 && found[0].1 == format!("{:?}", list(300)), "{:?}", found[0].0);
}

#[test]
fn as_much_as_is_allowed_loads() {
    let filled = |text: &str, length: usize| [text.as_bytes(), &vec![b'#'; length - text.len()]].concat();
    let first = "version = 1\ndefault = \"deny\"\n";
    let large = |number: usize| {
        let text = if number == 0 { first } else { "version = 1\n" };
        file(&format!("{number}.toml"), filled(text, limits::FILE_BYTES))
    };
    load(&(0..limits::POLICY_BYTES / limits::FILE_BYTES).map(large).collect::<Vec<_>>()).expect("it loads");

    let small = |number: usize| file(&format!("{number}.toml"), if number == 0 { first } else { "version = 1" });
    load(&(0..limits::FILES).map(small).collect::<Vec<_>>()).expect("it loads");

    let pattern = |length: usize| format!("[[rule]]\nname = \"r\"\ndeny = true\npaths = [\"{}\"]", "a".repeat(length));
    with_people(&pattern(limits::PATTERN_BYTES)).expect("it loads");
    with_people(&pattern(limits::PATTERN_BYTES + 1)).expect_err("a fault");

    let asks = "require = [{ role = \"dev\", approvals = 1 }]";
    let cases = [
        format!("{asks}\nreason = \"{}\"", "a".repeat(limits::EXPRESSION_BYTES)),
        format!("{asks}\nmessage = \"{}\"", "a".repeat(limits::MESSAGE_BYTES)),
        format!(
            "require = [{}]\ndistinct_people = false",
            "{ role = \"dev\", approvals = 1 },".repeat(limits::ENTRIES)
        ),
    ];
    for lines in cases {
        with_people(&format!("[[rule]]\nname = \"r\"\n{lines}")).expect(&lines);
    }
}

#[test]
fn nested_roles_do_not_multiply_members_without_end() {
    let people: Vec<String> = (0..500).map(|n| format!("p{n}")).collect();
    let mut text: String = people.iter().map(|name| format!("principals.{name} = {{}}\n")).collect();
    text += &format!("[roles.r0]\nmembers = {people:?}\n");
    for n in 1..=398 {
        text += &format!("[roles.r{n}]\nmembers = [\"role:r{}\"]\n", n - 1);
    }
    // With the four memberships of `PEOPLE` that leaves 496.
    let too_many =
        |role: &str| Some(vec![("more than 200000 members of all roles together".to_owned(), role.to_owned())]);
    let cases = [
        (format!("[roles.rest]\nmembers = {:?}\n", &people[..496]), None),
        (format!("[roles.rest]\nmembers = {:?}\n", &people[..497]), too_many("r398")),
        (
            "[roles.r399]\nmembers = [\"role:r398\"]\n[roles.r400]\nmembers = [\"role:r399\"]\n".to_owned(),
            too_many("r399"),
        ),
    ];
    for (rest, expected) in cases {
        assert_eq!(with_people(&format!("{text}{rest}")).err().map(|faults| seen(&faults)), expected);
    }
}

#[test]
fn many_unknown_names_among_many_known_ones_are_reported_in_reasonable_time() {
    let mut text = String::new();
    for n in 0..3_000 {
        text += &format!("[principals.p-{n}]\nlogins = [\"p{n}\"]\n");
    }
    text += "[roles.r]\nmembers = [";
    for n in 0..20_000 {
        text += &format!("\"q-{n}\",");
    }
    let faults = with_people(&(text + "]")).expect_err("faults");
    assert_eq!(faults.list().len(), 20_000);
}
