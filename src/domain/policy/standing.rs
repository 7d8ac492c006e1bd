//! What a token is worth to a rule, whichever changesets it covers (docs/spec/semantics.md, 6 to 11).

use super::coverage::Graph;
use super::{Policy, ReasonRule, Rule, Why};
use crate::domain::approval::{Kind, RoleChoice, SignedToken, Token, TokenId};
use crate::domain::change::{ChangesetId, Push, RefUpdate};
use crate::domain::name::{PrincipalId, RoleName};
use crate::domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How far a signer's clock may run ahead of the server's.
pub const LEEWAY: Span = Span::seconds(5 * 60);

/// How long a rejection holds at most.
const REJECTION_HOLDS: Span = Span::days(30);

/// A rejection that stands.
#[derive(Debug, Clone)]
pub struct Rejection<'a> {
    /// Its token.
    pub token: &'a SignedToken,
    /// The rejected changeset of the update: its subject, or where the same changes end.
    pub subject: ChangesetId,
    /// Who rejected.
    pub by: PrincipalId,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// A place that somebody else may fill for a member of a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delegation {
    /// Since when; of several that are good the newest is used.
    since: Timestamp,
    /// Its token.
    pub token: TokenId,
    /// The role.
    pub role: RoleName,
    /// Whose place it is.
    pub from: PrincipalId,
    /// Who may fill it.
    pub to: PrincipalId,
}

/// What an approval can stand for.
#[derive(Debug, Clone)]
pub struct Worth {
    /// Who signed it.
    pub who: PrincipalId,
    /// The roles of the rule that its signer holds.
    pub roles: BTreeSet<RoleName>,
    /// The places of others, in roles of the rule, that its signer may fill instead.
    pub delegated: Vec<Delegation>,
}

/// All tokens that stand at one moment for one update, with whose they are.
pub struct Standing<'a> {
    policy: &'a Policy,
    push: &'a Push,
    update: &'a RefUpdate,
    graph: &'a Graph<'a>,
    now: Timestamp,
    /// For each revoked token, the principals who revoked it.
    revoked: BTreeMap<TokenId, BTreeSet<PrincipalId>>,
    /// Every rejection that was ever signed for this target, also revoked and expired ones.
    rejections: Vec<(&'a SignedToken, &'a PrincipalId)>,
    /// The delegations that are good now, newest first.
    delegations: Vec<Delegation>,
}

impl<'a> Standing<'a> {
    /// Looks through `tokens` for revocations and rejections that concern the update of `graph`.
    pub fn new(
        policy: &'a Policy,
        push: &'a Push,
        graph: &'a Graph<'a>,
        tokens: &'a [SignedToken],
        now: Timestamp,
    ) -> Self {
        let update = graph.update();
        let mut revoked: BTreeMap<TokenId, BTreeSet<PrincipalId>> = BTreeMap::new();
        let mut rejections = Vec::new();
        for signed in tokens {
            let Some(by) = policy.holder(&signed.key) else { continue };
            let token = &signed.token;
            if token.repository != push.repository || token.not_before > now.plus(LEEWAY) {
                continue;
            }
            match &token.kind {
                Kind::Revoke(id) => {
                    revoked.entry(*id).or_default().insert(by.clone());
                }
                Kind::Reject if token.target.as_ref() == Some(&update.target) => rejections.push((signed, by)),
                _ => {}
            }
        }
        let mut standing = Self { policy, push, update, graph, now, revoked, rejections, delegations: Vec::new() };
        let mut good: Vec<Delegation> = tokens.iter().filter_map(|signed| standing.delegation(signed)).collect();
        good.sort_by(|one, other| other.cmp(one));
        standing.delegations = good;
        standing
    }

    /// Reads a delegation that is good now: by a member, of a role that can be delegated, to somebody else whom the policy knows.
    ///
    /// Only membership counts, so that what was delegated cannot be passed on.
    fn delegation(&self, signed: &SignedToken) -> Option<Delegation> {
        let Kind::Delegate { role, to } = &signed.token.kind else { return None };
        let from = self.signer(signed).ok()?;
        let delegable = self.policy.roles.get(role).is_some_and(|role| role.delegable);
        let is_good = delegable
            && from != to
            && self.policy.holds_role(from, role)
            && self.policy.principals.contains_key(to)
            && self.end(signed).is_none();
        let (role, from, to) = (role.clone(), from.clone(), to.clone());
        is_good.then_some(Delegation { since: signed.token.not_before, token: signed.id, role, from, to })
    }

