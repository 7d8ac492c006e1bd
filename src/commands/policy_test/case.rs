//! One case of a policy's tests: a push as a policy sees it, who signed, and what must come of it (docs/spec/policy.md, "Cases").

use crate::domain::approval::{
    Kind, MessageError, PublicKey, RoleChoice, SignedToken, Status, Token, TokenError, signed_bytes,
};
use crate::domain::change::{
    Action, Changeset, ChangesetId, Gate, IdError, IdKind, NotAnAction, Push, Pusher, RefUpdate, RepoPath, Target,
    TargetError, TipChange, Trailer,
};
use crate::domain::name::{CheckName, NameError, PrincipalId, RoleName, RuleName};
use crate::domain::policy::{Decision, Policy, evaluate};
use crate::domain::time::{NotATime, Span, Timestamp};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// When cases happen that say nothing else: a Monday at noon.
const NOW: &str = "2026-01-05T12:00:00Z";
/// The repository of all cases.
const REPOSITORY: &str = "cases@00000000000000000000000000000000";

/// One file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The cases.
    pub case: Vec<Case>,
}

/// One push, or a gate that is asked for, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is shown.
    pub name: String,
    target: String,
    #[serde(default = "update")]
    action: String,
    pusher: Option<String>,
    time: Option<toml::value::Datetime>,
    #[serde(default)]
    commits: Vec<CommitCase>,
    #[serde(default)]
    tokens: Vec<TokenCase>,
    /// The answer.
    pub expect: Expected,
    /// The enforcing rules that are unmet.
    #[serde(default)]
    pub unmet: BTreeSet<String>,
    /// The rules that match, if the case says.
    pub matched: Option<BTreeSet<String>>,
}

/// The answer that a case expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// The push lands.
    Allow,
    /// It does not.
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitCase {
    authors: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default = "one")]
    lines: usize,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenCase {
    by: String,
    commit: Option<usize>,
    role: Option<String>,
    #[serde(default)]
    reason: String,
    #[serde(default = "hour")]
    age: String,
    #[serde(default)]
    rejects: bool,
    check: Option<String>,
    overrides: Option<String>,
    delegates: Option<String>,
    to: Option<String>,
    #[serde(default = "passed")]
    status: String,
}

fn update() -> String {
    "update".to_owned()
}

fn one() -> usize {
    1
}

fn passed() -> String {
    Status::Passed.word().to_owned()
}

fn hour() -> String {
    "1h".to_owned()
}

