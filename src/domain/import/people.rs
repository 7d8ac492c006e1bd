//! The principals and roles that an import makes.

use super::written::{Names, comment, key, list};
use crate::domain::approval::PublicKey;
use crate::domain::policy::limits;
use crate::domain::time::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// One principal.
#[derive(Debug, Default)]
pub(super) struct Person {
    /// Where they come from.
    pub(super) comment: String,
    /// Their keys, a line each; without any a key that nobody holds is written.
    pub(super) keys: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) logins: Vec<String>,
    pub(super) valid_until: Option<Timestamp>,
}

/// Principals and roles, each under its name, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct People {
    names: Names,
    role_names: Names,
    people: Vec<(String, Person)>,
    roles: Vec<(String, Vec<String>)>,
    of_members: BTreeMap<Vec<String>, String>,
}

impl People {
    /// Adds a principal under a name that resembles `wish`, and returns it.
    pub(super) fn add(&mut self, wish: &str, person: Person) -> String {
        let name = self.names.take(wish);
        self.people.push((name.clone(), person));
        name
    }

    /// Returns the role with these members, names of principals or `role:` and a name; a new one resembles `wish`.
    pub(super) fn role(&mut self, wish: &str, members: Vec<String>) -> String {
        let mut sorted = members.clone();
        sorted.sort();
        if let Some(known) = self.of_members.get(&sorted) {
            return known.clone();
        }
        let name = self.role_names.take(wish);
        self.of_members.insert(sorted, name.clone());
        self.roles.push((name.clone(), members));
        name
    }

    /// Tells whether some principal has no key.
    pub(super) fn has_keyless(&self) -> bool {
        self.people.iter().any(|(_, person)| person.keys.is_empty())
    }

    /// Writes the tables.
    pub(super) fn toml(&self) -> String {
        let mut text = String::new();
        for (name, person) in &self.people {
            text += &format!("\n{}[principals.{}]\n", comment(&person.comment), key(name));
            let keys = match &person.keys[..] {
                [] => vec![format!("{} replace-me", nobodys_key(name).openssh())],
                keys => keys.to_vec(),
            };
            text += &format!("keys = {}\n", list(&keys));
            for (what, entries) in [("emails", &person.emails), ("logins", &person.logins)] {
                if !entries.is_empty() {
                    text += &format!("{what} = {}\n", list(entries));
                }
            }
            if let Some(end) = person.valid_until {
                text += &format!("valid_until = {end}\n");
            }
        }
        for (name, members) in &self.roles {
            text += &format!("\n[roles.{}]\nmembers = {}\n", key(name), list(members));
        }
        text
    }
}

/// Tells whether a policy takes `text` as a login or, with an `@`, as an address.
pub(super) fn is_identity(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= limits::IDENTITY_BYTES
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<' || c == '>')
}

/// Returns a key for `name` that nobody holds: the point is taken out of a hash, so that no secret for it is known.
fn nobodys_key(name: &str) -> PublicKey {
    let tried = |number: u32| {
        let mut hash = Sha256::new();
        hash.update(b"jit: nobody holds this key\n");
        hash.update(number.to_be_bytes());
        hash.update(name.as_bytes());
        PublicKey::new(hash.finalize().into()).ok()
    };
    (0..).find_map(tried).expect("about half of all texts are keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_short_word_without_brackets() {
        let longest = "a".repeat(limits::IDENTITY_BYTES);
        let cases = [
            ("alice", true),
            ("alice@example.com", true),
            (&longest, true),
            (&format!("{longest}a"), false),
            ("", false),
            ("alice bob", false),
            ("alice\u{7f}", false),
            ("alice<", false),
            ("alice>", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_identity(text), expected, "{text}");
        }
    }
}
