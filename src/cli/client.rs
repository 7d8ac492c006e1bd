//! What every command of a client begins with: the clone, and what the server publishes, brought up to date and checked.

mod git;
mod git_errors;
mod git_transfer;
mod mercurial;
mod mercurial_errors;
mod mercurial_push;
mod mercurial_server;
mod mercurial_transfer;

use super::client_errors::{history_failure, memory_failure};
use super::local_clone::{LocalClone, Move, ServerFiles, System};
use super::{Context, Exit, Failure, safe};
use crate::adapters::clock::SystemClock;
use crate::adapters::disk::published::Published;
use crate::adapters::disk::{CheckpointMemory, Seen};
use crate::domain::approval::{Kind, SignedToken, TokenId};
use crate::domain::audit::Checkpoint;
use crate::domain::change::{ChangesetId, ContentId, Push, Pusher, RefUpdate, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::policy::{Policy, PolicyFile, load};
use crate::domain::time::Timestamp;
use crate::enforcement::assess::{AssessError, Assessment, NO_LOG, assess};
use crate::ports::approval_store::{Added, ApprovalStore, Found, StoreError};
use crate::ports::clock::Clock as _;
use crate::ports::history::{History, Need, OwnPaths, Selection};
use git::GitClone;
use mercurial::MercurialClone;

pub use mercurial::{pager as hg_pager, supposed_push as hg_supposed};
pub use mercurial_errors::failure as hg_failure;
pub use mercurial_push::preview;

/// A clone and the server that it belongs to.
pub struct Client {
    /// The clone, and its view of the server.
    pub local: Box<dyn LocalClone>,
    /// What the server calls itself.
    pub published: Published,
    /// The policy in force.
    pub policy: Policy,
    /// How the server's log compares with what is remembered of it.
    pub seen: Seen,
    /// The time at which the command began.
    pub now: Timestamp,
}

impl Client {
    /// Finds the repository and the remote, fetches what the server publishes, and checks it.
    ///
    /// # Errors
    /// [`Failure`]: no repository, no remote, a server without jit, a log that cannot be trusted, a policy that does not load.
    pub fn open(remote: Option<&str>, cx: &Context) -> Result<Self, Failure> {
        let local: Box<dyn LocalClone> = match System::here()? {
            System::Git => Box::new(GitClone::open(remote)?),
            System::Mercurial => Box::new(MercurialClone::open(remote)?),
        };
        let files = local.server_files()?;
        let seen = compare_log(&files)?;
        let policy = read_policy(&files.policies, cx)?;
        Ok(Self { local, published: files.published, policy, seen, now: SystemClock.now() })
    }

    /// Finds out what a supposed move does, which commits it brings, and what names their changes.
    ///
    /// A creation brings those that stand on no ref of the server that a rule for the new one protects as well; where no rule is about the
    /// new ref, those that stand on no ref.
    ///
    /// # Errors
    /// [`Failure`] where the move cannot be, or the history cannot be read.
    pub fn update(&self, supposed: Move) -> Result<RefUpdate, Failure> {
        loaded_update(&self.policy, &mut *self.local.supposing(&[supposed])?)
    }

    /// Judges a push that is only supposed, as the server would with what is known here and with `supposed` beside the tokens.
    ///
    /// Where `login` is `None`, nobody is taken for the pusher.
    ///
    /// # Errors
    /// [`Failure`] where the push could not be judged, or claims what cannot be.
    pub fn assess(&self, moves: &[Move], login: Option<&str>, supposed: &[SignedToken]) -> Result<Assessment, Failure> {
        let mut history = self.local.supposing(moves)?;
        let updates = history.ref_updates().map_err(|error| history_failure(&error))?;
        let push = supposed_push(&self.published, login, updates);
        let approvals = Supposing { known: self.local.approvals(), supposed };
        assess(&self.policy, push, &mut *history, &approvals, &NO_LOG, self.now).map_err(|error| cannot_judge(&error))
    }

    /// Keeps `tokens` here among those that wait to be sent.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be written.
    pub fn keep(&self, tokens: &[SignedToken]) -> Result<(), Failure> {
        for signed in tokens {
            self.local.approvals().add(signed, self.now).map_err(|error| {
                Failure::from_error(Exit::Undecided, &error).context("the token could not be kept in this clone")
            })?;
        }
        Ok(())
    }

    /// Sends all tokens for this repository that wait and that the server can take; returns their ids.
    ///
    /// Tokens that have expired, and those of keys that the policy no longer lists, stay behind: the server would refuse them and all
    /// others with them.
    ///
    /// # Errors
    /// [`Failure`]: nothing was sent; the tokens wait on.
    pub fn send_waiting(&mut self) -> Result<Vec<TokenId>, Failure> {
        let mut waiting = self.local.waiting_tokens(&self.published.repository)?;
        waiting.retain(|signed| {
            self.policy.holder(&signed.key).is_some() && signed.token.not_after.is_none_or(|end| self.now < end)
        });
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        self.local.send_tokens(&waiting, self.now).map_err(|failure| {
            failure.hint("the token is kept in this clone; `jit sync --send` sends it, and so does the next `jit sign`")
        })?;
        Ok(waiting.iter().map(|signed| signed.id).collect())
    }
}

/// As [`Client::update`], of the push that `history` supposes.
///
/// # Errors
/// As there.
pub fn loaded_update(policy: &Policy, history: &mut dyn History) -> Result<RefUpdate, Failure> {
    let mut updates = history.ref_updates().map_err(|error| history_failure(&error))?;
    // A symbolic ref gives a second update, of the ref that it names; the first is the one that was asked for.
    updates.truncate(1);
    let mut update = updates.pop().ok_or_else(|| Failure::undecided("the move comes to nothing"))?;
    let any = RuleName::new("any").expect("three letters are a name");
    let target = update.target.clone();
    let rules: Vec<_> = policy.rules.iter().filter(|rule| policy.names_target(rule, &target)).collect();
    let judged = |other: &Target| rules.is_empty() || rules.iter().any(|rule| policy.names_target(rule, other));
    let hidden = vec![Selection { rule: any, picks: Box::new(judged) }];
    let need = Need { own_paths: OwnPaths::Unneeded, hidden, ..Need::default() };
    history.load(&mut update, &need).map_err(|error| history_failure(&error))?;
    if update.is_plain_update() {
        history.contents(&mut update).map_err(|error| history_failure(&error))?;
    }
    Ok(update)
}

fn supposed_push(published: &Published, login: Option<&str>, updates: Vec<RefUpdate>) -> Push {
    Push {
        repository: published.repository.clone(),
        pusher: Pusher { login: login.map(str::to_owned), source: "supposed".to_owned() },
        unknown_pusher_allowed: login.is_none(),
        updates,
    }
}

fn cannot_judge(error: &AssessError) -> Failure {
    Failure::from_error(Exit::Undecided, error).context("the push cannot be judged here")
}

/// The known tokens and some that are not yet signed.
struct Supposing<'a> {
    known: Box<dyn ApprovalStore + 'a>,
    supposed: &'a [SignedToken],
}

