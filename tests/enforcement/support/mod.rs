//! Small words for pushes, tokens and policies, and for what was decided.

mod push;
pub mod scenario;
mod telling;
mod token;

pub use push::{Build, REPOSITORY, changesets, id, ids, login, push, target, update};
pub use telling::{told, told_in};
pub use token::{Draft, approve, at, attest, delegate, key, overriding, reject, review, revoke};

use jit::domain::approval::SignedToken;
use jit::domain::change::{Push, RefUpdate};
use jit::domain::policy::{Decision, Policy, PolicyFile, evaluate, load};

/// alice, bob and carol, who hold roles, and mallory, who holds none. alice has two keys. `dba` is alice and bob,
/// `lead` bob and carol, `team` all three. The window `march` holds at the moment
/// that all tests take for now.
pub const PEOPLE: &str = r#"
version = 1
[principals.alice]
keys = ["KEY_OF_a", "KEY_OF_A"]
emails = ["Alice@example.com"]
logins = ["alice", "alice-at-work"]
[principals.bob]
keys = ["KEY_OF_b"]
emails = ["bob@example.com"]
logins = ["bob"]
[principals.carol]
keys = ["KEY_OF_c"]
emails = ["carol@example.com"]
logins = ["carol"]
[principals.mallory]
keys = ["KEY_OF_m"]
emails = ["mallory@example.com"]
logins = ["mallory"]
[windows.march]
from = 2026-03-01T00:00:00
to = 2026-04-01T00:00:00
timezone = "UTC"
[roles.dba]
members = ["alice", "bob"]
[roles.lead]
members = ["bob", "carol"]
[roles.team]
members = ["alice", "bob", "carol"]
"#;

/// Loads [`PEOPLE`] with `rules`, and "allow" where no rule matches.
pub fn policy(rules: &str) -> Policy {
    policy_with("allow", rules)
}

/// Loads [`PEOPLE`] with `rules` and the answer where no rule matches.
pub fn policy_with(default: &str, rules: &str) -> Policy {
    let text = format!("version = 1\ndefault = \"{default}\"\n{rules}");
    let file = |name: &str, text: String| PolicyFile { name: name.to_owned(), text: text.into_bytes() };
    let people = ["a", "A", "b", "c", "m"]
        .iter()
        .fold(PEOPLE.to_owned(), |text, who| text.replace(&format!("KEY_OF_{who}"), &key(who.as_bytes()[0]).openssh()));
    match load(&[file("people.toml", people), file("rules.toml", text)]) {
        Ok(policy) => policy,
        Err(faults) => panic!("{faults}\nin\n{rules}"),
    }
}

/// One rule `r` with these lines.
pub fn rule(lines: &str) -> String {
    format!("[[rule]]\nname = \"r\"\n{lines}\n")
}

/// Evaluates at the moment that all tests take for now.
pub fn judge(policy: &Policy, push: &Push, tokens: &[SignedToken]) -> Decision {
    evaluate(policy, push, tokens, at(0))
}

/// Evaluates one update that mallory pushes, who holds no role.
pub fn judge_update(policy: &Policy, update: &RefUpdate, tokens: &[SignedToken]) -> Decision {
    judge(policy, &push("mallory", std::slice::from_ref(update)), tokens)
}

/// A situation, what was pushed, the tokens, and what is told ([`told`]).
pub type Case = (&'static str, RefUpdate, Vec<SignedToken>, &'static str);

/// Runs cases, each pushed by mallory.
pub fn check(policy: &Policy, cases: &[Case]) {
    for (situation, update, tokens, expected) in cases {
        assert_eq!(told(&judge_update(policy, update, tokens)), *expected, "{situation}");
    }
}
