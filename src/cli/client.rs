//! What every command of a client begins with: the repository, the remote, and what the server publishes, brought up to date and checked.

use super::client_errors::{checkout_failure, git_failure, history_failure, memory_failure, remote_failure};
use super::{Context, Exit, Failure, safe};
use crate::adapters::clock::SystemClock;
use crate::adapters::disk::published::Published;
use crate::adapters::disk::{CheckpointMemory, Seen};
use crate::adapters::git::{
    APPROVALS_REF, CHECKPOINT_REF, Checkout, Claim, ClientApprovals, GitHistory, Listing, POLICY_REF, Remote,
};
use crate::domain::approval::{Kind, SignedToken, TokenId};
use crate::domain::audit::Checkpoint;
use crate::domain::change::{ChangesetId, Push, Pusher, RefUpdate, Target};
use crate::domain::name::RuleName;
use crate::domain::policy::{Policy, PolicyFile, limits, load};
use crate::domain::time::Timestamp;
use crate::enforcement::assess::{Assessment, assess};
use crate::ports::approval_store::{Added, ApprovalStore, Found, StoreError};
use crate::ports::clock::Clock as _;
use crate::ports::history::{History as _, Need, OwnPaths, Selection};

/// Bytes of a checkpoint that are read.
const LONGEST_NOTE: usize = 65_536;

/// A clone and the server that it belongs to.
#[derive(Debug)]
pub struct Client {
    /// The clone.
    pub checkout: Checkout,
    /// The server.
    pub remote: Remote,
    /// The server's refs.
    pub listing: Listing,
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
        let here = std::env::current_dir().map_err(|error| Failure::from_error(Exit::Undecided, &error))?;
        let checkout = Checkout::at(&here).map_err(|error| checkout_failure(&error))?;
        let remote = Remote::choose(&checkout, remote).map_err(|error| remote_failure(&error, None))?;
        Self::of(checkout, remote, cx)
    }

    fn of(checkout: Checkout, remote: Remote, cx: &Context) -> Result<Self, Failure> {
        let listing = fetch_own(&checkout, &remote)?;
        let published = read_published(&checkout, &remote)?;
        let seen = compare_log(&checkout, &remote, &published)?;
        let policy = read_policy(&checkout, &remote, cx)?;
        Ok(Self { checkout, remote, listing, published, policy, seen, now: SystemClock.now() })
    }

    /// Fetches again what changes while others work: refs and approvals.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn refresh(&mut self) -> Result<(), Failure> {
        self.listing = fetch_own(&self.checkout, &self.remote)?;
        Ok(())
    }

    /// Lets go of requests that were fetched and that the server no longer has.
    ///
    /// # Errors
    /// [`Failure`] if a ref cannot be removed.
    pub fn forget_gone_requests(&self) -> Result<(), Failure> {
        let repository = self.checkout.repository();
        let folder = self.remote.kept("requests/");
        for name in repository.kept_below(&folder).map_err(|error| git_failure(&error))? {
            let there = Target::git_ref(format!("refs/jit/requests/{name}").as_bytes());
            if there.is_ok_and(|target| !self.listing.contains_key(&target)) {
                repository.keep(&format!("{folder}{name}"), None).map_err(|error| git_failure(&error))?;
            }
        }
        Ok(())
    }

    /// Returns the tokens that are known here.
    pub fn approvals(&self) -> ClientApprovals<'_> {
        ClientApprovals::new(&self.checkout, &self.remote)
    }

    /// Returns what `target` holds on the server, and sees to it that the object is here.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be fetched.
    pub fn tip(&self, target: &Target) -> Result<Option<ChangesetId>, Failure> {
        let Some(tip) = self.listing.get(target) else { return Ok(None) };
        if !self.checkout.repository().has(tip).map_err(|error| git_failure(&error))? {
            self.remote
                .fetch(&self.checkout, &[(target, None)])
                .map_err(|error| remote_failure(&error, Some(&self.remote)))?;
        }
        Ok(Some(*tip))
    }

    /// Finds out what a supposed move does, and which commits it brings.
    ///
    /// A creation brings those that stand on no ref of the server that a rule for the new one protects as well; where no rule is about the
    /// new ref, those that stand on no ref.
    ///
    /// # Errors
    /// [`Failure`] where the move cannot be, or the history cannot be read.
    pub fn update(&self, claim: Claim) -> Result<RefUpdate, Failure> {
        let mut history = self.history(vec![claim])?;
        let mut updates = history.ref_updates().map_err(|error| history_failure(&error))?;
        // A symbolic ref of this clone gives a second update, of the ref that it names; the first is the one that was asked for.
        updates.truncate(1);
        let mut update = updates.pop().ok_or_else(|| Failure::undecided("the move comes to nothing"))?;
        let any = RuleName::new("any").expect("three letters are a name");
        let target = update.target.clone();
        let rules: Vec<_> = self.policy.rules.iter().filter(|rule| self.policy.names_target(rule, &target)).collect();
        let judged =
            |other: &Target| rules.is_empty() || rules.iter().any(|rule| self.policy.names_target(rule, other));
        let hidden = vec![Selection { rule: any, picks: Box::new(judged) }];
        let need = Need { own_paths: OwnPaths::Unneeded, hidden, ..Need::default() };
        history.load(&mut update, &need).map_err(|error| history_failure(&error))?;
        Ok(update)
    }

    fn history(&self, claims: Vec<Claim>) -> Result<GitHistory, Failure> {
        let repository = self.checkout.reopened().map_err(|error| checkout_failure(&error))?;
        GitHistory::supposing(repository, claims).among(self.listing.clone()).map_err(|error| git_failure(&error))
    }

    /// Judges a push that is only supposed, as the server would with what is known here and with `supposed` beside the tokens.
    ///
    /// Where `login` is `None`, nobody is taken for the pusher.
    ///
    /// # Errors
    /// [`Failure`] where the push could not be judged, or claims what cannot be.
    pub fn assess(
        &self,
        claims: Vec<Claim>,
        login: Option<&str>,
        supposed: &[SignedToken],
    ) -> Result<Assessment, Failure> {
        let mut history = self.history(claims)?;
        let push = Push {
            repository: self.published.repository.clone(),
            pusher: Pusher { login: login.map(str::to_owned), source: "supposed".to_owned() },
            unknown_pusher_allowed: login.is_none(),
            updates: history.ref_updates().map_err(|error| history_failure(&error))?,
        };
        let approvals = Supposing { known: self.approvals(), supposed };
        assess(&self.policy, push, &mut history, &approvals, self.now)
            .map_err(|error| Failure::from_error(Exit::Undecided, &error).context("the push cannot be judged here"))
    }
}

