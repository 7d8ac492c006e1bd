//! Writes the tokens that a person is about to sign: how long they count, for which role, and what they take back.

use super::client::Client;
use super::client_key::OwnKey;
use super::client_target::Proposal;
use super::{Exit, Failure, safe};
use crate::adapters::ssh::FileSigner;
use crate::domain::approval::{Kind, PublicKey, RoleChoice, SignedToken, Token, TokenId, signed_bytes};
use crate::domain::change::Action;
use crate::domain::name::{RoleName, RuleName};
use crate::domain::policy::{Policy, Rule};
use crate::domain::time::Span;
use crate::ports::signer::Signer as _;
use sha2::{Digest, Sha256};

/// How long an approval counts where no rule says.
const USUAL: Span = Span::days(7);
/// How long a rejection holds.
const REJECTION: Span = Span::days(30);

/// What the signer asked for.
#[derive(Debug)]
pub struct Wishes<'a> {
    /// Approval, rejection or override.
    pub kind: Kind,
    /// What may happen to the target.
    pub action: Action,
    /// What the signer has to say.
    pub reason: String,
    /// For how long; `None`: as long as it can count.
    pub ttl: Option<Span>,
    /// For which role only.
    pub role: Option<&'a str>,
}

/// Tokens that are not yet signed.
#[derive(Debug)]
pub struct Draft {
    /// Revocations of the signer's own earlier rejections, then the token that was asked for.
    pub tokens: Vec<Token>,
    /// What the signer should know about them.
    pub notes: Vec<String>,
}

/// Reads a length of time from the command line.
///
/// # Errors
/// What humantime says, and a length of zero.
pub fn parse_span(text: &str) -> Result<Span, String> {
    let span = Span::parse(text).map_err(|error| error.to_string())?;
    if span.as_seconds() == 0 { Err("nothing would count for no time".to_owned()) } else { Ok(span) }
}

/// Writes the token for `proposal`, and before it the revocation of each rejection of the same commit that would stand against it.
///
/// # Errors
/// [`Failure`] for a role that the policy does not have, or when tokens or randomness cannot be had.
pub fn draft(client: &Client, proposal: &Proposal, own: &OwnKey, wishes: Wishes<'_>) -> Result<Draft, Failure> {
    let mut notes = Vec::new();
    let role = match wishes.role {
        None => RoleChoice::Any,
        Some(name) => RoleChoice::Only(known_role(&client.policy, name)?),
    };
    let mut tokens = Vec::new();
    let mut begin = client.now;
    if wishes.kind != Kind::Reject {
        for rejection in own_rejections(client, proposal, own)? {
            notes.push(format!("this takes your rejection {} back", rejection.id));
            // An approval that is not younger than the rejection never counts, even when that is taken back.
            begin = begin.max(rejection.token.not_before.plus(Span::seconds(1)));
            tokens.push(revocation(client, rejection.id, String::new())?);
        }
    }
    let longest = longest(client, proposal, &wishes, &mut notes);
    let span = match wishes.ttl {
        Some(wish) if wish > longest => {
            notes.push(format!("it will count for {longest}, not {wish}: no longer is allowed"));
            longest
        }
        Some(wish) => wish,
        None => longest,
    };
    tokens.push(Token {
        kind: wishes.kind,
        subject: Some(proposal.subject),
        target: Some(proposal.target.clone()),
        action: Some(wishes.action),
        base: proposal.base.clone(),
        role,
        not_before: begin,
        not_after: Some(begin.plus(span)),
        ..bare(client, wishes.reason)?
    });
    Ok(Draft { tokens, notes })
}

/// Writes the revocation of the token `id`.
///
/// # Errors
/// [`Failure`] if the system has no randomness.
pub fn revocation(client: &Client, id: TokenId, reason: String) -> Result<Token, Failure> {
    Ok(Token { kind: Kind::Revoke(id), ..bare(client, reason)? })
}

/// Writes what a token of any kind says: an approval of nothing, from now on. The caller fills in the rest.
///
/// # Errors
/// [`Failure`] if the system has no randomness.
pub fn bare(client: &Client, reason: String) -> Result<Token, Failure> {
    Ok(Token {
        kind: Kind::Approve,
        repository: client.published.repository.clone(),
        subject: None,
        target: None,
        action: None,
        base: Vec::new(),
        content: None,
        role: RoleChoice::Any,
        not_before: client.now,
        not_after: None,
        nonce: nonce()?,
        reason,
    })
}

