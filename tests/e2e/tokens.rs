//! Which approvals count, which do not and why; rejections and revocations.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, MALLORY, hours_from, now, revocation};
use jit::domain::approval::{Kind, RoleChoice, Token};
use jit::domain::change::{Action, ChangesetId};
use jit::domain::name::RoleName;
use jit::domain::time::Span;
use rstest::rstest;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

type Change = fn(&Central, &mut Token);

#[rstest]
fn a_token_counts_for_exactly_what_it_says(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let cases: [(&str, Change); 10] = [
        ("signed for repository server@0000", |_, token| token.repository = "server@0000".to_owned()),
        ("signed for refs/heads/other", |repo, token| token.target = Some(repo.target("refs/heads/other"))),
        ("signed for refs/tags/main", |repo, token| token.target = Some(repo.target("refs/tags/main"))),
        ("signed for rewrite, this is update", |_, token| token.action = Some(Action::Rewrite)),
        ("its base is not in the history of the target", |_, token| {
            let kind = token.base[0].kind();
            token.base = vec![ChangesetId::from_bytes(kind, &[9; 20]).expect("an id")];
        }),
        ("expired at", |_, token| {
            token.not_before = hours_from(now(), -3);
            token.not_after = Some(hours_from(now(), -1));
        }),
        ("older than the", |_, token| {
            token.not_before = hours_from(now(), -24 * 8);
            token.not_after = Some(hours_from(now(), 1));
        }),
        ("not valid before", |_, token| token.not_before = hours_from(now(), 1)),
        ("meant for role `dba`", |_, token| token.role = RoleChoice::Only(RoleName::new("dba").expect("a name"))),
        ("covers none of the changesets that need it", |_, token| token.base = token.subject.into_iter().collect()),
    ];
    for (why, change) in cases {
        repo.go(repo.start);
        let commit = repo.commit(ALICE, &["a"]);
        let mut token = repo.approval(commit, MAIN);
        change(&repo, &mut token);
        repo.keep(BOB, token);
        repo.refused(ALICE, to(MAIN, commit), &["`review` needs 1 approval", "not counted: bob", why]);
    }
    repo.go(repo.start);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(CAROL, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn a_clock_that_runs_a_little_ahead_is_forgiven(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.keep(BOB, Token { not_before: now().plus(Span::seconds(240)), ..repo.approval(commit, MAIN) });
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn a_token_may_name_the_role_that_it_is_meant_for(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(
        form,
        "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
         require = [{ role = \"leads\", approvals = 1 }, { role = \"dba\", approvals = 1 }]\n",
    );
    let commit = repo.commit(ALICE, &["a"]);
    let only = |role: &str| RoleChoice::Only(RoleName::new(role).expect("a name"));
    repo.keep(BOB, Token { role: only("leads"), ..repo.approval(commit, MAIN) });
    // carol is no dba, whatever she writes.
    repo.keep(CAROL, Token { role: only("dba"), ..repo.approval(commit, MAIN) });
    repo.refused(
        ALICE,
        to(MAIN, commit),
        &["`review` needs 1 approval from `dba`; has 0", "not counted: carol", "meant for role `dba`"],
    );
    repo.keep(CAROL, Token { role: only("leads"), ..repo.approval(commit, MAIN) });
    repo.keep(BOB, Token { role: only("dba"), ..repo.approval(commit, MAIN) });
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn a_token_is_not_used_up_by_a_refusal_nor_by_another_target(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let one = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, one, MAIN);
    let two = repo.commit(ALICE, &["b"]);
    repo.refused(ALICE, to(MAIN, two), &["`review` needs 1 approval"]);
    repo.approve(CAROL, two, MAIN);
    repo.accepted(ALICE, to(MAIN, one));
    repo.accepted(ALICE, to(MAIN, two));
}

#[rstest]
fn a_rejection_stops_the_push_until_it_is_revoked(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.approve(CAROL, commit, MAIN);
    let rejection =
        Token { kind: Kind::Reject, reason: "not before the audit".to_owned(), ..repo.approval(commit, MAIN) };
    let id = repo.keep(BOB, rejection.clone());
    let words = ["`review` was rejected by bob", "not before the audit", "talk to bob"];
    repo.refused(ALICE, to(MAIN, commit), &words);
    // Nobody else takes it back, and no further approval outweighs it.
    repo.keep(CAROL, revocation(id, &rejection));
    repo.keep(MALLORY, revocation(id, &rejection));
    repo.approve(CAROL, commit, MAIN);
    repo.refused(ALICE, to(MAIN, commit), &words);
    repo.keep(BOB, revocation(id, &rejection));
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn a_rejected_commit_stays_rejected_below_others_and_whatever_the_action(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.keep(BOB, Token { kind: Kind::Reject, action: Some(Action::Rewrite), ..repo.approval(commit, MAIN) });
    let tip = repo.commit(ALICE, &["b"]);
    repo.approve(CAROL, tip, MAIN);
    repo.refused(ALICE, to(MAIN, tip), &["`review` was rejected by bob", &commit.hex()]);
    // For another target it means nothing.
    let topic = "refs/heads/topic";
    repo.go(repo.start);
    let aside = repo.on(topic).commit(ALICE, &["a"]);
    repo.keep(BOB, Token { kind: Kind::Reject, ..repo.approval(aside, MAIN) });
    repo.accepted(ALICE, to(topic, aside));
}

#[rstest]
fn who_may_not_approve_may_not_reject(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(
        form,
        "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"dba\", approvals = 1 }]\n",
    );
    let commit = repo.commit(ALICE, &["a"]);
    for person in [CAROL, MALLORY] {
        repo.keep(person, Token { kind: Kind::Reject, ..repo.approval(commit, MAIN) });
    }
    repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn ones_own_older_approval_does_not_come_back_with_the_revocation_of_ones_rejection(
    #[values(Form::Git, Form::Named)] form: Form,
) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let at = |minutes: u64| now().minus(Span::seconds(3_600 - minutes * 60));
    let approval = Token { not_before: at(1), ..repo.approval(commit, MAIN) };
    repo.keep(BOB, approval.clone());
    // On equal times the rejection wins.
    let rejection = Token { kind: Kind::Reject, ..approval.clone() };
    let id = repo.keep(BOB, rejection.clone());
    repo.keep(BOB, revocation(id, &rejection));
    repo.refused(ALICE, to(MAIN, commit), &["`review` needs 1 approval", "its signer rejected the change afterwards"]);
    repo.keep(BOB, Token { not_before: at(2), nonce: [2; 16], ..approval });
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn an_approval_can_be_revoked_by_its_signer_alone(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let approval = repo.approval(commit, MAIN);
    let id = repo.keep(BOB, approval.clone());
    repo.keep(BOB, revocation(id, &approval));
    repo.refused(ALICE, to(MAIN, commit), &["not counted: bob", "revoked by its signer"]);

    let another = repo.approval(commit, MAIN);
    let id = repo.keep(CAROL, another.clone());
    for person in [ALICE, BOB, MALLORY] {
        repo.keep(person, revocation(id, &another));
    }
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn a_rejection_ends_when_it_says_so(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    repo.keep(
        BOB,
        Token {
            kind: Kind::Reject,
            not_before: hours_from(now(), -3),
            not_after: Some(hours_from(now(), -1)),
            ..repo.approval(commit, MAIN)
        },
    );
    repo.approve(CAROL, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn a_token_in_the_store_that_cannot_be_read_denies(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let id = repo.approve(BOB, commit, MAIN);
    let hex = commit.hex();
    let file = repo.jit_path("tokens").join(&hex[..2]).join(&hex[2..]).join(id.to_string());
    std::fs::write(&file, "jit1.e30.e30\n").expect("written");
    // It could have been a rejection.
    repo.refused(ALICE, to(MAIN, commit), &["the push could not be judged", "cannot read the approval"]);
}
