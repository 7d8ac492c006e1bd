//! What is doubtful in a policy that loads.

use crate::support::{KEYS, PEOPLE, file};
use jit::cli::faults_report;
use jit::domain::audit::System;
use jit::domain::change::{RepoPath, Target};
use jit::domain::policy::{Contents, Known, Warnings, examine};
use jit::domain::time::Timestamp;
use std::process::Command;

/// The start of a policy with alice, bob and carol, who can all push and sign, in the role `all`; `pair` is alice and bob.
fn team() -> String {
    let person = |(name, key): &(&str, &str)| {
        format!("[principals.{name}]\nkeys = [\"{key}\"]\nemails = [\"{name}@example.com\"]\nlogins = [\"{name}\"]\n")
    };
    let people: String = KEYS[..3].iter().map(person).collect();
    format!(
        "version = 1\ndefault = \"allow\"\n{people}[roles.all]\nmembers = [\"alice\", \"bob\", \"carol\"]\n\
         [roles.pair]\nmembers = [\"alice\", \"bob\"]\n[roles.told]\nmembers = [\"carol\"]\n"
    )
}

/// A rule that uses every role and leaves nothing open.
const SOUND: &str = "[[rule]]\nname = \"sound\"\nbranches = [\"main\"]\nrequire = [{ role = \"all\", approvals = 1 }]\n\
                     any_of = [[{ role = \"pair\", approvals = 1 }], [{ role = \"all\", approvals = 1 }]]\n\
                     escalate = { after = \"4h\", notify = [\"role:told\"] }\n";

fn warned(text: &str, contents: Option<&Contents>) -> Warnings {
    let now = Timestamp::parse("2026-06-01T00:00:00Z").expect("a time");
    let (_, warnings) = examine(&[file("a.toml", text)], &Known { now, contents }).expect(text);
    warnings
}

/// Lists each warning as its text and what is underlined.
fn seen(warnings: &Warnings) -> Vec<(String, String)> {
    let underlined = |place: &_| String::from_utf8_lossy(warnings.underlined(place)).into_owned();
    let one = |warning: &jit::domain::policy::Fault<_>| {
        (ToString::to_string(&warning.what), warning.place.as_ref().map(underlined).unwrap_or_default())
    };
    warnings.list().iter().map(one).collect()
}

#[track_caller]
fn expect(text: &str, contents: Option<&Contents>, expected: &[(&str, &str)]) {
    let found = seen(&warned(text, contents));
    let found: Vec<(&str, &str)> = found.iter().map(|(what, underlined)| (&**what, &**underlined)).collect();
    assert_eq!(found, expected, "in\n{text}");
}

#[test]
fn a_policy_that_leaves_nothing_open_has_no_warnings() {
    expect(&format!("{}{SOUND}", team()), None, &[]);
}

#[test]
fn a_quorum_that_needs_the_author_or_the_pusher_is_told() {
    let both = "what `alice` or `bob` pushes or writes can never meet this rule: too few others could approve it";
    let alice = "what `alice` pushes or writes can never meet this rule: too few others could approve it";
    let all =
        "what `alice` or `bob` or `carol` pushes or writes can never meet this rule: too few others could approve it";
    let cases: [(&str, &[(&str, &str)]); 7] = [
        ("require = [{ role = \"pair\", approvals = 2 }]", &[(both, "require")]),
        ("require = [{ role = \"pair\", approvals = 2 }]\nself_approval = true", &[]),
        ("require = [{ role = \"pair\", approvals = 1 }]", &[]),
        ("require = [{ role = \"pair\", approvals = 1 }, { role = \"all\", approvals = 2 }]", &[(all, "require")]),
        ("require = [{ role = \"pair\", approvals = 1 }, { role = \"all\", approvals = 1 }]", &[]),
        ("any_of = [[{ role = \"pair\", approvals = 2 }], [{ role = \"all\", approvals = 2 }]]", &[]),
        ("any_of = [[{ role = \"lead\", approvals = 1 }], [{ role = \"pair\", approvals = 2 }]]", &[(alice, "any_of")]),
    ];
    for (asked, expected) in cases {
        let lead = if asked.contains("lead") { "[roles.lead]\nmembers = [\"alice\"]\n" } else { "" };
        let rule = format!("[[rule]]\nname = \"r\"\nbranches = [\"main\"]\n{asked}\n");
        expect(&format!("{}{lead}{SOUND}{rule}", team()), None, expected);
    }
    // Whoever has a login can push, whoever has an address can write.
    let pair = "[[rule]]\nname = \"r\"\nbranches = [\"main\"]\nrequire = [{ role = \"pair\", approvals = 2 }]\n";
    for key in ["logins", "emails"] {
        let lines: Vec<String> = team().lines().filter(|line| !line.starts_with(key)).map(str::to_owned).collect();
        expect(&format!("{}\n{SOUND}{pair}", lines.join("\n")), None, &[(both, "require")]);
    }
    // Who has neither login nor address can be neither author nor pusher.
    let nameless = format!(
        "{PEOPLE}[[rule]]\nname = \"r\"\nbranches = [\"main\"]\nrequire = [{{ role = \"dev\", approvals = 2 }}]\n"
    );
    assert!(!seen(&warned(&nameless, None)).iter().any(|(what, _)| what.contains("pushes or writes")));
}

