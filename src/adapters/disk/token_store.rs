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
use crate::domain::policy::LEEWAY;
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

    /// Tells whether this takes back a token of the same key that nothing by this key takes back yet. Such a one always finds room: whoever
    /// got hold of a key cannot fill its places and so keep what they sign in force. There are no more of these than the quota let in.
    fn is_first_revocation(
        &self,
        signed: &SignedToken,
        quota: &DailyQuota,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Kind::Revoke(revoked) = signed.token.kind else { return Ok(false) };
        let holds = |token: &SignedToken| token.token.not_before <= now.plus(LEEWAY);
        if !holds(signed) || !quota.has_counted(&revoked)? {
            return Ok(false);
        }
        let others = self.revocations_of(&revoked)?.tokens;
        Ok(!others.iter().any(|other| other.key == signed.key && holds(other)))
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
        let room = quota.check().and_then(|()| self.check_subject(signed));
        let is_counted = room.is_ok();
        if let Err(full) = room
            && !self.is_first_revocation(signed, &quota, now)?
        {
            return Err(full);
        }
        for relative in &places {
            if self.write(relative, signed)? {
                // After the token: a crash in between forgets to count one, which harms nobody.
                if is_counted {
                    quota.count(&signed.id)?;
                }
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
