//! Who takes part: alice, bob and carol are in the policy, mallory is not.

use data_encoding::BASE64;
use ed25519_dalek::SigningKey;

/// Somebody who commits, signs or pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The login and the name of the principal; empty for [`NOBODY`].
    pub name: &'static str,
}

pub const ALICE: Person = Person { name: "alice" };
pub const BOB: Person = Person { name: "bob" };
pub const CAROL: Person = Person { name: "carol" };
/// Has a login and a key, and no place in the policy.
pub const MALLORY: Person = Person { name: "mallory" };
/// Pushes over a transport that does not say who it is.
pub const NOBODY: Person = Person { name: "" };

impl Person {
    pub fn email(self) -> String {
        format!("{}@example.com", self.name)
    }

    /// The key whose seed is the first letter of the name, 32 times.
    pub fn key(self) -> SigningKey {
        SigningKey::from_bytes(&[self.name.as_bytes()[0]; 32])
    }

    /// The public key as a policy lists it.
    pub fn key_line(self) -> String {
        let mut blob = Vec::new();
        for part in [b"ssh-ed25519".as_slice(), self.key().verifying_key().as_bytes()] {
            blob.extend(u32::try_from(part.len()).expect("a short part").to_be_bytes());
            blob.extend(part);
        }
        format!("ssh-ed25519 {} {}", BASE64.encode(&blob), self.email())
    }
}

/// The `[principals.*]` of alice, bob and carol, and the roles of the tests' policies:
/// `maintainers` (everybody), `leads` (bob and carol) and `dba` (bob).
pub fn people() -> String {
    let mut toml = String::new();
    for person in [ALICE, BOB, CAROL] {
        let (name, key, email) = (person.name, person.key_line(), person.email());
        toml += &format!("[principals.{name}]\nkeys = [\"{key}\"]\nemails = [\"{email}\"]\nlogins = [\"{name}\"]\n");
    }
    toml + r#"
[roles.maintainers]
members = ["alice", "bob", "carol"]
[roles.leads]
members = ["bob", "carol"]
[roles.dba]
members = ["bob"]
"#
}
