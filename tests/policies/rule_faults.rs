//! Each fault of a rule with its exact text and exactly what is underlined. What a case lists is all that is found.

use crate::support::{check, check_rule, with_people};
use jit::domain::change::Target;

/// What makes a rule one that asks for approvals.
const ASKS: &str = "require = [{ role = \"dev\", approvals = 1 }]\n";

#[test]
fn patterns_are_patterns_that_something_can_match() {
    let cases = [
        ("branches = []", "`branches` is an empty list", "[]"),
        ("branches = [\"a\", \"a\"]", "`a` stands twice in this list", "\"a\""),
        ("branches = [\"\"]", "a pattern cannot be empty", "\"\""),
        ("branches = [\"ok\", \"a[\"]", "unclosed character class; missing ']'", "\"a[\""),
        ("paths = [\"src/**.rs\"]", "`**` must stand alone between slashes", "\"src/**.rs\""),
        ("branches = [\"refs/heads/main\"]", "no branch can match `refs/heads/main`", "\"refs/heads/main\""),
        ("promoted_from = [\"refs/heads/main\"]", "no branch can match `refs/heads/main`", "\"refs/heads/main\""),
        ("tags = [\"refs/tags/v1\"]", "no tag can match `refs/tags/v1`", "\"refs/tags/v1\""),
        ("refs = [\"main\"]", "no refname can match `main`", "\"main\""),
        ("refs = [\"refs/\"]", "no refname can match `refs/`", "\"refs/\""),
        ("refs = [\"*\"]", "no refname can match `*`", "\"*\""),
        ("refs = [\"!heads/*\"]", "no refname can match `!heads/*`", "\"!heads/*\""),
        ("paths = [\"docs/\"]", "no path can match `docs/`", "\"docs/\""),
        ("paths = [\"/docs\"]", "no path can match `/docs`", "\"/docs\""),
        ("paths = [\"./docs\"]", "no path can match `./docs`", "\"./docs\""),
        ("paths = [\"a\", \"!../b\"]", "no path can match `!../b`", "\"!../b\""),
        ("paths = [\"a\", \"!**\"]", "`paths` matches nothing", "[\"a\", \"!**\"]"),
        ("paths = [\"a\", \"!a\"]", "`paths` matches nothing", "[\"a\", \"!a\"]"),
        ("paths = [\"!**\"]", "`paths` matches nothing", "[\"!**\"]"),
    ];
    for (line, what, underlined) in cases {
        check_rule(&[(&format!("{ASKS}{line}"), &[(what, underlined)])]);
    }
    check(&[("[environments.e]\ntags = []", &[("`tags` is an empty list", "[]")])]);
}

#[test]
fn a_rule_of_environments_that_hold_nothing_is_about_their_gates() {
    let rule = |keys: &str| format!("[environments.e]\n[environments.f]\n[[rule]]\nname = \"r\"\ndeny = true\n{keys}");
    let nothing = "these environments have no branches, tags or bookmarks, and the rule has no action `gate:NAME`";
    let excluded = "`environments` and `actions` exclude each other";
    let cases: [(&str, &[(&str, &str)]); 5] = [
        ("environments = [\"e\"]", &[(nothing, "environments")]),
        ("environments = [\"e\", \"f\"]", &[(nothing, "environments")]),
        ("environments = [\"e\"]\nactions = [\"update\"]", &[(excluded, "actions")]),
        (
            "environments = [\"e\"]\nbranches = [\"main\"]",
            &[("`environments` and `branches` exclude each other", "branches")],
        ),
        (
            "environments = [\"e\"]\nactions = [\"push\"]",
            &[(
                "`push` is not an action (create, update, rewrite, delete, close, new-head, publish or gate:NAME)",
                "\"push\"",
            )],
        ),
    ];
    for (keys, faults) in cases {
        check(&[(&rule(keys), faults)]);
    }
    let sound = [
        "environments = [\"e\"]\nactions = [\"gate:deploy\"]",
        "environments = [\"e\"]\nactions = [\"gate:deploy\", \"update\"]",
        "environments = [\"e\", \"production\"]",
    ];
    for keys in sound {
        let policy = with_people(&rule(keys)).expect(keys);
        let (rule, main) = (&policy.rules[0], Target::parse("refs/heads/main").expect("a target"));
        assert_eq!(policy.names_target(rule, &main), keys.contains("production"), "{keys}");
        assert!(policy.names_target(rule, &Target::parse("env:e").expect("a target")), "{keys}");
    }
}