/// Why a case could not be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// Not a target.
    #[error("its target cannot be read")]
    Target(#[from] TargetError),
    /// Not an action.
    #[error("its action is {0}")]
    Action(#[from] NotAnAction),
    /// A target without its action, or the other way round.
    #[error("a gate has the target env:NAME and the action gate:NAME")]
    HalfAGate,
    /// Asking for it would end with 2.
    #[error("the policy knows no such gate")]
    UnknownGate,
    /// Not a moment in UTC.
    #[error("its time is {0}")]
    Time(#[from] NotATime),
    /// Not a length of time.
    #[error("the age of a token cannot be read")]
    Age(#[from] humantime::DurationError),
    /// Not a name.
    #[error("a token names nobody, no role, no check or no rule")]
    Name(#[from] NameError),
    /// A check neither passed nor failed.
    #[error("a check is neither passed nor failed but {0}")]
    Status(String),
    /// Nobody of this name has a key in the policy.
    #[error("{0} has no key in the policy")]
    NoKey(PrincipalId),
    /// There are fewer commits.
    #[error("a token is about commit {0}, and there is none")]
    NoCommit(usize),
    /// Not a token that could be signed.
    #[error("a token cannot be written")]
    Message(#[from] MessageError),
    /// As before, found when it was signed.
    #[error("a token cannot be signed")]
    Token(#[from] TokenError),
    /// A digest that is no id.
    #[error("a commit has no id")]
    Id(#[from] IdError),
}

/// Gives everybody who has keys one whose secret half is known here, so that cases can sign for them.
pub fn with_known_keys(mut policy: Policy) -> Policy {
    for (who, principal) in &mut policy.principals {
        if !principal.keys.is_empty() {
            let public = PublicKey::new(secret(who).verifying_key().to_bytes());
            principal.keys = public.into_iter().collect();
        }
    }
    policy
}

fn secret(who: &PrincipalId) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(format!("key of {who}")).into())
}

impl Case {
    /// Judges the push by `policy`, which must come from [`with_known_keys`].
    ///
    /// # Errors
    /// [`CaseError`] for a case that makes no sense.
    pub fn decide(&self, policy: &Policy) -> Result<Decision, CaseError> {
        let now = Timestamp::parse(&self.time.map_or_else(|| NOW.to_owned(), |time| time.to_string()))?;
        let update = self.update()?;
        match (&update.target, update.action()) {
            (Target::Environment(_), action @ Action::Gate(_)) => {
                let gate = update.tips.first().and_then(|tip| Gate::of(&update.target, action, *tip));
                gate.filter(|gate| policy.knows_gate(gate)).ok_or(CaseError::UnknownGate)?;
            }
            (Target::Environment(_), _) | (_, Action::Gate(_)) => return Err(CaseError::HalfAGate),
            _ => {}
        }
        let tokens = self.tokens.iter().map(|token| token.sign(policy, &update, now)).collect::<Result<Vec<_>, _>>()?;
        let push = Push {
            repository: REPOSITORY.to_owned(),
            pusher: Pusher { login: self.pusher.clone(), source: "case".to_owned() },
            unknown_pusher_allowed: false,
            updates: vec![update],
        };
        Ok(evaluate(policy, &push, &tokens, now))
    }

    /// The commits in one line on the old value; all of them are new to every rule. A gate without any is asked for the first time.
    fn update(&self) -> Result<RefUpdate, CaseError> {
        let target = Target::parse(&self.target)?;
        let action = Action::parse(&self.action)?;
        let kind = if target.as_git_ref().is_some() { IdKind::GitSha1 } else { IdKind::HgSha1 };
        let id = |place: usize| ChangesetId::from_bytes(kind, &Sha256::digest(format!("commit {place}"))[..20]);
        let is_gate = action.gate().is_some();
        let is_first = action == Action::Create || (is_gate && self.commits.is_empty());
        let old = if is_first { Vec::new() } else { vec![id(0)?] };
        let mut changesets = Vec::new();
        for (place, commit) in (1..).zip(&self.commits) {
            let parents = if place == 1 { old.clone() } else { vec![id(place - 1)?] };
            changesets.push(commit.changeset(id(place)?, parents));
        }
        let paths: BTreeSet<RepoPath> = changesets.iter().flat_map(|one| one.own_paths.clone()).flatten().collect();
        let tip = changesets.last().map_or(id(0)?, |changeset| changeset.id);
        let new = if action == Action::Delete { Vec::new() } else { vec![tip] };
        let lines = Some(self.commits.iter().map(|commit| commit.lines).sum());
        changesets.reverse();
        // Going forward a gate compares nothing; the first time nobody knows with what.
        let tip_changes = match (is_gate, is_first) {
            (true, true) => vec![TipChange { tip, paths: None, lines: None }],
            (true, false) => Vec::new(),
            (false, _) => vec![TipChange { tip, paths: Some(paths.into_iter().collect()), lines }],
        };
        let update = RefUpdate::new(target, vec![action], old, new);
        Ok(RefUpdate { tips: vec![tip], changesets, tip_changes, ..update })
    }
}

impl CommitCase {
    fn changeset(&self, id: ChangesetId, parents: Vec<ChangesetId>) -> Changeset {
        let trailer =
            |(key, value): (&String, &String)| Trailer { key: key.clone().into(), value: value.clone().into() };
        Changeset {
            id,
            parents,
            authors: self.authors.iter().map(|author| author.clone().into_bytes()).collect(),
            committer: None,
            summary: Vec::new(),
            own_paths: Some(self.paths.iter().map(|path| RepoPath::new(path.as_bytes())).collect()),
            lines: Some(self.lines),
            trailers: Some(self.labels.iter().map(trailer).collect()),
        }
    }
}

impl TokenCase {
    fn kind(&self) -> Result<Kind, CaseError> {
        Ok(match (&self.check, &self.overrides, &self.delegates) {
            (_, _, Some(role)) => Kind::Delegate {
                role: RoleName::new(role)?,
                to: PrincipalId::new(self.to.as_deref().unwrap_or_default())?,
            },
            (_, Some(rule), _) => Kind::Override(RuleName::new(rule)?),
            (Some(name), ..) => Kind::Attest {
                check: CheckName::new(name)?,
                status: Status::parse(&self.status).ok_or_else(|| CaseError::Status(self.status.clone()))?,
            },
            _ if self.rejects => Kind::Reject,
            _ => Kind::Approve,
        })
    }

    fn sign(&self, policy: &Policy, update: &RefUpdate, now: Timestamp) -> Result<SignedToken, CaseError> {
        let who = PrincipalId::new(&self.by)?;
        let key = policy.principals.get(&who).and_then(|principal| principal.keys.first());
        let key = *key.ok_or_else(|| CaseError::NoKey(who.clone()))?;
        let subject = match self.commit {
            None => update.tips.first(),
            Some(place) => update.changesets.iter().rev().nth(place.wrapping_sub(1)).map(|changeset| &changeset.id),
        };
        let subject = *subject.ok_or(CaseError::NoCommit(self.commit.unwrap_or(0)))?;
        let role = self.role.as_deref().map(RoleName::new).transpose()?;
        let signed_at = now.minus(Span::parse(&self.age)?);
        let mut token = Token {
            kind: self.kind()?,
            repository: REPOSITORY.to_owned(),
            subject: Some(subject),
            target: Some(update.target.clone()),
            action: Some(update.action().clone()),
            base: update.old.clone(),
            content: None,
            role: role.map_or(RoleChoice::Any, RoleChoice::Only),
            not_before: signed_at,
            not_after: Some(signed_at.plus(Span::days(30))),
            nonce: [0; 16],
            reason: self.reason.clone(),
        };
        if let Kind::Attest { .. } | Kind::Delegate { .. } = token.kind {
            token = Token { target: None, action: None, base: Vec::new(), ..token };
        }
        if let Kind::Delegate { .. } = token.kind {
            token.subject = None;
        }
        let message = token.message()?;
        let signature = secret(&who).sign(&signed_bytes(message.as_bytes())).to_bytes();
        Ok(SignedToken::from_parts(token, key, signature)?)
    }
}
