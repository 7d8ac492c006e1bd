//! The keys that say how many approvals a rule asks for, and which ones count: one refused and one let in for each.

use crate::support::{ALICE, BOB, CAROL, MAIN, TestRepo, hours_from, now};
use jit::domain::approval::Token;

/// A rule on `main` with these keys.
fn rule(keys: &str) -> String {
    format!("[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n{keys}\n")
}

const ONE: &str = "require = [{ role = \"maintainers\", approvals = 1 }]";

#[test]
fn require_asks_for_so_many_people_of_each_role() {
    let repo = TestRepo::new(&rule(
        "require = [{ role = \"maintainers\", approvals = 1 }, { role = \"dba\", approvals = 1 }]",
    ));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.refused(
        ALICE,
        &["HEAD:main"],
        &["`review` needs 1 approval from `maintainers`; has 0, and 1 approval from `dba`"],
    );
    repo.approve(CAROL, commit, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval from `dba`; has 0", "bob can run `jit sign"]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    assert_eq!(repo.server_tip(MAIN), Some(commit));
}

#[test]
fn one_person_who_signs_twice_is_one_person() {
    let repo = TestRepo::new(&rule("require = [{ role = \"maintainers\", approvals = 2 }]"));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.approve(BOB, commit, MAIN);
    repo.approve(BOB, commit, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 2 approvals from `maintainers`; has 1 (bob)"]);
    repo.approve(CAROL, commit, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn any_of_is_met_by_one_of_its_alternatives() {
    let keys = "any_of = [[{ role = \"leads\", approvals = 2 }], [{ role = \"dba\", approvals = 1 }]]";
    let repo = TestRepo::new(&rule(keys));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.approve(CAROL, commit, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs", "(or, instead: "]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn nobody_can_approve_what_is_never_let_in() {
    let repo = TestRepo::new(&rule("deny = true"));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    for person in [ALICE, BOB, CAROL] {
        repo.approve(person, commit, MAIN);
    }
    repo.refused(ALICE, &["HEAD:main"], &["`review` says never"]);
    let said = repo.accepted(ALICE, &["HEAD:refs/heads/topic"]);
    assert!(!said.contains("never"), "{said}");
}

#[test]
fn an_approval_older_than_the_ttl_does_not_count() {
    let repo = TestRepo::new(&rule(&format!("{ONE}\nttl = \"1h\"")));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    let old = Token { not_before: hours_from(now(), -2), ..repo.approval(commit, MAIN) };
    repo.keep(BOB, old);
    repo.refused(ALICE, &["HEAD:main"], &["not counted: bob, token", "older than the 1h that the rule allows"]);
    let recent = Token { not_before: hours_from(now(), 0), ..repo.approval(commit, MAIN) };
    repo.keep(BOB, recent);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn who_wrote_committed_or_pushed_it_does_not_count() {
    let repo = TestRepo::new(&rule(ONE));
    repo.git(&["checkout", "--quiet", "-b", "work"]);
    let by_bob = repo.commit(BOB, &["a"]);
    repo.approve(BOB, by_bob, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["not counted: bob", "author or committer"]);
    repo.approve(ALICE, by_bob, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["not counted: alice", "the pusher's own approval"]);
    // The same approvals, pushed by somebody else.
    repo.accepted(CAROL, &["HEAD:main"]);

    let committed = repo.commit(CAROL, &["b"]);
    repo.git_as(BOB, &["commit", "--quiet", "--amend", "--author", "carol <carol@example.com>", "-m", "b"]);
    let committed_by_bob = repo.rev("HEAD");
    assert_ne!(committed, committed_by_bob);
    repo.approve(BOB, committed_by_bob, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["not counted: bob", "author or committer"]);

    repo.git_as(CAROL, &["commit", "--quiet", "--amend", "-m", "b\n\nCo-authored-by: B <BOB@EXAMPLE.COM>"]);
    let co_authored = repo.rev("HEAD");
    repo.approve(BOB, co_authored, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["not counted: bob", "author or committer"]);
}

#[test]
fn with_self_approval_everybody_counts() {
    let repo = TestRepo::new(&rule(&format!("{ONE}\nself_approval = true")));
    let commit = repo.commit(ALICE, &["a"]);
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval"]);
    repo.approve(ALICE, commit, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
}

#[test]
fn one_person_fills_two_places_only_where_people_need_not_be_distinct() {
    let both = "require = [{ role = \"leads\", approvals = 1 }, { role = \"dba\", approvals = 1 }]";
    for (keys, refused) in [(both.to_owned(), true), (format!("{both}\ndistinct_people = false"), false)] {
        let repo = TestRepo::new(&rule(&keys));
        let commit = repo.commit(ALICE, &["a"]);
        repo.approve(BOB, commit, MAIN);
        if refused {
            repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval from"]);
        } else {
            repo.accepted(ALICE, &["HEAD:main"]);
        }
    }
}

#[test]
fn an_approval_of_an_older_value_counts_unless_it_must_be_up_to_date() {
    for (keys, refused) in [(format!("{ONE}\nup_to_date = true"), true), (ONE.to_owned(), false)] {
        let repo = TestRepo::new(&rule(&keys));
        let one = repo.commit(ALICE, &["a"]);
        let two = repo.commit(ALICE, &["b"]);
        repo.approve(BOB, one, MAIN);
        repo.approve(CAROL, two, MAIN);
        repo.accepted(ALICE, &[&format!("{}:main", one.hex())]);
        if refused {
            repo.refused(ALICE, &["HEAD:main"], &["not counted: carol", "wants approvals that are up to date"]);
            repo.approve(CAROL, two, MAIN);
        }
        repo.accepted(ALICE, &["HEAD:main"]);
    }
}

#[test]
fn authors_of_commits_that_were_promoted_count() {
    let rules = "[[rule]]\nname = \"release\"\nbranches = [\"release\"]\npromoted_from = [\"main\"]\n\
                 require = [{ role = \"maintainers\", approvals = 1 }]\n";
    let repo = TestRepo::uninstalled(jit::domain::change::IdKind::GitSha1);
    repo.begin_main();
    repo.git(&["push", "--quiet", "origin", "HEAD:refs/heads/release"]);
    repo.install(rules);
    let commit = repo.commit(BOB, &["a"]);
    repo.approve(BOB, commit, "refs/heads/release");
    repo.refused(ALICE, &["HEAD:release"], &["not counted: bob", "author or committer"]);
    repo.accepted(ALICE, &["HEAD:main"]);
    repo.accepted(ALICE, &["HEAD:release"]);
}

#[test]
fn a_commit_is_not_promoted_by_the_push_that_brings_it() {
    let rules = "[[rule]]\nname = \"release\"\nbranches = [\"release\"]\npromoted_from = [\"main\"]\n\
                 require = [{ role = \"maintainers\", approvals = 1 }]\n";
    let repo = TestRepo::uninstalled(jit::domain::change::IdKind::GitSha1);
    repo.begin_main();
    repo.git(&["push", "--quiet", "origin", "HEAD:refs/heads/release"]);
    repo.install(rules);
    let commit = repo.commit(BOB, &["a"]);
    repo.approve(BOB, commit, "refs/heads/release");
    repo.refused(ALICE, &["HEAD:main", "HEAD:release"], &["not counted: bob", "author or committer"]);
}

#[test]
fn a_reason_must_be_given_or_must_match() {
    for (keys, wrong, right) in
        [("reason = \"required\"", " ", "because"), ("reason = \"^OPS-[0-9]+$\"", "see OPS-12", "OPS-12")]
    {
        let repo = TestRepo::new(&rule(&format!("{ONE}\n{keys}")));
        let commit = repo.commit(ALICE, &["a"]);
        repo.keep(BOB, Token { reason: wrong.to_owned(), ..repo.approval(commit, MAIN) });
        repo.refused(ALICE, &["HEAD:main"], &["not counted: bob", "its reason is not what the rule asks for"]);
        repo.keep(BOB, Token { reason: right.to_owned(), ..repo.approval(commit, MAIN) });
        repo.accepted(ALICE, &["HEAD:main"]);
    }
}
