//! Whether the checks hold that a rule names (docs/spec/semantics.md, 16).
//!
//! Of each tip and check the newest attestation by a holder of the check's role decides, also when its time is over: an older one, that
//! may say the opposite, does not come back.

use super::decision::{NotCounted, Why};
use super::standing::Standing;
use super::{Policy, Rule};
use crate::domain::approval::{Kind, SignedToken, Status, TokenId};
use crate::domain::change::ChangesetId;
use crate::domain::name::{CheckName, PrincipalId, RoleName};
use crate::domain::text;
use crate::domain::time::Timestamp;
use std::fmt;

/// How a check stands for one tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The check.
    pub check: CheckName,
    /// Whose attestations count.
    pub role: RoleName,
    /// The tip.
    pub tip: ChangesetId,
    /// The newest attestation; `None` if there is none.
    pub newest: Option<Attested>,
}

/// An attestation that decides, for good or ill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The token.
    pub token: TokenId,
    /// Who signed it.
    pub by: PrincipalId,
    /// How the check ended.
    pub status: Status,
    /// What the signer had to say; may be empty.
    pub reason: String,
    /// When its time was over, if it is.
    pub expired: Option<Timestamp>,
}

impl Checked {
    /// Tells whether the check holds: its newest attestation says so, and its time is not over.
    pub fn holds(&self) -> bool {
        self.newest.as_ref().is_some_and(|one| one.status == Status::Passed && one.expired.is_none())
    }
}

impl fmt::Display for Checked {
    /// Writes the whole of it, for the log; text from outside is percent-encoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, role, tip, newest } = self;
        write!(f, "the check `{check}` of {} by `{role}` ", tip.hex())?;
        let Some(Attested { token, by, status, reason, expired }) = newest else {
            return f.write_str("was not attested");
        };
        write!(f, "{} by {by} (token {token})", status.word())?;
        if let Some(at) = expired {
            write!(f, ", which expired at {at}")?;
        }
        if reason.is_empty() { Ok(()) } else { write!(f, ": {}", text::encode(reason.as_bytes(), b"")) }
    }
}

/// Judges the checks of `rule` for each of `tips`; says of the attestations of these checks which do not count, and why.
pub(super) fn judge(
    policy: &Policy,
    rule: &Rule,
    standing: &Standing<'_>,
    tips: &[ChangesetId],
    tokens: &[SignedToken],
) -> (Vec<Checked>, Vec<NotCounted>) {
    let (mut checked, mut not_counted) = (Vec::new(), Vec::new());
    for (check, role) in &rule.checks {
        for tip in tips {
            let mut newest: Option<(&SignedToken, Status, &PrincipalId)> = None;
            for signed in tokens.iter().filter(|signed| signed.token.subject == Some(*tip)) {
                let Some(status) = status_of(signed, check) else { continue };
                match standing.signer(signed) {
                    Ok(by) if policy.holds_role(by, role) => {
                        let rank = |signed: &SignedToken, status: Status| (signed.token.not_before, status, signed.id);
                        if newest.is_none_or(|(other, of_it, _)| rank(signed, status) > rank(other, of_it)) {
                            newest = Some((signed, status, by));
                        }
                    }
                    Ok(by) => {
                        let (who, why) = (Some(by.clone()), Why::NoRole);
                        not_counted.push(NotCounted { token: signed.id, who, why });
                    }
                    Err(not) => not_counted.push(NotCounted { token: signed.id, who: not.who, why: not.why }),
                }
            }
            let newest = newest.map(|(signed, status, by)| Attested {
                token: signed.id,
                by: by.clone(),
                status,
                reason: signed.token.reason.clone(),
                expired: standing.end(signed),
            });
            checked.push(Checked { check: check.clone(), role: role.clone(), tip: *tip, newest });
        }
    }
    (checked, not_counted)
}

fn status_of(signed: &SignedToken, asked: &CheckName) -> Option<Status> {
    match &signed.token.kind {
        Kind::Attest { check, status } if check == asked => Some(*status),
        _ => None,
    }
}
