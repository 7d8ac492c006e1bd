//! Judges many supposed pushes: those that one push could make are judged as one, so that the repository and the log are read once.

use super::{Central, Place};
use crate::cli::Failure;
use crate::cli::local_clone::{Move, System};
use crate::domain::approval::{SignedToken, TokenId};
use crate::domain::change::{RefUpdate, Target};
use crate::domain::policy::{RuleOutcome, Unmet, UpdateDecision};
use crate::enforcement::assess::Assessment;
use std::collections::{BTreeMap, BTreeSet};

/// A push that somebody could make.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What it moves.
    pub supposed: Move,
    /// Who pushes; without a login, nobody is taken for the pusher.
    pub login: Option<String>,
}

/// How such a push would be judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it does, as far as the rules asked to know.
    pub update: RefUpdate,
    /// The tokens that the answer names.
    pub tokens: Vec<SignedToken>,
    /// The answer.
    pub decision: UpdateDecision,
}

impl Place {
    /// Judges each of `wishes` by itself, and answers in their order.
    pub fn judge(&self, wishes: &[Wish]) -> Vec<Result<Judged, Failure>> {
        let mut answers: BTreeMap<usize, Result<Judged, Failure>> = BTreeMap::new();
        for group in self.groups(wishes) {
            let together = self.judge_together(wishes, &group);
            let answered = match together {
                Ok(judged) => judged,
                // One of them may have spoilt it for all.
                Err(_) if group.len() > 1 => group.iter().map(|number| self.judge_one(wishes, *number)).collect(),
                Err(failure) => vec![Err(failure)],
            };
            answers.extend(group.into_iter().zip(answered));
        }
        answers.into_values().collect()
    }

    /// Puts wishes together that one push could make: by the same person, on different targets. One of Mercurial makes one move, and a gate
    /// is no push.
    fn groups(&self, wishes: &[Wish]) -> Vec<Vec<usize>> {
        if self.system() == System::Mercurial {
            return (0..wishes.len()).map(|number| vec![number]).collect();
        }
        // How many wishes of this person for this target there were tells in which of their pushes the next one is.
        let mut seen: BTreeMap<(&Option<String>, &Target), usize> = BTreeMap::new();
        let mut groups: BTreeMap<(&Option<String>, usize), Vec<usize>> = BTreeMap::new();
        for (number, wish) in wishes.iter().enumerate() {
            let turns = seen.entry((&wish.login, &wish.supposed.target)).or_default();
            // No push has so many turns.
            let turn = if wish.supposed.gate().is_some() { wishes.len() + number } else { *turns };
            groups.entry((&wish.login, turn)).or_default().push(number);
            *turns += 1;
        }
        groups.into_values().collect()
    }

    fn judge_one(&self, wishes: &[Wish], number: usize) -> Result<Judged, Failure> {
        self.judge_together(wishes, &[number])?.pop().unwrap_or_else(|| Err(nothing()))
    }

    /// Judges the wishes of these numbers as one push.
    fn judge_together(&self, wishes: &[Wish], group: &[usize]) -> Result<Vec<Result<Judged, Failure>>, Failure> {
        let moves: Vec<Move> = group.iter().map(|number| wishes[*number].supposed.clone()).collect();
        let login = group.first().and_then(|number| wishes[*number].login.as_deref());
        let Assessment { push, tokens, decision, .. } = self.assess_all(&moves, login)?;
        let by_id: BTreeMap<TokenId, Vec<&SignedToken>> = tokens.iter().fold(BTreeMap::new(), |mut all, signed| {
            all.entry(signed.id).or_insert_with(Vec::new).push(signed);
            all
        });
        let mut decided: BTreeMap<Target, (RefUpdate, UpdateDecision)> = BTreeMap::new();
        for (update, decision) in push.updates.into_iter().zip(decision.updates) {
            // A symbolic ref brings the ref that it names along, behind what was asked for.
            decided.entry(update.target.clone()).or_insert((update, decision));
        }
        let take = |one: &Move| {
            let (update, decision) = decided.remove(&one.target).ok_or_else(nothing)?;
            let named = named(&decision);
            let tokens = named.iter().filter_map(|id| by_id.get(id)).flatten().copied().cloned().collect();
            Ok(Judged { update, tokens, decision })
        };
        Ok(moves.iter().map(take).collect())
    }

    pub(super) fn assess_all(&self, moves: &[Move], login: Option<&str>) -> Result<Assessment, Failure> {
        match self {
            Self::Clone(client) => client.assess(moves, login, &[]),
            Self::Central(central, policy) => Central::assess(central, policy, moves, login),
        }
    }
}

fn nothing() -> Failure {
    Failure::undecided("the move comes to nothing")
}

/// The tokens that an answer names.
fn named(decision: &UpdateDecision) -> BTreeSet<TokenId> {
    let of_rule = |rule: &RuleOutcome| {
        let rejections = rule.unmet.iter().filter_map(|unmet| match unmet {
            Unmet::Rejected { token, .. } => Some(*token),
            _ => None,
        });
        let counted = rule.relied_on().into_iter().chain(rule.overridden_by().iter().cloned()).map(|one| one.token);
        let not_counted = rule.not_counted.iter().map(|not| not.token);
        counted.chain(rejections).chain(not_counted).collect::<Vec<_>>()
    };
    decision.rules.iter().flat_map(of_rule).collect()
}
