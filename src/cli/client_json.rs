//! Decisions and tokens of a client as data. The names of fields are stable; a field that does not apply is `null`.

use crate::domain::approval::quorum::Requirement;
use crate::domain::approval::{Kind, RoleChoice, SignedToken};
use crate::domain::change::ChangesetId;
use crate::domain::name::PrincipalId;
use crate::domain::policy::{
    Checked, Counted, DefaultAnswer, Mode, ReasonRule, RuleOutcome, Unmet, UpdateDecision, Verdict,
};
use serde_json::{Value, json};

/// An update: `target`, `action`, `old`, `new`, `verdict` (`allow`, `deny`), `default` (`allow`, `deny`, null where a rule
/// enforces), `rules`.
pub fn update(update: &UpdateDecision) -> Value {
    json!({
        "target": update.target.to_string(),
        "action": update.action.to_string(),
        "old": ids(&update.old),
        "new": ids(&update.new),
        "verdict": verdict(update.verdict()),
        "default": update.default.map(|answer| match answer {
            DefaultAnswer::Allow => "allow",
            DefaultAnswer::Deny => "deny",
        }),
        "rules": update.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

/// `allow` or `deny`.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
    }
}

/// A rule: `rule`, `mode` (`enforce`, `observe`), `met`, `require`, `any_of`, `reason` (`required`, an expression, null), `matched` (ids), `unmet` (texts), `missing` (role,
/// approvals, for commits), `overridden` (token, who, role), `could_override`, `checks` (check, role, commit, holds, status, who, token), `counted` (token, who, role, for), `not_counted` (token, who, why), `could_sign`, `message`.
fn rule(rule: &RuleOutcome) -> Value {
    let missing: Vec<Value> = rule.unmet.iter().flat_map(missing).collect();
    let not_counted = rule.not_counted.iter().map(|one| {
        let who = one.who.as_ref().map(PrincipalId::as_str);
        json!({ "token": one.token.to_string(), "who": who, "why": one.why.to_string() })
    });
    let any_of: Vec<Value> = rule.any_of.iter().map(|list| requirements(list)).collect();
    json!({
        "rule": rule.rule.as_str(),
        "mode": match rule.mode { Mode::Enforce => "enforce", Mode::Observe => "observe" },
        "met": rule.is_met(),
        "require": requirements(&rule.require),
        "any_of": any_of,
        "reason": rule.reason.as_ref().map(|reason| match reason {
            ReasonRule::Required => "required",
            ReasonRule::Matches(expression) => expression.as_str(),
        }),
        "matched": ids(&rule.matched),
        "unmet": rule.unmet.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "missing": missing,
        "overridden": rule.overridden_by().iter().map(counted).collect::<Vec<_>>(),
        "could_override": rule.overriding.iter().flat_map(|one| &one.could_sign).map(PrincipalId::as_str).collect::<Vec<_>>(),
        "checks": rule.checks.iter().map(check).collect::<Vec<_>>(),
        "counted": rule.counted.iter().map(counted).collect::<Vec<_>>(),
        "not_counted": not_counted.collect::<Vec<_>>(),
        "could_sign": rule.could_sign.iter().map(PrincipalId::as_str).collect::<Vec<_>>(),
        "message": rule.message,
    })
}

fn counted(one: &Counted) -> Value {
    let stands_in_for = one.stands_in.as_ref().map(|(from, _)| from.as_str());
    json!({ "token": one.token.to_string(), "who": one.who.as_str(), "role": one.role.as_str(), "for": stands_in_for })
}

fn check(checked: &Checked) -> Value {
    let newest = checked.newest.as_ref();
    json!({
        "check": checked.check.as_str(),
        "role": checked.role.as_str(),
        "commit": checked.tip.to_string(),
        "holds": checked.holds(),
        "status": newest.map(|one| one.status.word()),
        "who": newest.map(|one| one.by.as_str()),
        "token": newest.map(|one| one.token.to_string()),
    })
}

fn missing(unmet: &Unmet) -> Vec<Value> {
    let Unmet::Approvals { changesets, filled } = unmet else { return Vec::new() };
    let lacking = filled.iter().filter(|entry| entry.missing() > 0);
    lacking
        .map(|entry| {
            json!({
                "role": entry.requirement.role.as_str(),
                "approvals": entry.missing(),
                "commits": ids(changesets),
            })
        })
        .collect()
}

fn requirements(list: &[Requirement]) -> Value {
    list.iter().map(|entry| json!({ "role": entry.role.as_str(), "approvals": entry.approvals })).collect()
}

fn ids(list: &[ChangesetId]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A token: `id`, `kind` (`approve`, `reject`, `revoke`, `attest`, `override`, `review`, `delegate`), `who` (null for a key that the policy does not list), `key`, `repository`,
/// `subject`, `revokes`, `check`, `status` (`passed`, `failed`), `rule`, `delegates` (`role`, `to`), `target`, `action`, `base`, `role` (null: any), `not_before`, `not_after`, `reason`, `token` (its text).
pub fn token(signed: &SignedToken, who: Option<&PrincipalId>) -> Value {
    let token = &signed.token;
    let revokes = match &token.kind {
        Kind::Revoke(id) => Some(id.to_string()),
        _ => None,
    };
    let (check, status) = match &token.kind {
        Kind::Attest { check, status } => (Some(check.as_str()), Some(status.word())),
        _ => (None, None),
    };
    let delegation = match &token.kind {
        Kind::Delegate { role, to } => Some((role, to)),
        _ => None,
    };
    let rule = match &token.kind {
        Kind::Override(rule) | Kind::Review(rule) => Some(rule.as_str()),
        _ => None,
    };
    let role = match &token.role {
        RoleChoice::Any => None,
        RoleChoice::Only(role) => Some(role.as_str()),
    };
    json!({
        "id": signed.id.to_string(),
        "kind": token.kind.word(),
        "who": who.map(PrincipalId::as_str),
        "key": signed.key.to_string(),
        "repository": token.repository,
        "subject": token.subject.map(|id| id.to_string()),
        "revokes": revokes,
        "check": check,
        "status": status,
        "rule": rule,
        "delegates": delegation.map(|(role, to)| json!({ "role": role.as_str(), "to": to.as_str() })),
        "target": token.target.as_ref().map(ToString::to_string),
        "action": token.action.as_ref().map(ToString::to_string),
        "base": ids(&token.base),
        "role": role,
        "not_before": token.not_before.to_string(),
        "not_after": token.not_after.map(|time| time.to_string()),
        "reason": token.reason,
        "token": signed.text,
    })
}