#[test]
fn names_that_nothing_refers_to_are_told() {
    let within = "[roles.inner]\nmembers = [\"alice\"]\n[roles.outer]\nmembers = [\"role:inner\"]\n";
    let asks = "[[rule]]\nname = \"o\"\nbranches = [\"main\"]\nrequire = [{ role = \"outer\", approvals = 1 }]\nself_approval = true\n";
    let production = "[environments.production]\nbranches = [\"main\"]\n";
    let window =
        "[windows.year-end]\nfrom = 2026-12-20T00:00:00\nto = 2027-01-04T08:00:00\ntimezone = \"Europe/Vienna\"\n";
    let check = "[checks.tests]\nrole = \"pair\"\n";
    let cases: [(String, &[(&str, &str)]); 7] = [
        (check.to_owned(), &[("no rule asks for the check `tests`", "tests")]),
        (format!("{check}[[rule]]\nname = \"c\"\nbranches = [\"main\"]\nchecks = [\"tests\"]\n"), &[]),
        (format!("{within}{asks}"), &[]),
        (
            within.to_owned(),
            &[("no rule asks for the role `inner`", "inner"), ("no rule asks for the role `outer`", "outer")],
        ),
        (production.to_owned(), &[("no rule asks for the environment `production`", "production")]),
        (window.to_owned(), &[("no rule asks for the window `year-end`", "year-end")]),
        (format!("{production}[[rule]]\nname = \"p\"\nenvironments = [\"production\"]\npushers = \"known\"\n"), &[]),
    ];
    for (text, expected) in cases {
        expect(&format!("{}{SOUND}{text}", team()), None, expected);
    }
}

#[test]
fn time_that_is_over_or_ends_within_thirty_days_is_told() {
    let cases: [(&str, &[(&str, &str)]); 4] = [
        ("2026-07-01T00:00:01Z", &[]),
        ("2026-07-01T00:00:00Z", &[("the time of `carol` ends at 2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z")]),
        ("2026-06-01T00:00:01Z", &[("the time of `carol` ends at 2026-06-01T00:00:01Z", "2026-06-01T00:00:01Z")]),
        ("2026-06-01T00:00:00Z", &[("the time of `carol` is over since 2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z")]),
    ];
    for (end, expected) in cases {
        let people = team().replace("logins = [\"carol\"]", &format!("logins = [\"carol\"]\nvalid_until = {end}"));
        expect(
            &format!("{people}{SOUND}")
                .replace("approvals = 1 }]\nany_of", "approvals = 1 }]\nself_approval = true\nany_of"),
            None,
            expected,
        );
    }
    let rule = "[[rule]]\nname = \"r\"\nbranches = [\"main\"]\nrequire = [{ role = \"pair\", approvals = 2 }]\n";
    let over = ("this rule can no longer be met: the time of `bob` is over".to_owned(), "require".to_owned());
    for (end, is_over) in
        [("2026-01-01T00:00:00Z", true), ("2026-06-01T00:00:00Z", true), ("2026-06-01T00:00:01Z", false)]
    {
        let gone = team().replace("logins = [\"bob\"]", &format!("logins = [\"bob\"]\nvalid_until = {end}"));
        assert_eq!(seen(&warned(&format!("{gone}{rule}"), None)).contains(&over), is_over, "{end}");
    }
}

