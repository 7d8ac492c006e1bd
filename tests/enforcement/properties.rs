//! What holds of every policy, push and set of tokens.

use crate::oracle;
use crate::support::scenario::{Scenario, approvals, loaded, rejections, rules, scenarios};
use crate::support::{judge, told_in};
use jit::domain::approval::Kind;
use jit::domain::approval::quorum::Requirement;
use jit::domain::name::{PrincipalId, RoleName};
use jit::domain::policy::{Decision, DefaultAnswer, Mode, Unmet, Verdict};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;

fn decided(scenario: &Scenario) -> Decision {
    judge(&scenario.policy(), &scenario.push, &scenario.tokens)
}

/// What was decided, whatever the order of rules and tokens.
fn sorted(decision: &Decision) -> Vec<BTreeSet<String>> {
    let parts = |text: String| -> BTreeSet<String> {
        let ordered = |part: &str| {
            let (rule, what) = part.split_once(": ").unwrap_or((part, ""));
            let mut words: Vec<&str> = what.split(", ").collect();
            words.sort_unstable();
            format!("{rule}: {}", words.join(", "))
        };
        text.split(" | ").map(ordered).collect()
    };
    decision.updates.iter().map(|update| parts(told_in(update))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_verdict_is_what_the_definition_says(scenario in scenarios()) {
        let decision = decided(&scenario);
        let expected = oracle::allows(&scenario.policy(), &scenario.push, &scenario.tokens);
        prop_assert_eq!(decision.verdict() == Verdict::Allow, expected, "{:?}", sorted(&decision));
    }

    #[test]
    fn one_more_rule_lets_nothing_in_that_a_rule_refused(scenario in scenarios(), more in rules()) {
        let before = decided(&scenario);
        let mut with = scenario.clone();
        with.rules.push(more);
        let after = decided(&with);
        for (before, after) in before.updates.iter().zip(&after.updates) {
            // Where only the default refused, a rule that is met lets in: that is what it is for.
            let unmet = before.rules.iter().any(|rule| rule.mode == Mode::Enforce && !rule.is_met());
            let by_default_alone = before.default == Some(DefaultAnswer::Deny) && !unmet;
            if before.verdict() == Verdict::Deny && !by_default_alone {
                prop_assert_eq!(after.verdict(), Verdict::Deny);
            }
        }
    }

    #[test]
    fn one_more_rejection_lets_nothing_in(scenario in scenarios(), more in rejections()) {
        let before = decided(&scenario);
        let mut with = scenario.clone();
        with.tokens.push(more);
        if before.verdict() == Verdict::Deny {
            prop_assert_eq!(decided(&with).verdict(), Verdict::Deny);
        }
    }

    #[test]
    fn one_more_approval_refuses_nothing(scenario in scenarios(), more in approvals()) {
        let before = decided(&scenario);
        let mut with = scenario.clone();
        with.tokens.push(more);
        if before.verdict() == Verdict::Allow {
            prop_assert_eq!(decided(&with).verdict(), Verdict::Allow);
        }
    }

    #[test]
    fn asking_for_more_lets_nothing_in(scenario in scenarios(), at in any::<Index>(), role in 0..3_usize, more in 1..3_usize) {
        let mut policy = scenario.policy();
        if policy.rules.is_empty() {
            return Ok(());
        }
        let before = judge(&policy, &scenario.push, &scenario.tokens);
        let at = at.index(policy.rules.len());
        let role = RoleName::new(["dba", "lead", "team"][role]).expect("a name");
        match policy.rules[at].require.first_mut() {
            Some(first) if more == 2 => first.approvals += 1,
            _ => policy.rules[at].require.push(Requirement { role, approvals: more }),
        }
        if before.verdict() == Verdict::Deny {
            prop_assert_eq!(judge(&policy, &scenario.push, &scenario.tokens).verdict(), Verdict::Deny);
        }
    }

    #[test]
    fn without_one_of_the_approvals_nothing_more_is_let_in(scenario in scenarios(), at in any::<Index>()) {
        if scenario.tokens.is_empty() {
            return Ok(());
        }
        let before = decided(&scenario);
        let mut without = scenario.clone();
        let removed = without.tokens.remove(at.index(scenario.tokens.len()));
        if removed.token.kind == Kind::Approve && before.verdict() == Verdict::Deny {
            prop_assert_eq!(decided(&without).verdict(), Verdict::Deny);
        }
    }

    #[test]
    fn the_order_of_rules_and_tokens_does_not_matter(
        (scenario, rules, tokens) in scenarios().prop_flat_map(|scenario| {
            let rules = Just(scenario.rules.clone()).prop_shuffle();
            let tokens = Just(scenario.tokens.clone()).prop_shuffle();
            (Just(scenario), rules, tokens)
        }),
    ) {
        // A creation has a scope for the rule `r0`, so that the names must stay with the rules.
        let named = |list: &[String]| {
            let mut policy = loaded(scenario.default, list);
            for rule in &mut policy.rules {
                let at: usize = rule.name.as_str()[1..].parse().expect("a number");
                let old = scenario.rules.iter().position(|lines| *lines == list[at]).expect("one of them");
                rule.name = jit::domain::name::RuleName::new(&format!("r{old}")).expect("a name");
            }
            policy
        };
        let one = judge(&named(&scenario.rules), &scenario.push, &scenario.tokens);
        let other = judge(&named(&rules), &scenario.push, &tokens);
        prop_assert_eq!(sorted(&one), sorted(&other));
        let able = |decision: &Decision| -> BTreeSet<(String, BTreeSet<PrincipalId>)> {
            let rules = decision.updates.iter().flat_map(|update| &update.rules);
            rules.map(|rule| (rule.rule.to_string(), rule.could_sign.clone())).collect()
        };
        prop_assert_eq!(able(&one), able(&other));
    }

    #[test]
    fn a_push_is_let_in_only_if_each_update_would_be_alone(scenario in scenarios()) {
        let alone = |update: &jit::domain::change::RefUpdate| {
            let mut one = scenario.clone();
            one.push.updates = vec![update.clone()];
            decided(&one).verdict()
        };
        let all = scenario.push.updates.iter().all(|update| alone(update) == Verdict::Allow);
        prop_assert_eq!(decided(&scenario).verdict() == Verdict::Allow, all);
    }

    #[test]
    fn paths_and_labels_that_nobody_looked_at_let_nothing_more_in(scenario in scenarios(), hide in prop::collection::vec(any::<bool>(), 16)) {
        let before = decided(&scenario);
        let mut blind = scenario.clone();
        let mut hide = hide.into_iter();
        for update in &mut blind.push.updates {
            let own = update.changesets.iter_mut().map(|changeset| &mut changeset.own_paths);
            let tips = update.tip_changes.iter_mut().map(|change| &mut change.paths);
            for paths in own.chain(tips) {
                if hide.next() == Some(true) {
                    *paths = None;
                }
            }
            for changeset in update.changesets.iter_mut().filter(|_| hide.next() == Some(true)) {
                (changeset.trailers, changeset.lines) = (None, None);
            }
        }
        if before.verdict() == Verdict::Deny {
            prop_assert_eq!(decided(&blind).verdict(), Verdict::Deny);
        }
    }

    #[test]
    fn nobody_fills_two_places(scenario in scenarios()) {
        let policy = scenario.policy();
        for outcome in decided(&scenario).updates.iter().flat_map(|update| &update.rules) {
            let rule = policy.rules.iter().find(|rule| rule.name == outcome.rule).expect("its rule");
            for unmet in &outcome.unmet {
                let Unmet::Approvals { filled, .. } = unmet else { continue };
                let mut seen = BTreeSet::new();
                for entry in filled {
                    let people: BTreeSet<&PrincipalId> = entry.people.iter().collect();
                    prop_assert_eq!(people.len(), entry.people.len());
                    for person in people {
                        prop_assert!(policy.holds_role(person, &entry.requirement.role));
                        prop_assert!(seen.insert(person) || !rule.distinct_people);
                    }
                }
            }
            for counted in &outcome.counted {
                prop_assert!(policy.holds_role(&counted.who, &counted.role));
                let signed = scenario.tokens.iter().any(|token| {
                    token.id == counted.token && policy.holder(&token.key) == Some(&counted.who)
                });
                prop_assert!(signed, "{} did not sign {}", counted.who, counted.token);
            }
        }
    }

    #[test]
    fn one_who_could_sign_brings_it_closer(scenario in scenarios()) {
        let missing = |decision: &Decision| -> usize {
            let unmet = decision.updates.iter().flat_map(|update| &update.rules).flat_map(|rule| &rule.unmet);
            unmet
                .map(|unmet| match unmet {
                    Unmet::Approvals { changesets, filled } => {
                        changesets.len() * filled.iter().map(|entry| entry.missing()).sum::<usize>()
                    }
                    _ => 0,
                })
                .sum()
        };
        // A rejection, also one from a clock that is ahead, outlives an approval.
        let mut scenario = scenario;
        scenario.tokens.retain(|signed| signed.token.kind != Kind::Reject);
        scenario.rules.retain(|lines| !lines.contains("any_of"));
        let before = decided(&scenario);
        for (update, decided_update) in scenario.push.updates.iter().zip(&before.updates) {
            for able in decided_update.rules.iter().flat_map(|rule| &rule.could_sign) {
                let tip = char::from(update.tips[0].as_bytes()[0]).to_string();
                let base: String = update.old.iter().map(|id| char::from(id.as_bytes()[0])).collect();
                let fresh = crate::support::approve(&tip, &base)
                    .to(&update.action().to_string())
                    .on(&update.target.to_string())
                    .from(0)
                    .reason("because")
                    .nonce(99)
                    .by(able.as_str());
                let mut with = scenario.clone();
                with.tokens.push(fresh);
                prop_assert!(missing(&decided(&with)) < missing(&before), "{able} for {tip}");
            }
        }
    }
}
