//! The server's tokens as plain files: `<jit folder>/tokens/<first 2 hex>/<rest of the subject>/<name>`
//! (docs/spec/token.md, "Place").
//!
//! Plain files, because they outlive a refused push: Git throws the quarantine away, and with it every object.
//! Nothing is ever changed or removed here.

use super::ownership::make_folder;
use super::token_quota::DailyQuota;
use crate::domain::approval::{
    Kind, MAX_TEXT, Place, SignedToken, TokenId, beside, folder_of_changeset, folder_of_delegations, folder_of_token,
    place, without_line_end,
};
use crate::domain::change::ChangesetId;
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::time::Timestamp;
use crate::ports::approval_store::{Added, ApprovalStore, Found, SkipReason, Skipped, StoreError};
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How many tokens of one key may stand under one subject.
const PER_SUBJECT: u64 = 64;

/// The `tokens` folder of a repository.
#[derive(Debug, Clone)]
pub struct TokenStore {
    root: PathBuf,
}

impl TokenStore {
    /// Names the store in the folder `jit` of a repository; it is made when the first token comes.
    pub fn in_folder(jit: &Path) -> Self {
        Self { root: jit.join("tokens") }
    }

    /// Reads all tokens in one folder of the layout.
    fn read_folder(&self, folder: &str) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let path = self.root.join(folder);
        let mut names = match fs::read_dir(&path) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<io::Result<Vec<_>>>()
                .map_err(failed("read", &path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        names.sort();
        for name in names.iter().filter_map(|name| name.to_str()).filter(|name| Place::is_name(name)) {
            match self.read_token(&format!("{folder}/{name}")) {
                Ok(signed) => found.tokens.push(signed),
                Err(why) => found.skipped.push(Skipped { path: path.join(name), why }),
            }
        }
        Ok(found)
    }

    /// Reads one file of the layout.
    fn read_token(&self, relative: &str) -> Result<SignedToken, SkipReason> {
        let path = self.root.join(relative);
        let facts = fs::symlink_metadata(&path).map_err(SkipReason::Unreadable)?;
        if !facts.is_file() {
            return Err(SkipReason::NotAFile);
        }
        // A line end may follow.
        let most = MAX_TEXT as u64 + 2;
        if facts.len() > most {
            return Err(SkipReason::TooLong { length: facts.len() });
        }
        let mut bytes = Vec::new();
        File::open(&path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(SkipReason::Unreadable)?;
        // What is not UTF-8 is not base64 either, and refused below.
        let signed = SignedToken::parse(without_line_end(&String::from_utf8_lossy(&bytes)))?;
        let here = Place::parse(relative.as_bytes()).is_some_and(|place| place.suits(&signed));
        if here { Ok(signed) } else { Err(SkipReason::Misplaced) }
    }

    /// Writes a new token durably; tells whether the place was still free.
    ///
    /// In this order: temporary file in the same file system, write, fsync; rename without replacing; fsync of the
    /// folder, and of those above it, whose entries may be new. A crash before the rename leaves a `.new-…` file
    /// that nobody reads; one after it leaves the whole token or nothing.
    fn write(&self, relative: &str, signed: &SignedToken) -> Result<bool, StoreError> {
        let path = self.root.join(relative);
        let folder = parent_of(&path);
        make_folder(folder).map_err(failed("create", folder))?;
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(&self.root)
            .map_err(failed("create", &self.root))?;
        let text = format!("{}\n", signed.text);
        file.write_all(text.as_bytes()).map_err(failed("write", &path))?;
        file.as_file().sync_all().map_err(failed("sync", &path))?;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(lost) => return Err(failed("write", &path)(lost.error)),
        }
        self.sync_above(&path)?;
        Ok(true)
    }

    /// Syncs the folders from that of `path` up to the root.
    fn sync_above(&self, path: &Path) -> Result<(), StoreError> {
        path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root)).try_for_each(sync)
    }

    /// Refuses a token with which its signer would have too many under one subject.
    fn check_subject(&self, signed: &SignedToken) -> Result<(), StoreError> {
        let own = place(signed);
        let folder = own.rsplit_once('/').map_or(own.as_str(), |(folder, _)| folder);
        let siblings = self.read_folder(folder)?.tokens;
        let mine = siblings.iter().filter(|other| other.key == signed.key).count() as u64;
        if mine >= PER_SUBJECT {
            return Err(StoreError::SubjectQuota { key: signed.key.to_string(), limit: PER_SUBJECT });
        }
        Ok(())
    }
}

impl ApprovalStore for TokenStore {
    fn of_subject(&self, subject: &ChangesetId) -> Result<Found, StoreError> {
        let mut found = self.read_folder(&folder_of_changeset(subject))?;
        // The folder is named by the digits alone: a Git and a Mercurial id could share them.
        found.tokens.retain(|signed| signed.token.subject == Some(*subject));
        Ok(found)
    }

    fn revocations_of(&self, token: &TokenId) -> Result<Found, StoreError> {
        let mut found = self.read_folder(&folder_of_token(token))?;
        found.tokens.retain(|signed| signed.token.kind == Kind::Revoke(*token));
        Ok(found)
    }

    fn delegations(&self, role: &RoleName, to: &PrincipalId) -> Result<Found, StoreError> {
        let mut found = self.read_folder(&folder_of_delegations(role, to))?;
        let wanted = Kind::Delegate { role: role.clone(), to: to.clone() };
        found.tokens.retain(|signed| signed.token.kind == wanted);
        Ok(found)
    }

    fn add(&self, signed: &SignedToken, now: Timestamp) -> Result<Added, StoreError> {
        let mut quota = DailyQuota::hold(&self.root, &signed.key, now)?;
        let places = [place(signed), beside(signed)];
        for relative in &places {
            let known = self.read_token(relative).is_ok_and(|there| there.key == signed.key && there.id == signed.id);
            if known {
                // Whoever wrote it may have crashed between the rename and the sync.
                self.sync_above(&self.root.join(relative))?;
                return Ok(Added::Known);
            }
        }
        quota.check()?;
        self.check_subject(signed)?;
        for relative in &places {
            if self.write(relative, signed)? {
                // After the token: a crash in between forgets to count one, which harms nobody.
                quota.count(&signed.id)?;
                return Ok(Added::New);
            }
        }
        Err(StoreError::Taken { id: signed.id })
    }
}

/// Makes the entries of a folder durable.
pub(super) fn sync(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

/// Returns the folder that holds `path`.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Names what was tried on `path`, for an error of the system.
pub(super) fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |cause| StoreError::Io { action, path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::disk::token_quota::LINE;
    use crate::domain::approval::{PublicKey, RoleChoice, Token, signed_bytes};
    use crate::domain::change::{Action, IdKind, Target};
    use data_encoding::HEXLOWER;
    use ed25519_dalek::{Signer as _, SigningKey};
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
        let quota =
            File::options().write(true).open(jit.path().join("tokens/.quota").join(name)).expect("a quota file");
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
}
