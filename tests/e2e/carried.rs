//! How approvals reach the server with plain pushes, in the way that `jit sign` takes: on a branch or ref of their own.

use crate::central::{Central, Form, to};
use crate::support::{ALICE, BOB, CAROL, Guarded, MAIN, MALLORY, revocation, sign};
use jit::domain::approval::{Kind, Token};
use jit::domain::audit::{Event, OutcomeKind};
use rstest::rstest;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[rstest]
fn approvals_come_in_the_same_push_or_in_one_of_their_own(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let one = repo.commit(ALICE, &["a"]);
    repo.refused(ALICE, to(MAIN, one), &["`review` needs 1 approval"]);
    repo.accepted_with(ALICE, to(MAIN, one), &[sign(BOB, repo.approval(one, MAIN))]);

    let two = repo.commit(ALICE, &["b"]);
    // Anybody may bring them.
    repo.send(MALLORY, &[sign(BOB, repo.approval(two, MAIN))]);
    repo.accepted(ALICE, to(MAIN, two));
}

#[rstest]
fn rejections_and_revocations_travel_like_approvals(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let rejection = Token { kind: Kind::Reject, reason: "no".to_owned(), ..repo.approval(commit, MAIN) };
    let signed = sign(BOB, rejection.clone());
    repo.approve(CAROL, commit, MAIN);
    repo.send(BOB, std::slice::from_ref(&signed));
    repo.refused(ALICE, to(MAIN, commit), &["`review` was rejected by bob", "\"no\""]);
    repo.accepted_with(ALICE, to(MAIN, commit), &[sign(BOB, revocation(signed.id, &rejection))]);

    let next = repo.commit(ALICE, &["b"]);
    let approval = repo.approval(next, MAIN);
    let id = repo.keep(CAROL, approval.clone());
    let back = [sign(CAROL, revocation(id, &approval))];
    repo.refused_with(ALICE, to(MAIN, next), &back, &["not counted: carol", "revoked by its signer"]);
}

#[rstest]
fn tokens_are_kept_although_the_push_is_refused(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, &REVIEW.replace("approvals = 1", "approvals = 2"));
    let commit = repo.commit(ALICE, &["a"]);
    let tip = repo.commit(ALICE, &["b"]);
    for (kept, person) in [(1, BOB), (2, CAROL)] {
        let words = ["`review` needs 2 approvals", "1 new token"];
        repo.refused_with(ALICE, to(MAIN, tip), &[sign(person, repo.approval(commit, MAIN))], &words);
        assert_eq!(repo.kept(&commit), kept);
    }
    repo.accepted(ALICE, to(MAIN, commit));
}

#[rstest]
fn approvals_of_strangers_and_for_other_repositories_do_not_land(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let elsewhere = Token { repository: "server@0000".to_owned(), ..repo.approval(commit, MAIN) };
    for (token, why) in [
        (sign(MALLORY, repo.approval(commit, MAIN)), "signed with a key that the policy does not know"),
        (sign(BOB, elsewhere), "signed for repository server@0000"),
    ] {
        repo.refused_tokens(MALLORY, std::slice::from_ref(&token), &[why]);
        // Nor do they let in what came along.
        repo.refused_with(ALICE, to(MAIN, commit), &[token], &[why]);
        assert_eq!(repo.kept(&commit), 0, "{why}");
    }
}

#[rstest]
fn the_log_says_who_pushed_what_and_what_became_of_it(#[values(Form::Git, Form::Named)] form: Form) {
    let repo = Central::new(form, REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let token = repo.approve(BOB, commit, MAIN);
    repo.accepted(ALICE, to(MAIN, commit));
    let entries = repo.entries();
    let [.., decision, outcome] = &entries[..] else { panic!("two entries at least") };
    let Event::Decision(decision) = &decision.event else { panic!("a decision, not {decision:?}") };
    assert_eq!(decision.pusher.login.as_deref(), Some("alice"));
    assert!(decision.tokens.contains_key(&token), "the token's text stands in the entry");
    let Event::Outcome(outcome) = &outcome.event else { panic!("an outcome, not {outcome:?}") };
    assert_eq!((outcome.how, outcome.settled), (OutcomeKind::Applied, false));
    assert_eq!(outcome.applied[0].value, [commit]);
}