/// The known tokens and some that are not yet signed.
struct Supposing<'a> {
    known: ClientApprovals<'a>,
    supposed: &'a [SignedToken],
}

impl ApprovalStore for Supposing<'_> {
    fn of_subject(&self, subject: &ChangesetId) -> Result<Found, StoreError> {
        let mut found = self.known.of_subject(subject)?;
        found.tokens.extend(self.supposed.iter().filter(|one| one.token.subject.as_ref() == Some(subject)).cloned());
        Ok(found)
    }

    fn revocations_of(&self, token: &TokenId) -> Result<Found, StoreError> {
        let mut found = self.known.revocations_of(token)?;
        found.tokens.extend(self.supposed.iter().filter(|one| one.token.kind == Kind::Revoke(*token)).cloned());
        Ok(found)
    }

    fn add(&self, signed: &SignedToken, now: Timestamp) -> Result<Added, StoreError> {
        self.known.add(signed, now)
    }
}

/// Lists the server's refs and brings those of jit up to date here. A server that says that it is another than before is not
/// believed: what it published before stays.
fn fetch_own(checkout: &Checkout, remote: &Remote) -> Result<Listing, Failure> {
    let unreached = |error| remote_failure(&error, Some(remote));
    let listing = remote.list(checkout).map_err(unreached)?;
    let repository = checkout.repository();
    let own: Vec<(Target, String)> = [POLICY_REF, APPROVALS_REF, CHECKPOINT_REF]
        .into_iter()
        .filter_map(|name| Some((Target::git_ref(name.as_bytes()).ok()?, remote.kept(name.strip_prefix("refs/jit/")?))))
        .collect();
    if !own.first().is_some_and(|(policy, _)| listing.contains_key(policy)) {
        return Err(not_jit(remote));
    }
    let kept_policy = remote.kept("policy");
    let before = repository.kept(&kept_policy).map_err(|error| git_failure(&error))?;
    let known = before.and_then(|_| read_published(checkout, remote).ok());
    let mut stale: Vec<(&Target, Option<String>)> = Vec::new();
    for (target, kept) in &own {
        let here = repository.kept(kept).map_err(|error| git_failure(&error))?;
        match listing.get(target) {
            None => repository.keep(kept, None).map_err(|error| git_failure(&error))?,
            Some(there) if here.as_ref() == Some(there) => {}
            Some(_) => stale.push((target, Some(kept.clone()))),
        }
    }
    remote.fetch(checkout, &stale).map_err(unreached)?;
    // What cannot be read is said by whoever reads it next.
    if let (Some(known), Ok(shown)) = (known, read_published(checkout, remote))
        && shown != known
    {
        repository.keep(&kept_policy, before.as_ref()).map_err(|error| git_failure(&error))?;
        return Err(another_repository(remote, &known, &shown, &kept_policy));
    }
    Ok(listing)
}

