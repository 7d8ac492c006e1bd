//! The store of tokens in a real folder.

use super::TokenStore;
use super::token_quota::LINE;
use crate::domain::approval::{
    Kind, PublicKey, RoleChoice, SignedToken, Token, TokenId, folder_of_changeset, signed_bytes,
};
use crate::domain::change::{Action, ChangesetId, IdKind, Target};
use crate::domain::time::Timestamp;
use crate::ports::approval_store::{Added, ApprovalStore as _, SkipReason, StoreError};
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signer as _, SigningKey};
use std::fs::{self, File};
use tempfile::TempDir;

const ALICE: u8 = b'a';
const MALLORY: u8 = b'm';

fn noon() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").expect("a time")
}

fn commit(byte: u8) -> ChangesetId {
    ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).expect("a full id")
}

fn sign(seed: u8, token: Token) -> SignedToken {
    let secret = SigningKey::from_bytes(&[seed; 32]);
    let key = PublicKey::new(secret.verifying_key().to_bytes()).expect("an honest key");
    let message = token.message().expect("a message");
    let signature = secret.sign(&signed_bytes(message.as_bytes())).to_bytes();
    SignedToken::from_parts(token, key, signature).expect("a token")
}

fn approval(subject: u8, nonce: u8) -> Token {
    Token {
        kind: Kind::Approve,
        repository: "payments@5f0c".to_owned(),
        subject: Some(commit(subject)),
        target: Target::parse("refs/heads/main").ok(),
        action: Some(Action::Update),
        base: vec![commit(0xee)],
        content: None,
        role: RoleChoice::Any,
        not_before: noon(),
        not_after: Timestamp::from_unix(noon().unix() + 3_600),
        nonce: [nonce; 16],
        reason: String::new(),
    }
}

fn revocation(id: TokenId) -> Token {
    let bare = Token { subject: None, target: None, action: None, base: vec![], not_after: None, ..approval(1, 1) };
    Token { kind: Kind::Revoke(id), ..bare }
}

fn store() -> (TempDir, TokenStore) {
    let jit = TempDir::new().expect("a folder");
    let store = TokenStore::in_folder(jit.path());
    (jit, store)
}

#[test]
fn a_token_is_found_by_its_subject_alone() {
    let (jit, store) = store();
    assert!(store.of_subject(&commit(1)).expect("an empty store answers").tokens.is_empty());
    let token = sign(ALICE, approval(1, 1));
    let revocation = sign(ALICE, revocation(token.id));

    assert_eq!(store.add(&token, noon()).expect("added"), Added::New);
    assert_eq!(store.add(&revocation, noon()).expect("added"), Added::New);

    assert_eq!(store.of_subject(&commit(1)).expect("read").tokens, std::slice::from_ref(&token));
    assert!(store.of_subject(&commit(2)).expect("read").tokens.is_empty());
    assert_eq!(store.revocations_of(&token.id).expect("read").tokens, [revocation]);
    let same_digits = ChangesetId::from_bytes(IdKind::HgSha1, &[1; 20]).expect("a full id");
    assert!(store.of_subject(&same_digits).expect("read").tokens.is_empty());
    let path = jit.path().join("tokens").join("01").join("01".repeat(19)).join(token.id.to_string());
    assert_eq!(fs::read_to_string(path).expect("a plain file"), format!("{}\n", token.text));
}

#[test]
fn adding_twice_keeps_and_counts_one() {
    let (jit, store) = store();
    let token = sign(ALICE, approval(1, 1));
    assert_eq!(store.add(&token, noon()).expect("added"), Added::New);
    assert_eq!(store.add(&token, noon()).expect("added"), Added::Known);
    assert_eq!(store.of_subject(&commit(1)).expect("read").tokens.len(), 1);
    let name = format!("{}-2026-11-21", HEXLOWER.encode(token.key.as_bytes()));
    let quota = jit.path().join("tokens/.quota").join(name);
    assert_eq!(fs::metadata(quota).expect("a quota file").len(), LINE);
}

