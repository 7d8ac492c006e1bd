//! How entries and audits look to people.

use crate::adapters::disk::log::{Depth, StoredEntry, Verified};
use crate::cli::summary::counted;
use crate::cli::{Context, Style, safe};
use crate::domain::audit::{
    Counted, Decision, Entry, Event, OutcomeKind, RecoveryKind, RequestStep, RuleRecord, Step, UpdateRecord, Verdict,
};
use crate::domain::change::{ChangesetId, Pusher};
use crate::domain::policy::Mode;
use crate::domain::text::decode;

/// How many entries of a long list are shown.
const SHOWN: usize = 5;
/// How many digits of an id are shown.
const DIGITS: usize = 12;

/// Shows one entry: a headline, then its details, indented.
pub(super) fn entry(stored: &StoredEntry, whole: Option<&Entry>, cx: &Context) -> String {
    let Some(entry) = whole else {
        return format!("{:>6}  (written by a later version)\n", stored.index);
    };
    let (what, details) = describe(entry, cx);
    let mut text = format!("{:>6}  {}  {what}\n", stored.index, entry.time);
    for line in details {
        text.push_str(&format!("        {}\n", safe(line.as_bytes())));
    }
    text
}

/// Shows what an audit found; `checkpoints` were given to compare the log with.
pub(super) fn verified(found: &Verified, depth: Depth, checkpoints: usize, cx: &Context) -> String {
    let mut text = String::new();
    match &found.fault {
        None => text.push_str(&cx.terminal.styled(Style::Good, "the log is sound")),
        Some(fault) => {
            text.push_str(&cx.terminal.styled(Style::Bad, "the log is not sound"));
            text.push_str(&format!("\n  {}", safe(fault.to_string().as_bytes())));
        }
    }
    text.push_str(&format!("\n  entries     {}", found.entries));
    if let Some(head) = &found.head {
        text.push_str(&format!("\n  log         {}\n  root        {}", head.origin, head.root.base64()));
    }
    if let Some(newest) = found.newest {
        text.push_str(&format!("\n  newest      {newest}"));
    }
    let signatures = if depth == Depth::Full { "all checked" } else { "the newest checked" };
    text.push_str(&format!("\n  signatures  {signatures}\n  blobs       {} checked", found.blobs));
    let anchor = found.anchored.map_or("none".to_owned(), |size| format!("remembers {size} entries"));
    text.push_str(&format!("\n  anchor      {anchor}\n"));
    if checkpoints > 0 && found.fault.is_none() {
        text.push_str(&format!("  contains    {}\n", counted(checkpoints, "given checkpoint", "given checkpoints")));
    }
    text
}

fn describe(entry: &Entry, cx: &Context) -> (String, Vec<String>) {
    let plain = |text: String| safe(text.as_bytes());
    match &entry.event {
        Event::Decision(decision) => (headline(decision, cx), details(decision)),
        Event::Outcome(outcome) => {
            let how = match outcome.how {
                OutcomeKind::Applied => "applied",
                OutcomeKind::NotApplied => "not applied",
            };
            let settled = if outcome.settled { ", concluded from the refs" } else { "" };
            let applied = outcome.applied.iter().map(|update| format!("{} is {}", update.target, ids(&update.value)));
            (format!("outcome of {}: {how}{settled}", outcome.of), shortened(applied.collect()))
        }
        Event::Gate(gate) => (format!("gate {}: {}", gate.id, headline(&gate.decision, cx)), details(&gate.decision)),
        Event::Request(step) => (plain(request(step)), request_details(step)),
        Event::Override(used) => {
            let what = format!("`{}` overridden for {} by decision {}", used.rule, used.target, used.of);
            let who = |one: &Counted| format!("by {} ({}), token {}", one.principal, one.role, one.token);
            let due = format!("to be reviewed until {}", used.due);
            (plain(what), used.overriders.iter().map(who).chain([due]).collect())
        }
        Event::Review(review) => (
            format!("{} reviewed the override of entry {}", review.by, review.debt),
            vec![format!("token {}", review.token)],
        ),
        Event::Genesis(genesis) => {
            let what = format!("the log of {} begins with {} refs", genesis.repository, genesis.refs.count);
            (plain(what), vec![format!("key {}", genesis.key)])
        }
        Event::Policy(policy) => {
            let what = format!("{} put policy {} in force", policy.by, &policy.digest.to_string()[..DIGITS]);
            (plain(what), shortened(policy.changed.clone()))
        }
        Event::Recovery(recovery) => {
            let what = match recovery.what {
                RecoveryKind::BadTail => "a spoilt last line was moved aside",
                RecoveryKind::AcceptRestore => "the log was restored or its clock corrected",
            };
            let anchored = recovery.anchored.map(|size| format!("the anchor remembered {size} entries"));
            let moved = recovery.moved.as_ref().map(|file| format!("moved to aside/{file}"));
            // It was encoded for the log; whatever it holds is escaped on its way to the screen.
            let decoded = |reason: &String| match decode(reason, b"") {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(_) => reason.clone(),
            };
            let reason = recovery.reason.as_ref().map(|reason| format!("reason: {}", decoded(reason)));
            let what = format!("recovery at {} entries: {what}", recovery.size);
            (what, [anchored, moved, reason].into_iter().flatten().collect())
        }
        Event::Uninstall(uninstall) => (plain(format!("{} took the hooks out", uninstall.by)), Vec::new()),
    }
}

