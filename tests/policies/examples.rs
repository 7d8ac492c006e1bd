//! The worked examples load, and their keys are the ones that tests can sign with.

use crate::support::{KEYS, file};
use ed25519_dalek::SigningKey;
use jit::adapters::disk::{PolicyFolder, STARTER_POLICY};
use jit::domain::approval::PublicKey;
use jit::domain::name::PrincipalId;
use jit::domain::policy::{Mode, Policy, load};
use std::path::Path;
use std::process::Command;

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
    assert_eq!(
        seen,
        [
            "bookmarks",
            "compliance",
            "deployments",
            "freeze",
            "migrations",
            "monorepo",
            "release-managers",
            "starter",
            "team-of-two",
            "tested",
            "two-person-review",
            "urgent-fixes"
        ]
    );
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

/// Runs `jit policy test` and returns its exit code and what it answers.
fn tested(dir: &Path) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_jit")).args(["policy", "test"]).arg(dir).output().expect("the program");
    (run.status.code(), String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned())
}

#[test]
fn every_example_decides_as_its_cases_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for entry in std::fs::read_dir(root).expect("the examples") {
        let dir = entry.expect("an entry").path();
        let (code, said) = tested(&dir);
        assert_eq!(code, Some(0), "{dir:?}: {said}");
    }
}

#[test]
fn a_case_that_comes_out_otherwise_is_told_and_ends_with_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    std::fs::create_dir(folder.path().join("cases")).expect("a folder");
    write(
        "policy.toml",
        "version = 1\ndefault = \"allow\"\n[[rule]]\nname = \"freeze\"\nbranches = [\"main\"]\ndeny = true\n",
    );
    let case = |rest: &str| {
        write("cases/a.toml", &format!("[[case]]\nname = \"c\"\ntarget = \"refs/heads/main\"\n{rest}"));
        tested(folder.path())
    };
    let frozen = "expect = \"deny\"\nunmet = [\"freeze\"]\n";
    let cases = [
        (frozen.to_owned(), Some(0), "ok: 1 of 1 cases"),
        (format!("{frozen}matched = []\n"), Some(1), "matched: expected none, found `freeze`"),
        (
            "expect = \"allow\"\n".to_owned(),
            Some(1),
            "differs: a.toml: c\n  expected allow, found deny\n  unmet: expected none, found `freeze`\n  `freeze` never",
        ),
        ("expect = \"deny\"\nunmet = [\"frees\"]\n".to_owned(), Some(1), "there is no rule `frees`"),
        ("expect = \"maybe\"\n".to_owned(), Some(3), "unknown variant `maybe`"),
        (format!("{frozen}commit = []\n"), Some(3), "unknown field `commit`"),
        (format!("{frozen}action = \"push\"\n"), Some(3), "not an action"),
        (format!("{frozen}action = \"gate:deploy\"\n"), Some(3), "a gate has the target env:NAME"),
        (format!("{frozen}tokens = [{{ by = \"alice\" }}]\n"), Some(3), "alice has no key in the policy"),
    ];
    for (rest, code, words) in cases {
        let (found, said) = case(&rest);
        assert_eq!(found, code, "{rest}: {said}");
        assert!(said.contains(words), "no `{words}` in\n{said}");
    }
    for (action, words) in
        [("gate:deploy", "the policy knows no such gate"), ("update", "a gate has the target env:NAME")]
    {
        write(
            "cases/a.toml",
            &format!(
                "[[case]]\nname = \"c\"\ntarget = \"env:production\"\naction = \"{action}\"\nexpect = \"allow\"\n"
            ),
        );
        let (code, said) = tested(folder.path());
        assert!(code == Some(3) && said.contains(words), "{said}");
    }
    std::fs::remove_file(folder.path().join("cases/a.toml")).expect("removed");
    assert_eq!(tested(folder.path()).0, Some(3), "no cases prove nothing");
}
