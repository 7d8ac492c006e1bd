//! What is shown of a request. Texts are as they came: whoever prints them escapes them.

use crate::cli::local_clone::Effect;
use crate::cli::summary::needs;
use crate::cli::supposing::Judged;
use crate::domain::approval::TokenId;
use crate::domain::change::{Action, Changeset, ChangesetId};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::policy::{Mode, Policy, RuleOutcome, Unmet};
use crate::domain::request::{Asked, Clocks, State, ends};
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;

/// A request at one moment.
#[derive(Debug)]
pub struct RequestView {
    /// What is asked, by whom, and how it ended if it has.
    pub asked: Asked,
    /// How it stands.
    pub state: State,
    /// Since when and until when.
    pub clocks: Clocks,
    /// The moment.
    pub now: Timestamp,
    /// What each rule asks and has, in the policy's order; none where it cannot be judged.
    pub rules: Vec<RuleView>,
    /// How its push would be judged now; `None` if it has landed, or cannot be judged.
    pub judged: Option<Judged>,
    /// Why it cannot be judged.
    pub trouble: Option<String>,
}

/// One rule that a request is about.
#[derive(Debug, Clone)]
pub struct RuleView {
    /// Its name.
    pub name: RuleName,
    /// Whether it refuses.
    pub mode: Mode,
    /// Whether it is met.
    pub met: bool,
    /// What it asks for, in words.
    pub needs: String,
    /// What the policy says of it.
    pub message: Option<String>,
    /// Whether an approval must say why.
    pub wants_reason: bool,
    /// The tokens that count, with the one of a rejection that stands in the way.
    pub tokens: Vec<TokenView>,
    /// The tokens that do not: who signed them if that is known, and why they do not.
    pub not_counted: Vec<(Option<PrincipalId>, String)>,
    /// Who could still fill an empty place.
    pub could_sign: BTreeSet<PrincipalId>,
    /// The roles that have empty places.
    pub lacks: BTreeSet<RoleName>,
    /// Its checks: name, role, and whether it holds.
    pub checks: Vec<(String, RoleName, bool)>,
    /// When others are told that it still waits, and of which roles these are; `None`: never.
    pub escalates: Option<(Timestamp, BTreeSet<RoleName>)>,
}

/// A token that counts for a rule, or stands against it.
#[derive(Debug, Clone)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// Who signed it.
    pub who: PrincipalId,
    /// The role whose place it fills; `None` for a rejection.
    pub role: Option<RoleName>,
    /// Whose place it is, if not the signer's own.
    pub stands_in_for: Option<PrincipalId>,
    /// What its signer had to say.
    pub reason: String,
    /// Until when it holds.
    pub until: Option<Timestamp>,
}

/// What a request would change.
#[derive(Debug, Default)]
pub struct Details {
    /// The changesets that the target would gain, children before parents.
    pub commits: Vec<Changeset>,
    /// What it would lose, and how its files would change.
    pub effect: Effect,
    /// What made each rule match.
    pub triggers: Vec<Trigger>,
}

/// What made a rule match a changeset; without paths and labels, it is about every changeset.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The rule.
    pub rule: RuleName,
    /// The changeset, or tip.
    pub commit: ChangesetId,
    /// The paths that it touches.
    pub paths: Vec<Vec<u8>>,
    /// The labels that it carries, each as `Key: value`.
    pub labels: Vec<Vec<u8>>,
}

impl RequestView {
    /// Tells whether it is a pipeline that asks.
    pub fn is_gate(&self) -> bool {
        self.asked.action.gate().is_some()
    }

    /// Returns the word for how it stands: what a gate asks for does not land, it opens.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            State::Landed if self.is_gate() => "opened",
            state => state.word(),
        }
    }

    /// Returns who could fill an empty place of an enforcing rule.
    pub fn could_sign(&self) -> BTreeSet<PrincipalId> {
        self.unmet().flat_map(|rule| rule.could_sign.iter().cloned()).collect()
    }

    /// Returns the roles that have empty places in enforcing rules.
    pub fn lacks(&self) -> BTreeSet<RoleName> {
        self.unmet().flat_map(|rule| rule.lacks.iter().cloned()).collect()
    }

    /// Tells whether `who` is one of those whom it waits for.
    pub fn waits_for(&self, who: &PrincipalId) -> bool {
        self.state == State::Open && self.could_sign().contains(who)
    }

    /// Returns what moving the target to the subject would be now, where that is not what was asked for: the target has moved on.
    pub fn other_action(&self) -> Option<&Action> {
        let now = &self.judged.as_ref()?.decision.action;
        (*now != self.asked.action).then_some(now)
    }

    fn unmet(&self) -> impl Iterator<Item = &RuleView> {
        self.rules.iter().filter(|rule| !rule.met && rule.mode == Mode::Enforce)
    }
}

/// Views each rule of `judged`, of a request that was opened at `opened`.
pub(super) fn rules(judged: &Judged, policy: &Policy, opened: Timestamp) -> Vec<RuleView> {
    judged.decision.rules.iter().map(|outcome| rule(outcome, judged, policy, opened)).collect()
}

fn rule(outcome: &RuleOutcome, judged: &Judged, policy: &Policy, opened: Timestamp) -> RuleView {
    let reason = |id: &TokenId| {
        let signed = judged.tokens.iter().find(|signed| signed.id == *id);
        signed.map(|signed| signed.token.reason.clone()).unwrap_or_default()
    };
    let counted = ends(outcome, policy, &judged.tokens).into_iter().map(|(counted, until)| TokenView {
        id: counted.token,
        who: counted.who,
        role: Some(counted.role),
        stands_in_for: counted.stands_in.map(|(from, _)| from),
        reason: reason(&counted.token),
        until: Some(until),
    });
    let rejections = outcome.unmet.iter().filter_map(|unmet| match unmet {
        Unmet::Rejected { by, token, reason, until, .. } => Some(TokenView {
            id: *token,
            who: by.clone(),
            role: None,
            stands_in_for: None,
            reason: reason.clone(),
            until: Some(*until),
        }),
        _ => None,
    });
    let lacks = outcome.unmet.iter().flat_map(|unmet| match unmet {
        Unmet::Approvals { filled, .. } => &filled[..],
        _ => &[],
    });
    let named = policy.rules.iter().find(|rule| rule.name == outcome.rule);
    let escalation = named.and_then(|rule| rule.escalation.as_ref());
    RuleView {
        name: outcome.rule.clone(),
        mode: outcome.mode,
        met: outcome.is_met(),
        needs: needs(outcome),
        message: outcome.message.clone(),
        wants_reason: outcome.reason.is_some(),
        tokens: counted.chain(rejections).collect(),
        not_counted: outcome.not_counted.iter().map(|not| (not.who.clone(), not.why.to_string())).collect(),
        could_sign: outcome.could_sign.clone(),
        lacks: lacks.filter(|entry| entry.missing() > 0).map(|entry| entry.requirement.role.clone()).collect(),
        checks: outcome.checks.iter().map(|one| (one.check.to_string(), one.role.clone(), one.holds())).collect(),
        escalates: escalation.map(|one| (opened.plus(one.after), one.notify.clone())),
    }
}
