//! Denials that say the same once more are counted, not written out again (docs/spec/audit-log.md).

use super::world::{TEAM, World};
use crate::support::approve;
use jit::domain::audit::Again;
use jit::domain::policy::Verdict;

const MAIN: &str = "refs/heads/main";

#[test]
fn identical_denials_in_a_row_are_counted() {
    let world = World::new(TEAM);
    for seconds in [0, 1, 2] {
        world.at(seconds);
        assert_eq!(world.push(&[(MAIN, "c")]).verdict(), Verdict::Deny);
    }
    let again: Vec<Option<Again>> = world.decisions().iter().map(|decision| decision.again).collect();
    assert_eq!(again, [None, Some(Again { of: 1, count: 2 }), Some(Again { of: 1, count: 3 })]);
    assert_eq!(world.decisions()[2].updates.len(), 0);
}

#[test]
fn a_denial_that_differs_is_written_out() {
    let world = World::new(TEAM);
    world.push(&[(MAIN, "c")]);
    world.push(&[(MAIN, "b")]);
    world.push(&[(MAIN, "c")]);
    assert!(world.decisions().iter().all(|decision| decision.again.is_none()));
    let world = world.keep(&[approve("b", "a").by("alice")]);
    world.push(&[(MAIN, "c")]);
    assert_eq!(world.decisions()[3].again, None, "alice has approved a part since");
}

#[test]
fn an_entry_between_two_denials_keeps_them_apart() {
    let world = World::new(TEAM);
    world.push(&[("refs/heads/dev", "")]);
    world.push(&[(MAIN, "c")]);
    world.land(&[("refs/heads/dev", "")]);
    world.push(&[(MAIN, "c")]);
    assert_eq!(world.outcomes().len(), 1);
    assert!(world.decisions().iter().all(|decision| decision.again.is_none()));
}
