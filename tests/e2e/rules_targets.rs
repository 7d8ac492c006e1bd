//! The keys that say which pushes a rule is about, and what happens where none is: one refused and one let in for each.

use crate::support::{Guarded, ALICE, BOB, MAIN, TestRepo, people};

/// Pushes a fresh commit by alice to each name; says whether it must be refused.
fn check(rules: &str, pushes: &[(&str, bool)]) {
    let repo = TestRepo::new(rules);
    for (refname, refused) in pushes {
        repo.commit(ALICE, &["src/lib.rs"]);
        let refspec = format!("HEAD:{refname}");
        if *refused {
            repo.refused(ALICE, &[&refspec], &["denied: alice may not", refname, "`closed` says never"]);
        } else {
            repo.accepted(ALICE, &[&refspec]);
            assert_eq!(repo.server_tip(refname), Some(repo.rev("HEAD")), "{refname}");
        }
    }
}

#[test]
fn branches_name_branches_and_a_star_stops_at_a_slash() {
    check(
        "[[rule]]\nname = \"closed\"\nbranches = [\"main\", \"release/*\", \"!release/next\"]\ndeny = true\n",
        &[
            ("refs/heads/main", true),
            ("refs/heads/release/1", true),
            ("refs/heads/release/1/fix", false),
            ("refs/heads/release/next", false),
            ("refs/heads/topic", false),
            ("refs/tags/main", false),
            ("refs/notes/main", false),
        ],
    );
}

#[test]
fn tags_name_tags() {
    check(
        "[[rule]]\nname = \"closed\"\ntags = [\"v*\"]\ndeny = true\n",
        &[("refs/tags/v1", true), ("refs/tags/nightly", false), ("refs/heads/v1", false)],
    );
}

#[test]
fn refs_name_full_refnames() {
    check(
        "[[rule]]\nname = \"closed\"\nrefs = [\"refs/notes/**\", \"refs/heads/odd\"]\ndeny = true\n",
        &[
            ("refs/notes/commits", true),
            ("refs/notes/a/b", true),
            ("refs/heads/odd", true),
            ("refs/other/notes", false),
            ("refs/heads/notes", false),
        ],
    );
}

#[test]
fn environments_name_their_branches_and_tags() {
    check(
        "[environments.production]\nbranches = [\"main\"]\ntags = [\"v*\"]\n\
         [[rule]]\nname = \"closed\"\nenvironments = [\"production\"]\ndeny = true\n",
        &[("refs/heads/main", true), ("refs/tags/v1", true), ("refs/heads/v1", false), ("refs/tags/main", false)],
    );
}

#[test]
fn paths_name_what_a_commit_changes() {
    let rules = r#"
[[rule]]
name = "migrations"
branches = ["main"]
paths = ["db/**", "!**/README.md"]
require = [{ role = "dba", approvals = 1 }]
"#;
    for (path, refused) in [
        ("db/1.sql", true),
        ("db/deep/er/1.sql", true),
        ("db/README.md", false),
        ("db.sql", false),
        ("src/db/1.sql", false),
        ("DB/1.sql", false),
    ] {
        let repo = TestRepo::new(rules);
        repo.commit(ALICE, &[path, "src/lib.rs"]);
        if refused {
            repo.refused(ALICE, &["HEAD:main"], &["`migrations` needs 1 approval from `dba`"]);
        } else {
            repo.accepted(ALICE, &["HEAD:main"]);
        }
    }
}

#[test]
fn a_rename_touches_both_paths_and_a_mode_is_a_change() {
    let rules = "[[rule]]\nname = \"closed\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\ndeny = true\n";
    for change in [
        ["mv", "db/1.sql", "moved.sql"].as_slice(),
        &["mv", "README", "db/README"],
        &["update-index", "--chmod=+x", "db/1.sql"],
        &["rm", "--quiet", "db/1.sql"],
    ] {
        let repo = TestRepo::uninstalled(jit::domain::change::IdKind::GitSha1);
        repo.commit(ALICE, &["db/1.sql"]);
        repo.begin_main();
        repo.install(rules);
        repo.git(change);
        repo.git(&["commit", "--quiet", "-m", "change"]);
        repo.refused(ALICE, &["HEAD:main"], &["`closed` says never"]);
    }
}

