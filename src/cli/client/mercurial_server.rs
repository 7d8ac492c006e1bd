//! What a Mercurial server has published, and what a clone remembers of it and adds to it.

use super::parse_published;
use crate::adapters::disk::WaitingTokens;
use crate::adapters::disk::folder::{Folder, replace};
use crate::adapters::disk::published::Published;
use crate::adapters::mercurial::{ApprovalsHead, PolicyDescription};
use crate::cli::client_errors::{another_repository, not_jit};
use crate::cli::local_clone::{ServerFiles, System};
use crate::cli::{Exit, Failure, IntoFailure as _, safe};
use crate::domain::approval::{Kind, SignedToken, TokenId};
use crate::domain::change::{ChangesetId, ContentId};
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::policy::PolicyFile;
use crate::domain::time::Timestamp;
use crate::ports::approval_store::{Added, ApprovalStore, Found, KnownToken, StoreError};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What stands on a server's branch of approvals.
pub struct Approvals {
    /// What the server says of itself.
    pub files: ServerFiles,
    /// The tokens. What is no token with a valid signature is passed over, as the server would.
    pub tokens: Vec<SignedToken>,
}

impl Approvals {
    /// Reads the heads of the branch. Everything but tokens was put there by the server, which keeps its newest policy as one head.
    ///
    /// # Errors
    /// [`Failure`] for a server without jit, or one whose policy cannot be read.
    pub fn read(heads: Vec<ApprovalsHead>, remote: &str) -> Result<Self, Failure> {
        let (mut policies, mut tokens) = (Vec::new(), Vec::new());
        for head in heads {
            match head {
                ApprovalsHead::Token(text) => tokens.extend(SignedToken::parse(&text)),
                ApprovalsHead::Other { description, .. } if PolicyDescription::is_meant(&description) => {
                    policies.push(description);
                }
                ApprovalsHead::Other { .. } => {}
            }
        }
        match &policies[..] {
            [] => Err(not_jit(System::Mercurial, remote)),
            [policy] => Ok(Self { files: server_files(policy)?, tokens }),
            _ => Err(Failure::undecided("the server publishes several policies, and nothing says which is in force")
                .hint("an administrator of the server runs `jit doctor` in its repository")),
        }
    }
}

fn server_files(policy: &[u8]) -> Result<ServerFiles, Failure> {
    let PolicyDescription(files) = PolicyDescription::read(policy)
        .map_err(|error| Failure::from_error(Exit::Undecided, &error).context("the server's policy cannot be read"))?;
    let Some(text) = files.get(Published::FILE) else {
        return Err(Failure::undecided(format!("what the server publishes has no {}", Published::FILE)));
    };
    let published = parse_published(text)?;
    let file = |(path, text): (&String, &Vec<u8>)| {
        let name = path.strip_prefix(Published::POLICIES)?.strip_prefix('/')?;
        let plain = name.ends_with(".toml") && !name.contains('/');
        plain.then(|| PolicyFile { name: name.to_owned(), text: text.clone() })
    };
    Ok(ServerFiles { published, policies: files.iter().filter_map(file).collect(), checkpoint: None })
}