fn headline(decision: &Decision, cx: &Context) -> String {
    let verdict = match decision.verdict {
        Verdict::Allow => cx.terminal.styled(Style::Good, "allowed"),
        Verdict::Deny => cx.terminal.styled(Style::Bad, "denied"),
    };
    let who = login(&decision.pusher);
    let again = decision.again.map(|again| format!(", as entry {}, {} times so far", again.of, again.count));
    format!("{verdict} {}{}", safe(who.as_bytes()), again.unwrap_or_default())
}

fn request(request: &RequestStep) -> String {
    let RequestStep { id, target, step, .. } = request;
    let who = login(&request.requester);
    match step {
        Step::Sent { .. } => format!("{who} sent {id} for {target}"),
        Step::Parked { .. } => format!("{id} of {who} for {target}: what the push brought is kept"),
        Step::Cancelled => format!("{who} cancelled {id} for {target}"),
        Step::Removed { why } => format!("{id} of {who} for {target} is kept no longer: {why}"),
        Step::NotLanded { why } => format!("{id} of {who} for {target} did not land: {why}"),
    }
}

fn request_details(request: &RequestStep) -> Vec<String> {
    let subject = std::slice::from_ref(&request.subject);
    let mut lines = vec![format!("{} {} -> {}", request.action, ids(&request.base), ids(subject))];
    lines.extend(request.reason.iter().map(|reason| format!("reason: {reason}")));
    if let Step::Sent { bytes } | Step::Parked { bytes, .. } = request.step {
        lines.push(format!("{bytes} bytes"));
    }
    lines
}

fn login(pusher: &Pusher) -> &str {
    pusher.login.as_deref().unwrap_or("somebody unknown")
}

