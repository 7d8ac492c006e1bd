//! Tokens by fixed keys, at fixed times.

use super::push::as_hg;
use super::{REPOSITORY, id, ids, target};
use ed25519_dalek::{Signer as _, SigningKey};
use jit::domain::approval::{Kind, PublicKey, RoleChoice, SignedToken, Status, Token, signed_bytes};
use jit::domain::change::Action;
use jit::domain::name::{CheckName, PrincipalId, RoleName, RuleName};
use jit::domain::time::Timestamp;

/// The moment so many seconds after the one that all tests take for now.
pub fn at(seconds: i64) -> Timestamp {
    let now = Timestamp::parse("2026-03-02T12:00:00Z").expect("a time");
    Timestamp::from_unix(now.unix() + seconds).expect("a time")
}

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The key from the seed that repeats one byte.
pub fn key(seed: u8) -> PublicKey {
    PublicKey::new(secret(seed).verifying_key().to_bytes()).expect("an honest key")
}

/// A token that is not signed yet.
#[derive(Debug, Clone)]
pub struct Draft(pub Token);

fn draft(kind: Kind, subject: &str, base: &str) -> Draft {
    Draft(Token {
        kind,
        repository: REPOSITORY.to_owned(),
        subject: Some(id(subject.chars().next().expect("a letter"))),
        target: Some(target("refs/heads/main")),
        action: Some(Action::Update),
        base: ids(base),
        content: None,
        role: RoleChoice::Any,
        not_before: at(-3600),
        not_after: Some(at(86_400)),
        nonce: [7; 16],
        reason: String::new(),
    })
}

/// An approval of `subject` on `base` for `refs/heads/main`: an hour old, good for a day.
pub fn approve(subject: &str, base: &str) -> Draft {
    draft(Kind::Approve, subject, base)
}

/// A rejection, likewise.
pub fn reject(subject: &str, base: &str) -> Draft {
    draft(Kind::Reject, subject, base)
}

/// An override of the rule `r`, for moving `refs/heads/main` from `base` to `subject`: a minute old, good for a day.
pub fn overriding(subject: &str, base: &str) -> Draft {
    let rule = RuleName::new("r").expect("a name");
    draft(Kind::Override(rule), subject, base).reason("on fire").from(-60)
}

/// A review of the override of the rule `r` for `refs/heads/main`, by way of `subject`; of now.
pub fn review(subject: &str) -> Draft {
    let rule = RuleName::new("r").expect("a name");
    let about = approve(subject, "").from(0).0;
    Draft(Token { kind: Kind::Review(rule), action: None, not_after: None, ..about })
}

/// A delegation of `role` to somebody: a day old, good for a day.
pub fn delegate(role: &str, to: &str) -> Draft {
    let kind = Kind::Delegate { role: RoleName::new(role).expect(role), to: PrincipalId::new(to).expect(to) };
    let about = approve("a", "").from(-86_400).0;
    Draft(Token { kind, subject: None, target: None, action: None, ..about })
}

/// A revocation of `token`, half an hour old.
pub fn revoke(token: &SignedToken) -> Draft {
    Draft(Token {
        kind: Kind::Revoke(token.id),
        subject: None,
        target: None,
        action: None,
        base: vec![],
        not_before: at(-1800),
        not_after: None,
        ..approve("a", "").0
    })
}

/// An attestation that the check `tests` of `subject` ended so: an hour old, good for a day.
pub fn attest(subject: &str, status: &str) -> Draft {
    let status = Status::parse(status).expect(status);
    let check = CheckName::new("tests").expect("a name");
    let about = approve(subject, "").0;
    Draft(Token { kind: Kind::Attest { check, status }, target: None, action: None, ..about })
}

impl Draft {
    /// An override or a review of another rule.
    pub fn of_rule(mut self, name: &str) -> Self {
        if let Kind::Override(rule) | Kind::Review(rule) = &mut self.0.kind {
            *rule = RuleName::new(name).expect(name);
        }
        self
    }

    /// An attestation of another check.
    pub fn of_check(mut self, name: &str) -> Self {
        if let Kind::Attest { check, .. } = &mut self.0.kind {
            *check = CheckName::new(name).expect(name);
        }
        self
    }

    /// For another target.
    pub fn on(mut self, written: &str) -> Self {
        self.0.target = Some(target(written));
        self
    }

    /// About a Mercurial changeset, for no target.
    pub fn hg_changeset(mut self) -> Self {
        self.0.subject = self.0.subject.as_ref().map(as_hg);
        self
    }

    /// For Mercurial's branch `default`.
    pub fn hg(mut self) -> Self {
        self.0.subject = self.0.subject.as_ref().map(as_hg);
        self.0.base = self.0.base.iter().map(as_hg).collect();
        self.on("branch:default")
    }

    /// For another action.
    pub fn to(mut self, action: &str) -> Self {
        self.0.action = Some(Action::parse(action).expect(action));
        self
    }

    /// Signed so many seconds from now.
    pub fn from(mut self, seconds: i64) -> Self {
        self.0.not_before = at(seconds);
        self
    }

    /// Good until so many seconds from now.
    pub fn until(mut self, seconds: i64) -> Self {
        self.0.not_after = Some(at(seconds));
        self
    }

    /// Meant for one role.
    pub fn role(mut self, role: &str) -> Self {
        self.0.role = RoleChoice::Only(RoleName::new(role).expect(role));
        self
    }

    /// With a reason.
    pub fn reason(mut self, reason: &str) -> Self {
        self.0.reason = reason.to_owned();
        self
    }

    /// For another repository.
    pub fn repository(mut self, repository: &str) -> Self {
        self.0.repository = repository.to_owned();
        self
    }

    /// Like another token but for its number.
    pub fn nonce(mut self, nonce: u8) -> Self {
        self.0.nonce = [nonce; 16];
        self
    }

    /// Signs with a person's first key; `A` is alice's second, anything else somebody's whom no policy knows.
    pub fn by(self, who: &str) -> SignedToken {
        let secret = secret(who.as_bytes()[0]);
        let message = self.0.message().expect("a sound token");
        let signature = secret.sign(&signed_bytes(message.as_bytes())).to_bytes();
        SignedToken::from_parts(self.0, key(who.as_bytes()[0]), signature).expect("a sound signature")
    }
}
