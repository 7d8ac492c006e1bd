//! The keys that say how many approvals a rule asks for, and which ones count: one refused and one let in for each.

use crate::central::{Central, Form, in_force, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, TestRepo, hours_from, now, people};
use jit::domain::approval::Token;
use rstest::rstest;

/// A rule on `main` with these keys.
fn rule(keys: &str) -> String {
    format!("[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n{keys}\n")
}

const ONE: &str = "require = [{ role = \"maintainers\", approvals = 1 }]";

#[rstest]
fn require_asks_for_so_many_people_of_each_role(#[values(Form::Git, Form::Named)] form: Form) {
    let keys = "require = [{ role = \"maintainers\", approvals = 1 }, { role = \"dba\", approvals = 1 }]";
    let repo = Central::new(form, &rule(keys));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    let words = ["`review` needs 1 approval from `maintainers`; has 0, and 1 approval from `dba`"];
    repo.refused(ALICE, to(MAIN, commit), &words);
    repo.approve(CAROL, commit, MAIN);
    let words = ["`review` needs 1 approval from `dba`; has 0", "bob can run `jit sign"];
    repo.refused(ALICE, to(MAIN, commit), &words);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn one_person_who_signs_twice_is_one_person(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, &rule("require = [{ role = \"maintainers\", approvals = 2 }]"));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.approve(BOB, commit, MAIN);
    repo.approve(BOB, commit, MAIN);
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs 2 approvals from `maintainers`; has 1 (bob)"]);
    repo.approve(CAROL, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn any_of_is_met_by_one_of_its_alternatives(#[values(Form::Git, Form::Named)] form: Form) {
    let keys = "any_of = [[{ role = \"leads\", approvals = 2 }], [{ role = \"dba\", approvals = 1 }]]";
    let repo = Central::new(form, &rule(keys));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.approve(CAROL, commit, MAIN);
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs", "(or, instead: "]);
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn nobody_can_approve_what_is_never_let_in(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, &rule("deny = true"));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    for person in [ALICE, BOB, CAROL] {
        repo.approve(person, commit, MAIN);
    }
    repo.refused(ALICE, to(MAIN, commit), &["`review` says never"]);
    repo.go(repo.start);
    let topic = "refs/heads/topic";
    let said = repo.accepted(ALICE, to(topic, repo.on(topic).commit(ALICE, &["src/lib.rs"])));
    assert!(!said.contains("never"), "{said}");
}

#[rstest]
fn an_approval_older_than_the_ttl_does_not_count(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, &rule(&format!("{ONE}\nttl = \"1h\"")));
    let commit = repo.commit(ALICE, &["src/lib.rs"]);
    repo.keep(BOB, Token { not_before: hours_from(now(), -2), ..repo.approval(commit, MAIN) });
    let words = ["not counted: bob, token", "older than the 1h that the rule allows"];
    repo.refused(ALICE, to(MAIN, commit), &words);
    repo.keep(BOB, Token { not_before: hours_from(now(), 0), ..repo.approval(commit, MAIN) });
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn who_wrote_or_pushed_it_does_not_count(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, &rule(ONE));
    let by_bob = repo.commit(BOB, &["a"]);
    repo.approve(BOB, by_bob, MAIN);
    repo.refused(ALICE, to(MAIN, by_bob), &["not counted: bob", "author or committer"]);
    repo.approve(ALICE, by_bob, MAIN);
    repo.refused(ALICE, to(MAIN, by_bob), &["not counted: alice", "the pusher's own approval"]);
    // The same approvals, pushed by somebody else.
    repo.accepted(CAROL, to(MAIN, by_bob));

    let co_authored = repo.commit_as(CAROL, &["b"], "b\n\nCo-authored-by: B <BOB@EXAMPLE.COM>");
    repo.approve(BOB, co_authored, MAIN);
    repo.refused(ALICE, to(MAIN, co_authored), &["not counted: bob", "author or committer"]);
}

/// In Git alone a commit has a committer beside its author.
#[test]
fn who_committed_it_does_not_count() {
    let repo = TestRepo::new(&rule(ONE));
    let committed = repo.commit(CAROL, &["b"]);
    repo.git_as(BOB, &["commit", "--quiet", "--amend", "--author", "carol <carol@example.com>", "-m", "b"]);
    let committed_by_bob = repo.rev("HEAD");
    assert_ne!(committed, committed_by_bob);
    repo.approve(BOB, committed_by_bob, MAIN);
    repo.refused(ALICE, &["HEAD:main"], &["not counted: bob", "author or committer"]);
}

#[rstest]
fn with_self_approval_everybody_counts(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, &rule(&format!("{ONE}\nself_approval = true")));
    let commit = repo.commit(ALICE, &["a"]);
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs 1 approval"]);
    repo.approve(ALICE, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn one_person_fills_two_places_only_where_people_need_not_be_distinct(#[values(Form::Git, Form::Named)] form: Form) {
    let both = rule("require = [{ role = \"leads\", approvals = 1 }, { role = \"dba\", approvals = 1 }]");
    let repo = Central::new(form, &both);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, commit, MAIN);
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs 1 approval from"]);
    let said = repo.apply(&in_force("allow", &people(), &format!("{both}distinct_people = false\n")));
    assert!(said.succeeded(), "{}", said.err);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn an_approval_of_an_older_value_counts_unless_it_must_be_up_to_date(#[values(Form::Git, Form::Named)] form: Form) {
    for (keys, refused) in [(format!("{ONE}\nup_to_date = true"), true), (ONE.to_owned(), false)] {
        let repo = Central::new(form, &rule(&keys));
        let one = repo.commit(ALICE, &["a"]);
        let two = repo.commit(ALICE, &["b"]);
        repo.approve(BOB, one, MAIN);
        repo.approve(CAROL, two, MAIN);
        repo.accepted(ALICE, to(MAIN, one));
        if refused {
            let words = ["not counted: carol", "wants approvals that are up to date"];
            repo.refused(ALICE, to(MAIN, two), &words);
            repo.approve(CAROL, two, MAIN);
        }
        repo.accepted(ALICE, to(MAIN, two));
    }
}

/// Where a commit is on one branch, it reaches another one by a merge; so it does here in both systems.
#[rstest]
fn authors_of_commits_that_were_promoted_count(#[values(Form::Git, Form::Named)] form: Form) {
    let release = "refs/heads/release";
    let rules = "[[rule]]\nname = \"release\"\nbranches = [\"release\"]\npromoted_from = [\"main\"]\n\
                 require = [{ role = \"maintainers\", approvals = 1 }]\n";
    let repo = Central::with_branches(form, rules, &[release]);
    let commit = repo.commit(BOB, &["a"]);
    repo.go(repo.values(release)[0]);
    repo.on(release).merge(commit);
    let merge = repo.commit(ALICE, &[]);
    repo.approve(BOB, merge, release);
    let words = ["not counted: bob", "author or committer"];
    repo.refused(ALICE, to(release, merge), &words);
    // Nor is it promoted by the push that brings it.
    repo.refused(ALICE, to(MAIN, commit).and(release, merge), &words);
    repo.accepted(ALICE, to(MAIN, commit));
    repo.accepted(ALICE, to(release, merge));
}

#[rstest]
fn a_reason_must_be_given_or_must_match(#[values(Form::Git, Form::Named, Form::Bookmarks)] form: Form) {
    for (keys, wrong, right) in
        [("reason = \"required\"", " ", "because"), ("reason = \"^OPS-[0-9]+$\"", "see OPS-12", "OPS-12")]
    {
        let repo = Central::new(form, &rule(&format!("{ONE}\n{keys}")));
        let commit = repo.commit(ALICE, &["a"]);
        repo.keep(BOB, Token { reason: wrong.to_owned(), ..repo.approval(commit, MAIN) });
        let words = ["not counted: bob", "its reason is not what the rule asks for"];
        repo.refused(ALICE, to(MAIN, commit), &words);
        repo.keep(BOB, Token { reason: right.to_owned(), ..repo.approval(commit, MAIN) });
        repo.accepted(ALICE, to(MAIN, commit));
    }
}