#[test]
fn actions_name_what_the_update_does() {
    let cases: [(&str, &[&str], bool); 5] = [
        ("update", &["HEAD:main"], true),
        ("update", &["--force", "HEAD:main"], true),
        ("rewrite", &["HEAD:main"], false),
        ("create", &["HEAD:refs/heads/topic"], true),
        ("delete", &["HEAD:refs/heads/topic"], false),
    ];
    for (action, push, refused) in cases {
        let repo = TestRepo::new(&format!(
            "[[rule]]\nname = \"closed\"\nrefs = [\"refs/heads/**\"]\nactions = [\"{action}\"]\ndeny = true\n"
        ));
        repo.commit(ALICE, &["src/lib.rs"]);
        if refused {
            repo.refused(ALICE, push, &["`closed` says never"]);
        } else {
            repo.accepted(ALICE, push);
        }
    }
    let rewritten: [(&str, bool); 2] = [("rewrite", true), ("update", false)];
    for (action, refused) in rewritten {
        let repo = TestRepo::new(&format!(
            "[[rule]]\nname = \"closed\"\nbranches = [\"main\"]\nactions = [\"{action}\"]\ndeny = true\n"
        ));
        repo.git(&["commit", "--quiet", "--amend", "-m", "another start"]);
        if refused {
            repo.refused(ALICE, &["--force", "HEAD:main"], &["alice may not rewrite refs/heads/main"]);
        } else {
            repo.accepted(ALICE, &["--force", "HEAD:main"]);
        }
    }
}

#[test]
fn the_default_answers_where_no_enforcing_rule_matches() {
    let policy = |default: &str, mode: &str| {
        format!(
            "version = 1\ndefault = \"{default}\"\n{}\n[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nmode = \"{mode}\"\n\
             require = [{{ role = \"maintainers\", approvals = 1 }}]\n",
            people()
        )
    };
    for (default, refused) in [("deny", true), ("allow", false)] {
        for (mode, branch) in [("enforce", "topic"), ("observe", "main")] {
            let repo = TestRepo::uninstalled(jit::domain::change::IdKind::GitSha1);
            repo.write_policy(&[("policy.toml", &policy(default, mode))]);
            assert!(repo.run_install().succeeded());
            let commit = repo.commit(ALICE, &["src/lib.rs"]);
            // A rule that only observes does not let in what the default refuses, even where it is met.
            repo.approve(BOB, commit, "refs/heads/main");
            let refspec = format!("HEAD:refs/heads/{branch}");
            if refused {
                repo.refused(ALICE, &[&refspec], &["denied: alice may not create refs/heads/", "default"]);
            } else {
                repo.accepted(ALICE, &[&refspec]);
            }
        }
    }
}

#[test]
fn under_a_default_of_deny_an_enforcing_rule_that_is_met_lets_in() {
    let repo = TestRepo::uninstalled(jit::domain::change::IdKind::GitSha1);
    let rule =
        "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n";
    repo.write_policy(&[("policy.toml", &format!("version = 1\ndefault = \"deny\"\n{}{rule}", people()))]);
    assert!(repo.run_install().succeeded());
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn a_rule_that_observes_says_so_and_lets_in() {
    let rule = |mode: &str| {
        format!(
            "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nmode = \"{mode}\"\nrequire = [{{ role = \"maintainers\", approvals = 1 }}]\n"
        )
    };
    let repo = TestRepo::new(&rule("enforce"));
    repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval from `maintainers`; has 0"]);

    let repo = TestRepo::new(&rule("observe"));
    repo.commit(ALICE, &["src/lib.rs"]);
    let said = repo.accepted(ALICE, &["HEAD:main"]);
    assert!(said.contains("`review` (only observed) needs 1 approval from `maintainers`; has 0"), "{said}");
}

#[test]
fn the_message_of_a_rule_stands_in_its_refusal_and_nowhere_else() {
    let repo = TestRepo::new(
        "[[rule]]\nname = \"freeze\"\nbranches = [\"main\"]\ndeny = true\nmessage = \"frozen until monday\\nask the release desk\"\n",
    );
    repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, &["HEAD:main"], &["jit:   frozen until monday", "jit:   ask the release desk"]);
    let said = repo.accepted(ALICE, &["HEAD:refs/heads/topic"]);
    assert!(!said.contains("frozen"), "{said}");
}
