//! What `jit sign`, `jit reject` and `jit inbox` have in common: what would be signed is worked out and put into words first, and only
//! then signed.

use super::client::Client;
use super::client_json;
use super::client_key::OwnKey;
use super::client_target::Proposal;
use super::client_token::{self, Wishes, supposed};
use super::local_clone::{Move, Step};
use super::summary::Summary;
use super::{Exit, Failure, answer, safe};
use crate::domain::approval::{Kind, SignedToken, Token};
use crate::domain::change::{Action, Target};
use crate::domain::policy::{UpdateDecision, Verdict};
use crate::domain::time::Span;
use crate::enforcement::assess::Assessment;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What somebody wants to sign for a proposal.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Approval, rejection or override.
    pub kind: Kind,
    /// What may happen to the target; `None`: what moving it to the commit does.
    pub action: Option<&'a Action>,
    /// Why; may be empty.
    pub reason: String,
    /// For how long; `None`: as long as it can count.
    pub ttl: Option<Span>,
    /// For which role only.
    pub role: Option<&'a str>,
}

/// Tokens that can be signed, and what there is to say of them.
#[derive(Debug)]
pub struct Ready {
    /// Whose key signs.
    pub own: OwnKey,
    /// What is signed: revocations of the signer's own rejections, then the token that is wanted.
    pub tokens: Vec<Token>,
    /// What the signer should know, a line each.
    pub notes: Vec<String>,
    /// What is stated, which commits it is about, and what it will count for; escaped.
    pub summary: String,
    /// What to ask before signing.
    pub question: String,
    supposed: Move,
}

/// How a push by somebody else would be judged after the signature.
#[derive(Debug)]
pub struct Outcome<'a> {
    signed: &'a [SignedToken],
    own: &'a OwnKey,
    after: Assessment,
}

impl Ready {
    /// Works out what to sign for `proposal` with the key `own`.
    ///
    /// # Errors
    /// [`Failure`] where there is nothing to sign, or it cannot be judged.
    pub fn of(client: &Client, proposal: &Proposal, own: OwnKey, wanted: Wanted<'_>) -> Result<Self, Failure> {
        check_possible(client, proposal, wanted.action)?;
        let move_wanted = proposal.supposed(wanted.action);
        let update = client.update(move_wanted.clone())?;
        if move_wanted.step == Step::Delete && update.tips != [proposal.subject] {
            let target = safe(proposal.target.to_string().as_bytes());
            return Err(Failure::usage(format!("{target} is not at {} on the server", proposal.subject.hex()))
                .hint("to delete it, sign for what it holds now"));
        }
        if let Some(asked) = wanted.action.filter(|asked| *asked != update.action()) {
            let target = safe(proposal.target.to_string().as_bytes());
            let (subject, is) = (proposal.subject.hex(), update.action());
            return Err(Failure::usage(format!("moving {target} to {subject} is not {asked} but {is}"))
                .hint("leave `--action` away to sign for what it is"));
        }
        let content = update.contents.iter().find(|(_, found)| found.end == proposal.subject);
        let wishes = Wishes {
            kind: wanted.kind,
            action: update.action().clone(),
            content: content.map(|(content, _)| *content),
            reason: wanted.reason,
            ttl: wanted.ttl,
            role: wanted.role,
        };
        let draft = client_token::draft(client, proposal, &own, wishes)?;
        let unsigned: Vec<SignedToken> = draft.tokens.iter().map(|token| supposed(token, own.key)).collect();
        let assessment = client.assess(std::slice::from_ref(&move_wanted), None, &unsigned)?;
        let effect = client.local.effect(&update)?;
        let main = unsigned.last().ok_or_else(|| Failure::undecided("nothing to sign"))?;
        let summary = Summary {
            who: &own.who,
            key: own.key.to_string(),
            request: proposal.request.as_ref(),
            token: &main.token,
            id: main.id,
            commits: &update.changesets,
            lost: &effect.lost,
            size: &effect.size,
            decision: first(&assessment)?,
        };
        let summary = summary.text();
        let verb = match main.token.kind {
            Kind::Reject => "reject",
            Kind::Override(_) => "override the rule for",
            _ => "approve",
        };
        let question = format!("{verb} this?");
        Ok(Self { own, tokens: draft.tokens, notes: draft.notes, summary, question, supposed: move_wanted })
    }

    /// Returns the very texts that will be signed: printable ASCII, a line for each field.
    ///
    /// # Errors
    /// A usage [`Failure`] for what no token can say, such as a reason that is too long.
    pub fn messages(&self) -> Result<Vec<String>, Failure> {
        let malformed = |error| Failure::from_error(Exit::Usage, &error).context("this cannot be signed");
        self.tokens.iter().map(|token| token.message().map_err(malformed)).collect()
    }

