//! What an administrator is told of a policy beside a real repository.

use crate::central::{Central, Form, in_force};
use crate::support::{ALICE, TestRepo, people};
use rstest::rstest;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[rstest]
fn patterns_are_held_against_the_repository(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let rules =
        "[[rule]]\nname = \"r\"\nbranches = [\"main\", \"gone\"]\npaths = [\"db/**\", \"docs/**\"]\ndeny = true\n";
    let folder = repo.write_policy(&in_force("deny", &people(), rules));
    let said = repo.jit(&["policy", "check", &folder, "--repository"]);
    assert!(said.succeeded(), "{}", said.err);
    for words in ["`gone` matches no ", "`docs/**` matches no path at the tip of "] {
        assert!(said.err.contains(words), "no `{words}` in\n{}", said.err);
    }
    for words in ["`main` matches", "`default` matches", "`db/**` matches"] {
        assert!(!said.err.contains(words), "{}", said.err);
    }
}

#[rstest]
fn what_no_rule_protects_is_shown_with_its_share(#[values(Form::Git, Form::Named)] form: Form) {
    let rules = "[[rule]]\nname = \"db\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\nrequire = [{ role = \"dba\", approvals = 1 }]\n\
                 [[rule]]\nname = \"watched\"\nbranches = [\"main\"]\nmode = \"observe\"\npushers = \"known\"\n";
    let repo = Central::with_branches(form, rules, &["refs/heads/topic"]);
    let said = repo.jit(&["policy", "coverage", "--repository"]);
    assert!(said.succeeded(), "{}", said.err);
    let expected = [
        form.words("refs/heads/main: 1 of 2 paths protected (50%)"),
        "  db/  1 of 1".to_owned(),
        "  README  0 of 1".to_owned(),
        form.words("refs/heads/main: only paths of `db`"),
        form.words("refs/heads/topic: no rule"),
        "what no rule protects: `default` is allow".to_owned(),
    ];
    assert_eq!(said.text().lines().collect::<Vec<_>>(), expected);
    let said = repo.jit(&["policy", "coverage", "--format", "json", "--repository"]);
    let json: serde_json::Value = serde_json::from_str(&said.text()).expect("JSON");
    assert_eq!(
        (&json["protected"], &json["total"], &json["branches"][1]["guarded"]),
        (&1.into(), &2.into(), &"nothing".into())
    );

    let review = "[[rule]]\nname = \"review\"\nbranches = [\"**\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";
    let folder = repo.write_policy(&in_force("allow", &people(), review));
    let said = repo.jit(&["policy", "coverage", &folder, "--repository"]);
    assert!(
        said.text().contains("2 of 2 paths protected (100%)\n") && !said.text().contains("no rule\n"),
        "{}",
        said.text()
    );
}

#[test]
fn the_rules_of_a_path_are_those_of_the_published_policy() {
    let repo = TestRepo::new(
        "[[rule]]\nname = \"db\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\nactions = [\"update\", \"delete\"]\n\
         require = [{ role = \"dba\", approvals = 1 }]\nttl = \"24h\"\n",
    );
    let alice = repo.desk(ALICE);
    let said = alice.must(&["policy", "show", "./db/1.sql", "--branch", "main"]).text();
    let expected = "db/1.sql on refs/heads/main\ncreate, rewrite:\n  no rule; `default` is allow\nupdate, delete:\n  rule `db` (rules.toml:1)\n";
    assert!(said.starts_with(&expected.replace(":1)", "")[..90]), "{said}");
    for words in ["    paths: `db/**`\n", "    require: 1 of dba\n", "    ttl: 1day\n", "    can sign as `dba`: bob"] {
        assert!(said.contains(words), "no {words} in\n{said}");
    }
    assert!(!said.contains("self_approval"), "{said}");
    let json = alice.json(&["policy", "show", "src/a", "--branch", "main"], 0);
    assert_eq!(json["actions"], serde_json::json!({ "create": [], "update": [], "rewrite": [], "delete": ["db"] }));
    assert_eq!(json["rules"][0]["can_sign"], serde_json::json!({ "dba": ["bob"] }));
    assert_eq!(alice.jit(&["policy", "show", "src/a"]).code, Some(2));
}