/// Compares what a server says of itself with what this clone saw before, and remembers what is new. A server that says that it is
/// another is not believed: what it said before stays.
///
/// # Errors
/// [`Failure`] for another repository, or a file that cannot be read or written.
pub fn remember(dot_hg: &Path, remote: &str, shown: &Published) -> Result<(), Failure> {
    let path = memory(dot_hg, remote);
    match fs::read(&path) {
        Ok(text) => {
            let at = safe(path.as_os_str().as_encoded_bytes());
            let known = parse_published(&text).map_err(|failure| failure.context(format!("{at} is damaged")))?;
            if known.is_same(shown) {
                Ok(())
            } else {
                Err(another_repository(remote, &known, shown, &format!("rm '{at}'")))
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(dot_hg);
            let written = fs::create_dir_all(folder).and_then(|()| replace(&path, shown.to_toml().as_bytes(), 0o644));
            written.or_fail().map_err(|failure| failure.context("cannot remember the server in this clone"))
        }
        Err(error) => Err(Failure::from_error(Exit::Undecided, &error)),
    }
}

/// Where a clone remembers a server: by its name if that can be a file's, else by a digest.
fn memory(dot_hg: &Path, remote: &str) -> PathBuf {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let folder = if !remote.is_empty() && remote.len() <= 64 && remote.bytes().all(plain) {
        remote.to_owned()
    } else {
        format!("url.{}", &HEXLOWER.encode(&Sha256::digest(remote))[..12])
    };
    Folder::of(dot_hg).root().join("remotes").join(folder).join(Published::FILE)
}

/// The tokens that a clone knows.
pub struct Tokens {
    known: RefCell<Vec<KnownToken>>,
    waiting: WaitingTokens,
}

impl Tokens {
    /// Takes what the server has published, and reads what waits in the clone.
    ///
    /// # Errors
    /// [`Failure`] if that cannot be read.
    pub fn of(dot_hg: &Path, published: Vec<SignedToken>) -> Result<Self, Failure> {
        let waiting = WaitingTokens::in_folder(Folder::of(dot_hg).root());
        let (mut known, mut seen) = (Vec::new(), BTreeSet::new());
        let here = waiting.all().or_fail()?;
        let both = published.into_iter().map(|one| (one, false)).chain(here.into_iter().map(|one| (one, true)));
        for (signed, waiting) in both {
            if seen.insert((signed.id, signed.key)) {
                known.push(KnownToken { signed, waiting });
            }
        }
        known.sort_by_key(|one| one.signed.id);
        Ok(Self { known: RefCell::new(known), waiting })
    }

    /// Returns all, by id.
    pub fn all(&self) -> Vec<KnownToken> {
        self.known.borrow().clone()
    }

    /// Returns those for `repository` that wait to be sent.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be read.
    pub fn waiting(&self, repository: &str) -> Result<Vec<SignedToken>, Failure> {
        let mut tokens = self.waiting.all().or_fail()?;
        tokens.retain(|signed| signed.token.repository == repository);
        Ok(tokens)
    }

    /// Returns those of `tokens` that the server has not published.
    pub fn unpublished<'t>(&self, tokens: &'t [SignedToken]) -> Vec<&'t SignedToken> {
        let known = self.known.borrow();
        let is_published = |signed: &SignedToken| known.iter().any(|one| !one.waiting && is_same(&one.signed, signed));
        tokens.iter().filter(|signed| !is_published(signed)).collect()
    }

    /// Takes `tokens` for published: they no longer wait.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be taken off.
    pub fn sent(&self, tokens: &[SignedToken]) -> Result<(), Failure> {
        for one in self.known.borrow_mut().iter_mut() {
            one.waiting &= !tokens.iter().any(|sent| is_same(sent, &one.signed));
        }
        self.waiting.forget(tokens).or_fail()
    }

    fn found(&self, wanted: impl Fn(&SignedToken) -> bool) -> Found {
        let known = self.known.borrow();
        let tokens = known.iter().map(|one| &one.signed).filter(|signed| wanted(signed)).cloned();
        Found { tokens: tokens.collect(), skipped: Vec::new() }
    }
}

/// A message may be signed with two keys.
fn is_same(one: &SignedToken, other: &SignedToken) -> bool {
    (one.id, &one.key) == (other.id, &other.key)
}

impl ApprovalStore for &Tokens {
    fn of_subject(&self, subject: &ChangesetId) -> Result<Found, StoreError> {
        Ok(self.found(|signed| signed.token.subject.as_ref() == Some(subject)))
    }

    fn of_content(&self, content: &ContentId) -> Result<Found, StoreError> {
        Ok(self.found(|signed| signed.token.content.as_ref() == Some(content)))
    }

    fn revocations_of(&self, token: &TokenId) -> Result<Found, StoreError> {
        Ok(self.found(|signed| signed.token.kind == Kind::Revoke(*token)))
    }

    fn delegations(&self, role: &RoleName, to: &PrincipalId) -> Result<Found, StoreError> {
        let wanted = Kind::Delegate { role: role.clone(), to: to.clone() };
        Ok(self.found(|signed| signed.token.kind == wanted))
    }

    /// Puts the token among those that wait.
    fn add(&self, signed: &SignedToken, _now: Timestamp) -> Result<Added, StoreError> {
        let added = self.waiting.add(signed)?;
        let mut known = self.known.borrow_mut();
        if !known.iter().any(|one| is_same(&one.signed, signed)) {
            known.push(KnownToken { signed: signed.clone(), waiting: true });
            known.sort_by_key(|one| one.signed.id);
        }
        Ok(added)
    }
}
