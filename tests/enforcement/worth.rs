//! Every reason for which an approval does not count, said as that reason (docs/spec/semantics.md, 6 and 15).

use crate::support::{Build, approve, at, judge, policy, push, reject, revoke, rule, told, update};
use jit::domain::approval::{Kind, SignedToken, Token};
use jit::domain::change::RefUpdate;

const RULE: &str = "require = [{ role = \"dba\", approvals = 1 }]\nreason = \"^DB-[0-9]+$\"\nttl = \"1h\"\nup_to_date = true\npaths = [\"src/**\"]";

fn one() -> RefUpdate {
    update("a", "c", "c<b @alice; b<a @alice").reaching("y")
}

/// A token that would count if it were not for one thing.
fn good() -> crate::support::Draft {
    approve("c", "a").reason("DB-7").from(-60)
}

#[test]
fn every_reason_is_told() {
    let cases: Vec<(&str, RefUpdate, Vec<SignedToken>, &str, &str)> = vec![
        ("none", one(), vec![good().by("bob")], "", ""),
        (
            "OtherRepository",
            one(),
            vec![good().repository("payments@0000").by("bob")],
            "bob",
            "signed for repository payments@0000",
        ),
        ("OtherTarget", one(), vec![good().on("refs/heads/dev").by("bob")], "bob", "signed for refs/heads/dev"),
        ("OtherAction", one(), vec![good().to("rewrite").by("bob")], "bob", "signed for rewrite, this is update"),
        (
            "OtherBase",
            one().does("rewrite"),
            vec![approve("c", "y").from(-60).to("rewrite").by("bob")],
            "bob",
            "signed when the target had another value",
        ),
        (
            "UnknownBase",
            one(),
            vec![approve("c", "z").reason("DB-7").from(-60).by("bob")],
            "bob",
            "its base is not in the history of the target",
        ),
        (
            "NotTheTip",
            one().does("rewrite"),
            vec![approve("b", "a").from(-60).to("rewrite").by("bob")],
            "bob",
            "signed for a changeset that is not the tip",
        ),
        (
            "CoversNothing",
            update("a", "m", "m<ce; c<a; e<a doc/e"),
            vec![approve("e", "a").reason("DB-7").from(-60).by("bob")],
            "bob",
            "covers none of the changesets that need it",
        ),
        ("NotYetValid", one(), vec![good().from(301).by("bob")], "bob", "not valid before 2026-03-02T12:05:01Z"),
        ("Expired", one(), vec![good().until(0).by("bob")], "bob", "expired at 2026-03-02T12:00:00Z"),
        (
            "TooOld",
            one(),
            vec![good().from(-3600).by("bob")],
            "bob",
            "older than the 1h that the rule allows, since 2026-03-02T12:00:00Z",
        ),
        ("Revoked", one(), vec![good().by("bob"), revoke(&good().by("bob")).by("bob")], "bob", "revoked by its signer"),
        (
            "Rejected",
            one(),
            vec![good().by("bob"), reject("c", "a").by("bob").into_later()],
            "bob",
            "its signer rejected the change afterwards",
        ),
        (
            "Spent",
            one().rewritten(-30),
            vec![good().by("bob")],
            "bob",
            "spent: the target was rewritten or deleted at 2026-03-02T11:59:30Z",
        ),
        (
            "UnknownKey",
            one(),
            vec![good().by("x")],
            "somebody",
            "signed with a key that the policy does not know (SHA256:",
        ),
        ("NoRole", one(), vec![good().by("carol")], "carol", "its signer holds none of the roles asked for"),
        ("OtherRole", one(), vec![good().role("lead").by("bob")], "bob", "meant for role `lead`"),
        ("Reason", one(), vec![good().reason("see DB-7").by("bob")], "bob", "its reason is not what the rule asks for"),
        (
            "NotUpToDate",
            one(),
            vec![approve("c", "y").reason("DB-7").from(-60).by("bob")],
            "bob",
            "the target moved since it was signed",
        ),
        ("Author", one(), vec![good().by("alice")], "alice", "its signer is an author or committer of 6"),
    ];
    for (name, update, tokens, who, words) in cases {
        let decision = judge(&policy(&rule(RULE)), &push("mallory", &[update]), &tokens);
        let refused = &decision.updates[0].rules[0].not_counted;
        if name == "none" {
            assert_eq!(told(&decision), "allow | r: +bob/dba");
            assert_eq!(refused, &[]);
            continue;
        }
        let last = refused.last().unwrap_or_else(|| panic!("{name}: {}", told(&decision)));
        assert!(format!("{:?}", last.why).starts_with(name), "{name}: {:?}", last.why);
        assert_eq!(last.who.as_ref().map_or("somebody", |who| who.as_str()), who, "{name}");
        assert!(last.why.to_string().starts_with(words), "{name}: {}", last.why);
        assert!(told(&decision).starts_with("deny"), "{name}: {}", told(&decision));
    }
}

