//! What becomes of whole files: which rules ask whom about a path, and what is told of lines that are not carried over.

use super::*;
use crate::domain::policy::{Policy, PolicyFile, load};
use crate::domain::time::Timestamp;

const ALICE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd";
const BOB: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC3wQSXwAVr7R86FOu+HcglP+UmMFMsbnhKXPCkn2g+m";

fn policy(text: &str) -> Policy {
    load(&[PolicyFile { name: "policy.toml".to_owned(), text: text.into() }]).expect("a policy")
}

/// The rules about a path, each with whom it asks.
fn asked(policy: &Policy, path: &str) -> Vec<String> {
    let about =
        policy.rules.iter().filter(|rule| rule.paths.as_ref().is_some_and(|list| list.matches(path.as_bytes())));
    let said = about.map(|rule| {
        let members = rule.roles().into_iter().flat_map(|role| &policy.roles[role].members);
        let members: Vec<&str> = members.map(|who| who.as_str()).collect();
        format!("{}: {}", rule.name, if rule.deny { "nobody".to_owned() } else { members.join(" ") })
    });
    said.collect()
}

/// What is told of the lines that are not carried over, or not wholly.
fn left(text: &str) -> Vec<&str> {
    let (_, left) = text.split_once("# Not carried over, or not wholly:\n").unwrap_or_default();
    left.lines().collect()
}

/// A file; its paths, each with the rules about it; what is told.
type Case<'c> = (&'c str, &'c [(&'c str, &'c [&'c str])], &'c [&'c str]);

