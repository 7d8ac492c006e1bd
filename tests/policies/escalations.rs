//! `escalate` in a rule: who is told when a request waits for long.

use crate::support::{check_rule, with_people};
use jit::domain::policy::keys_of;
use jit::domain::time::Span;

const ASKS: &str = "require = [{ role = \"dev\", approvals = 1 }]\n";

#[test]
fn an_escalation_has_a_time_and_roles() {
    let written = format!(
        "[[rule]]\nname = \"r\"\n{ASKS}escalate = {{ after = \"4h\", notify = [\"role:guests\", \"role:dev\"] }}"
    );
    let policy = with_people(&written).expect("it loads");
    let found = policy.rules[0].escalation.as_ref().expect("an escalation");
    assert_eq!(found.after, Span::seconds(4 * 3_600));
    assert_eq!(found.notify.iter().map(|role| role.as_str()).collect::<Vec<_>>(), ["dev", "guests"]);
    assert_eq!(keys_of(&policy.rules[0])["escalate"], ["to dev, guests after 4h"]);
}

#[test]
fn an_escalation_that_nobody_would_hear_of_does_not_load() {
    let cases = [
        ("after = \"0s\", notify = [\"role:dev\"]", "`after` is shorter than a second", "\"0s\""),
        ("after = \"31d\", notify = [\"role:dev\"]", "`after` is longer than 30days", "\"31d\""),
        ("after = \"4h\", notify = [\"role:kings\"]", "there is no role `kings`", "\"role:kings\""),
        ("after = \"4h\", notify = [\"dev\"]", "`dev` is not `role:` and the name of a role", "\"dev\""),
        ("after = \"4h\", notify = []", "`notify` is an empty list", "[]"),
        (
            "after = \"4h\", notify = [\"role:dev\", \"role:dev\"]",
            "`role:dev` stands twice in this list",
            "\"role:dev\"",
        ),
        ("after = \"4h\"", "`escalate` needs `notify`", "{ after = \"4h\" }"),
        ("notify = [\"role:dev\"]", "`escalate` needs `after`", "{ notify = [\"role:dev\"] }"),
        ("after = \"4h\", notify = [\"role:dev\"], to = 1", "`escalate` has no key `to`", "to"),
    ];
    for (keys, what, underlined) in cases {
        check_rule(&[(&format!("{ASKS}escalate = {{ {keys} }}"), &[(what, underlined)])]);
    }
    let pointless = "`escalate` has no effect in a rule that asks for no approvals";
    for asks in ["deny = true", "authors = \"known\""] {
        let rule = format!("{asks}\nescalate = {{ after = \"4h\", notify = [\"role:dev\"] }}");
        check_rule(&[(&rule, &[(pointless, "escalate")])]);
    }
    check_rule(&[(&format!("{ASKS}escalate = \"4h\""), &[("`escalate` takes a table, not a string", "\"4h\"")])]);
}
