//! Requests in words. Whatever came from outside is escaped.

use super::{Details, RequestView, RuleView, TokenView, Trigger};
use crate::cli::answer::cut;
use crate::cli::safe;
use crate::cli::summary::{add, commits, files};
use crate::domain::change::ChangesetId;
use crate::domain::name::PrincipalId;
use crate::domain::policy::Mode;
use crate::domain::request::{Ended, State};
use crate::domain::time::Timestamp;

/// Digits of an id where people read rather than type it.
const DIGITS: usize = 12;

/// Writes a list of requests, two lines each; `now` is when it is read.
pub fn rows(views: &[RequestView]) -> String {
    views.iter().map(row).collect()
}

/// Writes one request of a list: what it is, and what it waits for.
pub fn row(view: &RequestView) -> String {
    let asked = &view.asked;
    let age = view.now.since(asked.opened);
    let what = format!("{} {} to {}", asked.action, safe(asked.target.to_string().as_bytes()), short(&asked.subject));
    let mut text = String::new();
    add(&mut text, &format!("{}  {:<10}  {what}, by {}, for {age}", asked.id, view.state_word(), view.requester()));
    add(&mut text, &format!("    {}", next(view)));
    text
}

/// Says in a line what a request waits for, or how it ended.
pub fn next(view: &RequestView) -> String {
    let missing: Vec<String> = view
        .rules
        .iter()
        .filter(|rule| !rule.met && rule.mode == Mode::Enforce)
        .map(|rule| format!("`{}` needs {}", rule.name, rule.needs))
        .collect();
    match (view.state, &view.asked.ended, &view.trouble) {
        (_, Some(ended), _) => ended_words(view, ended),
        (State::Landed, None, _) => "the target has it".to_owned(),
        (_, None, Some(trouble)) => format!("cannot be judged: {}", safe(trouble.as_bytes())),
        (State::Approved, ..) => {
            let what = if view.is_gate() { "it would open" } else { "its push would be let in" };
            view.clocks.used_by.map_or_else(|| what.to_owned(), |end| format!("{what}, until {end}"))
        }
        (State::Denied, ..) => {
            let rejections = view.rules.iter().flat_map(|rule| &rule.tokens).filter(|token| token.role.is_none());
            let by: Vec<String> = rejections.map(rejection).collect();
            by.join("; ")
        }
        (State::Expired, ..) => format!("waited until {}", view.clocks.waits_until),
        _ => match &names(view.could_sign().iter())[..] {
            [] => missing.join("; "),
            able => format!("{}; can sign: {}", missing.join("; "), cut(able)),
        },
    }
}

/// Writes everything that is known of a request.
pub fn details_lines(view: &RequestView, details: &Details) -> String {
    let mut text = String::new();
    head(&mut text, view);
    if !details.commits.is_empty() {
        commits(&mut text, "", &details.commits);
    }
    if !details.effect.lost.is_empty() {
        commits(&mut text, "it loses ", &details.effect.lost);
    }
    files(&mut text, &details.effect.size);
    for one in &view.rules {
        rule(&mut text, one, &details.triggers);
    }
    for command in view.approver_commands() {
        add(&mut text, &format!("an approver can run `{command}`"));
    }
    for command in view.requester_commands() {
        add(&mut text, &format!("{} can run `{command}`", view.requester()));
    }
    text
}

