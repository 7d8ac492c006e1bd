//! What a pusher is told of an answer, on either system: the reason, what else there is to know, what to do now.

use super::terminal::safe;
use super::{Exit, Failure, advice, answer, faults_plain};
use crate::domain::audit::{Debt, Override};
use crate::domain::change::ChangesetId;
use crate::domain::policy::Verdict;
use crate::enforcement::{Answer, NotKept, Opened, Refusal, Reviewed};
use crate::ports::policy_source::PolicyUnavailable;
use std::collections::BTreeSet;

/// Debts that are shown before the rest is only counted.
const SHOWN: usize = 3;

/// The words for one answer, a line each, without the `jit: ` in front.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What was decided and why. Never empty for a denial.
    pub reason: Vec<String>,
    /// What became of the tokens, and where the decision stands in the log.
    pub notes: Vec<String>,
    /// What to do now.
    pub hints: Vec<String>,
}

impl Told {
    /// Puts `answer` into words.
    pub fn of(answer: &Answer) -> Self {
        let mut told = Self::default();
        let denied = answer.verdict() == Verdict::Deny;
        for refusal in &answer.refusals {
            told.reason.extend(refusal_lines(refusal));
        }
        if let Some(push) = &answer.push {
            for (number, update) in answer.decision.updates.iter().enumerate() {
                let opened: Vec<&Opened> = answer.requests.iter().filter(|one| one.update == number).collect();
                let is_denied = update.verdict() == Verdict::Deny;
                if if denied { is_denied } else { !update.rules.is_empty() } {
                    told.reason.extend(answer::update_lines(push, update).lines().map(str::to_owned));
                    told.reason.extend(opened.iter().map(|one| request_line(one)));
                    told.hints.extend(if denied { advice::hints(update, &opened) } else { Vec::new() });
                }
            }
        }
        told.hints.dedup();
        if let Err(error) = &answer.recorded {
            let failure = Failure::from_error(Exit::Undecided, error);
            told.reason.extend(lines(&failure.context("denied: the decision could not be recorded")));
        } else if denied && told.reason.is_empty() {
            told.reason.push("denied: the push asks for nothing".to_owned());
        }
        told.notes = notes(answer, denied);
        told
    }
}

/// Names the request that a refused update opened, and says whether approvers can see its commits.
fn request_line(opened: &Opened) -> String {
    let kept = match &opened.kept {
        Ok(_) => "approvers can fetch its commits".to_owned(),
        Err(NotKept::Off | NotKept::NoCommits) => return format!("  this is request {}", opened.id),
        Err(why) => format!("its commits are not kept: {}", Failure::from_error(Exit::Undecided, why).chain.join(": ")),
    };
    format!("  this is request {}; {}", opened.id, safe(kept.as_bytes()))
}

fn notes(answer: &Answer, denied: bool) -> Vec<String> {
    let mut notes = Vec::new();
    for declined in &answer.intake.declined {
        let why = Failure::from_error(Exit::Denied, declined).chain.join(": ");
        notes.push(format!("a token of the push is not kept: {}", safe(why.as_bytes())));
    }
    if denied && answer.intake.new > 0 {
        notes.push(format!("{} new tokens are kept all the same", answer.intake.new));
    }
    notes.extend(answer.intake.reviews.iter().map(review_note));
    notes.extend(answer.overdue.iter().take(SHOWN).map(debt_words));
    if answer.overdue.len() > SHOWN {
        notes.push(format!("and {} more overrides wait for their review", answer.overdue.len() - SHOWN));
    }
    if let Ok(Some(appended)) = &answer.recorded {
        let (index, checkpoint) = (appended.index, &appended.head.checkpoint);
        let root = checkpoint.root.base64();
        notes.push(format!("recorded: entry {index}, checkpoint {} {root}", checkpoint.size));
    }
    notes
}

fn review_note(review: &Reviewed) -> String {
    match &review.outcome {
        Ok(entry) => format!("reviewed: the override of entry {entry}"),
        Err(refusal) => format!("a review pays no debt: {refusal}"),
    }
}

/// Says of an override that it waits for its review, and what to type.
pub fn debt_words(debt: &Debt) -> String {
    let Override { target, rule, overriders, subjects, due, .. } = &debt.overriding;
    let who: BTreeSet<&str> = overriders.iter().map(|one| one.principal.as_str()).collect();
    let who: Vec<&str> = who.into_iter().collect();
    let rev = subjects.first().map_or_else(|| "REV".to_owned(), ChangesetId::hex);
    format!(
        "{} overrode `{rule}` for {} (entry {}); a review was due {due}: `jit review {rev} --rule {rule} {}`",
        who.join(" and "),
        safe(target.to_string().as_bytes()),
        debt.index,
        advice::target_flag(target)
    )
}

fn lines(failure: &Failure) -> Vec<String> {
    failure.lines().lines().map(str::to_owned).collect()
}

fn refusal_lines(refusal: &Refusal) -> Vec<String> {
    let failure = Failure::from_error(Exit::Denied, refusal);
    let lead = |depth: usize| if depth == 0 { "denied: " } else { "  " };
    let causes = failure.chain.iter().enumerate();
    let mut lines: Vec<String> =
        causes.map(|(depth, what)| format!("{}{}", lead(depth), safe(what.as_bytes()))).collect();
    if let Refusal::Policy(PolicyUnavailable::Faulty(faults)) = refusal {
        lines.extend(faults_plain(faults).lines().map(|line| format!("  {line}")));
    }
    lines
}
