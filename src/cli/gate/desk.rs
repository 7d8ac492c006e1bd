//! Asks for gates in a server's own repository, and waits there.
//!
//! Who waits looks every few seconds whether the log has grown, which costs one small file, and has the gate judged only then, or once a minute
//! for what time alone changes. Nothing is kept open meanwhile.

use super::report::{Report, Word};
use crate::adapters::disk::log::LogReader;
use crate::adapters::git::{Checkout, GitHistory, GitParking, GitRepository};
use crate::adapters::mercurial::HgBoard;
use crate::cli::client::hg_failure;
use crate::cli::repository::{self, Found, Repository};
use crate::cli::{Exit, Failure, IntoFailure, ServerParts, safe};
use crate::domain::change::{ChangesetId, Gate};
use crate::domain::name::EnvironmentName;
use crate::domain::request::RequestId;
use crate::enforcement::{GateAsk, GateState};
use crate::ports::history::History as _;
use crate::ports::log::LogStore as _;
use crate::ports::policy_source::PolicySource as _;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, thread};

/// The shortest time between two looks at the log, and by how much it can be longer: who waits at the same time looks at different times.
const LOOK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));
/// How long the gate is not judged anew where nothing happens.
const QUIET: Duration = Duration::from_secs(60);

/// What somebody wants from a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To ask for it.
    Ask {
        /// The environment.
        environment: EnvironmentName,
        /// The step.
        name: EnvironmentName,
        /// What names the changeset.
        rev: String,
        /// Why; may be empty.
        reason: String,
    },
    /// To wait on for what was asked for.
    Resume(RequestId),
}

/// A server's repository.
pub struct Desk {
    found: Found,
    parts: ServerParts,
    notify: fn(&ServerParts),
}

impl Desk {
    /// Opens the central repository at `path`, or of the current folder. After each entry `notify` is called.
    ///
    /// # Errors
    /// A [`Failure`] if jit is not installed there.
    pub fn open(path: Option<&Path>, notify: fn(&ServerParts)) -> Result<Self, Failure> {
        let found = repository::find(path)?;
        let parts = repository::server_of(&found)?;
        Ok(Self { found, parts, notify })
    }

    /// Finds out what `wish` is about.
    ///
    /// # Errors
    /// A [`Failure`] for a revision that is not here, and a request that does not wait.
    pub fn find(&self, wish: &Wish) -> Result<GateAsk, Failure> {
        let asker = self.parts.pusher();
        match wish {
            Wish::Ask { environment, name, rev, reason } => {
                let subject = self.resolve(rev)?.ok_or_else(|| {
                    Failure::usage(format!("`{}` is not a commit on the server", safe(rev.as_bytes())))
                        .hint("push it first: a gate is about what the server has")
                })?;
                let gate = Gate { environment: environment.clone(), name: name.clone(), subject };
                if !self.has_landed(&gate)? {
                    return Err(Failure::usage(format!("{} is on no branch or tag of the server", subject.hex()))
                        .hint("what waits to land is there, but has not landed: no gate opens for it"));
                }
                Ok(GateAsk { gate, reason: reason.clone(), asker, again: false })
            }
            Wish::Resume(id) => {
                let log = self.parts.log.open(Instant::now() + self.parts.settings.deadline).or_fail()?;
                let kept = log.kept().iter().find(|kept| kept.id == *id);
                let gate = kept.and_then(|kept| Gate::of(&kept.target, &kept.action, kept.subject));
                let gate = gate.ok_or_else(|| {
                    Failure::new(Exit::Denied, format!("no gate waits as {id}")).hint(
                        "it may have opened, or been taken back; `jit pending --all --ended` lists what there was",
                    )
                })?;
                drop(log);
                let subject = gate.subject.hex();
                if self.resolve(&subject)?.is_none() || !self.has_landed(&gate)? {
                    return Err(Failure::new(Exit::Denied, format!("{subject} is no longer on the server"))
                        .hint(format!("`jit request --cancel {id}` ends what nobody can open")));
                }
                Ok(GateAsk { gate, reason: String::new(), asker, again: true })
            }
        }
    }

    fn resolve(&self, rev: &str) -> Result<Option<ChangesetId>, Failure> {
        match &self.found.repository {
            Repository::Git(_) => Checkout::at(&self.found.common_dir).or_fail()?.resolve(rev).or_fail(),
            Repository::Mercurial(hg) => {
                let mut talk = hg.talk_here().map_err(|error| hg_failure(&error))?;
                talk.resolve(rev).map_err(|error| hg_failure(&error))
            }
        }
    }

    /// Tells whether the gate is about what a branch, tag or other ref holds. Git's server also keeps commits that were refused; what was
    /// refused in Mercurial waits in another repository.
    fn has_landed(&self, gate: &Gate) -> Result<bool, Failure> {
        let Repository::Git(_) = &self.found.repository else { return Ok(true) };
        let mut history = self.git(Instant::now() + self.parts.settings.deadline)?;
        let targets = history.all_targets().or_fail()?;
        let values = targets.into_iter().filter(|(target, _)| !target.is_own()).flat_map(|(_, value)| value);
        let held = history.held(&gate.update(values.collect()), &BTreeSet::from([gate.subject])).or_fail()?;
        Ok(held.contains(&gate.subject))
    }

