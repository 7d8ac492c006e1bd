//! The worked examples load, and their keys are the ones that tests can sign with.

use crate::support::{KEYS, file};
use ed25519_dalek::SigningKey;
use jit::adapters::disk::{PolicyFolder, STARTER_POLICY};
use jit::domain::approval::PublicKey;
use jit::domain::name::PrincipalId;
use jit::domain::policy::{Mode, Policy, load};
use std::path::Path;

/// The key that a person has in tests and examples.
fn key_of(name: &str) -> PublicKey {
    let seed = [name.as_bytes()[0]; 32];
    PublicKey::new(SigningKey::from_bytes(&seed).verifying_key().to_bytes()).expect("a strong key")
}

#[test]
fn the_keys_of_test_people_repeat_the_first_letter_of_their_name() {
    for (name, line) in KEYS {
        let text =
            format!("version = 1\ndefault = \"deny\"\n[principals.{name}]\nkeys = [\"{line} {name}@example.com\"]");
        let policy = load(&[file("a.toml", text)]).expect(name);
        assert_eq!(policy.holder(&key_of(name)), Some(&PrincipalId::new(name).expect("a name")));
    }
}

#[test]
fn every_example_loads_and_names_only_test_people() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(root).expect("the examples") {
        let dir = entry.expect("an entry").path();
        let name = dir.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let policy = load(&PolicyFolder::read(&dir).expect(&name)).expect(&name);
        assert!(!policy.rules.is_empty(), "{name}");
        for (who, principal) in &policy.principals {
            assert_eq!(principal.keys, [key_of(who.as_str())], "{name}");
        }
        assert!(dir.join("README.md").is_file(), "{name}");
        seen.push(name);
    }
    seen.sort();
    assert_eq!(seen, ["migrations", "release-managers", "starter", "two-person-review"]);
}

#[test]
fn the_starter_denies_nothing() {
    let policy = load(&[file("policy.toml", STARTER_POLICY)]).expect("the starter");
    assert!(policy.rules.iter().all(|rule| rule.mode == Mode::Observe));
    assert_eq!(policy.default, jit::domain::policy::DefaultAnswer::Allow);
}

#[test]
fn the_starter_loads_with_its_settings_filled_in() {
    let filled = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = STARTER_POLICY.lines().map(filled).collect();
    let policy: Policy = load(&[file("policy.toml", text.join("\n"))]).expect("the starter, filled in");
    let names: Vec<_> = policy.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["history-stays", "review"]);
    assert_eq!(policy.principals.len(), 2);
}