#[test]
fn what_a_named_ref_leaves_open_is_told() {
    let cases: [(&str, &[(&str, &str)]); 14] = [
        (
            "environments = [\"staging\"]\nactions = [\"update\"]\npushers = \"known\"",
            &[(
                "no enforcing rule is about create or rewrite or delete of refs/heads/stage: `default` lets it in",
                "\"stage\"",
            )],
        ),
        (
            "branches = [\"topic\"]\nactions = [\"update\"]\npushers = \"known\"",
            &[(
                "no enforcing rule is about create or rewrite or delete of refs/heads/topic: `default` lets it in",
                "\"topic\"",
            )],
        ),
        ("branches = [\"topic\"]\nactions = [\"update\"]\npushers = \"known\"\nmode = \"observe\"", &[]),
        ("branches = [\"main\"]\nactions = [\"update\"]\npushers = \"known\"", &[]),
        (
            "tags = [\"v*\"]\nactions = [\"rewrite\", \"delete\"]\ndeny = true",
            &[("no enforcing rule is about create of refs/tags/vx: `default` lets it in", "\"v*\"")],
        ),
        (
            "branches = [\"{main,topic}/[0-9]\"]\nactions = [\"create\", \"update\", \"rewrite\"]\npushers = \"known\"",
            &[
                (
                    "no enforcing rule is about delete of refs/heads/main/0: `default` lets it in",
                    "\"{main,topic}/[0-9]\"",
                ),
                (
                    "no enforcing rule is about delete of refs/heads/topic/0: `default` lets it in",
                    "\"{main,topic}/[0-9]\"",
                ),
            ],
        ),
        ("branches = [\"{main,topic}\", \"!t*\"]\nactions = [\"update\"]\npushers = \"known\"", &[]),
        ("branches = [\"topic\", \"!t*\"]\nactions = [\"update\"]\npushers = \"known\"", &[]),
        (
            "branches = [\"topic/**\"]\nlabels = { Severity = [\"high\"] }\npushers = \"known\"",
            &[(
                "nothing but rules with `labels` guards create or update or rewrite or delete of refs/heads/topic/x",
                "labels",
            )],
        ),
        (
            "refs = [\"refs/heads/topic\"]\nlarger_than = { files = 3 }\npushers = \"known\"",
            &[(
                "nothing but rules with `larger_than` guards create or update or rewrite or delete of refs/heads/topic",
                "larger_than",
            )],
        ),
        (
            "branches = [\"topic\"]\nduring = \"nights\"\npushers = \"known\"",
            &[(
                "nothing but rules with `during` guards create or update or rewrite or delete of refs/heads/topic",
                "during",
            )],
        ),
        ("branches = [\"main\"]\nduring = \"nights\"\npushers = \"known\"", &[]),
        ("branches = [\"topic\"]\npaths = [\"db/**\"]\npushers = \"known\"", &[]),
        (
            "bookmarks = [\"@\"]\nactions = [\"update\"]\npushers = \"known\"",
            &[("no enforcing rule is about create or rewrite or delete of bookmark:@: `default` lets it in", "\"@\"")],
        ),
    ];
    let nights = "[windows.nights]\ndays = [\"mon\"]\nfrom = \"18:00\"\nto = \"20:00\"\ntimezone = \"UTC\"\n";
    for (rule, expected) in cases {
        let defined = match rule {
            _ if rule.contains("nights") => nights,
            _ if rule.contains("staging") => "[environments.staging]\nbranches = [\"stage\"]\n",
            _ => "",
        };
        let text = format!("{}{defined}{SOUND}[[rule]]\nname = \"r\"\n{rule}\n", team());
        expect(&text, None, expected);
        assert_eq!(seen(&warned(&text.replacen("\"allow\"", "\"deny\"", 1), None)), [], "{rule}");
    }
}

#[test]
fn what_a_named_target_of_mercurial_leaves_open_is_told() {
    let hg = Contents { system: System::Hg, targets: Vec::new(), tip: None, paths: Vec::new() };
    let cases = [
        (
            "branches = [\"topic\"]",
            "create or rewrite or close or new-head or publish of branch:topic: `default` lets it in",
            "\"topic\"",
        ),
        ("tags = [\"v*\"]", "create or delete of tag:vx: `default` lets it in", "\"v*\""),
    ];
    for (targets, left, underlined) in cases {
        let action = if targets.starts_with("tags") { "rewrite" } else { "update" };
        let rule = format!("[[rule]]\nname = \"r\"\n{targets}\nactions = [\"{action}\"]\npushers = \"known\"\n");
        let expected = format!("no enforcing rule is about {left}");
        expect(&format!("{}{SOUND}{rule}", team()), Some(&hg), &[(&expected, underlined)]);
    }
}

