//! The keys that say which pushes a rule is about, and what happens where none is: one refused and one let in for each.
//!
//! `refs` are Git's alone. A named branch of Mercurial cannot be set back by a push: a rewrite is tried with bookmarks.

use crate::central::{Central, Form, in_force, to};
use crate::support::{ALICE, BOB, Guarded, MAIN, people};
use rstest::rstest;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Pushes a fresh commit by alice to each branch, and each tag of it; says whether it must be refused.
fn check(form: Form, rules: &str, pushes: &[(&str, bool)]) {
    let repo = Central::new(form, rules);
    for (refname, refused) in pushes {
        repo.go(repo.start);
        let commit = if refname.starts_with("refs/tags/") {
            let commit = repo.on("refs/heads/tagged").commit(ALICE, &["src/lib.rs"]);
            repo.tag(refname, commit);
            commit
        } else {
            repo.on(refname).commit(ALICE, &["src/lib.rs"])
        };
        if *refused {
            repo.refused(ALICE, to(refname, commit), &["denied: alice may not", refname, "`closed` says never"]);
        } else {
            repo.accepted(ALICE, to(refname, commit));
        }
    }
}

#[rstest]
fn branches_name_branches_and_a_star_stops_at_a_slash(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    check(
        form,
        "[[rule]]\nname = \"closed\"\nbranches = [\"main\", \"release/*\", \"!release/next\"]\ndeny = true\n",
        &[
            (MAIN, true),
            ("refs/heads/release/1", true),
            ("refs/heads/release/1/fix", false),
            ("refs/heads/release/next", false),
            ("refs/heads/topic", false),
            ("refs/tags/main", false),
        ],
    );
}

#[rstest]
fn tags_name_tags(#[values(Form::Git, Form::Named)] form: Form) {
    check(
        form,
        "[[rule]]\nname = \"closed\"\ntags = [\"v*\"]\ndeny = true\n",
        &[("refs/tags/v1", true), ("refs/tags/nightly", false), ("refs/heads/v1", false)],
    );
}