    /// Finds out how things stand now that `signed` are known.
    ///
    /// # Errors
    /// [`Failure`] where that cannot be judged.
    pub fn outcome<'a>(&'a self, signed: &'a [SignedToken], client: &Client) -> Result<Outcome<'a>, Failure> {
        let after = client.assess(std::slice::from_ref(&self.supposed), None, &[])?;
        first(&after)?;
        Ok(Outcome { signed, own: &self.own, after })
    }
}

impl Outcome<'_> {
    /// JSON: `tokens`, `sent`, `update` (how a push by somebody else would be judged now).
    pub fn json(&self, sent: bool) -> Value {
        let tokens: Vec<_> = self.signed.iter().map(|one| client_json::token(one, Some(&self.own.who))).collect();
        json!({ "tokens": tokens, "sent": sent, "update": first(&self.after).ok().map(client_json::update) })
    }

    /// Says what was done, `whereabouts` the tokens are, and what is missing now.
    pub fn text(&self, whereabouts: &str) -> String {
        let mut text = String::new();
        for one in self.signed {
            text.push_str(&format!("{}: token {}\n", self.done(one), one.id));
        }
        text.push_str(whereabouts);
        text.extend(self.after.decision.updates.first().map(|decision| self.missing(decision)));
        text
    }

    /// Says in a line what was done, and whether something is missing now.
    pub fn short(&self) -> String {
        let done = self.signed.last().map(|one| self.done(one)).unwrap_or_default();
        let missing = self.after.decision.updates.first().map(|decision| self.missing(decision)).unwrap_or_default();
        let missing: Vec<&str> = missing.lines().map(str::trim).collect();
        format!("{done}; {}", missing.join(" "))
    }

    fn done(&self, signed: &SignedToken) -> String {
        let what = match &signed.token.kind {
            Kind::Revoke(id) => format!("revoked {id}"),
            Kind::Reject => "rejected".to_owned(),
            Kind::Override(rule) => format!("`{rule}` overridden"),
            _ => "approved".to_owned(),
        };
        format!("{what} by {}", self.own.who)
    }

    fn missing(&self, decision: &UpdateDecision) -> String {
        let target = safe(decision.target.to_string().as_bytes());
        if decision.verdict() == Verdict::Deny {
            // The first line is the verdict on a push that nobody makes.
            let lines = answer::update_lines(&self.after.push, decision);
            let lines: String = lines.lines().skip(1).map(|line| format!("{line}\n")).collect();
            return format!("still missing for {target}:\n{lines}");
        }
        let counted = decision.rules.iter().flat_map(|rule| &rule.counted);
        let names: BTreeSet<&str> = counted.map(|one| one.who.as_str()).collect();
        match &Vec::from_iter(names)[..] {
            [] => format!("nothing is missing for {target}\n"),
            names => {
                let (verb, own) =
                    if decision.action.gate().is_some() { ("asked for", "gate") } else { ("pushed", "push") };
                let names = names.join(" or ");
                format!(
                    "nothing is missing for {target} (unless it is {verb} by {names}: nobody's approval counts for their own {own})\n"
                )
            }
        }
    }
}

/// Refuses what would sign for nothing.
fn check_possible(client: &Client, proposal: &Proposal, action: Option<&Action>) -> Result<(), Failure> {
    let target = safe(proposal.target.to_string().as_bytes());
    let subject = proposal.subject.hex();
    if proposal.gate.is_some() {
        return Ok(());
    }
    if action == Some(&Action::Delete) {
        return if proposal.base.is_empty() {
            Err(Failure::new(Exit::Denied, format!("{target} does not exist on the server")))
        } else {
            Ok(())
        };
    }
    let stays = !matches!(action, Some(Action::Rewrite | Action::Publish));
    if stays && proposal.has_landed(client)? {
        let what = format!("{target} has {subject} already: there is nothing to sign for");
        return Err(Failure::new(Exit::Denied, what).hint(match proposal.target {
            Target::Branch(_) => "`--action publish` signs for making drafts of it public",
            _ => "`--action rewrite` signs for setting it back, `--action delete` for deleting it",
        }));
    }
    Ok(())
}

fn first(assessment: &Assessment) -> Result<&UpdateDecision, Failure> {
    let decision = assessment.decision.updates.first();
    decision.ok_or_else(|| Failure::undecided("the move comes to nothing"))
}