fn not_jit(remote: &Remote) -> Failure {
    let name = safe(remote.name().as_bytes());
    Failure::undecided(format!("the remote `{name}` has no jit: it publishes no policy"))
        .hint("an administrator of the server runs `jit install` in its repository")
        .hint("another remote can be named with `--remote NAME`, or for good with `git config jit.remote NAME`")
}

fn another_repository(remote: &Remote, known: &Published, shown: &Published, kept: &str) -> Failure {
    let name = safe(remote.name().as_bytes());
    let words = |one: &Published| format!("{} with the log {}", safe(one.repository.as_bytes()), one.key);
    let what = format!(
        "the remote `{name}` is another repository than before: it was {}, now it is {}",
        words(known),
        words(shown)
    );
    Failure::new(Exit::Denied, what)
        .hint("ask its administrator; approvals that are signed now would be for that other repository")
        .hint(format!("if it is right, `git update-ref -d '{kept}'` forgets what it was before"))
}

fn read_published(checkout: &Checkout, remote: &Remote) -> Result<Published, Failure> {
    let refname = remote.kept("policy");
    let files =
        checkout.repository().files_in(&refname, "", limits::FILE_BYTES).map_err(|error| git_failure(&error))?;
    let Some(text) = files.get(Published::FILE.as_bytes()) else {
        return Err(Failure::undecided(format!("the server's {POLICY_REF} has no {}", Published::FILE)));
    };
    let text = str::from_utf8(text).map_err(|_| Failure::undecided("what the server says of itself is not text"))?;
    Published::parse(text).map_err(|error| {
        Failure::from_error(Exit::Undecided, &error).context("what the server says of itself cannot be read")
    })
}

fn compare_log(checkout: &Checkout, remote: &Remote, published: &Published) -> Result<Seen, Failure> {
    let note = checkout
        .repository()
        .blob_at(&remote.kept("checkpoint"), LONGEST_NOTE)
        .map_err(|error| git_failure(&error))?
        .map(String::from_utf8)
        .transpose()
        .map_err(|_| Failure::new(Exit::Denied, "the server's checkpoint is not text"))?;
    let memory = CheckpointMemory::of_user().map_err(|error| memory_failure(&error))?;
    memory.compare(&published.key, note.as_deref()).map_err(|error| memory_failure(&error))
}

fn read_policy(checkout: &Checkout, remote: &Remote, cx: &Context) -> Result<Policy, Failure> {
    let files = checkout
        .repository()
        .files_in(&remote.kept("policy"), Published::POLICIES, limits::FILE_BYTES)
        .map_err(|error| git_failure(&error))?;
    let mut read = Vec::new();
    for (name, text) in files {
        let name = String::from_utf8(name).map_err(|error| {
            Failure::undecided(format!("a policy file's name is not UTF-8: {}", safe(error.as_bytes())))
        })?;
        if name.ends_with(".toml") {
            read.push(PolicyFile { name, text });
        }
    }
    load(&read).map_err(|faults| {
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
