//! What was decided, in few words, so that a table can hold all of it.

use jit::domain::approval::quorum::Filled;
use jit::domain::change::ChangesetId;
use jit::domain::policy::{Counted, Decision, DefaultAnswer, Mode, RuleOutcome, Unmet, UpdateDecision, Verdict, Why};

fn letters(list: &[ChangesetId]) -> String {
    list.iter().map(|id| char::from(id.as_bytes()[0])).collect()
}

/// Tells a decision of one update; see [`told_in`].
pub fn told(decision: &Decision) -> String {
    assert_eq!(decision.updates.len(), 1, "one update");
    told_in(&decision.updates[0])
}

/// Tells an update's decision: `allow` or `deny`, ` by default` if the default was asked, then each rule that matched
/// (`NAME:`, `NAME?:` if only observed) with what is missing, `!PERSON/ROLE` who passed it all the same, `+PERSON/ROLE` who counted, `-PERSON WHY` who did not.
pub fn told_in(update: &UpdateDecision) -> String {
    let verdict = match update.verdict() {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
    };
    let default = match update.default {
        Some(DefaultAnswer::Allow | DefaultAnswer::Deny) => " by default",
        None => "",
    };
    let rules: Vec<String> = update.rules.iter().map(rule).collect();
    [&[format!("{verdict}{default}")][..], &rules].concat().join(" | ")
}

fn rule(rule: &RuleOutcome) -> String {
    let observed = if rule.mode == Mode::Observe { "?" } else { "" };
    let mut counted: Vec<String> = rule.relied_on().iter().map(|c| filler('+', c)).collect();
    counted.sort();
    counted.dedup();
    let refused = rule.not_counted.iter().map(|n| {
        let who = n.who.as_ref().map_or("somebody", |who| who.as_str());
        format!("-{who} {}", word(&n.why))
    });
    let overridden = rule.overridden_by().iter().map(|c| filler('!', c));
    let parts: Vec<String> = rule.unmet.iter().map(unmet).chain(overridden).chain(counted).chain(refused).collect();
    format!("{}{observed}: {}", rule.rule, parts.join(", ")).trim_end().to_owned()
}

/// `+carol/dba`, or `+carol@alice/dba` where carol stands in for alice.
fn filler(sign: char, counted: &Counted) -> String {
    let of = counted.stands_in.as_ref().map(|(from, _)| format!("@{from}")).unwrap_or_default();
    format!("{sign}{}{of}/{}", counted.who, counted.role)
}

fn unmet(unmet: &Unmet) -> String {
    match unmet {
        Unmet::Approvals { changesets, filled } => {
            let lacking = |entry: &&Filled| entry.missing() > 0;
            let entry = |entry: &Filled| format!("{} {}", entry.missing(), entry.requirement.role);
            let list: Vec<String> = filled.iter().filter(lacking).map(entry).collect();
            format!("{} for {}", list.join(" and "), letters(changesets))
        }
        Unmet::Check(checked) => {
            let state = match &checked.newest {
                None => "missing".to_owned(),
                Some(one) if one.expired.is_some() => format!("expired, {} by {}", one.status.word(), one.by),
                Some(one) => format!("{} by {}", one.status.word(), one.by),
            };
            format!("{} of {} {state}", checked.check, letters(&[checked.tip]))
        }
        Unmet::Rejected { by, subject, .. } => format!("{} rejected by {by}", letters(&[*subject])),
        Unmet::PusherNotKnown(login) => format!("pusher {} not known", login.as_deref().unwrap_or("nobody")),
        Unmet::PusherEnded { login, .. } => format!("pusher {login} ended"),
        Unmet::AuthorsNotKnown(list) => {
            let ids: Vec<ChangesetId> = list.iter().map(|(id, _)| *id).collect();
            format!("authors of {} not known", letters(&ids))
        }
        other => format!("{other:?}"),
    }
}

fn word(why: &Why) -> String {
    match why {
        Why::Author(id) => format!("Author {}", letters(&[*id])),
        Why::StandsIn { from, why } => format!("@{from} {}", word(why)),
        other => {
            let debug = format!("{other:?}");
            debug.split([' ', '(']).next().unwrap_or_default().to_owned()
        }
    }
}
