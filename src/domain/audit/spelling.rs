//! How the domain's values stand in JSON: as the one text that tokens and messages use for them.

use super::merkle::Hash;
use crate::domain::approval::TokenId;
use crate::domain::change::{Action, ChangesetId, ContentId, Pusher, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::policy::Mode;
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

macro_rules! spelled {
    ($($type:ty: $read:expr;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read: fn(&str) -> Option<Self> = $read;
                deserializer.deserialize_str(Spelled { read, name: stringify!($type) })
            }
        }
    )*};
}

/// Reads a value from its text where that stands.
struct Spelled<T> {
    read: fn(&str) -> Option<T>,
    name: &'static str,
}

impl<T> Visitor<'_> for Spelled<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.name)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::custom(format_args!("not a {}", self.name)))
    }
}

spelled! {
    Timestamp: |text| Self::parse(text).ok();
    Target: |text| Self::parse(text).ok();
    ChangesetId: |text| Self::parse(text).ok();
    ContentId: Self::parse;
    Action: |text| Self::parse(text).ok();
    PrincipalId: |text| Self::new(text).ok();
    RoleName: |text| Self::new(text).ok();
    RuleName: |text| Self::new(text).ok();
    TokenId: |text| Hash::from_hex(text).map(|hash| Self(hash.0));
    Hash: Self::from_hex;
    RequestId: |text| Self::parse(text).ok();
}

/// [`Mode`] in JSON, in the words of the policy.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Mode", rename_all = "lowercase")]
pub(super) enum ModeText {
    Enforce,
    Observe,
}

/// [`Pusher`] in JSON.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Pusher")]
pub(super) struct PusherText {
    #[serde(with = "outside")]
    login: Option<String>,
    source: String,
}

/// Text from outside in JSON: percent-encoded, in the one spelling of [`crate::domain::text`].
pub(super) mod outside {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Spelled};
    use crate::domain::text;

    pub fn serialize<S: Serializer>(words: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
        words.as_ref().map(|words| text::encode(words.as_bytes(), b"")).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        Ok(Option::<Words>::deserialize(from)?.map(|words| words.0))
    }

    struct Words(String);

    impl<'de> Deserialize<'de> for Words {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let read = |written: &str| String::from_utf8(text::decode(written, b"").ok()?).ok().map(Self);
            from.deserialize_str(Spelled { read, name: "percent-encoded text" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_or_another_text_is_said_by_its_name() {
        for (json, expected) in
            [("5", "invalid type: integer `5`, expected a Timestamp"), ("\"now\"", "not a Timestamp")]
        {
            let error = serde_json::from_str::<Timestamp>(json).expect_err("no time").to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