#[test]
fn labels_are_keys_and_values_that_a_trailer_can_have() {
    let cases = [
        ("labels = [\"critical\"]", "`labels` takes a table, not a list", "[\"critical\"]"),
        ("labels = {}", "`labels` names no label", "{}"),
        ("labels = { Severity = \"high\" }", "`labels` takes a list of strings, not a string", "\"high\""),
        ("labels = { Severity = [] }", "`labels` is an empty list", "[]"),
        ("labels = { Severity = [1] }", "`labels` takes strings, not an integer", "1"),
        ("labels = { Severity = [\"a\", \"a\"] }", "`a` stands twice in this list", "\"a\""),
        ("labels = { Severity = [\"a[\"] }", "unclosed character class; missing ']'", "\"a[\""),
        ("labels = { Severity = [\" high\"] }", "no label can match ` high`", "\" high\""),
        ("labels = { Severity = [\"!high\\n\"] }", "no label can match `!high\n`", "\"!high\\n\""),
        ("labels = { Severity = [\"a\", \"!a\"] }", "`labels` matches nothing", "[\"a\", \"!a\"]"),
        ("labels = { \"a b\" = [\"x\"] }", "`a b` is not the key of a trailer: letters, digits and `-`", "\"a b\""),
        ("labels = { \"\" = [\"x\"] }", "`` is not the key of a trailer: letters, digits and `-`", "\"\""),
        ("labels = { A = [\"x\"], a = [\"y\"] }", "the label `a` is given twice", "a"),
    ];
    for (line, what, underlined) in cases {
        check_rule(&[(&format!("{ASKS}{line}"), &[(what, underlined)])]);
    }
    // Whatever the value, it is taken away: the rule is about commits without the label.
    for all in ["!*", "!**"] {
        with_people(&format!("[[rule]]\nname = \"r\"\n{ASKS}labels = {{ Severity = [\"{all}\"] }}")).expect("it loads");
    }
}

#[test]
fn sizes_are_numbers() {
    let range = |key: &str| format!("`{key}` takes a number from 0 to 1000000");
    let cases = [
        ("larger_than = 5", "`larger_than` takes a table, not an integer".to_owned(), "5"),
        ("larger_than = {}", "`larger_than` names no limit".to_owned(), "{}"),
        ("larger_than = { bytes = 5 }", "`larger_than` has no key `bytes`".to_owned(), "bytes"),
        ("larger_than = { files = \"5\" }", "`files` takes an integer, not a string".to_owned(), "\"5\""),
        ("larger_than = { files = 0.5 }", "`files` takes an integer, not a float".to_owned(), "0.5"),
        ("larger_than = { lines = -1 }", range("lines"), "-1"),
        ("larger_than = { commits = 1_000_001 }", range("commits"), "1_000_001"),
        ("larger_than = { commits = 99999999999999999999 }", range("commits"), "99999999999999999999"),
    ];
    for (line, what, underlined) in cases {
        check_rule(&[(&format!("{ASKS}{line}"), &[(&what, underlined)])]);
    }
    with_people(&format!("[[rule]]\nname = \"r\"\n{ASKS}larger_than = {{ files = 0, lines = 1_000_000 }}"))
        .expect("it loads");
}

