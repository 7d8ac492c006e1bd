//! `[requests]` in `config.toml`: how much may wait for approval (docs/operations.md).

use crate::domain::request::Limits;
use crate::domain::time::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The table as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestSettings {
    /// Whether what a refused push brought is kept.
    pub park: bool,
    /// How long a request may wait: `7d`.
    #[serde(with = "span_text")]
    pub keep: Span,
    /// How many requests of one pusher are kept.
    pub max_count: u64,
    /// How much they may have brought together: `200MB`.
    #[serde(serialize_with = "write_size", deserialize_with = "read_size")]
    pub max_size: u64,
}

/// The units of sizes, largest first, so that the one that fits best is written.
const UNITS: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

impl Default for RequestSettings {
    fn default() -> Self {
        let Limits { park, keep, max_count, max_bytes } = Limits::default();
        Self { park, keep, max_count, max_size: max_bytes }
    }
}

impl From<RequestSettings> for Limits {
    fn from(written: RequestSettings) -> Self {
        let RequestSettings { park, keep, max_count, max_size } = written;
        Self { park, keep, max_count, max_bytes: max_size }
    }
}

/// How a span is written in settings.
pub(super) mod span_text {
    use super::{Deserialize, Deserializer, Serializer, Span};
    use serde::de::Error as _;

    pub fn serialize<S: Serializer>(span: &Span, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(span)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        let span = Span::parse(&String::deserialize(from)?).map_err(D::Error::custom)?;
        if span.as_seconds() == 0 { Err(D::Error::custom("a request waits longer than nothing")) } else { Ok(span) }
    }
}

fn write_size<S: Serializer>(bytes: &u64, to: S) -> Result<S::Ok, S::Error> {
    let fitting = UNITS.iter().find(|(_, unit)| bytes.is_multiple_of(*unit) && *bytes > 0);
    let (name, unit) = fitting.copied().unwrap_or(("B", 1));
    to.collect_str(&format_args!("{}{name}", bytes / unit))
}

fn read_size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let written = String::deserialize(from)?;
    let size = UNITS.iter().find_map(|(name, unit)| {
        let number = written.strip_suffix(name)?.trim_end();
        let digits = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        digits.then(|| number.parse::<u64>().ok()?.checked_mul(*unit))?
    });
    size.ok_or_else(|| D::Error::custom("a size is a number with one of the units B, kB, MB and GB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_usual_value() {
        let read: RequestSettings = toml::from_str("park = true\nmax_size = \"1500 kB\"\n").expect("settings");
        assert_eq!(read, RequestSettings { park: true, max_size: 1_500_000, ..RequestSettings::default() });
        let written = toml::to_string(&RequestSettings::default()).expect("TOML");
        assert_eq!(written, "park = false\nkeep = \"7days\"\nmax_count = 200\nmax_size = \"200MB\"\n");
        assert_eq!(toml::from_str::<RequestSettings>(&written).expect("settings"), RequestSettings::default());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        for bad in [
            "park = \"yes\"",
            "keep = \"0s\"",
            "keep = \"soon\"",
            "max_count = -1",
            "max_size = 200",
            "max_size = \"200\"",
            "max_size = \"-1MB\"",
            "max_size = \"99999999999GB\"",
            "max_size = \"é B\"",
            "quota = 3",
        ] {
            let fault = toml::from_str::<RequestSettings>(&format!("\n{bad}\n")).expect_err(bad);
            assert!(fault.to_string().contains("line 2"), "{bad}: {fault}");
        }
    }
}
