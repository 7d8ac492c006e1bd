//! The tokens of a clone: what waits, what was fetched, and what is not a token.

use super::client_tests::{Pair, origin};
use super::{ClientApprovals, WAITING_REF};
use crate::domain::approval::{Kind, PublicKey, RoleChoice, SignedToken, Token, place, places, signed_bytes};
use crate::domain::change::{Action, ChangesetId, IdKind, Target};
use crate::domain::time::{Span, Timestamp};
use crate::ports::approval_store::{Added, ApprovalStore};
use ed25519_dalek::{Signer as _, SigningKey};

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").expect("a time")
}

fn subject(number: u8) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[number; 20]).expect("an id")
}

fn message(number: u8, nonce: u8) -> Token {
    Token {
        kind: Kind::Approve,
        repository: "payments@5f0c".to_owned(),
        subject: Some(subject(number)),
        target: Some(Target::git_ref(b"refs/heads/main").expect("a refname")),
        action: Some(Action::Update),
        base: vec![subject(99)],
        content: None,
        role: RoleChoice::Any,
        not_before: now(),
        not_after: Some(now().plus(Span::days(1))),
        nonce: [nonce; 16],
        reason: String::new(),
    }
}

fn sign(token: &Token, seed: u8) -> SignedToken {
    let secret = SigningKey::from_bytes(&[seed; 32]);
    let key = PublicKey::new(secret.verifying_key().to_bytes()).expect("an honest key");
    let signature = secret.sign(&signed_bytes(token.message().expect("a message").as_bytes())).to_bytes();
    SignedToken::from_parts(token.clone(), key, signature).expect("signed")
}

#[test]
fn a_token_waits_until_it_was_sent() {
    let pair = Pair::new();
    let checkout = pair.checkout();
    let remote = origin(&checkout);
    let approvals = ClientApprovals::new(&checkout, &remote);
    let (one, two) = (sign(&message(1, 1), b'a'), sign(&message(1, 2), b'a'));

    assert_eq!(approvals.add(&one, now()).expect("kept"), Added::New);
    assert_eq!(approvals.add(&one, now()).expect("kept"), Added::Known);
    assert_eq!(approvals.add(&two, now()).expect("kept"), Added::New);
    assert_eq!(approvals.waiting("other@5f0c").expect("read"), []);
    let waiting = approvals.waiting("payments@5f0c").expect("read");
    assert_eq!(waiting.len(), 2);
    assert_eq!(approvals.of_subject(&subject(1)).expect("read").tokens.len(), 2);
    assert_eq!(approvals.of_subject(&subject(2)).expect("read").tokens, []);

    let commit = approvals.addition(None, &waiting, now()).expect("written").expect("new");
    checkout.repository().keep(&remote.kept("approvals"), Some(&commit)).expect("kept");
    assert_eq!(approvals.addition(Some(commit), &waiting, now()).expect("written"), None);
    approvals.forget_waiting(std::slice::from_ref(&one), now()).expect("forgotten");
    assert_eq!(approvals.waiting("payments@5f0c").expect("read"), std::slice::from_ref(&two));
    approvals.forget_waiting(&[two], now()).expect("forgotten");
    assert_eq!(checkout.repository().kept(WAITING_REF).expect("read"), None);
    assert_eq!(approvals.of_subject(&subject(1)).expect("read").tokens.len(), 2);
    assert!(approvals.all().expect("read").iter().all(|known| !known.waiting));
}

#[test]
fn an_addition_stands_on_what_was_there_and_takes_nothing_away() {
    let pair = Pair::new();
    let checkout = pair.checkout();
    let approvals = ClientApprovals::new(&checkout, &origin(&checkout));
    let write = |before, tokens: &[SignedToken]| approvals.addition(before, tokens, now()).expect("written");
    let first = write(None, &[sign(&message(1, 1), b'a')]).expect("new");
    // The same message by another key: its name is taken.
    let (token, copy) = (sign(&message(2, 1), b'm'), sign(&message(2, 1), b'a'));
    let second = write(Some(first), std::slice::from_ref(&token)).expect("new");
    let third = write(Some(second), std::slice::from_ref(&copy)).expect("new");

    let added = checkout.repository().added_approvals(Some(&first), &third).expect("only additions");

    let mut paths: Vec<String> = added.iter().map(|file| file.path.to_string()).collect();
    let beside = places(&copy).next().map(|[_, beside]| beside);
    let mut expected = [place(&token), beside.expect("a place")];
    paths.sort();
    expected.sort();
    assert_eq!(paths, expected);
}

#[test]
fn what_is_not_a_token_at_its_place_is_passed_over() {
    let pair = Pair::new();
    let checkout = pair.checkout();
    let remote = origin(&checkout);
    let (good, other) = (sign(&message(1, 1), b'a'), sign(&message(2, 1), b'a'));
    let long = "x".repeat(100_000);
    let misplaced = place(&good).replace(&good.id.to_string(), &other.id.to_string());
    let nonsense = place(&good).replace(&good.id.to_string(), &"0".repeat(64));
    let too_long = place(&good).replace(&good.id.to_string(), &"1".repeat(64));
    let deep = format!("{}/deeper/still", place(&other));
    let files = [
        (place(&good), good.text.as_str()),
        (misplaced, other.text.as_str()),
        (nonsense, "jit1.nonsense"),
        (too_long, long.as_str()),
        ("README".to_owned(), "hello"),
        (deep, "x"),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let commit = pair.server.commit(&pair.server.tree(&files), &[], "hostile");
    pair.server.set_ref("refs/jit/approvals", &commit);
    let name = Target::git_ref(b"refs/jit/approvals").expect("a refname");
    remote.fetch(&checkout, &[(&name, Some(remote.kept("approvals")))]).expect("fetched");
    let approvals = ClientApprovals::new(&checkout, &remote);

    let found = approvals.of_subject(&subject(1)).expect("read");

    assert_eq!(found.tokens, std::slice::from_ref(&good));
    let all: Vec<SignedToken> = approvals.all().expect("read").into_iter().map(|known| known.signed).collect();
    assert_eq!(all, [good]);
}

#[test]
fn tokens_that_are_added_at_the_same_time_are_all_kept() {
    let pair = Pair::new();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let pair = &pair;
            scope.spawn(move || {
                let checkout = pair.checkout();
                let approvals = ClientApprovals::new(&checkout, &origin(&checkout));
                for nonce in 0..5 {
                    approvals.add(&sign(&message(worker + 1, nonce), b'a'), now()).expect("kept");
                }
            });
        }
    });
    let checkout = pair.checkout();
    let approvals = ClientApprovals::new(&checkout, &origin(&checkout));
    assert_eq!(approvals.waiting("payments@5f0c").expect("read").len(), 20);
}
