//! `jit tokens`: the tokens that are known here, and what has become of them.

use crate::cli::client::Client;
use crate::cli::client_target::find_subject;
use crate::cli::{Context, Exit, Failure, Format, client_json, safe};
use crate::domain::approval::{Kind, SignedToken, TokenId};
use crate::domain::name::PrincipalId;
use crate::domain::policy::LEEWAY;
use crate::ports::approval_store::KnownToken;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Lists the tokens that the server has published, and those that wait here.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those for this commit, or of this request `r-…`
    #[arg(value_name = "REV")]
    rev: Option<String>,
    /// The server, by its name or URL
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
}

/// Does what `args` say.
///
/// JSON: `tokens`, each as `jit sign` gives it, with `state` and `waiting`.
///
/// # Errors
/// [`Failure`] where the tokens cannot be read.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let client = Client::open(args.remote.as_deref(), cx)?;
    let all = client.local.known_tokens()?;
    let revoked = revocations(&client, &all);
    let rejections: Vec<&SignedToken> =
        all.iter().map(|one| &one.signed).filter(|signed| signed.token.kind == Kind::Reject).collect();
    let shown: Vec<&KnownToken> = match &args.rev {
        None => all.iter().collect(),
        Some(rev) => {
            let subject = find_subject(&client, rev)?;
            let about = |signed: &SignedToken| signed.token.subject == Some(subject);
            let ids: BTreeSet<TokenId> = all.iter().filter(|one| about(&one.signed)).map(|one| one.signed.id).collect();
            let revokes = |signed: &SignedToken| matches!(&signed.token.kind, Kind::Revoke(id) if ids.contains(id));
            all.iter().filter(|one| about(&one.signed) || revokes(&one.signed)).collect()
        }
    };
    let mut rows: Vec<(&KnownToken, Option<&PrincipalId>, &str)> = shown
        .into_iter()
        .map(|one| (one, client.policy.holder(&one.signed.key), state(&client, one, &revoked, &rejections)))
        .collect();
    rows.sort_by_key(|(one, ..)| (one.signed.token.not_before, one.signed.id));
    match cx.format {
        Format::Json => {
            let tokens: Vec<Value> = rows
                .iter()
                .map(|(one, who, state)| {
                    let mut value = client_json::token(&one.signed, *who);
                    value["state"] = (*state).into();
                    value["waiting"] = one.waiting.into();
                    value
                })
                .collect();
            cx.terminal.answer_json(&json!({ "tokens": tokens }));
        }
        Format::Text if rows.is_empty() => cx.terminal.say("no tokens"),
        Format::Text => cx.terminal.answer(&table(&rows)),
    }
    Ok(Exit::Done)
}

/// Who has revoked which token.
fn revocations(client: &Client, all: &[KnownToken]) -> BTreeMap<TokenId, BTreeSet<PrincipalId>> {
    let mut revoked: BTreeMap<TokenId, BTreeSet<PrincipalId>> = BTreeMap::new();
    for one in all {
        if let (Kind::Revoke(id), Some(who)) = (&one.signed.token.kind, client.policy.holder(&one.signed.key))
            && one.signed.token.repository == client.published.repository
        {
            revoked.entry(*id).or_default().insert(who.clone());
        }
    }
    revoked
}

/// One word or two for what a token is worth, whichever rule is asked: rules may want more of it.
fn state(
    client: &Client,
    one: &KnownToken,
    revoked: &BTreeMap<TokenId, BTreeSet<PrincipalId>>,
    rejections: &[&SignedToken],
) -> &'static str {
    let (signed, token) = (&one.signed, &one.signed.token);
    let Some(who) = client.policy.holder(&signed.key) else { return "unknown key" };
    let ended = client.policy.principals.get(who).and_then(|principal| principal.valid_until);
    if token.repository != client.published.repository {
        "other repository"
    } else if ended.is_some_and(|end| client.now >= end) {
        "signer expired"
    } else if revoked.get(&signed.id).is_some_and(|people| people.contains(who)) {
        "revoked"
    } else if token.not_after.is_some_and(|end| client.now >= end) {
        "expired"
    } else if token.kind == Kind::Approve && rejections.iter().any(|later| withdraws(client, later, signed)) {
        "withdrawn"
    } else if let Some(lacking) = undelegated(client, who, &token.kind) {
        lacking
    } else if token.not_before > client.now.plus(LEEWAY) {
        "not yet valid"
    } else if one.waiting {
        "not sent"
    } else {
        "valid"
    }
}

/// Says why nobody stands in by a delegation that `who` signed; `None` for one that is good, and for every other kind.
fn undelegated(client: &Client, who: &PrincipalId, kind: &Kind) -> Option<&'static str> {
    let Kind::Delegate { role, to } = kind else { return None };
    let delegable = client.policy.roles.get(role).is_some_and(|role| role.delegable);
    if !delegable {
        Some("not delegable")
    } else if !client.policy.holds_role(who, role) {
        Some("role not held")
    } else if to == who || !client.policy.principals.contains_key(to) {
        Some("nobody to stand in")
    } else {
        None
    }
}

/// Tells whether `later` is a rejection of the same commit and target, by the same person, that is not older than `approval`: such an
/// approval does not come back.
fn withdraws(client: &Client, later: &SignedToken, approval: &SignedToken) -> bool {
    let (one, other) = (&later.token, &approval.token);
    (one.subject, &one.target, &one.repository) == (other.subject, &other.target, &other.repository)
        && one.not_before >= other.not_before
        && client.policy.holder(&later.key) == client.policy.holder(&approval.key)
}

fn table(rows: &[(&KnownToken, Option<&PrincipalId>, &str)]) -> String {
    let header = ["token", "kind", "who", "state", "until", "subject", "about", "reason"].map(str::to_owned);
    let mut cells: Vec<[String; 8]> = vec![header];
    for (one, who, state) in rows {
        let token = &one.signed.token;
        let subject = match (&token.kind, &token.subject) {
            (Kind::Revoke(id), _) => format!("token {id}"),
            (_, Some(subject)) => subject.hex(),
            (_, None) => "-".to_owned(),
        };
        let target = match (&token.target, &token.action) {
            (Some(target), Some(action)) => Some(format!("{} ({action})", safe(target.to_string().as_bytes()))),
            (Some(target), None) => Some(safe(target.to_string().as_bytes())),
            (None, _) => None,
        };
        let about: Vec<String> = target.into_iter().chain(token.kind.detail()).collect();
        cells.push([
            one.signed.id.to_string(),
            token.kind.word().to_owned(),
            who.map_or_else(|| one.signed.key.to_string(), ToString::to_string),
            (*state).to_owned(),
            token.not_after.map_or_else(|| "-".to_owned(), |end| end.to_string()),
            subject,
            if about.is_empty() { "-".to_owned() } else { about.join(": ") },
            if token.reason.is_empty() { "-".to_owned() } else { safe(token.reason.as_bytes()) },
        ]);
    }
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        for (cell, width) in row.iter().zip(&widths) {
            write!(text, "{cell:<width$}  ").expect("a String takes everything");
        }
        writeln!(text, "{}", row[7]).expect("a String takes everything");
    }
    text
}
