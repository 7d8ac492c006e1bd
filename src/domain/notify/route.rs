//! Who is told: which notices go to a place, and to which addresses there.

use super::event::Event;
use super::notice::Notice;
use crate::domain::name::{EnvironmentName, RoleName, RuleName};
use crate::domain::policy::{Policy, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// Which notices a place gets: each list that is not empty must name the notice.
///
/// All but the events are about changes: where one of them is given, what is about no change does not come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// What happened.
    pub events: BTreeSet<Event>,
    /// The rules that asked.
    pub rules: BTreeSet<RuleName>,
    /// The roles that these rules ask.
    pub roles: BTreeSet<RoleName>,
    /// The environments that the target belongs to.
    pub environments: BTreeSet<EnvironmentName>,
    /// The labels that these rules are about, by key in lower case, with the values of interest.
    pub labels: BTreeMap<String, Vec<String>>,
}

impl Route {
    /// Tells whether `notice` goes there.
    ///
    /// What nobody can find out, because the policy does not load or a rule has gone from it, counts as named: it is better to
    /// hear of too much.
    pub fn takes(&self, notice: &Notice, policy: Option<&Policy>) -> bool {
        if notice.event == Event::Test {
            return true;
        }
        let known = |name: &RuleName| policy.and_then(|policy| policy.rules.iter().find(|rule| rule.name == *name));
        let any_rule =
            |wanted: &dyn Fn(&Rule) -> bool| notice.rules.iter().any(|rule| known(&rule.name).is_none_or(wanted));
        let named = |rule: &Rule| {
            rule.roles()
                .into_iter()
                .chain(rule.overriding.as_ref().map(|one| &one.requirement.role))
                .chain(escalated(notice, rule))
                .any(|role| self.roles.contains(role))
        };
        let labelled = |rule: &Rule| {
            self.labels.iter().any(|(key, values)| {
                rule.labels.get(key).is_some_and(|list| values.iter().any(|value| list.matches(value.as_bytes())))
            })
        };
        let held = || {
            let Some(about) = &notice.about else { return false };
            policy.is_none_or(|policy| self.environments.iter().any(|name| policy.holds(name, &about.target)))
        };
        (self.events.is_empty() || self.events.contains(&notice.event))
            && (self.rules.is_empty() || notice.rules.iter().any(|rule| self.rules.contains(&rule.name)))
            && (self.roles.is_empty() || any_rule(&named))
            && (self.labels.is_empty() || any_rule(&labelled))
            && (self.environments.is_empty() || held())
    }
}

/// The roles that are told besides, now that a request has waited for long.
fn escalated<'a>(notice: &Notice, rule: &'a Rule) -> impl Iterator<Item = &'a RoleName> {
    let is_told = notice.event == Event::Escalated;
    rule.escalation.iter().filter(move |_| is_told).flat_map(|one| &one.notify)
}

/// Who gets mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// This address.
    Address(String),
    /// The first address of each member.
    Role(RoleName),
}

/// Returns the addresses that `notice` goes to.
///
/// Its requester hears of each outcome, whoever else does, and never of what asks others, under whichever of their addresses. Of what
/// has waited for long the people hear whom the rule names.
pub fn recipients(to: &[Recipient], notice: &Notice, policy: Option<&Policy>) -> BTreeSet<String> {
    let requester = policy.zip(notice.requester.as_deref()).and_then(|(policy, login)| policy.owner_of_login(login));
    let mails = |who| policy.and_then(|policy| policy.principals.get(who)).map_or(&[][..], |one| &one.emails);
    let members = |role| {
        let members = policy.and_then(|policy| policy.roles.get(role)).into_iter().flat_map(|role| &role.members);
        members.filter_map(|who| mails(who).first().cloned())
    };
    let mut found = BTreeSet::new();
    for one in to {
        match one {
            Recipient::Address(address) => found.extend([address.clone()]),
            Recipient::Role(role) => found.extend(members(role)),
        }
    }
    let named = |rule: &&Rule| notice.rules.iter().any(|one| one.name == rule.name);
    let rules = policy.into_iter().flat_map(|policy| &policy.rules).filter(named);
    found.extend(rules.flat_map(|rule| escalated(notice, rule)).flat_map(members));
    if let Some(own) = requester.map(mails) {
        if notice.event.asks() {
            found.retain(|address| !own.iter().any(|mine| mine.eq_ignore_ascii_case(address)));
        } else if notice.event.is_outcome() {
            found.extend(own.first().cloned());
        }
    }
    found
}

#[cfg(test)]
mod tests;