    /// Returns the places of others that `who` may fill in `role`.
    fn delegated<'s>(&'s self, who: &'s PrincipalId, role: &'s RoleName) -> impl Iterator<Item = &'s Delegation> {
        self.delegations.iter().filter(move |one| one.to == *who && one.role == *role)
    }

    /// Tells whether `who` holds `role`, or stands in for somebody who does.
    fn can_fill(&self, who: &PrincipalId, role: &RoleName) -> bool {
        self.policy.holds_role(who, role) || self.delegated(who, role).next().is_some()
    }

    fn is_revoked(&self, token: &TokenId, by: &PrincipalId) -> bool {
        self.revoked.get(token).is_some_and(|people| people.contains(by))
    }

    /// Returns when the principal's place in the policy ended, if it has.
    pub fn ended(&self, who: &PrincipalId) -> Option<Timestamp> {
        let until = self.policy.principals.get(who)?.valid_until?;
        (self.now >= until).then_some(until)
    }

    /// Tells whether `who` has a key and still a place in the policy.
    pub fn can_sign(&self, who: &PrincipalId) -> bool {
        let has_key = self.policy.principals.get(who).is_some_and(|principal| !principal.keys.is_empty());
        has_key && self.ended(who).is_none()
    }

    /// Returns the changeset of the update up to which `token` speaks to `rule`: its subject, or, if the rule follows the
    /// content, the one up to which the same changes stand in the update; an override follows nothing. `None`: it is about
    /// something else.
    pub fn end_of(&self, token: &Token, rule: &Rule) -> Option<ChangesetId> {
        let is_part = |id: &ChangesetId| self.graph.position(id).is_some() || self.update.tips.contains(id);
        let content = || token.content.filter(|_| rule.follows_content() && !matches!(token.kind, Kind::Override(_)));
        token.subject.filter(is_part).or_else(|| Some(self.update.contents.get(&content()?)?.end))
    }

    /// Tells whether the changes that `token` was signed for landed after that, under whatever ids.
    fn has_landed(&self, token: &Token) -> bool {
        let landing = token.content.and_then(|content| self.update.contents.get(&content));
        let landed_at = landing.and_then(|landing| landing.landed_at);
        landed_at.is_some_and(|at| at >= token.not_before)
            || token.subject.is_some_and(|subject| self.update.held.contains(&subject))
    }

    /// Returns the rejections of a part of the update that hold now and whose signers could approve for `rule`.
    pub fn rejections(&self, rule: &Rule) -> Vec<Rejection<'a>> {
        let roles = rule.roles();
        self.rejections
            .iter()
            .filter_map(|(signed, by)| {
                let subject = self.end_of(&signed.token, rule)?;
                let longest = signed.token.not_before.plus(REJECTION_HOLDS);
                let until = signed.token.not_after.map_or(longest, |end| end.min(longest));
                let holds = self.now < until
                    && !self.is_revoked(&signed.id, by)
                    && self.ended(by).is_none()
                    && roles.iter().any(|role| self.can_fill(by, role));
                holds.then(|| Rejection { token: signed, subject, by: (*by).clone(), until })
            })
            .collect()
    }

    /// Tells whether the signer rejected one of the changesets that `covers` marks at or after the moment of `signed`.
    /// Such an approval never comes back, not even when the rejection is revoked.
    pub fn is_withdrawn(
        &self,
        signed: &SignedToken,
        by: &PrincipalId,
        rule: &Rule,
        covers: &dyn Fn(&ChangesetId) -> bool,
    ) -> bool {
        self.rejections.iter().any(|(rejection, rejector)| {
            *rejector == by
                && rejection.token.not_before >= signed.token.not_before
                && self.end_of(&rejection.token, rule).is_some_and(|end| covers(&end))
        })
    }

    /// Returns the signer of a token that stands now, whatever it says and however long it counts, or why it does not stand.
    pub fn signer(&self, signed: &SignedToken) -> Result<&'a PrincipalId, NotWorth> {
        let token = &signed.token;
        let Some(who) = self.policy.holder(&signed.key) else {
            return Err(NotWorth { who: None, why: Why::UnknownKey(signed.key.to_string()) });
        };
        let refuse = |why: Why| Err(NotWorth { who: Some(who.clone()), why });
        if token.repository != self.push.repository {
            return refuse(Why::OtherRepository(token.repository.clone()));
        }
        if let Some(until) = self.ended(who) {
            return refuse(Why::SignerExpired(until));
        }
        if self.is_revoked(&signed.id, who) {
            return refuse(Why::Revoked);
        }
        if token.not_before > self.now.plus(LEEWAY) {
            return refuse(Why::NotYetValid(token.not_before));
        }
        Ok(who)
    }

    /// Returns when the token itself says that it ended, if that is over. One without an end is malformed; should one get here, it
    /// has ended.
    pub fn end(&self, signed: &SignedToken) -> Option<Timestamp> {
        let end = signed.token.not_after.unwrap_or(signed.token.not_before);
        (self.now >= end).then_some(end)
    }

    /// Returns what an approval can stand for, or why it cannot count for `rule`.
    pub fn worth(&self, signed: &SignedToken, rule: &Rule) -> Result<Worth, NotWorth> {
        let token = &signed.token;
        let who = self.signer(signed)?;
        let refuse = |why: Why| Err(NotWorth { who: Some(who.clone()), why });
        match &token.target {
            Some(target) if *target == self.update.target => {}
            Some(target) => return refuse(Why::OtherTarget(target.clone())),
            None => return refuse(Why::CoversNothing),
        }
        match &token.action {
            Some(action) if action == self.update.action() => {}
            Some(action) => {
                return refuse(Why::OtherAction { signed: action.clone(), asked: self.update.action().clone() });
            }
            None => return refuse(Why::CoversNothing),
        }
        if let Some(why) = self.too_old(signed, rule) {
            return refuse(why);
        }
        if self.update.used.contains(&signed.id) {
            return refuse(Why::Used);
        }
        if let Some(at) = self.update.rewritten_at.filter(|at| *at >= token.not_before) {
            return refuse(Why::Spent(at));
        }
        if self.end_of(token, rule) != token.subject && self.has_landed(token) {
            return refuse(Why::Landed);
        }
        if let Some(why) = self.wrong_base(signed, rule) {
            return refuse(why);
        }
        let roles = rule.roles();
        if let RoleChoice::Only(role) = &token.role
            && (!roles.contains(role) || !self.can_fill(who, role))
        {
            return refuse(Why::OtherRole(role.clone()));
        }
        let meant = roles.into_iter().filter(|role| match &token.role {
            RoleChoice::Any => true,
            RoleChoice::Only(only) => only == *role,
        });
        let mut worth = Worth { who: who.clone(), roles: BTreeSet::new(), delegated: Vec::new() };
        for role in meant {
            if self.policy.holds_role(who, role) {
                worth.roles.insert(role.clone());
            }
            worth.delegated.extend(self.delegated(who, role).cloned());
        }
        if worth.roles.is_empty() && worth.delegated.is_empty() {
            return refuse(Why::NoRole);
        }
        if !reason_fits(&token.reason, rule.reason.as_ref()) {
            return refuse(Why::Reason);
        }
        Ok(worth)
    }

    fn too_old(&self, signed: &SignedToken, rule: &Rule) -> Option<Why> {
        if let Some(end) = self.end(signed) {
            return Some(Why::Expired(end));
        }
        let oldest = signed.token.not_before.plus(rule.ttl);
        (self.now >= oldest).then_some(Why::TooOld { ttl: rule.ttl, since: oldest })
    }

    fn wrong_base(&self, signed: &SignedToken, rule: &Rule) -> Option<Why> {
        let base = &signed.token.base;
        // Whoever signs before a gate is asked for need not know for what it opened last.
        let says_nothing = base.is_empty() && self.update.action().gate().is_some() && !rule.up_to_date;
        if self.update.is_plain_update() {
            if says_nothing {
                return None;
            }
            let known = |id: &ChangesetId| {
                self.update.old.contains(id)
                    || self.update.reachable_bases.contains(id)
                    || self.graph.position(id).is_some()
            };
            if base.is_empty() || !base.iter().all(known) {
                return Some(Why::UnknownBase);
            }
            return (rule.up_to_date && *base != self.update.old).then_some(Why::NotUpToDate);
        }
        if *base != self.update.old && !says_nothing {
            return Some(Why::OtherBase);
        }
        let tip = signed.token.subject.is_some_and(|subject| self.update.tips.contains(&subject));
        (!tip).then_some(Why::NotTheTip)
    }
}

/// An approval that cannot count for a rule.
#[derive(Debug)]
pub struct NotWorth {
    /// Its signer, if the policy knows the key.
    pub who: Option<PrincipalId>,
    /// Why it cannot count.
    pub why: Why,
}

fn reason_fits(reason: &str, rule: Option<&ReasonRule>) -> bool {
    match rule {
        None => true,
        Some(ReasonRule::Required) => !reason.trim().is_empty(),
        Some(ReasonRule::Matches(expression)) => expression.is_match(reason),
    }
}
