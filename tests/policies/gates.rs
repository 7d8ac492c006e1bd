//! The gates that a policy knows.

use crate::support::with_people;
use jit::domain::change::{ChangesetId, Gate};
use jit::domain::name::EnvironmentName;

#[test]
fn a_gate_is_a_step_that_a_rule_names_in_an_environment_that_exists() {
    let rule = |name: &str, lines: &str| format!("[[rule]]\nname = \"{name}\"\ndeny = true\n{lines}\n");
    let policy = with_people(
        &[
            rule("one", "environments = [\"production\"]\nactions = [\"gate:deploy\", \"gate:migrate\", \"update\"]"),
            rule("two", "environments = [\"tagged\"]\nactions = [\"gate:deploy\"]"),
            rule("branches", "branches = [\"main\"]\nactions = [\"delete\"]"),
            rule("all", "environments = [\"marked\"]"),
        ]
        .concat(),
    )
    .expect("it loads");
    let found: Vec<String> = policy.gates().into_iter().map(|(place, step)| format!("{step} of {place}")).collect();
    assert_eq!(found, ["deploy of production", "migrate of production", "deploy of tagged"]);

    let name = |text: &str| EnvironmentName::new(text).expect(text);
    let subject = ChangesetId::parse(&format!("git-sha1:{}", "7".repeat(40))).expect("an id");
    let cases = [
        ("production", "deploy", true),
        ("production", "rollback", false),
        ("tagged", "migrate", false),
        ("staging", "deploy", false),
    ];
    for (environment, step, known) in cases {
        let gate = Gate { environment: name(environment), name: name(step), subject };
        assert_eq!(policy.knows_gate(&gate), known, "{step} of {environment}");
    }
}
