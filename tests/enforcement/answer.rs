//! Everything that is missing is said at once (docs/spec/semantics.md, 15).

use crate::support::{Build, approve, attest, check, ids, judge, policy, push, reject, rule, told, update};
use jit::domain::approval::SignedToken;
use jit::domain::policy::Unmet;

#[test]
fn every_unmet_thing_is_listed_and_the_numbers_are_right() {
    let rules = rule(
        "require = [{ role = \"dba\", approvals = 2 }, { role = \"lead\", approvals = 1 }]\n\
         authors = \"known\"\npushers = \"known\"\nmessage = \"see docs/db.md\"",
    );
    let push = push("", &[update("a", "c", "c<b @zed; b<a @bob")]);
    let tokens = [approve("c", "a").by("alice"), reject("b", "a").by("carol")];
    let decision = judge(&policy(&rules), &push, &tokens);
    assert_eq!(
        told(&decision),
        "deny | r: pusher nobody not known, authors of c not known, b rejected by carol, UnknownPusher, \
         1 dba and 1 lead for cb, +alice/dba"
    );
    let outcome = &decision.updates[0].rules[0];
    assert_eq!(outcome.message.as_deref(), Some("see docs/db.md"));
    assert_eq!(outcome.matched.len(), 2);
    assert!(!outcome.is_met());
}

#[test]
fn what_a_rule_matched_is_named_once_with_its_tips() {
    let rules = policy(&rule("paths = [\"db/**\"]\nrequire = [{ role = \"dba\", approvals = 1 }]"));
    let rewrite = |commits: &str| update("c", "e", commits).does("rewrite").differs('e', Some(&["db/2"]));
    for (commits, matched) in [("e<d; d<a", "e"), ("e<d; d<a db/2", "de"), ("e<d db/3; d<a db/2", "ed")] {
        let decision = judge(&rules, &push("bob", &[rewrite(commits)]), &[]);
        assert_eq!(decision.updates[0].rules[0].matched, ids(matched), "{commits}");
    }
}

#[test]
fn unmet_things_are_written_for_the_log_without_raw_text_from_outside() {
    let rules = rule("require = [{ role = \"dba\", approvals = 1 }]\nauthors = \"known\"\npushers = \"known\"");
    let mut changed = update("a", "b", "b<a");
    changed.changesets[0].authors = vec![b"\x1b[31m\n".to_vec()];
    let push = push("ev\nil", &[changed]);
    let decision = judge(&policy(&rules), &push, &[reject("b", "a").reason("no\u{7} \u{202e}").by("bob")]);
    let written: Vec<String> = decision.updates[0].rules[0].unmet.iter().map(Unmet::to_string).collect();
    let id = "62".repeat(20);
    assert_eq!(written[0], "the pusher must be a principal, ev%0Ail is none");
    assert_eq!(written[1], format!("authors must be principals; not so: %1B[31m%0A of {id}"));
    assert!(written[2].starts_with(&format!("{id} was rejected by bob until 2026-03-03T12:00:00Z (token ")));
    assert!(written[2].ends_with("): no%07%20%E2%80%AE"), "{}", written[2]);
    assert_eq!(written[3], format!("needs 1 approval from `dba`; has 0, for {id}"));
    assert_eq!(written.len(), 4);
}

#[test]
fn only_places_that_are_empty_are_written_as_needed() {
    let rules = rule(
        "require = [{ role = \"dba\", approvals = 1 }, { role = \"lead\", approvals = 1 }]\ndistinct_people = false",
    );
    let decision = judge(&policy(&rules), &push("zed", &[update("a", "b", "b<a")]), &[approve("b", "a").by("alice")]);
    let id = "62".repeat(20);
    let written = decision.updates[0].rules[0].unmet[0].to_string();
    assert_eq!(written, format!("needs 1 approval from `lead`; has 0, for {id}"));
}

#[test]
fn a_check_is_written_with_who_attested_it_and_when_that_was_over() {
    let rules =
        format!("[roles.ci]\nmembers = [\"carol\"]\n[checks.tests]\nrole = \"ci\"\n{}", rule("checks = [\"tests\"]"));
    let written = |tokens: &[SignedToken]| {
        let decision = judge(&policy(&rules), &push("bob", &[update("a", "b", "b<a")]), tokens);
        decision.updates[0].rules[0].unmet[0].to_string()
    };
    let check = format!("the check `tests` of {} by `ci` ", "62".repeat(20));
    let failed = attest("b", "failed").reason("2 of 9\n").by("carol");
    let over = attest("b", "passed").reason("").until(0).from(-60).by("carol");
    assert_eq!(written(&[]), format!("{check}was not attested"));
    assert_eq!(
        written(std::slice::from_ref(&failed)),
        format!("{check}failed by carol (token {}): 2%20of%209%0A", failed.id)
    );
    let over_at = format!("{check}passed by carol (token {}), which expired at 2026-", over.id);
    assert!(written(std::slice::from_ref(&over)).starts_with(&over_at));
}

#[test]
fn an_update_waits_for_tokens_if_nothing_else_that_refuses_it_is_in_their_way() {
    let asks = "require = [{ role = \"dba\", approvals = 1 }]";
    let two = |second: &str| format!("{}[[rule]]\nname = \"s\"\n{second}\n", rule(asks));
    let cases = [
        (rule(asks), true),
        (rule("deny = true"), false),
        (two("deny = true"), false),
        (two("deny = true\nmode = \"observe\""), true),
        (rule(&format!("{asks}\nmode = \"observe\"")), false),
    ];
    for (rules, waits) in cases {
        let decision = judge(&policy(&rules), &push("bob", &[update("a", "b", "b<a")]), &[]);
        assert_eq!(decision.updates[0].awaits_tokens(), waits, "{rules}");
    }
}

#[test]
fn commits_that_lack_the_same_stand_together_and_others_apart() {
    let two = policy(&rule("require = [{ role = \"team\", approvals = 2 }]"));
    let series = update("a", "d", "d<c @alice; c<b; b<a");
    check(
        &two,
        &[(
            "the author's token counts for two of three",
            series,
            vec![approve("d", "a").by("alice")],
            "deny | r: 2 team for d, 1 team for cb, +alice/team, -alice Author d",
        )],
    );
}