#[test]
fn refs_name_full_refnames() {
    check(
        Form::Git,
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
fn branches_do_not_name_other_refs() {
    let closed = "[[rule]]\nname = \"closed\"\nbranches = [\"**\"]\ndeny = true\n";
    check(Form::Git, closed, &[("refs/notes/main", false), ("refs/heads/notes", true)]);
}

#[rstest]
fn environments_name_their_branches_and_tags(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    check(
        form,
        "[environments.production]\nbranches = [\"main\"]\ntags = [\"v*\"]\n\
         [[rule]]\nname = \"closed\"\nenvironments = [\"production\"]\ndeny = true\n",
        &[(MAIN, true), ("refs/tags/v1", true), ("refs/heads/v1", false), ("refs/tags/main", false)],
    );
}

#[rstest]
fn paths_name_what_a_commit_changes(#[values(Form::Git, Form::Named)] form: Form) {
    let rules = r#"
[[rule]]
name = "migrations"
branches = ["main"]
paths = ["db/**", "!**/README.md"]
require = [{ role = "dba", approvals = 1 }]
"#;
    let repo = Central::new(form, rules);
    let mut tip = repo.start;
    for (path, refused) in [
        ("db/1.sql", true),
        ("db/deep/er/1.sql", true),
        ("db/README.md", false),
        ("db.sql", false),
        ("src/db/1.sql", false),
        ("DB/1.sql", false),
    ] {
        repo.go(tip);
        let commit = repo.commit(ALICE, &[path, "src/lib.rs"]);
        if refused {
            repo.refused(ALICE, to(MAIN, commit), &["`migrations` needs 1 approval from `dba`"]);
        } else {
            repo.accepted(ALICE, to(MAIN, commit));
            tip = commit;
        }
    }
}

#[rstest]
fn a_rename_touches_both_paths_and_a_mode_is_a_change(#[values(Form::Git, Form::Named)] form: Form) {
    let rules = "[[rule]]\nname = \"closed\"\nbranches = [\"main\"]\npaths = [\"db/**\"]\ndeny = true\n";
    let changes: [fn(&Path); 5] = [
        |work| fs::rename(work.join("db/0.sql"), work.join("moved.sql")).expect("moved"),
        |work| fs::rename(work.join("README"), work.join("db/README")).expect("moved"),
        |work| fs::set_permissions(work.join("db/0.sql"), fs::Permissions::from_mode(0o755)).expect("a mode"),
        |work| fs::remove_file(work.join("db/0.sql")).expect("removed"),
        |work| {
            fs::remove_file(work.join("db/0.sql")).expect("removed");
            std::os::unix::fs::symlink("../README", work.join("db/0.sql")).expect("a link");
        },
    ];
    let repo = Central::new(form, rules);
    for change in changes {
        repo.go(repo.start);
        change(&repo.file(""));
        repo.refused(ALICE, to(MAIN, repo.commit(ALICE, &[])), &["`closed` says never"]);
    }
    repo.go(repo.start);
    repo.accepted(ALICE, to(MAIN, repo.commit(ALICE, &["README"])));
}

#[rstest]
fn actions_name_what_the_update_does(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    let rules = ["update", "rewrite", "create", "delete"].map(|action| {
        format!(
            "[[rule]]\nname = \"closed-{action}\"\nbranches = [\"{action}/*\"]\nactions = [\"{action}\"]\ndeny = true\n"
        )
    });
    let old = ["refs/heads/update/old", "refs/heads/rewrite/old", "refs/heads/create/old", "refs/heads/delete/old"];
    let repo = Central::with_branches(form, &rules.concat(), &old);
    for (refname, refusing) in [
        ("refs/heads/update/old", Some("update")),
        ("refs/heads/rewrite/old", None),
        ("refs/heads/create/old", None),
        ("refs/heads/delete/old", None),
        ("refs/heads/update/new", None),
        ("refs/heads/rewrite/new", None),
        ("refs/heads/create/new", Some("create")),
        ("refs/heads/delete/new", None),
    ] {
        repo.go(repo.values(refname).first().copied().unwrap_or(repo.start));
        let commit = repo.on(refname).commit(ALICE, &["src/lib.rs"]);
        match refusing {
            Some(action) => drop(repo.refused(ALICE, to(refname, commit), &[&format!("`closed-{action}` says never")])),
            None => drop(repo.accepted(ALICE, to(refname, commit))),
        }
    }
}

#[rstest]
fn a_rewrite_is_no_update(#[values(Form::Git, Form::Bookmarks)] form: Form) {
    for (action, refused) in [("rewrite", true), ("update", false)] {
        let rule =
            format!("[[rule]]\nname = \"closed\"\nbranches = [\"main\"]\nactions = [\"{action}\"]\ndeny = true\n");
        let repo = Central::new(form, &rule);
        repo.go_to_nothing();
        let other = repo.commit(ALICE, &["README"]);
        if refused {
            repo.refused(ALICE, to(MAIN, other), &["alice may not rewrite refs/heads/main"]);
        } else {
            repo.accepted(ALICE, to(MAIN, other));
        }
    }
}

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"maintainers\", approvals = 1 }]\n";

#[rstest]
fn the_default_answers_where_no_enforcing_rule_matches(#[values(Form::Git, Form::Named)] form: Form) {
    let topic = "refs/heads/topic";
    for (default, refused) in [("deny", true), ("allow", false)] {
        let repo = Central::of_policy(form, &in_force(default, &people(), &format!("{REVIEW}mode = \"observe\"\n")));
        // A rule that only observes does not let in what the default refuses, even where it is met.
        let commit = repo.commit(ALICE, &["src/lib.rs"]);
        repo.approve(BOB, commit, MAIN);
        repo.go(repo.start);
        let aside = repo.on(topic).commit(ALICE, &["src/lib.rs"]);
        for (refname, commit) in [(MAIN, commit), (topic, aside)] {
            if refused {
                repo.refused(ALICE, to(refname, commit), &["denied: alice may not", refname, "default"]);
            } else {
                repo.accepted(ALICE, to(refname, commit));
            }
        }
    }
}

#[rstest]
fn under_a_default_of_deny_an_enforcing_rule_that_is_met_lets_in(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::of_policy(form, &in_force("deny", &people(), REVIEW));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs 1 approval"]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn a_rule_that_observes_says_so_and_lets_in(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs 1 approval from `maintainers`; has 0"]);
    let said = repo.apply(&in_force("allow", &people(), &format!("{REVIEW}mode = \"observe\"\n")));
    assert!(said.succeeded(), "{}", said.err);
    let said = repo.accepted(ALICE, to(MAIN, commit));
    assert!(said.contains("`review` (only observed) needs 1 approval from `maintainers`; has 0"), "{said}");
}

#[rstest]
fn the_message_of_a_rule_stands_in_its_refusal_and_nowhere_else(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(
        form,
        "[[rule]]\nname = \"freeze\"\nbranches = [\"main\"]\ndeny = true\nmessage = \"frozen until monday\\nask the release desk\"\n",
    );
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(ALICE, to(MAIN, commit), &["jit:   frozen until monday", "jit:   ask the release desk"]);
    repo.go(repo.start);
    let topic = "refs/heads/topic";
    let said = repo.accepted(ALICE, to(topic, repo.on(topic).commit(ALICE, &["src/lib.rs"])));
    assert!(!said.contains("frozen"), "{said}");
}
