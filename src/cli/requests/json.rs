//! Requests as data. The names of fields are stable; a field that does not apply is `null`.

use super::{Details, RequestView, RuleView, TokenView, Trigger};
use crate::domain::change::{ChangedFile, Changeset, ChangesetId};
use crate::domain::name::PrincipalId;
use crate::domain::policy::Mode;
use crate::domain::request::Ended;
use crate::domain::text;
use crate::domain::time::Timestamp;
use serde_json::{Value, json};

/// A request: `request`, `state`, `target`, `action`, `base`, `subject`, `reason`, `requester` (login), `known_by`, `opened`, `waits_until`, `use_before`, `ended` (`how`, `at`,
/// `by`), `kept`, `trouble` (why it cannot be judged), `action_now`, `rules`, `could_sign`, `approvers_type`, `requester_types` (commands).
pub fn view_json(view: &RequestView) -> Value {
    let asked = &view.asked;
    json!({
        "request": asked.id.to_string(),
        "state": view.state_word(),
        "target": asked.target.to_string(),
        "action": asked.action.to_string(),
        "base": ids(&asked.base),
        "subject": asked.subject.to_string(),
        "reason": asked.reason,
        "requester": asked.requester.login,
        "known_by": asked.requester.source,
        "opened": asked.opened.to_string(),
        "waits_until": view.clocks.waits_until.to_string(),
        "use_before": view.clocks.used_by.map(|end| end.to_string()),
        "ended": asked.ended.as_ref().map(ended),
        "kept": asked.kept,
        "obstacle": asked.obstacle.map(|obstacle| obstacle.to_string()),
        "trouble": view.trouble,
        "action_now": view.judged.as_ref().map(|judged| judged.decision.action.to_string()),
        "rules": view.rules.iter().map(rule).collect::<Vec<_>>(),
        "could_sign": people(view.could_sign().iter()),
        "approvers_type": view.approver_commands(),
        "requester_types": view.requester_commands(),
    })
}

/// A request as [`view_json`] gives it, with `commits` (`id`, `authors`, `summary`), `lost`, `files` (`path`, `how`, `added`, `removed`), `added`, `removed`, `matched` (`rule`, `commit`,
/// `paths`, `labels`). Bytes from outside are percent-encoded as in tokens.
pub fn details_json(view: &RequestView, details: &Details) -> Value {
    let mut value = view_json(view);
    let size = &details.effect.size;
    value["commits"] = details.commits.iter().map(commit).collect();
    value["lost"] = details.effect.lost.iter().map(commit).collect();
    value["files"] = size.files.iter().map(file).collect();
    value["added"] = size.added.into();
    value["removed"] = size.removed.into();
    value["matched"] = details.triggers.iter().map(trigger).collect();
    value
}

fn ended(ended: &Ended) -> Value {
    let (how, at, by): (&str, &Timestamp, Option<String>) = match ended {
        Ended::Landed { at } => ("landed", at, None),
        Ended::Cancelled { at } => ("cancelled", at, None),
        Ended::Superseded { at, by } => ("superseded", at, Some(by.to_string())),
    };
    json!({ "how": how, "at": at.to_string(), "by": by })
}

/// A rule: `rule`, `mode`, `met`, `needs` (words), `message`, `tokens`, `not_counted` (`who`, `why`), `could_sign`, `lacks` (roles), `checks` (`check`, `role`, `holds`), `escalates`
/// (`at`, `notify`: roles).
fn rule(rule: &RuleView) -> Value {
    let not_counted = rule.not_counted.iter().map(|(who, why)| {
        let who = who.as_ref().map(PrincipalId::as_str);
        json!({ "who": who, "why": why })
    });
    let checks =
        rule.checks.iter().map(|(check, role, holds)| json!({ "check": check, "role": role.as_str(), "holds": holds }));
    json!({
        "rule": rule.name.as_str(),
        "mode": match rule.mode { Mode::Enforce => "enforce", Mode::Observe => "observe" },
        "met": rule.met,
        "needs": rule.needs,
        "message": rule.message,
        "tokens": rule.tokens.iter().map(token).collect::<Vec<_>>(),
        "not_counted": not_counted.collect::<Vec<_>>(),
        "could_sign": people(rule.could_sign.iter()),
        "lacks": rule.lacks.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "checks": checks.collect::<Vec<_>>(),
        "escalates": rule.escalates.as_ref().map(|(at, roles)| json!({
            "at": at.to_string(),
            "notify": roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        })),
    })
}

/// A token: `token`, `kind` (`signed`, `rejected`), `who`, `role`, `for`, `reason`, `until`.
fn token(token: &TokenView) -> Value {
    json!({
        "token": token.id.to_string(),
        "kind": if token.role.is_some() { "signed" } else { "rejected" },
        "who": token.who.as_str(),
        "role": token.role.as_ref().map(|role| role.as_str()),
        "for": token.stands_in_for.as_ref().map(PrincipalId::as_str),
        "reason": token.reason,
        "until": token.until.map(|end| end.to_string()),
    })
}

fn commit(commit: &Changeset) -> Value {
    json!({
        "id": commit.id.to_string(),
        "authors": commit.authors.iter().map(|mail| text::encode(mail, b"")).collect::<Vec<_>>(),
        "summary": text::encode(&commit.summary, b""),
    })
}

fn file(file: &ChangedFile) -> Value {
    json!({
        "path": text::encode(&file.path, b""),
        "how": file.how.to_string(),
        "added": file.added,
        "removed": file.removed,
    })
}

fn trigger(trigger: &Trigger) -> Value {
    let encoded = |list: &[Vec<u8>]| list.iter().map(|one| text::encode(one, b"")).collect::<Vec<_>>();
    json!({
        "rule": trigger.rule.as_str(),
        "commit": trigger.commit.to_string(),
        "paths": encoded(&trigger.paths),
        "labels": encoded(&trigger.labels),
    })
}

fn people<'a>(list: impl Iterator<Item = &'a PrincipalId>) -> Vec<&'a str> {
    list.map(PrincipalId::as_str).collect()
}

fn ids(list: &[ChangesetId]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
