//! Policies that are made of other programs' files.

use crate::support::file;
use jit::domain::import::{ImportError, allowed_signers, codeowners, hg_acl};
use jit::domain::policy::{Policy, load};
use jit::domain::time::Timestamp;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/imports").join(name)
}

fn jit(arguments: &[&str], path: &Path) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_jit")).args(arguments).arg(path).output().expect("the program");
    (run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr))
}

/// Imports a fixture with the program, which must print what stands beside it, and checks that as a policy.
#[track_caller]
fn imported(kind: &str, name: &str) -> Policy {
    let (code, text) = jit(&["policy", "import", kind], &fixture(name));
    let expected = std::fs::read_to_string(fixture(&format!("{name}.toml"))).expect(name);
    assert_eq!((code, &*text), (Some(0), &*expected), "{name}");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("policy.toml"), &text).expect("written");
    let (code, said) = jit(&["policy", "check"], folder.path());
    assert!(code == Some(0) && said.contains("ok: "), "{name}: {said}");
    load(&[file("policy.toml", text)]).expect(name)
}

/// Returns the names of the rules that are about `path`.
fn rules_of<'p>(policy: &'p Policy, path: &str) -> Vec<&'p str> {
    let about = policy.rules.iter().filter(|rule| rule.paths.as_ref().is_none_or(|list| list.matches(path.as_bytes())));
    about.map(|rule| rule.name.as_str()).collect()
}

#[test]
fn of_the_lines_that_match_a_path_the_last_becomes_its_rule() {
    type RulesOf<'c> = (&'c str, &'c [&'c str]);
    let cases: [(&str, &[RulesOf<'_>]); 3] = [
        (
            "web-framework.codeowners",
            &[
                ("src/lib.rs", &["line-2"]),
                ("packages/router/src/a.ts", &["line-5"]),
                ("packages/router/devtools/a.ts", &["line-6"]),
                ("packages/router/README.md", &["line-12"]),
                ("packages/x/docs/a.txt", &["line-10"]),
                ("docs/a.txt", &["line-11"]),
                ("docs/deep/a.txt", &["line-10"]),
                ("docs/with space/a.md", &["line-13"]),
                ("legacy/v1/a", &["line-2"]),
            ],
        ),
        (
            "machine-learning.codeowners",
            &[
                ("README.md", &["line-9"]),
                ("src/a/b", &["line-2"]),
                ("src/kernels/a.cu", &["line-4"]),
                ("src/x/generated/a", &[]),
                ("third_party/a", &[]),
                ("tools/build/a", &["line-10"]),
                ("a{b,c}!/xy.y", &["line-12"]),
                ("ab!/xy.y", &[]),
            ],
        ),
        (
            "platform.codeowners",
            &[
                ("db/1.sql", &["line-1", "database-line-4"]),
                ("db/seeds/a", &["line-1", "database-line-5"]),
                ("db/seeds/generated/a", &["line-1"]),
                ("a/themes/a.css", &["line-1", "style-line-10"]),
                ("auth/a", &["line-1", "security-line-13"]),
                ("x/schema.sql", &["line-1", "database-line-17"]),
            ],
        ),
    ];
    for (name, paths) in cases {
        let policy = imported("codeowners", name);
        for (path, expected) in paths {
            assert_eq!(rules_of(&policy, path), *expected, "{name}: {path}");
        }
    }
}

#[test]
fn who_may_push_becomes_who_must_sign() {
    let policy = imported("hg-acl", "site.hgrc");
    let who = |path: &str| -> Vec<(bool, Vec<String>)> {
        let about =
            policy.rules.iter().filter(|rule| rule.paths.as_ref().is_some_and(|list| list.matches(path.as_bytes())));
        about
            .map(|rule| {
                let members = rule.roles().into_iter().flat_map(|role| &policy.roles[role].members);
                (rule.deny, members.map(ToString::to_string).collect())
            })
            .collect()
    };
    let may = |names: &[&str]| vec![(false, names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())];
    assert_eq!(who("src/a"), may(&["alice", "bob"]));
    assert_eq!(who("docs/a"), may(&["alice", "bob", "carol"]));
    assert_eq!(who("docs/api/a"), may(&["alice", "bob", "carol"]));
    assert_eq!(who("db/1.sql"), may(&["alice", "bob"]));
    assert!(who("secret/a").contains(&(true, vec![])));
    assert!(policy.rules.iter().filter(|rule| !rule.require.is_empty()).all(|rule| rule.self_approval));
}

#[test]
fn whose_keys_are_trusted_becomes_who_is_known() {
    let policy = imported("allowed-signers", "allowed_signers");
    let people: Vec<(&str, usize, String)> = policy
        .principals
        .iter()
        .map(|(name, who)| {
            let end = who.valid_until.map_or_else(|| "-".to_owned(), |end| end.to_string());
            (name.as_str(), who.keys.len(), end)
        })
        .collect();
    let expected = [("alice", 2, "2028-01-01T00:00:00Z"), ("bob", 1, "2027-06-30T12:00:00Z"), ("carol", 1, "-")];
    assert_eq!(people, expected.map(|(name, keys, end)| (name, keys, end.to_owned())));
}

#[test]
fn a_policy_that_would_not_load_for_its_size_is_refused() {
    let lines: String = (0..20_000).map(|n| format!("/{n}/ @alice{n}\n")).collect();
    assert_eq!(codeowners(lines.as_bytes(), &["main".to_owned()]), Err(ImportError::TooLarge));
}

/// Lines of files in which every word that means something, and some that break others' formats, are likely.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "@alice",
        "@Org/team",
        "@@role",
        "bob@example.com",
        "*",
        "**",
        "/docs/",
        "*.js",
        "docs/*",
        "!a",
        "[S][2]",
        "^[S]",
        "# x",
        "\\ ",
        "\\",
        "\"",
        "\"\"\"",
        "]",
        "{a",
        "\u{202e}",
        "\u{e9}",
        "\t",
        "\r",
        "\n",
        "\n",
        "[[rule]]",
        "[acl.allow]",
        "[acl.deny]",
        "[acl.groups]",
        "[acl.allow.branches]",
        "=",
        "a = @alice, !bob",
        "path:x",
        "re:.*",
        "ssh-ed25519",
        "AAAA",
        "valid-before=\"2027\"",
        " ",
        "//",
        "\0",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" ").into_bytes())
}

proptest! {
    #[test]
    fn whatever_a_file_holds_the_policy_loads(words in text(), noise in prop::collection::vec(any::<u8>(), 0..60)) {
        let now = Timestamp::EPOCH;
        for bytes in [words.clone(), noise.clone(), [words, noise].concat()] {
            for made in [codeowners(&bytes, &["main".to_owned()]), hg_acl(&bytes), allowed_signers(&bytes, now)] {
                let text = made.expect("small");
                let loaded = load(&[file("a.toml", &text)]);
                prop_assert!(loaded.is_ok(), "{}\n{text}", jit::cli::faults_plain(&loaded.expect_err("faults")));
            }
        }
    }
}
