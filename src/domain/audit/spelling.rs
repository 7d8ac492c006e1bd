//! How the domain's values stand in JSON: as the one text that tokens and messages use for them.

use super::merkle::Hash;
use crate::domain::approval::TokenId;
use crate::domain::change::{Action, ChangesetId, ContentId, Pusher, Target};
use crate::domain::name::{PrincipalId, RoleName, RuleName};
use crate::domain::policy::Mode;
use crate::domain::request::RequestId;
use crate::domain::time::Timestamp;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;

macro_rules! spelled {
    ($($type:ty: $read:expr;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                let read: fn(&str) -> Option<Self> = $read;
                read(&text).ok_or_else(|| D::Error::custom(concat!("not a ", stringify!($type))))
            }
        }
    )*};
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
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer};
    use crate::domain::text;

    pub fn serialize<S: Serializer>(words: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
        words.as_ref().map(|words| text::encode(words.as_bytes(), b"")).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        let decode = |written: String| {
            let bytes = text::decode(&written, b"").map_err(D::Error::custom)?;
            String::from_utf8(bytes).map_err(D::Error::custom)
        };
        Option::<String>::deserialize(from)?.map(decode).transpose()
    }
}
