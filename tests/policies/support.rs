//! Policies to test with.

use jit::domain::policy::{Faults, Policy, PolicyFile, load};

/// The keys of alice, bob, carol and mallory: each from the seed that repeats the first letter of the name 32 times
/// (`examples.rs` derives them).
pub const KEYS: [(&str, &str); 4] = [
    ("alice", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd"),
    ("bob", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC3wQSXwAVr7R86FOu+HcglP+UmMFMsbnhKXPCkn2g+m"),
    ("carol", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKf236+POLibqM5km1lPkeTQH9xX+clJPfQ7XlCpmHNn"),
    ("mallory", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsjfXiOjqrvVQxtElgj+kXx/V/CmyyIvfhxEZRx/BMS"),
];

/// alice and bob with their keys, carol without; the roles `lead` (alice), `dev` (alice, bob) and `guests` (carol); an environment of
/// each kind.
pub const PEOPLE: &str = r#"
version = 1
default = "allow"
[principals.alice]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd"]
[principals.bob]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC3wQSXwAVr7R86FOu+HcglP+UmMFMsbnhKXPCkn2g+m"]
[principals.carol]
logins = ["carol"]
[roles.lead]
members = ["alice"]
[roles.dev]
members = ["alice", "bob"]
[roles.guests]
members = ["carol"]
[environments.production]
branches = ["main"]
[environments.tagged]
tags = ["v*"]
[environments.marked]
bookmarks = ["@"]
"#;

/// Makes a file.
pub fn file(name: &str, text: impl AsRef<[u8]>) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.as_ref().to_vec() }
}

/// Loads [`PEOPLE`] together with a file that holds `text`.
pub fn with_people(text: &str) -> Result<Policy, Faults> {
    load(&[file("0-people.toml", PEOPLE), file("a.toml", format!("version = 1\n{text}"))])
}

/// Lists each fault as its text and what is underlined.
pub fn seen(faults: &Faults) -> Vec<(String, String)> {
    let underlined = |fault: &jit::domain::policy::Fault| {
        let bytes = fault.place.as_ref().map(|place| faults.underlined(place)).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    faults.list().iter().map(|fault| (fault.what.to_string(), underlined(fault))).collect()
}

/// A text, and each fault: its message, what is underlined.
pub type Case<'c> = (&'c str, &'c [(&'c str, &'c str)]);

/// Runs cases; each text stands in a file of its own beside [`PEOPLE`].
pub fn check(cases: &[Case<'_>]) {
    for (text, expected) in cases {
        let faults = with_people(text).expect_err(text);
        let found = seen(&faults);
        let found: Vec<(&str, &str)> = found.iter().map(|(what, underlined)| (&**what, &**underlined)).collect();
        assert_eq!(found, *expected, "in\n{text}");
    }
}

/// Runs cases whose text stands in a rule that asks for something.
pub fn check_rule(cases: &[Case<'_>]) {
    for (text, expected) in cases {
        let whole = format!("[[rule]]\nname = \"r\"\n{text}");
        check(&[(&whole, expected)]);
    }
}