impl ApprovalStore for Supposing<'_> {
    fn of_subject(&self, subject: &ChangesetId) -> Result<Found, StoreError> {
        let mut found = self.known.of_subject(subject)?;
        found.tokens.extend(self.supposed.iter().filter(|one| one.token.subject.as_ref() == Some(subject)).cloned());
        Ok(found)
    }

    fn of_content(&self, content: &ContentId) -> Result<Found, StoreError> {
        let mut found = self.known.of_content(content)?;
        found.tokens.extend(self.supposed.iter().filter(|one| one.token.content.as_ref() == Some(content)).cloned());
        Ok(found)
    }

    fn revocations_of(&self, token: &TokenId) -> Result<Found, StoreError> {
        let mut found = self.known.revocations_of(token)?;
        found.tokens.extend(self.supposed.iter().filter(|one| one.token.kind == Kind::Revoke(*token)).cloned());
        Ok(found)
    }

    fn delegations(&self, role: &RoleName, to: &PrincipalId) -> Result<Found, StoreError> {
        self.known.delegations(role, to)
    }

    fn add(&self, signed: &SignedToken, now: Timestamp) -> Result<Added, StoreError> {
        self.known.add(signed, now)
    }
}

/// Reads what the server says of itself.
fn parse_published(text: &[u8]) -> Result<Published, Failure> {
    let text = str::from_utf8(text).map_err(|_| Failure::undecided("what the server says of itself is not text"))?;
    Published::parse(text).map_err(|error| {
        Failure::from_error(Exit::Undecided, &error).context("what the server says of itself cannot be read")
    })
}

fn compare_log(files: &ServerFiles) -> Result<Seen, Failure> {
    let note = files.checkpoint.as_deref().map(str::from_utf8).transpose();
    let note = note.map_err(|_| Failure::new(Exit::Denied, "the server's checkpoint is not text"))?;
    let memory = CheckpointMemory::of_user().map_err(|error| memory_failure(&error))?;
    memory.compare(&files.published.key, note).map_err(|error| memory_failure(&error))
}

fn read_policy(files: &[PolicyFile], cx: &Context) -> Result<Policy, Failure> {
    load(files).map_err(|faults| {
        for fault in faults.list().iter().take(5) {
            cx.terminal.say(&safe(fault.what.to_string().as_bytes()));
        }
        Failure::undecided("the server's policy does not load; it denies every push")
            .hint("an administrator sees what is wrong with `jit policy check`")
    })
}

/// Returns the checkpoint that a comparison was about, if the server shows one.
pub fn shown(seen: &Seen) -> Option<&Checkpoint> {
    match seen {
        Seen::First(checkpoint) => checkpoint.as_ref(),
        Seen::Same(checkpoint) | Seen::Grown { to: checkpoint, .. } => Some(checkpoint),
    }
}
