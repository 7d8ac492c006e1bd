//! Names that a policy gives: `[a-z0-9][a-z0-9._-]*`, at most 100 bytes.

use std::fmt;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing stands there.
    #[error("a name cannot be empty")]
    Empty,
    /// More than 100 bytes.
    #[error("a name has at most 100 characters")]
    TooLong,
    /// A character outside the alphabet, or one of `._-` in front.
    #[error("a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit")]
    Alphabet,
}

fn checked(text: &str) -> Result<String, NameError> {
    let mut bytes = text.bytes();
    let first = bytes.next().ok_or(NameError::Empty)?;
    if text.len() > 100 {
        return Err(NameError::TooLong);
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !plain(first) || !bytes.all(|byte| plain(byte) || b"._-".contains(&byte)) {
        return Err(NameError::Alphabet);
    }
    Ok(text.to_owned())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks `text` against the alphabet of names.
            ///
            /// # Errors
            /// [`NameError`] says which part of the definition is broken.
            pub fn new(text: &str) -> Result<Self, NameError> {
                checked(text).map(Self)
            }

            /// Returns the name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A person or service that a policy knows.
    PrincipalId;
    /// A group of principals that may fill a place.
    RoleName;
    /// A rule of the policy.
    RuleName;
    /// A named set of refs, and the target of gates.
    EnvironmentName;
    /// A named part of the time.
    WindowName;
    /// A place that notices go to.
    SinkName;
    /// Something outside that is done with a changeset and passes or fails, such as its tests.
    CheckName;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_alphabet() {
        for good in ["a", "0", "db-admins", "team_1.eu", &"x".repeat(100)] {
            assert!(RoleName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "-a", ".a", "a b", "é", "a:b", "a/b", "a\n", &"x".repeat(101)] {
            assert!(RoleName::new(bad).is_err(), "{bad}");
        }
    }
}
