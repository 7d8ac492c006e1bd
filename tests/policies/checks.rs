//! Checks in policies: what they need, and that rules name those that exist.

use crate::support::{check, check_rule, with_people};

const CHECKS: &str = "[checks.tests]\nrole = \"dev\"\n";

#[test]
fn a_rule_may_ask_for_checks_alone() {
    let policy = with_people(&format!("{CHECKS}[[rule]]\nname = \"r\"\nchecks = [\"tests\"]")).expect("it loads");
    let asked: Vec<String> = policy.rules[0].checks.iter().map(|(check, role)| format!("{check} of {role}")).collect();
    assert_eq!(asked, ["tests of dev"]);
}

#[test]
fn a_check_has_a_role_of_which_somebody_can_sign() {
    check(&[
        ("[checks]\ntests = \"dev\"", &[("`checks` takes a table, not a string", "\"dev\"")]),
        ("[checks.tests]", &[("a check needs `role`", "tests")]),
        ("[checks.Tests]\nrole = \"dev\"", &[(NAME, "Tests")]),
        ("[checks.tests]\nrole = [\"dev\"]", &[("`role` takes a string, not a list", "[\"dev\"]")]),
        ("[checks.tests]\nrole = \"Dev\"", &[(NAME, "\"Dev\"")]),
        ("[checks.tests]\nrole = \"kings\"", &[("there is no role `kings`", "\"kings\"")]),
        ("[checks.tests]\nrole = \"guests\"", &[("nobody who holds the role `guests` has a key", "\"guests\"")]),
        // What follows from that alone is not said.
        (
            "[checks.tests]\nrole = \"kings\"\n[[rule]]\nname = \"r\"\nchecks = [\"tests\"]",
            &[("there is no role `kings`", "\"kings\"")],
        ),
        ("[checks.tests]\n[[rule]]\nname = \"r\"\nchecks = [\"tests\"]", &[("a check needs `role`", "tests")]),
    ]);
}

const NAME: &str = "a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit";

#[test]
fn a_rule_names_checks_that_exist() {
    check_rule(&[
        ("checks = []", &[("`checks` is an empty list", "[]")]),
        ("checks = \"tests\"", &[("`checks` takes a list of strings, not a string", "\"tests\"")]),
        ("checks = [\"tests\"]", &[("there is no check `tests`", "\"tests\"")]),
    ]);
    let cases: [(&str, &str, &str); 4] = [
        ("checks = [\"test\"]", "there is no check `test`", "\"test\""),
        ("checks = [\"tests\", \"tests\"]", "`tests` stands twice in this list", "\"tests\""),
        ("checks = [\"tests\"]\nttl = \"1h\"", "`ttl` has no effect in a rule that asks for no approvals", "ttl"),
        ("checks = [\"tests\"]\ndeny = true", "`checks` and `deny` exclude each other", "deny"),
    ];
    for (lines, what, underlined) in cases {
        check(&[(&format!("{CHECKS}[[rule]]\nname = \"r\"\n{lines}"), &[(what, underlined)])]);
    }
}