#[test]
fn a_copied_message_does_not_keep_its_authors_token_out() {
    let (_jit, store) = store();
    let alices = sign(ALICE, approval(1, 1));
    let copy = sign(MALLORY, approval(1, 1));
    assert_eq!(alices.id, copy.id);

    assert_eq!(store.add(&copy, noon()).expect("added"), Added::New);
    assert_eq!(store.add(&alices, noon()).expect("added"), Added::New);
    assert_eq!(store.add(&alices, noon()).expect("added"), Added::Known);

    let tokens = store.of_subject(&commit(1)).expect("read").tokens;
    assert_eq!(tokens.len(), 2);
    assert!(tokens.contains(&alices) && tokens.contains(&copy));
}

#[test]
fn what_is_no_token_of_its_folder_is_reported_and_skipped() {
    let (jit, store) = store();
    let good = sign(ALICE, approval(1, 1));
    store.add(&good, noon()).expect("added");
    let folder = jit.path().join("tokens").join(folder_of_changeset(&commit(1)));
    let name = |digit: &str| digit.repeat(64);
    let elsewhere = sign(ALICE, approval(2, 2));
    let mut forged = good.text.clone();
    let last = forged.pop().expect("not empty");
    forged.push(if last == 'A' { 'Q' } else { 'A' });
    fs::write(folder.join(name("1")), &forged).expect("written");
    fs::write(folder.join(name("2")), vec![b'x'; 1_000_000]).expect("written");
    fs::write(folder.join(name("3")), [0xff, 0xfe]).expect("written");
    fs::write(folder.join(name("4")), &good.text).expect("written");
    fs::write(folder.join(name("5")), &elsewhere.text).expect("written");
    fs::create_dir(folder.join(name("6"))).expect("made");
    std::os::unix::fs::symlink(folder.join(good.id.to_string()), folder.join(name("7"))).expect("linked");
    fs::write(folder.join("README"), "not looked at").expect("written");
    fs::write(folder.join(name("A")), "not looked at").expect("written");

    let found = store.of_subject(&commit(1)).expect("read");

    assert_eq!(found.tokens, [good]);
    assert_eq!(found.skipped.len(), 7);
    for skipped in &found.skipped {
        let first = skipped.path.file_name().and_then(|name| name.to_str()).and_then(|name| name.chars().next());
        let expected = match &skipped.why {
            SkipReason::Refused(_) => ['1', '3'].as_slice(),
            SkipReason::TooLong { length: 1_000_000 } => &['2'],
            SkipReason::Misplaced => &['4', '5'],
            SkipReason::NotAFile => &['6', '7'],
            other => panic!("{other}"),
        };
        assert!(expected.contains(&first.expect("a name")), "{skipped:?}");
    }
}

#[test]
fn one_key_may_have_64_tokens_for_a_subject() {
    let (_jit, store) = store();
    for nonce in 0..64 {
        store.add(&sign(MALLORY, approval(1, nonce)), noon()).expect("within the quota");
    }
    let refused = store.add(&sign(MALLORY, approval(1, 64)), noon());
    assert!(matches!(refused, Err(StoreError::SubjectQuota { limit: 64, .. })), "{refused:?}");
    assert_eq!(store.of_subject(&commit(1)).expect("read").tokens.len(), 64);

    store.add(&sign(MALLORY, approval(1, 63)), noon()).expect("what is there already needs no room");
    store.add(&sign(MALLORY, approval(2, 1)), noon()).expect("another subject");
    store.add(&sign(ALICE, approval(1, 64)), noon()).expect("another key");
}