fn details(decision: &Decision) -> Vec<String> {
    let word = if decision.verdict == Verdict::Deny { "refused" } else { "note" };
    let mut lines: Vec<String> = decision.reasons.iter().map(|reason| format!("{word}: {reason}")).collect();
    lines.extend(decision.policy_error.iter().map(|error| format!("the policy did not load: {error}")));
    let mut updates = decision.updates.iter();
    lines.extend(updates.by_ref().take(SHOWN).flat_map(update));
    let more = updates.count();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn update(update: &UpdateRecord) -> Vec<String> {
    let actions: Vec<String> = update.actions.iter().map(ToString::to_string).collect();
    let (old, new) = (ids(&update.old), ids(&update.new));
    let mut lines = vec![format!("{}: {} {old} -> {new}", update.target, actions.join(", "))];
    lines.extend(update.found.iter().map(|found| format!("  found changed behind the log's back: {}", ids(found))));
    lines.extend(update.refused.iter().map(|why| format!("  refused: {why}")));
    lines.extend(update.rules.iter().flat_map(rule));
    lines
}

fn rule(rule: &RuleRecord) -> Vec<String> {
    let met = match (rule.met, rule.overridden.is_empty()) {
        (_, false) => "overridden",
        (true, true) => "met",
        (false, true) => "not met",
    };
    let observe = if rule.mode == Mode::Observe { ", only observed" } else { "" };
    let mut lines = vec![format!("  rule {}: {met}{observe}", rule.name)];
    lines.extend(rule.unmet.iter().map(|unmet| format!("    {unmet}")));
    let counted = rule.counted.iter().map(|counted| format!("    counted: {}", filler(counted)));
    lines.extend(counted);
    let overridden = |one: &Counted| format!("    overridden: {}", filler(one));
    lines.extend(rule.overridden.iter().map(overridden));
    lines.extend(shortened(
        rule.not_counted
            .iter()
            .map(|token| {
                let who = token.principal.as_ref().map_or("a key nobody has".to_owned(), ToString::to_string);
                format!("    not counted: {who}: {}", token.why)
            })
            .collect(),
    ));
    lines
}

fn filler(one: &Counted) -> String {
    let of = one.stands_in_for.as_ref().map(|from| format!(" for {from}")).unwrap_or_default();
    format!("{}{of} as {}", one.principal, one.role)
}

fn ids(ids: &[ChangesetId]) -> String {
    if ids.is_empty() {
        return "nothing".to_owned();
    }
    let short: Vec<String> = ids.iter().map(|id| id.hex()[..DIGITS].to_owned()).collect();
    shortened(short).join(",")
}

fn shortened(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.truncate(SHOWN);
        lines.push(format!("and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Hash;
    use crate::domain::change::{Action, IdKind, Target};
    use crate::domain::name::{PrincipalId, RoleName, RuleName};
    use crate::domain::time::Timestamp;
    use std::collections::BTreeMap;

    #[test]
    fn a_denial_shows_who_what_and_why_and_steers_no_terminal() {
        let id = |byte| ChangesetId::from_bytes(IdKind::GitSha1, &[byte; 20]).expect("an id");
        let token = |byte| crate::domain::approval::TokenId([byte; 32]);
        let carol = PrincipalId::new("carol").expect("a name");
        let alice = PrincipalId::new("alice").expect("a name");
        let rule = RuleRecord {
            name: RuleName::new("main-review").expect("a name"),
            mode: Mode::Enforce,
            met: false,
            unmet: vec!["needs 2 approvals from maintainers; has 1".into()],
            required: Vec::new(),
            matched: 1,
            counted: vec![crate::domain::audit::Counted {
                token: token(1),
                principal: alice,
                role: RoleName::new("maintainers").expect("a name"),
                stands_in_for: None,
                delegation: None,
            }],
            overridden: Vec::new(),
            not_counted: vec![crate::domain::audit::NotCounted {
                token: token(2),
                principal: Some(carol),
                why: "expired\u{1b}[2J".into(),
            }],
        };
        let decision = Decision {
            repository: "payments@5f0c".into(),
            pusher: Pusher { login: Some("bob\u{1b}[31m".into()), source: "env".into() },
            verdict: Verdict::Deny,
            updates: vec![UpdateRecord {
                target: Target::parse("refs/heads/main").expect("a target"),
                actions: vec![Action::Update],
                old: vec![id(1)],
                new: Vec::new(),
                after: None,
                found: None,
                contents: Vec::new(),
                requested: Vec::new(),
                rules: vec![rule],
                refused: Vec::new(),
            }],
            tokens: BTreeMap::new(),
            policy: Some(Hash::of(b"policy")),
            policy_error: None,
            reasons: Vec::new(),
            duration_ms: 3,
            transaction: None,
            again: None,
            blob: None,
        };
        let time = Timestamp::parse("2026-11-21T20:00:00Z").expect("a time");
        let entry = Entry { time, event: Event::Decision(Box::new(decision)) };
        let stored = StoredEntry { index: 7, leaf: entry.encode() };
        let cx = Context::default();
        let denied = cx.terminal.styled(Style::Bad, "denied");
        let expected = format!(
            "     7  2026-11-21T20:00:00Z  {denied} bob\\u{{1b}}[31m
        refs/heads/main: update 010101010101 -> nothing
          rule main-review: not met
            needs 2 approvals from maintainers; has 1
            counted: alice as maintainers
            not counted: carol: expired\\u{{1b}}[2J\n"
        );
        assert_eq!(super::entry(&stored, Some(&entry), &cx), expected);
    }
}
