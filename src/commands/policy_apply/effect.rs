//! What another policy would have made of the pushes that the log tells of, and makes of the requests that wait.

use super::{replay, waiting};
use crate::cli::repository::Found;
use crate::cli::summary::counted;
use crate::cli::{Failure, ServerParts, safe};
use crate::domain::policy::{Decision, Mode, Policy, Verdict};
use serde_json::{Value, json};

/// Changes that are told in a line each; the rest is counted.
const SHOWN: usize = 20;

/// What changes among pushes, or among requests.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What was let in, or would be now, and would be refused.
    refused: Vec<Change>,
    /// What was refused, or would be now, and would be let in.
    let_in: Vec<Change>,
    /// How many would be answered as before.
    same: usize,
    /// How many cannot be judged any more.
    unjudged: usize,
}

#[derive(Debug)]
struct Change {
    what: String,
    why: String,
}

impl Changes {
    /// Compares an answer with the one before; `None`: it cannot be judged any more.
    pub(super) fn compare(&mut self, what: &str, before: Verdict, after: Option<&Decision>) {
        let Some(after) = after else {
            self.unjudged += 1;
            return;
        };
        let change = || Change { what: what.to_owned(), why: why(after) };
        match (before, after.verdict()) {
            (Verdict::Allow, Verdict::Deny) => self.refused.push(change()),
            (Verdict::Deny, Verdict::Allow) => self.let_in.push(change()),
            _ => self.same += 1,
        }
    }

    fn count(&self) -> usize {
        self.refused.len() + self.let_in.len() + self.same + self.unjudged
    }

    fn json(&self) -> Value {
        let list = |changes: &[Change]| {
            changes.iter().map(|one| json!({ "what": one.what, "why": one.why })).collect::<Vec<_>>()
        };
        json!({
            "refused": list(&self.refused), "let_in": list(&self.let_in),
            "same": self.same, "unjudged": self.unjudged,
        })
    }
}

/// Says why a decision refuses: the first that is unmet of each enforcing rule.
fn why(decision: &Decision) -> String {
    let rules = decision.updates.iter().flat_map(|update| &update.rules);
    let unmet = rules.filter(|rule| rule.mode == Mode::Enforce).filter_map(|rule| {
        let first = rule.unmet.first()?;
        Some(format!("`{}` {first}", rule.rule))
    });
    let reasons: Vec<String> = unmet.collect();
    match (reasons.is_empty(), decision.verdict()) {
        (false, _) => reasons.join("; "),
        (true, Verdict::Deny) => "no rule allows it, and the default is deny".to_owned(),
        (true, Verdict::Allow) => "nothing is missing".to_owned(),
    }
}

/// The whole effect.
#[derive(Debug)]
pub(super) struct Effect {
    pushes: Changes,
    requests: Changes,
}

impl Effect {
    /// Judges the newest logged pushes and the open requests by `new`; without an `old` policy requests were refused.
    ///
    /// # Errors
    /// A [`Failure`] if the log or the repository cannot be read.
    pub(super) fn of(parts: &ServerParts, found: &Found, old: Option<&Policy>, new: &Policy) -> Result<Self, Failure> {
        let pushes = replay::pushes(parts, found, new)?;
        let requests = waiting::requests(found, old, new)?;
        Ok(Self { pushes, requests })
    }

    /// `pushes` and `requests`, each with `refused` and `let_in` (lists of `what` and `why`), `same`, `unjudged`.
    pub(super) fn json(&self) -> Value {
        json!({ "pushes": self.pushes.json(), "requests": self.requests.json() })
    }

    /// Writes the figures, and a line for each change.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        let pushes = counted(self.pushes.count(), "logged push", "logged pushes");
        tell(&self.pushes, &format!("of the last {pushes}"), ["were let in", "were refused"], &mut lines);
        if self.requests.count() > 0 {
            let requests = counted(self.requests.count(), "open request", "open requests");
            tell(
                &self.requests,
                &format!("of {requests}"),
                ["would be let in now", "would be refused now"],
                &mut lines,
            );
        }
        lines.join("\n") + "\n"
    }
}

fn tell(changes: &Changes, of: &str, [let_in, refused]: [&str; 2], lines: &mut Vec<String>) {
    let mut words = Vec::new();
    let groups = [(&changes.refused, let_in, "would be refused"), (&changes.let_in, refused, "would be let in")];
    for (list, before, after) in groups.iter().filter(|(list, ..)| !list.is_empty()) {
        words.push(format!("{} that {before} {after}", list.len()));
    }
    if changes.refused.is_empty() && changes.let_in.is_empty() {
        words.push("no answer changes".to_owned());
    }
    if changes.unjudged > 0 {
        words.push(format!("{} can no longer be judged", changes.unjudged));
    }
    lines.push(format!("{of}: {}", words.join(", ")));
    for (list, _, after) in groups {
        lines.extend(
            list.iter()
                .take(SHOWN)
                .map(|one| format!("  {after}: {}: {}", safe(one.what.as_bytes()), safe(one.why.as_bytes()))),
        );
        if list.len() > SHOWN {
            lines.push(format!("  {after}: and {} more", list.len() - SHOWN));
        }
    }
}