#[test]
fn one_key_may_add_10_000_tokens_a_day() {
    let (jit, store) = store();
    let first = sign(MALLORY, approval(1, 1));
    store.add(&first, noon()).expect("added");
    let name = format!("{}-2026-11-21", HEXLOWER.encode(first.key.as_bytes()));
    let quota = File::options().write(true).open(jit.path().join("tokens/.quota").join(name)).expect("a quota file");
    quota.set_len(9_999 * LINE).expect("grown");
    let last = sign(MALLORY, approval(2, 1));
    store.add(&last, noon()).expect("the last one");

    let refused = store.add(&sign(MALLORY, approval(3, 1)), noon());

    assert!(matches!(refused, Err(StoreError::DailyQuota { limit: 10_000, .. })), "{refused:?}");
    assert!(store.of_subject(&commit(3)).expect("read").tokens.is_empty());
    assert_eq!(store.add(&last, noon()).expect("known"), Added::Known);
    store.add(&sign(ALICE, approval(3, 1)), noon()).expect("another key");
    let tomorrow = Timestamp::from_unix(noon().unix() + 86_400).expect("a time");
    store.add(&sign(MALLORY, approval(3, 1)), tomorrow).expect("another day");
}

#[test]
fn a_full_quota_keeps_nobody_from_taking_a_token_back() {
    let (jit, store) = store();
    let approved = sign(ALICE, approval(1, 1));
    store.add(&approved, noon()).expect("added");
    let later = Timestamp::from_unix(noon().unix() + 86_400).expect("a time");
    let revoke =
        |id, moment: Timestamp, nonce| sign(ALICE, Token { not_before: moment, nonce: [nonce; 16], ..revocation(id) });
    // Whoever stole the key fills every place, with revocations too that hold only some day.
    for nonce in 0..64 {
        store
            .add(&revoke(approved.id, Timestamp::from_unix(later.unix() + 86_400).expect("a time"), nonce), noon())
            .expect("within the quota");
    }
    let name = format!("{}-2026-11-22", HEXLOWER.encode(approved.key.as_bytes()));
    let quota = File::create(jit.path().join("tokens/.quota").join(name)).expect("a quota file");
    quota.set_len(10_000 * LINE).expect("grown");
    let full = |signed: &SignedToken| {
        matches!(store.add(signed, later), Err(StoreError::DailyQuota { .. } | StoreError::SubjectQuota { .. }))
    };
    assert!(full(&sign(ALICE, approval(2, 1))));
    assert!(full(&revoke(approved.id, Timestamp::from_unix(later.unix() + 301).expect("a time"), 65)));
    assert!(full(&revoke(sign(MALLORY, approval(1, 2)).id, later, 66)), "of a token that alice did not add");

    let revoked = revoke(approved.id, later, 67);
    assert_eq!(store.add(&revoked, later).expect("always room"), Added::New);
    assert_eq!(store.add(&revoked, later).expect("known"), Added::Known);
    assert!(full(&revoke(approved.id, later, 68)), "once is enough");
    assert!(store.revocations_of(&approved.id).expect("read").tokens.contains(&revoked));
}

#[test]
fn additions_at_the_same_time_all_arrive() {
    let (_jit, store) = store();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for nonce in 0..20 {
                    // Every token is added by two workers, half of them under one key and half under another.
                    let seed = if worker < 2 { ALICE } else { MALLORY };
                    store.add(&sign(seed, approval(1, nonce)), noon()).expect("added");
                }
            });
        }
    });
    let found = store.of_subject(&commit(1)).expect("read");
    assert_eq!((found.tokens.len(), found.skipped.len()), (40, 0));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let jit = TempDir::new().expect("a folder");
    fs::write(jit.path().join("tokens"), "a file in the way").expect("written");
    let store = TokenStore::in_folder(jit.path());
    assert!(matches!(store.add(&sign(ALICE, approval(1, 1)), noon()), Err(StoreError::Io { .. })));
    assert!(matches!(store.of_subject(&commit(1)), Err(StoreError::Io { .. })));
}
