//! The policy as evaluation uses it: every name resolved, every value checked.

use super::{LargerThan, Patterns, Window};
use crate::domain::approval::PublicKey;
use crate::domain::approval::quorum::Requirement;
use crate::domain::change::{Action, RefUpdate, Target, TargetKind, Trailer};
use crate::domain::name::{CheckName, EnvironmentName, PrincipalId, RoleName, RuleName, WindowName};
use crate::domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What happens to a ref update that no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultAnswer {
    /// It is let in.
    Allow,
    /// It is refused.
    Deny,
}

/// Whether a rule denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An unmet rule refuses the push.
    Enforce,
    /// An unmet rule is said and recorded; the push is let in as far as this rule goes.
    Observe,
}

/// What an approval is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// The changesets that it covers.
    Commit,
    /// Their changes: it counts for others that change the same.
    Content,
}

/// A checked policy. It was loaded whole or not at all.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The answer where no rule matches.
    pub default: DefaultAnswer,
    /// Everyone whom the policy knows.
    pub principals: BTreeMap<PrincipalId, Principal>,
    /// The roles, with nested ones resolved.
    pub roles: BTreeMap<RoleName, Role>,
    /// The named sets of refs.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// The named parts of the time.
    pub windows: BTreeMap<WindowName, Window>,
    /// The checks, each with the role whose attestations count.
    pub checks: BTreeMap<CheckName, RoleName>,
    /// The rules, in the order of the files' names and of the rules in them. The order has no meaning.
    pub rules: Vec<Rule>,
    /// SHA-256 over the files: for each in the order of names, name, NUL, length in decimal, NUL, content.
    pub digest: [u8; 32],
}

/// Somebody, or some service.
#[derive(Debug, Clone, Default)]
pub struct Principal {
    /// The keys whose signatures are theirs.
    pub keys: Vec<PublicKey>,
    /// E-mail addresses as author, committer, co-author; lowercase in ASCII.
    pub emails: Vec<String>,
    /// Logins as pusher.
    pub logins: Vec<String>,
    /// From this moment on nothing of theirs counts.
    pub valid_until: Option<Timestamp>,
}

/// A group that may fill places.
#[derive(Debug, Clone)]
pub struct Role {
    /// All members, those of nested roles included.
    pub members: BTreeSet<PrincipalId>,
    /// Whether a member may let somebody else stand in.
    pub delegable: bool,
}

/// A named set of refs.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Git branches and Mercurial named branches.
    pub branches: Option<Patterns>,
    /// Git tags and Mercurial tags.
    pub tags: Option<Patterns>,
    /// Mercurial bookmarks.
    pub bookmarks: Option<Patterns>,
}

/// What a counting token's reason must be.
#[derive(Debug, Clone)]
pub enum ReasonRule {
    /// Anything but nothing.
    Required,
    /// A text in which the expression finds a match.
    Matches(regex::Regex),
}

impl fmt::Display for ReasonRule {
    /// Writes what is asked for, such as ``a reason that matches `[A-Z]+-[0-9]+` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("a reason"),
            Self::Matches(expression) => write!(f, "a reason that matches `{expression}`"),
        }
    }
}

/// Which targets a rule is about. Every key that is given must match.
#[derive(Debug, Clone, Default)]
pub struct TargetPatterns {
    /// `branches`.
    pub branches: Option<Patterns>,
    /// `tags`.
    pub tags: Option<Patterns>,
    /// `bookmarks`.
    pub bookmarks: Option<Patterns>,
    /// `refs`: full Git refnames.
    pub refs: Option<Patterns>,
    /// `environments`: any of these.
    pub environments: Option<Vec<EnvironmentName>>,
}

/// When a rule is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// While the window holds.
    During(WindowName),
    /// While it does not.
    Outside(WindowName),
}

/// Who may pass a rule in an emergency, and what follows.
#[derive(Debug, Clone)]
pub struct Override {
    /// So many people of this role.
    pub requirement: Requirement,
    /// An override older than this no longer counts.
    pub ttl: Span,
    /// How soon somebody else is to look at it.
    pub review_within: Span,
}

