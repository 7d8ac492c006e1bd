//! Builds a repository's server side from what stands in its `jit` folder.

use super::{Failure, IntoFailure};
use crate::adapters::clock::SystemClock;
use crate::adapters::disk::folder::{Folder, Settings, UnknownPusher};
use crate::adapters::disk::log::{AuditPaths, DiskLogStore};
use crate::adapters::disk::{PolicyFolder, TokenStore};
use crate::domain::approval::{Kind, SignedToken};
use crate::domain::audit::VerifierKey;
use crate::domain::change::Pusher;
use crate::domain::request::Limits;
use crate::domain::time::Timestamp;
use crate::enforcement::Server;
use crate::ports::approval_store::ApprovalStore as _;
use crate::ports::clock::Clock as _;
use crate::ports::log::Log;
use std::env;
use std::path::Path;
use std::sync::Arc;

/// The longest login in bytes.
const LONGEST_LOGIN: usize = 255;

/// The parts of a repository's server side.
pub struct ServerParts {
    /// The `jit` folder.
    pub folder: Folder,
    /// Its settings.
    pub settings: Settings,
    /// The log.
    pub log: DiskLogStore,
    limits: Limits,
    policy: PolicyFolder,
    tokens: TokenStore,
    clock: SystemClock,
}

impl ServerParts {
    /// Reads the settings of the repository whose common folder is `common_dir`; everything else is opened when needed.
    ///
    /// # Errors
    /// A [`Failure`] if the settings cannot be read.
    pub fn open(common_dir: &Path) -> Result<Self, Failure> {
        let folder = Folder::of(common_dir);
        let settings = folder.settings().or_fail()?;
        Ok(Self::of(folder, settings))
    }

    /// Takes settings that were read.
    pub fn of(folder: Folder, settings: Settings) -> Self {
        Self {
            log: DiskLogStore::new(audit_paths(&folder, &settings), Arc::new(|| SystemClock.now())),
            policy: PolicyFolder::new(folder.policies()),
            tokens: TokenStore::in_folder(folder.root()),
            clock: SystemClock,
            limits: settings.requests.into(),
            folder,
            settings,
        }
    }

    /// Returns the server.
    pub fn server(&self) -> Server<'_> {
        Server {
            repository: &self.settings.repository,
            unknown_pusher_allowed: self.settings.unknown_pusher == UnknownPusher::Allow,
            limits: &self.limits,
            policy: &self.policy,
            approvals: &self.tokens,
            log: &self.log,
            clock: &self.clock,
        }
    }

    /// Tells whether the server keeps `signed`.
    pub fn keeps(&self, signed: &SignedToken) -> bool {
        let found = match (&signed.token.kind, &signed.token.subject) {
            (Kind::Revoke(id), _) => self.tokens.revocations_of(id),
            (Kind::Delegate { role, to }, _) => self.tokens.delegations(role, to),
            (_, Some(subject)) => self.tokens.of_subject(subject),
            (_, None) => return false,
        };
        found.is_ok_and(|found| found.tokens.contains(signed))
    }

    /// Returns the policy's folder.
    pub fn policy(&self) -> &PolicyFolder {
        &self.policy
    }

    /// Returns the tokens that the server keeps.
    pub fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// Returns the present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the time of the entry that `log` takes next: now, but no earlier than its newest entry.
    pub fn entry_time(&self, log: &dyn Log) -> Timestamp {
        let now = self.now();
        log.newest_time().map_or(now, |newest| now.max(newest))
    }

    /// Returns the key that verifies the log.
    ///
    /// # Errors
    /// A [`Failure`] if there is no log.
    pub fn verifier_key(&self) -> Result<VerifierKey, Failure> {
        self.log.verifier_key().or_fail()
    }

    /// Returns where the log stands.
    pub fn audit_paths(&self) -> AuditPaths {
        audit_paths(&self.folder, &self.settings)
    }

    /// Returns who pushes, as the transport says in the variable that the settings name.
    ///
    /// An empty value, one that is not UTF-8, or one of more than 255 bytes is nobody.
    pub fn pusher(&self) -> Pusher {
        let name = &self.settings.pusher_env;
        let login = env::var(name).ok().filter(|login| !login.is_empty() && login.len() <= LONGEST_LOGIN);
        Pusher { login, source: format!("env {name}") }
    }
}

fn audit_paths(folder: &Folder, settings: &Settings) -> AuditPaths {
    AuditPaths { audit_dir: folder.audit(), key_file: folder.key(), state_dir: settings.state_dir.clone() }
}