/// A later copy, for rejections that are made with the time of approvals.
trait Later {
    fn into_later(self) -> SignedToken;
}

impl Later for SignedToken {
    fn into_later(self) -> SignedToken {
        let token = Token { not_before: at(-30), ..self.token };
        crate::support::Draft(token).by("bob")
    }
}

#[test]
fn the_pusher_is_told_from_authors() {
    let update = update("a", "b", "b<a @bob");
    let tokens = [approve("b", "a").by("alice")];
    let decision =
        judge(&policy(&rule("require = [{ role = \"dba\", approvals = 1 }]")), &push("alice", &[update]), &tokens);
    let last = &decision.updates[0].rules[0].not_counted[0];
    assert_eq!(last.why.to_string(), "the pusher's own approval");
}

#[test]
fn tokens_that_no_encoding_lets_through_count_for_nothing() {
    // Nothing can read such tokens; should one get here all the same, it must not open anything.
    let sound = good().by("bob");
    let changed = |change: fn(&mut Token)| {
        let mut broken = sound.clone();
        change(&mut broken.token);
        broken
    };
    let cases = [
        ("no target", changed(|token| token.target = None)),
        ("no action", changed(|token| token.action = None)),
        ("no subject", changed(|token| token.subject = None)),
        ("no end", changed(|token| token.not_after = None)),
        ("no base", changed(|token| token.base.clear())),
    ];
    for (situation, token) in cases {
        let decision = judge(&policy(&rule(RULE)), &push("mallory", &[one()]), &[token]);
        assert!(told(&decision).starts_with("deny | r: 1 dba for cb"), "{situation}: {}", told(&decision));
    }
    let baseless = changed(|token| token.base.clear());
    let plain = policy(&rule("require = [{ role = \"dba\", approvals = 1 }]"));
    let decision = judge(&plain, &push("mallory", &[one()]), &[baseless]);
    assert_eq!(told(&decision), "deny | r: 1 dba for cb, -bob UnknownBase");
    let mut rejection = reject("c", "a").by("bob");
    rejection.token.not_after = None;
    let mut bare = sound.clone();
    bare.token.kind = Kind::Reject;
    bare.token.subject = None;
    let decision = judge(&policy(&rule(RULE)), &push("mallory", &[one()]), &[rejection, bare]);
    assert!(told(&decision).starts_with("deny | r: c rejected by bob"), "{}", told(&decision));
}

#[test]
fn a_reason_may_be_asked_for() {
    let required = policy(&rule("require = [{ role = \"dba\", approvals = 1 }]\nreason = \"required\""));
    for (reason, counts) in [("because", true), ("", false), (" \t", false)] {
        let decision = judge(&required, &push("mallory", &[one()]), &[approve("c", "a").reason(reason).by("bob")]);
        let expected = if counts { "allow | r: +bob/dba" } else { "deny | r: 1 dba for cb, -bob Reason" };
        assert_eq!(told(&decision), expected, "{reason:?}");
    }
}
