//! What one rule had to say when a push was let in: whose approvals it counted, and when these were signed.

use crate::domain::approval::{Kind, Token, TokenId};
use crate::domain::audit::{Counted, Decision, RuleRecord, UpdateRecord};
use crate::domain::change::Target;
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::policy::Mode;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An allowed push of which nobody has said yet what became of it.
#[derive(Debug)]
pub(super) struct Accepted {
    /// When it was let in.
    pub at: Timestamp,
    /// Each target with what its enforcing rules had to say.
    pub updates: Vec<(Target, Vec<Part>)>,
}

/// What one rule had to say.
#[derive(Debug)]
pub(super) struct Part {
    /// The rule.
    pub rule: RuleName,
    /// Whether it was passed in an emergency.
    pub overridden: bool,
    /// Whether somebody approved.
    pub approved: bool,
    /// When the first person signed something that counted.
    pub first: Option<Timestamp>,
    /// When the last token was signed that counted: then it was met.
    pub met: Option<Timestamp>,
    /// When the last of each role was.
    pub roles: BTreeMap<RoleName, Timestamp>,
    /// Who approved or overrode, and when.
    pub signers: BTreeSet<(TokenId, PrincipalId, Timestamp)>,
}

impl Accepted {
    /// Reads an allowed decision of the moment `at`.
    pub fn of(at: Timestamp, decision: &Decision) -> Self {
        let parts = |update: &UpdateRecord| {
            let enforcing = update.rules.iter().filter(|rule| rule.mode == Mode::Enforce);
            enforcing.map(|rule| Part::of(rule, decision)).collect()
        };
        Self { at, updates: decision.updates.iter().map(|update| (update.target.clone(), parts(update))).collect() }
    }
}

impl Part {
    fn of(record: &RuleRecord, decision: &Decision) -> Self {
        let mut part = Self {
            rule: record.name.clone(),
            overridden: !record.overridden.is_empty(),
            approved: false,
            first: None,
            met: None,
            roles: BTreeMap::new(),
            signers: BTreeSet::new(),
        };
        for counted in record.counted.iter().chain(&record.overridden) {
            part.take(counted, decision);
        }
        part
    }

    fn take(&mut self, counted: &Counted, decision: &Decision) {
        // Whatever counted stands in the log with its text; of an entry that somebody shortened nothing is known.
        let text = decision.tokens.get(&counted.token);
        let Some((kind, at)) = text.and_then(|text| Token::stamp_of_verified(text).ok()) else { return };
        if !matches!(kind, Kind::Attest { .. }) {
            self.approved |= kind == Kind::Approve;
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.signers.insert((counted.token, counted.principal.clone(), at));
        }
        self.met = self.met.max(Some(at));
        let of_role = self.roles.entry(counted.role.clone()).or_insert(at);
        *of_role = at.max(*of_role);
    }
}
