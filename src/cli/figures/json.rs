//! Figures as one JSON document. The other formats for programs, and the report, say the same.

use super::Gathered;
use crate::domain::metrics::{FEWEST, Figures, Key, LogHealth, Outcome, Spread, Tally};
use serde_json::{Map, Value, json};

/// Writes everything that was found.
pub fn json(gathered: &Gathered) -> Value {
    let Gathered { figures, key, since, now, faults: _ } = gathered;
    let mut document = json!({
        "at": now.to_string(),
        "since": since.map(|since| since.to_string()),
        "fewest": FEWEST,
        "by": key.map(Key::word),
        "logs": figures.logs.iter().map(log).collect::<Vec<_>>(),
        "requests": tally(&figures.requests),
        "rules": named(figures.rules.iter().map(|(rule, part)| (rule.to_string(), tally(part)))),
        "roles": named(figures.role_waits().into_iter().map(|(role, waits)| (role.to_string(), json!(waits)))),
        "rule_roles": named(figures.roles.iter().map(|((rule, role), waits)| (format!("{rule} {role}"), json!(waits)))),
        "hook_milliseconds": figures.hook_ms,
    });
    document["groups"] = named(figures.groups.iter().map(|(group, part)| (group.clone(), tally(part))));
    document["days"] = named(figures.days.iter().map(|(day, one)| {
        let figures = json!({ "opened": one.opened, "closed": one.closed, "time_to_approve": one.time_to_approve });
        (date(*day), figures)
    }));
    document["paths"] = named(figures.paths.iter().map(|(pattern, count)| (pattern.clone(), json!(count))));
    document["notices"] = named(figures.notices.iter().map(|(place, one)| {
        let mut counts = json!(one.deliveries);
        counts["waiting"] = json!(one.waiting.n());
        counts["oldest"] = json!(one.waiting.max());
        (place.to_string(), counts)
    }));
    document["queue"] = queue(&figures.requests.waiting);
    pushes(figures, &mut document);
    people(figures, &mut document);
    document
}

/// How many requests wait for how long.
fn queue(waiting: &Spread) -> Value {
    const HOUR: u64 = 3_600;
    const AGES: [(&str, u64); 6] = [
        ("up to 1h", HOUR),
        ("up to 4h", 4 * HOUR),
        ("up to 8h", 8 * HOUR),
        ("up to 1d", 24 * HOUR),
        ("up to 3d", 72 * HOUR),
        ("longer", u64::MAX),
    ];
    let mut younger = 0;
    let of_age = |(name, age): (&str, u64)| {
        let up_to = waiting.up_to(age);
        json!({ "name": name, "n": up_to - std::mem::replace(&mut younger, up_to) })
    };
    AGES.into_iter().map(of_age).collect()
}

fn pushes(figures: &Figures, document: &mut Value) {
    let pushes = figures.pushes;
    document["pushes"] = json!({
        "accepted": pushes.accepted,
        "refused": pushes.refused,
        "refused_with_nobody_asked": pushes.unasked,
        "overridden": pushes.overridden,
        "freeze_exempt": pushes.freeze_exempt,
        "policy_refusal_rate": pushes.policy_refusal_rate(),
        "override_rate": pushes.override_rate(),
        "freeze_exempt_rate": pushes.freeze_exempt_rate(),
    });
    document["rule_pushes"] = named(figures.rule_pushes.iter().map(|(rule, one)| {
        let counts = json!({
            "met": one.met,
            "unmet": one.unmet,
            "overridden": one.overridden,
            "observed_met": one.observed_met,
            "observed_unmet": one.observed_unmet,
        });
        (rule.to_string(), counts)
    }));
    let overrides = &figures.overrides;
    document["overrides"] = json!({
        "used": overrides.used.values().sum::<u64>(),
        "unreviewed": overrides.unreviewed,
        "overdue": overrides.overdue,
        "time_to_review": overrides.time_to_review,
    });
    document["rule_overrides"] = named(overrides.used.iter().map(|(rule, count)| (rule.to_string(), json!(count))));
}

fn people(figures: &Figures, document: &mut Value) {
    let tokens = &figures.tokens;
    document["tokens"] = json!({ "seen": tokens.seen, "stale": tokens.stale, "stale_rate": tokens.stale_rate() });
    document["refused_tokens"] =
        named(tokens.refused.iter().map(|(reason, count)| (reason.word().to_owned(), json!(count))));
    document["decisions"] = named(figures.decisions.iter().map(|((rule, role, said), count)| {
        let role = role.as_ref().map_or(Key::NONE, |role| role.as_str());
        (format!("{rule} {role} {}", said.word()), json!(count))
    }));
    document["approvers"] = named(
        figures
            .approvers
            .iter()
            .map(|(who, load)| (who.to_string(), json!({ "decisions": load.decisions, "hasty": load.hasty }))),
    );
}

fn named(entries: impl Iterator<Item = (String, Value)>) -> Value {
    Value::Object(entries.collect::<Map<_, _>>())
}

fn log(log: &LogHealth) -> Value {
    json!({
        "name": log.repository,
        "entries": log.entries,
        "newest": log.newest.map(|time| time.to_string()),
        "verified": log.verified.map(|time| time.to_string()),
        "sound": log.is_sound,
    })
}

fn tally(tally: &Tally) -> Value {
    let ended = |outcome: Outcome| (outcome.word().to_owned(), json!(tally.ended(outcome)));
    let mut value = json!({
        "opened": tally.opened,
        "closed": tally.closed(),
        "first_response": tally.first_response,
        "time_to_approve": tally.time_to_approve,
        "time_to_decision": tally.time_to_decision,
        "approval_to_push": tally.approval_to_push,
        "frozen": tally.frozen,
        "waiting": tally.waiting,
        "denial_rate": tally.denial_rate(),
        "expiry_rate": tally.expiry_rate(),
    });
    value["outcomes"] = named(Outcome::ALL.into_iter().map(ended));
    value
}

/// Writes a day, counted from 1970-01-01.
fn date(day: i64) -> String {
    let at = crate::domain::time::Timestamp::from_unix(day * 86_400);
    at.map(|at| at.to_string()[..10].to_owned()).unwrap_or_default()
}
