//! What people are told of a request: what it comes to, until when, and what makes each rule ask (docs/spec/request.md).

use crate::support::{Build, approve, at, attest, id, judge_update, overriding, policy, reject, rule, update};
use jit::domain::approval::SignedToken;
use jit::domain::change::RefUpdate;
use jit::domain::policy::{Policy, carried, touched};
use jit::domain::request::{Finding, ends};

fn one() -> RefUpdate {
    update("a", "b", "b<a").reaching("y")
}

/// A rule of this name that asks for one of `role`.
fn asking(name: &str, role: &str, more: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nrequire = [{{ role = \"{role}\", approvals = 1 }}]\n{more}\n")
}

fn found(policy: &Policy, tokens: &[SignedToken]) -> Finding {
    Finding::of(&judge_update(policy, &one(), tokens).updates[0], policy, tokens)
}

#[test]
fn what_is_approved_holds_until_the_first_token_ends_that_an_enforcing_rule_rests_on() {
    let tests = "[roles.ci]\nmembers = [\"carol\"]\n[checks.tests]\nrole = \"ci\"\n";
    let emergency = rule("deny = true\noverride = { role = \"lead\", approvals = 1, ttl = \"1h\" }");
    let two_hours = asking("r", "dba", "ttl = \"2h\"");
    let observed = asking("a", "dba", "ttl = \"61m\"\nmode = \"observe\"");
    let signed = || approve("b", "a").by("alice");
    let unused = || approve("z", "a").until(30).by("alice");
    let cases = [
        ("nothing is asked", String::new(), vec![], None),
        ("the rule's time to live", two_hours.clone(), vec![signed()], Some(3_600)),
        ("the token's own end", two_hours.clone(), vec![approve("b", "a").until(60).by("alice")], Some(60)),
        ("beside one that fills nothing", two_hours.clone(), vec![unused(), signed()], Some(3_600)),
        ("beside a rule that is observed", format!("{observed}{two_hours}"), vec![signed()], Some(3_600)),
        ("the first of two", format!("{}{two_hours}", asking("a", "dba", "ttl = \"3h\"")), vec![signed()], Some(3_600)),
        (
            "a check",
            format!("{tests}{}", rule("checks = [\"tests\"]")),
            vec![attest("b", "passed").by("carol")],
            Some(86_400),
        ),
        ("an emergency", emergency, vec![overriding("b", "a").by("bob")], Some(3_540)),
    ];
    for (situation, rules, tokens, until) in cases {
        assert_eq!(found(&policy(&rules), &tokens), Finding::Approved { until: until.map(at) }, "{situation}");
    }
}

#[test]
fn a_rejection_stands_in_the_way_where_it_meets_a_rule_that_denies() {
    let (dba, lead) = (asking("d", "dba", ""), asking("l", "lead", ""));
    let rejected = || vec![reject("b", "a").by("carol")];
    let cases = [
        ("nobody said anything", format!("{dba}{lead}"), vec![], Finding::Missing),
        ("of an enforcing rule", format!("{dba}{lead}"), rejected(), Finding::Rejected),
        ("of one that carol has no say in", dba.clone(), rejected(), Finding::Missing),
        ("of one that is observed", format!("{dba}{lead}mode = \"observe\"\n"), rejected(), Finding::Missing),
    ];
    for (situation, rules, tokens, expected) in cases {
        assert_eq!(found(&policy(&rules), &tokens), expected, "{situation}");
    }
}

#[test]
fn each_token_that_counts_is_told_with_its_end() {
    let policy = policy(&asking("r", "dba", "ttl = \"2h\"").replace("approvals = 1", "approvals = 2"));
    let other = approve("b", "a").nonce(8).from(-600).by("bob");
    let tokens = [approve("z", "a").by("bob"), other, approve("b", "a").by("alice")];
    let decision = judge_update(&policy, &one(), &tokens);
    let told: Vec<_> = ends(&decision.updates[0].rules[0], &policy, &tokens)
        .into_iter()
        .map(|(counted, end)| (counted.who.to_string(), end))
        .collect();
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(sorted, [("alice".to_owned(), at(3_600)), ("bob".to_owned(), at(6_600))]);
}

#[test]
fn the_paths_and_labels_by_which_a_rule_matches_are_told() {
    let texts = |list: Vec<Vec<u8>>| -> String {
        list.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect::<Vec<_>>().join(", ")
    };
    let rules = policy(&rule("paths = [\"db/**\"]\nlabels = { Severity = [\"high\"] }\ndeny = true"));
    let everything = policy(&rule("deny = true"));
    let update = update("a", "c", "c<b db/2 db/1 doc Severity:high Change:high; b<a db/3 severity:HIGH Severity:low")
        .differs('c', Some(&["db/1", "db/9", "doc"]))
        .differs('d', Some(&["db/8"]))
        .differs('b', None);
    let cases = [
        ('b', "db/3", "severity: HIGH"),
        ('c', "db/1, db/2, db/9", "Severity: high"),
        ('d', "db/8", ""),
        ('x', "", ""),
    ];
    for (letter, paths, labels) in cases {
        let told = |policy: &Policy| {
            let rule = &policy.rules[0];
            (texts(touched(rule, &update, &id(letter))), texts(carried(rule, &update, &id(letter))))
        };
        assert_eq!(told(&rules), (paths.to_owned(), labels.to_owned()), "{letter}");
        assert_eq!(told(&everything), (String::new(), String::new()), "{letter}");
    }
}