#[test]
fn times_reasons_and_actions_are_read() {
    let cases = [
        ("ttl = \"soon\"", "`soon` is not a length of time: expected number at 0", "\"soon\""),
        ("ttl = \"0s\"", "`ttl` is shorter than a second", "\"0s\""),
        ("ttl = \"500ms\"", "`ttl` is shorter than a second", "\"500ms\""),
        ("ttl = \"30d 1s\"", "`ttl` is longer than 30days", "\"30d 1s\""),
        ("reason = \"(\"", "not a regular expression: unclosed group", "\"(\""),
        ("reason = \"\"", "`reason` is met by an empty reason", "\"\""),
        ("reason = \".*\"", "`reason` is met by an empty reason", "\".*\""),
        ("reason = \"(a{900}){900}\"", "the regular expression is too large", "\"(a{900}){900}\""),
        ("actions = []", "`actions` is an empty list", "[]"),
        (
            "actions = [\"gate:Deploy\"]",
            "`gate:Deploy` is not an action (create, update, rewrite, delete, close, new-head, publish or gate:NAME)",
            "\"gate:Deploy\"",
        ),
        (
            "actions = [\"push\"]",
            "`push` is not an action (create, update, rewrite, delete, close, new-head, publish or gate:NAME)",
            "\"push\"",
        ),
    ];
    for (line, what, underlined) in cases {
        check_rule(&[(&format!("{ASKS}{line}"), &[(what, underlined)])]);
    }
    let long = "x".repeat(2_001);
    check_rule(&[
        (
            &format!("deny = true\nmessage = \"{long}\""),
            &[("`message` is longer than 2000 bytes", &format!("\"{long}\""))],
        ),
        (&format!("{ASKS}reason = \"{long}\""), &[("`reason` is longer than 1000 bytes", &format!("\"{long}\""))]),
    ]);
}

#[test]
fn a_rule_asks_for_something() {
    let nothing: &[(&str, &str)] = &[("the rule asks for nothing", "\"r\"")];
    check_rule(&[
        ("branches = [\"main\"]", nothing),
        ("deny = false", nothing),
        ("ttl = \"1h\"", nothing),
        ("require = []", &[("`require` is an empty list", "[]")]),
        ("any_of = []", &[("`any_of` is an empty list", "[]")]),
        ("any_of = [[]]", &[("`any_of` is an empty list", "[]")]),
        ("authors = \"known\"\nttl = \"1h\"", &[("`ttl` has no effect in a rule that asks for no approvals", "ttl")]),
        (
            "reason = \"required\"\npushers = \"known\"",
            &[("`reason` has no effect in a rule that asks for no approvals", "reason")],
        ),
    ]);
}

