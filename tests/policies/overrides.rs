//! `override` in a rule: who may pass it in an emergency.

use crate::support::{check_rule, with_people};
use jit::domain::time::Span;

#[test]
fn an_override_has_a_role_a_number_and_two_times() {
    let written = |keys: &str| format!("[[rule]]\nname = \"r\"\ndeny = true\noverride = {{ {keys} }}");
    let cases = [
        ("role = \"dev\", approvals = 2", Span::seconds(3_600), Span::days(3)),
        ("role = \"dev\", approvals = 2, ttl = \"30d\", review_within = \"1s\"", Span::days(30), Span::seconds(1)),
    ];
    for (keys, ttl, review_within) in cases {
        let policy = with_people(&written(keys)).expect("it loads");
        let found = policy.rules[0].overriding.as_ref().expect("an override");
        assert_eq!(found.requirement.to_string(), "2 approvals from `dev`");
        assert_eq!((found.ttl, found.review_within), (ttl, review_within));
    }
}

#[test]
fn an_override_that_nobody_could_use_does_not_load() {
    let cases = [
        ("role = \"dev\", approvals = 1, ttl = \"0s\"", "`ttl` is shorter than a second", "\"0s\""),
        ("role = \"dev\", approvals = 1, review_within = \"31d\"", "`review_within` is longer than 30days", "\"31d\""),
        ("role = \"dev\", approvals = 1, within = \"1d\"", "`override` has no key `within`", "within"),
        ("role = \"dev\"", "`override` needs `approvals`", "{ role = \"dev\" }"),
        ("approvals = 1", "`override` needs `role`", "{ approvals = 1 }"),
        ("role = \"dev\", approvals = 0", "`approvals` must be at least 1", "0"),
        ("role = \"dev\", approvals = 3", "3 approvals are asked of `dev`, which has 2 members", "3"),
        ("role = \"kings\", approvals = 1", "there is no role `kings`", "\"kings\""),
        ("role = \"guests\", approvals = 1", "`override` can never be met: 0 of 1 places can be filled", "override"),
    ];
    for (keys, what, underlined) in cases {
        check_rule(&[(&format!("deny = true\noverride = {{ {keys} }}"), &[(what, underlined)])]);
    }
    check_rule(&[
        ("override = { role = \"dev\", approvals = 1 }", &[("the rule asks for nothing", "\"r\"")]),
        ("deny = true\noverride = \"dev\"", &[("`override` takes a table, not a string", "\"dev\"")]),
    ]);
}
