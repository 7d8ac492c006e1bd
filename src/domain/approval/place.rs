//! Where a token stands among others: `<first 2 hex>/<rest of the subject>/<name>` (docs/spec/token.md, "Place").
//!
//! The server's store and the Git tree of `refs/jit/approvals` share this layout: all tokens of a subject stand in
//! one folder, so finding them costs the same however many others there are.

use super::{Kind, SignedToken, TokenId};
use crate::domain::change::ChangesetId;
use crate::domain::name::{PrincipalId, RoleName};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Returns where `signed` stands: `ab/cdef…/<token id>`, relative and with forward slashes.
pub fn place(signed: &SignedToken) -> String {
    format!("{}/{}", folder_of(signed), signed.id)
}

/// Returns where `signed` stands when [`place`] is taken by another signer's token.
///
/// A token's id is that of its message, and anybody can sign a copy of a message before its author's token arrives.
/// The second token to come is named SHA-256 of message and key, so that no one can keep another's approval out.
pub fn beside(signed: &SignedToken) -> String {
    let name = Sha256::new().chain_update(signed.id.0).chain_update(signed.key.as_bytes()).finalize();
    format!("{}/{}", folder_of(signed), HEXLOWER.encode(&name))
}

/// Returns the folder of the approvals and rejections of `subject`.
pub fn folder_of_changeset(subject: &ChangesetId) -> String {
    split_hex(&subject.hex())
}

/// Returns the folder of the revocations of `token`.
pub fn folder_of_token(token: &TokenId) -> String {
    split_hex(&token.to_string())
}

/// Returns the folder of the delegations of `role` to `to`, whoever signed them: named by SHA-256 of `delegate ROLE PERSON`.
///
/// They are about no changeset. So they are found by what a decision asks, whether a signer stands in for somebody in a role, at the same
/// cost however many other delegations there are.
pub fn folder_of_delegations(role: &RoleName, to: &PrincipalId) -> String {
    split_hex(&HEXLOWER.encode(&Sha256::digest(format!("delegate {role} {to}"))))
}

fn folder_of(signed: &SignedToken) -> String {
    match (&signed.token.kind, &signed.token.subject) {
        (Kind::Revoke(id), _) => folder_of_token(id),
        (Kind::Delegate { role, to }, _) => folder_of_delegations(role, to),
        (_, Some(subject)) => folder_of_changeset(subject),
        // A message without a subject does not parse; the id keeps such a token apart from all others.
        (_, None) => folder_of_token(&signed.id),
    }
}

fn split_hex(hex: &str) -> String {
    let (first, rest) = hex.split_at(2);
    format!("{first}/{rest}")
}

/// A path of the layout, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The hex digits of the subject: 40 or 64.
    pub subject: String,
    /// The name of the token: 64 hex digits.
    pub name: String,
}

impl Place {
    /// Reads a path of the layout; `None` for every other path.
    pub fn parse(path: &[u8]) -> Option<Self> {
        let mut parts = str::from_utf8(path).ok()?.split('/');
        let (first, rest, name) = (parts.next()?, parts.next()?, parts.next()?);
        let subject = format!("{first}{rest}");
        let fits = parts.next().is_none()
            && first.len() == 2
            && matches!(subject.len(), 40 | 64)
            && is_hex(&subject)
            && Self::is_name(name);
        fits.then(|| Self { subject, name: name.to_owned() })
    }

    /// Tells whether `name` can be a token's: 64 lowercase hex digits.
    pub fn is_name(name: &str) -> bool {
        name.len() == 64 && is_hex(name)
    }

    /// Tells whether this is where `signed` belongs.
    pub fn suits(&self, signed: &SignedToken) -> bool {
        let path = format!("{}/{}", split_hex(&self.subject), self.name);
        path == place(signed) || path == beside(signed)
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::IdKind;

    #[test]
    fn only_the_layout_is_read() {
        let name = "0f".repeat(32);
        let rest = "1".repeat(38);
        let long = "1".repeat(62);
        for good in [format!("ab/{rest}/{name}"), format!("ab/{long}/{name}")] {
            let place = Place::parse(good.as_bytes()).expect("a place");
            assert_eq!(format!("{}/{}", split_hex(&place.subject), place.name), good);
        }
        for bad in [
            format!("ab/{rest}"),
            format!("ab/{rest}/{name}/x"),
            format!("abc/{}/{name}", "1".repeat(37)),
            format!("AB/{rest}/{name}"),
            format!("ab/{rest}1/{name}"),
            format!("ab/{rest}/{}", name.to_uppercase()),
            format!("ab/{rest}/{}", &name[1..]),
            format!("ab/../{name}"),
            format!("/ab/{rest}/{name}"),
            String::new(),
        ] {
            assert_eq!(Place::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Place::parse(b"\xff\xfe"), None);
    }

    #[test]
    fn the_delegations_of_a_role_to_somebody_stand_together() {
        let (role, to) = (RoleName::new("dba").expect("a name"), PrincipalId::new("carol").expect("a name"));
        let folder = folder_of_delegations(&role, &to);
        let path = format!("{folder}/{}", "0f".repeat(32));
        assert_eq!(Place::parse(path.as_bytes()).expect("a place").subject, folder.replace('/', ""));
        // The border between the two names counts.
        let (role, to) = (RoleName::new("db").expect("a name"), PrincipalId::new("acarol").expect("a name"));
        assert_ne!(folder_of_delegations(&role, &to), folder);
    }

    #[test]
    fn a_folder_is_named_by_all_digits_of_its_subject() {
        let id = ChangesetId::from_hex(IdKind::GitSha1, &"3f2a91c0".repeat(5)).expect("a full id");
        assert_eq!(folder_of_changeset(&id), "3f/2a91c03f2a91c03f2a91c03f2a91c03f2a91c0");
        assert_eq!(folder_of_token(&TokenId([0xab; 32])), format!("ab/{}", "ab".repeat(31)));
    }
}
