//! A Mercurial clone and its server, for commands. The clone is read through the user's own `hg`, and nothing is installed in it.

use super::mercurial_errors::{failure, unreached};
use super::mercurial_server::{Approvals, Tokens, remember};
use super::mercurial_transfer::no_sibling;
use crate::adapters::clock::SystemClock;
use crate::adapters::mercurial::{Hg, HgError, Supposed, Talk};
use crate::cli::effect;
use crate::cli::local_clone::{Effect, KeptRequest, LocalClone, Move, ServerFiles, Step, System};
use crate::cli::{Exit, Failure};
use crate::domain::approval::SignedToken;
use crate::domain::change::{Changeset, ChangesetId, IdKind, RefUpdate, Target};
use crate::domain::request::{Request, RequestId};
use crate::domain::time::Timestamp;
use crate::enforcement::GateHistory;
use crate::ports::approval_store::{ApprovalStore, KnownToken};
use crate::ports::clock::Clock as _;
use crate::ports::history::{History, HistoryError, Need};
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};

/// What stands for the server if `hg push` needs no name.
const USUAL: &str = "default";

/// A Mercurial clone, one of its servers, and a conversation about both.
pub struct MercurialClone {
    pub(super) hg: Hg,
    settings: Settings,
    /// As `hg push` knows it; `None`: where it goes by itself.
    remote: Option<String>,
    talk: RefCell<Talk>,
    files: ServerFiles,
    tokens: Tokens,
}

/// What the user's configuration says, by section and key.
#[derive(Debug, Default)]
struct Settings(BTreeMap<String, String>);