    /// Asks once.
    ///
    /// # Errors
    /// A [`Failure`] if the repository cannot be opened.
    pub fn ask(&self, ask: &GateAsk) -> Result<Report, Failure> {
        let started = Instant::now();
        let deadline = started + self.parts.settings.deadline;
        let found = match &self.found.repository {
            Repository::Git(_) => {
                let environment: BTreeMap<OsString, OsString> = env::vars_os().collect();
                let pusher_env = self.parts.settings.pusher_env.clone();
                let mut board = GitParking::open(&self.found.common_dir, &environment, pusher_env).or_fail()?;
                let mut history = self.git(deadline)?;
                self.parts.server().gate(ask, &mut history, &mut board, started, deadline)
            }
            Repository::Mercurial(hg) => {
                let board = HgBoard::open(hg.root(), self.parts.now(), deadline);
                let mut board = board.map_err(|error| hg_failure(&error))?;
                let mut talk = hg.talk_here().map_err(|error| hg_failure(&error))?;
                self.parts.server().gate(ask, talk.history(), &mut board, started, deadline)
            }
        };
        if matches!(found.answer.recorded, Ok(Some(_))) {
            (self.notify)(&self.parts);
        }
        let mut report = Report::of(&ask.gate, &found);
        if found.state == GateState::Unknown {
            report.hints = self.known_gates();
        }
        Ok(report)
    }

    /// Asks, and waits for `limit` at most as long as tokens can still open the gate. `each` is called with the report at each look while
    /// it waits; where it says no, the wait is over.
    ///
    /// # Errors
    /// A [`Failure`] if the repository cannot be opened.
    pub fn wait(
        &self,
        mut ask: GateAsk,
        limit: Duration,
        each: &mut dyn FnMut(&Report) -> bool,
    ) -> Result<Report, Failure> {
        let begun = Instant::now();
        let mut seen = self.mark();
        let mut report = self.ask(&ask)?;
        let (mut judged, mut has_waited) = (Instant::now(), false);
        loop {
            has_waited |= report.word == Word::Waits;
            // What could not be decided once may be so the next time, for as long as somebody waits anyway.
            let goes_on = report.word == Word::Waits || (has_waited && report.word == Word::Undecided);
            let left = limit.saturating_sub(begun.elapsed());
            if !goes_on || left.is_zero() || !each(&report) {
                return Ok(report);
            }
            thread::sleep(pause().min(left));
            ask.again = true;
            let now = self.mark();
            let is_last = begun.elapsed() >= limit;
            if now != seen || judged.elapsed() >= QUIET || is_last || report.word == Word::Undecided {
                (seen, judged) = (now, Instant::now());
                if self.may_move(&ask)? {
                    // Whoever went away while it was looked at must not have it opened for them.
                    if !each(&report) {
                        return Ok(report);
                    }
                    report = self.ask(&ask)?;
                }
            }
        }
    }

    fn may_move(&self, ask: &GateAsk) -> Result<bool, Failure> {
        let deadline = Instant::now() + self.parts.settings.deadline;
        let server = self.parts.server();
        Ok(match &self.found.repository {
            Repository::Git(_) => server.gate_may_move(ask, &mut self.git(deadline)?, deadline),
            Repository::Mercurial(hg) => {
                let mut talk = hg.talk_here().map_err(|error| hg_failure(&error))?;
                server.gate_may_move(ask, talk.history(), deadline)
            }
        })
    }

    fn git(&self, deadline: Instant) -> Result<GitHistory, Failure> {
        let repository = GitRepository::at(&self.found.common_dir).or_fail()?;
        repository.set_deadline(Some(deadline));
        Ok(GitHistory::receiving(repository, Vec::new()))
    }

    /// What changes whenever the log grows.
    fn mark(&self) -> Option<String> {
        let head = LogReader::open(&self.parts.audit_paths()).and_then(|reader| reader.head());
        head.ok().flatten().map(|(_, note)| note)
    }

    fn known_gates(&self) -> Vec<String> {
        let Ok(policy) = self.parts.policy().load() else { return Vec::new() };
        let gates: Vec<String> = policy.gates().into_iter().map(|(place, name)| format!("{name} of {place}")).collect();
        match &gates[..] {
            [] => vec!["no rule of the policy names a gate: `actions = [\"gate:NAME\"]`".to_owned()],
            gates => vec![format!("it knows: {}", gates.join(", "))],
        }
    }
}

/// How long to wait before the next look.
pub(super) fn pause() -> Duration {
    let mut byte = [0; 1];
    // Without randomness all wait for the same time, and nothing worse happens.
    let share = getrandom::fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    LOOK.0 + LOOK.1 * share / u32::from(u8::MAX)
}