/// Takes `token` for signed, to see what it would be good for. It has no signature and must go nowhere.
pub fn supposed(token: &Token, key: PublicKey) -> SignedToken {
    // The id of a token that has no message is never looked at: signing it fails.
    let id = TokenId(Sha256::digest(token.message().unwrap_or_default()).into());
    SignedToken { token: token.clone(), id, key, text: String::new() }
}

/// Signs `token`.
///
/// # Errors
/// [`Failure`] for a token that breaks the format (a reason that is too long) or a signer that fails.
pub fn sign(token: &Token, signer: &FileSigner) -> Result<SignedToken, Failure> {
    let malformed =
        |error: &dyn std::error::Error| Failure::from_error(Exit::Usage, error).context("this cannot be signed");
    let message = token.message().map_err(|error| malformed(&error))?;
    let signature = signer
        .sign(&signed_bytes(message.as_bytes()))
        .map_err(|error| Failure::from_error(Exit::Undecided, &error).context("the key did not sign"))?;
    SignedToken::from_parts(token.clone(), signer.public_key(), signature).map_err(|error| malformed(&error))
}

/// Finds a role of the policy by its name.
///
/// # Errors
/// A usage [`Failure`] that lists the roles.
pub fn known_role(policy: &Policy, name: &str) -> Result<RoleName, Failure> {
    let role = RoleName::new(name).ok().filter(|role| policy.roles.contains_key(role));
    role.ok_or_else(|| {
        let known: Vec<&str> = policy.roles.keys().map(RoleName::as_str).collect();
        Failure::usage(format!("the policy has no role `{}`", safe(name.as_bytes())))
            .hint(format!("it has: {}", known.join(", ")))
    })
}

/// The rejections of the same commit for the same target by the same person that stand.
fn own_rejections(client: &Client, proposal: &Proposal, own: &OwnKey) -> Result<Vec<SignedToken>, Failure> {
    let failed = |error| Failure::from_error(Exit::Undecided, &error);
    let approvals = client.local.approvals();
    let is_own = |signed: &SignedToken| client.policy.holder(&signed.key) == Some(&own.who);
    let mut standing = Vec::new();
    for signed in approvals.of_subject(&proposal.subject).map_err(failed)?.tokens {
        let same = signed.token.kind == Kind::Reject
            && signed.token.target.as_ref() == Some(&proposal.target)
            && signed.token.repository == client.published.repository
            && is_own(&signed);
        if same && !approvals.revocations_of(&signed.id).map_err(failed)?.tokens.iter().any(is_own) {
            standing.push(signed);
        }
    }
    Ok(standing)
}

/// The longest time that a token can count: the shortest `ttl` of the rules that match.
fn longest(client: &Client, proposal: &Proposal, wishes: &Wishes<'_>, notes: &mut Vec<String>) -> Span {
    let overridden = |name: &RuleName| {
        let rule = client.policy.rules.iter().find(|rule| rule.name == *name)?;
        rule.overriding.as_ref().map(|one| one.ttl)
    };
    match &wishes.kind {
        Kind::Reject => return REJECTION,
        Kind::Override(rule) => return overridden(rule).unwrap_or(USUAL),
        _ => {}
    }
    let rules: Vec<&Rule> = match client.assess(&[proposal.supposed(Some(&wishes.action))], None, &[]) {
        Ok(assessment) => {
            let outcomes = assessment.decision.updates.into_iter().flat_map(|update| update.rules);
            let names: Vec<_> = outcomes.map(|outcome| outcome.rule).collect();
            client.policy.rules.iter().filter(|rule| rule.asks_approvals() && names.contains(&rule.name)).collect()
        }
        Err(_) => {
            notes.push("which rules match could not be found out; the shortest time of all is taken".to_owned());
            client.policy.rules.iter().filter(|rule| rule.asks_approvals()).collect()
        }
    };
    rules.iter().map(|rule| rule.ttl).min().unwrap_or(USUAL)
}

fn nonce() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::undecided(format!("the system has no random bytes: {error}")))?;
    Ok(bytes)
}