/// Who is told besides when a request that the rule asks about waits for long.
#[derive(Debug, Clone)]
pub struct Escalation {
    /// So long after it was opened.
    pub after: Span,
    /// The members of these roles.
    pub notify: BTreeSet<RoleName>,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// The file that it stands in, and the line (from 1) of its `[[rule]]`.
    pub place: (String, usize),
    /// Which targets.
    pub targets: TargetPatterns,
    /// Which paths; `None`: every commit, whatever it touches.
    pub paths: Option<Patterns>,
    /// Which labels, by key in lower case; each must match.
    pub labels: BTreeMap<String, Patterns>,
    /// How large an update must be.
    pub larger_than: Option<LargerThan>,
    /// When; `None`: always.
    pub when: Option<When>,
    /// Which actions; `None`: all but gates.
    pub actions: Option<BTreeSet<Action>>,
    /// All of these must be filled.
    pub require: Vec<Requirement>,
    /// If not empty, one of these lists must be filled too.
    pub any_of: Vec<Vec<Requirement>>,
    /// Checks that must hold for each tip, each with the role whose attestations count.
    pub checks: BTreeMap<CheckName, RoleName>,
    /// Never let in.
    pub deny: bool,
    /// An approval older than this no longer counts.
    pub ttl: Span,
    /// Whether the authors, committers and the pusher may count.
    pub self_approval: bool,
    /// Whether one person fills one place only.
    pub distinct_people: bool,
    /// Whether approvals and rejections follow a change to other changesets.
    pub bind: Bind,
    /// Whether a token's base must still be the target's value.
    pub up_to_date: bool,
    /// Branches whose commits no longer make their authors "self".
    pub promoted_from: Option<Patterns>,
    /// What reasons must look like.
    pub reason: Option<ReasonRule>,
    /// Whether every author must be a principal.
    pub authors_known: bool,
    /// Whether the pusher must be a principal.
    pub pushers_known: bool,
    /// Who may pass it in an emergency; `None`: nobody.
    pub overriding: Option<Override>,
    /// Who is told when a request waits for long; `None`: nobody.
    pub escalation: Option<Escalation>,
    /// Whether a kept request that it matches lands by itself once it is met.
    pub lands_itself: bool,
    /// Whether it denies.
    pub mode: Mode,
    /// What to say when it is unmet.
    pub message: Option<String>,
}

impl Rule {
    /// Tells whether the rule asks for approvals.
    pub fn asks_approvals(&self) -> bool {
        !self.require.is_empty() || !self.any_of.is_empty()
    }

    /// Tells whether tokens of any kind can change what the rule answers.
    pub fn asks_tokens(&self) -> bool {
        self.asks_approvals() || !self.checks.is_empty() || self.overriding.is_some()
    }

    /// Returns what is asked of those who pass the rule in an emergency: their signatures with a reason, counted as approvals of the rule
    /// are, and nothing else.
    pub fn in_emergency(&self) -> Option<Self> {
        let Override { requirement, ttl, .. } = self.overriding.as_ref()?;
        Some(Self {
            require: vec![requirement.clone()],
            any_of: Vec::new(),
            checks: BTreeMap::new(),
            deny: false,
            ttl: *ttl,
            reason: Some(ReasonRule::Required),
            authors_known: false,
            pushers_known: false,
            ..self.clone()
        })
    }

    /// Returns every role that the rule names in `require` or `any_of`.
    pub fn roles(&self) -> BTreeSet<&RoleName> {
        let alternatives = self.any_of.iter().flatten();
        self.require.iter().chain(alternatives).map(|entry| &entry.role).collect()
    }

    /// Tells whether approvals of other changesets count for the rule if these change the same.
    pub fn follows_content(&self) -> bool {
        self.bind == Bind::Content
    }

    /// Tells whether the rule is about some commits only, not about all of its targets.
    pub fn picks_commits(&self) -> bool {
        self.paths.is_some() || !self.labels.is_empty()
    }

    /// Tells whether a commit with these trailers carries the labels that the rule is about.
    ///
    /// For each key one value must match; a commit without the key matches a list that takes everything but what it names.
    pub fn labelled(&self, trailers: &[Trailer]) -> bool {
        self.labels.iter().all(|(key, list)| {
            let mut values = trailers.iter().filter(|one| one.key.eq_ignore_ascii_case(key.as_bytes())).peekable();
            match values.peek() {
                Some(_) => values.any(|one| list.matches(&one.value)),
                None => list.starts_from_all(),
            }
        })
    }