#[track_caller]
fn check(cases: &[Case<'_>], made: impl Fn(&str) -> Result<String, ImportError>) {
    for (file, paths, told) in cases {
        let text = made(file).expect("a policy");
        let policy = policy(&text);
        for (path, expected) in *paths {
            assert_eq!(asked(&policy, path), *expected, "{path} in\n{file}");
        }
        assert_eq!(left(&text), *told, "{file}");
    }
}

#[test]
fn whom_acl_lets_push_may_sign_and_nobody_else() {
    let cases: [Case<'_>; 12] = [
        (
            "[acl.allow]\ndocs/** = alice\nsrc/** = bob\n",
            &[("docs/a", &["line-2: alice"]), ("src/a", &["line-3: bob"]), ("a", &["paths-unnamed: nobody"])],
            &[],
        ),
        // A section that is empty lets nobody push, whatever stands behind its heading.
        ("[acl.allow]\n", &[("a", &["paths-unnamed: nobody"])], &[]),
        (
            "[acl.allow] # who may, see [1]\ndocs/** = alice\n",
            &[("docs/a", &["line-2: alice"]), ("a", &["paths-unnamed: nobody"])],
            &[],
        ),
        // acl takes any entry that matches.
        ("[acl.allow]\ndocs/* = alice\nglob:docs/* = bob\n", &[("docs/a", &["line-3: alice bob"])], &[]),
        (
            "[acl.allow]\ndocs/** = alice\ndocs/api/** = bob\n",
            &[("docs/a", &["line-2: alice"]), ("docs/api/a", &["line-3: alice bob"])],
            &[],
        ),
        (
            "[acl.allow]\ndocs/api/** = bob\ndocs/** = alice\n",
            &[("docs/a", &["line-3: alice"]), ("docs/api/a", &["line-2: alice bob"])],
            &[],
        ),
        ("[acl.allow]\n** = *\nsecret/** = alice\n", &[("secret/a", &[]), ("a", &[])], &[]),
        (
            "[acl.allow]\n**.sql = alice\ndb/* = bob\n",
            &[("1.sql", &["line-2: alice"]), ("db/1.sql", &["line-3: bob"]), ("db/a", &["line-3: bob"])],
            &["# line 2, line 3 alone decides where both match: [acl.allow] **.sql = alice"],
        ),
        (
            "[acl.groups]\nstaff = alice, bob carol\n[acl.allow]\n** = @staff,dave erin\n",
            &[("a", &["line-4: alice bob carol dave erin"])],
            &[],
        ),
        (
            "[acl.allow]\ndocs/** =\nsrc/** = ali<ce, bob\n** = @gone\n",
            &[("docs/a", &["paths-unnamed: nobody"]), ("src/a", &["paths-unnamed: nobody"])],
            &[
                "# line 2, it names nobody whom a policy can name: [acl.allow] docs/** = ",
                "# line 3, it names nobody whom a policy can name: [acl.allow] src/** = ali<ce, bob",
                "# line 4, the group is not in [acl.groups]: [acl.allow] ** = @gone",
            ],
        ),
        (
            "[acl.deny]\nsecret?** = *\na?b = *\nx[!a] = *\ndocs/** = bob\n",
            &[("a/b", &["line-3: nobody"]), ("axb", &["line-3: nobody"]), ("docs/a", &[])],
            &[
                "# line 2, `**` stands beside other characters: [acl.deny] secret?** = *",
                "# line 4, a set of characters may match a slash there: [acl.deny] x[!a] = *",
                "# line 5, a policy denies everybody or nobody; who may do it can be said instead: [acl.deny] docs/** = bob",
            ],
        ),
        // Another section.
        (
            "[acl.deny] # a]\nsecret/** = *\n",
            &[("secret/a", &[])],
            &["# line 2, a policy does not know it: [acl.deny] # a] secret/** = *"],
        ),
    ];
    check(&cases, |file| hg_acl(file.as_bytes()));
}

#[test]
fn the_last_line_of_codeowners_that_matches_names_who_may_sign() {
    let cases: [Case<'_>; 4] = [
        (
            "/docs/ @alice\n* @bob\n",
            &[("docs/a", &["line-2: bob"]), ("a", &["line-2: bob"])],
            &["# line 1, later lines say otherwise of all of it: /docs/ @alice"],
        ),
        (
            "* @bob\n/docs/ @alice\n*.md @carol\n",
            &[("docs/a", &["line-2: alice"]), ("docs/a.md", &["line-3: carol"]), ("a", &["line-1: bob"])],
            &[],
        ),
        ("* @bob\n/docs/\n", &[("docs/a", &[]), ("a", &["line-1: bob"])], &[]),
        ("[A]\n* @bob\n/docs/ @alice\n", &[("docs/a", &["a-line-3: alice"]), ("a", &["a-line-2: bob"])], &[]),
    ];
    check(&cases, |file| codeowners(file.as_bytes(), &["main".to_owned()]));
}

#[test]
fn keys_that_nobody_holds_are_told_of_where_there_are_any() {
    for (file, expected) in [("/a @alice\n", true), ("/a\n", false)] {
        let text = codeowners(file.as_bytes(), &["main".to_owned()]).expect("a policy");
        assert_eq!(text.contains("replace-me"), expected, "{text}");
    }
}

#[test]
fn a_line_of_allowed_signers_means_what_openssh_takes_it_for() {
    let now = Timestamp::parse("2027-01-01T00:00:00Z").expect("a time");
    let until = |year: u32| Some(format!("{year}-01-01T00:00:00Z"));
    type People = Vec<(&'static str, usize, Option<String>)>;
    let cases: [(String, People, &[&str]); 9] = [
        (format!("alice {ALICE}"), vec![("alice", 1, None)], &[]),
        (format!("alice@a.example,alice@b.example {ALICE}\nalice@b.example {BOB}"), vec![("alice", 2, None)], &[]),
        (format!("alice {ALICE}\nalice {BOB}"), vec![("alice", 2, None)], &[]),
        (
            format!("alice namespaces=\"git, file\",valid-before=\"20280101Z\" {ALICE}"),
            vec![("alice", 1, until(2028))],
            &["a policy does not limit what else a key may sign"],
        ),
        (
            format!("alice valid-before=\"20280101\",valid-before=\"20990101\" {ALICE}"),
            vec![],
            &["an option stands there twice"],
        ),
        (format!("alice valid-after=\"20280101\" {ALICE}"), vec![], &["its time has not begun"]),
        (format!(", {ALICE}"), vec![], &["a pattern names nobody"]),
        (format!("*@example.com {ALICE}"), vec![], &["a pattern names nobody"]),
        (format!("ali<ce {ALICE}"), vec![], &["it names nobody whom a policy can name"]),
    ];
    for (file, expected, told) in cases {
        let text = allowed_signers(file.as_bytes(), now).expect("a policy");
        let policy = policy(&text);
        let people = policy.principals.iter();
        let people: Vec<(&str, usize, Option<String>)> = people
            .map(|(name, who)| (name.as_str(), who.keys.len(), who.valid_until.map(|end| end.to_string())))
            .collect();
        assert_eq!(people, expected, "{file}");
        let said = left(&text);
        assert_eq!(said.len(), told.len(), "{said:?}");
        assert!(said.iter().zip(told).all(|(said, told)| said.contains(told)), "{said:?}");
    }
}