fn head(text: &mut String, view: &RequestView) {
    let asked = &view.asked;
    add(text, &format!("{}: {}", asked.id, view.state_word()));
    let mut field = |name: &str, value: &str| add(text, &format!("  {name:<12}{value}"));
    field("target", &safe(asked.target.to_string().as_bytes()));
    field("action", asked.action.to_string().as_str());
    let base: Vec<String> = asked.base.iter().map(ChangesetId::hex).collect();
    let nothing = if view.is_gate() { "nothing: it never opened" } else { "nothing: it did not exist" };
    field("from", if base.is_empty() { nothing.to_owned() } else { base.join(", ") }.as_str());
    field("commit", &asked.subject.hex());
    field("requester", &format!("{} ({})", view.requester(), safe(asked.requester.source.as_bytes())));
    if !asked.reason.is_empty() {
        field("reason", &safe(asked.reason.as_bytes()));
    }
    field("opened", &asked.opened.to_string());
    match &asked.ended {
        Some(ended) => field("ended", &ended_words(view, ended)),
        None => field("waits until", &view.clocks.waits_until.to_string()),
    }
    if let Some(end) = view.clocks.used_by.filter(|_| view.state == State::Approved) {
        field("use before", &end.to_string());
    }
    if let Some(trouble) = &view.trouble {
        field("not judged", &safe(trouble.as_bytes()));
    }
    if let Some(action) = view.other_action().filter(|_| view.state.waits()) {
        let who = view.requester();
        field(
            "moved",
            &format!("the target has moved on: this would be {action} now; {who} has to bring it up to date"),
        );
    }
    if let Some(obstacle) = asked.obstacle.filter(|_| view.state.waits()) {
        field("not landed", &obstacle.to_string());
    }
}

fn rule(text: &mut String, rule: &RuleView, triggers: &[Trigger]) {
    let observed = if rule.mode == Mode::Observe { " (only observed)" } else { "" };
    let met = if rule.met { "met" } else { "not met" };
    add(text, &format!("rule `{}`{observed} needs {}: {met}", rule.name, safe(rule.needs.as_bytes())));
    for line in rule.message.iter().flat_map(|message| message.lines()) {
        add(text, &format!("  {}", safe(line.as_bytes())));
    }
    let own = triggers.iter().filter(|trigger| trigger.rule == rule.name);
    let mut causes: Vec<String> =
        own.flat_map(|one| one.paths.iter().chain(&one.labels)).map(|one| safe(one)).collect();
    causes.sort();
    causes.dedup();
    if !causes.is_empty() {
        add(text, &format!("  because of {}", cut(&causes)));
    }
    for token in &rule.tokens {
        add(text, &format!("  {}", if token.role.is_none() { rejection(token) } else { counted(token) }));
    }
    for (who, why) in &rule.not_counted {
        let who = who.as_ref().map_or("somebody", PrincipalId::as_str);
        add(text, &format!("  not counted: {who}: {}", safe(why.as_bytes())));
    }
    for (check, role, holds) in &rule.checks {
        let how = if *holds { "holds" } else { "does not hold" };
        add(text, &format!("  check `{check}` of `{role}` {how}"));
    }
    if !rule.met && !rule.could_sign.is_empty() {
        add(text, &format!("  can still sign: {}", cut(&names(rule.could_sign.iter()))));
    }
    if let Some((at, roles)) = rule.escalates.as_ref().filter(|_| !rule.met) {
        let roles: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
        add(text, &format!("  told to {} as well if it waits until {at}", cut(&roles)));
    }
}

fn counted(token: &TokenView) -> String {
    let of = token.stands_in_for.as_ref().map(|from| format!(" for {from}")).unwrap_or_default();
    let role = token.role.as_ref().map(|role| format!(" (`{role}`)")).unwrap_or_default();
    format!("signed by {}{of}{role}{}", token.who, tail(token))
}

fn rejection(token: &TokenView) -> String {
    format!("rejected by {}{}", token.who, tail(token))
}

/// Until when a token holds, and what its signer had to say.
fn tail(token: &TokenView) -> String {
    let until = token.until.map(|end| format!(", until {end}")).unwrap_or_default();
    let why = if token.reason.is_empty() { String::new() } else { format!(": \"{}\"", safe(token.reason.as_bytes())) };
    format!("{until}{why}")
}

fn ended_words(view: &RequestView, ended: &Ended) -> String {
    let at = |what: &str, at: &Timestamp| format!("{what} {at}");
    match ended {
        Ended::Landed { at: when } => at(view.state_word(), when),
        Ended::Cancelled { at: when } => at("cancelled", when),
        Ended::Superseded { at: when, by } => format!("{}, by {by}", at("superseded", when)),
    }
}

fn names<'a>(people: impl Iterator<Item = &'a PrincipalId>) -> Vec<String> {
    people.map(ToString::to_string).collect()
}

fn short(id: &ChangesetId) -> String {
    id.hex()[..DIGITS].to_owned()
}