    /// Tells whether the rule is about `action`.
    pub fn names_action(&self, action: &Action) -> bool {
        match &self.actions {
            Some(actions) => actions.contains(action),
            None => !matches!(action, Action::Gate(_)),
        }
    }
}

impl Policy {
    /// Tells whether `rule` names `target`, leaving its actions and paths aside.
    pub fn names_target(&self, rule: &Rule, target: &Target) -> bool {
        let (kind, name) = target.kind_and_name();
        let of_kind = |patterns: &Option<Patterns>, wanted: TargetKind| {
            patterns.as_ref().is_none_or(|list| kind == wanted && list.matches(name))
        };
        let targets = &rule.targets;
        of_kind(&targets.branches, TargetKind::Branch)
            && of_kind(&targets.tags, TargetKind::Tag)
            && of_kind(&targets.bookmarks, TargetKind::Bookmark)
            && targets.refs.as_ref().is_none_or(|list| target.as_git_ref().is_some_and(|full| list.matches(full)))
            && targets.environments.as_ref().is_none_or(|names| names.iter().any(|name| self.holds(name, target)))
    }

    /// Tells whether `target` belongs to the environment `name`.
    pub fn holds(&self, name: &EnvironmentName, target: &Target) -> bool {
        let (kind, short) = target.kind_and_name();
        if let Target::Environment(asked) = target {
            return asked == name;
        }
        let Some(environment) = self.environments.get(name) else { return false };
        let patterns = match kind {
            TargetKind::Branch => &environment.branches,
            TargetKind::Tag => &environment.tags,
            TargetKind::Bookmark => &environment.bookmarks,
            TargetKind::Ref | TargetKind::Environment => &None,
        };
        patterns.as_ref().is_some_and(|list| list.matches(short))
    }

    /// Returns the rules that name the target and one of the actions of `update`.
    pub fn rules_for<'a>(&'a self, update: &'a RefUpdate) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().filter(|rule| {
            self.names_target(rule, &update.target) && update.actions.iter().any(|action| rule.names_action(action))
        })
    }

    /// Tells whether `rule` is in force at the moment `at`; it is if its window is not known.
    pub fn in_force(&self, rule: &Rule, at: Timestamp) -> bool {
        let holds = |name: &WindowName| self.windows.get(name).map(|window| window.holds(at));
        match &rule.when {
            None => true,
            Some(When::During(name)) => holds(name) != Some(false),
            Some(When::Outside(name)) => holds(name) != Some(true),
        }
    }

    /// Returns the principal who holds `key`.
    pub fn holder(&self, key: &PublicKey) -> Option<&PrincipalId> {
        self.principals.iter().find(|(_, who)| who.keys.contains(key)).map(|(name, _)| name)
    }

    /// Returns the principal with the e-mail address `mail`, compared without ASCII case.
    pub fn owner_of_email(&self, mail: &[u8]) -> Option<&PrincipalId> {
        let same = |known: &String| known.as_bytes().eq_ignore_ascii_case(mail);
        self.principals.iter().find(|(_, who)| who.emails.iter().any(same)).map(|(name, _)| name)
    }

    /// Returns the principal who pushes as `login`, compared exactly.
    pub fn owner_of_login(&self, login: &str) -> Option<&PrincipalId> {
        self.principals.iter().find(|(_, who)| who.logins.iter().any(|l| l == login)).map(|(name, _)| name)
    }

    /// Returns everyone who may be behind `login`: logins compared without ASCII case, for some transports pass on what was
    /// typed. Nobody of these approves what `login` pushes.
    pub fn likely_owners_of_login<'a>(&'a self, login: &'a str) -> impl Iterator<Item = &'a PrincipalId> {
        let behind = move |who: &Principal| who.logins.iter().any(|known| known.eq_ignore_ascii_case(login));
        self.principals.iter().filter(move |(_, who)| behind(who)).map(|(name, _)| name)
    }

    /// Tells whether `who` holds `role`.
    pub fn holds_role(&self, who: &PrincipalId, role: &RoleName) -> bool {
        self.roles.get(role).is_some_and(|role| role.members.contains(who))
    }
}