#[test]
fn patterns_that_match_nothing_of_the_repository_are_told() {
    let target = |name: &str| Target::parse(name).expect(name);
    let git = Contents {
        system: System::Git,
        targets: ["refs/heads/main", "refs/heads/release/1", "refs/tags/v1", "refs/notes/x"].map(target).to_vec(),
        tip: Some(target("refs/heads/main")),
        paths: [&b"README"[..], b"db/1.sql", b"caf\xe9"].map(RepoPath::new).to_vec(),
    };
    let hg = Contents {
        system: System::Hg,
        targets: ["branch:main", "bookmark:@", "tag:v1"].map(target).to_vec(),
        tip: Some(target("branch:main")),
        paths: git.paths.clone(),
    };
    let empty = Contents { targets: Vec::new(), tip: None, paths: Vec::new(), ..git.clone() };
    type Expected<'e> = &'e [(&'e str, &'e str)];
    let cases: [(&str, Expected<'_>, Expected<'_>); 6] = [
        ("branches = [\"main\"]", &[], &[]),
        (
            "branches = [\"release/**\", \"!release/2\"]",
            &[("`!release/2` matches no branch of the repository", "\"!release/2\"")],
            &[
                ("`release/**` matches no branch of the repository", "\"release/**\""),
                ("`!release/2` matches no branch of the repository", "\"!release/2\""),
            ],
        ),
        ("tags = [\"v*\"]", &[], &[]),
        ("bookmarks = [\"@\"]", &[("`@` matches no bookmark of the repository", "\"@\"")], &[]),
        ("refs = [\"refs/notes/*\"]", &[], &[("`refs/notes/*` matches no ref of the repository", "\"refs/notes/*\"")]),
        (
            "branches = [\"main\"]\npaths = [\"db/**\", \"caf?\", \"docs/**\"]",
            &[("`docs/**` matches no path at the tip of refs/heads/main", "\"docs/**\"")],
            &[("`docs/**` matches no path at the tip of branch:main", "\"docs/**\"")],
        ),
    ];
    for (rule, in_git, in_hg) in cases {
        let text = format!("{}{SOUND}[[rule]]\nname = \"r\"\n{rule}\ndeny = true\n", team());
        expect(&text, Some(&git), in_git);
        expect(&text, Some(&hg), in_hg);
        expect(&text, Some(&empty), &[]);
    }
}

#[test]
fn a_warning_shows_the_line_and_the_advice_and_strict_makes_it_a_fault() {
    let text = format!(
        "{}{SOUND}[[rule]]\nname = \"r\"\nbranches = [\"topic\"]\nactions = [\"update\"]\npushers = \"known\"\n",
        team()
    );
    let report = anstream::adapter::strip_str(&faults_report(&warned(&text, None))).to_string();
    let expected = "\
warning: no enforcing rule is about create or rewrite or delete of refs/heads/topic: `default` lets it in
  --> a.toml:29:13
   |
29 | branches = [\"topic\"]
   |             ^^^^^^^
   |
  ::: a.toml:2:11
   |
 2 | default = \"allow\"
   |           ------- `default` is given here
   |
   = help: let a rule name these actions (none named means all), or set `default = \"deny\"`

1 warning
";
    assert_eq!(report, expected);

    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.toml"), &text).expect("written");
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jit"));
        command.args(["policy", "check"]).arg(folder.path()).args(more);
        let output = command.output().expect("the program");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = run(&[]);
    assert!(code == Some(0) && said.starts_with("ok: 3 principals"), "{said}");
    assert_eq!(run(&["--strict"]).0, Some(1));
    let (code, json) = run(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &json["loads"], json["warnings"].as_array().map(Vec::len)), (Some(0), &true.into(), Some(1)));
    assert_eq!((&json["warnings"][0]["line"], &json["warnings"][0]["column"]), (&29.into(), &13.into()));
}
