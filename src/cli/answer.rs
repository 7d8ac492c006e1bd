//! The decision in words: what happened, which rule, what counted, what did not and why. What to do now: `advice`.

use super::terminal::safe;
use crate::domain::approval::quorum::{Filled, Requirement};
use crate::domain::change::{Action, ChangesetId, Push};
use crate::domain::policy::{Checked, Counted, DefaultAnswer, Mode, RuleOutcome, Unmet, UpdateDecision, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// How many entries of a list are shown before "and N more".
const SHOWN: usize = 5;

/// Writes what was decided of one update, without the `jit: ` in front of lines.
pub fn update_lines(push: &Push, update: &UpdateDecision) -> String {
    let mut text = String::new();
    let who = push.pusher.login.as_deref().map_or("an unknown pusher".to_owned(), |login| safe(login.as_bytes()));
    let what = what_happens(update);
    match update.verdict() {
        Verdict::Allow => line(&mut text, &format!("allowed: {who} may {what}")),
        Verdict::Deny => line(&mut text, &format!("denied: {who} may not {what}")),
    }
    if update.default == Some(DefaultAnswer::Deny) {
        line(&mut text, "  no rule allows it, and the policy's default is to deny");
    }
    for rule in &update.rules {
        rule_lines(&mut text, push, update, rule);
    }
    text
}

fn what_happens(update: &UpdateDecision) -> String {
    let target = safe(update.target.to_string().as_bytes());
    let new = update.new.iter().map(ChangesetId::hex).collect::<Vec<_>>().join(", ");
    match &update.action {
        Action::Delete => format!("delete {target}"),
        Action::Create => format!("create {target} at {new}"),
        Action::Rewrite => format!("rewrite {target} to {new}"),
        Action::Close => format!("close a head of {target}"),
        Action::NewHead => format!("add a head to {target}: {new}"),
        Action::Publish => format!("publish {new} on {target}"),
        Action::Update => format!("update {target} to {new}"),
        Action::Gate(name) => format!("pass the gate {name} of {target}"),
    }
}

fn rule_lines(text: &mut String, push: &Push, update: &UpdateDecision, rule: &RuleOutcome) {
    let observed = if rule.mode == Mode::Observe { " (only observed)" } else { "" };
    if let (Some(overriding), overrides @ [_, ..]) = (&rule.overriding, rule.overridden_by()) {
        let by: BTreeSet<String> = overrides.iter().map(filler).collect();
        let (by, within) = (cut(&by.into_iter().collect::<Vec<_>>()), overriding.review_within);
        line(text, &format!("  `{}`{observed} is overridden by {by}, to be reviewed within {within}", rule.rule));
        return;
    }
    if rule.is_met() {
        // Of one person several tokens may count, each for other commits.
        let counted: BTreeSet<String> = rule.relied_on().iter().map(filler).collect();
        let counted: Vec<String> = counted.into_iter().collect();
        let by = if counted.is_empty() { String::new() } else { format!(": {}", cut(&counted)) };
        line(text, &format!("  `{}`{observed} is met{by}", rule.rule));
        return;
    }
    for unmet in &rule.unmet {
        let what = unmet_words(unmet, rule);
        line(text, &format!("  `{}`{observed} {what}", rule.rule));
        if let (Unmet::Approvals { .. }, Some(reason)) = (unmet, &rule.reason) {
            line(text, &format!("    each with {}", safe(reason.to_string().as_bytes())));
        }
        // Where it is about the one changeset that the first line names, saying so again helps nobody.
        let value = if update.new.is_empty() { &update.old } else { &update.new };
        if let Unmet::Approvals { changesets, .. } = unmet
            && (changesets.len() < rule.matched.len() || changesets != value)
        {
            line(text, &format!("    for {}", cut(&named(push, changesets))));
        }
    }
    for not in rule.not_counted.iter().take(SHOWN) {
        let who = not.who.as_ref().map_or("somebody", |who| who.as_str());
        line(
            text,
            &format!(
                "  not counted: {who}, token {}: {}",
                &not.token.to_string()[..12],
                safe(not.why.to_string().as_bytes())
            ),
        );
    }
    if rule.not_counted.len() > SHOWN {
        line(text, &format!("  not counted: and {} more", rule.not_counted.len() - SHOWN));
    }
    if let Some(message) = &rule.message {
        for part in message.lines() {
            line(text, &format!("  {}", safe(part.as_bytes())));
        }
    }
}

fn unmet_words(unmet: &Unmet, rule: &RuleOutcome) -> String {
    match unmet {
        Unmet::Never => "says never".to_owned(),
        Unmet::Approvals { filled, .. } => {
            let lacking = filled.iter().filter(|entry| entry.missing() > 0).map(Filled::to_string).collect::<Vec<_>>();
            let others = match rule.any_of.len() {
                0 | 1 => String::new(),
                _ => format!(" (or, instead: {})", alternatives(&rule.any_of)),
            };
            format!("needs {}{others}", lacking.join(", and "))
        }
        Unmet::Check(checked) => check_words(checked),
        Unmet::Rejected { by, subject, reason, until, .. } => {
            let why = if reason.is_empty() { String::new() } else { format!(": \"{}\"", safe(reason.as_bytes())) };
            format!("was rejected by {by} for {}{why} (until {until})", subject.hex())
        }
        Unmet::UnknownPusher => "cannot tell the pusher's own approval from others: nobody knows who pushes".to_owned(),
        Unmet::PusherNotKnown(None) => "wants a pusher whom the policy knows; nobody knows who pushes".to_owned(),
        Unmet::PusherNotKnown(Some(login)) => {
            format!("wants a pusher whom the policy knows; `{}` is not in it", safe(login.as_bytes()))
        }
        Unmet::PusherEnded { login, at } => {
            format!(
                "wants a pusher whom the policy knows; the place of `{}` in it ended at {at}",
                safe(login.as_bytes())
            )
        }
        Unmet::AuthorsNotKnown(strangers) => {
            let list: Vec<String> =
                strangers.iter().map(|(id, mail)| format!("{} ({})", safe(mail), short(id))).collect();
            format!("wants authors whom the policy knows; not in it: {}", cut(&list))
        }
        Unmet::NotACommit => "needs a commit to approve, and this is none".to_owned(),
    }
}

/// Who fills a place: `alice (dba)`, `carol for alice (dba)`.
fn filler(token: &Counted) -> String {
    let of = token.stands_in.as_ref().map(|(from, _)| format!(" for {from}")).unwrap_or_default();
    format!("{}{of} ({})", token.who, token.role)
}

fn check_words(checked: &Checked) -> String {
    let Checked { check, role, tip, newest } = checked;
    let Some(newest) = newest else {
        return format!("needs the check `{check}` of {}, attested by `{role}`", tip.hex());
    };
    let why =
        if newest.reason.is_empty() { String::new() } else { format!(": \"{}\"", safe(newest.reason.as_bytes())) };
    match newest.expired {
        Some(at) => {
            format!("needs the check `{check}` of {} anew: what {} attested expired {at}", tip.hex(), newest.by)
        }
        None => {
            format!("needs the check `{check}` of {}: {}, says {}{why}", tip.hex(), newest.status.word(), newest.by)
        }
    }
}

fn alternatives(any_of: &[Vec<Requirement>]) -> String {
    let entry = |r: &Requirement| format!("{} from `{}`", r.approvals, r.role);
    any_of.iter().map(|list| list.iter().map(entry).collect::<Vec<_>>().join(" and ")).collect::<Vec<_>>().join("; or ")
}

fn named(push: &Push, ids: &[ChangesetId]) -> Vec<String> {
    let summary = |id: &ChangesetId| {
        push.updates.iter().flat_map(|update| &update.changesets).find(|c| c.id == *id).map(|c| safe(&c.summary))
    };
    let name = |id: &ChangesetId| match summary(id) {
        Some(words) => format!("{} \"{words}\"", short(id)),
        None => short(id),
    };
    ids.iter().map(name).collect()
}

/// The first entries of `list`, and how many more there are.
pub(super) fn cut(list: &[String]) -> String {
    let mut text = list.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if list.len() > SHOWN {
        write!(text, " and {} more", list.len() - SHOWN).expect("a String takes everything");
    }
    text
}

fn short(id: &ChangesetId) -> String {
    id.hex()[..12].to_owned()
}

fn line(text: &mut String, words: &str) {
    text.push_str(words);
    text.push('\n');
}
