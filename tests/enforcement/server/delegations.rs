//! Delegations are looked up for those who signed, and only where a rule asks for a role that can be delegated.

use super::world::World;
use crate::support::{approve, delegate, revoke};
use jit::domain::policy::Verdict;

const MAIN: &str = "refs/heads/main";
const RULES: &str = "[roles.boss]\nmembers = [\"alice\", \"bob\"]\ndelegable = true\n\
                     [[rule]]\nname = \"r\"\nbranches = [\"main\"]\nrequire = [{ role = \"boss\", approvals = 1 }]\n";

fn looked_up(world: &World) -> Vec<String> {
    let steps = world.steps.take();
    steps.into_iter().filter(|step| step.starts_with("delegations")).collect()
}

#[test]
fn only_what_could_matter_is_looked_up() {
    let signed = |who: &str| approve("b", "a").by(who);
    let cases: [(&str, Vec<_>, &[&str]); 3] = [
        (RULES, vec![], &[]),
        (RULES, vec![signed("bob")], &[]),
        (RULES, vec![signed("bob"), signed("carol"), signed("x")], &["delegations boss carol"]),
    ];
    for (rules, tokens, expected) in cases {
        let world = World::new(rules).keep(&tokens);
        world.push(&[(MAIN, "b")]);
        assert_eq!(looked_up(&world), expected, "{tokens:?}");
    }
    let fixed = World::new(&RULES.replace("delegable = true", "")).keep(&[signed("carol")]);
    fixed.push(&[(MAIN, "b")]);
    assert_eq!(looked_up(&fixed), [""; 0]);
}

#[test]
fn a_delegation_that_counted_stands_in_the_log_with_its_text() {
    let delegation = delegate("boss", "carol").by("alice");
    let world = World::new(RULES).keep(&[approve("b", "a").by("carol"), delegation.clone()]);
    assert_eq!(world.push(&[(MAIN, "b")]).verdict(), Verdict::Allow);
    let decision = &world.decisions()[0];
    let counted = &decision.updates[0].rules[0].counted[0];
    assert_eq!(counted.principal.as_str(), "carol");
    assert_eq!(counted.stands_in_for.as_ref().map(|who| who.as_str()), Some("alice"));
    assert_eq!(counted.delegation, Some(delegation.id));
    assert_eq!(decision.tokens.get(&delegation.id), Some(&delegation.text));
}

#[test]
fn a_delegation_that_was_taken_back_or_cannot_be_read_lets_nothing_in() {
    let delegation = delegate("boss", "carol").by("alice");
    let signed = [approve("b", "a").by("carol"), delegation.clone(), revoke(&delegation).by("alice")];
    assert_eq!(World::new(RULES).keep(&signed).push(&[(MAIN, "b")]).verdict(), Verdict::Deny);
    let mut broken = World::new(RULES).keep(&signed[..2]);
    broken.shelf.broken = Some("delegations");
    let answer = broken.push(&[(MAIN, "b")]);
    assert!(answer.verdict() == Verdict::Deny && answer.is_undecided());
}