impl Settings {
    fn of(hg: &Hg) -> Result<Self, Failure> {
        let output =
            hg.run(["config", "--template", "{name}\\0{value}\\0", "jit", "pager.pager", "paths", "ui.username"]);
        // It fails where nothing of this is set.
        let output = output.map_err(|error| failure(&error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut fields = text.split('\0').map(str::to_owned);
        let pairs = std::iter::from_fn(|| Some((fields.next()?, fields.next()?)));
        Ok(Self(pairs.collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl MercurialClone {
    /// Finds the clone of the current folder and its server, and reads what that publishes.
    ///
    /// # Errors
    /// [`Failure`]: no clone, no server, one without jit, or another one than before.
    pub fn open(remote: Option<&str>) -> Result<Self, Failure> {
        let here = std::env::current_dir().map_err(|error| Failure::from_error(Exit::Undecided, &error))?;
        let hg = Hg::find(&here).map_err(|error| failure(&error))?;
        let hg = hg.ok_or_else(|| Failure::undecided("this folder is not in a Mercurial repository"))?;
        let settings = Settings::of(&hg)?;
        let remote = remote.or(settings.get("jit.remote")).map(str::to_owned);
        if remote.as_deref() == Some("") {
            return Err(Failure::usage("`--remote` wants a name or a URL"));
        }
        if remote.is_none() && settings.get("paths.default").or(settings.get("paths.default-push")).is_none() {
            return Err(Failure::usage("this repository does not say where it was cloned from")
                .hint("`default = URL` below `[paths]` in .hg/hgrc says it; or give a URL with `--remote`"));
        }
        let name = remote.as_deref().unwrap_or(USUAL);
        let mut talk = hg.talk(remote.as_deref()).map_err(|error| unreached(&error, name))?;
        let heads = talk.approvals().map_err(|error| unreached(&error, name))?;
        let Approvals { files, tokens } = Approvals::read(heads, name)?;
        remember(hg.dot_hg(), name, &files.published)?;
        let tokens = Tokens::of(hg.dot_hg(), tokens)?;
        Ok(Self { hg, settings, remote, talk: RefCell::new(talk), files, tokens })
    }

    pub(super) fn ask<T>(&self, ask: impl FnOnce(&mut Talk) -> Result<T, HgError>) -> Result<T, Failure> {
        ask(&mut self.talk.borrow_mut()).map_err(|error| failure(&error))
    }

    /// Begins the conversation anew, after the clone has changed.
    pub(super) fn reopen(&self) -> Result<(), Failure> {
        let talk = self.hg.talk(self.remote.as_deref()).map_err(|error| unreached(&error, self.remote()))?;
        self.talk.replace(talk);
        Ok(())
    }

    /// Returns the URL of the server.
    pub(super) fn url(&self) -> Result<String, Failure> {
        let url = self.talk.borrow().header().url.clone().map(String::from_utf8);
        url.and_then(Result::ok).ok_or_else(|| Failure::undecided("the server's URL is not text"))
    }

    /// Returns who writes changesets here, for people to read.
    pub(super) fn user(&self) -> &str {
        let name = self.settings.get("ui.username").map(str::trim).filter(|name| !name.contains(char::is_control));
        name.filter(|name| !name.is_empty()).unwrap_or("jit")
    }

    pub(super) fn now() -> Timestamp {
        SystemClock.now()
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

impl LocalClone for MercurialClone {
    fn system(&self) -> System {
        System::Mercurial
    }

    fn remote(&self) -> &str {
        self.remote.as_deref().unwrap_or(USUAL)
    }

    fn key_setting(&self) -> Option<&str> {
        self.settings.get("jit.key")
    }

    fn server_files(&self) -> Result<ServerFiles, Failure> {
        Ok(self.files.clone())
    }

    fn resolve(&self, revision: &str) -> Result<Option<ChangesetId>, Failure> {
        self.ask(|talk| talk.resolve(revision))
    }

    fn has(&self, changeset: &ChangesetId) -> Result<bool, Failure> {
        Ok(self.ask(|talk| talk.resolve(&changeset.hex()))?.as_ref() == Some(changeset))
    }

    fn full_id(&self, digits: &str) -> Option<ChangesetId> {
        ChangesetId::from_hex(IdKind::HgSha1, digits).ok()
    }

    fn value(&self, target: &Target) -> Result<Vec<ChangesetId>, Failure> {
        let mut value = self.ask(|talk| Ok(talk.history().value(target)?))?;
        value.sort();
        Ok(value)
    }

    fn targets(&self) -> Result<Vec<Target>, Failure> {
        self.ask(|talk| Ok(talk.history().all_targets()?.into_keys().collect()))
    }

    fn usual_target(&self, subject: &ChangesetId) -> Result<Option<Target>, Failure> {
        self.ask(|talk| Ok(Some(Target::Branch(talk.branch_of(subject)?))))
    }

    fn reaches(&self, values: &[ChangesetId], changeset: &ChangesetId) -> Result<bool, Failure> {
        self.ask(|talk| Ok(!talk.reached(&[*changeset], values)?.is_empty()))
    }

    fn brought(&self, tip: &ChangesetId, without: &[ChangesetId]) -> Result<Vec<Changeset>, Failure> {
        self.ask(|talk| talk.between(&[*tip], without))
    }

    fn supposing(&self, moves: &[Move]) -> Result<Box<dyn History + '_>, Failure> {
        let [supposed] = moves else {
            return Err(Failure::undecided("only one move can be supposed at a time"));
        };
        if let Some(gate) = supposed.gate() {
            let history = Supposing(self.talk.borrow_mut());
            return Ok(Box::new(GateHistory::new(history, gate, supposed.old.clone())));
        }
        let supposed = supposed_push(supposed)?;
        self.ask(|talk| talk.suppose(&supposed))?;
        Ok(Box::new(Supposing(self.talk.borrow_mut())))
    }

    fn effect(&self, update: &RefUpdate) -> Result<Effect, Failure> {
        self.ask(|talk| effect::of_mercurial(talk, update))
    }

    fn pager(&self) -> String {
        pager(self.settings.get("pager.pager"))
    }

    fn diff(&self, from: Option<&ChangesetId>, to: &ChangesetId) -> Result<Vec<u8>, Failure> {
        self.ask(|talk| talk.diff(from, to))
    }

    fn approvals(&self) -> Box<dyn ApprovalStore + '_> {
        Box::new(&self.tokens)
    }

    fn known_tokens(&self) -> Result<Vec<KnownToken>, Failure> {
        Ok(self.tokens.all())
    }

    fn waiting_tokens(&self, repository: &str) -> Result<Vec<SignedToken>, Failure> {
        self.tokens.waiting(repository)
    }

    fn send_tokens(&mut self, tokens: &[SignedToken], _now: Timestamp) -> Result<(), Failure> {
        self.push_tokens(tokens)
    }

    fn has_request(&self, id: &RequestId) -> Result<bool, Failure> {
        Ok(self.listed_requests()?.contains_key(id))
    }

    fn requests(&self, only: Option<&RequestId>) -> Result<Vec<KeptRequest>, Failure> {
        if only.is_none() {
            let talk = self.hg.talk_of_requests(self.remote.as_deref());
            self.talk.replace(talk.map_err(|error| no_sibling(unreached(&error, self.remote())))?);
        }
        self.read_requests(only)
    }

    fn fetch_requested(&self, changeset: &ChangesetId, _likely: Option<&RequestId>) -> Result<bool, Failure> {
        self.pull_requested(changeset)
    }

    fn send_request(&self, id: &RequestId, subject: &ChangesetId, request: &Request) -> Result<(), Failure> {
        self.push_request(id, subject, request)
    }

    fn cancel_request(&self, id: &RequestId) -> Result<(), Failure> {
        self.take_back_request(id)
    }

    /// Nothing was kept: what was pulled is the clone's own.
    fn forget_gone_requests(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Chooses a pager as Mercurial does: its own setting, `PAGER`, else `less`.
pub fn pager(setting: Option<&str>) -> String {
    let of_user = || std::env::var("PAGER").ok().filter(|pager| !pager.is_empty());
    setting.map(str::to_owned).or_else(of_user).unwrap_or_else(|| "less".to_owned())
}

/// Says a move in the words of the conversation.
///
/// # Errors
/// A usage [`Failure`] for a move that no push can make.
pub fn supposed_push(supposed: &Move) -> Result<Supposed, Failure> {
    Ok(match (&supposed.target, &supposed.step) {
        (Target::Branch(name), Step::To(head)) => Supposed::Branch(name.clone(), vec![*head]),
        (Target::Branch(name), Step::Publish(head)) => Supposed::Publish(name.clone(), vec![*head]),
        (Target::Branch(_), Step::Delete) => {
            return Err(Failure::usage("a push cannot delete a named branch")
                .hint("`hg commit --close-branch` closes one, which a push can bring"));
        }
        (_, Step::Publish(_)) => {
            return Err(Failure::usage("changesets become public by their branch")
                .hint("name the branch with `--branch`, or no target at all"));
        }
        (Target::Bookmark(name), step) => Supposed::Bookmark(name.clone(), step.new_value()),
        (Target::Tag(name), step) => Supposed::Tag(name.clone(), step.new_value()),
        (Target::Ref(_) | Target::Environment(_), _) | (_, Step::Open(..)) => {
            let target = supposed.target.clone();
            return Err(crate::cli::client_errors::history_failure(&HistoryError::ForeignTarget { target }));
        }
    })
}

/// The conversation, for as long as the push that was supposed in it is looked at.
struct Supposing<'a>(RefMut<'a, Talk>);

impl History for Supposing<'_> {
    fn ref_updates(&mut self) -> Result<Vec<RefUpdate>, HistoryError> {
        self.0.history().ref_updates()
    }

    fn load(&mut self, update: &mut RefUpdate, need: &Need<'_>) -> Result<(), HistoryError> {
        self.0.history().load(update, need)
    }

    fn reachable_bases(&mut self, update: &mut RefUpdate, bases: &BTreeSet<ChangesetId>) -> Result<(), HistoryError> {
        self.0.history().reachable_bases(update, bases)
    }

    fn contents(&mut self, update: &mut RefUpdate) -> Result<(), HistoryError> {
        self.0.history().contents(update)
    }

    fn held(&mut self, update: &RefUpdate, ids: &BTreeSet<ChangesetId>) -> Result<BTreeSet<ChangesetId>, HistoryError> {
        self.0.history().held(update, ids)
    }

    fn value(&mut self, target: &Target) -> Result<Vec<ChangesetId>, HistoryError> {
        self.0.history().value(target)
    }

    fn all_targets(&mut self) -> Result<BTreeMap<Target, Vec<ChangesetId>>, HistoryError> {
        self.0.history().all_targets()
    }
}
