//! What people answered to requests that did not land: of these the log does not tell.

use crate::cli::ServerParts;
use crate::domain::approval::{Kind, SignedToken};
use crate::domain::metrics::Response;
use crate::domain::name::{PrincipalId, RuleName};
use crate::domain::policy::{Policy, Rule};
use crate::domain::request::Asked;
use crate::ports::approval_store::ApprovalStore as _;
use std::collections::BTreeSet;

/// Finds the approvals and rejections of the request's subject for its target that the server keeps, by people who hold a role of these
/// rules, or where none is known, of any rule for the target. What was revoked was answered nevertheless, unless it is a rejection.
pub(super) fn answers(
    parts: &ServerParts,
    policy: &Policy,
    asked: &Asked,
    rules: &BTreeSet<&RuleName>,
) -> Vec<Response> {
    let Ok(found) = parts.tokens().of_subject(&asked.subject) else { return Vec::new() };
    let concerned = |rule: &&Rule| match rules.is_empty() {
        true => policy.names_target(rule, &asked.target),
        false => rules.contains(&rule.name),
    };
    let roles: BTreeSet<_> = policy.rules.iter().filter(concerned).flat_map(Rule::roles).collect();
    let response = |signed: &SignedToken| {
        let rejects = signed.token.kind == Kind::Reject;
        let by = policy.holder(&signed.key)?;
        let counts = signed.token.target.as_ref() == Some(&asked.target)
            && (rejects || signed.token.kind == Kind::Approve)
            && roles.iter().any(|role| policy.holds_role(by, role))
            && !(rejects && is_revoked(parts, policy, signed, by));
        counts.then(|| Response { at: signed.token.not_before, by: by.clone(), rejects })
    };
    found.tokens.iter().filter_map(response).collect()
}

fn is_revoked(parts: &ServerParts, policy: &Policy, signed: &SignedToken, by: &PrincipalId) -> bool {
    let revocations = parts.tokens().revocations_of(&signed.id);
    revocations.is_ok_and(|found| found.tokens.iter().any(|one| policy.holder(&one.key) == Some(by)))
}
