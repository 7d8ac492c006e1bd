//! When a token counts, to the second (docs/spec/semantics.md, 10 and 11).

use crate::support::{Build, approve, check, policy, reject, rule, update};
use jit::domain::change::RefUpdate;

const HOUR: &str = "require = [{ role = \"team\", approvals = 1 }]\nttl = \"1h\"";
const DAY: i64 = 86_400;

fn one() -> RefUpdate {
    update("a", "b", "b<a")
}

#[test]
fn an_approval_counts_from_its_first_moment_to_its_last() {
    let token = |from: i64, until: i64| vec![approve("b", "a").from(from).until(until).by("alice")];
    let met = "allow | r: +alice/team";
    let not = |why: &str| format!("deny | r: 1 team for b, -alice {why}");
    let cases = [
        ("the last second of the rule's ttl", token(-3599, DAY), met.to_owned()),
        ("the ttl is over", token(-3600, DAY), not("TooOld")),
        ("the token's last second", token(-60, 1), met.to_owned()),
        ("the token's end", token(-60, 0), not("Expired")),
        ("both are over", token(-3600, 0), not("Expired")),
        ("it begins now", token(0, DAY), met.to_owned()),
        ("the signer's clock is five minutes ahead", token(300, DAY), met.to_owned()),
        ("one second more", token(301, DAY), not("NotYetValid")),
    ];
    for (situation, tokens, expected) in cases {
        let decision = crate::support::judge_update(&policy(&rule(HOUR)), &one(), &tokens);
        assert_eq!(crate::support::told(&decision), expected, "{situation}");
    }
}

#[test]
fn the_ttl_is_each_rules_own_and_seven_days_without_one() {
    let rules = format!("{}[[rule]]\nname = \"week\"\nrequire = [{{ role = \"team\", approvals = 1 }}]\n", rule(HOUR));
    let token = |from: i64| vec![approve("b", "a").from(from).until(DAY).by("alice")];
    check(
        &policy(&rules),
        &[
            ("both", one(), token(-3599), "allow | r: +alice/team | week: +alice/team"),
            (
                "the longer one only",
                one(),
                token(1 - 7 * DAY),
                "deny | r: 1 team for b, -alice TooOld | week: +alice/team",
            ),
            (
                "neither",
                one(),
                token(-7 * DAY),
                "deny | r: 1 team for b, -alice TooOld | week: 1 team for b, -alice TooOld",
            ),
        ],
    );
}

#[test]
fn a_rejection_holds_for_thirty_days_at_most() {
    let with = |from: i64, until: i64| {
        vec![approve("b", "a").from(-60).by("alice"), reject("b", "a").from(from).until(until).by("bob")]
    };
    let holds = "deny | r: b rejected by bob, +alice/team";
    let over = "allow | r: +alice/team";
    check(
        &policy(&rule(HOUR)),
        &[
            ("fresh", one(), with(-60, DAY), holds),
            ("older than the rule's ttl", one(), with(-DAY, DAY), holds),
            ("the last second of thirty days", one(), with(1 - 30 * DAY, DAY), holds),
            ("thirty days", one(), with(-30 * DAY, DAY), over),
            ("its own last second", one(), with(-60, 1), holds),
            ("its own end", one(), with(-60, 0), over),
            ("five minutes ahead", one(), with(300, DAY), holds),
            ("one second more", one(), with(301, DAY), over),
        ],
    );
}

#[test]
fn a_principal_counts_until_the_moment_that_the_policy_says() {
    let rules = |until: &str| {
        format!(
            "[principals.temp]\nkeys = [\"{}\"]\nvalid_until = {until}\n[roles.temps]\nmembers = [\"temp\", \"bob\"]\n{}",
            crate::support::key(b't').openssh(),
            rule("require = [{ role = \"temps\", approvals = 1 }]")
        )
    };
    let (last, end) = ("2026-03-02T12:00:01Z", "2026-03-02T12:00:00Z");
    let approval = || vec![approve("b", "a").by("temp")];
    let rejection = || vec![approve("b", "a").by("bob"), reject("b", "a").by("temp")];
    check(
        &policy(&rules(last)),
        &[
            ("the last second", one(), approval(), "allow | r: +temp/temps"),
            ("a rejection then", one(), rejection(), "deny | r: b rejected by temp, +bob/temps"),
        ],
    );
    check(
        &policy(&rules(end)),
        &[
            ("the end", one(), approval(), "deny | r: 1 temps for b, -temp SignerExpired"),
            ("a rejection then", one(), rejection(), "allow | r: +bob/temps"),
        ],
    );
    let decision = crate::support::judge_update(&policy(&rules(end)), &one(), &[]);
    let able: Vec<&str> = decision.updates[0].rules[0].could_sign.iter().map(|who| who.as_str()).collect();
    assert_eq!(able, ["bob"], "who is gone cannot sign");
}

#[test]
fn who_lost_the_role_neither_approves_nor_rejects() {
    let tokens = || vec![approve("b", "a").by("bob"), reject("b", "a").by("carol")];
    let lead = "require = [{ role = \"lead\", approvals = 1 }]";
    let dba = "require = [{ role = \"dba\", approvals = 1 }]";
    check(&policy(&rule(lead)), &[("with the role", one(), tokens(), "deny | r: b rejected by carol, +bob/lead")]);
    check(&policy(&rule(dba)), &[("without it", one(), tokens(), "allow | r: +bob/dba")]);
    let carol = vec![approve("b", "a").by("carol")];
    check(&policy(&rule(dba)), &[("an approval", one(), carol, "deny | r: 1 dba for b, -carol NoRole")]);
}

#[test]
fn a_rewrite_of_the_target_spends_older_approvals_and_no_rejections() {
    let rewritten = |seconds: i64| one().rewritten(seconds);
    let token = || vec![approve("b", "a").from(-100).by("alice")];
    let with_rejection = || vec![approve("b", "a").from(-50).by("alice"), reject("b", "a").from(-100).by("bob")];
    let spent = "deny | r: 1 team for b, -alice Spent";
    check(
        &policy(&rule(HOUR)),
        &[
            ("rewritten after it was signed", rewritten(-99), token(), spent),
            ("at the same second", rewritten(-100), token(), spent),
            ("before", rewritten(-101), token(), "allow | r: +alice/team"),
            ("a rejection stands", rewritten(-60), with_rejection(), "deny | r: b rejected by bob, +alice/team"),
        ],
    );
}