#[test]
fn the_keys_of_a_rule_do_not_exclude_each_other() {
    let cases: [(&str, &[&str], &str); 17] = [
        ("branches = [\"main\"]\ntags = [\"v*\"]", &["branches", "tags"], "tags"),
        ("tags = [\"v*\"]\nbookmarks = [\"@\"]", &["tags", "bookmarks"], "bookmarks"),
        ("refs = [\"refs/heads/main\"]\ntags = [\"v*\"]", &["refs", "tags"], "tags"),
        ("tags = [\"v*\"]\nrefs = [\"refs/heads/**\"]", &["tags", "refs"], "refs"),
        ("branches = [\"main\"]\nrefs = [\"refs/notes/*\"]", &["branches", "refs"], "refs"),
        ("bookmarks = [\"@\"]\nrefs = [\"**\"]", &["bookmarks", "refs"], "refs"),
        ("environments = [\"tagged\"]\nbranches = [\"main\"]", &["environments", "branches"], "branches"),
        ("environments = [\"marked\"]\nrefs = [\"refs/heads/x\"]", &["environments", "refs"], "refs"),
        ("environments = [\"production\"]\nrefs = [\"refs/tags/x\"]", &["environments", "refs"], "refs"),
        ("refs = [\"refs/heads/x\"]\nactions = [\"close\", \"new-head\"]", &["refs", "actions"], "actions"),
        ("bookmarks = [\"@\"]\nactions = [\"publish\"]", &["bookmarks", "actions"], "actions"),
        ("tags = [\"v*\"]\nactions = [\"update\"]", &["tags", "actions"], "actions"),
        ("refs = [\"refs/tags/v*\"]\nactions = [\"update\"]", &["refs", "actions"], "actions"),
        ("ttl = \"1h\"", &["deny", "ttl"], "ttl"),
        ("require = [{ role = \"dev\", approvals = 1 }]", &["deny", "require"], "require"),
        ("any_of = [[{ role = \"dev\", approvals = 1 }]]", &["deny", "any_of"], "any_of"),
        ("authors = \"known\"", &["deny", "authors"], "authors"),
    ];
    for (lines, keys, underlined) in cases {
        let what = format!("`{}` and `{}` exclude each other", keys[0], keys[1]);
        check_rule(&[(&format!("deny = true\n{lines}"), &[(&what, underlined)])]);
    }
    check_rule(&[
        ("ttl = \"1h\"\ndeny = true", &[("`ttl` and `deny` exclude each other", "deny")]),
        (
            "deny = true\nrefs = [\"refs/heads/**\", \"refs/notes/*\"]\nenvironments = [\"production\", \"tagged\"]\ntags = [\"v*\"]",
            &[("`refs` and `tags` exclude each other", "tags")],
        ),
        (
            // Any two of the three leave something: Git tags, other Git refs, branches.
            "deny = true\nrefs = [\"refs/tags/*\", \"refs/notes/*\"]\nenvironments = [\"production\", \"tagged\"]\nactions = [\"update\"]",
            &[("the keys of this rule exclude each other", "[[rule]]")],
        ),
    ]);
}

#[test]
fn thresholds_can_be_met() {
    let one = |role: &str, approvals: &str| format!("{{ role = \"{role}\", approvals = {approvals} }}");
    let require = |entries: &[String]| format!("require = [{}]", entries.join(", "));
    let lead_and_dev = [one("lead", "1"), one("dev", "2")];
    check_rule(&[
        (&require(&[one("dev", "0")]), &[("`approvals` must be at least 1", "0")]),
        (&require(&[one("dev", "-3")]), &[("`approvals` must be at least 1", "-3")]),
        (&require(&[one("dev", "101")]), &[("more than 100 approvals in one entry", "101")]),
        (&require(&[one("dev", "100")]), &[("100 approvals are asked of `dev`, which has 2 members", "100")]),
        (&require(&[one("dev", "1_000")]), &[("more than 100 approvals in one entry", "1_000")]),
        (&require(&[one("dev", "3")]), &[("3 approvals are asked of `dev`, which has 2 members", "3")]),
        (&require(&[one("lead", "2")]), &[("2 approvals are asked of `lead`, which has 1 member", "2")]),
        (&require(&[one("guests", "1")]), &[("`require` can never be met: 0 of 1 places can be filled", "require")]),
        (&require(&lead_and_dev), &[("`require` can never be met: 2 of 3 places can be filled", "require")]),
        (
            &format!("{}\nany_of = [[{}], [{}]]", require(&[one("lead", "1")]), one("lead", "1"), one("dev", "1")),
            &[("`any_of` can never be met: 1 of 2 places can be filled", "[{ role = \"lead\", approvals = 1 }]")],
        ),
        (
            &format!("{}\ndistinct_people = false", require(&[one("guests", "1"), one("lead", "1")])),
            &[("`require` can never be met: 0 of 1 places can be filled", "require")],
        ),
    ]);
    with_people(&format!("[[rule]]\nname = \"r\"\ndistinct_people = false\n{}", require(&lead_and_dev)))
        .expect("it loads");
}
