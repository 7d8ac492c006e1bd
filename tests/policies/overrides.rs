//! `override` in a rule: who may pass it in an emergency.

use crate::support::{check_rule, with_people};
use jit::domain::policy::ReasonRule;
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

#[test]
fn an_emergency_asks_for_the_signatures_of_the_override_and_nothing_else() {
    let rule = "[checks.tests]\nrole = \"dev\"\n[[rule]]\nname = \"r\"\nchecks = [\"tests\"]\nauthors = \"known\"\npushers = \"known\"\n\
                require = [{ role = \"dev\", approvals = 1 }]\nany_of = [[{ role = \"dev\", approvals = 1 }], [{ role = \"lead\", approvals = 1 }]]\n";
    for asks in [rule, "[[rule]]\nname = \"r\"\ndeny = true\n"] {
        assert!(with_people(asks).expect("it loads").rules[0].in_emergency().is_none());
        let text = format!("{asks}override = {{ role = \"lead\", approvals = 1, ttl = \"1h\" }}");
        let policy = with_people(&text).expect("it loads");
        let emergency = policy.rules[0].in_emergency().expect("an override");
        let asked: Vec<String> = emergency.require.iter().map(ToString::to_string).collect();
        assert_eq!(asked, ["1 approval from `lead`"]);
        assert!(emergency.any_of.is_empty() && emergency.checks.is_empty() && !emergency.deny);
        assert!(!emergency.authors_known && !emergency.pushers_known);
        assert!(matches!(emergency.reason, Some(ReasonRule::Required)));
        assert_eq!(emergency.ttl, Span::seconds(3_600));
    }
}

#[test]
fn a_rule_asks_for_tokens_if_any_could_change_its_answer() {
    let cases = [
        ("deny = true", false),
        ("authors = \"known\"", false),
        ("require = [{ role = \"dev\", approvals = 1 }]", true),
        ("any_of = [[{ role = \"dev\", approvals = 1 }], [{ role = \"lead\", approvals = 1 }]]", true),
        ("checks = [\"tests\"]", true),
        ("deny = true\noverride = { role = \"dev\", approvals = 1 }", true),
    ];
    for (lines, asks) in cases {
        let text = format!("[checks.tests]\nrole = \"dev\"\n[[rule]]\nname = \"r\"\n{lines}");
        assert_eq!(with_people(&text).expect(lines).rules[0].asks_tokens(), asks, "{lines}");
    }
}
