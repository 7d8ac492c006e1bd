//! What is looked up for a decision, and that looking up less changes no answer.

use super::repository::Repository;
use super::world::{Steps, TEAM, World};
use crate::support::scenario::{Scenario, scenarios};
use crate::support::{approve, told};
use jit::domain::change::{Push, Target};
use jit::domain::policy::{Policy, Verdict, evaluate};
use jit::enforcement::assess::{NO_LOG, assess};
use jit::ports::history::{History, Need, OwnPaths, Selection};
use proptest::prelude::*;

const MAIN: &str = "refs/heads/main";

#[test]
fn merges_are_looked_into_only_where_that_could_help() {
    let commits = "m<bd; b<a; d<a; a<";
    let refs = [(MAIN, "a"), ("refs/heads/dev", "d")];
    let loads = |world: &World| -> Vec<String> {
        world.steps.take().into_iter().filter(|step| step.starts_with("load")).collect()
    };
    let covered = World::with(commits, &refs, TEAM).keep(&[approve("m", "a").by("alice")]);
    assert_eq!(covered.push(&[(MAIN, "m")]).verdict(), Verdict::Allow);
    assert_eq!(loads(&covered), ["load refs/heads/main Unneeded"]);
    let leaning = World::with(commits, &refs, TEAM).keep(&[approve("b", "a").by("alice"), approve("d", "a").by("bob")]);
    assert_eq!(leaning.push(&[(MAIN, "m")]).verdict(), Verdict::Allow);
    assert_eq!(loads(&leaning), ["load refs/heads/main Unneeded", "load refs/heads/main Merges"]);
    let straight = World::with("c<b; b<a; a<", &[(MAIN, "a")], TEAM);
    assert_eq!(straight.push(&[(MAIN, "c")]).verdict(), Verdict::Deny);
    assert_eq!(loads(&straight), ["load refs/heads/main Unneeded"]);
}

#[test]
fn nothing_is_looked_up_for_targets_that_no_rule_names() {
    let world = World::new(TEAM);
    assert_eq!(world.push(&[("refs/heads/dev", "c")]).verdict(), Verdict::Allow);
    let steps = world.steps.take();
    assert!(!steps.iter().any(|step| step.starts_with("load") || step.starts_with("tokens")), "{steps:?}");
}

#[test]
fn a_commit_that_was_parked_on_a_free_branch_is_judged_where_it_is_protected() {
    let protect = |more: &str| {
        format!(
            "[[rule]]\nname = \"r\"\nbranches = [\"main\", \"release/**\"]\n\
             require = [{{ role = \"team\", approvals = 1 }}]\n{more}\n"
        )
    };
    let release = |more: &str, refs: &[(&str, &str)]| {
        let world = World::with("c<b; b<a; d<a; a<", refs, &protect(more));
        told(&world.push(&[("refs/heads/release/2", "c")]).decision)
    };
    let parked = [(MAIN, "a"), ("refs/heads/free", "c")];
    let judged = [(MAIN, "a"), ("refs/heads/release/1", "c")];
    assert_eq!(release("", &parked), "deny | r: 1 team for cb");
    assert_eq!(release("", &judged), "deny | r: 1 team for c", "all was judged on release/1; the tip is asked for");
    assert_eq!(release("", &[(MAIN, "a"), ("refs/jit/requests/r-1", "c")]), "deny | r: 1 team for cb");
    assert_eq!(
        release("mode = \"observe\"", &judged),
        "allow by default | r?: 1 team for cba",
        "it refused nothing there"
    );
    assert_eq!(
        release("actions = [\"create\", \"update\"]", &judged),
        "deny | r: 1 team for cba",
        "a rewrite could have brought anything there"
    );
    assert_eq!(release("paths = [\"src/*\"]", &parked), "deny | r: 1 team for cb");
    assert_eq!(release("paths = [\"src/*\"]", &judged), "allow by default");
}

#[test]
fn promotion_is_looked_up_on_the_branches_that_the_rule_names() {
    let rule = |from: &str| format!("{TEAM}promoted_from = [\"{from}\"]\n");
    let push = |from: &str| {
        let commits = "c<b @alice; b<a @alice; a<";
        let world = World::with(commits, &[(MAIN, "a"), ("refs/heads/dev", "c"), ("refs/tags/tag", "c")], &rule(from));
        told(&world.keep(&[approve("c", "a").by("alice")]).push(&[(MAIN, "c")]).decision)
    };
    assert_eq!(push("dev"), "allow | r: +alice/team");
    assert_eq!(push("staging"), "deny | r: 1 team for cb, -alice Author b");
    assert_eq!(push("tag"), "deny | r: 1 team for cb, -alice Author b", "a tag is no branch");
}

/// Fills in everything that there is to know.
fn know_all(policy: &Policy, push: &mut Push, repository: &mut Repository) {
    for update in &mut push.updates {
        let enforced = |rule: &&jit::domain::policy::Rule| {
            use jit::domain::change::Action::{Create, Rewrite, Update};
            rule.mode == jit::domain::policy::Mode::Enforce
                && rule.when.is_none()
                && [Create, Update, Rewrite].iter().all(|a| rule.names_action(a))
        };
        let hidden = policy.rules.iter().filter(enforced).map(|rule| Selection {
            rule: rule.name.clone(),
            picks: Box::new(move |target: &Target| policy.names_target(rule, target)),
        });
        let need = Need {
            own_paths: OwnPaths::All,
            lines: Some(100),
            trailers: true,
            whole: true,
            hidden: hidden.collect(),
            promoted: vec![],
        };
        repository.load(update, &need).expect("readable");
        let all = repository.commits.iter().map(|commit| commit.id).collect();
        repository.reachable_bases(update, &all).expect("readable");
        repository.contents(update).expect("readable");
        update.held = repository.held(update, &all).expect("readable");
    }
}

/// The same commits and pushes as in `scenario`, from a repository that knows them.
fn repository(scenario: &Scenario) -> (Repository, Push) {
    let update = scenario.push.updates[0].clone();
    let mut repository = Repository::new("a<y; y<", &[], Steps::default());
    repository.commits.splice(0..0, update.changesets.iter().cloned());
    for commit in &mut repository.commits {
        commit.own_paths = commit.own_paths.clone().or(Some(vec![]));
    }
    let other = Target::parse("refs/heads/other").expect("a target");
    repository.refs = [(update.target.clone(), update.old.clone()), (other, crate::support::ids("ab"))].into();
    repository.refs.retain(|_, value| !value.is_empty());
    repository.claims = vec![(update.target.clone(), update.new.clone())];
    let mut push = scenario.push.clone();
    push.updates = repository.ref_updates().expect("readable");
    (repository, push)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn looking_up_less_changes_no_verdict(scenario in scenarios()) {
        let policy = scenario.policy();
        let (mut repository, push) = repository(&scenario);
        let world = World::new(TEAM).keep(&scenario.tokens);
        let mut known = push.clone();
        know_all(&policy, &mut known, &mut repository);
        let now = crate::support::at(0);
        let expected = evaluate(&policy, &known, &scenario.tokens, now);
        let found = assess(&policy, push, &mut repository, &world.shelf, &NO_LOG, now).expect("readable");
        prop_assert_eq!(found.decision.verdict(), expected.verdict(), "{:?} {:?}", found.decision, expected);
    }
}
